import pytest
import torch

from chat.engine.attention import _attend


def reference(query, key, value, window):
    """Every product written out, in float64."""
    q, k, v = (t[0].double() for t in (query, key, value))
    k, v = (t.repeat_interleave(q.shape[0] // k.shape[0], 0) for t in (k, v))
    scores = q @ k.transpose(1, 2) * 0.25
    places = torch.arange(k.shape[1])
    own = places[-q.shape[1] :, None]
    hidden = places > own
    if window:
        hidden |= places <= own - window
    return (scores.masked_fill(hidden, float("-inf")).softmax(-1) @ v).float()[None]


@pytest.mark.parametrize("window", [None, 4, 9])
@pytest.mark.parametrize(("queries", "keys"), [(1, 1), (1, 9), (7, 7), (3, 9), (9, 9)])
def test_queries_see_what_lies_before_them(queries, keys, window):
    if window and queries == 1:
        keys = min(keys, window)  # the ring holds no more
    generator = torch.Generator().manual_seed(queries * keys)
    query = torch.randn(1, 4, queries, 16, generator=generator)
    key, value = torch.randn(2, 1, 2, keys, 16, generator=generator)
    out = _attend(query, key, value, 0.25, window)
    assert torch.allclose(out, reference(query, key, value, window), atol=1e-5)
