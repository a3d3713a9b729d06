"""What students get: ``python -m mbrl_teach.grading.student_bundle`` writes dist/mbrl_teach-students.zip.

Lectures, exercises, the library and the checks, without solutions/, tests, and what only an instructor needs.
Of the room `grading` it holds what the checks import, and no more: they run in practice as they do here. The
same course makes the same zip, byte for byte.
"""

from __future__ import annotations

import argparse
import ast
import re
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

FOLDER = "mbrl_teach-course"  # of the zip
ROOMS = ("problems", "models", "control", "planning", "agents", "figures")
PAGES = ("LICENSE", "CHANGELOG.md", "docs/students.md", "docs/lecture.png")
SETTINGS = ("pyproject.toml", "requirements.lock", "environment.yml")
SOLVED = ("### BEGIN SOLUTION", "### BEGIN HIDDEN TESTS", "=== BEGIN MARK SCHEME ===")
CUT = "# For authors and instructors"  # where a student's Makefile ends

START = """\
## Two ways to start

You need Python 3.11 or newer. With `make`, everything is installed into `.venv`, nowhere else:

    make              # sets up .venv and opens JupyterLab on the first lecture

On Windows, or without `make`:

    python -m pip install --editable ".[course]"
    python -m jupyter lab lectures

How to read a lecture, do an assignment and read a check: [docs/students.md](docs/students.md).
"""


def bundle(course: Path) -> dict[str, bytes]:
    """The bundle's files by path, in order. Raises ValueError if an exercise holds a solution."""
    files = {path: (course / path).read_bytes() for path in (*PAGES, *SETTINGS)}
    files |= {path: (course / path).read_bytes() for path in sorted(_package(course))}
    for room in ("lectures", "exercises"):
        for path in sorted((course / room).rglob("*")):
            inside = path.relative_to(course)
            if path.is_file() and not any(part.startswith(".") for part in inside.parts):
                files[inside.as_posix()] = _unsolved(path)
    files["README.md"] = _readme((course / "README.md").read_text(encoding="utf-8")).encode()
    files["Makefile"] = _makefile((course / "Makefile").read_text(encoding="utf-8")).encode()
    return dict(sorted(files.items()))


def write(files: dict[str, bytes], target: Path) -> None:
    """Write the zip: neither times nor rights of this machine are in it."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path, content in files.items():
            entry = zipfile.ZipInfo(f"{FOLDER}/{path}", date_time=(1980, 1, 1, 0, 0, 0))
            entry.create_system, entry.external_attr = 3, 0o100644 << 16
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, content)


def _package(course: Path) -> set[str]:
    """The library, and of `grading` the checks and what they import."""
    package = course / "mbrl_teach"
    found = {path.relative_to(course).as_posix() for path in package.glob("*.py")}
    for room in ROOMS:
        found |= {path.relative_to(course).as_posix() for path in (package / room).rglob("*.py")}
    checks = sorted((package / "grading" / "checks").glob("[!_]*.py"))
    left = [name for path in checks for name in _with_packages(f"mbrl_teach.grading.checks.{path.stem}")]
    while left:
        path = _file(course, left.pop())
        if path is None or path in found:
            continue
        found.add(path)
        left += _imports((course / path).read_text(encoding="utf-8"))
    return found


def _file(course: Path, module: str) -> str | None:
    """The file of a module of ours."""
    place = module.replace(".", "/")
    return next((p for p in (f"{place}.py", f"{place}/__init__.py") if (course / p).is_file()), None)


def _imports(source: str) -> Iterator[str]:
    """The modules of ours that a file imports, and the packages that they lie in."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:  # a name of the module, or a module of the package
                yield from _with_packages(f"{node.module}.{alias.name}")
        elif isinstance(node, ast.Import):
            for alias in node.names:
                yield from _with_packages(alias.name)


def _with_packages(module: str) -> list[str]:
    """`a.b.c` as a, a.b and a.b.c, if it is ours."""
    parts = module.split(".")
    return [".".join(parts[:n]) for n in range(1, len(parts) + 1)] if parts[0] == "mbrl_teach" else []


def _unsolved(path: Path) -> bytes:
    content = path.read_bytes()
    for mark in SOLVED:
        if path.suffix == ".ipynb" and mark.encode() in content:
            raise ValueError(f"{path} holds a solution ({mark}): `make release` makes exercises/ anew")
    return content


def _readme(text: str) -> str:
    """The course's README for students: what it is, how to start, the units, the library."""
    intro, *sections = re.split(r"^(?=## )", text, flags=re.MULTILINE)
    wanted = [part for part in sections if part.startswith(("## Units", "## The library"))]
    if len(wanted) != 2:
        raise ValueError("README.md must have the sections Units and The library")
    return "".join([intro, START, "\n", *wanted])


def _makefile(text: str) -> str:
    """The targets that set the course up and open it."""
    if CUT not in text:
        raise ValueError(f"the Makefile must have a line {CUT!r}")
    return text.split(CUT)[0].rstrip() + "\n"


def main(arguments: list[str] | None = None) -> int:
    """Write the bundle and say what it holds."""
    parser = argparse.ArgumentParser(prog="python -m mbrl_teach.grading.student_bundle", description=__doc__)
    parser.add_argument("--course", type=Path, default=Path(), help="the course's folder (default: here)")
    parser.add_argument("target", nargs="?", type=Path, default=Path("dist/mbrl_teach-students.zip"))
    options = parser.parse_args(arguments)
    try:
        files = bundle(options.course)
    except (OSError, ValueError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    write(files, options.target)
    print(f"{options.target}: {len(files)} files, {options.target.stat().st_size / 2**20:.1f} MiB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
