import re

from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.blocks import Block, Extracted, Line, from_json, to_json
from knowledge.chunking import chunk
from knowledge.cleaning import Cleaner

WORDS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=300)
BLOCKS = st.lists(
    st.one_of(
        st.builds(Block, st.just("heading"), WORDS, level=st.integers(1, 4)),
        st.builds(Block, st.sampled_from(["paragraph", "list_item", "code"]), WORDS),
    ),
    max_size=25,
)


def count(texts):
    return [len(re.findall(r"\w+|[^\w\s]", text)) for text in texts]


def chunks(blocks=(), *, tables=(), title="Pump manual", max_tokens=60, encoder_tokens=120):
    extracted = Extracted(blocks=tuple(blocks), tables=tuple(tables))
    return chunk(
        extracted,
        title=title,
        count_tokens=count,
        max_tokens=max_tokens,
        encoder_tokens=encoder_tokens,
    )


def heading(text, level=1):
    return Block("heading", text, level=level)


def squeezed(text):
    return re.sub(r"\s|^- ", "", text, flags=re.MULTILINE)


def test_a_chunk_knows_its_headings_and_its_document():
    found = chunks(
        [
            heading("Service"),
            heading("Oil", 2),
            Block("paragraph", "Change the oil. " * 3),
            heading("Seals", 2),
            Block("paragraph", "Change the seal. " * 3),
        ]
    )
    assert [item.headings for item in found] == [("Service", "Oil"), ("Service", "Seals")]
    assert found[0].context_text.startswith("Pump manual › Service › Oil\nChange the oil.")
    assert "Oil" not in found[0].text.split("\n")[0][:3]


def test_a_long_paragraph_is_cut_between_sentences():
    sentences = [f"This is sentence number {number} of a long paragraph." for number in range(40)]
    found = chunks([Block("paragraph", " ".join(sentences))])
    assert len(found) > 5
    assert all(item.text.startswith("This is") and item.text.endswith(".") for item in found)


def test_tables_are_cut_between_rows_and_repeat_their_header():
    rows = (("Part", "Price"), *((f"P-{number}", f"{number}.50") for number in range(40)))
    found = chunks([heading("Prices"), Block("table", "…", rows=rows)])
    lines = [line for item in found for line in item.text.split("\n")]
    assert lines == [f"Part: P-{number}; Price: {number}.50" for number in range(40)]
    assert [(item.kind, item.row_from) for item in found][:1] == [("table", 1)]
    assert found[-1].row_to == 40


def test_a_table_without_header_keeps_its_first_row():
    rows = (("Document", "WT-12"), ("Issued", "1 January 2026"))
    (found,) = chunks([Block("table", "…", rows=rows, has_header=False)])
    assert found.text == "Document | WT-12\nIssued | 1 January 2026"


def test_boxes_join_neighbouring_lines_and_part_pages():
    lines = (
        Line(0, 10, 1, (0.1, 0.90, 0.5, 0.92)),
        Line(11, 20, 1, (0.1, 0.93, 0.9, 0.95)),
        Line(21, 30, 2, (0.1, 0.05, 0.4, 0.07)),
    )
    (found,) = chunks([Block("paragraph", "x" * 10 + " " + "y" * 9 + " " + "z" * 9, lines=lines)])
    assert found.boxes == (
        {"page": 1, "box": [0.1, 0.90, 0.9, 0.95]},
        {"page": 2, "box": [0.1, 0.05, 0.4, 0.07]},
    )
    assert found.page == 1


def test_the_page_of_a_sentence_is_where_it_stands():
    text = "First page words. " * 8 + "Second page words. " * 8
    lines = (
        Line(0, 143, 1, (0.1, 0.9, 0.9, 0.95)),
        Line(144, len(text), 2, (0.1, 0.1, 0.9, 0.2)),
    )
    found = chunks([Block("paragraph", text, page=1, lines=lines)], max_tokens=32)
    assert (found[0].page, found[-1].page) == (1, 2)
    assert [entry["page"] for entry in found[-1].boxes] == [2]


@given(BLOCKS)
@settings(max_examples=60, deadline=None)
def test_nothing_is_lost_doubled_or_too_long(blocks):
    found = chunks(blocks)
    assert all(item.tokens <= 60 for item in found)
    assert all(item.text.strip() for item in found)
    wanted = "".join(squeezed(block.text) for block in blocks if block.kind != "heading")
    kept = "".join(squeezed(item.text) for item in found)
    remaining = iter(kept)
    assert all(char in remaining for char in wanted)


@given(BLOCKS)
@settings(max_examples=30, deadline=None)
def test_the_same_blocks_give_the_same_chunks_on_either_side_of_json(blocks):
    extracted = Extracted(blocks=tuple(blocks))
    again = from_json(to_json(extracted))
    assert again == extracted
    assert chunks(blocks) == chunks(again.blocks)


def test_hostile_text_costs_no_more_than_its_length():
    one_word = chunks([Block("paragraph", "x" * 2_000_000)], max_tokens=200, encoder_tokens=256)
    assert sum(len(item.text) for item in one_word) == 2_000_000
    assert max(len(item.text) for item in one_word) < 3_000
    many = [heading(f"Heading {number}", number % 6 + 1) for number in range(50_000)]
    assert chunks([*many, Block("paragraph", "the end")])[-1].text.endswith("the end")
    stops = chunks([Block("paragraph", "a." * 200_000)])
    assert sum(len(item.text) for item in stops) == 400_000


@given(st.text(max_size=400))
@settings(max_examples=200, deadline=None)
def test_clean_text_can_be_stored_and_stays_clean(text):
    cleaned = Cleaner().clean(text)
    cleaned.encode()
    assert "\0" not in cleaned
    assert Cleaner().clean(cleaned) == cleaned


def test_joiners_stay_where_a_script_needs_them():
    assert Cleaner().clean("می\u200cخواهم") == "می\u200cخواهم"
    assert Cleaner().clean("pa\u200css") == "pass"
