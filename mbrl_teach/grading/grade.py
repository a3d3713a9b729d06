"""Grading a class: every submission of an assignment, by a pool of workers.

    outcomes = grade_class(Course("path/of/the/course", "01_lqr"), jobs=4)

The workers are processes of this machine, or those of a Dask cluster. A worker that dies takes no submission
with it: what it had in hand is graded again by another, and named if that one dies too.
"""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path

from tqdm.auto import tqdm

from mbrl_teach.grading.one_submission import Course, Outcome, edition, grade_one

TRIES = 2  # of a submission whose worker died


def students_of(course: Course) -> list[str]:
    """Those who have handed in: the folders under submitted/ that hold this assignment, in whatever form."""
    submitted = Path(course.folder, "submitted")
    students = os.listdir(submitted) if submitted.is_dir() else []
    return sorted(student for student in students if os.path.lexists(submitted / student / course.assignment))


def grade_class(
    course: Course,
    *,
    jobs: int | None = None,
    force: bool = False,
    scheduler: str | None = None,
    progress: bool = True,
) -> list[Outcome]:
    """Grade all submissions that have changed (`force`: all), by `jobs` workers or a Dask `scheduler`'s.

    Returns an outcome for each student, in the order of their names. Raises FileNotFoundError if the course
    has no such assignment, or nobody has handed it in.
    """
    _require(course)
    students, done = students_of(course), {}
    if not students:
        raise FileNotFoundError(f"nobody has handed in {course.assignment}: submitted/*/ holds none")
    now = edition(course)
    bar = tqdm(total=len(students), unit="submission", disable=None if progress else True)
    with bar:
        for _ in range(TRIES):
            left = [student for student in students if student not in done]
            if not left:
                break
            with _workers(min(jobs or os.cpu_count() or 1, len(left)), scheduler) as pool:
                ask = lambda student, pool=pool: pool.submit(grade_one, course, now, student, force)
                for outcome in _collect(ask, left):
                    done[outcome.student] = outcome
                    bar.update()
    died = "the worker that graded it died, twice: too little memory?"
    return [done.get(student, Outcome(student, failed=died)) for student in students]


def _collect(ask: Callable[[str], Future], students: list[str]) -> Iterator[Outcome]:
    """Outcomes as they come; those whose worker died do not come."""
    futures = {}
    try:
        for student in students:
            futures[ask(student)] = student
    except BrokenProcessPool:
        pass
    for future in as_completed(futures):
        try:
            yield future.result()
        except BrokenProcessPool:
            continue
        except Exception as error:  # a cluster's own ways to fail
            if type(error).__name__ != "KilledWorker":
                yield Outcome(futures[future], failed=f"{type(error).__name__}: {error}"[:200])


@contextmanager
def _workers(jobs: int, scheduler: str | None) -> Iterator[Executor]:
    """Processes of this machine, or a Dask cluster's: both are executors."""
    if scheduler is None:
        with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
            yield pool
        return
    try:
        from distributed import Client
    except ImportError as error:
        raise ImportError("a cluster needs Dask: pip install 'mbrl_teach[cluster]'") from error
    with Client(scheduler, set_as_default=False) as client:
        yield client.get_executor(pure=False, retries=1)


def _require(course: Course) -> None:
    """The course must have the assignment, generated."""
    for room in ("solutions", "exercises"):
        folder = Path(course.folder, room, course.assignment)
        if not any(folder.glob("*.ipynb")):
            raise FileNotFoundError(
                f"there is no {room}/{course.assignment}/*.ipynb in {course.folder}"
                + (": `make release` makes it" if room == "exercises" else "")
            )
