import pytest
from django.urls import reverse

from knowledge.listing import changes_between
from knowledge.models import Chunk
from knowledge.retrieval import retrieve

SECTION = """## {name}

The {name} of the Quint pump is checked by hand before the pump is started in the morning, and
again at noon. Whoever finds the {name} worn orders a new {name} from the store in the first hall.

"""
NAMES = ["valve", "filter", "seal", "hose", "motor", "shaft", "bearing", "gauge", "lever", "spring"]


def manual(version="revision 4"):
    opening = f"# Handbook\n\nMade by Quint Pumps Inc. This is {version}, issued 3 May 2024.\n\n"
    return opening + "".join(SECTION.format(name=name) for name in NAMES)


@pytest.mark.django_db
class TestContext:
    def test_each_chunk_says_what_tells_its_document_apart(self, ingested):
        version = ingested(manual(), "qp-7.md")
        for chunk in version.chunks.filter(kind="text"):
            line = chunk.context_text.split("\n")[0]
            assert line.startswith("Qp 7 › Quint Pumps Inc, Handbook, 3 May 2024, revision 4")
            assert "Quint Pumps Inc" not in chunk.text or chunk.ordinal == 0

    def test_the_summary_comes_last_and_is_found_for_the_whole(self, ingested, bob):
        version = ingested(manual(), "qp-7.md")
        summary = version.chunks.get(kind=Chunk.Kind.SUMMARY)
        assert summary.ordinal == version.chunk_count - 1 and summary.is_live
        assert summary.text.startswith("valve; filter; seal")
        asked = retrieve("Give me an overview of the handbook", user=bob, collections=None)
        assert summary.pk in [one.chunk_id for one in asked.passages + _dropped(asked)]
        other = retrieve("When is the valve checked?", user=bob, collections=None, limit=20)
        assert summary.pk not in [one.chunk_id for one in other.passages]
        assert "summary" in [one.reason for one in other.dropped]

    def test_a_comparison_and_the_reading_view_leave_summaries_out(
        self, ingested, client, bob, curator
    ):
        first = ingested(manual(), "qp-7.md")
        second = ingested(manual("revision 5"), "qp-7.md", document=first.document)
        kinds = [change.kind for change in changes_between(first, second)]
        assert kinds.count("changed") == 1 and not {"added", "removed"} & set(kinds)
        client.force_login(bob)
        page = client.get(reverse("knowledge:version", args=[second.pk])).content.decode()
        assert page.count("in the first hall") == len(NAMES)

    def test_the_question_tells_two_versions_of_a_manual_apart(self, ingested, bob):
        for year in (2023, 2024):
            text = manual().replace("3 May 2024", f"3 May {year}").replace("first", f"{year}th")
            ingested(text, f"handbook-{year}.md")
        question = "Where is a new seal ordered, says the handbook of 2023?"
        best = retrieve(question, user=bob, collections=None).passages[0]
        assert best.document_title == "Handbook 2023" and "2023th hall" in best.text


def _dropped(found):
    return [one.passage for one in found.dropped if one.reason != "summary"]
