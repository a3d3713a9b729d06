"""Nobody cheats the grader, hurts the machine, or stops the class: every attack and every broken hand-in.

The class below holds them all, among honest students. An attack is built on a solution that is wrong by a
little in each task, and tries to win the points back.
"""

import csv
import hashlib
import html.parser
import json
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from types import SimpleNamespace

import matplotlib
import nbformat
import pytest
from nbconvert import HTMLExporter
from nbgrader.utils import determine_grade

from mbrl_teach.grading.course import Course
from mbrl_teach.grading.examiner import Examination
from mbrl_teach.grading.hand_in import files_beside, stage
from mbrl_teach.grading.sandbox import Sandbox
from tests.grading.attacks.broken import BROKEN, STUDENTS
from tests.grading.attacks.cells import checks_of, id_of
from tests.grading.attacks.submissions import (
    ATTACKS,
    NAME,
    NOTEBOOK,
    hand_in,
    hand_in_attack,
    honest,
    wrong_by_a_little,
)

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the sandbox is made of Linux namespaces")

REPOSITORY = Path(__file__).parents[2]
PASSWORD = "the-password-of-the-instructor"
THEN = "_and_then_an_honest_one"
CELL_SECONDS, SUBMISSION_SECONDS = 3, 20
LIMITS = f"c.Examine.cell_seconds = {CELL_SECONDS}\nc.Examine.submission_seconds = {SUBMISSION_SECONDS}\n"


@pytest.fixture(scope="module")
def places(tmp_path_factory):
    """What an attack may look for: an instructor's home and a file in /tmp, with a password in each."""
    home = tmp_path_factory.mktemp("home")
    canary = tmp_path_factory.mktemp("canary") / "canary"
    for path in (home / ".netrc", home / "exam.txt", canary):
        path.write_text(PASSWORD)
    return SimpleNamespace(home=home, canary=canary)


@pytest.fixture(scope="module")
def graded(generated_course, nbgrader, places, tmp_path_factory):
    """A class of honest students, attackers, and those whose hand-in is broken, as the command line grades it."""
    course = shutil.copytree(generated_course, tmp_path_factory.mktemp("attacked") / "course")
    with open(course / "nbgrader_config.py", "a", encoding="utf-8") as file:
        file.write(LIMITS)
    hand_in_all(course, places)
    before = contents(course, places)
    done = subprocess.run(
        [sys.executable, "-m", "mbrl_teach.grading", NAME, f"--course={course}", "--jobs=2"],
        env=os.environ | {"HOME": str(places.home), "MPLCONFIGDIR": matplotlib.get_cachedir()},
        cwd=REPOSITORY,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=1800,
    )
    after = contents(course, places)
    nbgrader("export", "--to=grades.csv", cwd=course)
    rows = csv.DictReader((course / "grades.csv").read_text(encoding="utf-8").splitlines())
    outcomes = {
        path.stem: json.loads(path.read_text()) for path in (course / ".grading" / NAME).glob("*.json")
    }
    return SimpleNamespace(
        course=course,
        table=done.stdout,
        said=done.stderr,
        code=done.returncode,
        before=before,
        after=after,
        rows={row["student_id"]: row for row in rows if row["assignment"] == NAME},
        outcomes={student: known["outcome"] for student, known in outcomes.items()},
    )


def hand_in_all(course, places):
    """Every submission. After each tenth attack, and after each that is dangerous, comes an honest student."""
    right = honest(course)
    hand_in(course, "honest_0", right)
    hand_in(course, "wrong_0", wrong_by_a_little(course))
    known = {"COURSE": str(course), "HOME": str(places.home), "CANARY": str(places.canary)}
    for i, attack in enumerate(ATTACKS.values()):
        hand_in_attack(course, attack, known)
        if attack.dangerous or i % 10 == 0:
            hand_in(course, f"{attack.name}{THEN}", right)
    for broken in BROKEN.values():
        broken.function(course / "submitted" / broken.name / NAME, json.dumps(right))
    for student in STUDENTS:
        hand_in(course, student, right)


def contents(course, places):
    """A fingerprint of each file that no grading may change."""
    written = ("autograded", ".grading", "gradebook.db", "gradebook.db-journal", "grades.csv")
    found = {}
    for top in (course, places.home, places.canary.parent, REPOSITORY / "mbrl_teach"):
        for folder, folders, names in os.walk(top):
            folders[:] = [name for name in folders if name not in ("__pycache__", ".cache")]
            if Path(folder) == course:
                folders[:], names = (sorted(set(part) - set(written)) for part in (folders, names))
            for path in (Path(folder, name) for name in (*folders, *names)):
                found[path] = fingerprint(path)
    return found


def fingerprint(path):
    about = path.lstat()
    small = path.is_file() and not path.is_symlink() and about.st_size < 2**24
    return about.st_mode, about.st_size, hashlib.sha256(path.read_bytes()).hexdigest() if small else None


def shown(graded, student):
    """All outputs of a graded notebook, as text."""
    notebook = nbformat.read(graded.course / "autograded" / student / NAME / NOTEBOOK, as_version=4)
    return "\n".join(json.dumps(cell.get("outputs", [])) for cell in notebook.cells)


# Attacks ---------------------------------------------------------------------------------------------


def test_there_are_attacks_of_all_kinds():
    assert len(ATTACKS) >= 40
    assert set(Counter(attack.kind for attack in ATTACKS.values())) == {
        "cell",
        "around",
        "notebook",
        "folder",
    }


def test_the_baseline_loses_points_in_every_task(graded):
    for check, points in graded.outcomes["wrong_0"]["points"].items():
        assert 0 < points < graded.outcomes["wrong_0"]["of"][check], check


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_gets_no_point(graded, name):
    points, baseline = graded.outcomes[name]["points"], graded.outcomes["wrong_0"]["points"]
    assert points.keys() == baseline.keys()
    assert all(points[check] <= baseline[check] for check in baseline), ATTACKS[name].tries
    if not ATTACKS[name].costs:
        assert points == baseline, ATTACKS[name].tries
    assert float(graded.rows[name]["score"]) == sum(points.values())
    assert graded.outcomes[name]["extra"] == 0
    assert graded.outcomes[name]["failed"] is None


def test_honest_students_get_full_marks_after_any_attack(graded):
    honest_ones = [name for name in graded.outcomes if name == "honest_0" or name.endswith(THEN)]
    assert len(honest_ones) > 20
    for name in honest_ones:
        assert graded.outcomes[name]["points"] == graded.outcomes[name]["of"], name
        assert not graded.outcomes[name]["problems"]


def test_no_file_outside_the_sandbox_changes(graded):
    assert graded.before == graded.after


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_learns_nothing(graded, name):
    for word in (PASSWORD, "THE SOLUTION", "SECRET"):
        assert word not in shown(graded, name), ATTACKS[name].tries


def test_no_process_is_left(graded):
    left = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            command, name = (process / "cmdline").read_bytes(), (process / "comm").read_text()
        except OSError:
            continue
        if (
            b"31415926" in command
            or name.strip() == "mbrl-left-over"
            or str(graded.course).encode() in command
        ):
            left.append((process.name, name, command))
    assert not left


def test_no_submission_takes_longer_than_it_may(graded):
    slack = 30  # nbgrader's own work on a machine that does much else
    for student, outcome in graded.outcomes.items():
        assert outcome["seconds"] < SUBMISSION_SECONDS + slack, student


def test_what_is_kept_of_a_submission_is_small_and_links_nowhere(graded):
    for path in (graded.course / "autograded").rglob("*"):
        assert not path.is_symlink()
        assert path.stat().st_size < 20 * 2**20, path


class Bites(html.parser.HTMLParser):
    """Collects what a browser would run."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attributes):
        for name, value in attributes:
            scheme = re.sub(r"[\s\x00-\x20]", "", value or "").lower()
            if (name.startswith("on") or name == "srcdoc") or scheme.startswith(("javascript:", "vbscript:")):
                self.found.append((tag, name, value))

    def handle_data(self, data):
        if self.cdata_elem and "BITTEN" in data:
            self.found.append((self.cdata_elem, data))


def bites(page):
    """What of a page a browser would run."""
    reader = Bites()
    reader.feed(page)
    return reader.found


def graded_notebook(graded, name):
    return nbformat.read(graded.course / "autograded" / name / NAME / NOTEBOOK, as_version=4)


@pytest.mark.parametrize("name", [name for name in ATTACKS if name.startswith("scripts_")])
def test_nothing_runs_in_the_browser_of_who_reads_a_submission(graded, name):
    notebook = graded_notebook(graded, name)
    exporter = HTMLExporter(config=Course(str(graded.course), NAME).config())
    assert not bites(exporter.from_notebook_node(notebook)[0])
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    assert {kind for output in outputs for kind in output.get("data", ())} <= {
        "text/plain",
        "text/latex",
        "image/png",
        "image/jpeg",
    }


def test_a_browser_would_run_the_scripts_without_the_courses_settings(graded):
    notebook = graded_notebook(graded, "scripts_in_text")
    assert len(bites(HTMLExporter().from_notebook_node(notebook)[0])) >= 5


def test_a_picture_that_a_student_has_pasted_is_shown(graded):
    exporter = HTMLExporter(config=Course(str(graded.course), NAME).config())
    page, _ = exporter.from_notebook_node(graded_notebook(graded, "scripts_instead_of_pictures"))
    assert "data:image/png;base64,iVBORw0KGgo=" in page


# One by one ------------------------------------------------------------------------------------------


def examined(sandbox, course, folder, place):
    """The points of a submission, by check, as the examiner alone gives them."""
    stage(folder, course / "exercises" / NAME, place)
    notebook = nbformat.read(place / NOTEBOOK, as_version=4)
    examination = Examination(sandbox, files_beside(place), CELL_SECONDS, SUBMISSION_SECONDS)
    try:
        for cell in notebook.cells:
            if cell.cell_type == "code":
                cell.outputs = examination.outputs(cell)
    finally:
        examination.close()
    return {id_of(cell): determine_grade(cell)[0] for cell in checks_of(notebook)}


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox() as box:
        yield box


@pytest.mark.slow
@pytest.mark.parametrize("name", ATTACKS)
def test_whoever_comes_next_in_the_same_sandbox_gets_full_marks(graded, places, sandbox, name, tmp_path):
    submitted = graded.course / "submitted"
    examined(sandbox, graded.course, submitted / name / NAME, tmp_path / "attack")
    honest_points = examined(sandbox, graded.course, submitted / "honest_0" / NAME, tmp_path / "honest")
    assert honest_points == graded.outcomes["honest_0"]["of"]


@pytest.mark.slow
def test_plain_nbgrader_gives_points_for_an_attack(generated_course, nbgrader, places, tmp_path):
    """The baseline is one that can be beaten: an attack wins where tests run in the student's kernel."""
    course = shutil.copytree(generated_course, tmp_path / "course")
    config = course / "nbgrader_config.py"
    config.write_text(
        config.read_text().replace("mbrl_teach.grading.examiner.Examine", "nbgrader.preprocessors.Execute")
    )
    known = {"COURSE": str(course), "HOME": str(places.home), "CANARY": str(places.canary)}
    hand_in(course, "wrong_0", wrong_by_a_little(course))
    hand_in_attack(course, ATTACKS["patch_checks"], known)
    nbgrader("autograde", NAME, cwd=course)
    nbgrader("export", "--to=grades.csv", cwd=course)
    rows = csv.DictReader((course / "grades.csv").read_text(encoding="utf-8").splitlines())
    scores = {row["student_id"]: float(row["score"]) for row in rows if row["assignment"] == NAME}
    assert scores["patch_checks"] > scores["wrong_0"] > 0


# Broken submissions ----------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_submission_has_a_row_and_a_reason(graded, name):
    broken = BROKEN[name]
    lines = [line for line in graded.table.splitlines() if line.startswith(f"  {name}: ")]
    if broken.points is not None:
        assert float(graded.rows[name]["score"]) == broken.points
    assert float(graded.rows[name]["max_score"]) > 0
    if broken.reason is None:
        assert not any("not graded as handed in" in line for line in lines)
    else:
        assert any(re.search(broken.reason, line) for line in lines), lines


def test_every_folder_of_a_student_is_a_row_of_the_export(graded):
    assert graded.rows.keys() == {folder.name for folder in (graded.course / "submitted").iterdir()}


@pytest.mark.parametrize("student", STUDENTS)
def test_any_name_of_a_student_is_graded(graded, student):
    assert float(graded.rows[student]["score"]) == 28


def test_the_table_has_no_line_that_a_student_wrote(graded):
    told = graded.table.split("What was wrong with submissions:\n")[1].splitlines()
    students = sorted(graded.rows, key=len, reverse=True)
    assert all(line.isprintable() and any(line.startswith(f"  {s}: ") for s in students) for line in told)
    assert not any(line.startswith("  honest_0: ") for line in told)


def test_the_command_ends_well(graded):
    assert graded.code == 0, graded.said[-2000:]
    assert f"{len(graded.rows)} submissions" in graded.table
    assert "Traceback" not in graded.said
