"""★ A question becomes a cited answer: passages → prompt → text → citations → receipt.

Told in `answer`; each step lives in a module of its name. Knows no queue and no socket: who claims
answers is told in worker, who reads along in hub.
"""

import asyncio
import logging
import secrets
from collections.abc import Callable
from dataclasses import replace

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from redis.asyncio import Redis

from chat.adapters import adapter_ref
from chat.attribution import attribute
from chat.drafts import Draft, LeaseLost, check_rights, load_draft
from chat.engine import Engine, EngineError, Prompt
from chat.errors import AnswerFailed, ChatError
from chat.events import Event
from chat.finishing import fail, finish
from chat.fitting import fit_prompt
from chat.generation import generate
from chat.grounding import abstain, is_verbatim, search, state_quotes, state_result
from chat.leases import Claim
from chat.ordinals import pointed_at
from chat.reading import key_html, passages_html
from chat.rewriting import stand_alone
from chat.stream import AnswerStream, Superseded
from chat.threads import in_thread
from knowledge import embedding
from knowledge.errors import KnowledgeError
from knowledge.registry import row_of

# Searches and attributions at the same time; more would only take each other's CPU.
ENCODING = 2
# How long the end of an answer is tried while the database is away, in seconds.
PATIENCE = (0.2, 0.5, 1, 2, 4, 8, 15)

logger = logging.getLogger(__name__)


async def answer(
    claim: Claim,
    engine: Engine,
    *,
    valkey: Redis,
    stop: asyncio.Event,
    encoding: asyncio.Semaphore | None = None,
) -> None:
    """Answers one claimed question to its end; a lost lease ends it without a trace."""
    encoding = encoding or asyncio.Semaphore(ENCODING)
    log = AnswerStream(valkey, claim.answer_id, claim.attempt)
    try:
        draft = await in_thread(load_draft)(claim)
        last = await _write(draft, engine, log, stop, encoding)
        await log.append(last)
    except (LeaseLost, Superseded):
        logger.info("answer %s attempt %s was taken over", claim.answer_id, claim.attempt)


async def _write(
    draft: Draft,
    engine: Engine,
    log: AnswerStream,
    stop: asyncio.Event,
    encoding: asyncio.Semaphore,
) -> Event:
    """The steps, and what becomes of an error in one of them."""
    try:
        await _begin(draft, log)
        await _stand_alone(draft, engine, stop)
        async with encoding:
            await _look_up(draft, log)
        if stop.is_set():
            draft.stop_reason = "cancelled"
        elif draft.is_abstention:
            abstain(draft)
        elif not state_quotes(draft):
            if not state_result(draft):
                await _generate(draft, engine, log, stop)
            async with encoding:
                await in_thread(_attribute)(draft)
        draft.lap("total")
        return await _persist(lambda: finish(draft, engine.fingerprint))
    except (ChatError, KnowledgeError) as error:
        if isinstance(error, Superseded):
            raise
        code, message = error.code, error.message
    except EngineError as error:
        code, message = error.code, str(error)
    except LeaseLost:
        raise
    except Exception:
        logger.exception("answer %s failed", draft.claim.answer_id)
        code, message = "internal", "Something went wrong on our side. Ask again in a moment."
    return await _persist(lambda: fail(draft, engine.fingerprint, code=code, message=message))


async def _begin(draft: Draft, log: AnswerStream) -> None:
    if draft.claim.attempt > 1:
        await log.append(Event(type="restarted"))
    await log.append(Event(type="searching"))
    await in_thread(check_rights)(draft)


async def _stand_alone(draft: Draft, engine: Engine, stop: asyncio.Event) -> None:
    """The text to search with: by the engine where that is switched on, else by rule."""
    if item := pointed_at(draft.question, draft.said):
        draft.query = f"{item} {draft.question}"
        return
    is_asked = settings.CHAT_FOLLOW_UPS == "engine" and not draft.retrieval.is_quoting
    if draft.looks_up and is_asked:
        draft.query = await stand_alone(draft.question, draft.earlier, engine, stop=stop)
        draft.lap("rewritten")


async def _look_up(draft: Draft, log: AnswerStream) -> None:
    """Sources appear before the first word, and with them what they say word for word."""
    if not draft.looks_up:
        return
    await in_thread(search)(draft)
    draft.lap("retrieved")
    shown = draft.passages if draft.is_abstention else draft.used
    html = await in_thread(passages_html)(shown)
    key = await in_thread(key_html)([] if is_verbatim(draft) else shown)
    await log.append(Event(type="passages", count=len(draft.used), html=html, key=key))


async def _generate(draft: Draft, engine: Engine, log: AnswerStream, stop: asyncio.Event) -> None:
    draft.nonce = secrets.token_hex(4)
    draft.sampling = replace(draft.sampling, seed=_seed(draft))
    draft.prompt = await in_thread(_fit)(draft, engine)
    adapter = draft.expert.adapter
    loaded = await in_thread(adapter_ref)(adapter) if adapter else None
    await generate(draft, engine, log, adapter=loaded, stop=stop)
    if not draft.text.strip() and draft.stop_reason != "cancelled":
        raise AnswerFailed("The model gave no answer. Ask in other words.", code="empty_answer")


def _fit(draft: Draft, engine: Engine) -> Prompt:
    return fit_prompt(draft, engine, budget=settings.CHAT_CONTEXT_TOKENS)


def _seed(draft: Draft) -> int:
    """The version's own seed, or one that is fixed by the answer's id, for replay."""
    return draft.sampling.seed or draft.claim.answer_id.int % 2**31


def _attribute(draft: Draft) -> None:
    """Which sentence rests on which passage; nothing to say without passages."""
    if draft.sources:
        encoder = embedding.get_encoder()
        draft.attributions = attribute(
            draft.text,
            draft.sources,
            encode=encoder.encode_passages,
            question=draft.question,
            likeness=row_of(encoder).likeness,
        )
        draft.lap("attributed")


async def _persist(write: Callable[[], Event]) -> Event:
    """Writes the end; a database that is away is asked again for half a minute."""
    for pause in PATIENCE:
        try:
            return await in_thread(write)()
        except (DatabaseError, InterfaceError):
            logger.warning("the end of an answer could not be stored yet")
            await asyncio.sleep(pause)
    return await in_thread(write)()
