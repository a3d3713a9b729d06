"""nbgrader's gradebook, made ready before workers share it: an SQLite file, or a server's database.

Workers that all make the tables of a new gradebook get into each other's way, and one that is ended while it
does leaves half of them. So the grader prepares, alone, and what half a preparation left is completed.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import nbformat
from nbgrader.api import Gradebook, MissingEntry, get_alembic_version
from nbgrader.converters import GenerateAssignment
from nbgrader.coursedir import CourseDirectory
from nbgrader.utils import capture_log, is_grade
from sqlalchemy import inspect, text
from sqlalchemy.exc import OperationalError

from mbrl_teach.grading.course import Course
from mbrl_teach.grading.locks import alone


class NoGradebook(RuntimeError):
    """The gradebook cannot be opened, or does not fit the assignment."""


def prepare(course: Course) -> None:
    """See to it that the gradebook is there, whole, and knows the assignment as it was released.

    Raises NoGradebook if it cannot be opened, or if exercises/ is not what solutions/ generates.
    """
    released = _released_cells(course)
    with alone(course.folder, "gradebook"):
        try:
            if not released <= _known_cells(course):
                _generate(course)
                if not released <= _known_cells(course):
                    raise NoGradebook(
                        f"exercises/{course.assignment} is not what solutions/{course.assignment} generates: "
                        "`make release` makes it anew"
                    )
        except ModuleNotFoundError as error:
            raise NoGradebook(
                f"PostgreSQL needs its driver {error.name}: pip install 'mbrl_teach[cluster]'"
            ) from error
        except OperationalError as error:
            raise NoGradebook(f"the gradebook cannot be opened: {str(error.orig).strip()}") from None


def points_in_gradebook(
    course: Course, student: str
) -> tuple[dict[str, float], dict[str, float], float] | None:
    """Points and maxima by the name of the check's cell, and extra points; None without a submission."""
    points, of, extra = {}, {}, 0.0
    with _reading(course) as book:
        try:
            submission = book.find_submission(course.assignment, student)
        except MissingEntry:
            return None
        for notebook in submission.notebooks:
            for grade in notebook.grades:
                if grade.cell_type == "code":
                    points[grade.name], of[grade.name] = float(grade.auto_score or 0), float(grade.max_score)
                    extra += float(grade.extra_credit or 0)
    return points, of, extra


@contextmanager
def _reading(course: Course) -> Iterator[Gradebook]:
    """The gradebook as it is now. To look at its tables takes longer than to ask it: done once a process."""
    book = _gradebook(course.config().CourseDirectory.db_url)
    try:
        yield book
    finally:
        book.close()  # only the connection: the next question opens another


@cache
def _gradebook(url: str) -> Gradebook:
    return Gradebook(url)


def _known_cells(course: Course) -> set[tuple[str, str, float]]:
    """The graded cells of the assignment that the gradebook knows; its tables are completed."""
    directory = CourseDirectory(config=course.config())
    with Gradebook(directory.db_url, directory.course_id) as book:
        if "alembic_version" not in inspect(book.engine).get_table_names():
            # nbgrader writes the version of its tables last, and only where it found no table
            book.db.execute(text("CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"))
            book.db.commit()
        if book.db.execute(text("SELECT version_num FROM alembic_version")).first() is None:
            version = {"version": get_alembic_version()}
            book.db.execute(text("INSERT INTO alembic_version (version_num) VALUES (:version)"), version)
            book.db.commit()
        book.check_course("default_course")  # nbgrader's own preprocessors name no course
        try:
            notebooks = book.find_assignment(course.assignment).notebooks
        except MissingEntry:
            return set()
        return {(n.name, cell.name, cell.max_score) for n in notebooks for cell in n.grade_cells}


def _released_cells(course: Course) -> set[tuple[str, str, float]]:
    cells = set()
    for path in Path(course.folder, "exercises", course.assignment).glob("*.ipynb"):
        for cell in nbformat.read(path, as_version=4).cells:
            if is_grade(cell):
                ours = cell.metadata.nbgrader
                cells.add((path.stem, ours.grade_id, float(ours.points)))
    return cells


def _generate(course: Course) -> None:
    """Have nbgrader enter the assignment as `nbgrader generate_assignment` does; exercises/ stays."""
    with tempfile.TemporaryDirectory(prefix="mbrl_teach-") as place:
        config = course.config()
        config.CourseDirectory.update(release_directory=place, assignment_id=course.assignment)
        result = capture_log(GenerateAssignment(CourseDirectory(config=config), config=config))
    if not result["success"]:
        raise NoGradebook(f"nbgrader could not enter {course.assignment}:\n{result.get('log', '')}")
