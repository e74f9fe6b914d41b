"""Forms of datasets and runs; the recipe's fields come from the recipe itself."""

import dataclasses
from typing import Any
from uuid import uuid4

from django import forms

from training.errors import RecipeRefused
from training.models import Dataset
from training.recipes import LABELS, METHOD_NAMES, Recipe, read_recipe

# What most people decide; the rest is folded away.
MAIN = ("method", "learning_rate", "num_train_epochs", "max_steps", "r", "lora_alpha")


class RunForm(forms.Form):
    """A dataset, a name, and every hyperparameter of the recipe."""

    dataset = forms.ModelChoiceField(Dataset.objects.all(), empty_label="Choose a dataset")
    name = forms.CharField(
        max_length=120, help_text="The adapter gets this name; it is how experts list it."
    )
    # Made with the form: a form that is sent twice starts one run.
    run_id = forms.UUIDField(widget=forms.HiddenInput, initial=uuid4)

    def __init__(self, *args: Any, recipe: Recipe, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for field in dataclasses.fields(Recipe):
            self.fields[field.name] = _form_field(field, getattr(recipe, field.name))

    def clean(self) -> dict[str, Any]:
        """The checked recipe under `recipe`; its refusal goes to the field that it names."""
        values: dict[str, Any] = super().clean() or {}
        names = [field.name for field in dataclasses.fields(Recipe)]
        if not any(name in self.errors for name in names):
            try:
                values["recipe"] = read_recipe({name: values[name] for name in names})
            except RecipeRefused as error:
                self.refuse(error)
        return values

    def refuse(self, error: RecipeRefused) -> None:
        """Shows a refusal where it belongs."""
        self.add_error(error.field if error.field in self.fields else None, error.message)

    @property
    def main_fields(self) -> list[forms.BoundField]:
        """Dataset, name and what most people decide."""
        return [self[name] for name in ("dataset", "name", *MAIN)]

    @property
    def more_fields(self) -> list[forms.BoundField]:
        """The rest of the recipe."""
        names = [field.name for field in dataclasses.fields(Recipe) if field.name not in MAIN]
        return [self[name] for name in names]

    @property
    def has_hidden_errors(self) -> bool:
        """Whether the folded part must be open."""
        return any(field.errors for field in self.more_fields)


def _form_field(field: "dataclasses.Field[Any]", value: Any) -> forms.Field:
    limits = field.metadata
    common: dict[str, Any] = {
        "initial": value,
        "help_text": limits["help"],
        "label": LABELS[field.name],
    }
    choices = [(name, METHOD_NAMES.get(name, name)) for name in limits["choices"]]
    if isinstance(value, tuple):
        boxes = forms.CheckboxSelectMultiple
        return forms.MultipleChoiceField(choices=choices, widget=boxes, **common)
    if choices:
        return forms.ChoiceField(choices=choices, **common)
    if isinstance(value, bool):
        return forms.BooleanField(required=False, **common)
    kind = forms.IntegerField if isinstance(value, int) else forms.FloatField
    widget = forms.NumberInput(attrs={"step": "1" if isinstance(value, int) else "any"})
    return kind(min_value=limits["low"], max_value=limits["high"], widget=widget, **common)
