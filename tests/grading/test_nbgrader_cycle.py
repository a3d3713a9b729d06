"""An assignment goes to the students and comes back marked, by nbgrader's commands alone."""

import csv
import re
import shutil
import sys
from concurrent.futures import ThreadPoolExecutor
from types import SimpleNamespace

import nbformat
import pytest
from nbgrader.utils import is_grade, is_solution

from mbrl_teach.grading.check_cells import is_check

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="grading runs on Linux")


@pytest.fixture(scope="module")
def cycle(generated_course, nbgrader, tmp_path_factory):
    """Three students hand in the course's first assignment: nothing of it done, half of the tasks, all."""
    course = shutil.copytree(generated_course, tmp_path_factory.mktemp("copied") / "course")
    source = sorted(course.glob("solutions/*/*.ipynb"))[0]
    name = source.parent.name
    answers = {
        cell.metadata.nbgrader.grade_id: cell.source for cell in read(source).cells if is_solution(cell)
    }
    points = [cell.metadata.nbgrader.points for cell in read(source).cells if is_check(cell)]
    solved = {"none": 0, "half": (len(points) + 1) // 2, "all": len(points)}
    homes = {student: tmp_path_factory.mktemp(student) for student in solved}
    notebooks = {student: home / name / source.name for student, home in homes.items()}

    def take_part(student):
        nbgrader("fetch_assignment", name, "--course=mbrl_teach", cwd=homes[student])
        fill_in(notebooks[student], answers, solved[student])
        if student == "half":
            lose_the_first_check(notebooks[student])
        nbgrader("submit", name, "--course=mbrl_teach", f"--student={student}", cwd=homes[student])

    def look(student):
        nbgrader("fetch_feedback", name, "--course=mbrl_teach", cwd=homes[student])

    nbgrader("release_assignment", name, cwd=course)
    with ThreadPoolExecutor(2) as pool:
        list(pool.map(take_part, solved))
        validated = pool.submit(nbgrader, "validate", *map(str, notebooks.values()), cwd=homes["all"])
        for command in ("collect", "autograde", "generate_feedback", "release_feedback"):
            nbgrader(command, name, cwd=course)
        list(pool.map(look, solved))
        nbgrader("export", "--to=grades.csv", cwd=course)
    return SimpleNamespace(
        course=course,
        source=source,
        name=name,
        points=points,
        solved=solved,
        homes=homes,
        validated=validated.result(),
    )


def read(path):
    return nbformat.read(path, as_version=4)


def fill_in(path, answers, tasks):
    """Answer the first tasks as the solution does and, with them, the written question."""
    notebook = read(path)
    code = [cell for cell in notebook.cells if is_solution(cell) and cell.cell_type == "code"]
    for cell in code[:tasks]:
        cell.source = answers[cell.metadata.nbgrader.grade_id]
    for cell in notebook.cells:
        if is_grade(cell) and is_solution(cell) and tasks:
            cell.source = "Because."
    nbformat.write(notebook, path)


def lose_the_first_check(path):
    notebook = read(path)
    notebook.cells.remove(next(filter(is_check, notebook.cells)))
    nbformat.write(notebook, path)


def autograded(cycle, student):
    return read(cycle.course / "autograded" / student / cycle.name / cycle.source.name).cells


def test_each_student_gets_the_points_of_what_is_solved(cycle):
    grades = (cycle.course / "grades.csv").read_text(encoding="utf-8")
    rows = [row for row in csv.DictReader(grades.splitlines()) if row["assignment"] == cycle.name]
    rows = {row["student_id"]: row for row in rows}
    assert rows.keys() == cycle.solved.keys()
    for student, tasks in cycle.solved.items():
        assert float(rows[student]["score"]) == sum(cycle.points[:tasks])


def test_a_check_that_a_student_lost_comes_back(cycle):
    assert sum(map(is_check, autograded(cycle, "half"))) == len(cycle.points)


def test_validate_says_the_same_as_the_marks(cycle):
    """One point lost is a check that is not passed; so is a written answer that was not given."""
    said = re.findall(r"Success!|VALIDATION FAILED ON \d+ CELL", cycle.validated)
    failed = {student: len(cycle.points) - tasks for student, tasks in cycle.solved.items()}
    failed["none"] += 1
    assert said == [f"VALIDATION FAILED ON {n} CELL" if n else "Success!" for n in failed.values()]


def test_each_student_gets_feedback_with_the_marks(cycle):
    for student, home in cycle.homes.items():
        (page,) = home.glob(f"{cycle.name}/feedback/*/{cycle.source.stem}.html")
        text = page.read_text(encoding="utf-8")
        assert f"(Score: {sum(cycle.points[: cycle.solved[student]]):.1f} / " in text
