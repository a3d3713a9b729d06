"""Grading a class of 60 in 01_lqr: in the sandbox, by two workers, beside plain `nbgrader autograde`.

Both are commands, start-up included, on the same submissions of the same course, one after the other; plain
nbgrader executes each notebook in a kernel of its own and is not isolated. (It also pays, once, for a grammar of
jsonschema's that our command does without.) The second row is memory: that of one worker and its warm process
after 300 submissions over that after 30.

It takes minutes, so `make bench` leaves it out: `make bench-grading`.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import perf_counter

import psutil

from mbrl_teach.grading.course import Course, edition
from mbrl_teach.grading.examiner import borrowed
from mbrl_teach.grading.one_submission import grade_one
from tests.benchmarks.paired import Row
from tests.grading.small_class import ASSIGNMENT, COURSE, hand_in_class, make_course

CLASS = 60


def rows() -> Iterator[Row]:
    with tempfile.TemporaryDirectory(prefix="mbrl_teach-bench-") as place:
        ours, plain = (_course(Path(place, name)) for name in ("ours", "plain"))
        (plain / "nbgrader_config.py").write_text(_plain_settings(), encoding="utf-8")
        time_plain = _seconds([sys.executable, "-m", "nbgrader", "autograde", ASSIGNMENT], plain)
        command = [sys.executable, "-m", "mbrl_teach.grading", ASSIGNMENT, "--jobs", "2"]
        time_ours = _seconds(command, ours)
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
    """A course that knows this assignment alone, and the class's submissions."""
    make_course(folder)
    _seconds([sys.executable, "-m", "nbgrader", "generate_assignment", ASSIGNMENT, "--force"], folder)
    hand_in_class(folder, CLASS)
    return folder


def _plain_settings() -> str:
    """The course's settings, with nbgrader's own way to execute and grade."""
    settings = (COURSE / "nbgrader_config.py").read_text(encoding="utf-8")
    return settings + "\ndel c.Autograde['autograde_preprocessors']\n"


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
        outcome = grade_one(course, now, f"s{k % CLASS:02}", force=True)
        assert outcome.failed is None, outcome.failed
        if k + 1 in (30, 300):
            with borrowed(True) as sandbox:
                warm = psutil.Process(sandbox._process.pid)
                family = [psutil.Process(), warm, *warm.children(recursive=True)]
                marks.append(sum(process.memory_info().rss for process in family) / 1e6)
    return marks[0], marks[1]
