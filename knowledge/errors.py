"""What can go wrong between an upload and a passage, in words for people."""

# Faults of the file itself: the same bytes would fail in the same way again.
OF_THE_FILE = frozenset(
    {
        *("archive_bomb", "extraction_crashed", "file_damaged", "file_empty", "file_encrypted"),
        *("file_missing", "no_text", "too_many_pages", "too_much_text"),
        *("type_mismatch", "type_unknown"),
    }
)


class KnowledgeError(Exception):
    """Base of this app's errors: a stable code, and a message that says what to do."""

    code = "knowledge_error"

    def __init__(self, message: str, *, code: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.code


class UploadRefused(KnowledgeError):
    """The file can't be taken."""

    code = "upload_refused"


class ExtractionFailed(KnowledgeError):
    """The file's content can't be read."""

    code = "extraction_failed"


class StorageFull(KnowledgeError):
    """There is no room for the file."""

    code = "storage_full"


class StateConflict(KnowledgeError):
    """The row is not in a state that allows the act."""

    code = "state_conflict"


class ChunkChanged(StateConflict):
    """Somebody else corrected it in the meantime."""

    code = "chunk_changed"


class EncoderRefused(KnowledgeError):
    """The encoder can't be used here, ever: another choice is needed."""

    code = "encoder_refused"


class EncoderUnavailable(KnowledgeError):
    """The encoder can't be loaded or reached now."""

    code = "encoder_unavailable"


class EncoderSwitched(KnowledgeError):
    """While passages were embedded, the search went over to another encoder."""

    code = "encoder_switched"
