"""What can go wrong between a question and its answer, in words for people."""


class ChatError(Exception):
    """Base of this app's errors: a stable code, and a message that says what to do."""

    code = "chat_error"

    def __init__(self, message: str, *, code: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.code


class NotFound(ChatError):
    """The thing does not exist for this person."""

    code = "not_found"


class Forbidden(ChatError):
    """The person's role does not allow the act."""

    code = "forbidden"


class QuestionRefused(ChatError):
    """The question can't be taken as it is."""

    code = "question_refused"


class StateConflict(ChatError):
    """The row is not in a state that allows the act."""

    code = "state_conflict"


class AdapterRefused(ChatError):
    """The adapter does not fit the base model, or is not what its manifest says."""

    code = "adapter_refused"


class BaseMissing(ChatError):
    """The base model is not on this machine."""

    code = "base_model_missing"


class AnswerFailed(ChatError):
    """The answer can't be finished; the message says why and what to do."""

    code = "answer_failed"
