"""One at a time: locks that end with the process that holds them, however it ends."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


@contextmanager
def alone(folder: str, *what: str) -> Iterator[None]:
    """Wait until no other process of any grader holds this; two gradings of one class do no harm then.

    The file stays: to remove it would let two hold it. Where a file system knows no locks, nothing waits.
    """
    place = Path(folder, ".grading", *what)
    place = place.with_name(f"{place.name}.lock")
    place.parent.mkdir(parents=True, exist_ok=True)
    with place.open("w") as file:
        with suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
