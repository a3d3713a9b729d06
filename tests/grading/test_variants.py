"""However a task is solved, a right solution gets every point.

Solutions in clearly different styles stand in variants/, one module for each module of checks, under the name
of their task and their style: ``gain__inverse``.
"""

import importlib.util
import pkgutil

import numpy as np
import pytest

from mbrl_teach.grading import checks
from mbrl_teach.grading.task import Task

SEEDS = range(4)
STYLES_PER_TASK = 3


MODULES = [
    importlib.import_module(f"{checks.__name__}.{m.name}") for m in pkgutil.iter_modules(checks.__path__)
]
TASKS = [
    (module, name) for module in MODULES for name in vars(module) if isinstance(vars(module)[name], Task)
]


def variants(module, task):
    """The solutions of one task, by style; none where nobody has written any."""
    name = f"tests.grading.variants.{module.__name__.rpartition('.')[2]}"
    solutions = vars(importlib.import_module(name)) if importlib.util.find_spec(name) else {}
    return {key.removeprefix(f"{task}__"): solutions[key] for key in solutions if key.startswith(f"{task}__")}


VARIANTS = [
    pytest.param(getattr(module, task), function, id=f"{task}-{style}")
    for module, task in TASKS
    for style, function in variants(module, task).items()
]


@pytest.mark.parametrize(("module", "task"), TASKS, ids=lambda value: getattr(value, "__name__", value))
def test_each_task_is_solved_in_several_styles(module, task):
    assert len(variants(module, task)) >= STYLES_PER_TASK


@pytest.mark.parametrize(("task", "solution"), VARIANTS)
@pytest.mark.parametrize("seed", SEEDS)
def test_a_right_solution_gets_every_point_whatever_its_style(task, solution, seed):
    report = task.examine(solution, np.random.default_rng(seed))
    assert report.points == task.points, report
