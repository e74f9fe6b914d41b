"""What the names of acts and things mean, for people; the log itself keeps the names.

An act that isn't listed here still reads: `run.requeued` becomes "Run requeued".
"""

WORDS = {
    "answer.completed": "Answered a question",
    "answer.failed": "Answer failed",
    "answer.rated": "Rated an answer",
    "answer.requested_again": "Asked for another answer",
    "answer.stop_requested": "Stopped an answer",
    "answer.traced": "Opened a receipt",
    "answer.verified": "Verified an answer",
    "answers.searched": "Searched the answers",
    "audit.verified": "Verified the whole log",
    "adapter.data_stated": "Stated what an adapter was trained on",
    "adapter.exported": "Downloaded an adapter",
    "adapter.registered": "Adapter registered",
    "adapter.retired": "Retired an adapter",
    "archive.cancelled": "Cancelled the unpacking of a zip",
    "archive.failed": "Zip could not be unpacked",
    "archive.finished": "Zip is unpacked",
    "archive.uploaded": "Uploaded a zip",
    "chunk.corrected": "Corrected a passage",
    "collection.changed": "Changed a collection",
    "collection.created": "Created a collection",
    "collection.purged": "Removed a collection for good",
    "collection.restored": "Restored a collection",
    "collection.trashed": "Deleted a collection",
    "conversation.deleted": "Deleted a conversation",
    "conversation.renamed": "Renamed a conversation",
    "dataset.collected": "Collected feedback as a dataset",
    "dataset.example_edited": "Edited an example of a dataset",
    "dataset.imported": "Added a dataset",
    "dataset.failed": "Dataset could not be made",
    "dataset.made": "Dataset is made",
    "dataset.requested": "Asked for a dataset of documents",
    "dataset.reviewed": "Accepted or rejected examples",
    "dataset.revised": "Made a new version of a dataset",
    "document.cancelled": "Cancelled the reading of a document",
    "document.failed": "Document could not be read",
    "document.filed": "Changed a document's details",
    "document.ingested": "Document is ready to be searched",
    "document.renamed": "Gave a document another title",
    "document.moved": "Moved a document to another collection",
    "document.put_first": "Put a document first in the line",
    "document.purged": "Removed a document for good",
    "document.reread": "Had a document read anew",
    "document.restored": "Restored a document",
    "document.retried": "Had a document read again",
    "document.trashed": "Deleted a document",
    "document.uploaded": "Uploaded a document",
    "expert.archived": "Archived an expert",
    "expert.described": "Changed an expert's description",
    "expert_version.created": "Made an expert version",
    "expert_version.promoted": "Put an expert version live",
    "expert_version.tried": "Tried an expert version",
    "group.joined": "Added to a group",
    "group.left": "Removed from a group",
    "ingestion.paused": "Paused the reading of documents",
    "ingestion.resumed": "Resumed the reading of documents",
    "passage.traced": "Opened a source",
    "permission.given": "Gave a permission",
    "permission.taken": "Took a permission away",
    "question.asked": "Asked a question",
    "run.cancel_requested": "Asked to cancel a run",
    "run.cancelled": "Run cancelled",
    "run.failed": "Run failed",
    "run.finished": "Run finished",
    "run.queued": "Started a run",
    "run.requeued": "Run taken up again",
    "run.started": "Run began",
    "user.added": "Added a person",
    "user.changed": "Changed a person",
    "user.sign_in_held_back": "Sign-in held back after too many attempts",
    "user.sign_in_refused": "Sign-in refused",
    "user.signed_in": "Signed in",
    "user.signed_out": "Signed out",
}

THINGS = {
    "auth.group": "team",
    "auth.user": "person",
    "chat.expertversion": "expert version",
    "knowledge.documentversion": "document version",
}


def words_for(action: str) -> str:
    """The act in plain words."""
    return WORDS.get(action) or action.replace(".", " ").replace("_", " ").capitalize()


def thing_in_words(target_type: str) -> str:
    """The kind of thing that was acted on."""
    return THINGS.get(target_type) or target_type.rpartition(".")[2]
