"""Rows of CSV files and sheets, typed."""

import uuid

from django.contrib.postgres.fields import ArrayField
from django.contrib.postgres.indexes import GinIndex
from django.db import models

from knowledge.models.versions import DocumentVersion


class Table(models.Model):
    """One CSV file or one sheet: its columns, and how many rows were read."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    version = models.ForeignKey(DocumentVersion, on_delete=models.CASCADE, related_name="tables")
    name = models.CharField(max_length=200)
    ordinal = models.PositiveIntegerField()
    # [{"name": "Price", "type": "decimal", "unit": "€", "statistics": {…}}], in the file's order;
    # types: integer, decimal, date, boolean, text.
    columns = models.JSONField(default=list)
    row_count = models.PositiveIntegerField(default=0)
    # Rows of the file that there was no room for.
    unread_rows = models.PositiveIntegerField(default=0)
    # A sheet that its workbook hides.
    is_hidden = models.BooleanField(default=False)

    class Meta:
        ordering = ("version", "ordinal")
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=("version", "ordinal"), name="table_ordinal")]

    def __str__(self) -> str:
        return self.name


class TableRow(models.Model):
    """One row: what it shows, and its values where a column has a type."""

    table = models.ForeignKey(Table, on_delete=models.CASCADE, related_name="rows")
    # 1-based, header not counted.
    number = models.PositiveIntegerField()
    # Every cell as the file shows it.
    texts = models.JSONField(default=list)
    # Figures, ISO dates and booleans; null in text columns and where a cell is not of its type.
    cells = models.JSONField(default=list)
    is_hidden = models.BooleanField(default=False)
    # Sums up other rows: left out of counts and sums.
    is_total = models.BooleanField(default=False)
    # In long tables: the row's short texts in lower case, so that a row is found by one of them.
    keys = ArrayField(models.TextField(), default=list)

    class Meta:
        ordering = ("table", "number")
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=("table", "number"), name="table_row_number")]
        indexes = [GinIndex(fields=("keys",), name="table_row_keys")]

    def __str__(self) -> str:
        return f"{self.table_id}/{self.number}"
