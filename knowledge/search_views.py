"""The page on which curators try out the search: ask as somebody, see every list, ask why not."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods, require_safe

from knowledge.models import Chunk, Document, SearchTest
from knowledge.search_forms import SearchTestForm
from knowledge.search_tests import begin_test, readable_versions
from knowledge.views import curator_view

LISTS = (
    ("dense", "By meaning"),
    ("keyword", "By words"),
    ("fused", "Both together"),
    ("final", "In the order of choice"),
)
SHOWN = 10
# As retrieval measures them, in the order of the way.
STEPS = ("embed", "search", "rerank", "compute", "choose")


@dataclass(frozen=True)
class Place:
    """A line of a list; no chunk when the curator may not read it, or it is gone."""

    rank: int
    score: float | None
    chunk: Chunk | None
    outcome: str


@require_http_methods(["GET", "HEAD", "POST"])
@curator_view
def search_tests(request: HttpRequest) -> HttpResponse:
    """The form; a question leads to its result."""
    form = SearchTestForm(
        request.POST or None, user=request.user, initial={"missing": request.GET.get("missing")}
    )
    if request.method == "POST" and form.is_valid():
        person = form.cleaned_data["person"] or request.user
        question = form.cleaned_data["question"]
        test = begin_test(question, owner=request.user, person=person, **form.options())
        return redirect("knowledge:search_test", test.pk)
    return render(request, "knowledge/search_test.html", {"form": form, "test": None})


@require_safe
@curator_view
def search_test(request: HttpRequest, test_id: UUID) -> HttpResponse:
    """The result, asked for again until it is there."""
    tests = SearchTest.objects.visible_to(request.user).select_related("person", "owner")
    test = get_object_or_404(tests, pk=test_id)
    form = SearchTestForm(user=request.user, initial=_as_asked(test))
    context = {"form": form, "test": test, **_shown(test)}
    is_partial = request.headers.get("HX-Request") == "true"
    name = "knowledge/_search_result.html" if is_partial else "knowledge/search_test.html"
    return render(request, name, context)


def _as_asked(test: SearchTest) -> dict[str, Any]:
    """What was typed, so that it can be asked again a little differently."""
    missing = test.options.get("chunk") or test.options.get("document")
    asked = {"question": test.question, "person": test.person_id, "missing": missing}
    return {**test.options, **asked}


def _shown(test: SearchTest) -> dict[str, Any]:
    """The lists with the words of the chunks that the curator may read now."""
    if test.status != SearchTest.Status.FINISHED:
        return {}
    result = test.result
    wanted = {row[0] for rows in result["lists"].values() for row in rows[:SHOWN]}
    absence = result["absence"]
    if absence and absence["chunk"]:
        wanted.add(absence["chunk"])
    chunks = Chunk.objects.filter(pk__in=wanted, version__in=readable_versions(test))
    by_id = {str(chunk.pk): chunk for chunk in chunks.select_related("version__document")}
    lists = [
        (name, [_place(row, by_id, result["outcomes"]) for row in result["lists"][key][:SHOWN]])
        for key, name in LISTS
    ]
    timings = [(step, result["timings"].get(step, 0.0)) for step in STEPS]
    shown: dict[str, Any] = {
        "lists": lists,
        "result": result,
        "absence": absence,
        "timings": timings,
    }
    if absence:
        documents = Document.objects.manageable_by(test.owner)
        shown["missing_document"] = documents.filter(pk=absence["document"]).first()
        shown["missing_chunk"] = by_id.get(absence["chunk"])
    return shown


def _place(row: list[Any], chunks: dict[str, Chunk], outcomes: dict[str, str]) -> Place:
    chunk_id, rank, score = row
    return Place(rank, score, chunks.get(chunk_id), outcomes.get(chunk_id, ""))
