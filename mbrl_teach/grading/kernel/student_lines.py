"""Which lines of an error are the student's own."""

from __future__ import annotations

import traceback
from pathlib import Path

PACKAGE = Path(__file__).resolve().parents[2]
STANDARD_LIBRARY = Path(traceback.__file__).parent
LIBRARIES = {"site-packages", "dist-packages"}


def student_lines(error: BaseException) -> list[str]:
    """The student's lines that led to `error`, innermost last; none of a library's, none of ours."""
    frames = traceback.extract_tb(error.__traceback__)
    return [f"line {f.lineno}, in {f.name}: {f.line}" for f in frames if is_the_students(f.filename)]


def is_the_students(filename: str) -> bool:
    """Whether code of this file is the student's."""
    path = Path(filename)
    elsewhere = {PACKAGE, STANDARD_LIBRARY} & set(path.parents) or LIBRARIES & set(path.parts)
    return not elsewhere and "<frozen" not in filename and path.suffix != ".pyx"


def text_of(error: BaseException) -> str:
    """What the error says; a student's own kind of error may not be able to say what it is."""
    try:
        return str(error)
    except Exception:
        return "(no message)"
