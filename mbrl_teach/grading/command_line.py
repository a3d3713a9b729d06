"""The grader's command line: ``python -m mbrl_teach.grading 01_lqr``."""

from __future__ import annotations

import argparse
import os
import sys
from pathlib import Path

from mbrl_teach.grading.class_table import class_table
from mbrl_teach.grading.cluster import NoCluster
from mbrl_teach.grading.course import Course, database_url
from mbrl_teach.grading.grade import grade_class
from mbrl_teach.grading.gradebook import NoGradebook
from mbrl_teach.grading.sandbox import NoSandbox, bubblewrap

UNSAFE = """\
WARNING: no sandbox. Students' code runs as you, with your files and your network: it can read other
submissions and the solutions, change the gradebook, and send what it finds anywhere."""


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(
        prog="python -m mbrl_teach.grading",
        description="Grade every submission of an assignment in a sandbox; again only what has changed.",
    )
    made.add_argument("assignment", metavar="ASSIGNMENT", help="a folder of solutions/, as 01_lqr")
    made.add_argument(
        "--course", default=".", metavar="DIR", help="where nbgrader_config.py is (default: here)"
    )
    made.add_argument("--jobs", type=int, metavar="N", help="workers (default: one a core)")
    made.add_argument("--force", action="store_true", help="grade also what has not changed")
    made.add_argument("--no-sandbox", action="store_true", help="run students' code without bubblewrap")
    made.add_argument("--scheduler", metavar="ADDRESS", help="a Dask scheduler, as tcp://host:8786")
    made.add_argument("--db", metavar="URL", help="nbgrader's database, as postgresql://user@host/grades")
    return made


def main(arguments: list[str] | None = None) -> int:
    """Grade, print the table; 0 if every submission was graded as it was handed in, else 1."""
    options = parser().parse_args(arguments)
    course = _course(options)
    try:
        if not course.isolated:
            print(UNSAFE, file=sys.stderr)
        elif options.scheduler is None:
            bubblewrap()
        outcomes = grade_class(course, jobs=options.jobs, force=options.force, scheduler=options.scheduler)
    except (FileNotFoundError, NoSandbox, NoGradebook, NoCluster) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted: what is graded stays, the next run goes on from there", file=sys.stderr)
        return 130
    print(class_table(course, outcomes))
    return int(any(outcome.failed for outcome in outcomes))


def _course(options: argparse.Namespace) -> Course:
    """The course that the command line means; ends with what is wrong with it."""
    if options.jobs is not None and options.jobs < 1:
        parser().error(f"--jobs must be at least 1; got {options.jobs}")
    folder = Path(options.course).resolve()
    if not (folder / "nbgrader_config.py").is_file():
        parser().error(f"there is no nbgrader_config.py in {folder}")
    try:
        database = options.db and database_url(options.db, os.getcwd())
    except ValueError as error:
        parser().error(f"--db: {error}")
    return Course(str(folder), options.assignment, database, isolated=not options.no_sandbox)
