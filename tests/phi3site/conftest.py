"""Folders for tests that start real servers."""

import shutil
import tempfile
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def module_folder():
    """Short, and reachable for the account that runs Postgres; pytest's own folders are neither."""
    folder = Path(tempfile.mkdtemp(prefix="phi3-", dir="/tmp"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def data_dir(module_folder):
    folder = Path(tempfile.mkdtemp(dir=module_folder))
    folder.chmod(0o711)
    return folder
