"""What people write about one document: title, owner, labels, days, and its own readers."""

from typing import Any

from django import forms
from django.contrib.auth.models import Group, User

from knowledge.filing import TITLE_CHARS, Details, as_labels, details_of
from knowledge.forms import DayInput
from knowledge.models import Collection, Document
from knowledge.versions import is_title_taken

AUTH = "django.contrib.auth.backends.ModelBackend"


def possible_owners() -> Any:
    """People who may look after a document."""
    return User.objects.with_perm("knowledge.manage_documents", backend=AUTH).order_by("username")


class DetailsForm(forms.Form):
    """All details of a document; its readers are chosen among those of its collection."""

    title = forms.CharField(
        required=False,
        max_length=TITLE_CHARS,
        help_text="What readers and answers call it. Upload its next version on its own page.",
    )
    owner = forms.ModelChoiceField(User.objects.none(), required=False, empty_label="Nobody")
    labels = forms.CharField(
        required=False, max_length=1000, help_text="Separated by commas, such as: price list, 2026."
    )
    effective_from = forms.DateField(
        required=False,
        widget=DayInput,
        label="In force from",
        help_text="The first day on which the newest version answers. Empty: it always did.",
    )
    expires_on = forms.DateField(
        required=False,
        widget=DayInput,
        help_text="The last day on which it answers. Empty: it does not expire.",
    )
    review_by = forms.DateField(
        required=False, widget=DayInput, help_text="When somebody should look at it again."
    )
    readers = forms.ModelMultipleChoiceField(
        Group.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label="Only for",
        help_text="None chosen: everybody who reads the collection. Its managers always may.",
    )

    def __init__(self, *args: Any, document: Document, **kwargs: Any) -> None:
        self.document, present = document, details_of(document)
        kwargs["initial"] = vars(present) | {
            "title": document.title,
            "labels": ", ".join(present.labels),
        }
        super().__init__(*args, **kwargs)
        kept = Group.objects.filter(pk__in=[group.pk for group in present.readers])
        readers = (document.collection.readers.all() | kept).distinct().order_by("name")
        self.fields["owner"].queryset = possible_owners()  # type: ignore[attr-defined]
        self.fields["readers"].queryset = readers  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """The title is free, and the last day not before the first."""
        data = super().clean() or self.cleaned_data
        if data.get("title") and is_title_taken(self.document, data["title"]):
            self.add_error("title", "Another document of the collection has this title.")
        first, last = data.get("effective_from"), data.get("expires_on")
        if first and last and last < first:
            self.add_error("expires_on", "It would expire before it is in force.")
        return data

    def details(self) -> Details:
        """As the rest of the app wants them."""
        data = self.cleaned_data
        return Details(
            owner=data["owner"],
            labels=as_labels(data["labels"]),
            effective_from=data["effective_from"],
            expires_on=data["expires_on"],
            review_by=data["review_by"],
            readers=tuple(data["readers"]),
        )


class BulkForm(forms.Form):
    """What is done to the documents that are ticked in the list."""

    ACTS = ("read_again", "label", "move", "trash", "restore")

    act = forms.ChoiceField(choices=[(act, act) for act in ACTS])
    documents = forms.ModelMultipleChoiceField(
        Document.objects.none(),
        error_messages={"required": "Tick the documents first; nothing was changed."},
    )
    labels = forms.CharField(required=False, max_length=1000)
    collection = forms.ModelChoiceField(Collection.objects.none(), required=False)

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        documents = Document.objects.manageable_by(user)
        choices = Collection.objects.manageable_by(user)
        self.fields["documents"].queryset = documents  # type: ignore[attr-defined]
        self.fields["collection"].queryset = choices  # type: ignore[attr-defined]

    def clean(self) -> dict[str, Any]:
        """Labels and moves need to know which and where to."""
        data = super().clean() or self.cleaned_data
        if data.get("act") == "label" and not as_labels(data.get("labels", "")):
            self.add_error("labels", "Type the labels first; nothing was changed.")
        if data.get("act") == "move" and not data.get("collection"):
            self.add_error("collection", "Choose the collection first; nothing was changed.")
        return data
