"""A PDF → blocks with the place of every line on its page.

Runs in the child process. Reads by pdfium, the very library that makes the page pictures, so that
what is marked on a picture is where the words are.
"""

from pathlib import Path

import pypdfium2 as pdfium

from knowledge.blocks import Block, Extracted
from knowledge.errors import ExtractionFailed
from knowledge.pdf.furniture import without_furniture
from knowledge.pdf.glyphs import PageText, read_page
from knowledge.pdf.layout import Style, blocks_of_page, style_of
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
    """Blocks in reading order, pages counted, pages without text named."""
    document = open_pdf(path)
    count = len(document)
    if count > MAX_PAGES:
        raise ExtractionFailed(
            f"The file has {count:,} pages; {MAX_PAGES:,} are possible. Split it.",
            code="too_many_pages",
        )
    pages: list[PageText] = []
    unreadable: list[int] = []
    for index in range(count):
        try:
            page = document[index]
            pages.append(read_page(page, index + 1, grids(page)))
            page.close()
        except pdfium.PdfiumError:
            unreadable.append(index + 1)
    warnings = _warnings(pages, unreadable)
    empty = [page.number for page in pages if not page.lines and not page.tables]
    if pages and len(empty) == len(pages):
        raise ExtractionFailed(
            "The file holds pictures of pages but no text. Run text recognition (OCR) on it and "
            "upload the result.",
            code="no_text",
        )
    pages = without_furniture(pages)
    return Extracted(
        blocks=_blocks(pages, style_of(pages)), page_count=count, warnings=tuple(warnings)
    )


def _blocks(pages: list[PageText], style: Style) -> tuple[Block, ...]:
    return tuple(block for page in pages for block in blocks_of_page(page, style))


def _warnings(pages: list[PageText], unreadable: list[int]) -> list[str]:
    warnings = []
    empty = [page.number for page in pages if not page.lines and not page.tables]
    if empty:
        warnings.append(f"No text on {ranges('page', empty)}.")
    if unreadable:
        warnings.append(f"Damaged: {ranges('page', unreadable)} could not be read.")
    hidden = sum(page.hidden for page in pages)
    if hidden:
        warnings.append(f"{hidden:,} characters outside the page or too small to see: left out.")
    return warnings
