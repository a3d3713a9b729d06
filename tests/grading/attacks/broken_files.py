"""Notebooks that are none, or of another form, or whose code is broken."""

import json
import os

from tests.grading.attacks.broken import FULL, NOTEBOOK, broken, changed, write

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


@broken("it has no cells")
def no_cells(folder, text):
    """A notebook without cells."""
    write(folder, json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": []}))


@broken("is missing|taken for it|cannot be read", None)
def version_3(folder, text):
    """A notebook of nbformat 3, with worksheets."""
    cells = [
        {
            "cell_type": "code",
            "language": "python",
            "input": cell["source"],
            "outputs": [],
            "metadata": cell["metadata"],
        }
        for cell in json.loads(text)["cells"]
        if cell["cell_type"] == "code"
    ]
    worksheets = [{"cells": cells, "metadata": {}}]
    write(
        folder,
        json.dumps({"nbformat": 3, "nbformat_minor": 0, "metadata": {"name": ""}, "worksheets": worksheets}),
    )


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
        cell[("source", "outputs", "metadata", "id", "execution_count")[i % 5]] = (None, 5, {"a": 1}, [None])[
            i % 4
        ]
    write(folder, json.dumps(notebook))


@broken(None, FULL)
def no_metadata(folder, text):
    """The notebook's own metadata are gone, and it has no version."""
    write(folder, json.dumps(json.loads(text) | {"metadata": {}}))


@broken("is missing", 0.0)
def another_assignment(folder, text):
    """The notebook is another assignment's, under this one's name."""
    cell = {
        "cell_type": "code",
        "source": "x = 1",
        "metadata": {},
        "outputs": [],
        "execution_count": None,
        "id": "a",
    }
    write(folder, json.dumps({"nbformat": 4, "nbformat_minor": 5, "metadata": {}, "cells": [cell]}))


# Code ------------------------------------------------------------------------------------------------


@broken("holds no time", FULL)
def a_time_too_late(folder, text):
    """The same with a number that no calendar holds."""
    write(folder, text)
    write(folder, "9" * 20, "timestamp.txt")


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
