"""The zip for students: the course runs from it, and nothing is in it that they should not have."""

import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import nbformat
import pytest
from nbgrader.utils import is_solution

from mbrl_teach.grading.check_cells import is_check
from mbrl_teach.grading.student_bundle import FOLDER, bundle, main, write

COURSE = Path(__file__).parents[2]
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)[^)]*\)")


@pytest.fixture(scope="module")
def files():
    return bundle(COURSE)


@pytest.fixture(scope="module")
def unpacked(files, tmp_path_factory):
    folder = tmp_path_factory.mktemp("student")
    write(files, folder / "bundle.zip")
    with zipfile.ZipFile(folder / "bundle.zip") as archive:
        archive.extractall(folder)
    return folder / FOLDER


def python(source, folder):
    """Run Python where a student has unpacked the bundle, with the bundle's package."""
    environment = os.environ | {"PYTHONPATH": str(folder), "MPLBACKEND": "agg"}
    done = subprocess.run(
        [sys.executable, "-c", source],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def read(path):
    return nbformat.read(path, as_version=4)


def test_the_same_course_makes_the_same_bytes(files, tmp_path):
    write(files, tmp_path / "one.zip")
    write(bundle(COURSE), tmp_path / "other.zip")
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "other.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        names = archive.namelist()
        assert names == sorted(names)
        assert {entry.date_time for entry in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_every_lecture_and_exercise_is_in_it(files):
    notebooks = [*COURSE.glob("lectures/*.ipynb"), *COURSE.glob("exercises/*/*.ipynb")]
    assert {path.relative_to(COURSE).as_posix() for path in notebooks} <= files.keys()


def test_what_only_an_instructor_needs_is_not_in_it(files):
    tops = {path.split("/")[0] for path in files}
    assert not tops & {"solutions", "tests", "nbgrader_config.py", "CONTRIBUTING.md", ".ci", ".github"}
    assert "docs/instructors.md" not in files
    for name in ("examiner", "sandbox", "hand_in", "one_submission", "grade", "__main__", "student_bundle"):
        assert f"mbrl_teach/grading/{name}.py" not in files
    assert not any(path.startswith("mbrl_teach/grading/pages/") for path in files)


def test_no_solution_is_in_an_exercise(files):
    for solution in COURSE.glob("solutions/*/*.ipynb"):
        name = f"exercises/{solution.parent.name}/{solution.name}"
        given = files[name].decode()
        regions = re.findall(r"### BEGIN SOLUTION\n(.*?)### END SOLUTION", sources(solution), re.S)
        assert regions
        for region in regions:
            assert region not in "\n".join(cell.source for cell in nbformat.reads(given, 4).cells)


def sources(path):
    return "\n".join(cell.source for cell in read(path).cells if cell.cell_type == "code")


def test_an_exercise_that_holds_a_solution_is_refused(tmp_path, capsys):
    course = tmp_path / "course"
    ignored = shutil.ignore_patterns(".*", "tests", "__pycache__", "mathjax", "lectures")
    shutil.copytree(COURSE, course, ignore=ignored)
    shutil.copytree(course / "solutions", course / "exercises", dirs_exist_ok=True)
    assert main(["--course", str(course), str(tmp_path / "x.zip")]) == 2
    assert "holds a solution" in capsys.readouterr().err
    assert not (tmp_path / "x.zip").exists()


def test_the_checks_of_an_exercise_run_where_it_is_unpacked(unpacked):
    """Practice: with the solutions in place every task has full marks; untouched, none."""
    name = sorted(unpacked.glob("exercises/*/*.ipynb"))[1].relative_to(unpacked / "exercises")
    answers = {
        c.metadata.nbgrader.grade_id: c.source
        for c in read(COURSE / "solutions" / name).cells
        if is_solution(c)
    }
    for solved in (False, True):
        cells = [c for c in read(unpacked / "exercises" / name).cells if c.cell_type == "code"]
        lines, most = ["import mbrl_teach; print(mbrl_teach.__file__)", "got = []"], 0.0
        for cell in cells:
            source = cell.source
            if is_check(cell):
                source, most = f"got.append({source})", most + cell.metadata.nbgrader.points
            elif is_solution(cell) and solved:
                source = answers[cell.metadata.nbgrader.grade_id]
            elif "play" in cell.metadata.get("tags", ()):
                continue
            lines.append(source)
        said = python("\n\n".join([*lines, "print(sum(got))"]), unpacked).splitlines()
        assert Path(said[0]).is_relative_to(unpacked)
        assert float(said[-1]) == (most if solved else 0.0)
        assert ("✗" in "".join(said)) is not solved


def test_whatever_the_notebooks_import_is_there(unpacked):
    modules = set()
    for path in [*unpacked.glob("lectures/*.ipynb"), *unpacked.glob("exercises/*/*.ipynb")]:
        modules |= set(re.findall(r"^\s*(?:from|import) (mbrl_teach[\w.]*)", sources(path), re.MULTILINE))
    assert len(modules) > 10
    python(f"import importlib; [importlib.import_module(name) for name in {sorted(modules)}]", unpacked)


def test_it_can_be_installed(unpacked, tmp_path):
    python(f"from flit_core.buildapi import build_wheel; build_wheel({str(tmp_path)!r})", unpacked)
    (wheel,) = tmp_path.glob("*.whl")
    assert "mbrl_teach/grading/task.py" in zipfile.ZipFile(wheel).namelist()


@pytest.mark.parametrize("page", ["README.md", "CHANGELOG.md", "docs/students.md"])
def test_every_link_of_its_pages_leads_somewhere(page, unpacked):
    links = [link for link in LINK.findall((unpacked / page).read_text("utf-8")) if "://" not in link]
    assert [link for link in links if not (unpacked / page).parent.joinpath(link).exists()] == []


@pytest.mark.skipif(
    shutil.which("make") is None or sys.platform == "win32", reason="the Makefile is for Linux and macOS"
)
def test_make_opens_the_course_and_knows_no_more(unpacked):
    said = subprocess.run(["make", "-n"], cwd=unpacked, capture_output=True, text=True, timeout=60)
    assert "jupyter lab" in said.stdout
    none = subprocess.run(["make", "-n", "release"], cwd=unpacked, capture_output=True, text=True, timeout=60)
    assert none.returncode != 0
