"""The same grades from any number of workers, from a Dask cluster, in PostgreSQL, and from plain nbgrader."""

import contextlib
import glob
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from mbrl_teach.grading.course import Course
from mbrl_teach.grading.gradebook import prepare
from tests.grading import small_class
from tests.grading.small_class import ASSIGNMENT, COURSE, LIMIT, grade, grades, totals

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="grading runs on Linux"),
    pytest.mark.slow,
]
SIZE = 16


def wait_until(ready, process, what):
    until = time.monotonic() + LIMIT / 2
    while not ready():
        assert process.poll() is None, f"{what} has ended"
        assert time.monotonic() < until, f"{what} does not answer"
        time.sleep(0.1)


# ------------------------------------------------------------------------------------------ the services


@contextlib.contextmanager
def server(command, **options):
    """A process that is asked to end, and is ended if it does not."""
    process = subprocess.Popen(command, **options)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(60)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture(scope="module")
def postgresql():
    """A PostgreSQL server of Debian's package in a folder of its own; gives the URLs of an empty database."""
    (programs, *_) = [shutil.which("initdb"), *glob.glob("/usr/lib/postgresql/*/bin/initdb")][::-1]
    programs = Path(programs).parent
    folder = Path(tempfile.mkdtemp(prefix="mbrl_teach-pg-"))
    who = {"user": "postgres", "group": "postgres", "extra_groups": []} if os.getuid() == 0 else {}
    if who:  # the server refuses to be root
        shutil.chown(folder, "postgres", "postgres")
    with socket.create_server(("127.0.0.1", 0)) as found:
        port = str(found.getsockname()[1])
    clean = {key: value for key, value in os.environ.items() if not key.startswith("PG")}
    options = {"cwd": folder, "env": clean | {"LC_ALL": "C"}, **who}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    made = [programs / "initdb", "-D", folder / "data", "-A", "trust", "-U", "kim", "-E", "UTF8", "--no-sync"]
    subprocess.run(made, check=True, **options, **quiet)
    serve = ["-D", folder / "data", "-h", "127.0.0.1", "-p", port, "-k", folder, "-F"]
    with server([programs / "postgres", *serve], **options, **quiet) as process:
        asked = [programs / "pg_isready", "-h", folder, "-p", port]
        wait_until(lambda: subprocess.run(asked, **options, **quiet).returncode == 0, process, "PostgreSQL")

        def database(name):
            call = [programs / "createdb", "-h", folder, "-p", port, "-U", "kim", name]
            subprocess.run(call, check=True, **options)
            return SimpleNamespace(
                tcp=f"postgresql://kim@127.0.0.1:{port}/{name}",
                socket=f"postgres://kim@/{name}?host={folder}&port={port}",
                psycopg=f"host=127.0.0.1 port={port} user=kim dbname={name}",
            )

        yield database
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def dask(tmp_path_factory):
    """A Dask scheduler with two workers of one thread: its address and the processes."""
    place = tmp_path_factory.mktemp("dask")
    program = [sys.executable, "-m", "dask"]
    options = {
        "cwd": place,
        "env": os.environ | {"PYTHONPATH": str(COURSE), "OMP_NUM_THREADS": "1"},
        "stdout": subprocess.DEVNULL,
        "stderr": subprocess.DEVNULL,
    }
    told = place / "scheduler.json"
    alone = ["--host", "127.0.0.1", "--no-dashboard"]
    start = [*program, "scheduler", *alone, "--port", "0", "--scheduler-file", str(told)]
    with server(start, **options) as scheduler:
        wait_until(told.exists, scheduler, "the scheduler")
        from distributed import Client

        with Client(scheduler_file=str(told), set_as_default=False, timeout=LIMIT / 2) as client:
            address = client.scheduler.address
            work = [*program, "worker", address, *alone, "--nthreads", "1", "--nworkers", "2"]
            with server([*work, "--local-directory", str(place)], **options) as workers:
                client.wait_for_workers(2, timeout=LIMIT / 2)
                yield SimpleNamespace(address=address, workers=psutil.Process(workers.pid))


# --------------------------------------------------------------------------------------------- the grades


@pytest.fixture(scope="module")
def honest(tmp_path_factory):
    """A class that is not graded yet, the points due, and the grades that one worker gives."""
    course = small_class.make_course(tmp_path_factory.mktemp("honest") / "course")
    due = small_class.hand_in_class(course, SIZE)
    alone = shutil.copytree(course, course.with_name("alone"))
    grade(alone, "--jobs", "1")
    return SimpleNamespace(course=course, due=due, grades=grades(alone))


@pytest.fixture
def course(honest, tmp_path):
    return shutil.copytree(honest.course, tmp_path / "course")


def grades_in_postgresql(database):
    import psycopg

    with psycopg.connect(database.psycopg) as book:
        return set(book.execute(small_class.GRADES).fetchall())


def test_one_worker_gives_the_points_that_are_due(honest):
    assert totals(honest.grades) == honest.due


def test_eight_workers_share_an_sqlite_file(course, honest):
    assert f"{SIZE} graded now, 0 unchanged, 0 failed" in grade(course, "--jobs", "8")
    assert grades(course) == honest.grades


def test_two_graders_at_once_do_no_harm(course, honest):
    both = [small_class.grading(course, "--jobs", "2") for _ in range(2)]
    said = [process.communicate(timeout=LIMIT) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    assert grades(course) == honest.grades
    assert sum(int(out.split(" graded now")[0].split()[-1]) for out, _ in said) == SIZE


@pytest.mark.parametrize("executed", ["in the sandbox", "as nbgrader does"])
def test_plain_nbgrader_gives_the_same_grades(course, honest, nbgrader, monkeypatch, executed):
    monkeypatch.setenv("PYTHONPATH", str(COURSE))
    if executed == "as nbgrader does":
        with (course / "nbgrader_config.py").open("a") as file:
            file.write("\ndel c.Autograde['autograde_preprocessors']\n")
    prepare(Course(str(course), ASSIGNMENT))
    nbgrader("autograde", ASSIGNMENT, cwd=course)
    assert grades(course) == honest.grades


def test_two_dask_workers_give_the_same_grades(course, honest, dask):
    said = grade(course, "--scheduler", dask.address)
    assert f"{SIZE} graded now, 0 unchanged, 0 failed" in said
    assert "several threads" not in said
    assert grades(course) == honest.grades
    kept = [process for process in dask.workers.children(recursive=True) if "bwrap" in process.name()]
    assert kept == [], "sandboxes end with the class"
    assert f"0 graded now, {SIZE} unchanged" in grade(course, "--scheduler", dask.address)


def test_a_dask_worker_that_is_killed_costs_no_one_a_point(course, honest, dask):
    grader = small_class.grading(course, "--scheduler", dask.address)
    until = time.monotonic() + LIMIT
    while len(list((course / ".grading" / ASSIGNMENT).glob("*.json"))) < 3 and time.monotonic() < until:
        time.sleep(0.02)
    sandboxes = [process for process in dask.workers.children(recursive=True) if "bwrap" in process.name()]
    sandboxes[0].parent().kill()
    said, errors = grader.communicate(timeout=LIMIT)
    assert grader.returncode == 0, said + errors
    assert grades(course) == honest.grades


@pytest.mark.parametrize("workers", ["eight processes", "a cluster"])
def test_a_gradebook_on_postgresql_holds_the_same_grades(course, honest, postgresql, dask, nbgrader, workers):
    database = postgresql("cluster" if workers == "a cluster" else "eight")
    how = ["--scheduler", dask.address] if workers == "a cluster" else ["--jobs", "8"]
    said = grade(course, *how, "--db", database.tcp)
    assert f"{SIZE} graded now, 0 unchanged, 0 failed" in said
    assert not (course / "gradebook.db").exists()
    assert grades_in_postgresql(database) == honest.grades
    assert f"0 graded now, {SIZE} unchanged" in grade(course, *how, "--db", database.tcp)
    assert "0 failed" in grade(course, "--db", database.socket), "a unix socket is as good"
    assert grades_in_postgresql(database) == honest.grades
    url = database.tcp.replace("postgresql:", "postgresql+psycopg:")
    nbgrader("export", "--to=grades.csv", f"--CourseDirectory.db_url={url}", cwd=course)
    assert (course / "grades.csv").read_text().count(f"\n{ASSIGNMENT},") == SIZE


def test_a_server_that_does_not_answer_is_said(course):
    said = grade(course, "--db", "postgresql://kim@127.0.0.1:1/grades", returns=2)
    assert "error: the gradebook cannot be opened: connection" in said


def test_a_scheduler_that_does_not_answer_is_said(course):
    said = grade(course, "--scheduler", "tcp://127.0.0.1:1", returns=2)
    assert "error: no Dask scheduler answers at tcp://127.0.0.1:1" in said
