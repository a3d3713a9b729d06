"""The rooms of the course that are not there while students' code is graded: they hold the answers."""

from __future__ import annotations

import importlib.abc
import sys

MASKED = ("control", "planning", "agents", "models", "grading")


class Masked(importlib.abc.MetaPathFinder):
    """Says why the reference cannot be imported."""

    def find_spec(self, name, path=None, target=None):
        """Refuse the masked rooms; leave everything else to the finders that follow."""
        if name.startswith("mbrl_teach.") and name.split(".")[1] in MASKED:
            text = f"{name} is not there when your notebook is graded: write what it does yourself"
            raise ModuleNotFoundError(text, name=name)


def refuse_masked() -> None:
    """From now on an import of a masked room fails, and says so."""
    sys.meta_path.insert(0, Masked())
