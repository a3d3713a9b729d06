"""Grading a class of 60 in 01_lqr: in the sandbox, by two workers, beside plain `nbgrader autograde`.

Both are commands, start-up included, on the same submissions of the same course; plain nbgrader executes each
notebook in a kernel of its own and is not isolated. They take turns in quarters of the class, so that both see
the same machine; nbgrader's start-up is counted once, from a run on nothing but what is graded already. The
second row is memory: that of one worker and its warm process after 300 submissions over that after 30.

It takes minutes, so `make bench` leaves it out: `make bench-grading`.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

import nbformat
import psutil
from nbgrader.utils import is_solution

from mbrl_teach.grading.examiner import borrowed
from mbrl_teach.grading.one_submission import Course, edition, grade_one
from tests.benchmarks.paired import Row

COURSE = Path(__file__).parents[2]
ASSIGNMENT, CLASS, QUARTERS = "01_lqr", 60, 4


def rows() -> Iterator[Row]:
    with tempfile.TemporaryDirectory(prefix="mbrl_teach-bench-") as place:
        ours, plain = (_course(Path(place, name)) for name in ("ours", "plain"))
        (plain / "nbgrader_config.py").write_text(_plain_settings(), encoding="utf-8")
        command = [sys.executable, "-m", "mbrl_teach.grading", ASSIGNMENT, "--jobs", "2"]
        nbgrader = [sys.executable, "-m", "nbgrader", "autograde", ASSIGNMENT]
        time_plain = 0.0
        students = [f"s{k:03}" for k in range(CLASS)]
        for quarter in range(QUARTERS):
            _hand_in(plain, students[quarter::QUARTERS])
            time_plain += _seconds(nbgrader, plain)
        idle = _seconds(nbgrader, plain)  # everything is graded: nothing but start-up
        _hand_in(ours, students)
        time_ours = _seconds(command, ours)
        time_plain -= (QUARTERS - 1) * idle
        yield Row(
            f"{CLASS} submissions of {ASSIGNMENT}, isolated, 2 workers",
            1e6 * time_ours,
            "nbgrader autograde",
            1e6 * time_plain,
            time_plain / time_ours,
            "≥ 10×",
        )
        early, late = _memory(ours)
        yield Row(
            "memory of a worker after 300 submissions [MB]", late, "after 30", early, early / late, "~ 1"
        )


def _course(folder: Path) -> Path:
    """A course with this assignment alone, generated."""
    (folder / "solutions").mkdir(parents=True)
    shutil.copy(COURSE / "nbgrader_config.py", folder)
    shutil.copytree(COURSE / "solutions" / ASSIGNMENT, folder / "solutions" / ASSIGNMENT)
    _seconds([sys.executable, "-m", "nbgrader", "generate_assignment", ASSIGNMENT], folder)
    return folder


def _plain_settings() -> str:
    """The course's settings, with nbgrader's own way to execute and grade."""
    settings = (COURSE / "nbgrader_config.py").read_text(encoding="utf-8")
    return settings + "\ndel c.Autograde['autograde_preprocessors']\n"


def _hand_in(course: Path, students: list[str]) -> None:
    """Submissions that answer none, one, … all of the tasks."""
    (source,) = (course / "solutions" / ASSIGNMENT).glob("*.ipynb")
    solved = {
        c.metadata.nbgrader.grade_id: c.source for c in nbformat.read(source, 4).cells if is_solution(c)
    }
    for student in students:
        notebook = nbformat.read(course / "exercises" / ASSIGNMENT / source.name, 4)
        answers = [cell for cell in notebook.cells if is_solution(cell)]
        for cell in answers[: int(student[1:]) % (len(answers) + 1)]:
            cell.source = solved[cell.metadata.nbgrader.grade_id]
        folder = course / "submitted" / student / ASSIGNMENT
        folder.mkdir(parents=True)
        nbformat.write(notebook, folder / source.name)


def _seconds(command: list[str], folder: Path) -> float:
    began = perf_counter()
    environment = os.environ | {"PYTHONPATH": str(COURSE)}
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode != 0:
        raise RuntimeError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return perf_counter() - began


def _memory(folder: Path) -> tuple[float, float]:
    """MB of this process and its warm one after 30 submissions and after 300."""
    course = Course(str(folder), ASSIGNMENT)
    now, marks = edition(course), []
    for k in range(300):
        outcome = grade_one(course, now, f"s{k % CLASS:03}", force=True)
        assert outcome.failed is None, outcome.failed
        if k + 1 in (30, 300):
            with borrowed(True) as sandbox:
                warm = psutil.Process(sandbox._process.pid)
                family = [psutil.Process(), warm, *warm.children(recursive=True)]
                marks.append(sum(process.memory_info().rss for process in family) / 1e6)
    return marks[0], marks[1]
