"""A PDF → blocks with the place of every line on its page.

Runs in the child process. Reads by pdfium, the very library that makes the page pictures, so that
what is marked on a picture is where the words are.
"""

from pathlib import Path

import pypdfium2 as pdfium

from knowledge.blocks import Extracted
from knowledge.counts import counted
from knowledge.errors import ExtractionFailed
from knowledge.pdf import recognition
from knowledge.pdf.furniture import without_furniture
from knowledge.pdf.glyphs import MAX_CHARACTERS, PageText, read_page
from knowledge.pdf.layout import blocks_of_page, style_of
from knowledge.pdf.recognition import Recognised
from knowledge.pdf.rules import grids
from knowledge.wording import ranges

MAX_PAGES = 5_000


def open_pdf(path: Path) -> pdfium.PdfDocument:
    """The document. Raises ExtractionFailed when it is protected or damaged."""
    try:
        return pdfium.PdfDocument(path)
    except pdfium.PdfiumError as error:
        if "password" in str(error).lower():
            raise ExtractionFailed(
                "The file is protected by a password. Remove the protection and upload it again.",
                code="file_encrypted",
            ) from error
        raise ExtractionFailed(
            "The file is damaged and can't be read as a PDF. Open it, save it again, then upload.",
            code="file_damaged",
        ) from error


def read(path: Path) -> Extracted:
    """Blocks in reading order, pages counted, pages without text recognised or named."""
    document = open_pdf(path)
    count = len(document)
    if count > MAX_PAGES:
        raise ExtractionFailed(
            f"The file has {count:,} pages; {MAX_PAGES:,} are possible. Split it.",
            code="too_many_pages",
        )
    pages, unreadable = _pages(document)
    empty = [page for page in pages if not _has_words(page)]
    is_read = bool(empty) and recognition.is_installed()
    recognised = recognition.recognise(document, empty) if is_read else Recognised()
    if not is_read:
        recognised.without_text = [page.number for page in empty]
    if not any(map(_has_words, pages)):
        raise _no_text(pages, recognised, is_read=is_read)
    pages = without_furniture(pages)
    style = style_of(pages)
    return Extracted(
        blocks=tuple(block for page in pages for block in blocks_of_page(page, style)),
        page_count=count,
        warnings=tuple(_warnings(pages, unreadable, recognised)),
    )


def _has_words(page: PageText) -> bool:
    """A font that keeps its letters' names to itself gives signs and no words."""
    return bool(page.tables) or any(map(str.isalnum, "".join(line.text for line in page.lines)))


def _pages(document: pdfium.PdfDocument) -> tuple[list[PageText], list[int]]:
    """The text of all pages, and the numbers of those that can't be opened."""
    pages: list[PageText] = []
    unreadable: list[int] = []
    for index in range(len(document)):
        try:
            page = document[index]
            pages.append(read_page(page, index + 1, grids(page)))
            page.close()
        except pdfium.PdfiumError:
            unreadable.append(index + 1)
    return pages, unreadable


def _no_text(pages: list[PageText], recognised: Recognised, *, is_read: bool) -> ExtractionFailed:
    """Why nothing was found, and what to do."""
    if not pages:
        return ExtractionFailed(
            "None of the pages can be opened. Open the file, save it again, then upload.",
            code="file_damaged",
        )
    if recognised.too_late:
        message = "The file holds pictures of pages, and the time was too short to read them."
        return ExtractionFailed(f"{message} Split it.", code="extraction_time")
    if recognised.fault:
        return recognised.fault
    if recognised.broken:
        return ExtractionFailed(
            "The file holds pictures of pages, and text recognition (OCR) broke on them. Save them "
            "smaller or sharper, then upload the file again.",
            code="ocr_broken",
        )
    if is_read:
        message = "No text on any page, and text recognition (OCR) found none in their pictures."
        return ExtractionFailed(f"{message} Nothing of it can be found later.", code="no_text")
    return ExtractionFailed(
        "The file holds pictures of pages but no text. Install tesseract-ocr where the ingestion "
        "worker runs, or run text recognition (OCR) on the file, then upload it again.",
        code="no_text",
    )


def _warnings(pages: list[PageText], unreadable: list[int], recognised: Recognised) -> list[str]:
    warnings = []
    if recognised.pages:
        read_so = ranges("page", recognised.pages)
        warnings.append(f"Read by text recognition (OCR), which may err: {read_so}.")
    if recognised.without_text:
        warnings.append(f"No text on {ranges('page', recognised.without_text)}.")
    if recognised.too_late:
        left = ranges("page", recognised.too_late)
        warnings.append(f"Pictures, not read since the time was too short: {left}.")
    if recognised.broken:
        left = ranges("page", recognised.broken)
        why = f" {recognised.fault.message}" if recognised.fault else ""
        warnings.append(f"Text recognition (OCR) broke on {left}: not read.{why}")
    if unreadable:
        warnings.append(f"Damaged: {ranges('page', unreadable)} could not be read.")
    cut = [page for page in pages if page.characters > MAX_CHARACTERS]
    if cut:
        lost = sum(page.characters - MAX_CHARACTERS for page in cut)
        places = ranges("page", [page.number for page in cut])
        told = counted(lost, "{} character", "{} characters")
        warnings.append(f"{told} beyond {MAX_CHARACTERS:,} on {places}: not read.")
    hidden = sum(page.hidden for page in pages)
    if hidden:
        told = counted(hidden, "{} character", "{} characters")
        warnings.append(f"{told} outside the page or too small to see: left out.")
    return warnings
