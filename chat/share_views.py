"""What leaves a conversation: files for its owner, snapshots for colleagues."""

from typing import cast
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST, require_safe

from chat import sharing
from chat.conversations import find_conversation
from chat.errors import NotFound, StateConflict
from chat.evidence import exchanges
from chat.exporting import FORMS, Exported, Form
from chat.exporting import export as write_export
from chat.guard import asker_view
from chat.models import Share


@require_POST
@asker_view
def export(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """The conversation as a file."""
    form = request.POST.get("form", "md")
    if form not in FORMS:
        raise NotFound("Choose Markdown, HTML or JSON.")
    conversation = find_conversation(request.user, conversation_id)
    return as_file(write_export(request.user, conversation, cast(Form, form)))


def as_file(exported: Exported) -> HttpResponse:
    """A response that a browser saves and never shows."""
    headers = {"Content-Disposition": f'attachment; filename="{exported.name}"'}
    return HttpResponse(exported.content, content_type=exported.media_type, headers=headers)


@require_POST
@asker_view
def share(request: HttpRequest, conversation_id: UUID) -> HttpResponse:
    """A new snapshot; the page of one's shares shows its address."""
    try:
        sharing.share(request.user, conversation_id)
    except StateConflict as error:
        messages.error(request, error.message)
        return redirect("chat:conversation", conversation_id)
    messages.success(request, "Shared as it stands now. Copy the link and send it to colleagues.")
    return redirect("chat:shares")


@require_safe
@asker_view
def shares(request: HttpRequest) -> HttpResponse:
    """One's own shares."""
    made = Share.objects.of(request.user).select_related("conversation")
    rows = [(each, request.build_absolute_uri(each.get_absolute_url())) for each in made]
    return render(request, "chat/shares.html", {"shares": rows})


@require_POST
@asker_view
def revoke(request: HttpRequest, share_id: UUID) -> HttpResponse:
    """Takes a share back."""
    sharing.revoke(request.user, share_id)
    messages.success(request, "The link is dead now.")
    return redirect("chat:shares")


@require_safe
@asker_view
def shared(request: HttpRequest, share_id: UUID) -> HttpResponse:
    """A colleague's conversation as it stood, with what the reader may see of its sources."""
    found = sharing.find_share(share_id)
    context = {
        "share": found,
        "owner": found.conversation.owner,
        "told": exchanges(found.answers, request.user),
        "is_mine": found.conversation.owner_id == request.user.pk,
        "with_links": True,
    }
    return render(request, "chat/shared.html", context)
