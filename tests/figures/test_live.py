"""A live figure shows what a full draw would show, says what went wrong, and leaves a picture behind."""

import io

import ipywidgets as widgets
import matplotlib.pyplot as plt
import numpy as np
import pytest
from IPython.core.formatters import DisplayFormatter
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from mbrl_teach.figures.live import LiveFigure
from mbrl_teach.figures.style import subplots

X = np.linspace(0, 1, 50)


def slider(value=1.0):
    return widgets.FloatSlider(value=value, min=-5, max=5)


def two_lines():
    figure, (left, right) = subplots(1, 2)
    lines = [left.plot(X, X, label="up"), right.plot(X, 1 - X)]
    left.legend(loc="center")
    left.set(xlabel="time [s]", ylim=(0, 1))
    right.set_ylim(0, 1)
    title = left.set_title("power 1.0")

    def update(power):
        for line in (lines[0][0], lines[1][0]):
            line.set_ydata(X**power)
        title.set_text(f"power {power:.1f}")

    return figure, update, [lines, title]


def twins():
    figure, axes = subplots()
    twin = axes.twinx()
    band = axes.fill_between(X, 0, X, color="tab:blue")
    twin.axhline(0.5, lw=8, color="black")
    dot = twin.plot([0.5], [0.5], "o", ms=20)

    def update(power):
        band.set_data(X, 0 * X, X**power)
        dot[0].set_ydata([power / 5])

    return figure, update, [band, dot]


def heat_map():
    figure, (axes, bare) = subplots(1, 2)
    image = axes.imshow(np.eye(5), vmin=-5, vmax=5)
    axes.axhline(2, color="white")
    bare.set_axis_off()
    bars = bare.bar([0, 1, 2], [1, 2, 3])
    words = figure.suptitle("1.0")

    def update(power):
        image.set_data(power * np.eye(5))
        bars[1].set_height(power)
        words.set_text(str(power))

    return figure, update, [image, bars, words]


def redrawn_contours():
    figure, axes = subplots()
    axes.set(xlim=(0, 1), ylim=(0, 1))
    grid = np.meshgrid(X, X)
    shown = [axes.contour(*grid, grid[0] + grid[1])]

    def update(power):
        shown.pop().remove()
        shown.append(axes.contour(*grid, grid[0] ** 2 + power * grid[1]))

    return figure, update, shown


FIGURES = [two_lines, twins, heat_map, redrawn_contours]


def full_draw(live):
    """The same figure as matplotlib draws it from nothing, with no artist left out."""
    moving = [artist for artist in live.figure.findobj() if artist.get_animated()]
    for artist in moving:
        artist.set_animated(False)
    canvas = FigureCanvasAgg(live.figure)
    canvas.draw()
    for artist in moving:
        artist.set_animated(True)
    return np.array(canvas.buffer_rgba())


@pytest.mark.parametrize("make", FIGURES)
def test_a_moved_figure_shows_what_a_full_draw_would(make):
    live = LiveFigure(*make(), {"power": slider()}, "a figure")
    first = live.pixels
    live.set(power=3.0)
    moved = live.pixels
    assert np.array_equal(moved, full_draw(live))
    assert not np.array_equal(moved, first)


@pytest.mark.parametrize("make", FIGURES)
def test_moving_there_and_back_restores_every_pixel(make):
    live = LiveFigure(*make(), {"power": slider()}, "a figure")
    first = live.pixels
    live.set(power=3.0)
    live.set(power=1.0)
    assert np.array_equal(live.pixels, first)


def test_only_pixels_under_the_moving_artists_change():
    figure, (left, right) = subplots(1, 2)
    (line,) = left.plot(X, X)
    right.plot(X, X)
    live = LiveFigure(figure, lambda power: line.set_ydata(X**power), line, {"power": slider()}, "a line")
    first = live.pixels
    live.set(power=4.0)
    rows, columns = np.nonzero((live.pixels != first).any(axis=-1))
    box = left.get_window_extent()
    assert box.x0 - 1 <= columns.min() <= columns.max() <= box.x1 + 1
    assert box.y0 - 1 <= len(first) - 1 - rows.max() <= len(first) - 1 - rows.min() <= box.y1 + 1


def test_the_browser_gets_the_same_pixels_without_loss():
    live = LiveFigure(*two_lines(), {"power": slider()}, "two lines")
    live.set(power=2.0)
    sent = Image.open(io.BytesIO(live.children[1].value))
    assert sent.format == "WEBP"
    assert np.array_equal(np.asarray(sent.convert("RGBA")), live.pixels)


def test_a_figure_of_pyplot_is_taken_from_it():
    figure, axes = plt.subplots()
    line = axes.plot(X, X)
    LiveFigure(figure, lambda power: None, line, {"power": slider()}, "a line")
    assert plt.get_fignums() == []


def test_saving_the_figure_does_not_disturb_it():
    live = LiveFigure(*two_lines(), {"power": slider()}, "two lines")
    first = live.pixels
    live.figure.savefig(io.BytesIO(), dpi=50)
    live.set(power=2.0)
    live.set(power=1.0)
    assert np.array_equal(live.pixels, first)


def test_a_static_rendering_gets_a_png_with_alt_text():
    live = LiveFigure(*two_lines(), {"power": slider()}, "two lines")
    data, metadata = DisplayFormatter().format(live)
    assert "application/vnd.jupyter.widget-view+json" in data
    assert data["text/plain"] == "two lines"
    assert metadata["image/png"] == {"alt": "two lines"}
    assert np.array_equal(np.asarray(Image.open(io.BytesIO(data["image/png"]))), live.pixels[..., :3])


def test_the_description_may_follow_the_controls():
    def describe(power):
        return f"a line of power {power:g}"

    live = LiveFigure(*two_lines(), {"power": slider()}, describe)
    assert live.alt == "a line of power 1"
    live.set(power=2.0)
    assert live.alt == "a line of power 2"
    assert live.alt in live.children[2].value


def test_a_move_that_is_refused_is_explained_and_the_last_picture_stays():
    figure, update, artists = two_lines()

    def careful(power):
        update(1 + abs(power))
        if power < 0:
            raise ValueError("power < 0 has no picture")

    live = LiveFigure(figure, careful, artists, {"power": slider()}, "two lines")
    first, sent = live.pixels, live.children[1].value
    live.set(power=-1.0)
    assert "power &lt; 0 has no picture" in live.message
    assert np.array_equal(live.pixels, first)
    assert live.children[1].value == sent
    live.set(power=2.0)
    assert live.message == ""
    assert not np.array_equal(live.pixels, first)


def test_a_bug_in_a_move_is_shown_and_reaches_the_log():
    def broken(power):
        if power > 1:
            raise KeyError("gain")

    figure, _, artists = two_lines()
    live = LiveFigure(figure, broken, artists, {"power": slider()}, "two lines")
    with pytest.raises(KeyError):
        live.set(power=2.0)
    assert "KeyError: &#x27;gain&#x27;" in live.message


def test_what_goes_wrong_at_first_is_shown_with_its_traceback_and_the_run_goes_on(capsys):
    figure, _, artists = two_lines()

    def returns_nothing(power):
        _K, _k = None

    live = LiveFigure(figure, returns_nothing, artists, {"power": slider()}, "two lines")
    assert "TypeError: cannot unpack" in live.message
    told = capsys.readouterr().err
    assert "_K, _k = None" in told
    assert "figures/live.py" not in told.replace("tests/figures/", "")


@pytest.mark.parametrize("artists", [["abc"], [3.0], "abc"], ids=str)
def test_refuses_artists_that_are_none(artists):
    figure, update, _ = two_lines()
    with pytest.raises(ValueError, match="artists must hold matplotlib artists; got"):
        LiveFigure(figure, update, artists, {"power": slider()}, "two lines")


def test_refuses_the_artists_of_another_figure():
    figure, update, _ = two_lines()
    with pytest.raises(ValueError, match="artists must belong to the figure"):
        LiveFigure(figure, update, two_lines()[2], {"power": slider()}, "two lines")


def test_a_control_without_a_label_is_labelled_by_its_name_in_full():
    named = widgets.IntSlider(description="damping of the pendulum")
    figure, axes = subplots()
    still = axes.plot(X, X)
    live = LiveFigure(figure, lambda **_: None, still, {"power": slider(), "damping": named}, "a line")
    assert live.controls["power"].description == "power"
    assert named.description == "damping of the pendulum"
    assert named.style.description_width == "initial"


@pytest.mark.parametrize("alt", ["", " ", None, lambda power: ""])
def test_a_live_figure_without_words_is_refused(alt):
    with pytest.raises(ValueError, match="alt must say what the figure shows"):
        LiveFigure(*two_lines(), {"power": slider()}, alt)


@pytest.mark.parametrize(
    ("controls", "words"),
    [({}, "controls must hold"), ({"power": 3}, r"controls\['power'\] must be a widget")],
)
def test_controls_that_control_nothing_are_refused(controls, words):
    with pytest.raises(ValueError, match=words):
        LiveFigure(*two_lines(), controls, "two lines")


def test_moving_an_unknown_control_names_those_there_are():
    live = LiveFigure(*two_lines(), {"power": slider()}, "two lines")
    with pytest.raises(ValueError, match="no control is called 'gain'; there are power"):
        live.set(gain=1.0)


def test_a_function_that_is_not_written_yet_leaves_the_figure_standing_with_its_message():
    figure, _, artists = two_lines()
    answers = [NotImplementedError("compute K"), NotImplementedError("compute K"), None]

    def update(power):
        if error := answers.pop(0):
            raise error

    live = LiveFigure(figure, update, artists, {"power": slider()}, alt="lines")
    assert "not written yet: compute K" in live.message
    assert live.pixels.std() > 0
    live.set(power=2.0)
    assert "not written yet: compute K" in live.message
    live.set(power=3.0)
    assert live.message == ""
