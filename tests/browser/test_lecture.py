"""Every lecture in a real JupyterLab: it runs, and its figures answer the keyboard."""

import pytest

from tests.browser.lab import ROOT, LabNotebook, LiveCell
from tests.browser.latency import time_moves

LECTURES = sorted(path.name for path in (ROOT / "lectures").glob("*.ipynb"))
WIDGET = "application/vnd.jupyter.widget-view+json"


@pytest.fixture(scope="module", params=LECTURES)
def lecture(request, browser, address):
    """A lecture that is open and has run, and its cells as they then stand."""
    with LabNotebook(browser, address.format(request.param)) as notebook:
        yield notebook, notebook.run_all()


def test_a_lecture_runs_without_an_error(lecture):
    _, cells = lecture
    code = [cell for cell in cells if cell["cell_type"] == "code" and cell["source"]]
    outputs = [output for cell in code for output in cell["outputs"]]
    assert [output["evalue"] for output in outputs if output["output_type"] == "error"] == []
    assert all(cell["execution_count"] for cell in code)


def test_every_live_figure_of_a_lecture_answers_a_key(lecture, record_property):
    notebook, cells = lecture
    shows_widget = [any(WIDGET in o.get("data", {}) for o in cell.get("outputs", [])) for cell in cells]
    for index in (index for index, shown in enumerate(shows_widget) if shown):
        cell = LiveCell(notebook, index)
        if not cell.sliders:  # buttons and menus alone
            continue
        first = cell.pixels()
        cell.press(cell.steps()[0])
        cell.wait_for_other_pixels(first)

        latency = time_moves(cell, moves=15)
        print(f"cell {index}: {latency}")
        record_property(f"cell {index}", str(latency))
        assert latency.median < 1000
