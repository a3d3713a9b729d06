"""The settings of nbgrader hold for the folder they stand in, wherever nbgrader is called from."""

import shutil
from pathlib import Path

import pytest
from traitlets.config.loader import PyFileConfigLoader

COURSE = Path(__file__).parents[2]


@pytest.fixture
def settings(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "before")  # the settings put nbgrader's own scripts in front
    shutil.copy(COURSE / "nbgrader_config.py", tmp_path)
    return PyFileConfigLoader("nbgrader_config.py", path=str(tmp_path)).load_config()


def test_a_copied_course_is_a_course_of_its_own(settings, tmp_path):
    assert settings.CourseDirectory.root == str(tmp_path)
    assert "db_url" not in settings.CourseDirectory, "the gradebook stands in the root"


def test_the_exchange_is_left_to_the_machine(settings):
    assert "Exchange" not in settings
