"""Examples that lie end to end are learned as each would be alone."""

import dataclasses

import pytest
import torch

from tests.chat.engine.conftest import make_base
from training.finetuning import Collator
from training.loading import attach_adapter, load_base, pad_id
from training.masking import IGNORED, Masked
from training.packing import NAME, pack_batch

SHORT = Masked([5, 6, 7], [IGNORED, 6, 7])
LONG = Masked(list(range(20, 60)), [IGNORED] * 30 + list(range(50, 60)))


def test_positions_begin_anew_and_only_learned_tokens_are_predicted():
    batch = pack_batch([SHORT, LONG])
    assert batch["input_ids"].tolist() == [[*SHORT.ids, *LONG.ids]]
    assert batch["position_ids"].tolist() == [[0, 1, 2, *range(40)]]
    assert batch["cu_seq_lens_q"].tolist() == [0, 3, 43]
    # The token before says the learned one; the last of an example says nothing of the next.
    assert batch["logits_to_keep"].tolist() == [0, 1, *range(32, 42)]
    assert batch["shift_labels"].tolist() == [[6, 7, *range(50, 60)]]


@pytest.fixture(params=[None, 16], ids=["whole", "window"])
def model(request, tmp_path, recipe):
    folder = make_base(tmp_path / "base", sliding_window=request.param)
    torch.manual_seed(0)
    adapted = attach_adapter(load_base(folder, recipe, torch.float32, on_cpu=True), recipe)
    for name, weights in adapted.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(weights, std=0.1)
    return adapted


def learn(model, batch):
    """The loss of a batch and its gradients."""
    model.zero_grad()
    loss = model(**batch).loss
    loss.backward()
    return loss.item(), {
        name: weights.grad.clone()
        for name, weights in model.named_parameters()
        if weights.requires_grad
    }


def test_loss_and_gradients_are_those_of_a_padded_batch(model):
    padded_loss, padded = learn(model, Collator(pad_id(model))([SHORT, LONG]))
    model.set_attn_implementation(NAME)
    packed_loss, packed = learn(model, Collator(None)([SHORT, LONG]))
    assert packed_loss == pytest.approx(padded_loss, rel=1e-5)
    for name, gradient in padded.items():
        torch.testing.assert_close(packed[name], gradient, rtol=1e-4, atol=1e-6)


def test_an_example_sees_nothing_of_its_neighbours(model):
    model.set_attn_implementation(NAME)
    batch = pack_batch([LONG, SHORT])
    other = pack_batch([Masked([9] * 40, LONG.labels), SHORT])
    with torch.no_grad():
        alone = model(**pack_batch([SHORT])).logits
        assert torch.allclose(model(**batch).logits[:, -2:], alone, atol=1e-5)
        assert torch.allclose(model(**other).logits[:, -2:], alone, atol=1e-5)


def test_noise_on_words_turns_packing_off(base, recipe, tmp_path, monkeypatch):
    from tests.training.test_finetuning import train

    pads = []
    monkeypatch.setattr(
        "training.finetuning.Collator", lambda pad: pads.append(pad) or Collator(pad)
    )
    noisy = dataclasses.replace(recipe, neftune_noise_alpha=5.0, max_steps=2)
    noise, _ = train(noisy, base, tmp_path / "noisy")
    plain, _ = train(
        dataclasses.replace(recipe, packing=False, max_steps=2), base, tmp_path / "plain"
    )
    packed, _ = train(dataclasses.replace(recipe, max_steps=2), base, tmp_path / "packed")
    assert [pad is None for pad in pads] == [False, False, True]
    assert noise.losses()[1] != pytest.approx(plain.losses()[1], rel=1e-4)
    assert packed.losses()[2] == pytest.approx(plain.losses()[2], rel=1e-4)
