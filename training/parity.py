"""Before anything is learned: the ids of training are those that serving will see.

Serving renders with the engine's own tokenizer and template code, training without any model
library. Where the two differ for one example, an adapter would learn a form that nobody ever asks
it in, and no loss would show it. Knows files and ids, no model.
"""

from collections.abc import Iterable, Sequence
from pathlib import Path

from transformers import GenerationConfig, Phi3Config

from chat.engine import EngineError, Message
from chat.engine.rendering import PromptRenderer
from chat.engine.weights import load_tokenizer, stop_ids
from training.errors import RunFailed
from training.tokens import FolderCodec, Turn

# More examples than this show nothing new.
MOST = 500


def check_parity(
    codec: FolderCodec, base_model: Path, examples: Sequence[tuple[int, Sequence[Turn]]]
) -> int:
    """How many examples, spread over all, were found alike; raises RunFailed at the first other.

    `examples` are lines with their messages.
    """
    ends = _stop_ids(base_model)
    if codec.end not in ends:
        raise _differing("An answer's last token is none that serving ends at.")
    renderer = PromptRenderer(load_tokenizer(base_model), ends)
    chosen = examples[:: max(1, len(examples) // MOST)]
    for line, turns in chosen:
        if _served(renderer, turns[:-1]) != codec.prompt(turns[:-1]):
            raise _differing(f"Line {line} has other tokens in serving than in training.")
    return len(chosen)


def _served(renderer: PromptRenderer, turns: Iterable[Turn]) -> list[int] | None:
    messages = [Message(role=turn["role"], content=turn["content"]) for turn in turns]  # type: ignore[typeddict-item]
    try:
        return list(renderer.render(messages).token_ids)
    except EngineError:  # serving would refuse to be asked this
        return None


def _stop_ids(base_model: Path) -> frozenset[int]:
    config = Phi3Config.from_pretrained(base_model)
    try:
        generation = GenerationConfig.from_pretrained(base_model)
    except OSError:
        generation = GenerationConfig.from_model_config(config)
    return stop_ids(generation, config, load_tokenizer(base_model))


def _differing(what: str) -> RunFailed:
    return RunFailed(
        f"{what} Nothing was trained: an adapter would learn what is never asked. Check the "
        "chat template and tokenizer of the base model.",
        code="token_parity",
    )
