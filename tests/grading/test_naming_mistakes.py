"""When an examination names a known mistake, and when it does not."""

import numpy as np
import pytest

from mbrl_teach.grading.first_difference import Difference
from mbrl_teach.grading.task import Holds, Mistake
from tests.grading.test_task import TOTAL, examine, make_task, running_sum, series, wrong


def with_mistakes(*mistakes):
    return make_task(mistakes=[Mistake(name, function, ()) for name, function in mistakes])


def mean_for_sum(x):
    sums, squares, _ = running_sum(x)
    return sums, squares, float(np.mean(x))


def not_squared(x):
    sums, _, total = running_sum(x)
    return sums, sums.copy(), total


def test_a_known_mistake_is_named_where_it_shows():
    report = examine(not_squared, with_mistakes(("mean for sum", mean_for_sum), ("not squared", not_squared)))
    assert [verdict.problem for verdict in report.verdicts][::2] == [None, None]
    assert report.verdicts[1].problem.endswith("\nLooks like: not squared")


def test_a_known_mistake_is_named_by_a_property_with_a_test_of_its_own_too():
    report = examine(
        mean_for_sum, with_mistakes(("not squared", not_squared), ("mean for sum", mean_for_sum))
    )
    assert report.verdicts[2].problem.endswith("\nLooks like: mean for sum")


def test_a_test_of_its_own_that_says_which_quantity_is_wrong_needs_no_more_to_name_a_mistake():
    """The total is the mean, and something else is wrong besides."""

    def fits(case, found):
        off = abs(float(found["total"] - found["sums"][-1].sum()))
        return Difference("total", "", (), off, off, {"total": ...}) if off > 1e-6 else None

    def mean_and_more(x):
        sums, squares, mean = mean_for_sum(x)
        return sums, squares + 1.0, mean

    settings = {
        "properties": [Holds(TOTAL, 1, fits, series)],
        "mistakes": [Mistake("mean", mean_for_sum, ())],
    }
    assert "Looks like: mean" in str(examine(mean_and_more, make_task(**settings)))


def test_a_known_mistake_is_named_where_it_is_the_first_of_two():
    def both(x):
        sums, squares, total = not_squared(x)
        squares[-1] += 1.0
        return sums, squares, total

    assert "Looks like: not squared" in str(examine(both, with_mistakes(("not squared", not_squared))))


def test_a_step_that_was_never_written_is_not_taken_for_a_mistake_that_gives_zero_there():
    def nothing_at_the_first_step(x):
        sums, squares, total = running_sum(x)
        return sums, squares * np.array([0, 1, 1, 1])[:, None], total

    def unwritten_but_for_the_last(x):
        sums, squares, total = running_sum(x)
        return sums, squares * np.array([0, 0, 0, 1])[:, None], total

    listed = with_mistakes(("nothing at the first step", nothing_at_the_first_step))
    assert "Looks like" not in str(examine(unwritten_but_for_the_last, listed))
    assert "Looks like: nothing at the first step" in str(examine(nothing_at_the_first_step, listed))


def test_of_two_mistakes_that_explain_a_property_the_one_named_before_is_named():
    def both_wrong(x):
        return x, x**2, float(np.sum(x))

    def squares_wrong(x):
        return running_sum(x)[0], x**2, float(np.sum(x))

    report = examine(both_wrong, with_mistakes(("squares wrong", squares_wrong), ("both wrong", both_wrong)))
    assert "squares wrong" not in str(report)
    assert str(report).count("Looks like: both wrong") == 3


def test_of_two_mistakes_that_explain_a_property_one_that_costs_what_the_student_has_is_not_named():
    def squares_wrong(x):
        return running_sum(x)[0], x**2, float(np.sum(x)) + 1.0

    def all_wrong(x):
        return x, x**2, float(np.sum(x)) + 1.0

    sums, squares, total = (prop.sentence for prop in make_task().properties)
    mistakes = [
        Mistake("all wrong", all_wrong, (sums, squares, total)),
        Mistake("squares wrong", lambda x: (running_sum(x)[0], x**2, running_sum(x)[2]), (squares,)),
    ]
    report = examine(squares_wrong, make_task(mistakes=mistakes))
    assert report.verdicts[0].problem is None
    assert report.verdicts[1].problem.endswith("\nLooks like: squares wrong")


def test_a_mistake_of_ones_own_is_not_named():
    report = str(examine(wrong(1, (0, 0)), with_mistakes(("not squared", not_squared))))
    assert "first wrong: squares" in report
    assert "Looks like" not in report


def test_a_mistake_that_is_right_where_the_student_is_wrong_is_not_named():
    """Its huge entries elsewhere must not make it look close."""

    def exploding(x):
        sums, squares, total = running_sum(x)
        return sums, squares * np.array([1, 1, 1, 1e9])[:, None], total

    assert "Looks like" not in str(examine(wrong(1, (0, 0)), with_mistakes(("exploding", exploding))))


def test_a_listed_mistake_that_fails_itself_is_passed_over():
    broken = with_mistakes(("broken", lambda x: 1 / 0), ("not squared", not_squared))
    assert "Looks like: not squared" in str(examine(not_squared, broken))


@pytest.mark.parametrize("result_of_0", [np.nan, np.inf])
def test_a_mistake_that_divides_by_zero_is_named_where_the_student_has_the_same(result_of_0):
    def divide_at(step):
        def divide(x):
            sums, squares, total = running_sum(x)
            squares[step] = result_of_0
            return sums, squares, total

        return divide

    listed = with_mistakes(("divided by zero", divide_at(1)))
    assert "Looks like: divided by zero" in str(examine(divide_at(1), listed))
    assert "Looks like" not in str(examine(divide_at(2), listed))
    assert "Looks like" not in str(examine(wrong(1, (0, 0)), listed))
