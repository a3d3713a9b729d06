"""A solution gets every point that its exercise promises; an untouched exercise gets none."""

import re
import time
from functools import cache

import nbformat
from nbgrader.preprocessors import Execute
from nbgrader.utils import determine_grade

from mbrl_teach.grading.check_cells import is_check
from mbrl_teach.grading.extra_points import extra_points

MACHINE_SECONDS = 20
SLOWER = 3  # a test machine may be this much slower than the one that the budget is meant for


@cache
def run(path):
    """The code cells after nbgrader has run them, errors or not, and the seconds that it took."""
    notebook = nbformat.read(path, as_version=4)
    start = time.monotonic()
    Execute().preprocess(notebook, {"metadata": {"path": str(path.parent)}})
    seconds = time.monotonic() - start
    return [cell for cell in notebook.cells if cell.cell_type == "code"], seconds


def checks(path):
    return [cell for cell in run(path)[0] if is_check(cell)]


def task_of(path, check):
    """The text of an optional check's task: the last one before it that has a heading."""
    cells = nbformat.read(path, as_version=4).cells
    before = cells[: [cell.id for cell in cells].index(check.id)]
    return next(cell.source for cell in reversed(before) if cell.source.startswith("## "))


def kinds(cell):
    return {(output.output_type, output.get("name")) for output in cell.outputs}


def test_a_solution_runs_without_an_error_within_its_budget(solution):
    cells, seconds = run(solution)
    assert [output for cell in cells for output in cell.outputs if output.output_type == "error"] == []
    assert seconds < MACHINE_SECONDS * SLOWER


def test_a_solution_gets_all_points(solution):
    for check in checks(solution):
        score, points = determine_grade(check)
        assert score == points, check.source


def test_a_solution_gets_the_extra_points_that_an_optional_task_promises(solution):
    for check in checks(solution):
        promised = re.search(r"(\d+) extra points", task_of(solution, check))
        assert extra_points(check) == (float(promised[1]) if promised else None), check.source
        assert bool(promised) == (check.metadata.nbgrader.points == 0)


def test_an_untouched_exercise_runs_to_its_end(exercise):
    """A figure whose function is not written yet says so: *Run All* reaches the tasks after it."""
    cells, _ = run(exercise)
    assert [output for cell in cells for output in cell.outputs if output.output_type == "error"] == []


def test_an_untouched_exercise_gets_no_point(exercise):
    for check in checks(exercise):
        assert determine_grade(check)[0] == 0, check.source
        assert not extra_points(check), check.source


def test_a_check_prints_a_report_and_ends_in_a_number(assignment):
    """Anything else, an error or a word on stderr, nbgrader would take for a mark of its own choice."""
    for check in checks(assignment):
        assert kinds(check) == {("stream", "stdout"), ("execute_result", None)}, check.source
        (result,) = [output for output in check.outputs if output.output_type == "execute_result"]
        if extra_points(check) is None:
            assert 0 <= float(result.data["text/plain"]) <= check.metadata.nbgrader.points
