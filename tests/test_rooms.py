"""The rooms of the package: data flows downwards, and no import goes up."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[1] / "mbrl_teach"
FILES = sorted(PACKAGE.rglob("*.py"))
MAY_IMPORT = {
    "problems": {"problems"},
    "models": {"problems", "models"},
    "control": {"problems", "models", "control"},
    "planning": {"problems", "models", "control", "planning"},
    "agents": {"problems", "models", "control", "planning", "agents"},
    "figures": {"problems", "models", "control", "planning", "agents", "figures"},
    "grading": {"problems", "models", "control", "planning", "agents", "figures", "grading"},
}
DRAWS_OR_GRADES = {"matplotlib", "ipywidgets", "IPython", "nbgrader", "nbformat"}


def imports_of(path):
    """The modules that a file imports, wherever in it."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield node.module


def name(path):
    return path.relative_to(PACKAGE).as_posix()


@pytest.mark.parametrize("path", FILES, ids=name)
def test_no_import_goes_up(path):
    room = path.relative_to(PACKAGE).parts[0]
    ours = {m.split(".")[1] for m in imports_of(path) if m.startswith("mbrl_teach.")} - {"arguments"}
    assert ours <= MAY_IMPORT.get(room, set())


def computes(path):
    return path.relative_to(PACKAGE).parts[0] not in ("figures", "grading")


@pytest.mark.parametrize("path", [path for path in FILES if computes(path)], ids=name)
def test_rooms_that_compute_import_nothing_that_draws_or_grades(path):
    assert {m.split(".")[0] for m in imports_of(path)} & DRAWS_OR_GRADES == set()


@pytest.mark.parametrize("path", sorted(PACKAGE.rglob("__init__.py")), ids=name)
def test_a_package_file_holds_a_docstring_only(path):
    body = [node for node in ast.parse(path.read_text()).body if not isinstance(node, ast.Expr)]
    assert [ast.unparse(node) for node in body if "__version__" not in ast.unparse(node)] == []
