"""Grading one submission: stage it, have nbgrader grade it, and remember what came of it.

nbgrader does what `nbgrader autograde` does, through its own Python interface, and writes the same gradebook
and autograded/ folder. What came of it is remembered in .grading/ASSIGNMENT/STUDENT.json, written last: a run
that was interrupted at any moment is taken up where it was, and a submission that has not changed is not
graded again.
"""

from __future__ import annotations

import glob
import hashlib
import json
import os
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path
from threading import Lock
from time import monotonic, sleep

from nbgrader.api import Gradebook, MissingEntry
from nbgrader.converters import Autograde
from nbgrader.coursedir import CourseDirectory
from nbgrader.utils import capture_log
from traitlets.config import Config, PyFileConfigLoader

from mbrl_teach.grading.hand_in import MOST_BYTES, stage

PACKAGE = Path(__file__).resolve().parents[1]
TRIES = 6  # while other workers hold the gradebook


@dataclass(frozen=True)
class Course:
    """Where a course is, and how it is graded. Picklable: it goes to every worker."""

    folder: str
    assignment: str
    database: str | None = None  # an SQLAlchemy URL; None is the course's own gradebook.db
    isolated: bool = True

    def config(self) -> Config:
        """The course's nbgrader_config.py, with what the command line says on top."""
        config = PyFileConfigLoader("nbgrader_config.py", path=self.folder).load_config()
        config.CourseDirectory.root = self.folder
        config.Examine.isolated = self.isolated
        if self.database:
            config.CourseDirectory.db_url = self.database
        return config


@dataclass(frozen=True)
class Outcome:
    """What came of one submission; `points` and `of` by the name of the check's cell."""

    student: str
    points: dict[str, float] = field(default_factory=dict)
    extra: float = 0.0
    of: dict[str, float] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)
    failed: str | None = None
    seconds: float = 0.0
    fresh: bool = True  # graded in this run

    @property
    def total(self) -> float:
        """All points by the checks, extra points among them."""
        return sum(self.points.values()) + self.extra


class _AutogradeOne(Autograde):
    """nbgrader's, for exactly one student: its own takes names for patterns, and [a] is no folder to it."""

    def init_notebooks(self) -> None:
        """What is graded."""
        folder = self._format_source(self.coursedir.assignment_id, self.coursedir.student_id)
        self.assignments = {folder: sorted(glob.glob(f"{glob.escape(folder)}/*.ipynb"))}
        self.notebooks = []


_one_at_a_time = Lock()  # nbgrader changes the process's working folder


def edition(course: Course) -> str:
    """A fingerprint of all that a grade depends on beside the submission: the assignment and its checks."""
    files = sorted(Path(course.folder, "exercises", course.assignment).rglob("*"))
    files += sorted(Path(course.folder, "solutions", course.assignment).rglob("*"))
    files += sorted((PACKAGE / "grading").rglob("*.py"))
    return _fingerprint([*files, Path(course.folder, "nbgrader_config.py")], str(course.isolated))


def grade_one(course: Course, edition: str, student: str, force: bool = False) -> Outcome:
    """Grade one student's submission, or recall its outcome if nothing has changed since. Never raises."""
    began = monotonic()
    submission = Path(course.folder, "submitted", student, course.assignment)
    try:
        paths = [] if submission.is_symlink() else sorted(submission.rglob("*"))
        mark = _fingerprint(paths, edition)
        known = None if force else _recall(course, student, mark)
        if known is not None:
            return known
        with _one_at_a_time:
            outcome = _grade(course, student, submission)
    except Exception as error:  # one submission never ends the class
        return Outcome(student, failed=_first_line(error), seconds=monotonic() - began)
    outcome = replace(outcome, seconds=monotonic() - began)
    _remember(course, mark, outcome)
    return outcome


def _grade(course: Course, student: str, submission: Path) -> Outcome:
    """Stage and grade it; if nbgrader fails on what was staged, grade the assignment without an answer."""
    problems, failed = [], None
    for handed_in in (submission, Path(os.devnull)):
        with tempfile.TemporaryDirectory(prefix="mbrl_teach-") as place:
            released = Path(course.folder, "exercises", course.assignment)
            said = stage(handed_in, released, Path(place, student, course.assignment))
            failed_now = _autograde(course, student, place)
        if handed_in == submission:
            problems, failed = said, failed_now
        if failed_now is None:
            return _outcome(course, student, problems, failed)
    raise RuntimeError(failed)


def _autograde(course: Course, student: str, submitted: str) -> str | None:
    """nbgrader's autograde on one student; None, or in a line why it failed."""
    config = course.config()
    config.CourseDirectory.update(
        submitted_directory=submitted, assignment_id=course.assignment, student_id=student
    )
    _leave_out_what_staging_did(config)
    for attempt in range(TRIES):
        app = _AutogradeOne(CourseDirectory(config=config), config=config)
        app.force = True
        result = capture_log(app)
        if result["success"]:
            return None
        said = f"{result.get('log', '')}\n{result.get('error', '')}"
        if "database is locked" not in said:
            break
        sleep(0.2 * 2**attempt)
    lines = [line for line in said.splitlines() if re.search(r"\w*(Error|Exception)\b.*:", line)]
    lines = [line for line in lines if "NbGraderException" not in line] or lines  # which says nothing
    return (lines[-1] if lines else "nbgrader could not grade it").strip()[:200]


def _leave_out_what_staging_did(config: Config) -> None:
    """Cells with marks are released ones, once, without outputs: proving it takes half of nbgrader's time."""
    config.Autograde.sanitize_preprocessors = [
        "nbgrader.preprocessors.OverwriteKernelspec",
        "nbgrader.preprocessors.OverwriteCells",
    ]
    config.Autograde.autograde_preprocessors = [
        name for name in config.Autograde.autograde_preprocessors if "CheckCellMetadata" not in str(name)
    ]


@cache
def _gradebook(url: str) -> Gradebook:
    """This process's own view of the gradebook, kept: to open one takes longer than to ask it."""
    return Gradebook(url)


@contextmanager
def _reading(course: Course) -> Iterator[Gradebook]:
    """The gradebook as it is now."""
    book = _gradebook(CourseDirectory(config=course.config()).db_url)
    book.db.rollback()
    try:
        yield book
    finally:
        book.db.rollback()


def _outcome(course: Course, student: str, problems: list[str], failed: str | None) -> Outcome:
    """The points, as nbgrader's gradebook has them."""
    points, of, extra = {}, {}, 0.0
    with _reading(course) as book:
        for notebook in book.find_submission(course.assignment, student).notebooks:
            for grade in notebook.grades:
                if grade.cell_type == "code":
                    points[grade.name], of[grade.name] = float(grade.auto_score or 0), float(grade.max_score)
                    extra += float(grade.extra_credit or 0)
    return Outcome(student, points, extra, of, problems, failed)


def _fingerprint(paths: list[Path], more: str) -> str:
    digest = hashlib.sha256(more.encode())
    for path in paths:
        digest.update(f"\0{path}\0".encode(errors="surrogateescape"))
        if path.is_symlink():
            digest.update(os.readlink(path).encode(errors="surrogateescape"))
        elif path.is_file() and path.stat().st_size > MOST_BYTES:  # not read when grading, either
            digest.update(f"{path.stat().st_size} {path.stat().st_mtime_ns}".encode())
        elif path.is_file():
            digest.update(path.read_bytes())
    return digest.hexdigest()


def _place(course: Course, student: str) -> Path:
    return Path(course.folder, ".grading", course.assignment, f"{student}.json")


def _recall(course: Course, student: str, mark: str) -> Outcome | None:
    """The outcome of this very submission, if it has been graded and what nbgrader wrote is still there."""
    autograded = Path(course.folder, "autograded", student, course.assignment)
    try:
        known = json.loads(_place(course, student).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    if known["mark"] != mark or not any(autograded.glob("*.ipynb")):
        return None
    with _reading(course) as book:
        try:
            book.find_submission(course.assignment, student)
        except MissingEntry:
            return None
    return Outcome(**known["outcome"] | {"fresh": False})


def _remember(course: Course, mark: str, outcome: Outcome) -> None:
    """Write the outcome down, whole or not at all."""
    place = _place(course, outcome.student)
    place.parent.mkdir(parents=True, exist_ok=True)
    draft = place.with_suffix(f".{os.getpid()}.draft")
    draft.write_text(json.dumps({"mark": mark, "outcome": asdict(outcome)}), encoding="utf-8")
    draft.replace(place)


def _first_line(error: BaseException) -> str:
    text = str(error).strip()
    return f"{type(error).__name__}: {text.splitlines()[0][:200] if text else 'no message'}"
