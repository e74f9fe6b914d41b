"""Makes the demo documents from their sources: `python -m phi3site.demo.make_documents`.

Needs the libraries of requirements-dev.txt. The same sources always give the same bytes: clocks
inside the files are set to the date of the demo.
"""

import re
import shutil
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

from phi3site.demo import DOCUMENTS, SOURCES
from phi3site.demo.blocks import Source, read_source
from phi3site.demo.pdf import write_pdf
from phi3site.demo.slides import write_pptx
from phi3site.demo.tables import write_parts, write_price_list, write_training_catalogue
from phi3site.demo.web import write_html, write_markdown
from phi3site.demo.word import write_docx

WRITERS: dict[str, Callable[[Source, Path], None]] = {
    ".pdf": write_pdf,
    ".docx": write_docx,
    ".pptx": write_pptx,
    ".html": write_html,
    ".md": write_markdown,
}
CLOCK = (2026, 6, 1, 8, 0, 0)
CORE_DATES = re.compile(rb"(<dcterms:(created|modified)[^>]*>)[^<]*")


def make_documents(target: Path = DOCUMENTS) -> list[Path]:
    """Writes every document into `target/<collection>/`; returns the files."""
    for path in sorted(SOURCES.glob("*/*.md")):
        source = read_source(path)
        file = _place(target, path.parent.name, source.file)
        WRITERS[file.suffix](source, file)
    write_parts(_place(target, "service", "spare-parts.csv"))
    write_price_list(_place(target, "service", "price-list.xlsx"))
    write_training_catalogue(_place(target, "office", "training-catalogue.xlsx"))
    incidents = SOURCES / "service" / "incident-log.csv"
    shutil.copyfile(incidents, _place(target, "service", incidents.name))
    files = sorted(path for path in target.glob("*/*") if path.is_file())
    for file in files:
        if file.suffix in {".docx", ".pptx", ".xlsx"}:
            set_clock(file)
    return files


def set_clock(path: Path) -> None:
    """Packs an Office file again with fixed times, so that the same content is the same file."""
    with zipfile.ZipFile(path) as old:
        parts = [(info.filename, old.read(info)) for info in old.infolist()]
    stamp = "{}-{:02}-{:02}T{:02}:{:02}:{:02}Z".format(*CLOCK).encode()
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as new:
        for name, data in parts:
            if name == "docProps/core.xml":
                data = CORE_DATES.sub(rb"\g<1>" + stamp, data)
            info = zipfile.ZipInfo(name, CLOCK)
            info.compress_type = zipfile.ZIP_DEFLATED
            new.writestr(info, data)


def _place(target: Path, collection: str, name: str) -> Path:
    folder = target / collection
    folder.mkdir(parents=True, exist_ok=True)
    return folder / name


if __name__ == "__main__":
    for made in make_documents():
        sys.stdout.write(f"{made.stat().st_size:>8} {made.relative_to(DOCUMENTS)}\n")
