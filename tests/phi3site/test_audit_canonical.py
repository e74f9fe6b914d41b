"""Canonical JSON: one value, one text, one hash."""

import json
import uuid
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from phi3site.audit.canonical import canonical_json, sha256

WHOLE = 2**53
scalars = (
    st.none()
    | st.booleans()
    | st.integers(-WHOLE, WHOLE)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)
values = st.recursive(
    scalars, lambda v: st.lists(v, max_size=4) | st.dictionaries(st.text(), v, max_size=4)
)


@given(values)
def test_what_is_written_reads_back_as_the_same_value(value):
    assert json.loads(canonical_json(value), parse_int=float) == value


@given(values)
def test_writing_again_what_was_read_gives_the_same_text(value):
    text = canonical_json(value)
    assert canonical_json(json.loads(text)) == text


@given(st.dictionaries(st.text(), st.integers(), min_size=2))
def test_order_of_keys_makes_no_difference(value):
    backwards = dict(reversed(value.items()))
    assert canonical_json(backwards) == canonical_json(value)


@given(values, values)
def test_other_values_have_another_text(one, other):
    same = json.loads(canonical_json(one)) == json.loads(canonical_json(other))
    if not same:
        assert canonical_json(one) != canonical_json(other)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (1.0, "1"),
        (-0.0, "0"),
        (1e-7, "1e-7"),
        (1.5e-9, "1.5e-9"),
        (0.000001, "0.000001"),
        (1e21, "1e+21"),
        (333333333.33333329, "333333333.3333333"),
        (4.5, "4.5"),
        (True, "true"),
        (10**30, "1" + "0" * 30),
        ("€\x0f\nA'B\"\\/", '"€\\u000f\\nA\'B\\"\\\\/"'),
        ({"b": [], "a": {}}, '{"a":{},"b":[]}'),
        # Astral letters sort before U+FB33, because UTF-16 is what counts.
        ({"\ufb33": 1, "\U0001f600": 2, "\r": 3, "1": 4}, '{"\\r":3,"1":4,"😀":2,"\ufb33":1}'),
    ],
)
def test_spelling_follows_rfc_8785(value, text):
    assert canonical_json(value) == text


def test_ids_dates_and_decimals_are_text():
    id_ = uuid.UUID(int=7)
    moment = datetime(2026, 3, 1, 8, 0, tzinfo=UTC)
    expected = f'["{id_}","2026-03-01T08:00:00+00:00","1.50"]'
    assert canonical_json([id_, moment, Decimal("1.50")]) == expected


def test_half_a_surrogate_pair_can_still_be_hashed():
    text = canonical_json({"name": "a\ud800b"})
    assert text == '{"name":"a\ufffdb"}'
    assert len(sha256(text)) == 64


@pytest.mark.parametrize("value", [float("nan"), float("inf"), {1: "a", "1": "b"}])
def test_values_without_one_spelling_are_refused(value):
    with pytest.raises(ValueError):
        canonical_json([value])


@pytest.mark.parametrize("value", [{1, 2}, b"bytes", object()])
def test_things_without_a_spelling_are_refused(value):
    with pytest.raises(TypeError):
        canonical_json({"value": value})
