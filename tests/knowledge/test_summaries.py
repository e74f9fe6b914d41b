from dataclasses import replace

from knowledge.blocks import Block, Extracted
from knowledge.chunking import chunk, prefix
from knowledge.summaries import DOCUMENT_FROM, SECTION_FROM, central, summaries
from tests.fakes import HashEncoder

count = HashEncoder().count_tokens


def made(blocks, *, max_tokens=80):
    chunks = chunk(
        Extracted(blocks=tuple(blocks)),
        title="Manual",
        count_tokens=count,
        max_tokens=max_tokens,
        encoder_tokens=256,
    )

    def line(headings):
        return prefix("Manual", "", headings)

    return chunks, summaries(chunks, prefix=line, count_tokens=count, max_tokens=max_tokens)


def section(name, sentences=12):
    yield Block("heading", name, level=1)
    for number in range(sentences):
        text = f"The {name.lower()} number {number} is checked by hand before the pump is started."
        yield Block("paragraph", f"{text} Then somebody writes it down with the date of the day.")


def test_a_short_document_has_no_summary():
    chunks, found = made([Block("paragraph", "One sentence that is the whole document.")])
    assert len(chunks) < DOCUMENT_FROM and found == []


def test_a_documents_summary_names_its_sections_and_quotes_its_sentences():
    chunks, found = made([*section("Valve"), *section("Filter")])
    whole = found[0]
    assert (whole.kind, whole.headings, whole.boxes, whole.row_from) == ("summary", (), (), None)
    assert whole.text.startswith("Valve; Filter\n")
    assert whole.context_text == f"Manual\n{whole.text}"
    everything = " ".join(one.text.replace("\n", " ") for one in chunks)
    assert all(line in everything for line in whole.text.split("\n")[1:])
    assert whole.tokens <= 80 and len(whole.sha256) == 64


def test_a_long_section_has_its_own_under_its_heading():
    chunks, found = made([*section("Valve", 40), *section("Filter", 40), *section("Oil", 1)])
    assert sum(one.headings == ("Valve",) for one in chunks) >= SECTION_FROM
    assert [one.headings for one in found] == [(), ("Valve",), ("Filter",)]
    assert found[1].context_text.startswith("Manual › Valve\n")
    assert "filter" not in found[1].text.lower()


def test_the_same_chunks_give_the_same_summary():
    blocks = [*section("Valve"), *section("Filter")]
    assert made(blocks) == made(blocks)


def test_rows_of_tables_are_no_sentences():
    chunks, _ = made(list(section("Valve")))
    rows = [replace(one, kind="row") for one in chunks]
    assert summaries(rows, prefix=str, count_tokens=count, max_tokens=80) == []
    table = "Part: valve of the pump; Price: twelve euro; Stock: nine pieces in the house"
    assert central([table, table.replace("valve", "seal")]) == []


def test_central_sentences_share_words_with_others_but_not_with_each_other():
    texts = [
        "The valve closes the pressure line of the pump when the filter is blocked.",
        "A blocked filter makes the valve close the pressure line of the pump.",
        "Our canteen serves soup with fresh bread on every second Wednesday afternoon.",
        "The pressure line ends at the tank where workers draw warm water for cleaning.",
        "Workers in cleaning draw warm water from the tank behind the second hall.",
    ]
    chosen = central([*texts, "", "Short."], limit=2)
    assert len(chosen) == 2
    assert not any("canteen" in sentence for sentence in chosen)
    assert ("valve" in chosen[0]) != ("valve" in chosen[1])


def test_a_book_costs_no_more_than_a_part_of_it():
    words = [f"part{letter}{other}" for letter in "abcdefgh" for other in "ijklmnop"]
    texts = [
        f"The {words[n % 64]} feeds the {words[n * 7 % 61]} and then item{n} in hall {n}."
        for n in range(20_000)
    ]
    chosen = central(texts)
    assert 0 < len(chosen) <= 5
