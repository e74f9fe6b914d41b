"""Passages as search would find them, made by hand."""

from uuid import NAMESPACE_OID, uuid4, uuid5

from knowledge.passages import FoundPassage


def found(text="words", *, document=None, title="", line="", fused=0.03, tokens=10, **values):
    """A passage of a document that is known by a name; without one it is a document alone."""
    document_id = uuid5(NAMESPACE_OID, document) if isinstance(document, str) else document
    fields = {
        "chunk_id": uuid4(),
        "version_id": document_id or uuid4(),
        "document_id": document_id or uuid4(),
        "collection_id": uuid4(),
        "text": text,
        "context_text": f"{line}\n{text}" if line else text,
        "sha256": "",
        "kind": "text",
        "document_title": title,
        "version_number": 1,
        "file_sha256": "",
        "media_type": "text/markdown",
        "headings": (),
        "page": None,
        "row_from": None,
        "row_to": None,
        "boxes": (),
        "tokens": tokens,
        "scores": {"fused": {"rank": 1, "score": fused}},
    }
    return FoundPassage(**fields | values)
