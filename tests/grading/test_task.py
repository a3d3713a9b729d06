"""What an examination promises to a student: fair points, and a report that helps."""

import warnings

import numpy as np
import pytest

from mbrl_teach.grading.task import Agrees, Holds, Task, instances

T, N = 4, 2


def series(rng):
    """Two cases of one argument x (T, n)."""
    return [(rng.normal(size=(T, N)),), (rng.normal(size=(T, N)),)]


def running_sum(x):
    return np.cumsum(x, axis=0), np.cumsum(x**2, axis=0), float(np.sum(x))


def fits(case, found):
    last = found["sums"][-1].sum()
    return None if abs(found["total"] - last) < 1e-6 else "first wrong: total: not that of your sums"


SUMS, SQUARES, TOTAL = "running sums", "running sums of squares", "the total fits the sums"


def make_task(**changes):
    settings = {
        "name": "00_test/running_sum",
        "title": "Task 0, running sums",
        "objective": "add up",
        "results": {"sums": "T n", "squares": "T n", "total": ""},
        "reference": running_sum,
        "properties": [
            Agrees(SUMS, 3, ("sums",), series),
            Agrees(SQUARES, 2, ("squares",), series),
            Holds(TOTAL, 1, fits, series),
        ],
    }
    return Task(**settings | changes)


def examine(student, task=None):
    return (task or make_task()).examine(student, np.random.default_rng(0))


def wrong(result, index, by=1.0):
    """The reference, but one entry of one result off."""

    def student(x):
        results = [np.array(r) for r in running_sum(x)]
        results[result][index] += by
        return tuple(results)

    return student


# Points ----------------------------------------------------------------------------------------------


def test_points_are_those_of_the_properties_that_hold():
    report = examine(wrong(1, (0, 0)))
    assert [verdict.problem is None for verdict in report.verdicts] == [True, False, True]
    assert report.points == 4.0
    assert report.lost == (SQUARES,)


def test_a_task_prints_its_report_and_is_worth_its_points(capsys):
    points = make_task()(wrong(1, (0, 0)))
    assert type(points) is float
    assert points == 4.0
    assert "Task 0, running sums: 4 of 6 points" in capsys.readouterr().out


def test_a_bad_shape_costs_only_the_points_of_what_has_it():
    assert examine(lambda x: (running_sum(x)[0], np.zeros(3), running_sum(x)[2])).lost == (SQUARES, TOTAL)


def test_a_case_that_comes_later_counts_too():
    calls = []

    def right_once(x):
        calls.append(x)
        return wrong(0, (1, 1))(x) if len(calls) == 2 else running_sum(x)

    report = examine(right_once)
    assert SUMS in report.lost
    assert "sums at t = 2 (array index 1), entry [1]" in str(report)


def test_a_case_is_called_once_however_many_properties_share_it():
    calls = []
    assert examine(lambda x: calls.append(x) or running_sum(x)).points == 6.0
    assert len(calls) == 2


# Wrong values, and what is none ---------------------------------------------------------------------------------

SECRET = 0.8414709848


def secret(x):
    return np.full((T, N), SECRET), np.full((T, N), SECRET), SECRET


@pytest.mark.parametrize("value", [(7.0, 7.0, 7.0), None, (np.full((T, N), 7.0),) * 2 + (7.0,)])
def test_the_expected_value_is_not_told(value):
    report = examine(lambda x: value, make_task(reference=secret))
    assert report.points == 0.0
    assert "0.84" not in str(report)


def test_a_wrong_shape_is_told_apart_from_a_wrong_value():
    report = examine(lambda x: (running_sum(x)[0].T, 0 * x, x.sum()))
    assert report.verdicts[0].problem == "sums must have shape (T, n) = (4, 2); got (2, 4)"
    assert report.verdicts[1].problem.startswith("first wrong: squares")


def test_results_that_cannot_be_read_as_numbers_are_reported():
    class Tensor:
        def __array__(self, *args, **options):
            raise RuntimeError("detach it first")

    report = examine(lambda x: (Tensor(), Tensor(), 0.0))
    assert report.points == 0.0
    assert "your results do not turn into arrays of numbers: RuntimeError: detach it first" in str(report)


@pytest.mark.parametrize(("time", "step"), [("forward", 2), ("backward", 4)])
def test_nan_is_wrong_from_the_step_that_was_computed_first(time, step):
    def student(x):
        sums, squares, total = running_sum(x)
        sums[1:] = np.nan
        return sums, squares, total

    report = examine(student, make_task(time=time))
    assert f"first wrong: sums at t = {step} (array index {step - 1})" in report.verdicts[0].problem


def test_nan_fails_a_property_with_a_test_of_its_own_before_the_test_sees_it():
    lenient = make_task(properties=[Holds("fine", 1, lambda case, found: None, series)])
    assert examine(lambda x: running_sum(np.full_like(x, np.nan)), lenient).points == 0.0


@pytest.mark.parametrize("mode", ["warn", "raise"])
def test_judging_wild_results_warns_of_nothing(mode):
    """Overflow in our own sums must not cost the points of what is right (pytest makes it an error)."""
    too_long = lambda x: np.full((T, N), np.finfo(float).max, dtype=np.longdouble) * 2
    with np.errstate(all=mode):
        assert examine(lambda x: (*running_sum(x)[:2], 1e300)).lost == (TOTAL,)
        assert examine(lambda x: (np.full((T, N), 1e308), *running_sum(x)[1:])).lost == (SUMS, TOTAL)
        assert examine(lambda x: (too_long(x), *running_sum(x)[1:])).lost == (SUMS, TOTAL)


def test_results_that_warn_when_they_are_read_cost_nothing():
    class Tensor(list):
        def __array__(self, *args, **options):
            warnings.warn("say it otherwise", DeprecationWarning, stacklevel=2)
            return np.array(list(self))

    assert examine(lambda x: [*map(Tensor, running_sum(x)[:2]), x.sum()]).points == 6.0


def test_what_the_student_prints_is_shown_the_last_lines_of_it():
    def student(x):
        for i in range(20):
            print("value", i)
        return running_sum(x)

    report = str(examine(student))
    assert "Your code printed (last 10 lines of 40):\n    value 10\n" in report
    assert report.endswith("value 19")


def first_step_wrong(x):
    """The squares go wrong at the first step, and the sums, which are theirs here, at the second."""
    sums, squares, total = (np.array(result) for result in running_sum(x))
    squares[0] += 1.0
    sums[1] += 1.0
    return sums, squares, total


def test_a_result_of_another_property_that_went_wrong_before_is_told_first():
    verdict, *_ = examine(first_step_wrong).verdicts
    first, then, case = verdict.problem.splitlines()
    assert first.startswith("first wrong: squares at t = 1 (array index 0), entry [0]: off by 1")
    assert then.startswith("then sums at t = 2 (array index 1), entry [0]: off by 1")
    assert case == "in a case with T = 4, n = 2"


def test_a_result_without_time_does_not_count_as_before_those_with_time():
    report = examine(lambda x: (wrong(0, (1, 1))(x)[0], running_sum(x)[1], 1e3))
    assert report.verdicts[0].problem.startswith("first wrong: sums at t = 2")


def test_a_last_result_that_is_missing_costs_its_own_points_alone():
    report = examine(lambda x: running_sum(x)[:2])
    assert report.lost == (TOTAL,)
    assert "should return 3 values: sums, squares, total; it returned 2 values" in str(report)


def test_an_answer_as_exact_as_numerical_minimisation_gets_every_point():
    assert examine(lambda x: tuple(result * (1 + 3e-6) for result in running_sum(x))).points == 6.0


# Instances -------------------------------------------------------------------------------------------


def draw(monkeypatch, student, task="01_lqr/gain"):
    monkeypatch.delenv("MBRL_TEACH_STUDENT", raising=False)
    if student is not None:
        monkeypatch.setenv("MBRL_TEACH_STUDENT", student)
    return instances(task).normal(size=3).tolist()


def test_instances_repeat_for_one_student_and_differ_between_students_and_tasks(monkeypatch):
    assert draw(monkeypatch, "ada") == draw(monkeypatch, "ada")
    assert draw(monkeypatch, "ada") != draw(monkeypatch, "bob")
    assert draw(monkeypatch, "ada") != draw(monkeypatch, None)
    assert draw(monkeypatch, None) == draw(monkeypatch, None)
    assert draw(monkeypatch, "ada") != draw(monkeypatch, "ada", "01_lqr/state_value")


def test_a_task_examines_on_the_instances_of_its_student(monkeypatch):
    seen = []

    def student(x):
        seen.append(x.tolist())
        return running_sum(x)

    for name in ("ada", "ada", "bob"):
        monkeypatch.setenv("MBRL_TEACH_STUDENT", name)
        make_task()(student)
    assert seen[:2] == seen[2:4] != seen[4:]


# The report ------------------------------------------------------------------------------------------


def test_the_report_says_of_each_property_whether_it_holds_and_repeats_nothing():
    def student(x):
        print("hello")
        raise ValueError("oh")

    report = str(examine(student)).splitlines()
    assert report[:3] == [
        "Task 0, running sums: 0 of 6 points",
        "  ✗ (3) running sums",
        "        your code stopped with ValueError: oh",
    ]
    assert report[3].endswith('in student: raise ValueError("oh")')
    assert report[4:] == [
        "  ✗ (2) running sums of squares",
        "        as above",
        "  ✗ (1) the total fits the sums",
        "        as above",
        "  Your code printed:",
        "    hello",
    ]


def test_the_report_of_a_right_answer_is_short():
    assert str(examine(running_sum)).splitlines() == [
        "Task 0, running sums: 6 of 6 points",
        "  ✓ (3) running sums",
        "  ✓ (2) running sums of squares",
        "  ✓ (1) the total fits the sums",
    ]
