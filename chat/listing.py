"""The list of a person's conversations: by day, a page at a time, by label, pinned ones first.

The next page begins after the last moment of the one before, so that nothing is shown twice while
conversations move to the top.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from itertools import groupby
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db.models import CharField, Func, QuerySet
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from chat.models import Conversation

PAGE = 40


@dataclass(frozen=True)
class Group:
    """Conversations under one heading."""

    name: str
    rows: Sequence[Conversation]
    # The page before has ended under the same heading.
    is_continued: bool = False


@dataclass(frozen=True)
class Listing:
    """One page of the list."""

    groups: list[Group]
    # Where the next page begins and under which heading; None at the end.
    rest: tuple[datetime, str] | None


def list_conversations(
    user: Any, *, label: str = "", archived: bool = False, before: str = "", heading: str = ""
) -> Listing:
    """A page of one's own conversations; `before` and `heading` as the page before gave them."""
    found = chosen(user, label=label, archived=archived)
    moment = _moment(before)
    pinned = [] if moment else list(found.filter(is_pinned=True))
    others = found.filter(is_pinned=False)
    if moment:
        others = others.filter(updated_at__lt=moment)
    page = list(others[: PAGE + 1])
    rows, has_more = page[:PAGE], len(page) > PAGE
    groups = [Group("Pinned", pinned)] if pinned else []
    today = timezone.localdate()
    for name, each in groupby(rows, lambda row: _heading(row.updated_at, today)):
        groups.append(Group(name, list(each), is_continued=name == heading and not groups))
    rest = (rows[-1].updated_at, groups[-1].name) if has_more else None
    return Listing(groups, rest)


def chosen(user: Any, *, label: str = "", archived: bool = False) -> QuerySet[Conversation]:
    """One's own conversations with a label, archived or not."""
    found = Conversation.objects.visible_to(user).filter(archived_at__isnull=not archived)
    return found.filter(labels__contains=[label]) if label else found


def labels_of(user: Any) -> list[str]:
    """All labels that a person has given, in alphabetical order."""
    each = Func("labels", function="unnest", output_field=ArrayField(CharField()))
    mine = Conversation.objects.visible_to(user).order_by()
    found: QuerySet[Any, Any] = mine.annotate(one=each).values_list("one", flat=True).distinct()
    return sorted(found, key=str.casefold)


def _moment(text: str) -> datetime | None:
    try:
        moment = parse_datetime(text)
    except ValueError:
        return None
    return moment if moment and timezone.is_aware(moment) else None


def _heading(moment: datetime, today: date) -> str:
    day = timezone.localdate(moment)
    if day >= today:
        return "Today"
    if day == today - timedelta(days=1):
        return "Yesterday"
    if day > today - timedelta(days=7):
        return "Last 7 days"
    return day.strftime("%B %Y")
