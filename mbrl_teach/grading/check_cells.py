"""The cells of an assignment that check: one line each, ``checks.MODULE.TASK(function)``."""

from __future__ import annotations

import ast
import importlib

from nbformat import NotebookNode
from nbgrader.utils import is_grade, is_solution

from mbrl_teach.grading.task import Task


def is_check(cell: NotebookNode) -> bool:
    """Whether the cell is graded by what it says, not by a human."""
    return is_grade(cell) and not is_solution(cell)


def read_check(source: str) -> tuple[Task, list[str]]:
    """The task and the student's functions in ``checks.MODULE.TASK(name, …)``; nothing is run.

    Raises ValueError for anything else, and for a task that there is not.
    """
    try:
        match ast.parse(source).body:
            case [
                ast.Expr(
                    ast.Call(ast.Attribute(ast.Attribute(ast.Name("checks"), module), task), arguments, [])
                )
            ] if all(isinstance(argument, ast.Name) for argument in arguments):
                found = getattr(importlib.import_module(f"mbrl_teach.grading.checks.{module}"), task, None)
                if isinstance(found, Task):
                    return found, [argument.id for argument in arguments]
    except (SyntaxError, ModuleNotFoundError):
        pass
    raise ValueError(f"a test cell reads checks.MODULE.TASK(function); this one reads {source!r}")
