"""Whatever is uploaded, its outcome has a name, and nothing is cut without a word."""

import pytest

from knowledge.chunking import chunk
from knowledge.errors import KnowledgeError
from knowledge.extraction import extract
from knowledge.filetypes import detect
from tests.knowledge.hostile import HOSTILE, SAID


@pytest.fixture(autouse=True)
def limits(settings):
    settings.KNOWLEDGE_EXTRACTION_SECONDS = 30
    settings.KNOWLEDGE_EXTRACTION_MEMORY_MB = 1024


def taken(path, name):
    """What an upload and its ingestion make of the file: chunks' texts and warnings."""
    extracted = extract(path, detect(path, name).media_type, name)
    chunks = chunk(
        extracted,
        title="Title",
        count_tokens=lambda texts: [len(text.split()) for text in texts],
        max_tokens=200,
        encoder_tokens=256,
    )
    return [item.text for item in chunks], extracted.warnings


@pytest.mark.parametrize("case", HOSTILE)
def test_a_hostile_file_has_a_named_end(case, tmp_path):
    name, make, outcome = HOSTILE[case]
    path, data = tmp_path / "stored", make()
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    if outcome == "ready":
        texts, warnings = taken(path, name)
        assert texts
        assert SAID.get(case, "") in " ".join(warnings)
        assert all("root:" not in text for text in texts)
        return
    with pytest.raises(KnowledgeError) as error:
        taken(path, name)
    assert error.value.code == outcome
    assert error.value.message.endswith((".", "upload."))


@pytest.mark.parametrize(
    ("make", "name"),
    [("a billion laughs", "a.exe"), ("a count of 60,000 entries", "a.bin")],
)
def test_under_a_name_that_is_not_read_nothing_is_opened(make, name, tmp_path, monkeypatch):
    path = tmp_path / "stored"
    path.write_bytes(HOSTILE[make][1]())
    monkeypatch.setattr("zipfile.ZipFile", None)
    with pytest.raises(KnowledgeError) as error:
        detect(path, name)
    assert error.value.code == "type_unknown"
