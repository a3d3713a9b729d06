"""What holds for every notebook that is committed."""

import re
from pathlib import Path

import nbformat
import pytest

from mbrl_teach.grading import normalise

COURSE = Path(__file__).parents[2]
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


def cells(path, kind):
    return [cell for cell in nbformat.read(path, as_version=4).cells if cell.cell_type == kind]


def outputs(path):
    return [output for cell in cells(path, "code") for output in cell.outputs]


@pytest.mark.parametrize("pattern", ["lectures/*.ipynb", "solutions/*/*.ipynb", "exercises/*/*.ipynb"])
def test_the_course_has_notebooks_of_each_kind(pattern):
    assert list(COURSE.glob(pattern))


def test_no_cell_ended_in_an_error(notebook):
    assert [output for output in outputs(notebook) if output.output_type == "error"] == []


def test_no_widget_is_left(notebook):
    assert "widgets" not in nbformat.read(notebook, as_version=4).metadata
    assert [output for output in outputs(notebook) if WIDGET_VIEW in output.get("data", {})] == []


def test_every_picture_is_said_in_words(notebook):
    pictures = [
        (output, mime)
        for output in outputs(notebook)
        for mime in output.get("data", {})
        if mime.startswith("image/")
    ]
    assert all(output.metadata.get(mime, {}).get("alt", "").strip() for output, mime in pictures)
    text = "\n".join(cell.source for cell in cells(notebook, "markdown"))
    assert all(alt.strip() for alt in re.findall(r"!\[(.*?)\]\(", text, flags=re.DOTALL))
    assert all(re.search(r'\balt="[^"]*\w', tag) for tag in re.findall(r"<img\b.*?>", text, flags=re.DOTALL))


def test_no_formula_has_lost_a_backslash(notebook):
    r"""Python reads "\theta" in a plain string as a tab and "heta"; likewise \a, \b, \f, \r and \v."""
    text = "\n".join(cell.source for cell in cells(notebook, "markdown"))
    assert re.findall(r"[\x00-\x09\x0b-\x1f]\w*", text) == []


def test_no_cell_hushes_its_value(notebook):
    """Strict nbval cannot compare such a cell: the value is to be assigned to `_`."""
    last_lines = [
        cell.source.rstrip().splitlines()[-1] for cell in cells(notebook, "code") if cell.source.strip()
    ]
    assert [line for line in last_lines if line.partition("#")[0].rstrip().endswith(";")] == []


def test_the_normaliser_would_change_nothing(notebook):
    assert normalise.main(["--check", str(notebook)]) == 0
