"""The style is readable, and stays inside its own figures."""

import itertools

import matplotlib
import matplotlib.pyplot as plt
import pytest
from matplotlib.colors import to_rgb

from mbrl_teach.figures.style import COLORS, INK, LINE_COLORS, LINE_STYLES, PAGE, subplots


def relative_luminance(color):
    """WCAG 2.2, "relative luminance"."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(color)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(first, second):
    """WCAG 2.2, "contrast ratio"."""
    darker, lighter = sorted((relative_luminance(first), relative_luminance(second)))
    return (lighter + 0.05) / (darker + 0.05)


def test_the_contrast_formula_gives_its_published_extremes():
    assert contrast("black", "white") == pytest.approx(21.0)
    assert contrast("#777777", "white") == pytest.approx(4.48, abs=0.01)


@pytest.mark.parametrize("color", LINE_COLORS)
def test_lines_stand_out_from_the_page(color):
    assert contrast(color, PAGE) >= 3.0


def test_text_is_readable_on_the_page():
    assert contrast(INK, PAGE) >= 7.0


def test_lines_that_ask_for_nothing_differ_in_colour_and_in_style():
    _, axes = subplots()
    lines = [axes.plot([0, 1])[0] for _ in LINE_COLORS]
    for one, other in itertools.combinations(lines, 2):
        assert one.get_color() != other.get_color()
        assert (one.get_linestyle(), one._dash_pattern) != (other.get_linestyle(), other._dash_pattern)
    assert len(LINE_COLORS) == len(LINE_STYLES) == len(set(LINE_STYLES))
    assert set(LINE_COLORS) <= set(COLORS.values())


def test_the_page_is_opaque_even_where_the_notebook_has_chosen_a_dark_style():
    with matplotlib.rc_context():
        plt.style.use("dark_background")
        figure, axes = subplots()
    assert figure.get_facecolor() == axes.get_facecolor() == (1.0, 1.0, 1.0, 1.0)
    assert to_rgb(axes.xaxis.label.get_color()) == to_rgb(INK)


def test_global_settings_stay_as_they_were():
    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        before = dict(matplotlib.rcParams)
        subplots(2, 2, sharex=True)
        assert dict(matplotlib.rcParams) == before


def test_axes_come_as_matplotlib_gives_them():
    assert subplots(2, 3)[1].shape == (2, 3)
    figure, axes = subplots(1, 2, size=(8, 2), dpi=50, width_ratios=[1, 3])
    assert axes.shape == (2,)
    assert tuple(figure.bbox.size) == (400, 100)


def test_pyplot_knows_nothing_of_the_figure():
    subplots()
    assert plt.get_fignums() == []
