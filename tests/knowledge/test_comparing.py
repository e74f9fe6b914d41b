from knowledge.comparing import blocks_of, compare


def words(parts):
    return "".join(f"[{part.text}]" if part.is_marked else part.text for part in parts)


def told(before, after):
    return [
        (change.kind, change.count or words(change.before), words(change.after))
        for change in compare(before, after)
    ]


def test_a_changed_word_is_marked_in_its_block():
    assert told(["The kit is SK-17 now."], ["The kit is SK-99 now."]) == [
        ("changed", "The kit is SK-[17] now.", "The kit is SK-[99] now.")
    ]


def test_blocks_come_and_go():
    before, after = ["one", "two", "three"], ["one", "three", "four"]
    assert [kind for kind, *_ in told(before, after)] == ["same", "removed", "same", "added"]


def test_blocks_that_have_nothing_in_common_are_no_change_of_each_other():
    assert [kind for kind, *_ in told(["abc abc"], ["xyz xyz"])] == ["removed", "added"]


def test_what_stays_is_counted_but_its_neighbours_are_shown():
    lines = [f"line number {n}" for n in range(9)]
    shown = told(lines, [*lines[:4], "something else", *lines[4:]])
    assert [row[0] for row in shown] == ["skipped", "same", "added", "same", "skipped"]
    assert (shown[0][1], shown[1][2], shown[3][2]) == (3, "line number 3", "line number 4")


def test_the_same_twice_is_no_change():
    assert told(["a", "b", "c"], ["a", "b", "c"]) == [("skipped", 3, "")]
    assert told([], []) == []


def test_every_line_with_words_is_a_block():
    assert blocks_of(["a\n\n b ", "c"]) == ["a", "b", "c"]
