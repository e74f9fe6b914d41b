"""What the log can be searched by."""

from typing import Any

from django import forms

from phi3site.audit.models import AuditEvent, AuditEventQuerySet
from phi3site.audit.words import words_for

ANY = ("", "Any")


def date_field(label: str) -> forms.DateField:
    """A day; the browser offers a calendar."""
    return forms.DateField(
        label=label, required=False, widget=forms.DateInput(attrs={"type": "date"})
    )


class FilterForm(forms.Form):
    """Narrows a list; every field may stay empty."""

    @property
    def active_count(self) -> int:
        """How many fields say something, readable or not."""
        return sum(bool(str(self.data.get(name, "")).strip()) for name in self.fields)


class LogFilter(FilterForm):
    """Person, act, thing and time: each narrows the list."""

    person = forms.CharField(required=False, max_length=150)
    action = forms.ChoiceField(required=False)
    target = forms.CharField(required=False, max_length=64, label="Id of the thing")
    since = date_field("From (UTC)")
    until = date_field("To (UTC)")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = [(action, words_for(action)) for action in AuditEvent.objects.known_actions()]
        choices = [ANY, *sorted(known, key=lambda choice: choice[1])]
        self.fields["action"] = forms.ChoiceField(required=False, choices=choices)

    def events(self) -> AuditEventQuerySet:
        """The events that fit; none while a field can't be read."""
        if not self.is_valid():
            return AuditEvent.objects.none()
        return AuditEvent.objects.matching(**self.cleaned_data)
