"""One spelling for each value: JSON whose bytes, and so whose hash, are always the same.

Follows RFC 8785 (JSON Canonicalization Scheme): no blanks, keys sorted by UTF-16 code units,
numbers as ECMAScript prints them. Two liberties: whole numbers keep all their digits, and half a
surrogate pair, which has no bytes, becomes U+FFFD. Knows nothing of what the values mean.
"""

import hashlib
import json
import math
import uuid
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from pathlib import PurePath
from typing import Any

from django.utils.functional import Promise

# Plain enough to have one text; anything else could hide a second spelling.
TEXT_LIKE = (uuid.UUID, Decimal, PurePath, Promise)


def canonical_json(value: Any) -> str:
    """The one JSON text of a value; raises ValueError on NaN and doubled keys, else TypeError."""
    return "".join(_pieces(value))


def sha256(text: str) -> str:
    """Hex digest of a text's UTF-8 bytes."""
    return hashlib.sha256(text.encode()).hexdigest()


def _pieces(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        yield from _object(value)
    elif isinstance(value, list | tuple):
        for position, item in enumerate(value):
            yield "," if position else "["
            yield from _pieces(item)
        yield "]" if value else "[]"
    else:
        yield _scalar(value)


def _object(value: Mapping[Any, Any]) -> Iterator[str]:
    items = {_text(key): item for key, item in value.items()}
    if len(items) != len(value):
        raise ValueError("two keys have the same text")
    for position, key in enumerate(sorted(items, key=lambda key: key.encode("utf-16-be"))):
        yield "," if position else "{"
        yield json.dumps(key, ensure_ascii=False) + ":"
        yield from _pieces(items[key])
    yield "}" if items else "{}"


def _scalar(value: Any) -> str:
    if value is None or isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, int):
        return int.__repr__(value)
    if isinstance(value, float):
        return _number(value)
    return json.dumps(_text(value), ensure_ascii=False)


def _number(value: float) -> str:
    """The shortest digits that read back as the same number, spelled as ECMAScript does."""
    if not math.isfinite(value):
        raise ValueError("not a finite number")
    if value == 0:
        return "0"
    shortest = float.__repr__(value)
    if 1e-6 <= abs(value) < 1e21:
        return format(Decimal(shortest), "f").removesuffix(".0")
    mantissa, _, exponent = shortest.partition("e")
    return f"{mantissa.removesuffix('.0')}e{int(exponent):+d}"


def _text(value: Any) -> str:
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, (int, *TEXT_LIKE)):
        return str(value)
    raise TypeError(f"{type(value).__name__} has no canonical spelling")
