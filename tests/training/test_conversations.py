"""Each usual shape of an example becomes the same conversation, or a reason why not."""

import pytest

from training.conversations import Flaw, read_record

TALK = [
    {"role": "user", "content": "Which seal?"},
    {"role": "assistant", "content": "SK-17."},
]
SYSTEM = {"role": "system", "content": "Be brief."}
LATER = [{"role": "user", "content": "And now?"}, {"role": "assistant", "content": "SK-18."}]
SAID = [{"from": "human", "value": "Which seal?"}, {"from": "gpt", "value": "SK-17."}]

SHAPES = {
    "messages": ({"messages": TALK}, TALK),
    "ShareGPT": ({"conversations": SAID}, TALK),
    "ShareGPT, system beside": ({"conversations": SAID, "system": "Be brief."}, [SYSTEM, *TALK]),
    "ShareGPT, system inside": (
        {"conversations": [{"from": "system", "value": "Be brief."}, *SAID]},
        [SYSTEM, *TALK],
    ),
    "ShareGPT, no system": ({"conversations": SAID, "system": ""}, TALK),
    "Alpaca": ({"instruction": "Which seal?", "input": "", "output": "SK-17."}, TALK),
    "Alpaca without input": ({"instruction": "Which seal?", "output": "SK-17."}, TALK),
    "Alpaca with input": (
        {"instruction": "Which seal?", "input": "Heron 40\n", "output": "SK-17."},
        [{"role": "user", "content": "Which seal?\n\nHeron 40"}, TALK[1]],
    ),
    "Alpaca with history": (
        {
            "instruction": "And now?",
            "output": "SK-18.",
            "history": [["Which seal?", "SK-17."]],
            "system": "Be brief.",
        },
        [SYSTEM, *TALK, *LATER],
    ),
    "named fields": ({"Prompt": "Which seal?", "completion": "SK-17."}, TALK),
}


@pytest.mark.parametrize(("record", "turns"), SHAPES.values(), ids=SHAPES)
def test_every_shape_becomes_a_conversation(record, turns):
    assert read_record(record) == (turns, "", frozenset())


FLAWS = {
    "nothing": ({}, "missing or empty"),
    "one field": ({"question": "Which?"}, "missing or empty"),
    "no list": ({"conversations": "hello"}, "no list"),
    "empty list": ({"conversations": []}, "empty"),
    "a tool speaks": ({"conversations": [{"from": "observation", "value": "x"}]}, "observation"),
    "nobody speaks": ({"conversations": [{"value": "x"}]}, "'None' can speak"),
    "a list speaks": ({"conversations": [{"from": [1], "value": "x"}]}, "can speak"),
    "no item": ({"conversations": ["x"]}, "`from` and `value`"),
    "no answer": ({"conversations": SAID[:1]}, "last message"),
    "answer first": ({"conversations": SAID[::-1]}, "last message"),
    "two systems": (
        {"conversations": [{"from": "system", "value": "a"}, *SAID], "system": "b"},
        "two system messages",
    ),
    "no output": ({"instruction": "Which?"}, "assistant message is empty"),
    "output is a number": ({"instruction": "Which?", "output": 3}, "assistant message is empty"),
    "instruction is a list": ({"instruction": ["x"], "output": "y"}, "`instruction` is no text"),
    "input is an object": ({"instruction": "x", "input": {"a": 1}, "output": "y"}, "`input`"),
    "odd history": ({"instruction": "x", "output": "y", "history": [["a"]]}, "pairs"),
    "history of numbers": ({"instruction": "x", "output": "y", "history": [[1, 2]]}, "empty"),
}


@pytest.mark.parametrize(("record", "reason"), FLAWS.values(), ids=FLAWS)
def test_a_flaw_is_named(record, reason):
    with pytest.raises(Flaw, match=reason):
        read_record(record)


def test_what_means_nothing_is_named_wherever_it_stands():
    said = [{**SAID[0], "weight": 1}, SAID[1]]
    assert read_record({"conversations": said, "id": "x"})[2] == {"id", "conversations.weight"}
    record = {"instruction": "Which?", "output": "SK-17.", "text": "…", "source": "manual"}
    assert read_record(record)[1:] == ("manual", {"text"})
