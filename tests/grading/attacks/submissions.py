"""Submissions of 01_lqr: an honest one, one that is wrong by a little, and that with an attack."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell

from tests.grading.attacks.attack import ATTACKS, Attack

NAME, NOTEBOOK = "01_lqr", "lqr.ipynb"
SLIPS = {  # one in each task: what stands there, what should
    "gain": ("k = -np.linalg", "k = np.linalg"),
    "state_value": (" + K.T @ Q_aa @ k", ""),
    "action_value": ("(V @ f + v)", "v"),
    "backward_pass": ("return K, k, V, v", "return K, k, V, 2 * v"),
    "forward_pass": ("cost += 0.5 * z", "cost += z"),
    "tracking_cost": ("= -np.einsum", "= np.einsum"),
}
WORDS = "A regulator that looks ahead further gains nothing more. The last steps have little future."

for path in sorted(Path(__file__).parent.glob("[!_]*.py")):
    if path.stem != "submissions":
        importlib.import_module(f"tests.grading.attacks.{path.stem}")


def id_of(cell: NotebookNode) -> str | None:
    """The cell's name."""
    return cell.metadata.get("nbgrader", {}).get("grade_id")


def honest(course: Path) -> NotebookNode:
    """The released notebook with all answers right."""
    answers = {
        id_of(cell): cell.source for cell in nbformat.read(course / "solutions" / NAME / NOTEBOOK, 4).cells
    }
    notebook = nbformat.read(course / "exercises" / NAME / NOTEBOOK, 4)
    for cell in notebook.cells:
        if id_of(cell) in SLIPS:
            cell.source = answers[id_of(cell)]
        if id_of(cell) == "answer":
            cell.source = WORDS
    return notebook


def wrong_by_a_little(course: Path) -> NotebookNode:
    """The same with a slip in each task."""
    notebook = honest(course)
    for cell in notebook.cells:
        if id_of(cell) in SLIPS:
            right, wrong = SLIPS[id_of(cell)]
            assert right in cell.source, f"the solution of {id_of(cell)} reads otherwise now"
            cell.source = cell.source.replace(right, wrong)
    return notebook


def attacked(course: Path, attack: Attack, places: dict[str, str]) -> NotebookNode:
    """What is wrong by a little, with code that tries to win the points back."""
    notebook = wrong_by_a_little(course)
    if attack.kind == "notebook":
        attack.function(notebook)
    if attack.kind in ("cell", "around"):
        known = "".join(f"{name} = {place!r}\n" for name, place in places.items())
        first = next(i for i, cell in enumerate(notebook.cells) if id_of(cell) == "task_1")
        notebook.cells.insert(first, new_code_cell(known + attack.code))
    if attack.kind == "around":
        for cell in notebook.cells:
            if id_of(cell) in (attack.only or SLIPS):
                cell.source += f"\n{id_of(cell)} = {attack.name}({id_of(cell)})\n"
    return notebook


def hand_in(course: Path, student: str, notebook: NotebookNode) -> Path:
    """Write the notebook where nbgrader collects it to; the folder."""
    folder = course / "submitted" / student / NAME
    folder.mkdir(parents=True)
    (folder / NOTEBOOK).write_text(
        json.dumps(notebook, indent=1)
    )  # as it is: nbformat would put things right
    return folder


def hand_in_attack(course: Path, attack: Attack, places: dict[str, str]) -> Path:
    """Hand an attack in, under its own name."""
    folder = hand_in(course, attack.name, attacked(course, attack, places))
    if attack.kind == "folder":
        attack.function(folder)
    return folder


__all__ = ["ATTACKS", "attacked", "hand_in", "hand_in_attack", "honest", "wrong_by_a_little"]
