"""The page of encoders: which one is searched with, the switch to another, and the way back.

For administrators; every act is a function of encoder_acts.
"""

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.db.models import Count
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from knowledge import encoder_acts as acts
from knowledge.encoder_forms import EncoderForm
from knowledge.models import MANAGE_ALL, Encoder, EncoderSwitch
from knowledge.views import guarded

SHOWN_SWITCHES = 20


def _to_encoders(request: HttpRequest) -> HttpResponse:
    return redirect("knowledge:encoders")


# For those who manage all collections.
encoder_view = guarded(MANAGE_ALL, _to_encoders)


@require_safe
@encoder_view
def encoders(request: HttpRequest) -> HttpResponse:
    """Everything on one page; htmx asks for the switch again while it is under way."""
    is_partial = request.headers.get("HX-Request") == "true"
    name = "knowledge/_switch.html" if is_partial else "knowledge/encoders.html"
    return render(request, name, _context(EncoderForm()))


@require_POST
@encoder_view
def switch_encoder(request: HttpRequest) -> HttpResponse:
    """Begins the switch to another encoder."""
    form = EncoderForm(request.POST)
    if not form.is_valid():
        is_empty = not request.POST.get("source")
        if is_empty:
            messages.error(request, "Name the encoder to switch to.")
            return redirect("knowledge:encoders")
        return render(request, "knowledge/encoders.html", _context(form), status=422)
    acts.switch_to(form.spec(), actor=request.user)
    messages.success(request, "The switch has begun. Searches go on with the present encoder.")
    return redirect("knowledge:encoders")


@require_POST
@encoder_view
def roll_back(request: HttpRequest) -> HttpResponse:
    """Begins the way back to the encoder before."""
    switch = acts.roll_back(actor=request.user)
    messages.success(request, f"The way back to {switch.encoder} has begun.")
    return redirect("knowledge:encoders")


@require_POST
@encoder_view
def forget_encoder(request: HttpRequest) -> HttpResponse:
    """Removes a retired encoder's vectors."""
    chosen = request.POST.get("encoder", "")
    found = Encoder.objects.filter(pk=int(chosen) if chosen.isdecimal() else 0).first()
    if found is not None:
        acts.forget(found, actor=request.user)
        messages.success(request, f"The vectors of {found} are removed.")
    return redirect("knowledge:encoders")


@require_POST
@encoder_view
def pause_switch(request: HttpRequest, switch_id: UUID) -> HttpResponse:
    """Lets a switch rest."""
    acts.pause(get_object_or_404(EncoderSwitch, pk=switch_id), actor=request.user)
    return redirect("knowledge:encoders")


@require_POST
@encoder_view
def resume_switch(request: HttpRequest, switch_id: UUID) -> HttpResponse:
    """Goes on with a switch."""
    acts.resume(get_object_or_404(EncoderSwitch, pk=switch_id), actor=request.user)
    return redirect("knowledge:encoders")


@require_POST
@encoder_view
def give_up_switch(request: HttpRequest, switch_id: UUID) -> HttpResponse:
    """Ends a switch without a change."""
    acts.give_up(get_object_or_404(EncoderSwitch, pk=switch_id), actor=request.user)
    messages.success(request, "The switch is given up. Searches use the encoder that they used.")
    return redirect("knowledge:encoders")


def _context(form: EncoderForm) -> dict[str, Any]:
    switches = EncoderSwitch.objects.select_related("encoder", "former", "started_by")
    found = list(switches[:SHOWN_SWITCHES])
    current = next((switch for switch in found if switch.is_unfinished), None)
    active = Encoder.objects.filter(state=Encoder.State.ACTIVE).first()
    last = next((one for one in found if one.status == one.Status.FINISHED), None)
    is_way_back = last and active and last.encoder_id == active.pk
    retired = last.former if last and is_way_back else None
    return {
        "form": form,
        "switch": current,
        "switches": found,
        "encoders": Encoder.objects.annotate(vectors=Count("embeddings")).order_by(
            "state", "-created_at"
        ),
        "active": active,
        "before": retired if retired and retired.state == Encoder.State.RETIRED else None,
    }
