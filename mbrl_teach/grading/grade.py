"""Grading a class: every submission of an assignment, by a pool of workers.

    outcomes = grade_class(Course("path/of/the/course", "01_lqr"), jobs=4)

The workers are processes of this machine, or those of a Dask cluster. A worker that dies takes no submission
with it: what it had in hand is graded again by another, and named if that one dies too.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import closing, contextmanager, suppress
from multiprocessing.connection import Connection
from pathlib import Path
from threading import Thread

from tqdm.auto import tqdm

from mbrl_teach.grading.cluster import cluster
from mbrl_teach.grading.course import Course, edition
from mbrl_teach.grading.gradebook import prepare
from mbrl_teach.grading.one_submission import Outcome, grade_one

DIED = "the worker that graded it died, twice: too little memory?"


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
    has no such assignment or nobody has handed it in, NoGradebook and NoCluster if these cannot be had.
    """
    _require(course)
    students, done = students_of(course), {}
    if not students:
        raise FileNotFoundError(f"nobody has handed in {course.assignment}: submitted/*/ holds none")
    prepare(course)
    now = edition(course)
    task = lambda pool, student: pool.submit(grade_one, course, now, student, force)
    bar = tqdm(total=len(students), unit="submission", disable=None if progress else True)
    with bar, closing(_grade_all(task, students, jobs or os.cpu_count() or 1, scheduler)) as outcomes:
        for outcome in outcomes:
            done[outcome.student] = outcome
            bar.update()
    return [done.get(student, Outcome(student, failed=DIED)) for student in students]


def _grade_all(task: Callable, students: list[str], jobs: int, scheduler: str | None) -> Iterator[Outcome]:
    """Outcomes as they come. Those in hand when a worker died are graded again, one by one, twice at most.

    One by one, for a worker that dies takes the pool with it, and one submission's fault is not another's.
    """
    for at_once in (jobs, 1, 1):
        left, students = deque(students), []
        while left:
            with _workers(min(at_once, len(left)), scheduler) as pool:
                ahead = len(left) if scheduler and at_once > 1 else at_once
                ask = lambda student, pool=pool: task(pool, student)
                yield from _collect(ask, left, ahead, students)


def _collect(
    ask: Callable[[str], Future], left: deque[str], at_once: int, dropped: list[str]
) -> Iterator[Outcome]:
    """Outcomes until none is `left` or the pool is broken; those whose worker died are `dropped`."""
    in_hand, broken = {}, False
    while in_hand or (left and not broken):
        try:
            while left and not broken and len(in_hand) < at_once:
                in_hand[ask(left[0])] = left[0]
                left.popleft()
        except BrokenProcessPool:
            broken = True
        for future in wait(in_hand, return_when=FIRST_COMPLETED).done:
            student, error = in_hand.pop(future), future.exception()
            broken = broken or isinstance(error, BrokenProcessPool)
            if error is None:
                yield future.result()
            elif type(error).__name__ in ("BrokenProcessPool", "KilledWorker"):  # the second is Dask's
                dropped.append(student)
            else:
                yield Outcome(student, failed=f"{type(error).__name__}: {error}"[:200])


@contextmanager
def _workers(jobs: int, scheduler: str | None) -> Iterator[Executor]:
    """Processes of this machine, or a Dask cluster's: both are executors."""
    with _processes(jobs) if scheduler is None else cluster(scheduler) as pool:
        yield pool


@contextmanager
def _processes(jobs: int) -> Iterator[Executor]:
    """New processes; they end with this one, however it ends, and at once if it is interrupted."""
    lifeline, ours = multiprocessing.Pipe(duplex=False)
    context = multiprocessing.get_context("spawn")
    with (
        lifeline,
        ours,
        ProcessPoolExecutor(jobs, mp_context=context, initializer=_begin, initargs=(lifeline,)) as pool,
    ):
        try:
            yield pool
        except BaseException:
            ours.close()
            raise


def _begin(lifeline: Connection) -> None:
    """In a worker: leave Ctrl-C to the grader, and end when the other end of `lifeline` does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def hold() -> None:
        with suppress(EOFError, OSError):
            lifeline.recv_bytes()
        os._exit(1)

    Thread(target=hold, daemon=True).start()


def _require(course: Course) -> None:
    """The course must have the assignment, generated."""
    for room in ("solutions", "exercises"):
        folder = Path(course.folder, room, course.assignment)
        if not any(folder.glob("*.ipynb")):
            raise FileNotFoundError(
                f"there is no {room}/{course.assignment}/*.ipynb in {course.folder}"
                + (": `make release` makes it" if room == "exercises" else "")
            )
