"""Linear layers in 8 bits: near the real ones, and the same in any company."""

import asyncio

import pytest
import torch

from chat.engine import AdapterRef
from chat.engine.int8 import Int8Linear, quantise_linears
from chat.engine.weights import load_base
from tests.chat.engine.test_phi3 import QUESTIONS, answer_all, ask, collect, make_jobs


@pytest.fixture
def linear():
    torch.manual_seed(3)
    return torch.nn.Linear(96, 80, bias=False).requires_grad_(False)


@pytest.fixture
def rows():
    return torch.randn(33, 96, generator=torch.Generator().manual_seed(4))


def error(linear, rows, **options):
    """How far the result is from the real one, as a share of its length."""
    real = linear(rows)
    return float((Int8Linear(linear, **options)(rows) - real).norm() / real.norm())


def test_results_are_near_the_real_ones(linear, rows):
    once, twice = error(linear, rows), error(linear, rows, is_rounded_twice=True)
    assert once < 0.015
    assert twice < 0.8 * once


def test_one_large_number_does_not_drown_a_row_that_is_rounded_twice(linear, rows):
    rows[:, 5] = 80
    linear.weight.data[:, 5] /= 80
    assert error(linear, rows, is_rounded_twice=True) < 0.25 * error(linear, rows)


@pytest.mark.parametrize("is_rounded_twice", [False, True])
def test_a_row_is_the_same_alone_and_in_company(linear, rows, is_rounded_twice):
    layer = Int8Linear(linear, is_rounded_twice=is_rounded_twice)
    together = layer(rows)
    for place in (0, 7, 32):
        assert torch.equal(layer(rows[place : place + 1])[0], together[place])
    assert torch.equal(layer(rows.flip(0)).flip(0), together)


@pytest.mark.parametrize("is_rounded_twice", [False, True])
def test_processors_without_fast_products_give_the_same(
    linear, rows, is_rounded_twice, monkeypatch
):
    layer = Int8Linear(linear, is_rounded_twice=is_rounded_twice)
    monkeypatch.setattr("chat.engine.int8._has_fast_products", lambda: False)
    plain = Int8Linear(linear, is_rounded_twice=is_rounded_twice)
    torch.testing.assert_close(layer(rows), plain(rows), rtol=0, atol=1e-5)


def test_nothing_gives_nothing(linear):
    assert not Int8Linear(linear)(torch.zeros(2, 96)).any()


def test_shape_and_type_are_those_of_a_linear(linear, rows):
    out = Int8Linear(linear.bfloat16())(rows.bfloat16().reshape(3, 11, 96))
    assert (out.shape, out.dtype) == ((3, 11, 80), torch.bfloat16)


def test_every_linear_of_a_model_is_replaced_and_the_embedding_is_not(base):
    model = load_base(base, dtype=torch.float32).model
    embedding = model.get_input_embeddings().weight.clone()
    quantise_linears(model)
    assert not any(isinstance(part, torch.nn.Linear) for part in model.modules())
    assert torch.equal(model.get_input_embeddings().weight, embedding)
    twice = {n.rpartition(".")[2] for n, m in model.named_modules() if _is_twice(m)}
    assert twice == {"qkv_proj", "down_proj", "lm_head"}


def _is_twice(module):
    return isinstance(module, Int8Linear) and module.is_rounded_twice


async def test_mixed_answers_are_the_same_alone_and_in_company(start, fern, moss):
    engine = start(quantisation="int8")
    assert engine.fingerprint.versions["quantisation"] == "int8"
    jobs = make_jobs(engine, [AdapterRef("fern", fern), AdapterRef("moss", moss)])
    together = await answer_all(engine, jobs)
    for job, tokens in zip(jobs, together, strict=True):
        assert await answer_all(engine, [job]) == [tokens]


async def test_adapters_change_what_is_said(start, fern):
    engine = start(quantisation="int8")
    prompt = engine.render(ask(QUESTIONS[0]))
    plain, with_adapter = await asyncio.gather(
        collect(engine, prompt, max_tokens=12),
        collect(engine, prompt, adapter=AdapterRef("fern", fern), max_tokens=12),
    )
    assert plain != with_adapter
