"""Claim: whatever file comes, its outcome has a name, and the process that asked stays alive.

    python benchmarks/parser_corpus.py FOLDER [--seconds 30] [--megabytes 512] [--only pdf,eml]
                                       [--limit N]

Takes every file of the folder (those that `manifest.jsonl` names, where there is one) through the
product's own way: type by content, extraction in a limited child process, chunks. Prints outcomes
by ending, the slowest and the largest files, and the limits that warnings name. Ends with 1 when
an asking process died, a file took more than it may, or an outcome has no name of its own.
"""

import argparse
import json
import multiprocessing
import resource
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from django.conf import settings

from knowledge.blocks import Extracted
from knowledge.chunking import chunk
from knowledge.errors import ExtractionFailed, KnowledgeError, UploadRefused
from knowledge.extraction import extract
from knowledge.filetypes import detect

# What a limit is called; everything else that fails is the file's own fault.
LIMITS = {"extraction_time", "extraction_memory"}
# Codes that say no more than that something went wrong.
NAMELESS = {"knowledge_error", "upload_refused", "extraction_failed"}
DIED, UNNAMED = "worker died", "no name"


@dataclass(frozen=True)
class Outcome:
    """What became of one file, and what that took."""

    path: str
    ending: str
    outcome: str
    message: str = ""
    seconds: float = 0.0
    megabytes: int = 0
    chunks: int = 0
    warnings: tuple[str, ...] = ()

    @property
    def has_name(self) -> bool:
        return not self.outcome.startswith((DIED, UNNAMED))


def files_of(folder: Path) -> list[Path]:
    """Those the manifest names, else all there are."""
    manifest = folder / "manifest.jsonl"
    if manifest.is_file():
        lines = manifest.read_text(encoding="utf-8").splitlines()
        return [folder / json.loads(line)["path"] for line in lines if line.strip()]
    return sorted(path for path in folder.rglob("*") if path.is_file())


def try_file(path: Path, folder: Path) -> Outcome:
    """One file in a process of its own, as a job worker would take it."""
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    worker = context.Process(target=_work, args=(path, theirs))
    start = time.perf_counter()
    worker.start()
    theirs.close()
    try:
        answer = ours.recv()
    except EOFError:
        answer = {"outcome": DIED}
    worker.join()
    seconds = round(time.perf_counter() - start, 2)
    name = str(path.relative_to(folder))
    ending = path.suffix.lower().lstrip(".") or "(none)"
    return Outcome(path=name, ending=ending, seconds=seconds, **answer)


def _work(path: Path, answer: Connection) -> None:
    """Runs in the worker: the outcome goes back through the pipe."""
    try:
        found = _outcome(path)
    except Exception as error:  # whatever is no KnowledgeError has no name
        found = {"outcome": f"{UNNAMED}: {type(error).__name__}", "message": str(error)[:300]}
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss // 1024
    answer.send({**found, "megabytes": peak})


def _outcome(path: Path) -> dict[str, object]:
    try:
        kind = detect(path, path.name)
        extracted = extract(path, kind.media_type, path.name)
        count = _chunk_count(extracted, path.stem)
    except KnowledgeError as error:
        return {"outcome": _name(error), "message": error.message}
    outcome = "ready" if count else "no text"
    return {"outcome": outcome, "chunks": count, "warnings": tuple(extracted.warnings)}


def _chunk_count(extracted: Extracted, title: str) -> int:
    """Chunks, with words for tokens: no model is needed to see whether the way goes through."""
    return len(
        chunk(
            extracted,
            title=title,
            count_tokens=lambda texts: [len(text.split()) for text in texts],
            max_tokens=200,
            encoder_tokens=256,
        )
    )


def _name(error: KnowledgeError) -> str:
    if error.code in NAMELESS:
        return f"{UNNAMED}: {error.code}"
    if error.code == "no_text":
        return "no text"
    if error.code in LIMITS:
        return f"limit: {error.code}"
    kind = {UploadRefused: "refused", ExtractionFailed: "failed"}.get(type(error), "failed")
    return f"{kind}: {error.code}"


def report(outcomes: list[Outcome]) -> Iterator[str]:
    """The tables, line by line."""
    yield f"{len(outcomes)} files"
    yield ""
    endings = Counter(outcome.ending for outcome in outcomes)
    for ending, count in endings.most_common():
        names = Counter(o.outcome for o in outcomes if o.ending == ending)
        shown = ", ".join(f"{name} {number}" for name, number in names.most_common())
        yield f"{ending:<8}{count:>5}  {shown}"
    yield f"\n{'all':<8}{len(outcomes):>5}"
    for name, number in Counter(o.outcome for o in outcomes).most_common():
        yield f"  {number:>5}  {name}"
    yield "\nslowest"
    for outcome in sorted(outcomes, key=lambda o: -o.seconds)[:8]:
        yield f"  {outcome.seconds:>7.2f} s  {outcome.outcome:<28} {outcome.path}"
    yield "\nlargest"
    for outcome in sorted(outcomes, key=lambda o: -o.megabytes)[:8]:
        yield f"  {outcome.megabytes:>6} MB  {outcome.outcome:<28} {outcome.path}"


def faults(outcomes: list[Outcome], seconds: float, megabytes: int) -> Iterator[str]:
    """What must not be: the reasons to end with 1."""
    for outcome in outcomes:
        if not outcome.has_name:
            yield f"{outcome.path}: {outcome.outcome} {outcome.message}".rstrip()
        # The start of the two processes is not the file's fault.
        if outcome.seconds > seconds + 5:
            yield f"{outcome.path}: {outcome.seconds} s, {seconds} allowed"
        if outcome.megabytes > megabytes:
            yield f"{outcome.path}: {outcome.megabytes} MB, {megabytes} allowed"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seconds", type=int, default=30)
    parser.add_argument("--megabytes", type=int, default=512)
    parser.add_argument("--only", default="", help="endings, comma-separated")
    parser.add_argument("--limit", type=int, help="so many files, spread over the folder")
    parser.add_argument("--json", type=Path, help="where each outcome is written, line by line")
    options = parser.parse_args()
    settings.configure(
        BASE_DIR=Path(__file__).resolve().parent.parent,
        KNOWLEDGE_EXTRACTION_SECONDS=options.seconds,
        KNOWLEDGE_EXTRACTION_MEMORY_MB=options.megabytes,
        KNOWLEDGE_OCR_LANGUAGES="eng",
    )
    endings = {ending for ending in options.only.split(",") if ending}
    paths = files_of(options.folder)
    chosen = [p for p in paths if not endings or p.suffix.lower().lstrip(".") in endings]
    step = max(1, len(chosen) // options.limit) if options.limit else 1
    chosen = chosen[::step][: options.limit]
    outcomes = [try_file(path, options.folder) for path in chosen]
    if options.json:
        lines = (json.dumps(asdict(outcome), ensure_ascii=False) for outcome in outcomes)
        options.json.write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(report(outcomes)))
    found = list(faults(outcomes, options.seconds, options.megabytes))
    print("\nfaults: none" if not found else "\nfaults\n  " + "\n  ".join(found))
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
