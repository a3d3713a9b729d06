"""A course of one assignment, ready to be graded."""

import pytest

from mbrl_teach.grading.course import Course
from mbrl_teach.grading.gradebook import prepare
from tests.grading import small_class


@pytest.fixture(scope="session")
def prepared_course(tmp_path_factory):
    """The released course, its gradebook made ready; nobody has handed in. To be copied."""
    course = small_class.make_course(tmp_path_factory.mktemp("prepared") / "course")
    prepare(Course(str(course), small_class.ASSIGNMENT))
    return course
