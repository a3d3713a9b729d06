"""Attacks by text that bites who reads it, and by files beside the notebook."""

# ruff: noqa: F821 (attackers write as they like)

import json
import os

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell

from tests.grading.attacks.attack import in_a_cell, on_the_folder, on_the_notebook
from tests.grading.attacks.cells import cell_of, checks_of

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
    cell.attachments["y.png"] = {"image/png": "x\" onerror=\"document.title='BITTEN'"}
    raw = new_markdown_cell("<script>BITTEN</script>")
    raw.cell_type = "raw"
    raw.metadata = {"format": "text/html"}
    notebook.cells += [cell, raw]


@on_the_notebook()
def scripts_instead_of_pictures(notebook):
    """Text cells name pictures that are not there, at which the making of a page for the teacher stops."""
    for name in (
        ":gone.png",
        "\\:gone.png",
        ":here.png%20x",
        ":here.png\\ x",
        ":here.png",
        ": here.png",
        ":",
    ):
        for text in (
            f"![x](attachment{name})",
            f"![x](<attachment{name}>)",
            f"![x]\n\n[x]: attachment{name}",
        ):
            cell = new_markdown_cell(text)
            cell.attachments = {"here.png": {"image/png": "iVBORw0KGgo="}, "": {}, "x": {"image/png": 5}}
            notebook.cells.append(cell)
    cell_of(notebook, "answer").source = "![x](attachment:gone.png)"


@in_a_cell()
def scripts_in_outputs():
    """Outputs are HTML, JavaScript, SVG, widgets and pictures that are none."""
    from IPython.display import HTML, Javascript, Latex, Markdown, display

    script = "<script>document.title='BITTEN'</script>"
    for shown in (
        HTML(script),
        Javascript("BITTEN"),
        Markdown(script),
        Latex("$\\href{javascript:BITTEN}{x}$"),
    ):
        display(shown)
    display({"image/png": f'x" onerror="{script}', "image/svg+xml": f"<svg>{script}</svg>"}, raw=True)
    display({"text/html": script, "application/javascript": "BITTEN", "text/plain": script}, raw=True)
    display(
        {"application/vnd.jupyter.widget-view+json": {"model_id": "BITTEN"}, "text/latex": script}, raw=True
    )
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
    for name in (
        "numpy",
        "msgpack",
        "sitecustomize",
        "usercustomize",
        "json",
        "IPython",
        "conftest",
        "mbrl_teach",
    ):
        (folder / f"{name}.py").write_text(f"print('SECRET: {name} was imported')\nraise SystemExit\n")
    for package in ("scipy", "numpy", "mbrl_teach/grading/checks", "mbrl_teach/grading"):
        (folder / package).mkdir(parents=True, exist_ok=True)
        (folder / package / "__init__.py").write_text(
            "print('SECRET: a folder was imported')\nraise SystemExit\n"
        )
    (folder / "mbrl_teach" / "grading" / "checks" / "lqr.py").write_text("gain = lambda function: 3.0\n")
    (folder / "evil.pth").write_text("import os; os._exit(0)\n")


@on_the_folder()
def settings_beside(folder):
    """Files beside the notebook are called like settings of nbgrader, Jupyter, IPython, matplotlib and Python."""
    evil = f"open({str(folder.parents[2] / 'touched')!r}, 'w')\n"
    for name in (
        "nbgrader_config.py",
        "jupyter_config.py",
        "jupyter_nbconvert_config.py",
        "ipython_config.py",
    ):
        (folder / name).write_text(evil)
    (folder / "matplotlibrc").write_text("backend: module://evil\n")
    (folder / "gradebook.db").write_bytes(b"SQLite format 3\0")
    (folder / "lqr.json").write_text(json.dumps({"mark": "", "outcome": {"points": {"check_gain": 3}}}))
    (folder / ".grading").mkdir()
    (folder / "feedback.html").write_text("<script>BITTEN</script>")


@on_the_folder()
def links_beside(folder):
    """Links lead to secrets, to the course, to devices, upwards and to themselves."""
    targets = {
        "passwd": "/etc/passwd",
        "up": "..",
        "course": folder.parents[2],
        "zero": "/dev/zero",
        "self": "self",
    }
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
