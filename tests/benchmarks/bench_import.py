"""What `import mbrl_teach` costs beside the imports of NumPy that it cannot do without."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

from tests.benchmarks.paired import Row, compare


def _import(names: str):
    subprocess.run([sys.executable, "-c", f"import {names}"], check=True)


def rows() -> Iterator[Row]:
    for names in ("mbrl_teach", "mbrl_teach.problems.particle", "mbrl_teach.control.lqr"):
        yield compare(
            f"import {names} (whole process)",
            lambda names=names: _import(names),
            "numpy",
            lambda: _import("numpy"),
            seconds=4.0,
            target="< numpy + 50 ms" if names == "mbrl_teach" else "",
        )
