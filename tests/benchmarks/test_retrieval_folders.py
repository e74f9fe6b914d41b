import json

import pytest

from benchmarks.retrieval_fields import FolderRefused
from benchmarks.retrieval_folders import read_folder
from benchmarks.retrieval_forms import Gold


def write(folder, **files):
    for name, content in files.items():
        path = folder / name.replace("__", "/").replace("_jsonl", ".jsonl").replace("_tsv", ".tsv")
        path.parent.mkdir(parents=True, exist_ok=True)
        rows = content if isinstance(content, str) else "\n".join(map(json.dumps, content))
        path.write_text(rows)
    return folder


def documents(folder, questions, names=("Annual report 2023.pdf", "terms.md")):
    for name in names:
        path = folder / "docs" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
    return read_folder(write(folder, questions_jsonl=questions))


class TestCorpus:
    CORPUS = [{"_id": "7", "title": "Seals", "text": "A seal."}, {"_id": "8", "text": "Oil."}]

    @pytest.mark.parametrize(
        "qrels",
        [
            "query-id\tcorpus-id\tscore\n1\t7\t2\n1\t8\t0\n",
            "1 0 7 2\n1 0 8 0\n",
            "query-id\tcorpus-id\n1\t7\n",
        ],
    )
    def test_qrels_with_a_header_or_trecs_columns(self, tmp_path, qrels):
        read = read_folder(
            write(
                tmp_path,
                corpus_jsonl=self.CORPUS,
                questions_jsonl=[{"_id": 1, "text": "Which seal?"}, {"_id": 2, "text": "Else?"}],
                qrels__test_tsv=qrels,
            )
        )
        (question,) = read.questions
        assert (question.id, question.text, question.gold[0].name) == ("1", "Which seal?", "7")
        assert question.gold[0].grade in (1.0, 2.0) and len(question.gold) == 1
        assert (read.units, read.texts[0].title) == (("passage",), "Seals")

    def test_ids_that_do_not_meet_are_said(self, tmp_path):
        write(
            tmp_path,
            corpus_jsonl=self.CORPUS,
            questions_jsonl=[{"id": "q", "question": "?"}],
            qrels__test_tsv="1\t7\t1\n",
        )
        with pytest.raises(FolderRefused, match="qrels"):
            read_folder(tmp_path)


class TestPassages:
    ROWS = [
        {"id": 1, "text": "One.", "doc": "a.html", "title": "Page A", "headers": ["H"]},
        {"id": 2, "text": "Two.", "doc": "b.html", "title": "Page B", "headers": "H"},
    ]

    @pytest.mark.parametrize("named", [{"passage": 2}, {"passage": ["2"]}, {"passages": ["2", 1]}])
    def test_gold_by_passage(self, tmp_path, named):
        questions = [{"id": "q", "question": "Second?", **named}]
        read = read_folder(write(tmp_path, passages_jsonl=self.ROWS, questions_jsonl=questions))
        assert read.units == ("passage",)
        assert "2" in [gold.name for gold in read.questions[0].gold]
        assert [text.headings for text in read.texts] == [("H",), ("H",)]

    @pytest.mark.parametrize("doc", ["b.html", "B", "Page B", ["b.html"], {"doc_id": "b.html"}])
    def test_gold_by_document_its_name_its_stem_or_its_title(self, tmp_path, doc):
        questions = [{"query": "Second?", "doc": doc}]
        read = read_folder(write(tmp_path, passages_jsonl=self.ROWS, questions_jsonl=questions))
        assert (read.units, read.questions[0].gold) == (("document",), (Gold("b.html"),))

    def test_what_names_nothing_is_told_and_left_out(self, tmp_path):
        questions = [{"id": 1, "question": "?", "passage": 1}, {"id": 2, "question": "?"}]
        read = read_folder(write(tmp_path, passages_jsonl=self.ROWS, questions_jsonl=questions))
        assert [question.id for question in read.questions] == ["1"]
        assert "1 questions" in read.warnings[0]

    @pytest.mark.parametrize(
        ("history", "earlier"),
        [
            (["What is it?", "It is oil.", "And cold?"], ("What is it?", "And cold?")),
            (
                [{"role": "user", "content": "Oil?"}, {"role": "assistant", "content": "Yes."}],
                ("Oil?",),
            ),
            ([{"question": "Oil?", "answer": "Yes."}], ("Oil?",)),
            ([["Oil?", "Yes."]], ("Oil?",)),
            ("Oil?", ("Oil?",)),
        ],
    )
    def test_history_in_whatever_form_gives_the_questions(self, tmp_path, history, earlier):
        questions = [{"question": "And hot?", "passage": 1, "history": history}]
        read = read_folder(write(tmp_path, passages_jsonl=self.ROWS, questions_jsonl=questions))
        assert read.questions[0].earlier == earlier


class TestDocuments:
    @pytest.mark.parametrize(
        "name",
        [
            *("terms.md", "TERMS", "Terms.MD", ["terms.md"], "térms.md", "docs\\terms.md"),
            *("https://example.org/law/terms.md?lang=en#top", "https://example.org/terms/"),
        ],
    )
    def test_gold_by_file(self, tmp_path, name):
        read = documents(tmp_path, [{"question": "?", "doc": name}])
        assert (read.units, read.questions[0].gold) == (("document",), (Gold("terms.md"),))
        assert list(read.files) == ["Annual report 2023.pdf", "terms.md"]

    @pytest.mark.parametrize(
        "place",
        [
            {"doc": "annual_report_2023", "page": 3},
            {"doc": ["annual_report_2023"], "page": ["3"]},
            {"doc": "annual_report_2023", "evidence": [{"page": 3, "text": "words"}]},
            {"evidence": [{"doc_name": "annual_report_2023", "page_number": 3}]},
        ],
    )
    def test_gold_by_page(self, tmp_path, place):
        read = documents(tmp_path, [{"question": "?", **place}])
        assert read.units[0] == "page"
        (gold,) = read.questions[0].gold
        assert (gold.name, gold.pages) == ("Annual report 2023.pdf", (3,))

    def test_several_documents_with_a_page_each(self, tmp_path):
        asked = {"question": "?", "doc": ["terms", "annual_report_2023"], "page": [1, [4, 5]]}
        read = documents(tmp_path, [asked])
        assert [gold.pages for gold in read.questions[0].gold] == [(1,), (4, 5)]

    @pytest.mark.parametrize(
        "evidence",
        [
            {"evidence": [{"text": "The seal is blue."}]},
            {"evidence": ["The seal is blue."]},
            {"evidence": "The seal is blue."},
            {"evidence": {"quote": "The seal is blue.", "doc": "TERMS.md"}},
            {"quotes": ["The seal is blue."]},
        ],
    )
    def test_gold_by_words_where_no_page_is_known(self, tmp_path, evidence):
        asked = {"question": "?", "doc": "terms", **evidence}
        read = documents(tmp_path, [asked, {"question": "?", "doc": "terms"}])
        assert read.units == ("evidence", "document")
        first, second = (question.gold for question in read.questions)
        assert first == (Gold("terms.md", words="The seal is blue."),)
        assert second == (Gold("terms.md"),) and not read.questions[1].names("evidence")

    def test_words_and_page_of_one_place_stay_together(self, tmp_path):
        asked = {"question": "?", "doc": "terms", "page": "2", "evidence": "Blue."}
        read = documents(tmp_path, [asked])
        assert read.units == ("page", "evidence", "document")
        assert read.questions[0].gold == (Gold("terms.md", pages=(2,), words="Blue."),)

    def test_evidence_of_several_documents_stands_one_each_or_is_not_guessed(self, tmp_path):
        asked = {"question": "?", "doc": ["terms", "annual_report_2023"], "evidence": ["A.", "B."]}
        three = {**asked, "evidence": ["A.", "B.", "C."]}
        each, unknown = (q.gold for q in documents(tmp_path, [asked, three]).questions)
        assert [one.words for one in each] == ["A.", "B."]
        assert [one.words for one in unknown] == ["", ""]

    def test_a_file_in_a_folder_below_by_its_path_or_its_name(self, tmp_path):
        asked = [{"question": "?", "doc": doc} for doc in ("law/terms.md", "terms")]
        (tmp_path / "docs" / "law").mkdir(parents=True)
        read = documents(tmp_path, asked, names=("a.md", "law/terms.md"))
        assert [question.gold for question in read.questions] == 2 * [(Gold("law/terms.md"),)]

    def test_what_is_here_counts_where_other_sources_are_not(self, tmp_path):
        read = documents(tmp_path, [{"question": "?", "doc": ["terms", "else.pdf"]}])
        assert read.questions[0].gold == (Gold("terms.md"),)
        assert read.warnings == ["1 questions name sources that are not here, too."]

    def test_no_known_file_is_refused(self, tmp_path):
        with pytest.raises(FolderRefused, match="names a known file"):
            documents(tmp_path, [{"question": "?", "doc": "else.pdf"}])


def test_a_folder_in_no_form_is_refused(tmp_path):
    with pytest.raises(FolderRefused, match=r"corpus\.jsonl"):
        read_folder(tmp_path)
    with pytest.raises(FolderRefused, match="not a folder"):
        read_folder(tmp_path / "none")


def test_a_broken_line_is_named(tmp_path):
    write(tmp_path, passages_jsonl='{"id": 1, "text": "a"}\n{oops', questions_jsonl="")
    with pytest.raises(FolderRefused, match="line 2"):
        read_folder(tmp_path)
