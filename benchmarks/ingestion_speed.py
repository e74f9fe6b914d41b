"""Claim: from upload to ready costs little more than the vectors, and memory stays flat.

    python benchmarks/ingestion_speed.py FILE.pdf… [--join] [--json OUT]

Uploads and ingests real PDFs through the product, in a database of its own, then runs a plain
script over them in the same process: pypdf, a recursive character splitter, sentence-transformers'
`encode` with the same weights, `executemany`. Prints CPU-seconds per stage, pages and chunks per
CPU-second, how much of each one's words the other has, and the memory of the ingesting process:
without the model, with it, and at its peak. `--join` makes one document of all the files.
"""

import argparse
import json
import re
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.ingestion_meter import Meter, memory, reset_peak
from benchmarks.throwaway import site

STAGES = ("extract", "chunk", "embed", "index", "other")
_WORD = re.compile(r"\w{2,}")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("files", type=Path, nargs="+")
    parser.add_argument("--join", action="store_true", help="one document of all files")
    parser.add_argument("--json", type=Path, help="where the figures are written")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, site():
        paths = [joined(options.files, Path(folder))] if options.join else options.files
        figures = measure(paths, Path(folder))
    print(report(figures))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return 0


def joined(paths: list[Path], folder: Path) -> Path:
    """One PDF with the pages of all."""
    import pypdfium2 as pdfium

    whole = pdfium.PdfDocument.new()
    for path in paths:
        whole.import_pages(pdfium.PdfDocument(path))
    target = folder / "joined.pdf"
    whole.save(target)
    return target


def measure(paths: list[Path], folder: Path) -> dict[str, Any]:
    """Both ways over the same files, one after the other."""
    from django.conf import settings

    settings.MEDIA_ROOT = folder / "media"
    ours, plain = Meter("product"), Meter("plain script")
    without_model = memory()[0]
    encoder, model = _encoders()
    with_model = memory()[1]
    reset_peak()
    texts, pages = ingest(paths, encoder, ours)
    peak = memory()[1]
    plain_texts: list[str] = []
    from benchmarks.ingestion_plain import ingest_plainly

    with plain.whole():
        for path in paths:
            plain_texts += ingest_plainly(path, model, plain)
    return {
        "documents": len(paths),
        "pages": pages,
        "ways": [_way(meter, pages) for meter in (ours, plain)],
        "words found by the plain script that the product has": shared(plain_texts, texts),
        "words found by the product that the plain script has": shared(texts, plain_texts),
        "MB without the model": round(without_model),
        "MB with the model at work": round(with_model),
        "MB at the peak": round(peak),
        "MB at the peak, the model's share taken off": round(peak - with_model + without_model),
    }


def _encoders() -> tuple[Any, Any]:
    """The product's encoder, warm, and the bare model inside it: the same weights for both."""
    from knowledge import embedding, ingestion

    encoder: Any = embedding.get_encoder()
    # One full batch of the longest texts: what the model needs at work is its own share.
    encoder.encode_passages(["seal " * 2 * encoder.max_tokens] * ingestion.EMBEDDING_BATCH)
    return encoder, encoder._model


def ingest(paths: list[Path], encoder: Any, meter: Meter) -> tuple[list[str], int]:
    """From upload to ready; the chunks' texts, and the pages."""
    from django.contrib.auth.models import User
    from django.core.files import File

    from knowledge import ingestion
    from knowledge.models import Chunk, Collection
    from knowledge.uploads import upload_document

    actor = User.objects.create_user("benchmark")
    collection = Collection.objects.create(name="Benchmark")
    encoder.encode_passages = meter.timed(encoder.encode_passages, "embed")
    for name, stage in (("extract", "extract"), ("_chunks", "chunk"), ("publish", "index")):
        setattr(ingestion, name, meter.timed(getattr(ingestion, name), stage))
    pages = 0
    with meter.whole():
        for path in paths:
            with path.open("rb") as file:
                version = upload_document(collection, File(file, name=path.name), actor=actor)
            ingestion.ingest(str(version.pk))
            version.refresh_from_db()
            if version.status != version.Status.READY:
                raise SystemExit(f"{path.name}: {version.error}")
            pages += version.page_count or 0
    del encoder.encode_passages
    texts = list(Chunk.objects.values_list("text", flat=True))
    meter.chunks = len(texts)
    return texts, pages


def _way(meter: Meter, pages: int) -> dict[str, Any]:
    stages = {name: round(meter.cpu[name], 2) for name in STAGES[:-1]}
    stages["other"] = round(meter.total - sum(meter.cpu.values()), 2)
    return {
        "name": meter.name,
        "chunks": meter.chunks,
        "cpu": stages,
        "total": round(meter.total, 2),
        "seconds": round(meter.seconds, 2),
        "pages per CPU-second": round(pages / meter.total, 1),
        "chunks per CPU-second": round(meter.chunks / meter.total, 1),
    }


def shared(wanted: list[str], found: list[str]) -> float:
    """The share of the words of one, each as often as it stands there once, that the other has."""
    has = Counter(word for text in found for word in _WORD.findall(text.lower()))
    wants = Counter(word for text in wanted for word in _WORD.findall(text.lower()))
    held = sum(count for word, count in wants.items() if word in has)
    return round(held / max(1, wants.total()), 4)


def report(figures: dict[str, Any]) -> str:
    """The figures as a table."""
    lines = [f"{figures['documents']} documents, {figures['pages']} pages; CPU-seconds", ""]
    heads = (*STAGES, "total", "wall s", "chunks", "pages/s", "chunks/s")
    lines.append(f"{'':<14}" + "".join(f"{head:>10}" for head in heads))
    for way in figures["ways"]:
        values = (*way["cpu"].values(), way["total"], way["seconds"], way["chunks"])
        values += (way["pages per CPU-second"], way["chunks per CPU-second"])
        lines.append(f"{way['name']:<14}" + "".join(f"{value:>10}" for value in values))
    lines.append("")
    lines += [f"{value:>8}  {name}" for name, value in list(figures.items())[3:]]
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
