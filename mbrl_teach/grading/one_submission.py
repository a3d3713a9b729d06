"""Grading one submission: stage it, have nbgrader grade it, and remember what came of it.

nbgrader does what `nbgrader autograde` does, through its own Python interface, and writes the same gradebook
and autograded/ folder. What came of it is remembered in .grading/ASSIGNMENT/STUDENT.json, written last: a run
that was interrupted at any moment is taken up where it was, and a submission that has not changed is not
graded again.
"""

from __future__ import annotations

import glob
import json
import os
import re
import tempfile
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from threading import Lock
from time import monotonic, sleep

from nbgrader.converters import Autograde
from nbgrader.coursedir import CourseDirectory
from nbgrader.utils import capture_log
from traitlets.config import Config

from mbrl_teach.grading.course import Course, fingerprint, loaded_edition
from mbrl_teach.grading.gradebook import points_in_gradebook
from mbrl_teach.grading.hand_in import stage
from mbrl_teach.grading.locks import alone

TRIES = 6  # while other workers hold the gradebook
ERROR = re.compile(r"^ *([\w.]*(?:Error|Exception|Entry|NoSandbox): .*)", re.MULTILINE)
DATABASE = re.compile(r"^[\w.]*OperationalError:|\((?:sqlite3|psycopg)[\w.]*\.OperationalError\)")


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


def grade_one(course: Course, edition: str, student: str, force: bool = False) -> Outcome:
    """Grade one student's submission, or recall its outcome if nothing has changed since. Never raises.

    A submission that failed is not remembered: the next run tries it again.
    """
    began = monotonic()
    submission = Path(course.folder, "submitted", student, course.assignment)
    try:
        if edition != loaded_edition(course):
            raise RuntimeError("this worker has other code of the course than the grader: start it anew")
        with _one_at_a_time, alone(course.folder, course.assignment, student):
            paths = [] if submission.is_symlink() else submission.rglob("*")
            mark = fingerprint(submission, paths, edition)
            known = None if force else _recall(course, student, mark)
            if known is not None:
                return known
            _place(course, student).unlink(missing_ok=True)  # half a grading is not recalled
            outcome = replace(_grade(course, student, submission), seconds=monotonic() - began)
            if outcome.failed is None:
                _remember(course, mark, outcome)
            return outcome
    except Exception as error:  # one submission never ends the class
        return Outcome(student, failed=_first_line(error), seconds=monotonic() - began)


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
            points, of, extra = points_in_gradebook(course, student)
            return Outcome(student, points, extra, of, problems, failed)
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
        said = ERROR.findall(f"{result.get('log', '')}\n{result.get('error', '')}")
        if not any(map(DATABASE.search, said)):
            break
        sleep(0.2 * 2**attempt)
    telling = [line for line in said if "NbGraderException" not in line] or said
    why = telling[-1][:200] if telling else "nbgrader could not grade it"
    if any(map(DATABASE.search, said)) or "NoSandbox" in why:
        raise RuntimeError(why)  # not the submission's fault: it is not graded in any way
    return why


def _leave_out_what_staging_did(config: Config) -> None:
    """Cells with marks are released ones, once, without outputs: to prove it takes half of the time."""
    config.Autograde.sanitize_preprocessors = [
        "nbgrader.preprocessors.OverwriteKernelspec",
        "nbgrader.preprocessors.OverwriteCells",
    ]
    config.Autograde.autograde_preprocessors = [
        name for name in config.Autograde.autograde_preprocessors if "CheckCellMetadata" not in str(name)
    ]


def _place(course: Course, student: str) -> Path:
    return Path(course.folder, ".grading", course.assignment, f"{student}.json")


def _recall(course: Course, student: str, mark: str) -> Outcome | None:
    """The outcome of this very submission, if it has been graded and what nbgrader wrote is still there."""
    autograded = Path(course.folder, "autograded", student, course.assignment)
    try:
        known = json.loads(_place(course, student).read_text(encoding="utf-8"))
        outcome = Outcome(**known["outcome"] | {"fresh": False})
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if known["mark"] != mark or not any(autograded.glob("*.ipynb")):
        return None
    same = points_in_gradebook(course, student) == (outcome.points, outcome.of, outcome.extra)
    return outcome if same else None


def _remember(course: Course, mark: str, outcome: Outcome) -> None:
    """Write the outcome down, whole or not at all."""
    place = _place(course, outcome.student)
    draft = place.with_name(f"{place.name}.draft")
    draft.write_text(json.dumps({"mark": mark, "outcome": asdict(outcome)}), encoding="utf-8")
    draft.replace(place)


def _first_line(error: BaseException) -> str:
    text = str(error).strip()
    return f"{type(error).__name__}: {text.splitlines()[0][:200] if text else 'no message'}"
