"""A course as the grader sees it: where it is, its settings, its database, and which edition of it grades."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError
from traitlets.config import Config, PyFileConfigLoader

from mbrl_teach.grading.hand_in import MOST_BYTES

PACKAGE = Path(__file__).resolve().parents[1]
POSTGRESQL = ("postgres", "postgresql")  # without a driver's name
LOCK_SECONDS = 60  # how long a worker waits for another to be done with an SQLite file


@dataclass(frozen=True)
class Course:
    """Where a course is, and how it is graded. Picklable: it goes to every worker."""

    folder: str
    assignment: str
    database: str | None = None  # see `database_url`; None is what nbgrader_config.py says
    isolated: bool = True

    def config(self) -> Config:
        """The course's nbgrader_config.py, with what the command line says on top."""
        config = PyFileConfigLoader("nbgrader_config.py", path=self.folder).load_config()
        config.CourseDirectory.root = self.folder
        config.Examine.isolated = self.isolated
        ours = config.CourseDirectory
        url = self.database or ours.get("db_url") or f"sqlite:///{self.folder}/gradebook.db"
        ours.db_url = database_url(url, self.folder)
        return config


def database_url(text: str, folder: str) -> str:
    """The SQLAlchemy URL of a gradebook, as nbgrader takes it; ValueError if `text` is none.

    ``postgresql://user:password@host/name`` and ``postgres://…`` are spoken to by psycopg; what they leave
    out (password, host, port) libpq finds as it does for psql, in ~/.pgpass and PGHOST for example. A
    relative ``sqlite:///grades.db`` starts from `folder`.
    """
    try:
        url = make_url(text)
    except ArgumentError:
        raise ValueError(
            f"a database is named by a URL such as postgresql://user@host/grades or sqlite:///grades.db; "
            f"got {text!r}"
        ) from None
    if url.drivername in POSTGRESQL:
        url = url.set(drivername="postgresql+psycopg")
    if url.get_backend_name() == "sqlite":
        if not url.database or url.database == ":memory:":
            raise ValueError(f"workers share the gradebook: {text!r} names no file")
        url = url.set(database=os.path.join(folder, url.database))
        url = url.update_query_dict({"timeout": url.query.get("timeout", str(LOCK_SECONDS))})
    return url.render_as_string(hide_password=False)


def edition(course: Course) -> str:
    """A fingerprint of all that grades depend on but submissions: assignment, code, settings, database."""
    return _edition(course, fingerprint(PACKAGE, PACKAGE.rglob("*.py")))


def loaded_edition(course: Course) -> str:
    """The same with the code that this process has loaded, which may be older than its files."""
    return _edition(course, _LOADED)


def _edition(course: Course, code: str) -> str:
    folder = Path(course.folder)
    files = [folder / "nbgrader_config.py"]
    for room in ("exercises", "solutions"):
        files += (folder / room / course.assignment).rglob("*")
    return fingerprint(folder, files, f"{code} {course.isolated} {course.database}")


def fingerprint(folder: Path, paths: Iterable[Path], more: str = "") -> str:
    """A digest of the names, below `folder`, and the contents of files; links are not followed."""
    digest = hashlib.sha256(more.encode())
    for path in sorted(paths):
        digest.update(f"\0{path.relative_to(folder)}\0".encode(errors="surrogateescape"))
        if path.is_symlink():
            digest.update(os.readlink(path).encode(errors="surrogateescape"))
        elif path.is_file() and path.stat().st_size > MOST_BYTES:  # not read when grading, either
            digest.update(f"{path.stat().st_size} {path.stat().st_mtime_ns}".encode())
        elif path.is_file():
            digest.update(path.read_bytes())
    return digest.hexdigest()


_LOADED = fingerprint(PACKAGE, PACKAGE.rglob("*.py"))
