"""The administrator's pages of adapters: where they come from, are they whole, who uses them."""

from pathlib import Path
from uuid import UUID

from django.conf import settings
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.module_loading import import_string
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from chat import adapters as registry
from chat import importing
from chat.adapter_rights import state_collections
from chat.console import manager_view
from chat.errors import AdapterRefused, BaseMissing
from chat.forms import AdapterDataForm, ImportForm
from chat.models import Adapter


@require_safe
@manager_view
def adapters(request: HttpRequest) -> HttpResponse:
    """All adapters, newest first."""
    found = Adapter.objects.select_related("created_by")
    return render(request, "chat/adapters.html", {"adapters": found})


@require_http_methods(["GET", "HEAD", "POST"])
@manager_view
def import_adapter(request: HttpRequest) -> HttpResponse:
    """An adapter that was made elsewhere: taken as it is, fused exactly, or refused."""
    sent = request.method == "POST"
    form = ImportForm(
        request.POST if sent else None, request.FILES if sent else None, user=request.user
    )
    if form.is_valid():
        try:
            made = importing.import_adapter(
                form.cleaned_data["file"],
                name=form.cleaned_data["name"],
                collections=form.cleaned_data["collections"],
                actor=request.user,
            )
        except (AdapterRefused, BaseMissing) as error:
            form.add_error(None, error.message)
        else:
            messages.success(request, f"{made} is imported. Try it in a version of an expert.")
            return redirect(made)
    context = {"form": form, "base_model": Path(settings.BASE_MODEL).name}
    return render(
        request, "chat/import_adapter.html", context, status=422 if form.is_bound else 200
    )


@require_safe
@manager_view
def adapter(request: HttpRequest, adapter_id: UUID) -> HttpResponse:
    """One adapter: its manifest, whether its files still match, who answers with it."""
    found = get_object_or_404(Adapter, pk=adapter_id)
    context = {
        "adapter": found,
        "changed": registry.verify_adapter(found),
        "imported": registry.import_facts(found),
        "lineage": import_string(settings.CHAT_ADAPTER_LINEAGE)(found),
        "form": AdapterDataForm(
            user=request.user, initial={"collections": found.collections.all()}
        ),
        "versions": found.expert_versions.select_related("expert__live_version"),
    }
    return render(request, "chat/adapter.html", context)


@require_POST
@manager_view
def adapter_data(request: HttpRequest, adapter_id: UUID) -> HttpResponse:
    """States which collections an adapter was trained on."""
    found = get_object_or_404(Adapter, pk=adapter_id)
    form = AdapterDataForm(request.POST, user=request.user)
    if form.is_valid():
        state_collections(found, form.cleaned_data["collections"], actor=request.user)
        messages.success(request, "Saved.")
    return redirect(found)


@require_POST
@manager_view
def export(request: HttpRequest, adapter_id: UUID) -> HttpResponse:
    """The adapter as a zip that peft reads."""
    found = get_object_or_404(Adapter, pk=adapter_id)
    archived = registry.export_adapter(found, actor=request.user)
    response = HttpResponse(archived, content_type="application/zip")
    response["Content-Disposition"] = f'attachment; filename="adapter-{found.pk}.zip"'
    return response


@require_POST
@manager_view
def retire(request: HttpRequest, adapter_id: UUID) -> HttpResponse:
    """No new version may name it."""
    found = get_object_or_404(Adapter, pk=adapter_id)
    registry.retire_adapter(found, actor=request.user)
    messages.success(request, f"{found} is retired.")
    return redirect(found)
