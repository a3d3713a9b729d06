"""Students' code runs apart; points and reports are made where it cannot reach them."""

import os
import sys

import pytest
from nbformat.v4 import new_code_cell

from mbrl_teach.grading.check_cells import read_check
from mbrl_teach.grading.examiner import Examination
from mbrl_teach.grading.instances_per_student import student_variable
from mbrl_teach.grading.sandbox import NoSandbox, Sandbox, bubblewrap

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="grading runs on Linux")

GAIN = """
import numpy as np
def gain(Q, q, n):
    K = -np.linalg.solve(Q[n:, n:], Q[n:, :n])
    k = -np.linalg.solve(Q[n:, n:], q[n:])
    return K, k
"""
CHECK = "checks.lqr.gain(gain)"


@pytest.fixture(scope="module")
def sandbox():
    with Sandbox() as made:
        yield made


@pytest.fixture
def examine(sandbox):
    """Run the cells; the outputs of each."""

    def run(*cells, student="ada", seconds=20, files=None):
        with student_variable(student):
            examination = Examination(sandbox, files or {}, seconds, 60)
            try:
                return [examination.outputs(cell) for cell in cells]
            finally:
                examination.close()

    return run


def own(source):
    return new_code_cell(source)


def check(source=CHECK, points=3):
    about = {"grade": True, "solution": False, "locked": True, "points": points, "grade_id": "check_gain"}
    return new_code_cell(source, metadata={"nbgrader": about | {"schema_version": 3, "task": False}})


def locked(source, *tags):
    about = {"grade": False, "solution": False, "locked": True, "grade_id": "x", "schema_version": 3}
    return new_code_cell(source, metadata={"nbgrader": about | {"task": False}, "tags": list(tags)})


def report_and_value(outputs):
    report, result = outputs
    assert (report.output_type, report.name, result.output_type) == ("stream", "stdout", "execute_result")
    return report.text, float(result.data["text/plain"].split()[0])


def test_a_right_answer_has_its_points_and_the_report(examine):
    *_, outputs = examine(own(GAIN), check())
    report, value = report_and_value(outputs)
    assert value == 3
    assert report.startswith("Task 1, the gain of the last step: 3 of 3 points")


def test_a_known_mistake_is_named_as_in_the_lab(examine):
    *_, outputs = examine(own(GAIN.replace("K = -", "K = ")), check())
    report, value = report_and_value(outputs)
    assert value < 3
    assert "Looks like:" in report


def test_an_error_is_told_in_the_students_lines(examine):
    *_, outputs = examine(own("def gain(Q, q, n):\n    x = Q[n]\n    return x.nothing"), check())
    report, value = report_and_value(outputs)
    assert value == 0
    assert "your code stopped with AttributeError" in report
    assert "line 3, in gain: return x.nothing" in report


def test_a_stub_is_not_written_yet(examine):
    *_, outputs = examine(own("def gain(Q, q, n):\n    raise NotImplementedError('compute K')"), check())
    report, value = report_and_value(outputs)
    assert value == 0
    assert "not written yet: compute K" in report


def test_a_function_that_is_not_there_is_told(examine):
    report, value = report_and_value(*examine(check()))
    assert value == 0
    assert "there is no gain" in report


def test_prints_and_warnings_cost_nothing(examine):
    noisy = GAIN.replace(
        "    K =", "    import warnings; warnings.warn('x'); print('seen', Q.shape)\n    K ="
    )
    *_, outputs = examine(own(noisy + "\nimport sys\nprint('err', file=sys.stderr)"), check())
    report, value = report_and_value(outputs)
    assert value == 3
    assert "3 of 3 points" in report


def test_the_cases_that_a_function_is_tried_on_are_not_shown(examine):
    """Neither printed, nor at length in an error's words; in practice, where all share them, they are."""
    loud = GAIN.replace("    K =", "    print('case', Q)\n    K =")
    report, value = report_and_value(examine(own(loud), check())[-1])
    assert value == 3
    assert "case" not in report.replace("cases", "")
    assert "What your code printed is not shown here" in report
    report, _ = report_and_value(
        examine(own("def gain(Q, q, n):\n    raise ValueError('9' * 10**5)"), check())[-1]
    )
    assert report.count("9") < 1000


def test_each_student_has_instances_of_their_own(examine):
    seen = {}
    for student in ("ada", "bob"):
        spy = "seen = []\n" + GAIN.replace("    K =", "    seen.append(float(Q[0, 0]))\n    K =")
        *_, ((output,)) = examine(own(spy), check(), own("print(seen)"), student=student)
        seen[student] = output.text
    assert all(len(text) > 10 for text in seen.values())
    assert seen["ada"] != seen["bob"]
    assert "MBRL_TEACH_STUDENT" not in os.environ


def test_play_cells_and_the_import_of_the_checks_are_not_run(examine):
    play, imports, after = examine(
        locked("played = 1", "play"), locked("from mbrl_teach.grading import checks"), own("played")
    )
    assert play == imports == []
    assert after[0].ename == "NameError"


def test_a_students_own_cell_is_run_whatever_its_tags(examine):
    cell = own("x = 1\nx + 1")
    cell.metadata.tags = ["play"]
    ((result,),) = examine(cell)
    assert result.data["text/plain"] == "2"


def test_magics_and_figures_work_as_in_the_lab(examine):
    magic, figure = examine(
        own("%timeit -n1 -r1 1\n!echo shell"), own("import matplotlib.pyplot as plt\n_ = plt.plot([1])")
    )
    assert "shell" in "".join(output.get("text", "") for output in magic)
    assert any("image/png" in output.get("data", {}) for output in figure)


def test_files_beside_the_notebook_can_be_read(examine):
    ((output,),) = examine(own("print(open('data/x.csv').read())"), files={"data/x.csv": b"1,2"})
    assert output.text == "1,2\n"


def test_an_endless_loop_costs_its_own_time_and_points_alone(examine):
    loop = "def gain(Q, q, n):\n    while True: pass"
    _, endless, _, fine = examine(own(loop), check(), own(GAIN), check(), seconds=1)
    report, value = report_and_value(endless)
    assert value == 0
    assert "no answer within 1 s" in report
    assert report_and_value(fine)[1] == 3


def test_a_loop_that_refuses_to_stop_is_ended_and_what_came_before_runs_again(examine):
    stubborn = "while True:\n    try:\n        while True: pass\n    except BaseException: pass"
    *_, ended, outputs = examine(own(GAIN), own(stubborn), check(), seconds=1)
    assert ended[0].output_type == "error"
    assert report_and_value(outputs)[1] == 3


def test_a_process_that_ends_itself_is_begun_anew(examine):
    _, gone, outputs = examine(own(GAIN), own("import os; os._exit(0)"), check())
    assert gone[0].ename == "ProcessEnded"
    assert report_and_value(outputs)[1] == 3


def test_blocking_input_is_an_error_at_once(examine):
    ((output,),) = examine(own("input()"))
    assert output.output_type == "error"


def test_extra_points_stay_extra_points(examine):
    from mbrl_teach.grading.checks import dyna_q

    task = dyna_q.prioritized_sweep
    *_, outputs = examine(
        own("def sweep(*case): raise NotImplementedError"), check("checks.dyna_q.prioritized_sweep(sweep)", 0)
    )
    assert task.extra
    assert outputs[-1].data["text/plain"] == "0.0 extra points"


@pytest.mark.parametrize(
    "source",
    [
        "2.0",
        "checks.lqr.gain",
        "checks.lqr.nothing(gain)",
        "__import__('os').getcwd()",
        "x = 3",
        "checks.lqr.gain(lambda: 1)",
    ],
)
def test_a_test_cell_of_another_form_is_not_run_and_has_no_points(examine, source):
    _, outputs = examine(own(GAIN), check(source))
    report, value = report_and_value(outputs)
    assert value == 0
    assert "could not be judged" in report


def test_reading_a_check_finds_the_task():
    from mbrl_teach.grading import checks

    task, names = read_check("# put back\nchecks.lqr.gain(gain)")
    assert task is checks.lqr.gain
    assert names == ["gain"]


def test_without_bubblewrap_grading_refuses(monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(NoSandbox, match="apt install bubblewrap"):
        bubblewrap()


def test_the_reference_is_not_there_and_says_so(examine):
    outputs = examine(own("import mbrl_teach.control.lqr"), own("import mbrl_teach.problems.pendulum"))
    assert "write what it does yourself" in outputs[0][0].evalue
    assert outputs[1] == []
