"""Claim: one shared batch gives several times the tokens of one answer after another.

    python benchmarks/engine_throughput.py MODEL_FOLDER [--streams 1 4 16] [--adapters 0 4] [--int8]
    python benchmarks/engine_throughput.py --true-shape phi3-mini      (random weights, on a GPU)

Prompts of about 1,000 tokens, as questions with many passages are; no two share a passage. For each
number of streams: tokens per second and seconds to the first token, base alone and with adapters
of rank 16 taking turns, against `model.generate` one after another in the same process. Then what
prefix reuse saves a follow-up, and what share of the memory's bandwidth one stream reaches.
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import torch
from safetensors.torch import save_file

from benchmarks.concurrent_answers import Round, ask_in_turn, ask_together, make_prompts
from benchmarks.true_shapes import write_phi3_mini
from chat.bases import linear_shapes
from chat.engine import AdapterRef, Message, Prompt
from chat.engine.batch import BatchLimits
from chat.engine.phi3 import Phi3Engine
from chat.engine.weights import load_base
from chat.fingerprints import write_manifest
from chat.lora_config import TARGETS

RANK = 16
# A passage of the prompts has about 110 tokens.
PASSAGES = 9
GIGABYTE = 1 << 30


def make_adapter(model: Path, base: str, folder: Path, seed: int) -> AdapterRef:
    """Random weights for every projection, small enough to leave sense to an answer."""
    draw = torch.Generator().manual_seed(seed)
    tensors = {}
    for weight, (out, wide) in linear_shapes(model).items():
        name = weight.removesuffix(".weight")
        if name.rpartition(".")[2] in TARGETS:
            for side, shape in (("A", (RANK, wide)), ("B", (out, RANK))):
                weights = torch.randn(shape, generator=draw) * 0.01
                tensors[f"base_model.model.{name}.lora_{side}.weight"] = weights
    folder.mkdir()
    save_file(tensors, folder / "adapter_model.safetensors")
    config = {"peft_type": "LORA", "r": RANK, "lora_alpha": RANK, "target_modules": TARGETS}
    (folder / "adapter_config.json").write_text(json.dumps(config), encoding="utf-8")
    write_manifest(folder, base=base)
    return AdapterRef(folder.name, folder)


def measure_follow_up(engine: Phi3Engine, turn: int) -> tuple[float, float]:
    """Seconds to the first token of a cold prompt, and of one that goes on with it."""
    (cold,) = make_prompts(engine, 1, turn, PASSAGES)
    first = _first_token(engine, cold)
    more: list[Message] = [
        *cold.messages,
        {"role": "assistant", "content": "It says to check the seal every month."},
        {"role": "user", "content": "And the gasket?"},
    ]
    return first, _first_token(engine, engine.render(more))


def _first_token(engine: Phi3Engine, prompt: Prompt) -> float:
    return asyncio.run(ask_together(engine, [prompt], 1)).first[0]


def read_bandwidth(device: torch.device) -> float:
    """Bytes per second that this device reads from memory, the best of some tries."""
    block = torch.ones(GIGABYTE // 4, device=device)
    times = []
    for _ in range(5):
        start = time.perf_counter()
        block.sum().item()
        times.append(time.perf_counter() - start)
    return GIGABYTE / min(times)


def rate_of(rounds: list[Round]) -> float:
    """Tokens per second, the median."""
    return statistics.median(each.tokens / each.total for each in rounds)


def print_row(name: str, rounds: list[Round], baseline: float) -> None:
    """Medians of one way."""
    first = [value for each in rounds for value in each.first]
    p50 = statistics.median(first)
    p95 = statistics.quantiles(first, n=20)[-1] if len(first) > 1 else p50
    rate = rate_of(rounds)
    print(f"{name:<30}{p50:>9.2f}{p95:>9.2f}{rate:>10.1f}{rate / baseline:>8.2f} x", flush=True)


def measure(
    engine: Phi3Engine, options: argparse.Namespace, made: list[AdapterRef], plain: float
) -> None:
    """Every number of streams, alone and with adapters."""
    turn = 100
    for streams in options.streams:
        for count in options.adapters:
            if count > streams:
                continue
            refs: list[AdapterRef | None] = [*made[:count]] or [None]
            rounds = []
            for _ in range(options.rounds):
                turn += 1
                prompts = make_prompts(engine, streams, turn, PASSAGES)
                rounds.append(asyncio.run(ask_together(engine, prompts, options.tokens, refs)))
            name = f"{streams} streams" + (f", {count} adapters" if count else "")
            print_row(name, rounds, plain)


def run(folder: Path, options: argparse.Namespace) -> None:
    """The whole comparison."""
    model = options.model or write_phi3_mini(folder / "base")
    quantisation = "int8" if options.int8 else "nf4" if options.nf4 else None
    limits = BatchLimits(streams=max(options.streams))
    engine = Phi3Engine(model, quantisation=quantisation, limits=limits, max_adapters=16)
    base = load_base(model)
    prompts = make_prompts(engine, options.in_turn, 0, PASSAGES)
    in_turn = [ask_in_turn(base.model, prompts, options.tokens)]
    lengths = [len(prompt.token_ids) for prompt in prompts]
    facts = engine.fingerprint.versions
    print(
        f"prompts of {min(lengths)}-{max(lengths)} tokens, answers of {options.tokens} at most, "
        f"{base.model.device.type}, {facts['dtype']}, {quantisation or 'not quantised'}\n"
    )
    print(f"{'first token:':<30}    p50 s    p95 s  tokens/s     ratio")
    plain = rate_of(in_turn)
    print_row(f"model.generate, {options.in_turn} in turn", in_turn, plain)
    size = sum(p.numel() * p.element_size() for p in base.model.parameters())
    device = base.model.device
    del base
    made = [
        make_adapter(model, engine.fingerprint.base, folder / f"adapter-{n}", n)
        for n in range(max(options.adapters))
    ]
    measure(engine, options, made, plain)
    cold, warm = (
        statistics.median(times)
        for times in zip(*(measure_follow_up(engine, 900 + n) for n in range(3)), strict=True)
    )
    print(f"\nfirst token: cold {cold:.2f} s, follow-up {warm:.2f} s ({warm / cold:.2f})")
    step = _seconds_per_token(engine)
    share = size / step / read_bandwidth(device)
    print(f"one stream: {step * 1000:.1f} ms per token, {share:.0%} of the memory's bandwidth")
    engine.close()


def _seconds_per_token(engine: Phi3Engine) -> float:
    """Without the prompt: the time between the first and the last token of one answer."""
    (prompt,) = make_prompts(engine, 1, 990, 1)
    asked = asyncio.run(ask_together(engine, [prompt], 64))
    return (asked.total - asked.first[0]) / max(1, asked.tokens - 1)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("model", type=Path, nargs="?")
    parser.add_argument("--true-shape", choices=["phi3-mini"], help="random weights in this shape")
    parser.add_argument("--streams", type=int, nargs="+", default=[1, 2, 4, 8, 16, 32])
    parser.add_argument("--adapters", type=int, nargs="+", default=[0, 1, 4])
    parser.add_argument("--tokens", type=int, default=64, help="tokens per answer, at most")
    parser.add_argument("--in-turn", type=int, default=4, help="questions for model.generate")
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--int8", action="store_true")
    parser.add_argument("--nf4", action="store_true")
    options = parser.parse_args()
    if not options.model and not options.true_shape:
        parser.error("name a model folder, or --true-shape phi3-mini")
    with tempfile.TemporaryDirectory() as folder:
        run(Path(folder), options)


if __name__ == "__main__":
    main()
