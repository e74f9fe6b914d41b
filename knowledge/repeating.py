"""An upload that a client repeats, since it can't know whether the first one arrived.

The client names it by a key of its own: the same key and the same content have one effect and one
answer; the same key with anything else is refused. Keys are each person's own.
"""

import hashlib
from collections.abc import Callable
from typing import Any

from django.core.files import File
from django.db import connection, transaction

from knowledge.errors import StateConflict, UploadRefused
from knowledge.models import DocumentVersion, UploadKey

KEY_CHARS = 200


def once(
    key: str, fingerprint: str, upload: Callable[[], DocumentVersion], *, actor: Any
) -> DocumentVersion:
    """The version that the upload makes, or made when it came first. Without a key: makes it."""
    if not key:
        return upload()
    if len(key) > KEY_CHARS or not key.isprintable():
        raise UploadRefused(
            f"An Idempotency-Key has at most {KEY_CHARS} printable characters.", code="bad_key"
        )
    with transaction.atomic():
        _take_turns(f"{actor.pk}:{key}")
        known = UploadKey.objects.select_related("version").filter(owner=actor, key=key).first()
        if known is None:
            version = upload()
            UploadKey.objects.create(
                owner=actor,
                key=key,
                fingerprint=fingerprint,
                version=version,
                was_already_there=version.was_already_there,
            )
            return version
    if known.fingerprint != fingerprint:
        raise StateConflict("This Idempotency-Key was used for another upload. Use a new one.")
    known.version.was_already_there = known.was_already_there
    return known.version


def fingerprint_of(file: "File[Any]", *words: str) -> str:
    """Of everything that was sent; the file is left at its start."""
    digest = hashlib.sha256()
    for chunk in file.chunks():
        digest.update(chunk)
    file.seek(0)
    for word in (file.name or "", *words):
        digest.update(b"\0" + word.encode())
    return digest.hexdigest()


def _take_turns(name: str) -> None:
    """Two requests with one key at once: the second waits for the first."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [name])
