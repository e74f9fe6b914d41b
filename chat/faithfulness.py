"""How far an answer as a whole rests on its passages: one figure, for comparing answers.

Half is what its sentences' supports come to, by their length, half the share of its words that the
passages hold at all. On answers that people have rated the two together agree with them better
than either (benchmarks/attribution.py). Pure functions; verdicts are not made from it.
"""

from collections.abc import Iterable, Sequence

from chat.attribution import Attribution, Source
from chat.claims import coverage
from chat.words import content_words, numbers

WORDS_SHARE = 0.5


def faithfulness(
    text: str, sources: Sequence[Source], attributions: Iterable[Attribution]
) -> float:
    """0..1; an answer that claims nothing is as faithful as can be."""
    support: dict[tuple[int, int], float] = {}
    for each in attributions:
        span = (each.start, each.end)
        support[span] = max(support.get(span, 0.0), each.support)
    if not support:
        return 1.0
    length = sum(end - start for start, end in support)
    supported = sum(value * (end - start) for (start, end), value in support.items()) / length
    claimed = " ".join(text[start:end] for start, end in support)
    held: frozenset[str] = frozenset()
    for source in sources:
        held |= _words(f"{source.context} {source.text}")
    return WORDS_SHARE * coverage(_words(claimed), held) + (1 - WORDS_SHARE) * supported


def _words(text: str) -> frozenset[str]:
    return frozenset(content_words(text)) | frozenset(numbers(text))
