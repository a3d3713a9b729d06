"""What came of a class, as text: the mean, each task and learning objective, and what needs a human's eye."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path
from statistics import fmean, median

import nbformat
from tabulate import tabulate

from mbrl_teach.grading.check_cells import is_check, read_check
from mbrl_teach.grading.course import Course
from mbrl_teach.grading.one_submission import Outcome
from mbrl_teach.grading.task import Task

MOST_PROBLEMS = 20  # of one submission that are told


def class_table(course: Course, outcomes: list[Outcome]) -> str:
    """The table of an assignment's outcomes."""
    parts = [_summary(course, outcomes), _tasks(course, outcomes)]
    troubled = [outcome for outcome in outcomes if outcome.failed or outcome.problems]
    if troubled:
        parts.append("\n".join(["What was wrong with submissions:", *_problems(troubled)]))
    return "\n\n".join(part for part in parts if part)


def _summary(course: Course, outcomes: list[Outcome]) -> str:
    totals = [outcome.total for outcome in outcomes]
    most = max((sum(outcome.of.values()) for outcome in outcomes), default=0.0)
    fresh = sum(outcome.fresh for outcome in outcomes)
    failed = sum(outcome.failed is not None for outcome in outcomes)
    return (
        f"{course.assignment}: {len(outcomes)} submissions, {fresh} graded now, "
        f"{len(outcomes) - fresh} unchanged, {failed} failed\n"
        f"points by the checks, of {most:g}: mean {fmean(totals):.1f}, median {median(totals):g}, "
        f"{min(totals):g} to {max(totals):g}"
    )


def _tasks(course: Course, outcomes: list[Outcome]) -> str:
    """Success by task, and by learning objective: the share of the points that the class has."""
    tasks = _tasks_by_cell(course)
    rows, objectives = [], defaultdict(list)
    for cell, task in tasks.items():
        points = [outcome.points.get(cell, 0.0) for outcome in outcomes]
        most = max((outcome.of.get(cell, 0.0) for outcome in outcomes), default=0.0)
        if not most:  # optional, by extra points
            continue
        share = fmean(points) / most
        full = sum(p == most for p in points)
        rows.append((task.title, f"{most:g}", f"{fmean(points):.2f}", f"{share:.0%}", full))
        objectives[task.objective].append((fmean(points), most))
    by_objective = [
        (objective, f"{sum(p for p, _ in pairs) / sum(m for _, m in pairs):.0%}")
        for objective, pairs in objectives.items()
    ]
    return "\n\n".join(
        [
            tabulate(
                rows, headers=("task", "points", "mean", "success", "full marks"), disable_numparse=True
            ),
            tabulate(by_objective, headers=("learning objective", "success"), disable_numparse=True),
        ]
    )


def _tasks_by_cell(course: Course) -> dict[str, Task]:
    """The tasks of the assignment, by the name of the cell that checks them."""
    tasks = {}
    for path in sorted(Path(course.folder, "exercises", course.assignment).glob("*.ipynb")):
        for cell in nbformat.read(path, as_version=4).cells:
            if is_check(cell):
                tasks[cell.metadata.nbgrader.grade_id] = read_check(cell.source)[0]
    return tasks


def _problems(outcomes: list[Outcome]) -> list[str]:
    lines = []
    for outcome in outcomes:
        problems = outcome.problems[:MOST_PROBLEMS]
        if outcome.failed:
            problems.insert(0, f"not graded as handed in: {outcome.failed}")
        if len(outcome.problems) > MOST_PROBLEMS:
            problems.append(f"and {len(outcome.problems) - MOST_PROBLEMS} more")
        lines += [f"  {_on_one_line(outcome.student)}: {_on_one_line(problem)}" for problem in problems]
    return lines


def _on_one_line(text: str) -> str:
    """`text`, some of it a stranger's, without what ends a line or moves a terminal's cursor."""
    shown = "".join(letter if letter.isprintable() else "\N{REPLACEMENT CHARACTER}" for letter in text)
    return shown[:300]
