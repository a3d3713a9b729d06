"""What the pages and notebooks point to is there."""

import re
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
NOTEBOOKS = sorted([*ROOT.glob("lectures/*.ipynb"), *ROOT.glob("exercises/*/*.ipynb")])
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)[^)]*\)")
FOLDERS = r"(?:lectures|solutions|exercises|mbrl_teach|tests|docs)"


def name(path):
    return path.relative_to(ROOT).as_posix()


def local(links):
    return [link for link in links if "://" not in link and not link.startswith(("mailto:", "attachment:"))]


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_link_of_a_page_leads_somewhere(page):
    missing = [link for link in local(LINK.findall(page.read_text())) if not (page.parent / link).exists()]
    assert missing == []


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_every_file_that_a_page_names_exists(page):
    """In backticks, from the top of the repository; NN and STUDENT stand for something."""
    named = re.findall(rf"`({FOLDERS}/[\w./]+\.\w+)`", page.read_text())
    assert [
        path for path in named if "NN" not in path and "name" not in path and not (ROOT / path).exists()
    ] == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name)
def test_every_link_of_a_notebook_leads_somewhere(path):
    cells = nbformat.read(path, as_version=4).cells
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    assert [link for link in local(LINK.findall(text)) if not (path.parent / link).exists()] == []


@pytest.mark.parametrize("path", NOTEBOOKS, ids=name)
def test_every_link_to_a_cell_of_a_notebook_finds_it(path):
    """JupyterLab finds a cell by its id at once; a heading only after it has been drawn."""
    cells = nbformat.read(path, as_version=4).cells
    text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    for other, fragment in re.findall(r"\]\(([^)#\s]+\.ipynb)#([^)]+)\)", text):
        found = nbformat.read(path.parent / other, as_version=4).cells
        assert fragment.removeprefix("cell-id=") in [cell.id for cell in found], f"{other}#{fragment}"


@pytest.mark.parametrize("folder", ["lectures", "exercises"])
def test_readme_lists_every_notebook(folder):
    readme = (ROOT / "README.md").read_text()
    assert [name(p) for p in NOTEBOOKS if name(p).startswith(folder) and f"({name(p)})" not in readme] == []
