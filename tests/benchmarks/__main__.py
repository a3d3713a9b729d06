"""`make bench`: every bench_*.py of this folder but the long ones, printed as one table of ratios.

Name modules to run only these: ``python -m tests.benchmarks lqr``.
"""

from __future__ import annotations

import importlib
import os
import sys
from pathlib import Path

# One thread: matrices of this size gain nothing from more, and the timings would depend on the machine.
for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(variable, "1")

from tabulate import tabulate  # noqa: E402 (after the thread count is set)

LONG = {"grading"}  # minutes: only if named


def main(names: list[str]) -> None:
    folder = Path(__file__).parent
    found = sorted(path.stem.removeprefix("bench_") for path in folder.glob("bench_*.py"))
    table = []
    for name in names or [name for name in found if name not in LONG]:
        if name not in found:
            sys.exit(f"no benchmark {name!r}; there are {', '.join(found)}")
        for row in importlib.import_module(f"{__package__}.bench_{name}").rows():
            print(f"  {row.work}: {row.ratio:.2f}", file=sys.stderr)
            table.append((row.work, row.ours, row.peer_name, row.peer, row.ratio, row.target))
    headers = ("work", "ours (µs)", "peer", "peer (µs)", "peer / ours", "target")
    print(tabulate(table, headers, floatfmt=("", ".1f", "", ".1f", ".2f", "")))


if __name__ == "__main__":
    main(sys.argv[1:])
