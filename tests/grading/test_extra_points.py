"""Full marks need no optional task; its points come on top, as what nbgrader calls extra credit."""

import csv
import shutil

import nbformat
import pytest
from nbformat.v4 import new_code_cell, new_notebook, new_output
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.utils import determine_grade, is_solution

from mbrl_teach.grading.checks import dyna_q
from mbrl_teach.grading.extra_points import SaveExtraPoints, extra_points
from mbrl_teach.grading.task import ExtraPoints

OPTIONAL, REQUIRED = "checks.dyna_q.prioritized_sweep(f)", "checks.dyna_q.q_update(f)"


def check(source, value, points=0):
    """A check's cell after it has run."""
    marks = {"grade": True, "grade_id": "the_check", "points": points, "solution": False, "locked": True}
    output = new_output("execute_result", {"text/plain": repr(value)}, execution_count=1)
    return new_code_cell(source, outputs=[output], metadata={"nbgrader": marks | {"schema_version": 3}})


@pytest.mark.parametrize("value", [0.0, 1.5, 4.0])
def test_an_optional_check_is_no_mark_to_nbgrader_and_says_its_extra_points(value):
    cell = check(OPTIONAL, ExtraPoints(value))
    assert determine_grade(cell) == (0, 0)
    assert extra_points(cell) == value


def test_nobody_gets_more_than_the_task_is_worth():
    assert extra_points(check(OPTIONAL, ExtraPoints(1000))) == dyna_q.prioritized_sweep.points


def test_a_check_that_stopped_early_has_no_extra_points():
    cell = check(OPTIONAL, ExtraPoints(4))
    cell.outputs = [new_output("error", ename="KeyboardInterrupt", evalue="", traceback=[])]
    assert extra_points(cell) == 0.0


@pytest.mark.parametrize("source", [REQUIRED, "checks.dyna_q.nothing(f)", "print('4.0 extra points')"])
def test_whatever_is_not_optional_has_no_extra_points(source):
    assert extra_points(check(source, ExtraPoints(4))) is None


def test_a_task_says_that_its_points_are_extra(capsys):
    value = dyna_q.prioritized_sweep(dyna_q.prioritized_sweep.reference)
    assert (value, repr(value)) == (4, "4.0 extra points")
    assert "4 of 4 extra points" in capsys.readouterr().out


@pytest.fixture
def gradebook(tmp_path):
    """A student's submission of an assignment of 10 points with an optional task; the database's address."""
    url = f"sqlite:///{tmp_path / 'gradebook.db'}"
    with Gradebook(url) as book:
        book.add_assignment("05_dyna_q")
        book.add_notebook("dyna_q", "05_dyna_q")
        for name, points in (("required", 10), ("the_check", 0)):
            book.add_grade_cell(name, "dyna_q", "05_dyna_q", max_score=points, cell_type="code")
        book.add_student("ada")
        book.add_submission("05_dyna_q", "ada")
        book.find_grade("required", "dyna_q", "05_dyna_q", "ada").auto_score = 10
        book.db.commit()
    return url


in_nbgrader = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")  # of its own add_submission


def save(url, cell):
    ours = {"notebook": "dyna_q", "assignment": "05_dyna_q", "student": "ada", "db_url": url}
    notebook = new_notebook(cells=[cell])
    before = nbformat.writes(notebook)
    SaveExtraPoints().preprocess(notebook, {"nbgrader": ours})
    assert nbformat.writes(notebook) == before
    with Gradebook(url) as book:
        book.find_grade("the_check", *list(ours.values())[:3]).auto_score = 0.0
        book.db.commit()
        submission = book.find_submission("05_dyna_q", "ada")
        return submission.score, submission.max_score


@in_nbgrader
def test_extra_points_come_on_top_of_full_marks(gradebook):
    assert save(gradebook, check(OPTIONAL, ExtraPoints(3))) == (13, 10)


@in_nbgrader
def test_without_them_full_marks_are_full_marks_and_a_second_grading_counts_alone(gradebook):
    assert save(gradebook, check(OPTIONAL, ExtraPoints(4))) == (14, 10)
    assert save(gradebook, check(OPTIONAL, ExtraPoints(0))) == (10, 10)


@in_nbgrader
def test_a_required_check_leaves_the_gradebook_alone(gradebook):
    assert save(gradebook, check(REQUIRED, 4.0, points=4)) == (10, 10)


@in_nbgrader
def test_an_optional_check_that_the_gradebook_does_not_know_is_not_passed_over(gradebook):
    cell = check(OPTIONAL, ExtraPoints(4))
    cell.metadata.nbgrader.grade_id = "unknown"
    with pytest.raises(MissingEntry):
        save(gradebook, cell)


@pytest.mark.slow
def test_whoever_solves_everything_is_graded_with_the_extra_points(generated_course, nbgrader, tmp_path):
    course = shutil.copytree(generated_course, tmp_path / "course")
    name, path = "05_dyna_q", "05_dyna_q/dyna_q.ipynb"
    source = nbformat.read(course / "solutions" / path, as_version=4)
    answers = {cell.metadata.nbgrader.grade_id: cell.source for cell in source.cells if is_solution(cell)}
    for student, solved in {"all": set(answers), "required": set(answers) - {"prioritized_sweep"}}.items():
        notebook = nbformat.read(course / "exercises" / path, as_version=4)
        for cell in notebook.cells:
            if cell.metadata.nbgrader.grade_id in solved:
                cell.source = answers[cell.metadata.nbgrader.grade_id]
        handed_in = course / "submitted" / student / path
        handed_in.parent.mkdir(parents=True)
        nbformat.write(notebook, handed_in)
        nbgrader("db", "student", "add", student, cwd=course)
    nbgrader("autograde", name, cwd=course)
    nbgrader("export", "--to=grades.csv", cwd=course)
    rows = list(csv.DictReader((course / "grades.csv").read_text(encoding="utf-8").splitlines()))
    marks = {
        row["student_id"]: (float(row["score"]), float(row["max_score"]))
        for row in rows
        if row["assignment"] == name
    }
    assert marks == {"all": (36, 35), "required": (32, 35)}  # 3 points wait for a human
