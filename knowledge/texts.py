"""Bytes of a text file → text, whatever its encoding. Runs in the child process."""

import codecs
import re

from knowledge.counts import counted

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# Guesses need this many letters beyond ASCII; a shorter text is taken as Western.
_FEWEST = 40
_SAMPLE = 100_000
_WESTERN = "cp1252"
_SHOWN = {"cp1252": "Windows Latin 1"}


def decode(data: bytes, *, hint: str = "") -> tuple[str, list[str]]:
    """The text, and a warning when its encoding had to be guessed or was broken.

    `hint` is the encoding that the text itself declares; it counts where UTF-8 doesn't fit.
    """
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            return _with_losses(data[len(mark) :].decode(encoding, errors="replace"))
    if (wide := _wide_encoding(data)) is not None:
        return data.decode(wide, errors="replace"), [f"The text was read as {wide.upper()}."]
    try:
        return data.decode("utf-8"), []
    except UnicodeDecodeError:
        pass
    mended = data.decode("utf-8", errors="replace")
    if _is_nearly_utf8(data, mended):
        return _with_losses(mended)
    if (declared := _declared(data, hint)) is not None:
        return declared, []
    encoding = _guessed(data)
    name = _SHOWN.get(encoding, encoding.replace("_", "-").upper())
    text = data.decode(encoding, errors="replace")
    return text, [f"The text is not UTF-8; it was read as {name}."]


def _with_losses(text: str) -> tuple[str, list[str]]:
    lost = text.count("�")
    told = counted(lost, "{} broken character", "{} broken characters")
    return text, [f"{told} could not be read."] if lost else []


def _wide_encoding(data: bytes) -> str | None:
    """UTF-16 without a mark: every other byte of Western text is zero."""
    sample = data[:4_000]
    if len(sample) < 8 or b"\0" not in sample:
        return None
    even, odd = sample[::2].count(0), sample[1::2].count(0)
    half = len(sample) // 2
    if odd > 0.4 * half and even < 0.05 * half:
        return "utf-16-le"
    if even > 0.4 * half and odd < 0.05 * half:
        return "utf-16-be"
    return None


def _is_nearly_utf8(data: bytes, mended: str) -> bool:
    """Whether a few bytes are broken in a text that is UTF-8 otherwise."""
    foreign = sum(1 for char in mended if char > "\x7f")
    return mended.count("�") <= 0.1 * foreign


def _declared(data: bytes, hint: str) -> str | None:
    """The text in the encoding it declares, if Python knows that and it fits."""
    try:
        # UTF-7 and its like hide ASCII mark-up: none of them is believed.
        name = codecs.lookup(hint).name if re.fullmatch(r"[\w-]{2,30}", hint) else "utf-8"
        return None if name.startswith("utf") else data.decode(name)
    except (LookupError, UnicodeError, ValueError):
        return None


def _guessed(data: bytes) -> str:
    """The likeliest encoding of a text that is long enough to tell, else Western."""
    sample = data[:_SAMPLE]
    if sum(1 for byte in sample if byte > 0x7F) < _FEWEST:
        return _WESTERN
    from charset_normalizer import from_bytes

    best = from_bytes(sample, cp_exclusion=["utf_7"], enable_fallback=False).best()
    return best.encoding if best is not None else _WESTERN
