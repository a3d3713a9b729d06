"""Bring notebooks into the one form in which the course keeps them, so that a diff shows what an author did.

    python -m mbrl_teach.grading.normalise lectures solutions        (what `make notebooks` says)
    python -m mbrl_teach.grading.normalise --check lectures solutions exercises

A notebook that stands in a folder named lectures is run from a fresh kernel, in its own folder, and keeps its
outputs. Every other notebook is an assignment: it is not run, and loses its outputs. Then what differs
between two machines, two editors or two runs is taken away: widget state, timings, editors' marks. A second
run changes nothing.

What cannot be taken away is reported with notebook, cell and reason, and the file is left as it was: a cell
that fails, writes to stderr, or prints the address of an object.
"""

from __future__ import annotations

import argparse
import hashlib
import itertools
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError
from nbconvert.preprocessors import ClearOutputPreprocessor, CoalesceStreamsPreprocessor
from nbformat import NotebookNode
from tqdm.auto import tqdm

KERNEL = {"display_name": "Python 3", "language": "python", "name": "python3"}
NOTEBOOK_METADATA = {"kernelspec": KERNEL, "language_info": {"name": "python"}}
CELL_METADATA = {"deletable", "editable", "mystnb", "nbgrader", "tags"}
WIDGET_VIEW = "application/vnd.jupyter.widget-view+json"
ADDRESS = re.compile(r"\bat 0x[0-9A-Fa-f]{6,}")
CELL_SECONDS = 120


def main(arguments: Sequence[str] | None = None) -> int:
    """Normalise the notebooks named on the command line; the exit code is 1 if any needs an author's hand."""
    parser = argparse.ArgumentParser(prog="python -m mbrl_teach.grading.normalise", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("paths", nargs="+", type=Path, help="notebooks, or folders of notebooks")
    parser.add_argument(
        "--check", action="store_true", help="run and write nothing, exit 1 if any would change"
    )
    options = parser.parse_args(arguments)
    for path in options.paths:
        if not path.exists():
            parser.error(f"{path}: no such notebook or folder")

    failed = False
    for path in _notebooks(options.paths):
        changed, problems = _tidy(path, check=options.check)
        for problem in problems:
            print(f"{path}, {problem}", file=sys.stderr)
        if changed and not problems:
            print(f"{path}: {'would change' if options.check else 'changed'}")
        failed |= bool(problems) or (changed and options.check)
    return int(failed)


def _notebooks(paths: Sequence[Path]) -> Iterator[Path]:
    for path in paths:
        found = sorted(path.rglob("*.ipynb")) if path.is_dir() else [path]
        yield from (each for each in found if ".ipynb_checkpoints" not in each.parts)


def _tidy(path: Path, *, check: bool) -> tuple[bool, list[str]]:
    """Normalise one file; returns whether it differs from its normal form, and what stands in the way."""
    before = path.read_bytes()
    lecture = path.resolve().parent.name == "lectures"
    try:
        notebook = read(before)
        if lecture and not check:
            run(notebook, path)
        normalise(notebook, keep_outputs=lecture)
        nbformat.validate(notebook)
    except CellFailure as failure:
        return True, [str(failure)]
    except (ValueError, nbformat.ValidationError) as error:
        return True, [f"not a notebook of format 4: {_first_line(str(error))}"]
    problems = list(problems_of(notebook)) if lecture else []
    after = f"{nbformat.writes(notebook)}\n".encode()
    if after != before and not problems and not check:
        _write(path, after)
    return after != before, problems


def read(content: bytes) -> NotebookNode:
    """The notebook as it was written. Unlike `nbformat.read`, gives no random id to a cell that has none.

    Raises ValueError if the content is not a notebook of format 4.
    """
    notebook = nbformat.reader.reads(content.decode())
    major, minor = nbformat.reader.get_version(notebook)
    if major != 4:
        raise ValueError(f"it is of format {major}.{minor}")
    return notebook


class CellFailure(Exception):
    """A cell that did not come to its end."""


def run(notebook: NotebookNode, path: Path) -> None:
    """Execute the notebook in place, from a fresh kernel, in the folder of `path`.

    Raises CellFailure, which names the cell, if a cell ends in an error (tagged as expected or not), takes
    longer than CELL_SECONDS, or takes the kernel with it.
    """
    started: list[int] = []
    with tqdm(total=len(notebook.cells), desc=path.name, unit="cell", leave=False, disable=None) as bar:

        def start(cell: NotebookNode, cell_index: int) -> None:
            started.append(cell_index)
            bar.update()

        client = NotebookClient(
            notebook,
            timeout=CELL_SECONDS,
            kernel_name=KERNEL["name"],
            resources={"metadata": {"path": str(path.parent)}},
            extra_arguments=["--log-level=ERROR"],  # else a word about TCP for each notebook
            record_timing=False,
            store_widget_state=False,
            on_cell_start=start,
        )
        try:
            client.execute()
        except CellExecutionError as error:
            raise CellFailure(_in_cell(notebook, started[-1], f"{error.ename}: {error.evalue}")) from None
        except (CellTimeoutError, DeadKernelError) as error:
            raise CellFailure(_in_cell(notebook, started[-1], _first_line(str(error)))) from None


def normalise(notebook: NotebookNode, *, keep_outputs: bool) -> None:
    """Bring a notebook of format 4 into its normal form, in place."""
    notebook.nbformat, notebook.nbformat_minor = 4, 5
    notebook.metadata = nbformat.from_dict(NOTEBOOK_METADATA)
    for cell in notebook.cells:
        cell.metadata = NotebookNode(
            {k: v for k, v in cell.metadata.items() if k in CELL_METADATA and v != []}
        )
    _give_ids(notebook.cells)
    if not keep_outputs:
        ClearOutputPreprocessor().preprocess(notebook, {})
        return
    CoalesceStreamsPreprocessor().preprocess(notebook, {})
    _strip_outputs(notebook.cells)
    _count_executions(notebook.cells)


def _give_ids(cells: list[NotebookNode]) -> None:
    """An id for each cell that has none, or the id of a cell above; made of what the cell says, and where."""
    seen: set[str] = set()
    for index, cell in enumerate(cells):
        if cell.get("id") in {None, "", *seen}:
            said = f"{index} {cell.cell_type} {cell.source}"
            cell.id = hashlib.sha256(said.encode()).hexdigest()[:8]
        seen.add(cell.id)


def _strip_outputs(cells: list[NotebookNode]) -> None:
    """Without a running kernel a widget's view shows nothing; the pictures beside it stay, with alt text."""
    for output in _outputs(cells):
        if "data" in output:
            output.data.pop(WIDGET_VIEW, None)
            kept = {mime: value for mime, value in output.metadata.items() if mime in output.data}
            output.metadata = NotebookNode(kept)
    for cell in cells:
        if cell.cell_type == "code":
            cell.outputs = [output for output in cell.outputs if output.get("data") != {}]


def _count_executions(cells: list[NotebookNode]) -> None:
    counter = itertools.count(1)
    for cell in cells:
        if cell.get("execution_count") is not None:
            cell.execution_count = next(counter)
            for output in _outputs([cell]):
                if output.output_type == "execute_result":
                    output.execution_count = cell.execution_count


def problems_of(notebook: NotebookNode) -> Iterator[str]:
    """What an author must mend before the outputs of a lecture can be kept; each names its cell."""
    for index, cell in enumerate(notebook.cells):
        if cell.cell_type == "code" and cell.source.strip() and cell.execution_count is None:
            yield _in_cell(notebook, index, "was never run")
        for output in _outputs([cell]):
            if output.output_type == "error":
                yield _in_cell(notebook, index, f"{output.ename}: {output.evalue}")
            elif output.get("name") == "stderr":
                yield _in_cell(notebook, index, f"writes to stderr: {_first_line(output.text)}")
            elif address := ADDRESS.search(_text(output)):
                yield _in_cell(notebook, index, f"prints an object's address ({address[0]})")


def _outputs(cells: list[NotebookNode]) -> Iterator[NotebookNode]:
    return itertools.chain.from_iterable(cell.get("outputs", []) for cell in cells)


def _text(output: NotebookNode) -> str:
    values: list[Any] = [output.get("text"), *output.get("data", {}).values()]
    return "\n".join(value for value in values if isinstance(value, str))


def _in_cell(notebook: NotebookNode, index: int, what: str) -> str:
    return f"cell {index + 1} ({_first_line(notebook.cells[index].source)}): {what}"


def _first_line(text: str) -> str:
    return next((line.strip() for line in text.splitlines() if line.strip()), "")


def _write(path: Path, content: bytes) -> None:
    """Replace the file in one step: whoever reads it meanwhile sees the old notebook or the new one."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.stem}-", delete=False) as file:
        file.write(content)
    try:
        shutil.copymode(path, file.name)
        os.replace(file.name, path)
    except OSError:
        os.unlink(file.name)
        raise


if __name__ == "__main__":
    sys.exit(main())
