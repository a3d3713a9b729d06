"""Bounds on what the examiner's own functions do for a student's code that calls them with wild arguments.

A check hands in functions, and they run where the checks run. Asked for a loop of 10¹² steps, or for a matrix
of 100 GB, they end with an error here: the worker and the class go on.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock, get_ident

raise_in_thread = ctypes.pythonapi.PyThreadState_SetAsyncExc
raise_in_thread.argtypes = ctypes.c_ulong, ctypes.py_object


class TimeIsUp(BaseException):
    """What runs has taken too long. No `except Exception` holds it."""


class Breakable:
    """What runs in a `with` of this can be broken off by another thread: `TimeIsUp` is raised in it then.

    It comes between two steps of the interpreter: a single call of a compiled function is not broken off.
    """

    def __init__(self):
        self._lock, self._thread = Lock(), None

    def __enter__(self) -> None:
        self._thread = get_ident()

    def __exit__(self, *error) -> None:
        with self._lock:
            thread, self._thread = self._thread, None
        raise_in_thread(thread, ctypes.py_object())  # takes back what has not come yet

    def break_off(self) -> None:
        """Break off what runs, if something does."""
        with self._lock:
            if self._thread is not None:
                raise_in_thread(self._thread, TimeIsUp)


@contextmanager
def memory(more: int) -> Iterator[None]:
    """MemoryError in the `with` beyond `more` bytes on top of what this process has. Linux only."""
    try:
        import resource

        with open("/proc/self/statm", encoding="ascii") as file:
            now = int(file.read().split()[0]) * os.sysconf("SC_PAGE_SIZE")
        before = resource.getrlimit(resource.RLIMIT_AS)
    except (ImportError, OSError):  # not Linux
        yield
        return
    bounds = [bound for bound in (now + more, *before) if bound != resource.RLIM_INFINITY]
    with contextlib.suppress(ValueError, OSError):
        resource.setrlimit(resource.RLIMIT_AS, (min(bounds), before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, before)
