"""How many, in words: one is not told as many. Knows nothing of what is counted."""

from gettext import ngettext


def counted(count: int, one: str, many: str) -> str:
    """The sentence for that many, `{}` in it the number: "1 picture was not read."."""
    return ngettext(one, many, count).format(f"{count:,}")


def beyond_table(cells: int) -> str:
    """What a table that is too large lost."""
    beyond = "beyond the largest possible table"
    return counted(
        cells, f"{{}} cell {beyond} was not read.", f"{{}} cells {beyond} were not read."
    )
