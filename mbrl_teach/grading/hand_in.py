"""What a student has handed in, and the notebook that is graded in its place.

nbgrader trusts the cells of a submission: a duplicated one stops the grading of the whole class, a deleted
one waits for a human for ever. So the notebook that is graded is built from the *released* one: it has every
released cell, in order and as released, with the student's answers in the cells for answers and the student's
own cells where they stood. What did not fit is said in one line each.
"""

from __future__ import annotations

import os
import re
import stat
import warnings
from collections.abc import Sequence
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell
from nbgrader.utils import is_locked, is_solution, parse_utc

from mbrl_teach.grading.outputs import LONGEST, harmless_attachments

MOST_FILES, MOST_BYTES = 200, 20 * 2**20
MOST_CELLS = 500  # of a student's own
DEFINES = re.compile(r"^def (\w+)\(", re.MULTILINE)
FIRST_OF_STUDENTS = "import_checks"  # the released cell after which cells without a place of their own go


def files_beside(folder: Path) -> dict[str, bytes]:
    """The regular files of a submission but for its notebooks, by relative path: data that a cell may read.

    Links are not followed, neither to files nor to folders. Beyond 200 files or 20 MiB the rest is left out.
    """
    files, room = {}, MOST_BYTES
    for place, folders, names in os.walk(folder):
        folders.sort()
        for path in (Path(place, name) for name in sorted(names)):
            if path.suffix == ".ipynb" or not _is_regular(path) or path.stat().st_size > room:
                continue
            if len(files) == MOST_FILES:
                return files
            content = path.read_bytes()
            files[str(path.relative_to(folder))] = content
            room -= len(content)
    return files


def stage(submission: Path, released: Path, target: Path) -> list[str]:
    """Write into `target` what nbgrader is to grade for `submission`; what was wrong with it, in lines.

    `released` is the folder of the assignment as students got it. Whatever is wrong with a submission, there
    is something to grade: with nothing readable, the released notebook without an answer.
    """
    problems = []
    target.mkdir(parents=True)
    templates = {path.name: path for path in sorted(released.glob("*.ipynb"))}
    no_folder = _no_folder(submission)
    if no_folder:
        problems.append(no_folder)
    else:
        problems += [f"{link} is a link: left out" for link in _links(submission)]
        for name, content in files_beside(submission).items():
            if name == "timestamp.txt" and not _is_a_time(content):
                problems.append(f"{name} holds no time: left out")
            elif Path(name).parts[0] not in templates:
                (target / name).parent.mkdir(parents=True, exist_ok=True)
                (target / name).write_bytes(content)
    for name, template in templates.items():
        notebook, handed_in = nbformat.read(template, as_version=4), None
        if not no_folder:
            handed_in, said = _read(submission, name, set(templates))
            problems += said
        rebuilt, said = rebuild(notebook, handed_in)
        nbformat.write(rebuilt, target / name)
        problems += said
    return problems


def _no_folder(submission: Path) -> str | None:
    """Why nothing can be read from there: only the folders of a course are followed, no links."""
    if submission.is_symlink() or submission.parent.is_symlink():
        return "the folder is a link, and links are not followed"
    return None if submission.is_dir() else "it is a file, not a folder"


def _is_a_time(content: bytes) -> bool:
    try:
        parse_utc(content.decode().strip())
    except (ValueError, OverflowError):
        return False
    return True


def _is_regular(path: Path) -> bool:
    return stat.S_ISREG(path.lstat().st_mode)


def _links(folder: Path) -> list[str]:
    paths = (Path(place, n) for place, folders, names in os.walk(folder) for n in (*folders, *names))
    return sorted(str(path.relative_to(folder)) for path in paths if path.is_symlink())


def _read(folder: Path, name: str, expected: set[str]) -> tuple[NotebookNode | None, list[str]]:
    """The notebook of this name, or the only one of another name; None if there is none that can be read."""
    path, problems = folder / name, []
    if not path.exists() and not path.is_symlink():
        others = [p for p in sorted(folder.glob("*.ipynb")) if p.name not in expected]
        if len(others) != 1:
            return None, [f"{name} is missing"]
        path = others[0]
        problems.append(f"{name} is missing: {path.name} is taken for it")
    if not _is_regular(path):
        return None, [*problems, f"{path.name} is not a file"]
    if path.stat().st_size > MOST_BYTES:
        return None, [*problems, f"{path.name} is larger than {MOST_BYTES // 2**20} MiB"]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what `rebuild` puts right
            notebook = nbformat.reads(path.read_text(encoding="utf-8-sig"), as_version=4)
        if not all(isinstance(cell, dict) for cell in notebook.cells):
            raise ValueError("its cells are no cells")
        if not notebook.cells:
            raise ValueError("it has no cells")
    except Exception as error:  # whatever is in a stranger's file
        what = str(error).splitlines()[0][:120] if str(error) else type(error).__name__
        return None, [*problems, f"{path.name} cannot be read as a notebook: {what}"]
    return notebook, problems


def rebuild(released: NotebookNode, handed_in: NotebookNode | None) -> tuple[NotebookNode, list[str]]:
    """The released notebook with the student's answers and own cells; and what was put right, in lines."""
    templates = {cell.metadata.nbgrader.grade_id: cell for cell in released.cells if _id(cell)}
    answers, extras, problems = _sort_cells(templates, handed_in.cells if handed_in is not None else ())
    if handed_in is not None:
        problems += _find_by_name(templates, answers, extras)
    attached = {_id(cell): cell.get("attachments") for cell in handed_in.cells} if handed_in else {}
    rebuilt = released.copy()
    rebuilt.cells = [*extras.get(None, [])]
    for cell in released.cells:
        grade_id = _id(cell)
        if grade_id in answers and is_solution(cell):
            cell = _answered(cell, answers[grade_id], attached.get(grade_id))
        rebuilt.cells += [cell, *extras.get(grade_id, [])]
    return rebuilt, problems


def _answered(template: NotebookNode, source: str, attached: object) -> NotebookNode:
    """A cell for answers with the student's; text with the pictures in it."""
    if template.cell_type == "code":
        return NotebookNode(template | {"source": source})
    more = {"source": source[:LONGEST], "attachments": harmless_attachments(attached)}
    return NotebookNode(template | more)


def _sort_cells(templates, cells: Sequence) -> tuple[dict[str, str], dict[str | None, list], list[str]]:
    """The sources of the released cells, and the student's own cells by the released cell they follow."""
    sources: dict[str, str] = {}
    extras: dict[str | None, list] = {}
    twice: dict[str, None] = {}
    own, after = 0, None
    for cell in cells:
        grade_id = _id(cell)
        if grade_id in templates and grade_id not in sources:
            sources[grade_id], after = _source(cell), grade_id
            continue
        if grade_id in templates:
            twice[grade_id] = None
        if grade_id not in templates or is_solution(templates[grade_id]):
            own += 1
            if own <= MOST_CELLS:
                extras.setdefault(after, []).append(_own(cell))
    problems = [f"cell {grade_id} is there more than once" for grade_id in twice]
    if own > MOST_CELLS:
        problems.append(f"{own} cells of the student's own: those after the first {MOST_CELLS} are left out")
    if cells and not sources:
        extras = {FIRST_OF_STUDENTS if FIRST_OF_STUDENTS in templates else None: extras.get(None, [])}
    places = [list(templates).index(grade_id) for grade_id in sources]
    if places != sorted(places):
        problems.append("cells are in another order: graded in the order of the assignment")
    for grade_id, template in templates.items():
        if cells and grade_id not in sources:
            problems.append(f"cell {grade_id} is missing: put back")
        elif cells and is_locked(template) and sources[grade_id].strip() != template.source.strip():
            problems.append(f"cell {grade_id} was changed: put back as it was")
    return sources, extras, problems


def _find_by_name(templates, answers: dict[str, str], extras: dict[str | None, list]) -> list[str]:
    """Answers whose cells have lost their identity: found by the functions that they define."""
    problems = []
    for grade_id, template in templates.items():
        wanted = set(DEFINES.findall(template.source))
        if grade_id in answers or not is_solution(template) or not wanted:
            continue
        for own in extras.values():
            found = [cell for cell in own if wanted <= set(DEFINES.findall(cell.source))]
            if found:
                answers[grade_id] = found[-1].source
                own.remove(found[-1])
                problems.append(
                    f"cell {grade_id}: a cell that defines {', '.join(sorted(wanted))} is taken for it"
                )
                break
    return problems


def _id(cell: NotebookNode) -> str | None:
    about = cell.get("metadata", {})
    about = about.get("nbgrader", {}) if isinstance(about, dict) else {}
    grade_id = about.get("grade_id") if isinstance(about, dict) else None
    return grade_id if isinstance(grade_id, str) else None


def _source(cell: NotebookNode) -> str:
    source = cell.get("source", "")
    text = "".join(map(str, source)) if isinstance(source, list) else str(source)
    return text.encode("utf-8", "replace").decode("utf-8")  # JSON may hold halves of characters


def _own(cell: NotebookNode) -> NotebookNode:
    """A student's own cell, with nothing but its source."""
    if cell.get("cell_type") == "code":
        return new_code_cell(_source(cell))
    pictures = harmless_attachments(cell.get("attachments"))
    return new_markdown_cell(_source(cell)[:LONGEST], attachments=pictures)
