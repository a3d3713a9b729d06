"""Every student is graded on random instances of their own.

The checks draw their instances from a generator that is seeded with the environment variable
``MBRL_TEACH_STUDENT``. While students work, it is unset and everyone sees the same instances. While a
submission is graded, it holds the student's id and the course's secret: a value copied from a neighbour is
wrong, nobody can work out their instances beforehand, and grading the same submission twice gives the same
verdict.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mbrl_teach.grading.locks import alone

STUDENT_VARIABLE = "MBRL_TEACH_STUDENT"


def course_secret(folder: str | Path) -> str:
    """The secret of the course in `folder`, made the first time that it is asked for: .grading/secret."""
    place = Path(folder, ".grading", "secret")
    with alone(str(folder), "secret"):
        if not place.is_file() or not place.read_text(encoding="ascii"):
            place.touch(mode=0o600)
            place.write_text(secrets.token_hex(16), encoding="ascii")
        return place.read_text(encoding="ascii")


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
