"""Extra points: what an optional task adds to an assignment whose full marks are reached without it.

nbgrader sums the points of the cells it grades into an assignment's maximum. Points beyond it are *extra
credit*: a number beside a cell's score, added to it, which a teacher may type into the formgrader. Here the
check of an optional task says that number. Its cell has 0 points, so that the maximum does not know it and
*Validate* never asks for it, and its value reads ``3.0 extra points``, which is no mark to nbgrader.

nbgrader_config.py names :class:`SaveExtraPoints` in ``c.Autograde.autograde_preprocessors``, after
nbgrader's `SaveAutoGrades`.
"""

from __future__ import annotations

import re

from nbconvert.exporters.exporter import ResourcesDict
from nbformat import NotebookNode
from nbgrader.api import Gradebook
from nbgrader.preprocessors import NbGraderPreprocessor

from mbrl_teach.grading.check_cells import is_check, read_check

VALUE = re.compile(r"(\d+(?:\.\d+)?) extra points")


class SaveExtraPoints(NbGraderPreprocessor):
    """Saves the points of optional tasks as extra credit, again at each grading."""

    def preprocess(self, nb: NotebookNode, resources: ResourcesDict) -> tuple[NotebookNode, ResourcesDict]:
        """Look at each check of an optional task in `nb`; the notebook stays as it is."""
        ours = resources["nbgrader"]
        whose = ours["notebook"], ours["assignment"], ours["student"]
        points = {cell.metadata.nbgrader.grade_id: extra_points(cell) for cell in nb.cells if is_check(cell)}
        with Gradebook(ours["db_url"]) as gradebook:
            for grade_id, extra in points.items():
                if extra is not None:
                    gradebook.find_grade(grade_id, *whose).extra_credit = extra
            gradebook.db.commit()
        return nb, resources


def extra_points(cell: NotebookNode) -> float | None:
    """The extra points that a check's value says, at most its task's; None for no optional task."""
    try:
        task, _ = read_check(cell.source)
    except ValueError:
        return None
    if not task.extra:
        return None
    values = [output.data.get("text/plain", "") for output in cell.outputs if "data" in output]
    said = [float(match[1]) for match in map(VALUE.fullmatch, values) if match]
    return min(said[-1], task.points) if said else 0.0
