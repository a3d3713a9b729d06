"""A solution gets every point that its exercise promises; an untouched exercise gets none."""

import time
from functools import cache

import nbformat
from nbgrader.preprocessors import Execute
from nbgrader.utils import determine_grade, is_grade, is_solution

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
    return [cell for cell in run(path)[0] if is_grade(cell) and not is_solution(cell)]


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


def test_an_untouched_exercise_runs_to_its_end(exercise):
    """A figure whose function is not written yet says so: *Run All* reaches the tasks after it."""
    cells, _ = run(exercise)
    assert [output for cell in cells for output in cell.outputs if output.output_type == "error"] == []


def test_an_untouched_exercise_gets_no_point(exercise):
    for check in checks(exercise):
        assert determine_grade(check)[0] == 0, check.source


def test_a_check_prints_a_report_and_ends_in_a_number(assignment):
    """Anything else, an error or a word on stderr, nbgrader would take for a mark of its own choice."""
    for check in checks(assignment):
        assert kinds(check) == {("stream", "stdout"), ("execute_result", None)}, check.source
        (result,) = [output for output in check.outputs if output.output_type == "execute_result"]
        assert 0 <= float(result.data["text/plain"]) <= check.metadata.nbgrader.points
