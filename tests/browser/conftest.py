"""One server and one browser for the module; they are gone before any other test starts an event loop."""

import shutil

import pytest

pytest.importorskip("jupyterlab", reason="JupyterLab is not installed (the extra `course`)")
pytest.importorskip("playwright", reason="playwright is not installed (the extra `dev`)")

from tests.browser.lab import ROOT, ChromiumMissing, chromium, jupyterlab
from tests.browser.latency import LIVE_FIGURE, write_notebook


@pytest.fixture(scope="module")
def browser():
    try:
        with chromium() as browser:
            yield browser
    except ChromiumMissing as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """A copy of the lectures, with a small notebook of one live figure beside them."""
    folder = tmp_path_factory.mktemp("course")
    if (ROOT / "lectures").exists():
        shutil.copytree(ROOT / "lectures", folder, dirs_exist_ok=True)
    write_notebook(folder / "live.ipynb", LIVE_FIGURE)
    return folder


@pytest.fixture(scope="module")
def address(course, browser):
    with jupyterlab(course) as address:
        yield address
