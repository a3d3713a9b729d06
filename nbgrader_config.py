"""nbgrader's settings for this course. All paths start from the folder of this file: a copied course works.

solutions/ is the one source of an assignment; exercises/ is what `nbgrader generate_assignment` makes of it.
The exchange belongs to the machine, not to the course: set ``c.Exchange.root`` in a nbgrader_config.py of
your own, in one of the folders that `jupyter --paths` lists under config.
"""

import os
import sysconfig

import nbgrader

from mbrl_teach.grading.pages.formulas import TEMPLATES

c = get_config()  # noqa: F821 (traitlets puts it into this file's namespace)

# On its first use of a gradebook nbgrader runs `alembic` from PATH, and leaves half a database behind where
# it finds none: the scripts of nbgrader's own environment come first, activated or not.
os.environ["PATH"] = sysconfig.get_path("scripts") + os.pathsep + os.environ.get("PATH", os.defpath)

c.CourseDirectory.course_id = "mbrl_teach"
c.CourseDirectory.root = os.path.dirname(os.path.abspath(__file__))
c.CourseDirectory.source_directory = "solutions"
c.CourseDirectory.release_directory = "exercises"

# The stub ends in the `raise NotImplementedError("what to compute")` that stands below the solution's region.
c.ClearSolutions.code_stub = {"python": "# YOUR CODE HERE"}
c.ClearSolutions.text_stub = "*Your answer here.*"

# A test cell that a student has deleted comes back, or its mark would wait for a human for ever.
c.OverwriteCells.add_missing_cells = True

c.Execute.timeout = 30  # seconds a cell

# nbgrader's own list, with two changes: a submission's kernel knows whose work it runs, and the points of
# optional tasks are saved as what nbgrader calls extra credit.
c.Autograde.autograde_preprocessors = [
    "mbrl_teach.grading.examiner.Examine",  # in place of Execute
    "nbgrader.preprocessors.IgnorePattern",
    "nbconvert.preprocessors.ClearMetadataPreprocessor",
    "nbgrader.preprocessors.LimitOutput",
    "nbgrader.preprocessors.SaveAutoGrades",
    "mbrl_teach.grading.extra_points.SaveExtraPoints",
    "nbgrader.preprocessors.AssignLatePenalties",
    "nbgrader.preprocessors.CheckCellMetadata",
]

# Feedback and formgrader's pages: what students write does nothing in the reader's browser, and formulas are
# set without the network. nbgrader's templates ask for a file mathjax.html.j2, and find ours first.
c.HTMLExporter.extra_template_basedirs = [
    TEMPLATES,
    os.path.join(os.path.dirname(nbgrader.__file__), "server_extensions", "formgrader", "templates"),
]
c.HTMLExporter.filters = {
    "markdown2html": "mbrl_teach.grading.pages.safe_markdown.safe_markdown",
    "formulas": "mbrl_teach.grading.pages.formulas.formulas",
}
c.HTMLExporter.sanitize_html = True
