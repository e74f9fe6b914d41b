"""Who may import whom, what the web process loads, and how long things may grow."""

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
CODE = ("manage.py", "phi3site", "knowledge", "chat", "training", "benchmarks")

# Lower never imports higher; a leaf imports no other part of ours but the leaves it names.
RANKS = {"knowledge": 1, "chat": 2, "training": 3, "phi3site": 4, "manage": 5, "benchmarks": 5}
LEAVES = {
    "phi3site.audit": (),
    "phi3site.valkey": (),
    "phi3site.jobs": ("phi3site.valkey",),
    "phi3site.rate_limits": ("phi3site.valkey",),
    "phi3site.roles": (),
}
MODEL_LIBRARIES = {
    *("torch", "transformers", "peft", "bitsandbytes", "sentence_transformers"),
    *("accelerate", "gguf"),
}
# Neither models nor parsers: the web process needs none of them.
NOT_IN_THE_WEB_PROCESS = MODEL_LIBRARIES | {
    *("safetensors", "tokenizers"),
    *("numpy", "pandas", "scipy", "sklearn", "PIL", "kreuzberg", "pypdfium2", "openpyxl"),
    *("docx", "pptx", "reportlab", "hypothesis", "pytest"),
}
NOT_FOR_MODEL_CODE = {"django", "ninja", "channels", "rq", "redis", "phi3site"}


def python_files(*places):
    for place in places or CODE:
        path = ROOT / place
        files = [path] if path.is_file() else sorted(path.rglob("*.py"))
        yield from (file for file in files if "migrations" not in file.parts)


def module_name(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imports(path, *, only_top=False):
    """Dotted names that a file imports; those only for the type checker are left out of the top."""
    tree = ast.parse(path.read_text())
    package = module_name(path) if path.name == "__init__.py" else module_name(path.parent / "x.py")
    package = package.removesuffix(".x")
    for node in _top(tree) if only_top else ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                base = ".".join([*package.split(".")[: 1 - node.level or None], base]).strip(".")
            yield from (f"{base}.{alias.name}" for alias in node.names)


def _top(tree):
    """Every statement that runs when the module is imported."""
    waiting = list(tree.body)
    while waiting:
        node = waiting.pop()
        yield node
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.dump(node.test):
            waiting += node.orelse
        elif not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            waiting += [
                child for child in ast.iter_child_nodes(node) if isinstance(child, ast.stmt)
            ]


def is_of(name, module):
    return name == module or name.startswith(f"{module}.")


def leaf_of(name):
    return next((leaf for leaf in LEAVES if is_of(name, leaf)), None)


def rank_of(name):
    return 0 if leaf_of(name) else RANKS.get(name.split(".")[0], -1)


ALL_FILES = list(python_files())
MODULES = {module_name(path) for path in ALL_FILES}


def model_code():
    """The [ML] modules: those that pyproject.toml lets import a model library at the top."""
    ignores = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["ruff"]["lint"]
    paths = [p for p, rules in ignores["per-file-ignores"].items() if "TID253" in rules]
    return {module_name(ROOT / p) for p in paths if p.endswith(".py")}


def nicely(path):
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", ALL_FILES, ids=nicely)
def test_lower_never_imports_higher(path):
    mine = module_name(path)
    for name in imports(path):
        if leaf_of(mine) and rank_of(name) >= 0 and leaf_of(name) != leaf_of(mine):
            assert leaf_of(name) in LEAVES[leaf_of(mine)], f"{mine} is a leaf and imports {name}"
        elif not leaf_of(mine):
            assert rank_of(name) <= rank_of(mine), f"{mine} imports {name}"


def test_the_rule_sees_each_kind_of_import(tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    path = tmp_path / "knowledge" / "sub" / "x.py"
    path.parent.mkdir(parents=True)
    path.write_text(
        "import chat.models\nfrom training import runs\nfrom . import near\nfrom ..up import it\n"
        "from typing import TYPE_CHECKING\n"
        "def f():\n    import chat.late\n"
        "try:\n    import torch\nexcept ImportError:\n    pass\n"
        "if TYPE_CHECKING:\n    import peft\n"
    )
    everything, top = set(imports(path)), set(imports(path, only_top=True))
    assert {"chat.models", "training.runs", "chat.late", "torch", "peft"} <= everything
    assert {"knowledge.sub.near", "knowledge.up.it"} <= everything
    assert {"chat.models", "torch"} <= top
    assert not {"chat.late", "peft"} & top


def test_every_module_of_model_code_exists():
    assert model_code() <= MODULES, model_code() - MODULES


@pytest.mark.parametrize("path", ALL_FILES, ids=nicely)
def test_model_libraries_are_loaded_by_model_code_only(path):
    if module_name(path) in model_code() or path.is_relative_to(ROOT / "benchmarks"):
        return
    for name in imports(path, only_top=True):
        assert name.split(".")[0] not in MODEL_LIBRARIES, f"{name} at the top of {nicely(path)}"
        is_model_code = any(is_of(name, module) for module in model_code())
        assert not is_model_code, f"{name} at the top of {nicely(path)}"


@pytest.mark.parametrize("module", sorted(model_code()))
def test_model_code_knows_no_django_and_no_queue(module):
    path = ROOT / (module.replace(".", "/") + ".py")
    for name in imports(path):
        assert name.split(".")[0] not in NOT_FOR_MODEL_CODE, f"{module} imports {name}"
        assert ".models" not in name or not name.startswith(("chat", "knowledge", "training"))


WEB_PROCESS = """
import sys
import phi3site.asgi
from django.template.loader import get_template
from django.urls import get_resolver
from phi3site.api import api
get_resolver().url_patterns
api.get_openapi_schema()
get_template("base.html")
status = dict(line.split(":", 1) for line in open("/proc/self/status") if ":" in line)
print(status["VmHWM"].split()[0])
print(*sorted({name.split(".")[0] for name in sys.modules}))
"""


@pytest.fixture(scope="module")
def web_process():
    """Peak memory in MB and all top-level modules of a web process that is ready to serve."""
    outcome = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", WEB_PROCESS],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    memory, modules = outcome.stdout.splitlines()
    return int(memory) / 1024, set(modules.split())


def test_web_process_loads_no_model_library_and_no_parser(web_process):
    _memory, modules = web_process
    assert {"django", "ninja", "channels", "unfold"} <= modules
    assert not NOT_IN_THE_WEB_PROCESS & modules


def test_web_process_is_small(web_process):
    memory, _modules = web_process
    assert memory <= 120


@pytest.mark.parametrize("path", ALL_FILES, ids=nicely)
def test_module_says_what_it_is_for(path):
    tree = ast.parse(path.read_text())
    assert not tree.body or ast.get_docstring(tree)


@pytest.mark.parametrize("path", ALL_FILES, ids=nicely)
def test_nothing_grows_beyond_a_screen_or_two(path):
    text = path.read_text()
    assert text.count("\n") <= 400
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno - node.lineno < 60, node.name


BANNED = {
    "pickle": r"^\s*(import|from) (pickle|cloudpickle|dill|shelve|marshal)\b",
    "remote code": r"trust_remote_code\s*=\s*True",
    "a shell": r"shell\s*=\s*True",
    "an open end": r"#.*\b(TODO|FIXME|XXX)\b|raise NotImplementedError",
    "unsafe loading": r"weights_only\s*=\s*False|yaml\.load\(",
}


@pytest.mark.parametrize("what", BANNED)
def test_code_is_free_of(what):
    pattern = re.compile(BANNED[what], re.M)
    assert [nicely(path) for path in ALL_FILES if pattern.search(path.read_text())] == []


def variables_of_settings():
    tree = ast.parse((ROOT / "phi3site" / "settings.py").read_text())
    for node in ast.walk(tree):
        called = isinstance(node, ast.Call) and getattr(node.func, "id", "").startswith("env")
        if called and isinstance(node.args[0], ast.Constant):
            yield node.args[0].value


def test_readme_lists_every_variable_that_settings_read():
    readme = (ROOT / "README.md").read_text()
    rows = re.findall(r"^\|([^|\n]+)\|", readme, re.M)
    listed = {name for row in rows for name in re.findall(r"`([A-Z][A-Z0-9_]+)`", row)}
    assert set(variables_of_settings()) == listed
