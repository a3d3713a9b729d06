"""Every student is graded on random instances of their own.

The checks draw their instances from a generator that is seeded with the environment variable
``MBRL_TEACH_STUDENT``. While students work, it is unset and everyone sees the same instances. While a
submission is graded, it holds the student's id: a value copied from a neighbour is wrong, and grading the
same submission twice gives the same verdict.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

STUDENT_VARIABLE = "MBRL_TEACH_STUDENT"


@contextmanager
def student_variable(student: str) -> Iterator[None]:
    """Hold the student's id in this process's environment, and restore what was there before."""
    before = os.environ.get(STUDENT_VARIABLE)
    os.environ[STUDENT_VARIABLE] = student
    try:
        yield
    finally:
        if before is None:
            del os.environ[STUDENT_VARIABLE]
        else:
            os.environ[STUDENT_VARIABLE] = before
