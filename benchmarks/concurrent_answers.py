"""Claim: questions asked at once are answered together, several times faster than in turn.

    python benchmarks/concurrent_answers.py MODEL_FOLDER [--questions 16] [--rounds 3] [--int8]

Asks N questions with prompts as the product builds them (system prompt, three passages of about
110 tokens, question last) at the same moment through `Phi3Engine`, then the same prompts one after
another through the same library's `model.generate`, in alternating rounds of one process. `--int8`
asks an engine in 8 bits as well, whose answers may end elsewhere. Prints medians; the last two
columns are total time and tokens per second against `model.generate`.
"""

import argparse
import asyncio
import itertools
import random
import statistics
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from chat.engine import AdapterRef, Prompt, Sampling
from chat.engine.phi3 import Phi3Engine
from chat.engine.weights import load_base
from chat.prompts import PromptPassage, build_messages

TEXT = """pump valve pressure seal gasket motor bearing filter hose warranty repair month customer
order price table safety manual service team check replace every before after within never"""
WORDS = TEXT.split()


@dataclass(frozen=True)
class Round:
    """What one way of answering took: seconds to each first token, seconds in all, tokens."""

    first: list[float]
    total: float
    cpu: float
    tokens: int


def make_prompts(engine: Phi3Engine, count: int, turn: int, size: int) -> list[Prompt]:
    """Prompts as the product builds them; no two share a passage, so the prefix cache is cold."""
    prompts = []
    for number in range(turn * count, (turn + 1) * count):
        draw = random.Random(number)
        passages = [
            PromptPassage(i, f"Manual {number}-{i}", _paragraph(draw), page=i)
            for i in range(1, size + 1)
        ]
        question = f"What does the manual say about the {draw.choice(WORDS)}?"
        prompts.append(engine.render(build_messages(question, passages=passages)))
    return prompts


def _paragraph(draw: random.Random) -> str:
    sentences = (" ".join(draw.choices(WORDS, k=12)).capitalize() for _ in range(6))
    return ". ".join(sentences) + "."


async def ask_together(
    engine: Phi3Engine,
    prompts: list[Prompt],
    tokens: int,
    adapters: Sequence[AdapterRef | None] = (None,),
) -> Round:
    """All at the same moment, in one event loop; the adapters take turns."""
    start, cpu = time.perf_counter(), time.process_time()

    async def ask(prompt: Prompt, adapter: AdapterRef | None) -> tuple[float, int]:
        first, count = 0.0, 0
        sampling = Sampling(max_tokens=tokens)
        async for piece in engine.stream(prompt, sampling, adapter=adapter):
            first = first or time.perf_counter() - start
            count += piece.tokens
        return first, count

    answers = await asyncio.gather(*map(ask, prompts, itertools.cycle(adapters)))
    total = time.perf_counter() - start
    firsts = [first for first, _ in answers]
    return Round(firsts, total, time.process_time() - cpu, sum(count for _, count in answers))


class _FirstToken:
    """A streamer that only notes when the first token of an answer came."""

    def __init__(self) -> None:
        self.times: list[float] = []

    def put(self, value: torch.Tensor) -> None:
        self.times.append(time.perf_counter())

    def end(self) -> None:
        """Nothing to flush."""


def ask_in_turn(model: torch.nn.Module, prompts: list[Prompt], counts: int) -> Round:
    """One after another; a question waits for those before it."""
    start, cpu = time.perf_counter(), time.process_time()
    firsts, tokens = [], 0
    for prompt in prompts:
        ids, streamer = torch.tensor([prompt.token_ids], device=model.device), _FirstToken()
        out = model.generate(
            input_ids=ids,
            attention_mask=torch.ones_like(ids),
            max_new_tokens=counts,
            do_sample=False,
            streamer=streamer,
        )
        tokens += out.shape[1] - ids.shape[1]
        firsts.append(streamer.times[1] - start)  # the first call brings the prompt
    return Round(firsts, time.perf_counter() - start, time.process_time() - cpu, tokens)


def print_table(name: str, rounds: list[Round], baseline: list[Round]) -> None:
    """One row of medians, compared with those of the baseline."""
    first = [value for each in rounds for value in each.first]
    total, rate = _medians(rounds)
    plain_total, plain_rate = _medians(baseline)
    p50, p95 = statistics.median(first), statistics.quantiles(first, n=20)[-1]
    cpu = statistics.median(each.cpu for each in rounds)
    print(
        f"{name:<16}{p50:>9.1f}{p95:>9.1f}{total:>9.1f}{cpu:>9.1f}{rate:>10.1f}"
        f"{plain_total / total:>8.1f} x{rate / plain_rate:>8.1f} x"
    )


def _medians(rounds: list[Round]) -> tuple[float, float]:
    rates = [each.tokens / each.total for each in rounds]
    return statistics.median(each.total for each in rounds), statistics.median(rates)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model", type=Path)
    parser.add_argument("--questions", type=int, default=16)
    parser.add_argument("--tokens", type=int, default=128, help="tokens per answer, at most")
    parser.add_argument("--passages", type=int, default=3, help="passages per prompt")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--int8", action="store_true", help="also in 8 bits")
    options = parser.parse_args()
    engines = {"Phi3Engine": Phi3Engine(options.model)}
    if options.int8:
        engines["Phi3Engine int8"] = Phi3Engine(options.model, quantisation="int8")
    engine = engines["Phi3Engine"]
    plain = load_base(options.model).model
    in_turn: list[Round] = []
    together: dict[str, list[Round]] = {name: [] for name in engines}
    for turn in range(options.rounds):
        prompts = make_prompts(engine, options.questions, turn, options.passages)
        in_turn.append(ask_in_turn(plain, prompts, options.tokens))
        for name, each in engines.items():
            asked = asyncio.run(ask_together(each, prompts, options.tokens))
            together[name].append(asked)
    lengths = [len(prompt.token_ids) for prompt in prompts]
    facts = engine.fingerprint.versions
    length = together["Phi3Engine"][0].tokens // options.questions
    print(
        f"{options.questions} questions, prompts of {min(lengths)}-{max(lengths)} tokens, "
        f"{length} tokens per answer, {facts['dtype']}, "
        f"{torch.get_num_threads()} threads, medians of {options.rounds} rounds\n"
    )
    print(f"{'first token:':<16}    p50 s    p95 s  total s    cpu s  tokens/s      time    tokens")
    print_table("model.generate", in_turn, in_turn)
    for name, each in engines.items():
        print_table(name, together[name], in_turn)
        each.close()


if __name__ == "__main__":
    main()
