"""The checks of a submission can tell whose it is."""

import os

import pytest

from mbrl_teach.grading.instances_per_student import course_secret, student_variable


def test_inside_the_variable_holds_the_student_and_outside_nobody():
    with student_variable("ada"):
        assert os.environ["MBRL_TEACH_STUDENT"] == "ada"
    assert "MBRL_TEACH_STUDENT" not in os.environ


def test_the_variable_is_put_back_after_an_error(monkeypatch):
    monkeypatch.setenv("MBRL_TEACH_STUDENT", "before")

    @student_variable("ada")
    def fail():
        raise RuntimeError(os.environ["MBRL_TEACH_STUDENT"])

    with pytest.raises(RuntimeError, match="ada"):
        fail()
    assert os.environ["MBRL_TEACH_STUDENT"] == "before"


def test_a_course_has_one_secret_and_keeps_it(tmp_path):
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    assert course_secret(ours) == course_secret(ours)
    assert course_secret(ours) != course_secret(theirs)
    assert len(course_secret(ours)) >= 32
    assert (ours / ".grading" / "secret").stat().st_mode & 0o077 == 0
