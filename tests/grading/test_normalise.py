"""What the normaliser takes away, what it keeps, and what it refuses to write."""

import json
import re
import stat
import sys

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

from mbrl_teach.grading import normalise

PICTURE = "iVBORw0KGgo="
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"


@pytest.fixture
def lectures(tmp_path):
    folder = tmp_path / "lectures"
    folder.mkdir()
    return folder


def write(path, *cells):
    """A notebook of format 4.4, which knew no ids."""
    bare = [{key: value for key, value in cell.items() if key != "id"} for cell in cells]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps({"cells": bare, "metadata": {}, "nbformat": 4, "nbformat_minor": 4}))
    return path


def ran(source, *outputs, **metadata):
    return new_code_cell(source, execution_count=7, outputs=list(outputs), metadata=metadata)


def normal(notebook, *, keep_outputs=True):
    normalise.normalise(notebook, keep_outputs=keep_outputs)
    nbformat.validate(notebook)
    return notebook


def test_a_lecture_is_run_in_its_own_folder_from_a_fresh_kernel(lectures):
    (lectures / "data.txt").write_text("beside the notebook")
    path = write(
        lectures / "a.ipynb", new_code_cell("x = 1"), new_code_cell("print(open('data.txt').read(), x)")
    )
    assert normalise.main([str(lectures)]) == 0
    cells = nbformat.read(path, as_version=4).cells
    assert [cell.execution_count for cell in cells] == [1, 2]
    assert cells[1].outputs == [new_output("stream", text="beside the notebook 1\n")]


def test_a_second_run_changes_not_a_byte(lectures, capsys):
    figure = "import matplotlib.pyplot as plt\n_ = plt.plot([1, 2])"
    slider = "import ipywidgets\nipywidgets.IntSlider()"
    path = write(lectures / "a.ipynb", new_markdown_cell("# A"), new_code_cell(figure), new_code_cell(slider))
    assert normalise.main([str(lectures)]) == 0
    first, written = path.read_bytes(), path.stat().st_mtime_ns
    assert "changed" in capsys.readouterr().out
    assert first.endswith(b"}\n")
    assert b"image/png" in first
    assert normalise.main([str(lectures)]) == 0
    assert (path.read_bytes(), path.stat().st_mtime_ns) == (first, written)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("import sys\nprint('old API', file=sys.stderr)", "writes to stderr: old API"),
        ("object()", "prints an object's address"),
        ("import os\nos._exit(1)", "Kernel died"),
    ],
    ids=["error", "stderr", "address", "dead kernel"],
)
def test_what_cannot_be_kept_is_named_and_the_file_left_alone(lectures, capsys, source, reason):
    path = write(
        lectures / "a.ipynb", new_markdown_cell("# A"), new_code_cell("x = 1"), new_code_cell(source)
    )
    before = path.read_bytes()
    assert normalise.main([str(path)]) == 1
    assert path.read_bytes() == before
    assert [each.name for each in lectures.iterdir()] == ["a.ipynb"]
    message = capsys.readouterr().err
    assert f"{path}, cell 3 ({source.splitlines()[0]}): {reason}" in message


def test_a_cell_without_an_end_is_stopped(lectures, capsys, monkeypatch):
    monkeypatch.setattr(normalise, "CELL_SECONDS", 1)
    path = write(lectures / "a.ipynb", new_code_cell("import time\ntime.sleep(60)"))
    assert normalise.main([str(path)]) == 1
    assert re.search(r"cell 1 \(import time\): A cell timed out .* after 1 seconds", capsys.readouterr().err)


def test_an_error_that_a_tag_expects_is_an_error_all_the_same(lectures, capsys):
    write(lectures / "a.ipynb", new_code_cell("1 / 0", metadata={"tags": ["raises-exception"]}))
    assert normalise.main([str(lectures)]) == 1
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_an_assignment_is_not_run_and_loses_its_outputs(tmp_path):
    marker = tmp_path / "was run"
    source = f"open({str(marker)!r}, 'w')"
    path = write(tmp_path / "solutions" / "01_lqr" / "lqr.ipynb", ran(source, new_output("stream", text="2")))
    assert normalise.main([str(tmp_path / "solutions")]) == 0
    cell = nbformat.read(path, as_version=4).cells[0]
    assert (cell.outputs, cell.execution_count) == ([], None)
    assert not marker.exists()


def test_check_says_what_would_change_and_writes_and_runs_nothing(tmp_path, capsys):
    path = write(tmp_path / "solutions" / "a.ipynb", new_code_cell("1 / 0"))
    before = path.read_bytes()
    assert normalise.main(["--check", str(path)]) == 1
    assert f"{path}: would change" in capsys.readouterr().out
    assert path.read_bytes() == before
    assert normalise.main([str(path)]) == 0
    assert normalise.main(["--check", str(path)]) == 0


def test_check_sees_a_lecture_that_was_never_run(lectures, capsys):
    path = write(lectures / "a.ipynb", new_code_cell("x = 1"))
    assert normalise.main(["--check", str(path)]) == 1
    assert "cell 1 (x = 1): was never run" in capsys.readouterr().err


def test_checkpoints_are_passed_over(tmp_path):
    path = write(tmp_path / ".ipynb_checkpoints" / "a.ipynb", new_code_cell("1"))
    before = path.read_bytes()
    assert normalise.main([str(tmp_path)]) == 0
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", ["no JSON", '{"cells": []}', '{"nbformat": 3, "nbformat_minor": 0}'])
def test_what_is_no_notebook_of_format_4_is_named(tmp_path, capsys, content):
    path = tmp_path / "a.ipynb"
    path.write_text(content)
    assert normalise.main([str(path)]) == 1
    assert f"{path}, not a notebook of format 4" in capsys.readouterr().err


def test_a_path_that_does_not_exist_is_an_error(tmp_path, capsys):
    with pytest.raises(SystemExit):
        normalise.main([str(tmp_path / "lectres")])
    assert "lectres: no such notebook or folder" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no modes to keep")
def test_a_file_keeps_its_mode(tmp_path):
    path = write(tmp_path / "a.ipynb", new_code_cell("1"))
    path.chmod(0o640)
    normalise.main([str(path)])
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_missing_ids_are_made_from_what_the_cells_say(tmp_path):
    cells = [new_code_cell("1"), new_code_cell("1"), new_markdown_cell("1")]
    first = write(tmp_path / "a.ipynb", *cells)
    second = write(tmp_path / "b.ipynb", *cells)
    normalise.main([str(tmp_path)])
    assert first.read_bytes() == second.read_bytes()
    assert len({cell.id for cell in nbformat.read(first, as_version=4).cells}) == 3


def test_ids_that_are_there_stay_and_a_copied_one_is_made_new():
    notebook = new_notebook()
    notebook.cells = [new_code_cell(name, id=name) for name in ("kept", "kept", "last")]
    first, copied, last = [cell.id for cell in normal(notebook).cells]
    assert (first, last) == ("kept", "last")
    assert copied not in ("kept", "last")


def test_metadata_of_editors_and_runs_goes_and_that_of_the_course_stays():
    course = {
        "tags": ["play"],
        "nbgrader": {"grade_id": "a", "points": 3},
        "mystnb": {"image": {"alt": "A line."}},
        "deletable": False,
        "editable": False,
    }
    editors = {"collapsed": True, "scrolled": True, "trusted": True, "vscode": {"languageId": "python"}}
    runs = {"execution": {"iopub.status.busy": "2024-01-01"}, "ExecuteTime": {}}
    cells = [new_code_cell("1", metadata=course | editors | runs), new_markdown_cell("1", metadata=editors)]
    notebook = normal(new_notebook(cells=cells, metadata={"widgets": {}, "jupytext": {}, "toc": {}}))
    assert [cell.metadata for cell in notebook.cells] == [course, {}]
    assert notebook.metadata == {
        "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
        "language_info": {"name": "python"},
    }


def test_a_widget_leaves_its_picture_with_alt_text():
    data = {"image/png": PICTURE, "text/plain": "A line.", WIDGET_VIEW: {"model_id": "1"}}
    metadata = {"image/png": {"alt": "A line."}, WIDGET_VIEW: {"x": 1}}
    cell = normal(new_notebook(cells=[ran("f", new_output("display_data", data, metadata=metadata))])).cells[
        0
    ]
    assert cell.outputs[0].data == {"image/png": PICTURE, "text/plain": "A line."}
    assert cell.outputs[0].metadata == {"image/png": {"alt": "A line."}}


def test_a_widget_that_leaves_nothing_is_no_output():
    output = new_output("display_data", {WIDGET_VIEW: {"model_id": "1"}})
    assert normal(new_notebook(cells=[ran("f", output)])).cells[0].outputs == []


def test_streams_are_merged_where_nothing_stands_between():
    text = [new_output("stream", text=part) for part in "abc"]
    figure = new_output("display_data", {"text/plain": "figure"})
    cell = normal(new_notebook(cells=[ran("f", text[0], text[1], figure, text[2])])).cells[0]
    assert [output.get("text") for output in cell.outputs] == ["ab", None, "c"]


def test_executed_cells_are_counted_from_one():
    result = new_output("execute_result", {"text/plain": "2"}, execution_count=9)
    cells = [ran("x = 1"), new_markdown_cell("then"), new_code_cell(""), ran("1 + 1", result)]
    notebook = normal(new_notebook(cells=cells))
    assert [cell.get("execution_count") for cell in notebook.cells] == [1, None, None, 2]
    assert notebook.cells[3].outputs[0].execution_count == 2
