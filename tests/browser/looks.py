"""What is wrong with a page as it stands in the browser: too wide, too faint, without a name."""

from pathlib import Path

FAULTS = Path(__file__).with_name("looks.js").read_text()


def faults(page):
    """One line per fault; empty on a good page."""
    return page.evaluate(FAULTS.split("\n", 2)[2])
