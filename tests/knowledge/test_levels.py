import pytest

from knowledge.levels import WORTH, both_levels, is_about_the_whole
from knowledge.naming import WORTH as NAME_WORTH
from knowledge.naming import named_first
from tests.knowledge.found import found


class TestLevels:
    @pytest.mark.parametrize(
        "query",
        [
            "Summarise the leave policy",
            "Give me an overview of the manual.",
            "What is the service bulletin about?",
            "What are the key points of the contract?",
            "Worum geht es im Handbuch?",
            "Fais un résumé du rapport",
        ],
    )
    def test_questions_about_the_whole(self, query):
        assert is_about_the_whole(query)

    @pytest.mark.parametrize(
        "query", ["What is the seal kit of the P-200?", "How about the oil?", "Who is it about?"]
    )
    def test_other_questions(self, query):
        assert not is_about_the_whole(query)

    def test_a_summary_speaks_for_its_document_and_takes_no_place(self):
        summary = found("all of b", document="b", kind="summary", fused=0.9)
        a, b = found("a", document="a", fused=0.52), found("b", document="b", fused=0.5)
        content, dropped = both_levels("Which seal?", [summary, a, b])
        assert content == [b, a]
        assert b.scores["fused"] == {"rank": 2, "score": pytest.approx(0.5 * (1 + WORTH))}
        assert [(one.passage, one.reason) for one in dropped] == [(summary, "summary")]

    def test_a_summary_answers_a_question_about_the_whole(self):
        summary = found("all", document="b", kind="summary", fused=0.9)
        content, dropped = both_levels("Summarise it", [found("a", fused=0.5), summary])
        assert content[0] is summary and dropped == []

    def test_the_summary_of_a_table_is_content(self):
        table = found("columns", kind="summary", media_type="text/csv")
        assert both_levels("Which seal?", [table]) == ([table], [])

    def test_nothing_found_stays_nothing(self):
        assert both_levels("Which seal?", []) == ([], [])
        assert named_first("Which seal?", []) == []


def report(company, period, *, fused, text="Net sales grew."):
    title = f"Report {period}"
    line = f"{title} › {company}, June {period} › Item 2"
    return found(text, document=title + company, title=title, line=line, fused=fused)


class TestNames:
    def test_the_document_that_the_question_names_comes_first(self):
        others = [report("Ahab Inc", year, fused=0.5) for year in (2021, 2022) for _ in range(4)]
        wanted = [report("Quint Inc", 2022, fused=0.45) for _ in range(4)]
        query = "What were Quint's net sales in 2022?"
        ordered = named_first(query, [*others, *wanted])
        assert all(one in wanted for one in ordered[:4])
        assert [one.scores["fused"]["rank"] for one in ordered] == list(range(1, 13))
        # Three documents of twelve passages, named by company and year alike.
        weight = NAME_WORTH * (1 - 3 / 12)
        assert ordered[0].scores["fused"]["score"] == pytest.approx(0.45 * (1 + weight))

    def test_part_of_a_name_is_worth_a_part(self):
        a = [report("Quint Inc", 2021, fused=0.5) for _ in range(2)]
        b = [report("Quint Inc", 2022, fused=0.5) for _ in range(2)]
        c = [report("Ahab Inc", 2022, fused=0.5) for _ in range(2)]
        ordered = named_first("Quint 2022", [*c, *a, *b])
        assert ordered[:2] == b
        assert a[0].scores["fused"]["score"] == c[0].scores["fused"]["score"] > 0.5

    @pytest.mark.parametrize("query", ["How much was sold?", "", "of of of", "Item 2"])
    def test_a_question_that_names_none_moves_none(self, query):
        reports = [report("Quint of Hull Inc", 2021 + n % 2, fused=0.5 - n / 100) for n in range(6)]
        assert named_first(query, reports) == reports
        assert reports[0].scores["fused"]["score"] == 0.5

    def test_words_of_the_text_are_no_name(self):
        plain = [found(f"Quint {n}", document=str(n % 2), title="", fused=0.5) for n in range(4)]
        assert named_first("Quint", plain) == plain
        assert plain[0].scores["fused"]["score"] == 0.5

    def test_where_each_passage_is_a_document_names_count_for_nothing(self):
        reports = [report(f"Quint{n} Inc", 2000 + n, fused=0.5) for n in range(4)]
        named_first("Quint3 2003", reports)
        assert {one.scores["fused"]["score"] for one in reports} == {0.5}
