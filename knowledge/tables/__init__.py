"""Table files → typed tables. Runs in the child process; knows no database."""

from knowledge.tables.separated import read_csv
from knowledge.tables.workbooks import read_xlsx

__all__ = ["read_csv", "read_xlsx"]
