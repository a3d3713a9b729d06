"""The sandbox is the same wherever the course lies."""

import ast
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from mbrl_teach.grading.sandbox import PACKAGE

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="grading runs on Linux")

LOOK = """
from mbrl_teach.grading.sandbox import Sandbox
with Sandbox() as sandbox:
    kernel = sandbox.open()
    print(kernel.run('''
import os
from importlib import import_module
import mbrl_teach.problems as problems
import scipy.datasets  # not yet imported
def tried(what, *arguments):
    try:
        return what(*arguments)
    except (OSError, ImportError) as error:
        return type(error).__name__
place = os.path.dirname(os.path.dirname(problems.__file__))
print({
    "problems": "__init__.py" in os.listdir(os.path.join(place, "problems")),
    "control": os.listdir(os.path.join(place, "control")),
    "import": tried(import_module, "mbrl_teach.control.lqr"),
    "write": tried(open, os.path.join(place, "problems", "new"), "w"),
    "beside": os.listdir(os.path.dirname(place)),
    "tmp": bool(tried(open, "/tmp/mine", "w").write("x")),
})''')[0]["text"])
"""


@pytest.mark.parametrize("parent", ["/tmp", "/var/tmp"])
def test_a_course_is_shown_without_its_answers_and_read_only_wherever_it_lies(parent):
    with tempfile.TemporaryDirectory(dir=parent) as place:
        Path(place).chmod(0o755)
        shutil.copytree(PACKAGE, Path(place, "mbrl_teach"))
        Path(place, "solutions").mkdir()
        done = subprocess.run(
            [sys.executable, "-c", LOOK],
            cwd=place,
            env=os.environ | {"PYTHONPATH": place},
            capture_output=True,
            text=True,
            timeout=300,
        )
    assert done.returncode == 0, done.stderr
    assert ast.literal_eval(done.stdout) == {
        "problems": True,
        "control": [],
        "import": "ModuleNotFoundError",
        "write": "OSError",
        "beside": ["mbrl_teach"],
        "tmp": True,
    }
