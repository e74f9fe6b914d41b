"""Writes a demo source as a web page, or as the Markdown file it nearly is.

The page loads nothing: its few rules stand in its own head.
"""

from html import escape
from pathlib import Path

from phi3site.demo import COMPANY
from phi3site.demo.blocks import PARSER, Source

RULES = """
body { font: 16px/1.6 system-ui, sans-serif; color: #1d2730; max-width: 52rem; margin: 2rem auto;
  padding: 0 1rem; }
h1, h2 { color: #17486b; line-height: 1.25; }
table { border-collapse: collapse; width: 100%; margin: 1rem 0; }
th, td { border: 1px solid #c6d2db; padding: 0.4rem 0.6rem; text-align: left; }
th { background: #17486b; color: #fff; }
"""


def write_html(source: Source, path: Path) -> None:
    """A page with headings and real tables."""
    title = escape(source.title)
    page = (
        f'<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f"<title>{title} | {COMPANY}</title>\n<style>{RULES}</style>\n</head>\n<body>\n"
        f"<header><h1>{title}</h1>\n<p>{escape(source.head['subtitle'])}</p>\n"
        f"<p>{escape(_imprint(source))}</p></header>\n"
        f"<main>\n{PARSER.render(source.body)}</main>\n</body>\n</html>\n"
    )
    path.write_text(page, encoding="utf-8")


def write_markdown(source: Source, path: Path) -> None:
    """The body under its title."""
    text = f"# {source.title}\n\n{source.head['subtitle']}\n\n{_imprint(source)}\n\n{source.body}\n"
    path.write_text(text, encoding="utf-8")


def _imprint(source: Source) -> str:
    head = source.head
    return f"{COMPANY}, {head['number']}, {head['date']}. Owner: {head['owner']}."
