import pytest

from knowledge.blocks import Block
from knowledge.identity import subject_of, words_of

BODY = "Northwind made more than before. The sales of Northwind grew again this quarter. " * 30


def report(*opening, body=BODY, page=1):
    blocks = [Block("paragraph", text, page=page) for text in opening]
    return [*blocks, Block("paragraph", body, page=3)]


def heading(text, level=1):
    return Block("heading", text, level=level, page=1)


def test_the_company_and_the_period_of_a_report():
    blocks = [
        heading("QUARTERLY REPORT", 2),
        heading("NORTHWIND TRADERS INC."),
        *report(
            "For the quarterly period ended June 25, 2022",
            "Listed by The Harbour Exchange LLC since May 1, 1999",
            body=BODY + "Northwind Traders sells. " * 5,
        ),
    ]
    assert subject_of("2022 Q3 NWT", blocks) == "Northwind Traders Inc, June 25, 2022"


@pytest.mark.parametrize(
    ("opening", "subject"),
    [
        ("Operating manual, revision 5, issued 14 January 2026", "14 January 2026, revision 5"),
        ("Stand: 3. März 2024, Ausgabe 7", "3. März 2024, Ausgabe 7"),
        ("Handbook v2.1", "v2.1"),
        ("Printed 1 May 2001. Valid from 2 June 2024.", "2 June 2024"),
        ("Annual report FY2023", "FY2023"),
        ("The Company pays what the Company owes the Company.", ""),
        ("Nothing is said here", ""),
    ],
)
def test_dates_and_versions_in_several_ways(opening, subject):
    assert subject_of("Handbook", report(opening)) == subject


def test_a_name_that_the_document_does_not_go_on_to_use_is_left_out():
    assert subject_of("Handbook", report("Printed by Swift Press Ltd in Kellerby")) == ""


def test_what_the_title_says_is_not_said_again():
    assert subject_of("Northwind Inc 2022", report("NORTHWIND INC.", "FY2022")) == "FY2022"


def test_the_own_title_of_a_file_with_another_name():
    blocks = [heading("The Blue Book"), heading("Contents", 2), *report("x")]
    assert subject_of("QH 1", blocks) == "The Blue Book"


def test_a_date_far_from_the_title_page_is_of_something_else():
    assert subject_of("Handbook", report("Handbook", body=BODY + "since May 1, 1999")) == ""


def test_a_short_document_says_itself_what_it_is():
    assert subject_of("Note", [Block("paragraph", "Northwind Inc, 1 May 2024. " * 4)]) == ""


def test_words_are_compared_in_one_case():
    assert words_of("Straße, STRASSE!") == {"strasse"}
