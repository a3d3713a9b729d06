"""Every student is graded on random instances of their own.

The checks draw their instances from a generator that is seeded with the environment variable
``MBRL_TEACH_STUDENT``. While students work, it is unset and everyone sees the same instances. While nbgrader
grades a submission, it holds the student's id: a value copied from a neighbour is wrong, and grading the
same submission twice gives the same verdict.

nbgrader_config.py names :class:`ExecuteForStudent` in ``c.Autograde.autograde_preprocessors``.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

from jupyter_client.manager import KernelManager
from nbconvert.exporters.exporter import ResourcesDict
from nbformat import NotebookNode
from nbgrader.preprocessors import Execute

STUDENT_VARIABLE = "MBRL_TEACH_STUDENT"


class ExecuteForStudent(Execute):
    """nbgrader's `Execute`, with the id of the submission's student in the kernel's environment.

    Takes the options of `Execute` (``c.Execute.timeout`` …). A kernel inherits the environment in which it
    is started, so a variable that is set around the execution reaches this submission alone.
    """

    def preprocess(
        self, nb: NotebookNode, resources: ResourcesDict, km: KernelManager | None = None
    ) -> tuple[NotebookNode, ResourcesDict]:
        """Run the cells of `nb` for the student named in ``resources["nbgrader"]["student"]``."""
        with student_variable(resources["nbgrader"]["student"]):
            return super().preprocess(nb, resources, km)


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
