"""nbgrader for tests: on a copy of the course, away from the home and the exchange of whoever runs them."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

COURSE = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def nbgrader(tmp_path_factory):
    """Call `nbgrader("autograde", "01_lqr", cwd=folder)`: what it printed; the folder is also its home.

    PATH is the system's alone, as if the environment had not been activated.
    """
    exchange = tmp_path_factory.mktemp("exchange")
    exchange.chmod(0o777)
    fonts = tmp_path_factory.mktemp("matplotlib")
    ours = {name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "XDG_"))}

    def run(*arguments, cwd):
        home = {"HOME": str(cwd), "USERPROFILE": str(cwd), "MPLCONFIGDIR": str(fonts), "PATH": os.defpath}
        done = subprocess.run(
            [sys.executable, "-m", "nbgrader", *arguments, f"--Exchange.root={exchange}"],
            cwd=cwd,
            env=ours | home,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            timeout=300,
        )
        assert done.returncode == 0, f"nbgrader {' '.join(arguments)}:\n{done.stdout}"
        return done.stdout

    return run


@pytest.fixture(scope="session")
def generated_course(tmp_path_factory, nbgrader):
    """A copy of the course whose exercises/ nbgrader has made anew, with a gradebook that knows them."""
    course = tmp_path_factory.mktemp("course")
    shutil.copy(COURSE / "nbgrader_config.py", course)
    shutil.copytree(COURSE / "solutions", course / "solutions")
    for assignment in sorted(course.glob("solutions/*")):
        nbgrader("generate_assignment", assignment.name, "--force", cwd=course)
    return course
