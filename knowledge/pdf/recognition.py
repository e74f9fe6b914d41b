"""Pictures of pages → lines of words with their places, by tesseract through kreuzberg.

Only where tesseract is installed, and only as long as the time of this process allows. Knows no
structure: what it finds goes the way of any other page.
"""

import io
import os
import resource
import shutil
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from statistics import median

import pypdfium2 as pdfium
import pypdfium2.raw as raw

from knowledge.errors import ExtractionFailed
from knowledge.pdf.apart import each_apart
from knowledge.pdf.geometry import Area, Frame, union
from knowledge.pdf.glyphs import CELL_GAP, PageText, TextLine
from knowledge.pdf.rules import frame_of

# How the parent tells this process which languages to look for.
LANGUAGES = "OCR_LANGUAGES"
DOTS_PER_INCH = 200
MAX_PIXELS = 9_000_000
# A picture inside a page that unpacks to more than this is not opened.
MAX_PICTURE = 120_000_000
# Of the time this process has, so that what was found can still be put together.
SHARE_OF_TIME = 0.7
# Words that tesseract itself doubts more are noise.
LEAST_CONFIDENCE = 30.0
SECONDS_FOR_A_PAGE = 60.0
_WORD, _COLUMNS = "5", 12
# A line this much higher than the page's others is set larger; less is chance.
_LARGER = 1.45


@dataclass
class Recognised:
    """What became of the pages that hold no text."""

    pages: list[int] = field(default_factory=list)
    # Nothing to be seen, or nothing that is a word.
    without_text: list[int] = field(default_factory=list)
    too_late: list[int] = field(default_factory=list)
    # The reader broke on them, or took too long.
    broken: list[int] = field(default_factory=list)
    # Why none could be read, where that is known.
    fault: ExtractionFailed | None = None


@dataclass(frozen=True)
class _Word:
    text: str
    area: Area
    line: tuple[str, ...]


def is_installed() -> bool:
    """Whether this machine can read pictures."""
    return shutil.which("tesseract") is not None


def recognise(document: pdfium.PdfDocument, pages: list[PageText]) -> Recognised:
    """Fills the given pages with what is to be read on their pictures."""
    found, start = Recognised(), time.monotonic()
    results = each_apart(lambda page: _lines(document, page), pages, seconds=SECONDS_FOR_A_PAGE)
    for page in pages:
        if not _has_time(start) or found.fault:
            (found.broken if found.fault else found.too_late).append(page.number)
            continue
        _page, lines = next(results)
        if isinstance(lines, ExtractionFailed):
            found.fault = lines
        if not isinstance(lines, list):
            found.broken.append(page.number)
            continue
        page.lines = lines
        (found.pages if lines else found.without_text).append(page.number)
    results.close()
    return found


def _has_time(start: float) -> bool:
    """By the limit that this process has on its CPU, which is the one on its wall time too."""
    limit = resource.getrlimit(resource.RLIMIT_CPU)[0]
    if limit == resource.RLIM_INFINITY:
        return True
    spent = time.process_time() + time.monotonic() - start
    return spent < SHARE_OF_TIME * limit


def _lines(document: pdfium.PdfDocument, text: PageText) -> list[TextLine] | ExtractionFailed:
    """Runs in a process of its own: neither drawing nor reading a page is safe."""
    page = document[text.number - 1]
    picture = _picture(page)
    if picture is None:
        return []
    try:
        return _in_order(list(_words(_table_of_words(picture), frame_of(page))))
    except ExtractionFailed as error:
        return error


def _picture(page: pdfium.PdfPage) -> bytes | None:
    """The page as PNG; None when it is blank or too large to draw."""
    if any(_pixels(found) > MAX_PICTURE for found in page.get_objects([raw.FPDF_PAGEOBJ_IMAGE])):
        return None
    width, height = page.get_size()
    scale = min(DOTS_PER_INCH / 72, (MAX_PIXELS / max(1.0, width * height)) ** 0.5)
    image = page.render(scale=scale, grayscale=True).to_pil()
    darkest, brightest = image.getextrema()
    if brightest - darkest < 32:
        return None
    buffer = io.BytesIO()
    image.save(buffer, "PNG", compress_level=1, dpi=(DOTS_PER_INCH, DOTS_PER_INCH))
    return buffer.getvalue()


def _pixels(picture: pdfium.PdfImage) -> int:
    width, height = picture.get_px_size()
    return int(width * height)


def _table_of_words(picture: bytes) -> str:
    """Tesseract's own table: a row for the page, each line and each word."""
    from kreuzberg import (
        ExtractionConfig,
        KreuzbergError,
        OcrConfig,
        TesseractConfig,
        extract_bytes_sync,
    )

    settings = TesseractConfig(output_format="tsv", psm=3, use_cache=False)
    language = os.environ.get(LANGUAGES) or "eng"
    ocr = OcrConfig(backend="tesseract", language=language, tesseract_config=settings)
    config = ExtractionConfig(use_cache=False, ocr=ocr)
    try:
        return str(extract_bytes_sync(picture, "image/png", config=config).content)
    except (KreuzbergError, RuntimeError, ValueError, OSError) as error:
        if "memory" in str(error).lower():
            raise MemoryError from error
        raise ExtractionFailed(
            f"Text recognition (OCR) failed for the language “{language}”. Install tesseract's "
            "data for it, or change KNOWLEDGE_OCR_LANGUAGES.",
            code="ocr_failed",
        ) from error


def _words(table: str, frame: Frame) -> Iterator[_Word]:
    """Words with their place on the page; the first row says how large the picture was."""
    rows = [line.split("\t") for line in table.split("\n")]
    if not rows or len(rows[0]) < _COLUMNS - 1:
        return
    width, height = frame.size
    across, down = width / max(1, int(rows[0][8])), height / max(1, int(rows[0][9]))
    for row in rows:
        if row[0] != _WORD or len(row) < _COLUMNS or not row[11].strip():
            continue
        left, top, wide, high = (int(value) for value in row[6:10])
        if float(row[10]) < LEAST_CONFIDENCE:
            continue
        area = Area(left * across, top * down, (left + wide) * across, (top + high) * down)
        yield _Word(row[11].strip(), area, tuple(row[2:5]))


def _in_order(words: list[_Word]) -> list[TextLine]:
    """Lines as tesseract found them, all of the page's usual height unless plainly larger."""
    lines: dict[tuple[str, ...], list[_Word]] = {}
    for word in words:
        lines.setdefault(word.line, []).append(word)
    if not lines:
        return []
    usual = median(union(word.area for word in line).height for line in lines.values())
    return [_line(line, usual) for line in lines.values()]


def _line(words: list[_Word], usual: float) -> TextLine:
    area = union(word.area for word in words)
    size = area.height if area.height > _LARGER * usual else usual
    parts: list[list[_Word]] = []
    for word in words:
        gap = word.area.left - parts[-1][-1].area.right if parts else 0.0
        if not parts or gap > CELL_GAP * usual:
            parts.append([])
        parts[-1].append(word)
    cells = tuple((_joined(part), union(word.area for word in part)) for part in parts)
    return TextLine(_joined(words), area, size, False, cells)


def _joined(words: list[_Word]) -> str:
    return " ".join(word.text for word in words)
