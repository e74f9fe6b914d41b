"""Fits a prompt into the tokens there are: first the history goes, then passages from the end.

Knows the engine only as something that counts.
"""

from collections.abc import Sequence

from chat.drafts import Draft
from chat.engine import Engine, Message, Prompt
from chat.errors import AnswerFailed
from chat.models import Passage
from chat.prompts import PromptPassage, build_messages

# A passage that is alone and still too long loses a fifth at a time, down to this many characters.
SHORTEST = 200


def fit_prompt(draft: Draft, engine: Engine, *, budget: int) -> Prompt:
    """The longest prompt within `budget` tokens that leaves room for the answer.

    Passages that fall out are marked unused. Raises AnswerFailed when the question alone is long.
    """
    begun = engine.count_tokens(draft.opening) if draft.opening else 0
    limit = min(budget + begun, engine.context_limit - draft.sampling.max_tokens)
    history, used, cut = list(draft.history), draft.used, None
    while True:
        prompt = engine.render(_messages(draft, used, history, cut))
        if len(prompt.token_ids) <= limit:
            break
        if history:
            history = history[2:]
        elif len(used) > 1:
            used = used[:-1]
        elif used and (kept := cut or len(used[0].text)) > SHORTEST:
            cut = int(kept * 0.8)
        else:
            words = "The question is too long for this model. Ask in fewer words."
            raise AnswerFailed(words, code="prompt_too_long")
    for passage in draft.passages:
        passage.is_used = passage in used
    draft.history = history
    return prompt


def _messages(
    draft: Draft, passages: Sequence[Passage], history: Sequence[Message], cut: int | None
) -> list[Message]:
    messages = build_messages(
        draft.question,
        passages=[
            PromptPassage(p.marker, p.document_title, _told(p)[:cut], p.page) for p in passages
        ],
        history=history,
        system_prompt=draft.expert.system_prompt,
        nonce=draft.nonce,
    )
    begun: list[Message] = [{"role": "assistant", "content": draft.opening}]
    return [*messages, *(begun if draft.opening else ())]


def _told(passage: Passage) -> str:
    """Of what was computed only the result: its rows are for people, and lead models astray."""
    return passage.text if passage.computation is None else passage.computation["sentence"]
