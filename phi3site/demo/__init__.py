"""The demo: an invented equipment maker, its documents, questions and fine-tuning examples.

Dunvarrick Machine Works does not exist. Every sentence under `sources/` was written for this
project; `documents/`, `dataset.jsonl` and `dataset_small.jsonl` are made from it and committed,
so that a user needs no generator.
"""

from pathlib import Path

COMPANY = "Dunvarrick Machine Works"
FOLDER = Path(__file__).parent
SOURCES = FOLDER / "sources"
DOCUMENTS = FOLDER / "documents"
QUESTIONS = FOLDER / "questions.jsonl"
DATASET = FOLDER / "dataset.jsonl"
SMALL_DATASET = FOLDER / "dataset_small.jsonl"
HELD_OUT = FOLDER / "held_out.json"
