"""A made-up class: a course of one assignment, and submissions that answer some of its tasks."""

from __future__ import annotations

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from pathlib import Path

import nbformat
from nbgrader.utils import is_solution

COURSE = Path(__file__).parents[2]
ASSIGNMENT = "01_lqr"
POINTS = (3, 4, 4, 8, 4, 5)  # of its tasks; 2 more for a written answer
LIMIT = 600  # seconds that nothing here comes near, on a machine that does much else


def make_course(folder: Path) -> Path:
    """A course with this assignment alone, as it was released; no gradebook yet."""
    for room in ("solutions", "exercises"):
        shutil.copytree(COURSE / room / ASSIGNMENT, folder / room / ASSIGNMENT)
    shutil.copy(COURSE / "nbgrader_config.py", folder)
    return folder


def notebook(course: Path, answered: int) -> nbformat.NotebookNode:
    """The released notebook with the first tasks answered as the solution answers them."""
    solution, released = (
        nbformat.read(course / room / ASSIGNMENT / "lqr.ipynb", as_version=4)
        for room in ("solutions", "exercises")
    )
    answers = {cell.metadata.nbgrader.grade_id: cell.source for cell in solution.cells if is_solution(cell)}
    for cell in [cell for cell in released.cells if is_solution(cell)][:answered]:
        cell.source = answers[cell.metadata.nbgrader.grade_id]
    return released


def hand_in(course: Path, student: str, answered: int, takes: float = 0.0) -> None:
    """A submission with the first tasks answered, the first of them in a cell that takes so many seconds."""
    folder = course / "submitted" / student / ASSIGNMENT
    folder.mkdir(parents=True, exist_ok=True)
    handed_in = notebook(course, answered)
    if takes:
        first = next(cell for cell in handed_in.cells if is_solution(cell))
        first.source = f"import time\n\ntime.sleep({takes})\n{first.source}"
    nbformat.write(handed_in, folder / "lqr.ipynb")


def hand_in_class(course: Path, size: int) -> dict[str, float]:
    """`size` students, who have answered none, one, … all of the tasks; the points they should have."""
    due = {}
    for number in range(size):
        student, answered = f"s{number:02}", number % (len(POINTS) + 1)
        hand_in(course, student, answered)
        due[student] = float(sum(POINTS[:answered]))
    return due


def grading(course: Path, *arguments: str, python: str = sys.executable) -> subprocess.Popen:
    """`python -m mbrl_teach.grading` on the course, under way, in a process group of its own."""
    return subprocess.Popen(
        [python, "-m", "mbrl_teach.grading", ASSIGNMENT, "--course", str(course), *arguments],
        env=os.environ | {"PYTHONPATH": str(COURSE), "OMP_NUM_THREADS": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def grade(course: Path, *arguments: str, returns: int = 0) -> str:
    """Grade; what was printed."""
    process = grading(course, *arguments)
    try:
        said, errors = process.communicate(timeout=LIMIT)
    except BaseException:
        process.send_signal(signal.SIGKILL)
        raise
    assert process.returncode == returns, said + errors
    return said + errors


GRADES = """
SELECT student.id, grade_cell.name, grade.auto_score, grade.extra_credit, grade.needs_manual_grade
FROM grade
JOIN submitted_notebook ON grade.notebook_id = submitted_notebook.id
JOIN submitted_assignment ON submitted_notebook.assignment_id = submitted_assignment.id
JOIN student ON submitted_assignment.student_id = student.id
JOIN base_cell AS grade_cell ON grade.cell_id = grade_cell.id
"""


def grades(course: Path) -> set[tuple]:
    """Every grade in the course's gradebook, asked without nbgrader."""
    with sqlite3.connect(course / "gradebook.db", timeout=60) as book:
        return set(book.execute(GRADES))


def totals(rows: set[tuple]) -> dict[str, float]:
    """Points of each student."""
    sums: dict[str, float] = {}
    for student, _, score, *_ in rows:
        sums[student] = sums.get(student, 0.0) + (score or 0.0)
    return sums
