"""What the guide for students shows of a report is what a check prints."""

import textwrap
from pathlib import Path

from mbrl_teach.grading.checks import lqr

GUIDE = Path(__file__).parents[2] / "docs" / "students.md"


def test_the_report_in_the_guide_is_the_one_that_practice_prints(capsys, monkeypatch):
    monkeypatch.delenv("MBRL_TEACH_STUDENT", raising=False)
    (mistake,) = (m for m in lqr.backward_pass.mistakes if m.name == "the drift f_t is left out")
    lqr.backward_pass(mistake.function)
    assert textwrap.indent(capsys.readouterr().out, "    ") in GUIDE.read_text(encoding="utf-8")
