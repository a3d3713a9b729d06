"""Submissions that are broken. Each function writes one into `folder`, which does not exist yet.

It is given the text of an honest notebook. `broken(reason, points)` says what the printed table must tell
(a regular expression; none where nothing needs to be told), and what share of the full marks is left.
"""

from __future__ import annotations

import json
import os
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


# Files that are no notebooks -------------------------------------------------------------------------


@broken("cannot be read as a notebook")
def bad_json(folder, text):
    """The end of the file is missing."""
    write(folder, text[: len(text) // 2])


@broken("cannot be read as a notebook")
def empty_file(folder, text):
    """There is nothing in the file."""
    write(folder, "")


@broken("cannot be read as a notebook")
def a_list(folder, text):
    """The file holds a list."""
    write(folder, "[]")


@broken("cannot be read as a notebook")
def a_number(folder, text):
    """The file holds a number."""
    write(folder, "28")


@broken("cannot be read as a notebook")
def an_empty_dict(folder, text):
    """The file holds a dict with nothing in it."""
    write(folder, "{}")


@broken("cannot be read as a notebook")
def cells_that_are_none(folder, text):
    """Cells are numbers and lists."""
    write(folder, json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [1, [], None]}))


@broken("cannot be read as a notebook")
def a_picture(folder, text):
    """The file is a picture."""
    write(folder, b"\x89PNG\r\n\x1a\n\0\0\xff\xfe")


@broken("cannot be read as a notebook")
def nested_json(folder, text):
    """Brackets open a hundred thousand times."""
    write(folder, "[" * 100_000)


@broken("cannot be read as a notebook")
def a_page(folder, text):
    """The file is the web page that a browser shows of a notebook."""
    write(folder, "<!DOCTYPE html><html><body>Not found</body></html>")


@broken("larger than")
def a_huge_file(folder, text):
    """The file is a hole of 30 GiB."""
    write(folder, "")
    os.truncate(folder / NOTEBOOK, 30 * 2**30)


@broken(None, FULL)
def with_a_byte_order_mark(folder, text):
    """The file begins with a byte order mark, as some editors write it."""
    write(folder, b"\xef\xbb\xbf" + text.encode())


# Notebooks of other forms ----------------------------------------------------------------------------


@broken("is missing", None)
def no_cells(folder, text):
    """A notebook without cells."""
    write(folder, json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []}))


@broken("is missing|taken for it|cannot be read", None)
def version_3(folder, text):
    """A notebook of nbformat 3, with worksheets."""
    cells = [
        {"cell_type": "code", "language": "python", "input": cell["source"], "outputs": [], "metadata": cell["metadata"]}
        for cell in json.loads(text)["cells"]
        if cell["cell_type"] == "code"
    ]
    worksheets = [{"cells": cells, "metadata": {}}]
    write(folder, json.dumps({"nbformat": 3, "nbformat_minor": 0, "metadata": {"name": ""}, "worksheets": worksheets}))


@broken(None, None)
def version_99(folder, text):
    """A notebook of a version to come."""
    write(folder, json.dumps(json.loads(text) | {"nbformat": 99, "nbformat_minor": 5000}))


@broken("is missing|was changed|cannot be read", None)
def cells_without_fields(folder, text):
    """Cells without source, metadata, outputs and type."""
    notebook = json.loads(text)
    for i, cell in enumerate(notebook["cells"]):
        del cell[("source", "metadata", "cell_type")[i % 3]]
        cell.pop("outputs", None)
    write(folder, json.dumps(notebook))


@broken(None, None)
def fields_of_other_types(folder, text):
    """Sources, outputs and metadata are numbers and nothing."""
    notebook = json.loads(text)
    for i, cell in enumerate(notebook["cells"]):
        cell[("source", "outputs", "metadata", "id", "execution_count")[i % 5]] = (None, 5, {"a": 1}, [None])[i % 4]
    write(folder, json.dumps(notebook))


@broken(None, FULL)
def no_metadata(folder, text):
    """The notebook's own metadata are gone, and it has no version."""
    write(folder, json.dumps(json.loads(text) | {"metadata": {}}))


@broken("is missing", 0.0)
def another_assignment(folder, text):
    """The notebook is another assignment's, under this one's name."""
    cell = {"cell_type": "code", "source": "x = 1", "metadata": {}, "outputs": [], "execution_count": None, "id": "a"}
    write(folder, json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell]}))


# Folders ---------------------------------------------------------------------------------------------


@broken("is missing")
def empty_folder(folder, text):
    """The folder is empty."""
    folder.mkdir(parents=True)


@broken("is taken for it", FULL)
def renamed(folder, text):
    """The notebook has another name."""
    write(folder, text, "My solution (final) [2].ipynb")


@broken("is missing")
def renamed_twice(folder, text):
    """There are two notebooks, both of other names."""
    write(folder, text, "a.ipynb")
    write(folder, text, "b.ipynb")


@broken("is missing")
def other_files(folder, text):
    """There are only a document and an archive."""
    write(folder, b"%PDF", "solution.pdf")
    write(folder, b"PK", "lqr.ipynb.zip")


@broken(None, FULL)
def extra_files(folder, text):
    """There are pictures, folders and hidden files beside the notebook."""
    write(folder, text)
    write(folder, b"x" * 1000, "picture.png")
    write(folder / ".git" / "objects", b"x")
    write(folder / "__MACOSX" / "._x", b"x")
    write(folder / "data" / "deep" / "deeper", "1,2,3", "data.csv")


@broken("is not a file")
def a_folder_in_its_place(folder, text):
    """A folder has the notebook's name, and the notebook lies in it."""
    write(folder / NOTEBOOK, text)
    write(folder / NOTEBOOK, "x", "x.txt")


@broken("is a link")
def a_dangling_link(folder, text):
    """The notebook is a link to nowhere."""
    folder.mkdir(parents=True)
    (folder / NOTEBOOK).symlink_to("nowhere.ipynb")


@broken("is a link")
def a_link_to_the_solution(folder, text):
    """The notebook is a link to the course's own solution."""
    folder.mkdir(parents=True)
    (folder / NOTEBOOK).symlink_to(folder.parents[2] / "solutions" / "01_lqr" / NOTEBOOK)


@broken("is not a file")
def a_pipe(folder, text):
    """The notebook is a pipe, which nobody writes to."""
    folder.mkdir(parents=True)
    os.mkfifo(folder / NOTEBOOK)


@broken("the folder is a link")
def the_folder_is_a_link(folder, text):
    """The submission is a link to somebody else's."""
    folder.parent.mkdir(parents=True)
    folder.symlink_to(folder.parents[1] / "honest_0" / "01_lqr")


@broken("the folder is a link")
def the_student_is_a_link(folder, text):
    """The student's folder is a link to somebody else's."""
    folder.parent.symlink_to(folder.parents[1] / "honest_0")


@broken("the folder is a link")
def a_link_to_itself(folder, text):
    """The submission is a link to itself."""
    folder.parent.mkdir(parents=True)
    folder.symlink_to(folder)


@broken("is a file, not a folder")
def a_file_in_its_place(folder, text):
    """The submission is a file."""
    folder.parent.mkdir(parents=True)
    folder.write_text(text)


# Code ------------------------------------------------------------------------------------------------


@broken(None, 25.0)
def syntax_error(folder, text):
    """An answer is no Python."""
    write(folder, changed(text, "gain", "def gain(Q, q, n:\n    return ((("))


@broken(None, 25.0)
def wrong_indentation(folder, text):
    """An answer has lost its indentation."""
    write(folder, changed(text, "gain", "def gain(Q, q, n):\nreturn 1"))


@broken(None, 25.0)
def null_characters(folder, text):
    """An answer holds characters that are none."""
    write(folder, changed(text, "gain", "def gain(Q, q, n):\n    return '\0\ud800'"))


@broken(None, 25.0)
def only_an_endless_loop(folder, text):
    """An answer's cell never ends."""
    write(folder, changed(text, "gain", "while True: pass"))


@broken(None, 25.0)
def an_endless_function(folder, text):
    """An answer's function never ends."""
    write(folder, changed(text, "gain", "def gain(Q, q, n):\n    while True: pass"))


@broken(None, 25.0)
def waits_for_input(folder, text):
    """An answer waits for somebody to type."""
    write(folder, changed(text, "gain", "def gain(Q, q, n):\n    return input()"))


@broken(None, 25.0)
def another_language(folder, text):
    """An answer is a shell's, and a magic that nobody knows."""
    write(folder, changed(text, "gain", "%%no_such_magic\n!sleep 1\nls -l | wc"))


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
    "O'Brien \"Bob\"",
)
