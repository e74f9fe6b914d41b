"""What people type and choose on the pages of documents and collections."""

from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.db.models import Func

from knowledge.filetypes import ACCEPT_ATTRIBUTE
from knowledge.models import Collection, Document, DocumentVersion

STATES = {
    "": "Any state",
    "unfinished": "Under way",
    "ready": "Ready",
    "failed": "Failed",
    "cancelled": "Cancelled",
    "trashed": "In the trash",
}
REVIEWS = {
    "": "Any day",
    "due": "Review due",
    "soon": "Review within 30 days",
    "expired": "Expired",
    "later": "Not yet in force",
}
SORTS = ("title", "status", "collection", "uploaded", "size", "review")


class SeveralFiles(forms.ClearableFileInput):
    """A file chooser for several files."""

    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Several files as a list; each is checked by the upload itself, not here."""

    widget = SeveralFiles(attrs={"accept": f"{ACCEPT_ATTRIBUTE},.zip"})

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        """At least one; an empty file is refused later, by name."""
        files = [file for file in (data if isinstance(data, list | tuple) else [data]) if file]
        if not files and not data:
            raise forms.ValidationError("Choose at least one file.", code="required")
        return list(data) if isinstance(data, list | tuple) else [data]


class DayInput(forms.DateInput):
    """The browser's own calendar."""

    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class UploadForm(forms.Form):
    """Files for a collection that the person manages."""

    collection = forms.ModelChoiceField(
        Collection.objects.none(),
        empty_label="Choose a collection",
        error_messages={"required": "Choose the collection first; nothing was uploaded."},
    )
    documents = FilesField(label="Files")

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = Collection.objects.manageable_by(user)
        self.fields["collection"].queryset = choices  # type: ignore[attr-defined]
        if len(choices) == 1:
            self.fields["collection"].initial = choices[0]

    def sorted_files(self) -> tuple[list[Any], list[Any]]:
        """Archives, whose files are taken one by one, and files."""
        archives: list[Any] = []
        files: list[Any] = []
        for file in self.cleaned_data["documents"]:
            is_archive = str(file.name).lower().endswith(".zip")
            (archives if is_archive else files).append(file)
        return archives, files


class NewVersionForm(forms.Form):
    """The next version of a document."""

    file = forms.FileField(
        widget=forms.ClearableFileInput(attrs={"accept": ACCEPT_ATTRIBUTE}),
        label="File",
        allow_empty_file=True,
        help_text="The present version answers questions until the new one is ready.",
    )
    effective_from = forms.DateField(
        required=False,
        widget=DayInput,
        label="In force from",
        help_text="Until that day the present version answers. Leave it empty for at once.",
    )


class DocumentFilterForm(forms.Form):
    """Search and filters above the list."""

    q = forms.CharField(required=False, max_length=200, label="Search")
    collection = forms.ModelChoiceField(
        Collection.objects.none(), required=False, empty_label="All collections"
    )
    status = forms.ChoiceField(choices=list(STATES.items()), required=False, label="State")
    label = forms.ChoiceField(required=False)
    owner = forms.ModelChoiceField(
        User.objects.none(), required=False, empty_label="Anybody's", label="Owner"
    )
    review = forms.ChoiceField(choices=list(REVIEWS.items()), required=False, label="Days")
    sort = forms.RegexField(f"^-?({'|'.join(SORTS)})$", required=False)

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        documents = Document.objects.manageable_by(user)
        choices = Collection.objects.manageable_by(user)
        owners = User.objects.filter(pk__in=documents.values("owner"))
        used = documents.annotate(used=Func("labels", function="unnest")).values("used")
        labels = used.distinct().order_by("used").values_list("used", flat=True)
        self.fields["collection"].queryset = choices  # type: ignore[attr-defined]
        self.fields["owner"].queryset = owners.order_by("username")  # type: ignore[attr-defined]
        named = [("", "Any label"), *((label, label) for label in labels)]
        self.fields["label"].choices = named  # type: ignore[attr-defined]

    def statuses(self) -> tuple[str, ...]:
        """The stored values behind the chosen state; empty for any."""
        chosen = self.cleaned_data.get("status") or ""
        if chosen == "unfinished":
            return tuple(DocumentVersion.UNFINISHED)
        return (chosen,) if chosen and chosen != "trashed" else ()

    @property
    def is_trash(self) -> bool:
        """Whether the trash was asked for."""
        return self.data.get("status") == "trashed"

    @property
    def is_used(self) -> bool:
        """Whether anything narrows the list."""
        return any(self.data.get(name) for name in self.fields if name != "sort")


class TrashForm(forms.Form):
    """The name of what is deleted, typed again: too much goes with it for a single click."""

    name = forms.CharField(max_length=120, label="Its name")

    def __init__(self, *args: Any, collection: Collection, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.collection = collection
        self.fields["name"].widget.attrs["autocomplete"] = "off"
        self.fields["name"].help_text = f"Type “{collection.name}” to delete it."

    def clean_name(self) -> str:
        """Letter by letter, but for blanks around it."""
        name = str(self.cleaned_data["name"])
        if name != self.collection.name.strip():
            raise forms.ValidationError("That is not its name; nothing was deleted.")
        return name


class CollectionForm(forms.ModelForm):  # type: ignore[type-arg]  # subscripts fail at run time
    """A collection, and which groups read and manage it."""

    class Meta:
        model = Collection
        fields = ("name", "description", "readers", "managers")
        widgets = {
            "description": forms.Textarea(attrs={"rows": 3}),
            "readers": forms.CheckboxSelectMultiple,
            "managers": forms.CheckboxSelectMultiple,
        }
        help_texts = {
            "readers": "Members are answered from this collection and may open its documents.",
            "managers": "Members with the role curator may add, replace and delete documents.",
        }

    def clean_name(self) -> str:
        """Deleted ones don't count; the database says so, too, but not in words."""
        name = str(self.cleaned_data["name"])
        if Collection.objects.active().filter(name=name).exclude(pk=self.instance.pk).exists():
            raise forms.ValidationError("There is a collection of this name already.")
        return name
