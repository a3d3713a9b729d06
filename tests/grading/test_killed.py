"""Whatever is ended with kill -9 while a class is graded, a second run has the grades of an undisturbed one.

And nothing of the first goes on. The test is made the new parent of whatever loses its own (prctl(2),
PR_SET_CHILD_SUBREAPER), so that no process can get out of its sight.
"""

import contextlib
import ctypes
import os
import random
import shutil
import sys
import time

import psutil
import pytest

from tests.grading import small_class
from tests.grading.small_class import (
    ASSIGNMENT,
    LIMIT,
    POINTS,
    grade,
    grades,
    grading,
    hand_in,
    hand_in_class,
    totals,
)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="grading runs on Linux")

PR_SET_CHILD_SUBREAPER = 36
SEED = int(os.environ.get("MBRL_TEACH_KILL_SEED", random.randrange(10**6)))
ROLES = ["grader", "worker", "bubblewrap", "warm process", "keeper", "kernel"]


@pytest.fixture
def left_over():
    """Wait until nothing that was started since is left; what is, in words."""
    prctl = ctypes.CDLL(None).prctl
    before = set(psutil.Process().children(recursive=True))
    prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)

    def left():
        until = time.monotonic() + LIMIT / 10
        while (ours := set(psutil.Process().children(recursive=True)) - before) and time.monotonic() < until:
            for process in ours:
                with contextlib.suppress(ChildProcessError, psutil.Error):
                    if process.status() == psutil.STATUS_ZOMBIE:
                        os.waitpid(process.pid, os.WNOHANG)
            time.sleep(0.05)
        return [" ".join(words(process)) for process in ours]

    yield left
    prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
    for process in set(psutil.Process().children(recursive=True)) - before:
        process.kill()


def words(process):
    with contextlib.suppress(psutil.Error):
        return process.cmdline()
    return []


def processes(grader, role):
    """The processes of this role in the grader's tree."""
    try:
        tree = psutil.Process(grader.pid).children(recursive=True)
        workers = [process for process in tree if "spawn_main" in " ".join(words(process))]
        boxes = [process for process in tree if words(process)[:1] and words(process)[0].endswith("bwrap")]
        warm = [process for process in tree if "isolated" in words(process)[-1:] and process not in boxes]
        # the warm process alone has the outer ones above it; what it forks has it
        forked = [process for process in warm if process.parent() in warm]
    except psutil.Error:
        return []
    return {
        "grader": [psutil.Process(grader.pid)],
        "worker": workers,
        "bubblewrap": boxes,
        "warm process": [process for process in warm if process not in forked],
        "keeper": [process for process in forked if process.parent() not in forked],
        "kernel": [process for process in forked if process.parent() in forked],
    }[role]


def graded(course):
    return len(list((course / ".grading" / ASSIGNMENT).glob("*.json")))


def kill_one(grader, role, rng):
    """End one process of this role as soon as there is one; its command line."""
    until = time.monotonic() + LIMIT
    while time.monotonic() < until and grader.poll() is None:
        with contextlib.suppress(psutil.NoSuchProcess):
            if found := processes(grader, role):
                victim = rng.choice(sorted(found, key=lambda process: process.pid))
                victim.kill()
                return victim
        time.sleep(0.005)
    return None


def wait_for(course, count, grader):
    until = time.monotonic() + LIMIT
    while graded(course) < count and grader.poll() is None and time.monotonic() < until:
        time.sleep(0.01)


def test_after_a_kernel_and_the_grader_are_killed_a_second_run_has_all_grades(
    prepared_course, tmp_path, left_over
):
    course = shutil.copytree(prepared_course, tmp_path / "course")
    due = {}
    for number, student in enumerate(("ada", "bob", "cy", "dee", "eve"), 1):
        hand_in(course, student, number, takes=0.5)
        due[student] = float(sum(POINTS[:number]))
    grader = grading(course, "--jobs", "2")
    wait_for(course, 1, grader)
    assert kill_one(grader, "kernel", random)
    wait_for(course, 3, grader)
    assert kill_one(grader, "grader", random)
    grader.communicate(timeout=LIMIT / 5)  # its workers have its output, too
    assert left_over() == []
    done = graded(course)
    assert 3 <= done < 5
    said = grade(course, "--jobs", "1")
    assert f"5 submissions, {5 - done} graded now, {done} unchanged, 0 failed" in said
    assert totals(grades(course)) == due


@pytest.mark.slow
def test_workers_that_die_with_the_same_submissions_are_blamed_on_none(prepared_course, tmp_path, left_over):
    """Each of three kills takes a pool of workers with it."""
    course = shutil.copytree(prepared_course, tmp_path / "course")
    due = hand_in_class(course, 14)
    grader = grading(course, "--jobs", "4")
    for count in (1, 5, 9):
        wait_for(course, count, grader)
        assert kill_one(grader, "worker", random)
    said, errors = grader.communicate(timeout=LIMIT)
    assert grader.returncode == 0, said + errors
    assert left_over() == []
    assert totals(grades(course)) == due


# ---------------------------------------------------------------------------------------- a class of 60


@pytest.fixture(scope="module")
def class_of_60(tmp_path_factory):
    """A class of 60 that is not graded yet, and the grades of an undisturbed run on a copy."""
    course = small_class.make_course(tmp_path_factory.mktemp("killed") / "course")
    hand_in_class(course, 60)
    undisturbed = shutil.copytree(course, course.with_name("undisturbed"))
    grade(undisturbed, "--jobs", "2")
    return course, grades(undisturbed)


@pytest.mark.slow
@pytest.mark.parametrize("role", ROLES)
def test_a_class_that_is_disturbed_at_random_gets_its_grades(class_of_60, tmp_path, left_over, role):
    """Three times: the grader in one run after the other, what it has started within one."""
    course = shutil.copytree(class_of_60[0], tmp_path / "course")
    rng = random.Random(f"{SEED} {role}")
    print(f"MBRL_TEACH_KILL_SEED={SEED}")
    grader = grading(course, "--jobs", "2")
    for _ in range(3):
        wait_for(course, graded(course) + rng.randrange(1, 15), grader)
        time.sleep(rng.random() / 2)
        killed = kill_one(grader, role, rng)
        assert killed
        print(f"killed {killed} with {graded(course)} graded")
        if role == "grader":
            grader.communicate(timeout=LIMIT)
            assert left_over() == []
            grader = grading(course, "--jobs", "3")
    said, errors = grader.communicate(timeout=LIMIT)
    assert grader.returncode == 0, said + errors
    assert left_over() == []
    assert "0 failed" in grade(course, "--jobs", "2")
    assert grades(course) == class_of_60[1]
    assert left_over() == []
