"""What people type and choose on the pages of documents and collections."""

from typing import Any

from django import forms

from knowledge.filetypes import ACCEPT_ATTRIBUTE
from knowledge.models import Collection, DocumentVersion

STATES = {
    "": "Any state",
    "unfinished": "Under way",
    "ready": "Ready",
    "failed": "Failed",
    "cancelled": "Cancelled",
}


class SeveralFiles(forms.ClearableFileInput):
    """A file chooser for several files."""

    allow_multiple_selected = True


class FilesField(forms.FileField):
    """Several files as a list; each is checked by the upload itself, not here."""

    widget = SeveralFiles(attrs={"accept": ACCEPT_ATTRIBUTE})

    def clean(self, data: Any, initial: Any = None) -> list[Any]:
        """At least one; an empty file is refused later, by name."""
        files = [file for file in (data if isinstance(data, list | tuple) else [data]) if file]
        if not files and not data:
            raise forms.ValidationError("Choose at least one file.", code="required")
        return list(data) if isinstance(data, list | tuple) else [data]


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


class NewVersionForm(forms.Form):
    """The next version of a document."""

    file = forms.FileField(
        widget=forms.ClearableFileInput(attrs={"accept": ACCEPT_ATTRIBUTE}),
        label="File",
        allow_empty_file=True,
        help_text="The present version answers questions until the new one is ready.",
    )


class DocumentFilterForm(forms.Form):
    """Search and filters above the list."""

    q = forms.CharField(required=False, max_length=200, label="Search")
    collection = forms.ModelChoiceField(
        Collection.objects.none(), required=False, empty_label="All collections"
    )
    status = forms.ChoiceField(choices=list(STATES.items()), required=False, label="State")

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        choices = Collection.objects.manageable_by(user)
        self.fields["collection"].queryset = choices  # type: ignore[attr-defined]

    def statuses(self) -> tuple[str, ...]:
        """The stored values behind the chosen state; empty for any."""
        chosen = self.cleaned_data.get("status") or ""
        if chosen == "unfinished":
            return tuple(DocumentVersion.UNFINISHED)
        return (chosen,) if chosen else ()


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
