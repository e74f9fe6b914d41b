"""Addresses of static files: hashed after a collection, plain before one, never an error."""

import re

import pytest
from django.core.management import call_command
from django.template import Context, Template

from phi3site.static_files import StaticFilesStorage

STORAGE = "phi3site.static_files.StaticFilesStorage"


@pytest.fixture
def collected_into(settings, tmp_path):
    settings.STATIC_ROOT = tmp_path / "static"
    settings.STORAGES = {**settings.STORAGES, "staticfiles": {"BACKEND": STORAGE}}
    return settings.STATIC_ROOT


def address():
    template = Template("{% load static %}{% static 'phi3site/icons.svg' %}")
    return template.render(Context())


def test_before_a_collection_names_are_plain(collected_into):
    assert address() == "/static/phi3site/icons.svg"


def test_after_a_collection_names_are_hashed_and_exist(collected_into):
    call_command("collectstatic", interactive=False, verbosity=0)
    storage = StaticFilesStorage()
    name = storage.stored_name("phi3site/icons.svg")
    assert re.fullmatch(r"phi3site/icons\.[0-9a-f]{12}\.svg", name)
    assert (collected_into / name).exists()
