"""The checks of a submission can tell whose it is."""

import os

import pytest
from nbformat.v4 import new_code_cell, new_notebook

from mbrl_teach.grading.instances_per_student import ExecuteForStudent, student_variable


def test_the_kernel_of_a_submission_knows_its_student_and_nobody_else_does():
    notebook = new_notebook(cells=[new_code_cell("import os\nprint(os.environ['MBRL_TEACH_STUDENT'])")])
    ExecuteForStudent().preprocess(notebook, {"nbgrader": {"student": "ada"}})
    assert notebook.cells[0].outputs[0].text == "ada\n"
    assert "MBRL_TEACH_STUDENT" not in os.environ


def test_the_variable_is_put_back_after_an_error(monkeypatch):
    monkeypatch.setenv("MBRL_TEACH_STUDENT", "before")

    @student_variable("ada")
    def fail():
        raise RuntimeError(os.environ["MBRL_TEACH_STUDENT"])

    with pytest.raises(RuntimeError, match="ada"):
        fail()
    assert os.environ["MBRL_TEACH_STUDENT"] == "before"
