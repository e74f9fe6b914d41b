"""What a curator asks the search: the question, as whom, where, on which day, what is missed."""

import re
from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.db.models import Q

from knowledge.forms import DayInput
from knowledge.models import MANAGE_ALL, Chunk, Collection, Document, DocumentVersion

_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.I)


def possible_persons(user: Any) -> Any:
    """Whose search a curator may try: everybody for admins, else the members of their groups."""
    active = User.objects.filter(is_active=True)
    if not user.has_perm(MANAGE_ALL):
        mine = Collection.objects.manageable_by(user)
        groups = [*mine.values_list("readers", flat=True), *mine.values_list("managers", flat=True)]
        active = active.filter(Q(pk=user.pk) | Q(groups__in={pk for pk in groups if pk}))
    return active.distinct().order_by("username")


class SearchTestForm(forms.Form):
    """Everything but the question may be left as it is."""

    question = forms.CharField(max_length=2000, widget=forms.Textarea(attrs={"rows": 2}))
    person = forms.ModelChoiceField(
        User.objects.none(), required=False, empty_label="Yourself", label="Ask as"
    )
    collections = forms.ModelMultipleChoiceField(
        Collection.objects.none(),
        required=False,
        widget=forms.CheckboxSelectMultiple,
        label="Only in",
    )
    as_of = forms.DateField(required=False, widget=DayInput, label="As of")
    limit = forms.IntegerField(min_value=1, max_value=20, initial=4, label="Passages")
    missing = forms.CharField(
        required=False,
        max_length=300,
        label="Why is this one missing?",
        help_text="The title of a document, or the address of a document's or passage's page.",
    )

    def __init__(self, *args: Any, user: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.user = user
        collections = Collection.objects.visible_to(user).shared()
        self.fields["person"].queryset = possible_persons(user)  # type: ignore[attr-defined]
        self.fields["collections"].queryset = collections  # type: ignore[attr-defined]

    def clean_missing(self) -> tuple[Document | None, Chunk | None]:
        """The document, and the chunk if one was named, that the person manages."""
        text = self.cleaned_data["missing"].strip()
        if not text:
            return None, None
        documents = Document.objects.manageable_by(self.user)
        versions = DocumentVersion.objects.manageable_by(self.user)
        ids = _ID.findall(text)
        # The last id: an address may name the document first and a passage in it behind the #.
        if ids:
            chunk = Chunk.objects.filter(pk=ids[-1], version__in=versions).first()
            of_chunk = Q(versions=chunk.version_id) if chunk else Q(pk=ids[-1])
            document = documents.filter(of_chunk).first()
        else:
            chunk, document = None, documents.filter(title__icontains=text).first()
        if document is None:
            raise forms.ValidationError("There is no such document among those that you manage.")
        return document, chunk

    def options(self) -> dict[str, Any]:
        """As the test keeps them."""
        data = self.cleaned_data
        document, chunk = data["missing"]
        return {
            "collections": [str(one.pk) for one in data["collections"]],
            "as_of": data["as_of"].isoformat() if data["as_of"] else "",
            "limit": data["limit"],
            "document": str(document.pk) if document else None,
            "chunk": str(chunk.pk) if chunk else None,
        }
