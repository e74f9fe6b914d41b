"""What can go wrong between a dataset and an adapter, in words for people."""


class TrainingError(Exception):
    """Base of this app's errors: a stable code, and a message that says what to do."""

    code = "training_error"

    def __init__(self, message: str, *, code: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.code = code or self.code


class DatasetRefused(TrainingError):
    """The file can't become a dataset."""

    code = "dataset_refused"


class RecipeRefused(TrainingError):
    """The recipe can't be run; `field` names the one to change, if it is one."""

    code = "recipe_refused"

    def __init__(self, message: str, *, field: str = "", code: str = "") -> None:
        super().__init__(message, code=code)
        self.field = field


class RunFailed(TrainingError):
    """The run ended without an adapter."""

    code = "run_failed"


class RunLost(TrainingError):
    """Another worker holds the run, or it was ended: nothing more may be written."""

    code = "run_lost"


class StateConflict(TrainingError):
    """The row is not in a state that allows the act."""

    code = "state_conflict"
