"""The examiner: runs a submission's cells in the student's process, and judges its answers in this one.

A check never runs where a student's code runs. In a test cell such as ``checks.lqr.gain(gain)``, the check is
this process's own, and `gain` stands for the function of that name in the student's process: arguments go
there, numbers come back. So points and report are made here, and nothing a student's code does can make them.

nbgrader_config.py names :class:`Examine` in ``c.Autograde.autograde_preprocessors``, in place of `Execute`.
"""

from __future__ import annotations

import atexit
import io
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from pathlib import Path
from threading import Lock
from time import monotonic
from typing import Any

from nbconvert.exporters.exporter import ResourcesDict
from nbformat import NotebookNode
from nbformat.v4 import new_output
from nbgrader.preprocessors import NbGraderPreprocessor
from nbgrader.utils import is_locked
from traitlets import Bool, Float

from mbrl_teach.grading.check_cells import is_check, read_check
from mbrl_teach.grading.hand_in import files_beside
from mbrl_teach.grading.instances_per_student import course_secret, student_variable
from mbrl_teach.grading.outputs import error_output, harmless, stream_output
from mbrl_teach.grading.sandbox import NoSandbox, Sandbox
from mbrl_teach.grading.student_process import ProcessGone, StudentError, StudentProcess
from mbrl_teach.grading.task import ExtraPoints

CHECKS = "mbrl_teach.grading"
MOST_SHOWN = 16 * 2**20  # characters of all outputs of a notebook


class Examine(NbGraderPreprocessor):
    """Runs the student's cells apart, judges the test cells here. Play cells are not run."""

    cell_seconds = Float(10, help="The longest that a cell, or a check, may take").tag(config=True)
    submission_seconds = Float(60, help="The longest that all cells together may take").tag(config=True)
    isolated = Bool(True, help="Whether the student's process is shut in by bubblewrap").tag(config=True)

    def preprocess(self, nb: NotebookNode, resources: ResourcesDict) -> tuple[NotebookNode, ResourcesDict]:
        """Fill in the outputs of every cell of `nb`, for the student in ``resources["nbgrader"]``."""
        files = files_beside(Path(resources["metadata"]["path"]))
        course = self.config.CourseDirectory.get("root", os.getcwd())
        whose = f"{resources['nbgrader']['student']} {course_secret(course)}"
        with borrowed(self.isolated) as sandbox, student_variable(whose):
            examination = Examination(sandbox, files, self.cell_seconds, self.submission_seconds)
            try:
                for number, cell in enumerate(nb.cells, 1):
                    if cell.cell_type == "code":
                        cell.outputs, cell.execution_count = examination.outputs(cell), number
            finally:
                examination.close()
        return nb, resources


class Examination:
    """One submission's: its process, and the cells that a process begun anew has to run again."""

    def __init__(self, sandbox: Sandbox, files: dict[str, bytes], cell_seconds: float, seconds: float):
        self.sandbox, self.files, self.cell_seconds = sandbox, files, cell_seconds
        self.ends, self.room = monotonic() + seconds, MOST_SHOWN
        self.process: StudentProcess | None = None
        self.have_run: list[str] = []

    def close(self) -> None:
        """End the process."""
        if self.process is not None:
            self.process.close()

    def outputs(self, cell: NotebookNode) -> list[NotebookNode]:
        """What a code cell gives: points for a test cell, what it shows for a student's."""
        if is_check(cell):
            return self._judge(cell)
        play = "play" in cell.metadata.get("tags", ())
        if is_locked(cell) and (play or CHECKS in cell.source):
            return []
        return self._run(cell.source)

    def _seconds(self) -> float:
        """The seconds that the next cell may take."""
        return min(self.cell_seconds, self.ends - monotonic())

    def _run(self, source: str) -> list[NotebookNode]:
        """Run a student's cell. One that took too long, or ended its process, is never run again."""
        try:
            outputs, late = self._ask(lambda process: process.run(source))
        except StudentError as error:
            return [error_output(error.student_error, str(error))]
        if not late:
            self.have_run.append(source)
        return self._as_far_as_there_is_room(harmless(outputs))

    def _as_far_as_there_is_room(self, outputs: list[NotebookNode]) -> list[NotebookNode]:
        """What a notebook may show: a graded one is kept, read again and looked at."""
        self.room -= len(json.dumps(outputs))
        if self.room < 0:
            return [stream_output("stderr", f"left out: more than {MOST_SHOWN // 2**20} MiB of outputs\n")]
        return outputs

    def _ask(self, what) -> tuple[Any, bool]:
        """Ask the process, a living one; and whether it took too long.

        A process may be ended from outside, by a machine short of memory for example: so one that is lost is
        asked once more, in a new process. What ends its process by itself does so again.
        """
        for last in (False, True):
            if self._seconds() <= 0:
                raise StudentError("TimeoutError", "not run: the notebook has used all its time", [])
            try:
                process = self._living()
                with process.within(self._seconds()):
                    answer = what(process), process.late
            except ProcessGone:
                if last or not self.process.lost:
                    raise
            else:
                if last or not process.lost:  # a check says itself what became of its calls
                    break
        return answer

    def _living(self) -> StudentProcess:
        """The process; if it has ended a new one, in which the cells before have run."""
        if self.process is None or self.process.gone:
            self.close()
            self.process = self.sandbox.open(self.files)
            for source in self.have_run:
                with self.process.within(max(self._seconds(), 0.1)):
                    self.process.run(source)
        return self.process

    def _judge(self, cell: NotebookNode) -> list[NotebookNode]:
        """Call the cell's check with what stands for the student's functions; its report and its value."""
        said, printed, value = io.StringIO(), io.StringIO(), 0.0

        def judged(process: StudentProcess) -> float:
            said.seek(0)
            said.truncate()
            return task(*(_named(process, name, printed) for name in names))

        try:
            task, names = read_check(cell.source)
            with redirect_stdout(said), redirect_stderr(io.StringIO()):
                value, _ = self._ask(judged)
        except NoSandbox:
            raise
        except Exception as error:  # whatever it is, it is this student's alone
            said.write(f"This could not be judged, 0 points: {error}\n")
        if printed.tell():
            said.write("  What your code printed is not shown here: it may hold the cases it was tried on.\n")
        most = float(cell.metadata.nbgrader.points)
        if not isinstance(value, ExtraPoints):
            value = min(max(float(value), 0.0), most)
        count = {"execution_count": None, "metadata": {}}
        result = new_output("execute_result", data={"text/plain": repr(value)}, **count)
        return [stream_output("stdout", said.getvalue()), result]


def _named(process: StudentProcess, name: str, printed: io.StringIO) -> Any:
    """What stands for the student's `name` on this side; what it prints goes to `printed`."""
    kind = process.kind(name)
    if kind == "missing":
        raise ProcessGone(f"there is no {name}: did the cell that defines it stop with an error?")
    if kind == "data":
        return process.fetch(name)

    def ask(*args, **kwargs):
        with redirect_stdout(printed):
            return process.call(name, *args, **kwargs)

    ask.__name__ = name
    return ask


_idle: dict[tuple[int, bool], list[Sandbox]] = {}
_lock = Lock()


@contextmanager
def borrowed(isolated: bool) -> Iterator[Sandbox]:
    """A warm sandbox of this process's, kept for the next submission."""
    idle = _idle.setdefault((os.getpid(), isolated), [])
    with _lock:
        sandbox = idle.pop() if idle else Sandbox(isolated=isolated)
    try:
        yield sandbox
    except BaseException:
        sandbox.close()
        raise
    with _lock:
        idle.append(sandbox)


@atexit.register
def close_sandboxes() -> None:
    """End the warm processes that this process has started."""
    for (process, _), idle in _idle.items():
        while process == os.getpid() and idle:
            idle.pop().close()
