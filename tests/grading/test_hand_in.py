"""Whatever is handed in, what is graded has every released cell, and the student's answers."""

import json

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from mbrl_teach.grading.hand_in import files_beside, rebuild, stage


def marked(new, source, grade_id, **about):
    marks = {"grade": False, "solution": False, "locked": True, "task": False, "schema_version": 3}
    return new(source, metadata={"nbgrader": marks | {"grade_id": grade_id} | about})


def answer(grade_id, source):
    return marked(new_code_cell, source, grade_id, solution=True, locked=False)


def released():
    """Two tasks with a check each, and a written one."""
    return new_notebook(
        cells=[
            marked(new_markdown_cell, "# Assignment", "intro"),
            marked(new_code_cell, "import numpy as np", "imports"),
            marked(new_code_cell, "from mbrl_teach.grading import checks", "import_checks"),
            answer("one", "def one(x):\n    raise NotImplementedError"),
            marked(new_code_cell, "checks.m.one(one)", "check_one", grade=True, points=2),
            answer("two", "def two(x):\n    raise NotImplementedError"),
            marked(new_code_cell, "checks.m.two(two)", "check_two", grade=True, points=3),
            marked(
                new_markdown_cell,
                "*Your answer.*",
                "words",
                grade=True,
                solution=True,
                locked=False,
                points=1,
            ),
        ]
    )


def solved():
    notebook = released()
    notebook.cells[3].source = "def one(x):\n    return 1"
    notebook.cells[5].source = "def two(x):\n    return 2"
    notebook.cells[7].source = "Because."
    return notebook


def sources(notebook):
    return [cell.source for cell in notebook.cells]


def test_an_honest_notebook_stays_as_it_is():
    rebuilt, problems = rebuild(released(), solved())
    assert sources(rebuilt) == sources(solved())
    assert problems == []


def test_own_cells_stay_where_they_were():
    notebook = solved()
    notebook.cells.insert(3, new_code_cell("helper = 1"))
    notebook.cells.insert(6, new_markdown_cell("a thought"))
    rebuilt, problems = rebuild(released(), notebook)
    assert sources(rebuilt) == sources(notebook)
    assert problems == []
    assert all("nbgrader" not in rebuilt.cells[place].metadata for place in (3, 6))


def test_nothing_handed_in_is_the_released_notebook():
    rebuilt, problems = rebuild(released(), None)
    assert sources(rebuilt) == sources(released())
    assert problems == []


def test_a_deleted_cell_comes_back():
    notebook = solved()
    del notebook.cells[4]
    rebuilt, problems = rebuild(released(), notebook)
    assert sources(rebuilt) == sources(solved())
    assert problems == ["cell check_one is missing: put back"]


def test_a_changed_check_is_put_back():
    notebook = solved()
    notebook.cells[4].source = "2.0"
    notebook.cells[4].metadata.nbgrader.points = 100
    rebuilt, problems = rebuild(released(), notebook)
    assert rebuilt.cells[4] == released().cells[4] | {"id": rebuilt.cells[4].id}
    assert problems == ["cell check_one was changed: put back as it was"]


def test_cells_in_another_order_are_graded_in_order():
    notebook = solved()
    notebook.cells[3:7] = [notebook.cells[i] for i in (5, 6, 3, 4)]
    rebuilt, problems = rebuild(released(), notebook)
    assert sources(rebuilt) == sources(solved())
    assert problems == ["cells are in another order: graded in the order of the assignment"]


def test_of_a_doubled_answer_both_run_and_of_a_doubled_check_one():
    notebook = solved()
    notebook.cells.insert(4, answer("one", "def one(x):\n    return 11"))
    notebook.cells.insert(6, marked(new_code_cell, "checks.m.one(one)", "check_one", grade=True, points=2))
    rebuilt, problems = rebuild(released(), notebook)
    assert sources(rebuilt)[3:6] == [
        "def one(x):\n    return 1",
        "def one(x):\n    return 11",
        "checks.m.one(one)",
    ]
    assert sources(rebuilt).count("checks.m.one(one)") == 1
    assert problems == ["cell one is there more than once", "cell check_one is there more than once"]


def test_answers_that_lost_their_metadata_are_found_by_name():
    notebook = solved()
    for cell in notebook.cells:
        cell.metadata = {}
    rebuilt, problems = rebuild(released(), notebook)
    by_id = {c.metadata.nbgrader.grade_id: c.source for c in rebuilt.cells if "nbgrader" in c.metadata}
    assert (by_id["one"], by_id["two"]) == ("def one(x):\n    return 1", "def two(x):\n    return 2")
    assert "cell one: a cell that defines one is taken for it" in problems


@pytest.mark.parametrize(
    "metadata",
    [{}, {"nbgrader": None}, {"nbgrader": []}, {"nbgrader": {"grade_id": 3}}, {"tags": 3}],
    ids=str,
)
def test_metadata_of_any_form_will_do(metadata):
    notebook = solved()
    notebook.cells.insert(0, new_code_cell("x = 1"))
    notebook.cells[0]["metadata"] = metadata
    rebuilt, _ = rebuild(released(), notebook)
    assert sources(rebuilt) == sources(notebook)


@pytest.fixture
def place(tmp_path):
    """Folders of a released assignment, and of a submission."""
    for folder in ("released", "submission"):
        (tmp_path / folder).mkdir()
    nbformat.write(released(), tmp_path / "released" / "a.ipynb")
    nbformat.write(solved(), tmp_path / "submission" / "a.ipynb")
    return tmp_path


def staged(place):
    problems = stage(place / "submission", place / "released", place / "staged")
    return nbformat.read(place / "staged" / "a.ipynb", 4), problems


UNREADABLE = {
    "empty": b"",
    "not JSON": b"{",
    "not a notebook": b"[1, 2]",
    "not text": b"\xff\xfe\x00",
    "cells that are none": json.dumps(
        {"cells": [1], "metadata": {}, "nbformat": 4, "nbformat_minor": 5}
    ).encode(),
    "no cells": json.dumps({"metadata": {}, "nbformat": 4, "nbformat_minor": 5}).encode(),
    "nested": b"[" * 100_000,
}


@pytest.mark.parametrize("content", UNREADABLE.values(), ids=UNREADABLE)
def test_what_cannot_be_read_is_graded_as_no_answer_and_told(place, content):
    (place / "submission" / "a.ipynb").write_bytes(content)
    notebook, problems = staged(place)
    assert sources(notebook) == sources(released())
    assert len(problems) == 1
    assert problems[0].startswith("a.ipynb cannot be read as a notebook")


def test_a_missing_notebook_is_told(place):
    (place / "submission" / "a.ipynb").unlink()
    notebook, problems = staged(place)
    assert sources(notebook) == sources(released())
    assert problems == ["a.ipynb is missing"]


def test_a_renamed_notebook_is_taken(place):
    (place / "submission" / "a.ipynb").rename(place / "submission" / "a (1).ipynb")
    notebook, problems = staged(place)
    assert sources(notebook) == sources(solved())
    assert problems == ["a.ipynb is missing: a (1).ipynb is taken for it"]


def test_an_old_notebook_is_read(place):
    old = nbformat.v3.new_notebook(
        worksheets=[nbformat.v3.new_worksheet(cells=[nbformat.v3.new_code_cell("def one(x):\n    return 1")])]
    )
    (place / "submission" / "a.ipynb").write_text(nbformat.writes(old, 3))
    notebook, _ = staged(place)
    assert "def one(x):\n    return 1" in sources(notebook)


def test_files_beside_come_along_and_links_do_not(place):
    (place / "secret").write_text("the solution")
    (place / "submission" / "data").mkdir()
    (place / "submission" / "data" / "x.csv").write_text("1,2")
    (place / "submission" / "link").symlink_to(place / "secret")
    (place / "submission" / "folder").symlink_to(place)
    _, problems = staged(place)
    assert files_beside(place / "staged") == {"data/x.csv": b"1,2"}
    assert problems == ["folder is a link: left out", "link is a link: left out"]


def test_a_notebook_that_is_a_link_is_not_followed(place):
    (place / "submission" / "a.ipynb").rename(place / "elsewhere.ipynb")
    (place / "submission" / "a.ipynb").symlink_to(place / "elsewhere.ipynb")
    notebook, problems = staged(place)
    assert sources(notebook) == sources(released())
    assert "a.ipynb is not a file" in problems


def test_a_folder_that_is_a_link_is_not_followed(place):
    (place / "submission").rename(place / "elsewhere")
    (place / "submission").symlink_to(place / "elsewhere")
    notebook, problems = staged(place)
    assert sources(notebook) == sources(released())
    assert problems == ["the folder is a link, and links are not followed"]


def test_files_beyond_the_limits_are_left_out(tmp_path):
    for k in range(300):
        (tmp_path / f"{k:03}").write_bytes(b"x")
    assert len(files_beside(tmp_path)) == 200
    (tmp_path / "000").write_bytes(bytes(25 * 2**20))
    assert "000" not in files_beside(tmp_path)
