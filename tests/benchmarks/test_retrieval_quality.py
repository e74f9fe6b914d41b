"""The command itself, as a person runs it: the real encoder, a database of its own."""

import json
import subprocess
import sys
from types import SimpleNamespace
from uuid import uuid4

import pytest
from django.conf import settings
from django.db import connection

from benchmarks.retrieval_evidence import Stored
from benchmarks.retrieval_forms import Folder, Gold, Question
from benchmarks.retrieval_loading import Loaded
from benchmarks.retrieval_quality import ordered
from benchmarks.retrieval_units import Units, pages_of

DOCUMENTS = {
    "seals.md": "# Seals\n\nThe seal kit of the P-200 is SK-17.",
    "oil.md": "# Oil\n\nUse oil of grade 46 in every gear box.",
    "broken.pdf": "%PDF-1.7 nothing",
}


def run(folder, *options):
    database = connection.settings_dict
    url = f"postgresql://{database['USER']}@/postgres?host={database['HOST']}"
    return subprocess.run(
        [sys.executable, "benchmarks/retrieval_quality.py", str(folder), *options],
        cwd=settings.BASE_DIR,
        env={
            "PATH": "",
            "DATABASE_URL": url,
            "REDIS_URL": settings.REDIS_URL,
            "DATA_DIR": str(settings.DATA_DIR),
            "SECRET_KEY": "s" * 60,
        },
        capture_output=True,
        text=True,
        check=False,
    )


def databases():
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_database WHERE datname LIKE 'benchmark_run_%'")
        return cursor.fetchone()[0]


@pytest.mark.story
@pytest.mark.django_db
def test_a_folder_of_files_is_measured_and_nothing_stays(tmp_path):
    folder = tmp_path / "set"
    (folder / "docs").mkdir(parents=True)
    for name, text in DOCUMENTS.items():
        (folder / "docs" / name).write_text(text)
    questions = [
        {"question": "Which seal kit has the P-200?", "doc": "seals.md"},
        {"question": "And which oil?", "doc": "oil", "history": ["Which seal kit?", "SK-17"]},
        {"question": "Oil of which grade?", "doc": "oil", "evidence": ["oil of grade 46"]},
    ]
    (folder / "questions.jsonl").write_text("\n".join(map(json.dumps, questions)))
    before, out = databases(), tmp_path / "out.json"
    outcome = run(folder, "--json", str(out))
    assert outcome.returncode == 0, outcome.stderr
    assert "by evidence" in outcome.stdout and "by document" in outcome.stdout
    assert "broken.pdf could not be read" in outcome.stdout
    report = json.loads(out.read_text())
    assert report["unit"] == "evidence" and report["figures"]["hybrid"]["questions"] == 1
    assert report["by_unit"]["document"]["hybrid"]["recall"]["1"] == 1.0
    assert set(report["figures"]) == {"dense", "keyword", "hybrid"}
    assert {"extract", "embed", "publish"} <= set(report["loading_seconds"])
    assert databases() == before or "is left for the next run" in outcome.stderr


def test_a_folder_that_is_none_is_refused_before_anything_starts(tmp_path):
    outcome = run(tmp_path)
    assert outcome.returncode == 2
    assert "passages.jsonl" in outcome.stderr


def passage(document, *, text="", pages=(), ranks=(1, 1, 1)):
    kinds = zip(("dense", "keyword", "fused"), ranks, strict=True)
    return SimpleNamespace(
        chunk_id=uuid4(),
        document_id=document,
        text=text,
        page=pages[0] if pages else None,
        boxes=[{"page": page, "box": [0, 0, 1, 1]} for page in pages],
        scores={kind: {"rank": rank, "score": 1.0} for kind, rank in kinds},
    )


def units(documents, *gold, stored=None):
    question = Question("q", "?", gold)
    folder = Folder("set", "docs", ("document",), [question])
    return Units(folder, Loaded(None, None, documents=documents), stored or {}), question


def test_pages_count_in_the_order_of_the_passages_and_once():
    one = uuid4()
    read, question = units({one: "a.pdf"}, Gold("a.pdf", pages=(3,)))
    found = [passage(one, pages=(2, 3)), passage(one, pages=(3,)), passage(one, pages=(1,))]
    assert pages_of(found[0]) == [2, 3]
    assert read.ranking(found, question, "page") == [("a.pdf", 2), ("a.pdf", 3), ("a.pdf", 1)]
    assert read.gold(question, "page") == {("a.pdf", 3): 1.0}
    assert read.gold(question, "evidence") == {}
    assert read.gold(question, "document") == {"a.pdf": 1.0}


def test_pages_counted_from_0_are_moved():
    read, question = units({}, Gold("a.pdf", pages=(0, 4)))
    assert read.gold(question, "page") == {("a.pdf", 1): 1.0, ("a.pdf", 5): 1.0}


def test_evidence_is_found_in_the_chunks_that_hold_it():
    one, other = uuid4(), uuid4()
    held = passage(one, text="The seal kit is SK-17.")
    stored = {"a.md": [Stored(held.chunk_id, held.text, ())], "b.md": [Stored(uuid4(), "Oil.", ())]}
    gold = (
        Gold("a.md", words="The seal kit is SK-17"),
        Gold("b.md", words="Paint the whole of the building"),
        Gold("unread.pdf", words="Nobody could read this"),
    )
    read, question = units({one: "a.md", other: "b.md"}, *gold, stored=stored)
    strange = passage(other, text=held.text)
    wanted = ("a.md", "evidence", 0)
    assert read.ranking([strange, held], question, "evidence") == [strange.chunk_id, wanted]
    assert read.lost == [("b.md", gold[1].words)]
    assert set(read.gold(question, "evidence")) == {wanted, ("unread.pdf", "evidence", 2)}


def test_each_ranking_is_read_from_the_scores():
    first, second = passage(uuid4(), ranks=(2, None, 1)), passage(uuid4(), ranks=(1, 1, 2))
    found = [second, first]
    assert ordered(found, "dense") == [second, first]
    assert ordered(found, "keyword") == [second]
    assert ordered(found, "hybrid") == [first, second]
    assert ordered(found, "reranked") is None
