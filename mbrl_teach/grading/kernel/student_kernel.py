"""The process in which one submission runs: it does what the examiner asks, and answers in plain data.

The examiner's requests come pickled, for they are the examiner's own. The answers go back as `plain_data`:
whatever the student's code has made of this process, the examiner reads nothing but data from it.

    ("files", {name: bytes})                    → ("done",)
    ("run", source)                             → ("outputs", nbformat's outputs)
    ("kind", name)                              → ("kind", "function" | "data" | "missing")
    ("fetch", name)                             → ("value", value)
    ("call", name, pickled args and kwargs)     → any number of ("ask", number, args, kwargs), each answered
                                                  by ("value", value) or ("error", name, text), and at last
                                                  ("value", value, printed), or ("error", type's name, text,
                                                  student's lines, number, printed)
"""

from __future__ import annotations

import builtins
import io
import os
import pickle
import signal
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from mbrl_teach.grading.kernel.plain_data import pack
from mbrl_teach.grading.kernel.shell import Shell
from mbrl_teach.grading.kernel.student_lines import student_lines, text_of

MOST_PRINTED = 20_000  # characters
MOST_SAID = 300  # characters of what an error says


@contextmanager
def interruptible() -> Iterator[None]:
    """Only a student's code is interrupted, never what goes over the connection; nothing that came before."""
    while signal.sigtimedwait({signal.SIGINT}, 0):
        continue
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})


@contextmanager
def uninterrupted() -> Iterator[None]:
    """An exchange in the midst of a student's code: an interrupt comes after it."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


class Helper:
    """A function of the examiner's, called from here. Arguments go there as plain data."""

    def __init__(self, kernel: StudentKernel, number: int):
        self._kernel, self._number = kernel, number

    def __call__(self, *args, **kwargs):
        """What the examiner's function returns; its error, if it raises one."""
        with uninterrupted():
            self._kernel.say("ask", self._number, args, kwargs)
            what, *rest = pickle.loads(self._kernel.connection.recv_bytes())
        if what == "value":
            return rest[0]
        name, text = rest
        kind = getattr(builtins, name, None)
        builtin = isinstance(kind, type) and issubclass(kind, Exception)
        error = kind(text) if builtin else RuntimeError(text)
        error.asked = self._number
        raise error


class Arguments(pickle.Unpickler):
    """Reads the examiner's arguments: functions among them become helpers."""

    def __init__(self, data: bytes, kernel: StudentKernel):
        super().__init__(io.BytesIO(data))
        self.kernel = kernel

    def persistent_load(self, number: int) -> Helper:
        """The helper of this number."""
        return Helper(self.kernel, number)


class StudentKernel:
    """Answers requests until the connection ends."""

    def __init__(self, connection: Connection, shell: Shell):
        self.connection, self.shell = connection, shell

    def say(self, *answer: Any) -> None:
        """Send one answer."""
        self.connection.send_bytes(pack(answer))

    def serve(self) -> None:
        """One request after the other."""
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        while True:
            try:
                request, *arguments = pickle.loads(self.connection.recv_bytes())
                getattr(self, f"_{request}")(*arguments)
            except EOFError:
                return
            except KeyboardInterrupt:  # the examiner's, too late for the code that it was meant for
                continue

    def _files(self, files: dict[str, bytes]) -> None:
        for name, content in files.items():
            Path(name).parent.mkdir(parents=True, exist_ok=True)
            Path(name).write_bytes(content)
        self.say("done")

    def _run(self, source: str) -> None:
        with interruptible():
            outputs = self.shell.run(source)
        try:
            self.say("outputs", outputs)
        except ValueError as error:
            text = f"the outputs of this cell are left out: {error}\n"
            self.say("outputs", [{"output_type": "stream", "name": "stderr", "text": text}])

    def _kind(self, name: str) -> None:
        missing = name not in self.shell.user_ns
        kind = "function" if callable(self.shell.user_ns.get(name)) else "data"
        self.say("kind", "missing" if missing else kind)

    def _fetch(self, name: str) -> None:
        self._answer("", lambda: self.shell.user_ns[name])

    def _call(self, name: str, data: bytes) -> None:
        args, kwargs = Arguments(data, self).load()
        self._answer(name, lambda: self.shell.user_ns[name](*args, **kwargs))

    def _answer(self, name: str, function) -> None:
        """Send what the function returns, or how it failed; warnings cost nothing."""
        printed = io.StringIO()
        try:
            with (
                interruptible(),
                redirect_stdout(printed),
                redirect_stderr(printed),
                warnings.catch_warnings(),
                np.errstate(all="ignore"),
            ):
                warnings.simplefilter("ignore")
                value = function()
                answer = pack(("value", value, printed.getvalue()[-MOST_PRINTED:]))
        except BaseException as error:
            text = printed.getvalue()[-MOST_PRINTED:]
            try:
                answer = pack(_failure(error, text))
            except BaseException:  # an error of a student's own kind, that cannot be told
                answer = pack(("error", "Exception", "(no message)", [], None, text))
        self.connection.send_bytes(answer)


def _failure(error: BaseException, printed: str) -> tuple:
    asked = getattr(error, "asked", None)
    lines = [line[:500] for line in student_lines(error)[-3:]]
    return (
        "error",
        type(error).__name__,
        text_of(error)[:MOST_SAID],
        lines,
        asked if isinstance(asked, int) else None,
        printed,
    )


def serve(connection: Connection, shell: Shell, folder: str) -> None:
    """Be the kernel of one submission, in `folder`, until the examiner leaves."""
    os.chdir(folder)
    os.environ["HOME"] = folder
    sys.path.append(folder)  # at the end: a student's numpy.py is not NumPy
    StudentKernel(connection, shell).serve()
