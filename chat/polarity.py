"""Whether two sentences on the same matter say the opposite: one denies, or points the other way.

"Covered" and "not covered" share their words, and so do "raises" and "lowers the pressure". Knows
English words alone. Pure functions.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from chat.words import TOKEN, content_words, is_negated, listed, stem

# A denial in one of these parts of a sentence says nothing about the others.
PART = re.compile(
    r"[;|:]|[.!?]\s|,\s+|\s[-–]\s"
    r"|\b(?:but|while|whereas|although|though|because|since|which|who|rather than)\b",
    re.IGNORECASE,
)
# A question, or what somebody set out to learn: it asserts nothing.
OPEN = re.compile(
    r"\?\s*$|\bwhether\b|\b(?:to|we) (?:\w+ly )?(?:investigate|assess|examine|determine|evaluate"
    r"|test(?:ed)?|study|explore|estimate)\b"
    r"|\b(?:is|are|remains?|has been|have been) (?:\w+ ){0,3}"
    r"(?:unknown|unclear|uncertain|undecided|debated|(?:poorly|not|little) (?:yet )?(?:been )?"
    r"(?:known|understood|studied|investigated))\b",
    re.IGNORECASE,
)

# Words that point one way on a scale, and those that point the other way.
_SCALES = (
    (
        "increase increasing raise rise rising rose risen grow growing growth elevate elevated "
        "elevation enhance enhancing boost amplify high higher more great greater large larger "
        "expand expansion upregulate upregulation accelerate acceleration promote stimulate "
        "encourage strengthen strong stronger potentiate augment gain extend fast faster long "
        "longer abundant induce cause enable trigger overestimate overexpression heavy heavier",
        "decrease decreasing reduce reducing reduction low lower lowering fall falling fell fallen "
        "decline drop shrink less fewer small smaller inhibit inhibition suppress suppression "
        "impede block blocking dampen diminish slow slower weaken weak weaker downregulate "
        "downregulation attenuate attenuation loss short shorter shorten minimise minimize hinder "
        "prevent scarce rare delay underestimate light lighter cut lessen mild milder",
    ),
    (
        "improve improvement better best benefit beneficial protect protection protective rescue "
        "restore effective efficacy safe useful good healthy accurate reliable ameliorate repair",
        "worsen worse worst exacerbate exacerbation aggravate harm harmful impair impairment "
        "damage ineffective unsafe dangerous useless bad toxic inaccurate unreliable adverse "
        "destroy",
    ),
    ("presence present", "absence absent lack lacking deficient deficiency deplete depletion"),
    ("include included", "exclude excluded"),
    ("before earlier early first prior", "after later late last following"),
    ("above over exceed exceeding", "below under"),
    ("maximum max most highest", "minimum min least lowest"),
    (
        "allow allowed permit permitted required must mandatory obligatory",
        "forbid forbidden prohibit prohibited ban banned optional voluntary",
    ),
    ("inside internal indoor inner", "outside external outdoor outer"),
    ("open opened on start activate activation", "closed close off stop deactivate disable"),
    ("positive positively", "negative negatively"),
    ("same similar similarly unchanged", "different differ changed unequal"),
)
_SIGNS: dict[str, tuple[int, int]] = {
    stem(word): (scale, sign)
    for scale, (one, other) in enumerate(_SCALES)
    for sign, words in ((1, one), (-1, other))
    for word in listed(words)
}
# Scales of which a sentence may not speak alone: more or less, better or worse.
TOLD = frozenset({0, 1})
PREFIXES = ("un", "in", "im", "ir", "non", "dis", "de")
# Shorter words begin like that without being a denial: into, under.
LEAST = 5


@dataclass(frozen=True)
class Drift:
    """Which way a sentence goes: what each part denies, and where it points on each scale."""

    parts: tuple[tuple[frozenset[str], bool], ...]
    ways: Mapping[int, int]
    stems: frozenset[str]
    is_open: bool

    def denies(self, other: "Drift") -> bool:
        """Whether one says what the other denies, or points the other way."""
        turns = sum(1 for scale, way in self.ways.items() if way * other.ways.get(scale, 0) < 0)
        is_turned = (turns + _prefixed(self.stems, other.stems)) % 2 == 1
        return is_turned or self.negates(other)

    def negates(self, other: "Drift") -> bool:
        """Whether one says what the other denies, part by part."""
        flips = sum(_is_flipped(words, denied, other) for words, denied in self.parts if words)
        return flips % 2 == 1

    def outruns(self, other: "Drift") -> bool:
        """Whether it says more or less, better or worse, and the other not, or asserts nothing."""
        lacking = any(
            way and scale in TOLD and other.ways.get(scale, 0) != way
            for scale, way in self.ways.items()
        )
        return lacking or (other.is_open and not self.is_open)


def drift_of(text: str) -> Drift:
    """Reads a sentence."""
    parts = tuple(
        (frozenset(content_words(part)), is_negated(part)) for part in PART.split(text) if part
    )
    stems = frozenset(stem(token) for token in TOKEN.findall(text.lower()))
    return Drift(parts, _ways(text), stems, bool(OPEN.search(text)))


def _is_flipped(words: frozenset[str], denied: bool, other: Drift) -> bool:
    """Whether the other's part that speaks most of these words is denied where this is not."""
    held, is_denied = max(
        other.parts, key=lambda part: (len(part[0] & words), -len(part[0])), default=(words, denied)
    )
    return bool(held & words) and is_denied != denied


def _ways(text: str) -> dict[int, int]:
    """The way that a text points on each scale that it speaks of; both ways is none."""
    found: dict[int, int] = {}
    for scale, sign in _signs(text):
        found[scale] = sign if found.get(scale, sign) == sign else 0
    return found


def _signs(text: str) -> Iterator[tuple[int, int]]:
    for token in TOKEN.findall(text.lower()):
        for part in token.split("-"):
            if sign := _SIGNS.get(stem(part)):
                yield sign


def _prefixed(here: frozenset[str], there: frozenset[str]) -> int:
    """Words that one sentence has as they are and the other with a denying prefix."""
    return sum(
        prefix + word in others and word not in others and prefix + word not in words
        for words, others in ((here, there), (there, here))
        for word in words
        if len(word) >= LEAST and word not in _SIGNS
        for prefix in PREFIXES
    )
