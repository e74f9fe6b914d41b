"""The base model that runs are trained on, with what is wrong with it said as a recipe's flaw."""

from pathlib import Path

from chat import bases
from chat.errors import BaseMissing
from training.errors import RecipeRefused


def find_base() -> Path:
    """The folder of the configured base model; raises RecipeRefused when it is not here."""
    try:
        return bases.find_base()
    except BaseMissing as error:
        raise RecipeRefused(error.message, code=error.code) from error
