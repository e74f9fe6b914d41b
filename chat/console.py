"""The administrator's pages: experts with their versions."""

from collections.abc import Callable
from functools import wraps
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.auth.decorators import login_required, permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from chat import experts as catalogue
from chat.engine import Sampling
from chat.errors import ChatError
from chat.experts import RetrievalSettings
from chat.forms import ExpertForm, VersionForm, version_initial
from chat.models import Expert, ExpertVersion
from chat.trials import start_trial

View = Callable[..., HttpResponse]
# Settings of retrieval that the form shows.
SHOWN = ("passages", "min_score", "is_reranked", "is_quoting")


def manager_view(view: View) -> View:
    """For those who manage experts; our errors become a message on the list."""

    @wraps(view)
    def wrapped(request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        try:
            return view(request, *args, **kwargs)
        except ChatError as error:
            messages.error(request, error.message)
            back = "chat:adapters" if "adapter_id" in kwargs else "chat:experts"
            return redirect(back)

    return login_required(permission_required("chat.manage_experts", raise_exception=True)(wrapped))


@require_safe
@manager_view
def experts(request: HttpRequest) -> HttpResponse:
    """All experts and what is live."""
    found = Expert.objects.visible_to(request.user).select_related("live_version__adapter")
    related = found.prefetch_related("live_version__collections", "groups")
    return render(request, "chat/experts.html", {"experts": related})


@require_http_methods(["GET", "HEAD", "POST"])
@manager_view
def new_expert(request: HttpRequest) -> HttpResponse:
    """A new expert with its first version; `?adapter=` chooses one beforehand."""
    form = ExpertForm(request.POST or None)
    initial = version_initial(None) | {"adapter": request.GET.get("adapter")}
    version_form = VersionForm(request.POST or None, user=request.user, initial=initial)
    if form.is_valid() and version_form.is_valid():
        expert = catalogue.create_expert(
            form.cleaned_data["name"],
            actor=request.user,
            description=form.cleaned_data["description"],
            groups=form.cleaned_data["groups"],
            examples=form.cleaned_data["examples"],
            **_version_values(version_form),
        )
        messages.success(request, f"{expert.name} answers from now on.")
        return redirect(expert)
    return render(request, "chat/new_expert.html", {"form": form, "version_form": version_form})


@require_safe
@manager_view
def expert(request: HttpRequest, expert_id: UUID) -> HttpResponse:
    """One expert and all its versions."""
    found = _expert(request, expert_id)
    versions = found.versions.select_related("adapter", "created_by")
    context = {"expert": found, "versions": versions.prefetch_related("collections")}
    return render(request, "chat/expert.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@manager_view
def edit_expert(request: HttpRequest, expert_id: UUID) -> HttpResponse:
    """Name, words for people, examples and groups."""
    found = _expert(request, expert_id)
    form = ExpertForm(request.POST or None, instance=found)
    if form.is_valid():
        edited = form.save(commit=False)
        catalogue.describe(edited, actor=request.user, groups=form.cleaned_data["groups"])
        messages.success(request, "Saved.")
        return redirect(found)
    return render(request, "chat/edit_expert.html", {"expert": found, "form": form})


@require_http_methods(["GET", "HEAD", "POST"])
@manager_view
def new_version(request: HttpRequest, expert_id: UUID) -> HttpResponse:
    """The next version, which answers nobody until it is promoted."""
    found = _expert(request, expert_id)
    newest = found.versions.first()
    form = VersionForm(request.POST or None, user=request.user, initial=version_initial(newest))
    if form.is_valid():
        version = catalogue.new_version(found, actor=request.user, **_version_values(form, newest))
        messages.success(request, f"Version {version.number} is made. Promote it when it is good.")
        return redirect(found)
    return render(request, "chat/new_version.html", {"expert": found, "form": form})


@require_POST
@manager_view
def promote(request: HttpRequest, expert_id: UUID) -> HttpResponse:
    """Makes a version live."""
    version = _version(request, expert_id)
    catalogue.promote(version, actor=request.user)
    messages.success(request, f"Version {version.number} answers from now on.")
    return redirect(version.expert)


@require_POST
@manager_view
def try_version(request: HttpRequest, expert_id: UUID) -> HttpResponse:
    """A conversation with one version, live or not, for whoever asks for it."""
    return redirect(start_trial(_version(request, expert_id), user=request.user))


@require_POST
@manager_view
def archive(request: HttpRequest, expert_id: UUID) -> HttpResponse:
    """Takes an expert from everyone's list."""
    found = _expert(request, expert_id)
    catalogue.archive(found, actor=request.user)
    messages.success(request, f"{found.name} is archived. Its answers stay.")
    return redirect("chat:experts")


def _expert(request: HttpRequest, expert_id: UUID) -> Expert:
    return get_object_or_404(Expert.objects.visible_to(request.user), pk=expert_id)


def _version(request: HttpRequest, expert_id: UUID) -> ExpertVersion:
    """The version whose number was sent."""
    sent = request.POST.get("version", "")
    number = int(sent) if sent.isascii() and sent.isdecimal() and len(sent) < 10 else 0
    return get_object_or_404(_expert(request, expert_id).versions, number=number)


def _version_values(form: VersionForm, newest: ExpertVersion | None = None) -> dict[str, Any]:
    """What the form holds; settings that it does not show stay as in the newest version."""
    values = form.cleaned_data
    kept_retrieval = newest.retrieval if newest else {}
    kept_sampling = newest.sampling if newest else {}
    shown = {name: values[name] for name in SHOWN}
    sampling = {"temperature": values["temperature"], "max_tokens": values["max_tokens"]}
    return {
        "system_prompt": values["system_prompt"],
        "collections": values["collections"],
        "adapter": values["adapter"],
        "retrieval": RetrievalSettings(**{**kept_retrieval, **shown}),
        "sampling": Sampling(**{**kept_sampling, **sampling}),
    }
