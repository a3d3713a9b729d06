"""Every check of every assignment: right answers get everything, nothing gets nothing, a mistake its own."""

import importlib
import pkgutil

import numpy as np
import pytest

from mbrl_teach.grading import checks
from mbrl_teach.grading.results import name_results
from mbrl_teach.grading.task import Agrees, Task

MODULES = [
    importlib.import_module(f"{checks.__name__}.{m.name}") for m in pkgutil.iter_modules(checks.__path__)
]
TASKS = [task for module in MODULES for task in vars(module).values() if isinstance(task, Task)]
MISTAKES = [(task, mistake) for task in TASKS for mistake in task.mistakes]
SEEDS = range(5)
MANY_SEEDS = range(5, 45)  # in `make test-slow`

every_task = pytest.mark.parametrize("task", TASKS, ids=lambda task: task.name)


def test_there_are_tasks_to_examine():
    assert len(TASKS) >= 6


@every_task
def test_has_at_least_four_known_mistakes(task):
    assert len({mistake.name for mistake in task.mistakes}) >= 4


@every_task
@pytest.mark.parametrize("seed", SEEDS)
def test_the_reference_gets_every_point(task, seed):
    assert task.examine(task.reference, np.random.default_rng(seed)).points == task.points


@every_task
def test_lists_of_numbers_are_as_good_as_arrays(task):
    def listing(*case):
        results = task.reference(*case)
        return results.tolist() if len(task.results) == 1 else [np.asarray(r).tolist() for r in results]

    assert task.examine(listing, np.random.default_rng(0)).points == task.points


def stub(*case):
    raise NotImplementedError("compute it")


ANSWERS_WORTH_NOTHING = {
    "stub": stub,
    "nothing": lambda *case: None,
    "a word": lambda *case: "42",
    "a number": lambda *case: 42.0,
    "an exit": lambda *case: exit(),
    "too many results": lambda *case: (0,) * 9,
}


@every_task
@pytest.mark.parametrize("answer", ANSWERS_WORTH_NOTHING.values(), ids=ANSWERS_WORTH_NOTHING)
def test_an_answer_worth_nothing_gets_exactly_zero_and_a_reason(task, answer):
    report = task.examine(answer, np.random.default_rng(0))
    assert report.points == 0.0
    assert all(verdict.problem for verdict in report.verdicts)


@every_task
@pytest.mark.parametrize("wrong", [0.0, 1.0, np.nan], ids=str)
def test_constants_of_the_right_shape_get_nothing(task, wrong):
    def constant(*case):
        results = task.reference(*case)
        filled = tuple(np.full_like(np.asarray(r, dtype=float), wrong) for r in results)
        return filled

    if len(task.results) > 1:
        assert task.examine(constant, np.random.default_rng(0)).points == 0.0


@pytest.mark.parametrize(("task", "mistake"), MISTAKES, ids=lambda x: getattr(x, "name", None))
@pytest.mark.parametrize("seed", SEEDS)
def test_a_known_mistake_loses_its_own_points_and_no_others_and_is_named(task, mistake, seed):
    report = task.examine(mistake.function, np.random.default_rng(seed))
    assert report.lost == mistake.loses
    assert len(report.lost) > 0
    assert report.points == pytest.approx(
        sum(p.points for p in task.properties if p.sentence not in mistake.loses)
    )
    lines = str(report).splitlines()
    named = {line.partition("Looks like: ")[2] for line in lines if "Looks like: " in line}
    assert named == {mistake.name}


@pytest.mark.slow
@every_task
def test_no_student_is_judged_otherwise_for_the_luck_of_the_instances(task):
    for seed in MANY_SEEDS:
        assert task.examine(task.reference, np.random.default_rng(seed)).points == task.points
        for mistake in task.mistakes:
            assert task.examine(mistake.function, np.random.default_rng(seed)).lost == mistake.loses, (
                mistake.name,
                seed,
            )


@every_task
def test_a_result_off_by_little_is_noticed(task):
    """One entry of one result, off by 1e-4 of the largest: every comparison of that result is lost."""
    for i, name in enumerate(task.results):

        def nearly(*case, i=i):
            results = list(name_results(task, task.reference(*case)).values())
            results[i] = results[i].copy()
            results[i].flat[-1] += 1e-4 * max(1.0, np.abs(results[i]).max())
            return results[0] if len(results) == 1 else results

        strict = [p for p in task.properties if isinstance(p, Agrees) and p.tolerance < 1e-4]
        compared = {p.sentence for p in strict if name in p.results}
        lost = set(task.examine(nearly, np.random.default_rng(0)).lost)
        assert lost >= compared, name
        assert lost, name
