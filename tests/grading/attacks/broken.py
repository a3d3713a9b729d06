"""Submissions that are broken. Each function writes one into `folder`, which does not exist yet.

It is given the text of an honest notebook. `broken(reason, points)` says what the printed table must tell
(a regular expression; none where nothing needs to be told), and what share of the full marks is left.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

NOTEBOOK = "lqr.ipynb"


@dataclass(frozen=True)
class Broken:
    """One broken submission; `points` of 28, or None where any number may come."""

    function: Callable[[Path, str], None]
    reason: str | None
    points: float | None

    @property
    def name(self) -> str:
        """Its name, which is also the student's."""
        return self.function.__name__


BROKEN: dict[str, Broken] = {}
FULL = 28.0


def broken(reason: str | None, points: float | None = 0.0):
    """Register a broken submission."""

    def register(function: Callable) -> Callable:
        BROKEN[function.__name__] = Broken(function, reason, points)
        return function

    return register


def write(folder: Path, text: str | bytes, name: str = NOTEBOOK) -> None:
    """A submission of one file."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(text.encode() if isinstance(text, str) else text)


def changed(text: str, grade_id: str, source: str) -> str:
    """The notebook with another answer in one cell."""
    notebook = json.loads(text)
    for cell in notebook["cells"]:
        if cell["metadata"].get("nbgrader", {}).get("grade_id") == grade_id:
            cell["source"] = source
    return json.dumps(notebook)


STUDENTS = (  # names of folders that nbgrader might read as patterns, options, paths or SQL
    "Zoë Müller",
    "[a]",
    "a",
    "*",
    "?",
    "-x",
    "--force",
    "a+b@example.org",
    "x;DROP TABLE student",
    "100%s{0}$HOME",
    "学生",
    "(group) 1",
    "x.ipynb",
    'O\'Brien "Bob"',
)
