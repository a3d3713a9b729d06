"""Attacks by test cells and metadata that are not what was released."""

import copy

from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from tests.grading.attacks.attack import on_the_notebook
from tests.grading.attacks.cells import cell_of, checks_of

# Test cells ------------------------------------------------------------------------------------------


@on_the_notebook()
def edited_tests(notebook):
    """Each test says its full points."""
    for cell in checks_of(notebook):
        cell.source = str(float(cell.metadata.nbgrader.points))


@on_the_notebook()
def tests_of_other_functions(notebook):
    """Each test is given a function of the course's own, or code beside it."""
    for cell in checks_of(notebook):
        cell.source = cell.source.replace("(", "(__import__('mbrl_teach.grading.references.lqr').") + "\n8.0"


@on_the_notebook()
def deleted_tests(notebook):
    """The tests that would fail are deleted."""
    for cell in checks_of(notebook):
        notebook.cells.remove(cell)


@on_the_notebook()
def duplicated_tests(notebook):
    """Each test is there twice, and says its points the second time."""
    for cell in checks_of(notebook):
        twin = copy.deepcopy(cell)
        twin.source = "8.0"
        notebook.cells.append(twin)


@on_the_notebook()
def duplicated_answers(notebook):
    """Each answer is there twice, with the same name and id."""
    for cell in [cell for cell in notebook.cells if cell.metadata.get("nbgrader", {}).get("solution")]:
        notebook.cells.insert(0, copy.deepcopy(cell))


@on_the_notebook(costs=True)
def reordered_cells(notebook):
    """The cells stand in reverse order: tests come before the code that they test."""
    notebook.cells.reverse()


@on_the_notebook()
def forged_outputs_in_the_file(notebook):
    """The file holds outputs that say full marks."""
    for cell in notebook.cells:
        if cell.cell_type == "code":
            cell.outputs = [new_output("execute_result", {"text/plain": "8.0"}, execution_count=1)]
            cell.execution_count = 1


# Metadata --------------------------------------------------------------------------------------------


@on_the_notebook()
def more_points(notebook):
    """Each test is worth a thousand points."""
    for cell in checks_of(notebook):
        cell.metadata.nbgrader.points = 1000


@on_the_notebook()
def odd_points(notebook):
    """Tests are worth negative, infinite and no points, and texts."""
    for cell, points in zip(checks_of(notebook), (-5, 1e308, None, "8", [], True), strict=True):
        cell.metadata.nbgrader.points = points


@on_the_notebook(costs=True)
def exchanged_names(notebook):
    """The names of two tests, and of two answers, are exchanged."""
    for first, second in (("check_gain", "check_backward_pass"), ("gain", "backward_pass")):
        one, other = cell_of(notebook, first), cell_of(notebook, second)
        one.metadata.nbgrader.grade_id, other.metadata.nbgrader.grade_id = second, first


@on_the_notebook()
def renamed_tests(notebook):
    """The tests have other names."""
    for i, cell in enumerate(checks_of(notebook)):
        cell.metadata.nbgrader.grade_id = f"mine_{i}"


@on_the_notebook()
def tests_as_answers(notebook):
    """Test cells are said to be cells for answers, unlocked, that a human grades."""
    for cell in checks_of(notebook):
        cell.metadata.nbgrader |= {"solution": True, "locked": False, "grade": True}
        cell.source = "8.0"


@on_the_notebook()
def tests_as_play(notebook):
    """Test cells are tagged as play, which is not run, and hold outputs."""
    for cell in checks_of(notebook):
        cell.metadata.tags = ["play"]
        cell.outputs = [new_output("execute_result", {"text/plain": "8.0"}, execution_count=1)]


@on_the_notebook()
def tests_as_text(notebook):
    """Test cells are text."""
    for cell in checks_of(notebook):
        index = notebook.cells.index(cell)
        notebook.cells[index] = new_markdown_cell("8.0", metadata=copy.deepcopy(cell.metadata))


@on_the_notebook()
def tests_of_ones_own(notebook):
    """Cells of the student's own are tests: by metadata, with points and extra points."""
    for i in range(5):
        about = {"grade": True, "grade_id": f"bonus_{i}", "locked": True, "points": 100, "schema_version": 3}
        about |= {"solution": i % 2 == 1, "task": i == 4}
        cell = new_code_cell("100.0", metadata={"nbgrader": about})
        cell.outputs = [new_output("execute_result", {"text/plain": "100.0 extra points"}, execution_count=1)]
        notebook.cells.append(cell)


@on_the_notebook()
def answers_that_call_tests(notebook):
    """Cells of the student's own call the checks, or look like the locked cells that are not run."""
    about = {
        "grade": False,
        "grade_id": "import_checks_2",
        "locked": True,
        "schema_version": 3,
        "solution": False,
    }
    for source in ("checks.lqr.gain(lambda *a: None)", "from mbrl_teach.grading import checks", "28.0"):
        notebook.cells.append(new_code_cell(source, metadata={"nbgrader": about, "tags": ["play"]}))


@on_the_notebook()
def all_metadata_gone(notebook):
    """No cell says what it is."""
    for cell in notebook.cells:
        cell.metadata = {}


@on_the_notebook()
def odd_metadata(notebook):
    """Metadata are of wrong types, of other versions, and huge."""
    odd = [
        {"nbgrader": 5},
        {"nbgrader": []},
        {"nbgrader": {"grade_id": 5}},
        {"nbgrader": {"grade_id": ["gain"]}},
    ]
    odd += [{"nbgrader": {"schema_version": 99, "grade_id": ""}}, {"tags": 7}, {"x": "y" * 10**5}]
    for cell in checks_of(notebook):
        cell.metadata.nbgrader.schema_version = 1
    for metadata in odd:
        cell = new_code_cell("1")
        dict.__setitem__(cell, "metadata", metadata)
        notebook.cells.append(cell)


@on_the_notebook()
def another_kernel(notebook):
    """The notebook names a kernel and a language of its own, with a command to start it."""
    notebook.metadata = {
        "kernelspec": {
            "name": "evil",
            "display_name": "evil",
            "language": "bash",
            "argv": ["touch", "/tmp/evil"],
        },
        "language_info": {"name": "bash", "pygments_lexer": "../../evil", "nbconvert_exporter": "evil"},
        "nbgrader": {"points": 100, "score": 100},
        "celltoolbar": "Create Assignment",
    }


@on_the_notebook()
def a_thousand_cells(notebook):
    """Thousands of cells, each of which shows something."""
    notebook.cells += [new_code_cell("print('x' * 10_000)") for _ in range(3000)]
