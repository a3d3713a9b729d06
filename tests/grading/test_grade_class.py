"""A class is graded once, again where something has changed, and what goes wrong is said."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from threading import Event, Thread

import pytest

from mbrl_teach.grading import course as course_module
from mbrl_teach.grading import one_submission
from mbrl_teach.grading.command_line import main
from mbrl_teach.grading.course import Course, database_url, edition
from mbrl_teach.grading.gradebook import NoGradebook, prepare
from mbrl_teach.grading.locks import alone
from mbrl_teach.grading.one_submission import grade_one
from mbrl_teach.grading.sandbox import NoSandbox, Sandbox
from tests.grading import small_class
from tests.grading.small_class import ASSIGNMENT, POINTS, grade, grades, grading, hand_in, totals

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="grading runs on Linux"),
    pytest.mark.filterwarnings("ignore:Object of type <Submitted:sqlalchemy.exc.SAWarning"),  # nbgrader's own
]

DUE = {"ada": 0.0, "bob": 7.0, "cy": 28.0}


@pytest.fixture(scope="module")
def graded(prepared_course, tmp_path_factory):
    """A course whose class of three has been graded, and what was printed."""
    place = shutil.copytree(prepared_course, tmp_path_factory.mktemp("graded") / "course")
    for student, answered in (("ada", 0), ("bob", 2), ("cy", 6)):
        hand_in(place, student, answered)
    return place, grade(place, "--jobs", "1")


@pytest.fixture
def place(graded, tmp_path):
    """A copy of the graded course, to change."""
    return shutil.copytree(graded[0], tmp_path / "course")


@pytest.fixture
def released(prepared_course, tmp_path):
    """A course as released, ready to be graded: no submission."""
    return shutil.copytree(prepared_course, tmp_path / "course")


def again(place, *, force=False, students=tuple(DUE)):
    """Grade each student here, as a worker does; the outcomes."""
    course = Course(str(place), ASSIGNMENT)
    prepare(course)
    now = edition(course)
    return {student: grade_one(course, now, student, force) for student in students}


def fresh(outcomes):
    assert [outcome.failed for outcome in outcomes.values()] == [None] * len(outcomes)
    return {student for student, outcome in outcomes.items() if outcome.fresh}


def test_every_submission_gets_the_points_of_what_it_answers(graded):
    assert totals(grades(graded[0])) == DUE


def test_the_table_says_how_the_class_did(graded):
    said = graded[1]
    assert "3 submissions, 3 graded now, 0 unchanged, 0 failed" in said
    assert f"of {sum(POINTS)}: mean 11.7, median 7, 0 to 28" in said
    rows = [" ".join(line.split()) for line in said.splitlines()]
    assert "Task 1, the gain of the last step 3 2.00 67% 2" in rows
    assert "Task 4, the backward pass 8 2.67 33% 1" in rows
    assert "derive the optimal action of one step 67%" in rows


def test_plain_nbgrader_gives_the_same_grades(graded, released, nbgrader):
    shutil.copytree(graded[0] / "submitted", released / "submitted")
    nbgrader("autograde", ASSIGNMENT, cwd=released)
    assert grades(released) == grades(graded[0])


def test_a_second_run_grades_nothing(place):
    before = {path: path.stat().st_mtime_ns for path in place.rglob("autograded/**/*.ipynb")}
    assert "3 submissions, 0 graded now, 3 unchanged" in grade(place, "--jobs", "1")
    assert len(before) == 3
    assert {path: path.stat().st_mtime_ns for path in before} == before


def test_a_course_that_has_moved_is_still_graded(place):
    assert fresh(again(place.rename(place.with_name("moved")))) == set()


def test_only_a_changed_submission_is_graded_again(place):
    hand_in(place, "bob", 3)
    assert fresh(again(place)) == {"bob"}
    assert totals(grades(place)) == DUE | {"bob": 11.0}


def test_a_file_beside_the_notebook_is_part_of_the_submission(place):
    (place / "submitted" / "ada" / ASSIGNMENT / "data.csv").write_text("1,2\n")
    assert fresh(again(place)) == {"ada"}


def test_force_grades_everyone(place):
    assert fresh(again(place, force=True)) == set(DUE)
    assert totals(grades(place)) == DUE


@pytest.mark.parametrize("what", ["nbgrader_config.py", f"solutions/{ASSIGNMENT}/lqr.ipynb"])
def test_everyone_is_graded_again_where_what_grades_them_has_changed(place, what):
    with (place / what).open("a") as file:
        file.write("\n")
    assert fresh(again(place)) == set(DUE)


def test_changed_checks_are_another_edition_and_no_worker_grades_by_old_ones(place, tmp_path, monkeypatch):
    course = Course(str(place), ASSIGNMENT)
    before = edition(course)
    newer = shutil.copytree(course_module.PACKAGE, tmp_path / "mbrl_teach")
    monkeypatch.setattr(course_module, "PACKAGE", newer)
    assert edition(course) == before, "the same code at another place"
    with (newer / "grading" / "checks" / "lqr.py").open("a") as file:
        file.write("# stricter\n")
    assert edition(course) != before
    assert "start it anew" in grade_one(course, edition(course), "ada").failed


@pytest.mark.parametrize("lost", ["gradebook.db", f"autograded/bob/{ASSIGNMENT}/lqr.ipynb"])
def test_what_nbgrader_wrote_and_is_lost_is_made_again(place, lost):
    (place / lost).unlink()
    assert "bob" in fresh(again(place))
    assert totals(grades(place)) == DUE
    assert (place / lost).exists()


def test_a_gradebook_that_says_otherwise_is_put_right(place):
    with closing(sqlite3.connect(place / "gradebook.db")) as book, book:
        book.execute("UPDATE grade SET auto_score = 1 WHERE auto_score = 4")
    assert fresh(again(place)) == {"bob", "cy"}
    assert totals(grades(place)) == DUE


def test_half_a_grading_is_not_recalled(place, monkeypatch):
    """A forced grading that ends before its end leaves nothing to recall, though nothing has changed."""

    def half(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(one_submission, "_autograde", half)
        with pytest.raises(KeyboardInterrupt):
            again(place, force=True)
    assert fresh(again(place)) == {"ada"}


def test_a_submission_that_nbgrader_cannot_grade_gets_none_and_is_tried_again(place, monkeypatch):
    real = one_submission._autograde
    calls = []

    def fails_once(*arguments):
        calls.append(arguments)
        return "ValueError: not a notebook" if len(calls) == 1 else real(*arguments)

    hand_in(place, "bob", 3)
    with monkeypatch.context() as patched:
        patched.setattr(one_submission, "_autograde", fails_once)
        outcomes = again(place)
    assert outcomes["bob"].failed == "ValueError: not a notebook"
    assert not outcomes["ada"].failed
    assert totals(grades(place)) == DUE | {"bob": 0.0}
    assert fresh(again(place)) == {"bob"}
    assert totals(grades(place)) == DUE | {"bob": 11.0}


def test_a_machine_that_fails_costs_no_student_a_point(place, monkeypatch):
    calls = []

    def no_memory_once(*arguments):
        calls.append(arguments)
        if len(calls) == 1:
            raise NoSandbox("the sandbox did not start: no memory")
        return real(*arguments)

    real = Sandbox.open
    hand_in(place, "bob", 3)
    with monkeypatch.context() as patched:
        patched.setattr(Sandbox, "open", no_memory_once)
        outcomes = again(place)
    assert outcomes["bob"].failed.endswith("NoSandbox: the sandbox did not start: no memory")
    assert totals(grades(place)) == DUE
    assert fresh(again(place)) == {"bob"}


@pytest.mark.parametrize("moment", ["at its start", "within"])
def test_a_gradebook_that_others_hold_is_waited_for(place, moment, monkeypatch):
    """SQLite's own wait is made short: the grader tries again."""
    hand_in(place, "bob", 3)
    course = Course(str(place), ASSIGNMENT, f"sqlite:///{place}/gradebook.db?timeout=0.05")
    opener = Thread(target=hold, args=(place / "gradebook.db", 1.5, held := Event()))
    if moment == "within":
        real = Sandbox.open
        begin = lambda *arguments: (not held.is_set() and opener.start(), held.wait(30), real(*arguments))[-1]
        monkeypatch.setattr(Sandbox, "open", begin)
    else:
        opener.start()
        held.wait(30)
    outcome = grade_one(course, edition(course), "bob")
    opener.join()
    assert outcome.failed is None
    assert outcome.total == 11
    assert totals(grades(place)) == DUE | {"bob": 11.0}


def hold(database, seconds, held):
    with closing(sqlite3.connect(database, isolation_level=None)) as book:
        book.execute("BEGIN EXCLUSIVE")
        held.set()
        time.sleep(seconds)
        book.execute("ROLLBACK")


def test_one_submission_is_in_one_grading_at_a_time(tmp_path):
    hold = (
        f"from mbrl_teach.grading.locks import alone\n"
        f"with alone({str(tmp_path)!r}, 'a', 's'): print('held', flush=True), input()"
    )
    other = subprocess.Popen(
        [sys.executable, "-c", hold], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with other:
        assert other.stdout.readline() == "held\n"
        entered = []

        def enter():
            with alone(str(tmp_path), "a", "s"):
                entered.append(time.monotonic())

        waiting = Thread(target=enter)
        waiting.start()
        with alone(str(tmp_path), "a", "t"):
            pass  # another student's
        time.sleep(0.3)
        assert not entered
        other.kill()  # a lock ends with its process
        waiting.join(30)
        assert entered


# ------------------------------------------------------------------------------------- the gradebook


def without_the_version(book):
    book.execute("DROP TABLE alembic_version")


def without_cells(book):
    book.execute("DELETE FROM base_cell WHERE id IN (SELECT id FROM grade_cells)")
    book.execute("DELETE FROM grade_cells")


def without_the_notebook(book):
    for table in ("grade_cells", "solution_cells", "source_cell", "task_cells", "base_cell", "notebook"):
        book.execute(f"DELETE FROM {table}")


@pytest.mark.parametrize("half", [without_the_version, without_cells, without_the_notebook])
def test_a_half_made_gradebook_is_completed(released, half):
    course = Course(str(released), ASSIGNMENT)
    whole = cells(released)
    with closing(sqlite3.connect(released / "gradebook.db")) as book, book:
        half(book)
    prepare(course)
    assert cells(released) == whole
    assert len(whole[0]) == 7


def cells(place):
    with closing(sqlite3.connect(place / "gradebook.db")) as book:
        graded = set(book.execute("SELECT name, max_score FROM base_cell JOIN grade_cells USING (id)"))
        return graded, set(book.execute("SELECT version_num FROM alembic_version"))


def test_an_assignment_that_is_not_what_was_released_is_refused(released):
    notebook = released / "exercises" / ASSIGNMENT / "lqr.ipynb"
    notebook.write_text(notebook.read_text().replace('"grade_id": "check_gain"', '"grade_id": "check_gains"'))
    with pytest.raises(NoGradebook, match="make release"):
        prepare(Course(str(released), ASSIGNMENT))


@pytest.mark.parametrize(
    ("typed", "url"),
    [
        ("postgresql://kim@db.example/grades", "postgresql+psycopg://kim@db.example/grades"),
        ("postgres://kim:a%40b@db:5433/grades", "postgresql+psycopg://kim:a%40b@db:5433/grades"),
        ("postgresql:///grades?host=/run/pg", "postgresql+psycopg:///grades?host=%2Frun%2Fpg"),
        ("postgresql+psycopg2://kim@db/grades", "postgresql+psycopg2://kim@db/grades"),
        ("sqlite:///grades.db", "sqlite:////course/grades.db?timeout=60"),
        ("sqlite:////data/grades.db?timeout=5", "sqlite:////data/grades.db?timeout=5"),
    ],
)
def test_a_database_is_named_by_a_url(typed, url):
    assert database_url(typed, "/course") == url
    assert database_url(url, "/elsewhere") == url


@pytest.mark.parametrize("typed", ["grades.db", "", "sqlite://", "sqlite:///:memory:"])
def test_what_names_no_database_is_refused(typed):
    with pytest.raises(ValueError, match=r"gradebook|URL"):
        database_url(typed, "/course")


# ---------------------------------------------------------------------------------- the command line


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--jobs", "0"], "--jobs must be at least 1; got 0"),
        (["--db", "grades.db"], "--db: a database is named by a URL such as"),
        (["--course", "/nowhere"], "there is no nbgrader_config.py in /nowhere"),
    ],
)
def test_a_wrong_option_is_said(released, capsys, arguments, said):
    with pytest.raises(SystemExit) as ended:
        main([ASSIGNMENT, "--course", str(released), *arguments])
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["99_none"], "there is no solutions/99_none/*.ipynb"),
        ([ASSIGNMENT], "nobody has handed in 01_lqr"),
    ],
)
def test_what_cannot_be_graded_is_said(released, capsys, arguments, said):
    assert main([*arguments, "--course", str(released)]) == 2
    assert said in capsys.readouterr().err


def test_an_assignment_that_was_not_released_is_said(released, capsys):
    shutil.rmtree(released / "exercises")
    assert main([ASSIGNMENT, "--course", str(released)]) == 2
    assert "no exercises/01_lqr/*.ipynb" in (said := capsys.readouterr().err)
    assert "make release" in said


def test_a_database_that_cannot_be_opened_is_said(place, capsys):
    nowhere = f"sqlite:///{place}/no/such/folder/grades.db"
    assert main([ASSIGNMENT, "--course", str(place), "--db", nowhere]) == 2
    assert "error: the gradebook cannot be opened: unable to open database file" in capsys.readouterr().err


def test_without_bubblewrap_nothing_is_graded(place, capsys, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    assert main([ASSIGNMENT, "--course", str(place), "--force"]) == 2
    assert "apt install bubblewrap" in capsys.readouterr().err


def test_a_cluster_without_dask_is_said(place, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    assert main([ASSIGNMENT, "--course", str(place), "--scheduler", "tcp://127.0.0.1:1"]) == 2
    assert "pip install 'mbrl_teach[cluster]'" in capsys.readouterr().err


def test_a_failed_submission_is_a_line_and_the_exit_code(place, monkeypatch, capsys):
    failed = one_submission.Outcome("bob", failed="ValueError: not a notebook")
    monkeypatch.setattr("mbrl_teach.grading.command_line.grade_class", lambda *_, **__: [failed])
    assert main([ASSIGNMENT, "--course", str(place)]) == 1
    assert "bob: not graded as handed in: ValueError: not a notebook" in capsys.readouterr().out


def test_ctrl_c_ends_the_worker_and_the_next_run_goes_on(released):
    hand_in(released, "ada", 1)
    hand_in(released, "bob", 1, takes=9)  # one worker: two may be ready seconds apart
    process = grading(released, "--jobs", "1")
    graded = released / ".grading" / ASSIGNMENT
    until = time.monotonic() + small_class.LIMIT
    while not (graded / "ada.json").exists() and time.monotonic() < until:
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does
    _, errors = process.communicate(timeout=small_class.LIMIT)
    assert process.returncode == 130, errors
    assert "interrupted: what is graded stays" in errors
    assert not (graded / "bob.json").exists()
    outcomes = again(released, students=("ada", "bob"))
    assert fresh(outcomes) == {"bob"}
    assert totals(grades(released)) == {"ada": 3.0, "bob": 3.0}
