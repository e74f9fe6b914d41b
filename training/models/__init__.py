"""Datasets, recipes and runs.

How a run becomes an adapter is told in runs and finetuning; the adapter itself belongs to chat.
"""

from training.models.datasets import Dataset, Example, ExampleQuerySet, Upload
from training.models.runs import Checkpoint, Metric, Run, RunQuerySet

__all__ = [
    "Checkpoint",
    "Dataset",
    "Example",
    "ExampleQuerySet",
    "Metric",
    "Run",
    "RunQuerySet",
    "Upload",
]
