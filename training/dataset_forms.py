"""Forms of datasets: a file, and what the columns of a table mean."""

from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

from django import forms
from django.conf import settings
from django.core.files.uploadedfile import UploadedFile

from chat.bases import context_limit, is_demo
from knowledge.models import Collection, Document
from training.bases import find_base
from training.columns import Columns
from training.errors import RecipeRefused
from training.reading import ACCEPTED, MAX_LINE_BYTES
from training.recipes import presets
from training.reviewing import labels


class DatasetForm(forms.Form):
    """A file to learn from."""

    name = forms.CharField(
        max_length=120, help_text="What it teaches, such as “Service desk answers”."
    )
    file = forms.FileField(
        help_text="JSON lines or a JSON array (<code>messages</code>, ShareGPT, Alpaca), CSV or "
        "an Excel workbook.",
        widget=forms.FileInput(attrs={"accept": ",".join(ACCEPTED)}),
    )

    def clean_file(self) -> "UploadedFile[Any]":
        """Not larger than TRAINING_MAX_UPLOAD_MB."""
        file: UploadedFile[Any] = self.cleaned_data["file"]
        limit = settings.TRAINING_MAX_UPLOAD_MB
        if (file.size or 0) > limit * 1024 * 1024:
            raise forms.ValidationError(
                f"The file is larger than {limit} MB. Split it, or raise TRAINING_MAX_UPLOAD_MB."
            )
        return file

    @property
    def filename(self) -> str:
        """The uploaded file's name without any path."""
        return PurePath(str(self.cleaned_data["file"].name)).name


class ColumnsForm(forms.Form):
    """Which column holds what; a column has one meaning at most."""

    question = forms.ChoiceField(help_text="What is asked.")
    answer = forms.ChoiceField(help_text="What the model shall learn to say.")
    context = forms.ChoiceField(
        required=False, help_text="Put below the question, such as the text that it is about."
    )
    system = forms.ChoiceField(
        required=False, label="System message", help_text="How the model shall behave."
    )
    source = forms.ChoiceField(
        required=False,
        help_text="Where the example comes from: those of one source stay together when some are "
        "held back to measure with.",
    )

    def __init__(
        self, *args: Any, header: Sequence[str], guessed: Mapping[str, str], **kwargs: Any
    ) -> None:
        kwargs["initial"] = dict(guessed)
        super().__init__(*args, **kwargs)
        names = [(name, name) for name in header if name]
        for field in self.fields.values():
            nothing = "Choose a column" if field.required else "No column"
            field.choices = [("", nothing), *names]  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """The choice under `columns`."""
        values: dict[str, Any] = super().clean() or {}
        if not self.errors:
            columns = Columns.complete(values)
            if columns is None:
                raise forms.ValidationError("A column can have one meaning only.")
            values["columns"] = columns
        return values


class LengthForm(forms.Form):
    """A length to try: what is longer would not be learned."""

    max_length = forms.IntegerField(min_value=1, max_value=10_000_000)


class QuestionsForm(forms.Form):
    """Questions that something is measured with, and that nothing should be learned of."""

    questions = forms.CharField(
        widget=forms.Textarea(attrs={"rows": 5}),
        max_length=1_000_000,
        help_text="One a line. Examples that ask nearly the same are named.",
    )

    def clean_questions(self) -> list[str]:
        """The lines that hold anything."""
        lines = [line.strip() for line in self.cleaned_data["questions"].splitlines()]
        return [line for line in lines if line]


class TurnsForm(forms.Form):
    """The words of an example, a field for each turn."""

    def __init__(self, *args: Any, turns: Sequence[Mapping[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for at, (turn, label) in enumerate(zip(turns, labels(turns), strict=True)):
            rows = min(16, 3 + len(turn["content"]) // 100)
            self.fields[f"turn_{at}"] = forms.CharField(
                initial=turn["content"],
                label=label,
                strip=False,
                max_length=MAX_LINE_BYTES,
                widget=forms.Textarea(attrs={"rows": rows}),
            )

    @property
    def contents(self) -> list[str]:
        """What was written, in the turns' order; lines end as they do in files."""
        return [self.cleaned_data[name].replace("\r\n", "\n") for name in self.fields]


class DocumentsForm(forms.Form):
    """What a dataset is made of, and how."""

    name = forms.CharField(max_length=120, help_text="What it teaches, such as “Pump manuals”.")
    collections = forms.ModelMultipleChoiceField(
        Collection.objects.none(), widget=forms.CheckboxSelectMultiple
    )
    documents = forms.ModelMultipleChoiceField(
        Document.objects.none(),
        required=False,
        help_text="Only these of their documents; none chosen means all.",
    )
    limit = forms.IntegerField(
        min_value=1, max_value=5_000, initial=300, label="Questions", help_text="At most so many."
    )
    distractors = forms.IntegerField(
        min_value=0,
        max_value=8,
        initial=3,
        label="Other passages",
        help_text="Found by search for the same question, beside the one that answers.",
    )
    unanswerable = forms.IntegerField(
        min_value=0,
        max_value=50,
        initial=15,
        label="Unanswerable, in percent",
        help_text="Questions asked again with passages that don’t answer, so that it is learned to "
        "say so.",
    )

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        managed = Collection.objects.manageable_by(user)
        documents = Document.objects.filter(collection__in=managed, state=Document.State.ACTIVE)
        self.fields["collections"].queryset = managed  # type: ignore[attr-defined]
        self.fields["documents"].queryset = documents  # type: ignore[attr-defined]


def usual_length() -> int:
    """The length that a run begins with here."""
    try:
        base = find_base()
    except RecipeRefused:
        return presets(is_demo=False)["standard"].max_length
    offered = presets(is_demo=is_demo(base), context=context_limit(base))
    return offered["standard"].max_length
