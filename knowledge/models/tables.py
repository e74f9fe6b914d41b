"""Rows of CSV files and sheets, typed."""

import uuid

from django.db import models

from knowledge.models.versions import DocumentVersion


class Table(models.Model):
    """One CSV file or one sheet: its columns, and how many rows were read."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    version = models.ForeignKey(DocumentVersion, on_delete=models.CASCADE, related_name="tables")
    name = models.CharField(max_length=200)
    ordinal = models.PositiveIntegerField()
    # [{"name": "Price", "type": "number|text|date|boolean"}], in the file's order.
    columns = models.JSONField(default=list)
    row_count = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ("version", "ordinal")
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=("version", "ordinal"), name="table_ordinal")]

    def __str__(self) -> str:
        return self.name


class TableRow(models.Model):
    """One row, its cells typed as its table's columns say."""

    table = models.ForeignKey(Table, on_delete=models.CASCADE, related_name="rows")
    # 1-based, header not counted.
    number = models.PositiveIntegerField()
    cells = models.JSONField(default=list)

    class Meta:
        ordering = ("table", "number")
        default_permissions = ()
        constraints = [models.UniqueConstraint(fields=("table", "number"), name="table_row_number")]

    def __str__(self) -> str:
        return f"{self.table_id}/{self.number}"
