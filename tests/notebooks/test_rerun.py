"""After Run All a student changes a number in one cell and runs that cell again: no later cell may be in its way."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

SECONDS = 120  # a bound for a test machine under load; the longest lecture takes about 20 s

# A process of its own, and for each cell a fork of it: what one cell changes, no other sees.
RUN_ALL_THEN_EACH_AGAIN = """
import contextlib, os, sys, nbformat

cells = [cell.source for cell in nbformat.read(sys.argv[1], as_version=4).cells if cell.cell_type == "code"]
names = {"__name__": "__main__"}
with open(os.devnull, "w") as hushed, contextlib.redirect_stdout(hushed):
    for source in cells:
        exec(source, names)
    for number, source in enumerate(cells):
        child = os.fork()
        if child == 0:
            try:
                exec(source, names)
            except Exception as error:
                os.write(1, f"code cell {number}: {type(error).__name__}: {error}\\n".encode())
            finally:
                os._exit(0)
        os.waitpid(child, 0)
"""


def fails_when_run_again(path: Path) -> str:
    """A line for each code cell that raises when it is run again after all have run."""
    done = subprocess.run(
        [sys.executable, "-c", RUN_ALL_THEN_EACH_AGAIN, path],
        env=os.environ | {"MPLBACKEND": "agg", "OPENBLAS_NUM_THREADS": "1"},
        cwd=path.parent,
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="a copy of a process needs fork")


@needs_fork
def test_after_run_all_each_cell_of_a_lecture_can_be_run_again(lecture):
    assert fails_when_run_again(lecture) == ""


@needs_fork
def test_a_cell_whose_name_was_bound_anew_is_found(tmp_path):
    sources = ["m = 2", "size = [0] * m", "m = [1.0, 2.0]"]
    cells = [nbformat.v4.new_code_cell(source) for source in sources]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "rebinds.ipynb")
    assert fails_when_run_again(tmp_path / "rebinds.ipynb").startswith("code cell 1: TypeError")
