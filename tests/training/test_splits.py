"""What is held back is decided by hashes, whole sources at a time."""

from training.splits import choose_eval


def names(count):
    return [f"example {n}" for n in range(count)]


def test_about_a_tenth_is_held_back():
    assert len(choose_eval(names(200), [""] * 200)) == 20


def test_the_same_file_splits_alike():
    assert choose_eval(names(50), [""] * 50) == choose_eval(names(50), [""] * 50)


def test_examples_of_one_source_stay_on_one_side():
    groups = [f"document {n % 20}" for n in range(200)]
    chosen = choose_eval(names(200), groups)
    held_back = {groups[position] for position in chosen}
    assert len(chosen) == 20
    assert all((groups[n] in held_back) == (n in chosen) for n in range(200))


def test_one_source_for_all_is_split_by_example():
    assert len(choose_eval(names(100), ["handbook"] * 100)) == 10


def test_a_handful_still_leaves_something_to_learn_from():
    assert choose_eval(names(2), ["", ""]) == set()
    assert len(choose_eval(names(3), [""] * 3)) == 1
