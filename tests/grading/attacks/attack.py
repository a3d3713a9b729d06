"""What an attack is. Each is a function whose docstring says what it tries, and which the student's notebook holds.

    @in_a_cell      its body runs in a cell above the first task
    @around         it is given each of the student's functions, and returns what takes its place
    @on_the_notebook, @on_the_folder    it changes what is handed in

Attackers know more than they should: COURSE, HOME and CANARY are the places of the course, of the instructor's
home and of a file in /tmp, and PASSWORD_FILES lie there. An attack that would hurt a machine without a sandbox
is `dangerous`: it looks first whether it is in one.
"""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable
from dataclasses import dataclass, field

GUARD = 'import os\nassert os.getpid() == 1, "there is no sandbox"\n'


@dataclass(frozen=True)
class Attack:
    """One attack. `costs`: it may lose the attacker points that the baseline has."""

    function: Callable
    kind: str
    costs: bool = False
    dangerous: bool = False
    uses: tuple[Callable, ...] = field(default=())
    only: tuple[str, ...] = ()  # of the student's functions, for `around`

    @property
    def name(self) -> str:
        """Its name, which is also the student's."""
        return self.function.__name__

    @property
    def tries(self) -> str:
        """What it tries."""
        return self.function.__doc__.splitlines()[0]

    @property
    def code(self) -> str:
        """The source that goes into the notebook's first cell."""
        parts = [GUARD] if self.dangerous else []
        parts += [_source(part) for part in (*self.uses, self.function)]
        return "\n".join([*parts, f"{self.name}()" if self.kind == "cell" else ""])


def _source(function: Callable) -> str:
    lines = textwrap.dedent(inspect.getsource(function)).splitlines()
    first = next(i for i, line in enumerate(lines) if line.startswith(("def ", "class ")))
    return "\n".join(lines[first:]) + "\n"


ATTACKS: dict[str, Attack] = {}


def _register(kind: str, **more):
    def register(function: Callable) -> Callable:
        assert function.__doc__, f"{function.__name__} does not say what it tries"
        assert function.__name__ not in ATTACKS, f"there are two of {function.__name__}"
        ATTACKS[function.__name__] = Attack(function, kind, **more)
        return function

    return register


def in_a_cell(**more):
    """The attack runs in a cell of its own."""
    return _register("cell", **more)


def around(**more):
    """The attack wraps the student's functions."""
    return _register("around", **more)


def on_the_notebook(**more):
    """The attack changes the notebook, an nbformat node."""
    return _register("notebook", **more)


def on_the_folder(**more):
    """The attack changes the submission's folder: it is given the folder, with the notebook in it."""
    return _register("folder", **more)
