"""LiveFigure where it lives: in JupyterLab, under a reader's keys."""

import pytest

from tests.browser.lab import LabNotebook, LiveCell
from tests.browser.latency import time_moves


@pytest.fixture(scope="module")
def notebook(browser, address):
    with LabNotebook(browser, address.format("live.ipynb")) as notebook:
        yield notebook


@pytest.fixture
def live(notebook):
    """The live figure of the small notebook, freshly made by running its cell again."""
    notebook.page.set_viewport_size({"width": 1280, "height": 1000})
    notebook.run_all()
    return LiveCell(notebook, 0)


def test_a_key_on_a_slider_changes_the_picture_and_the_key_back_restores_it(live):
    there, back = live.steps()
    first = live.pixels()
    live.press(there)
    live.wait_for_other_pixels(first)
    moved = live.pixels()
    live.press(back)
    live.wait_for_other_pixels(moved)
    assert live.pixels() == first


def test_the_picture_answers_a_key_soon(live, record_property):
    latency = time_moves(live, moves=20)
    print(latency)
    record_property("slider latency", str(latency))
    assert latency.median < 1000


def test_an_impossible_value_is_explained_below_the_picture_which_stays(live):
    first = live.pixels()
    live.press("Home", slider=1)
    message = live.element.wait_for_selector("[role=alert]")
    assert message.inner_text() == "a negative damping makes the <particle> run away"
    assert live.pixels() == first
    live.press("End", slider=1)
    live.wait_for_other_pixels(first)
    assert live.element.query_selector("[role=alert]") is None


def test_the_description_is_on_the_page_for_a_screen_reader_only(live):
    description = live.element.query_selector(".jp-OutputArea >> text=a particle that is pulled home")
    box = description.bounding_box()
    assert box["width"] <= 1
    assert box["height"] <= 1


def test_every_slider_shows_its_label_in_full(live):
    labels = live.element.query_selector_all(".widget-slider .widget-label")
    assert [label.inner_text() for label in labels] == ["stiffness [N/m]", "damping [N s/m]"]
    assert all(label.evaluate("label => label.scrollWidth <= label.clientWidth") for label in labels)


def test_a_narrow_window_scales_the_picture_without_distorting_it(live):
    wide = live.picture.bounding_box()
    live.page.set_viewport_size({"width": 700, "height": 1000})
    shrunk = "([picture, width]) => picture.clientWidth < width"
    live.page.wait_for_function(shrunk, arg=[live.picture, wide["width"]])
    narrow = live.picture.bounding_box()
    assert narrow["width"] / narrow["height"] == pytest.approx(wide["width"] / wide["height"], rel=0.02)
