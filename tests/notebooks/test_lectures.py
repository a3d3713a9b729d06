"""A lecture says the same to everyone who runs it, in the time that a student has."""

import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import nbformat
import pytest

COURSE = Path(__file__).parents[2]
LECTURE_SECONDS = 20
COURSE_SECONDS = 120
SLOWER = 3  # a test machine may be this much slower than the one that the budgets are meant for


@pytest.fixture(scope="module")
def nbval(tmp_path_factory):
    """Run every lecture under nbval, which compares each text output with the committed one: its report."""
    report = tmp_path_factory.mktemp("nbval") / "report.xml"
    options = ["--nbval", "--nbval-current-env", f"--nbval-cell-timeout={LECTURE_SECONDS * SLOWER}"]
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            *options,
            "-p",
            "no:cacheprovider",
            f"--junitxml={report}",
            "lectures",
        ],
        cwd=COURSE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        timeout=2 * COURSE_SECONDS * SLOWER,
    )
    assert report.exists(), done.stdout
    return ElementTree.parse(report).getroot().find("testsuite")


def ran(nbval, lecture):
    return nbval.findall(f"testcase[@classname='lectures.{lecture.name}']")


def test_a_fresh_run_says_what_is_committed(lecture, nbval):
    cells = ran(nbval, lecture)
    assert len(cells) == sum(cell.cell_type == "code" for cell in nbformat.read(lecture, as_version=4).cells)
    assert "\n\n".join(problem.text for cell in cells for problem in cell) == ""


def test_a_lecture_runs_within_its_budget(lecture, nbval):
    assert sum(float(cell.get("time")) for cell in ran(nbval, lecture)) < LECTURE_SECONDS * SLOWER


def test_all_lectures_run_within_their_budget(nbval):
    assert float(nbval.get("time")) < COURSE_SECONDS * SLOWER


def test_below_each_figure_stands_what_one_should_see(lecture):
    cells = nbformat.read(lecture, as_version=4).cells
    silent = [
        f"cell {number}: {cell.source.splitlines()[-1]}"
        for number, (cell, below) in enumerate(zip(cells, [*cells[1:], None], strict=True), start=1)
        if shows_a_picture(cell) and "What you should see" not in visible_text(cell, below)
    ]
    assert silent == []


def shows_a_picture(cell):
    return any(
        mime.startswith("image/") for output in cell.get("outputs", []) for mime in output.get("data", {})
    )


def visible_text(cell, below):
    """What the cell prints, and the text below it without what is folded away."""
    printed = [output.get("text", "") for output in cell.outputs]
    text = below.source if below is not None and below.cell_type == "markdown" else ""
    return "\n".join([*printed, re.sub(r"<details.*?</details>", "", text, flags=re.DOTALL)])
