"""The examiner's end of a student's process: run cells in it, call functions in it, read data from it.

Requests go there pickled, answers come back as plain data and are never unpickled (see `grading.kernel`). A
function that a check hands in stays here and is called from there. Whatever does not come within the time,
ends: first by an interrupt, then with the process.
"""

from __future__ import annotations

import io
import pickle
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing.connection import Connection
from threading import Lock, Timer
from typing import Any

from mbrl_teach.grading.bounds import Breakable, TimeIsUp, memory
from mbrl_teach.grading.kernel.plain_data import LARGEST, unpack
from mbrl_teach.grading.student_call import WrongAnswer

LOST = "it ended itself, or was ended for using too much time or memory"
GRACE = 2.0  # seconds between an interrupt and the end
LONGEST = 20_000  # characters of one text
MOST_MEMORY = 2 * 2**30  # bytes that a function of a check's may take, whatever a student's code asks of it
SAFE = ("numpy", "scipy", "math", "builtins", "operator", "mbrl_teach.problems")


class StudentError(Exception):
    """An error in the student's process: `student_error` is its type's name, `student_lines` led to it."""

    def __init__(self, name: str, text: str, lines: list[str]):
        super().__init__(text)
        self.student_error, self.student_lines = name, lines


class ProcessGone(StudentError):
    """The student's process has ended, or said what no kernel of ours says."""

    def __init__(self, why: str):
        super().__init__("ProcessEnded", why, [])


class _Arguments(pickle.Pickler):
    """Writes arguments; functions among them get a number and stay here."""

    def __init__(self, file: io.BytesIO, helpers: list[Callable]):
        super().__init__(file, protocol=pickle.HIGHEST_PROTOCOL)
        self.helpers = helpers

    def persistent_id(self, thing: Any) -> int | None:
        """The number of a function that stays here; None for what is written."""
        if not callable(thing) or isinstance(thing, type):
            return None
        module = getattr(thing, "__module__", None) or ""
        if module.startswith(SAFE) and getattr(thing, "__qualname__", "").isidentifier():
            return None  # importable there as well
        self.helpers.append(thing)
        return len(self.helpers) - 1


class StudentProcess:
    """One submission's process. `interrupt` stops what it runs; `end` ends it and returns why it ended."""

    def __init__(self, connection: Connection, *, interrupt: Callable[[], None], end: Callable[[], str]):
        self._connection, self._interrupt, self._end = connection, interrupt, end
        self._lock = Lock()
        self._gone: str | None = None
        self._late: str | None = None
        self._helping = Breakable()

    @property
    def gone(self) -> str | None:
        """Why the process has ended; None while it lives."""
        return self._gone

    def close(self) -> None:
        """End the process and all that it has started."""
        self._stop("it was closed")
        self._connection.close()

    @contextmanager
    def within(self, seconds: float) -> Iterator[None]:
        """Nothing asked in the `with` goes on longer: an error says so, or the process is ended."""
        self._late = None
        why = f"no answer within {seconds:g} s: is there a loop without an end?"
        timers = Timer(seconds, self._too_late, [why]), Timer(seconds + GRACE, self._stop, [why])
        for timer in timers:
            timer.daemon = True
            timer.start()
        try:
            yield
        finally:
            for timer in timers:
                timer.cancel()

    @property
    def late(self) -> bool:
        """Whether the last `within` was not kept."""
        return self._late is not None

    @property
    def lost(self) -> bool:
        """Whether it has ended for no reason that this side knows: by itself, or ended from outside."""
        return self._gone == LOST and not self._late

    def write_files(self, files: dict[str, bytes]) -> None:
        """Write files, by relative path, into the working folder."""
        self._ask("files", files)

    def run(self, source: str) -> list[dict[str, Any]]:
        """Run a cell; its outputs in nbformat's form, as the student's process tells them."""
        what, *rest = self._ask("run", source)
        if what != "outputs" or len(rest) != 1 or not isinstance(rest[0], list):
            raise self._forged()
        return rest[0]

    def kind(self, name: str) -> str:
        """What `name` is there: "function", "data" or "missing"."""
        return str(self._ask("kind", name)[-1])

    def fetch(self, name: str) -> Any:
        """The data that `name` is there."""
        return self._result(self._ask("fetch", name), {})

    def call(self, name: str, *args: Any, **kwargs: Any) -> Any:
        """What the student's function `name` returns. What it prints is printed here."""
        helpers: list[Callable] = []
        data = io.BytesIO()
        _Arguments(data, helpers).dump((args, kwargs))
        errors: dict[int, BaseException] = {}
        answer = self._ask("call", name, data.getvalue())
        while answer[0] == "ask":
            answer = self._exchange(*self._help(helpers, errors, answer))
        return self._result(answer, errors)

    def _help(self, helpers: list[Callable], errors: dict[int, BaseException], asked: tuple) -> tuple:
        """Call a function that has stayed here."""
        match asked:
            case ("ask", int(number), tuple(args), dict(kwargs)) if 0 <= number < len(helpers):
                pass
            case _:
                raise self._forged()
        if self._late:
            return "error", "TimeoutError", self._late
        try:
            with self._helping, memory(MOST_MEMORY):
                value = helpers[number](*args, **kwargs)
                if len(pickle.dumps(value)) > LARGEST:
                    raise ValueError(f"what it returns takes more than {LARGEST} bytes")
            return "value", value
        except TimeIsUp:
            raise ProcessGone(self._gone or "it asked for what takes too long") from None
        except Exception as error:
            errors[number] = error
            return "error", type(error).__name__, str(error)[:LONGEST]

    def _result(self, answer: tuple, errors: dict[int, BaseException]) -> Any:
        match answer:
            case ("value", value, str(printed)):
                sys.stdout.write(printed[-LONGEST:])
                return value
            case ("error", str(name), str(text), list(lines), asked, str(printed)):
                sys.stdout.write(printed[-LONGEST:])
                name, text, lines = name[:100], text[:LONGEST], [str(line)[:500] for line in lines[:3]]
                if isinstance(asked, int) and isinstance(errors.get(asked), WrongAnswer):
                    raise errors[asked]
                if name == "NotImplementedError":
                    raise NotImplementedError(text)
                raise StudentError(name, text, lines)
        raise self._forged()

    def _ask(self, *request: Any) -> tuple:
        """Send a request and wait for the answer."""
        if self._late and not self._gone:
            raise StudentError("TimeoutError", self._late, [])
        return self._exchange(*request)

    def _exchange(self, *request: Any) -> tuple:
        """The same, in the middle of a call as well."""
        if self._gone:
            raise ProcessGone(self._gone)
        try:
            self._connection.send_bytes(pickle.dumps(request))
            answer = unpack(self._connection.recv_bytes(LARGEST))
        except (EOFError, OSError, ValueError) as error:
            self._stop(_why(error))
            raise ProcessGone(self._gone) from None
        if not isinstance(answer, tuple) or not answer:
            raise self._forged()
        if self._late and answer[0] == "error":
            raise StudentError("TimeoutError", self._late, [])
        return answer

    def _too_late(self, why: str) -> None:
        self._late = why
        self._interrupt()

    def _stop(self, why: str) -> None:
        with self._lock:
            if self._gone is None:
                self._helping.break_off()
                ended = self._end()
                self._gone = "it used too much memory" if ended == "memory" else why

    def _forged(self) -> ProcessGone:
        self._stop("it answered what no kernel answers")
        return ProcessGone(self._gone)


def _why(error: Exception) -> str:
    too_large = "bad message length" in str(error)
    return f"its answer is larger than {LARGEST} bytes" if too_large else LOST
