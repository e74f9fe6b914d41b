from benchmarks.ingestion_meter import Meter, cpu_seconds, memory
from benchmarks.ingestion_plain import CHUNK, split
from benchmarks.ingestion_speed import joined, report, shared
from tests.knowledge.conftest import make_pdf


def test_the_plain_splitter_keeps_all_words_in_pieces_of_its_size():
    text = "\n\n".join(f"Paragraph {n} " + "word " * (n % 400) for n in range(300))
    pieces = list(split(text))
    assert max(map(len, pieces)) <= CHUNK
    assert set(text.split()) == {word for piece in pieces for word in piece.split()}


def test_a_word_that_is_too_long_is_cut():
    assert [len(piece) for piece in split("x" * 2_500)] == [1_000, 1_000, 500]


def test_cpu_time_is_counted_by_stage():
    meter = Meter("one")

    def work(size):
        return sum(range(size))

    with meter.whole():
        assert meter.timed(work, "embed")(3_000_000) == sum(range(3_000_000))
    assert 0 < meter.cpu["embed"] <= meter.total <= cpu_seconds()
    assert memory()[0] <= memory()[1]


def test_files_are_joined_page_by_page(tmp_path):
    import pypdfium2 as pdfium

    for number in (2, 3):
        (tmp_path / f"{number}.pdf").write_bytes(make_pdf(number))
    whole = joined([tmp_path / "2.pdf", tmp_path / "3.pdf"], tmp_path)
    assert len(pdfium.PdfDocument(whole)) == 5


def test_the_share_of_words_counts_each_as_often_as_it_stands():
    assert shared(["seal seal pump"], ["The seal."]) == 0.6667
    assert shared([""], ["pump"]) == 0.0


def test_the_report_names_every_figure():
    way = {"name": "product", "chunks": 9, "cpu": {"extract": 1.0}, "total": 2.0, "seconds": 3.0}
    way |= {"pages per CPU-second": 4.0, "chunks per CPU-second": 5.0}
    text = report({"documents": 1, "pages": 8, "ways": [way], "MB at the peak": 700})
    assert "1 documents, 8 pages" in text and "700  MB at the peak" in text
