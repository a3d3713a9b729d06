"""A picture is a PNG with alt text, shown once."""

import io

import matplotlib.pyplot as plt
import numpy as np
import pytest
from IPython.core.formatters import DisplayFormatter
from matplotlib.backends.backend_agg import FigureCanvasAgg
from PIL import Image

from mbrl_teach.figures.picture import Picture
from mbrl_teach.figures.style import subplots


def drawn():
    figure, axes = subplots(size=(3, 2))
    axes.plot([0, 1], [1, 0])
    return figure


def pixels(picture):
    return np.asarray(Image.open(io.BytesIO(picture.png)).convert("RGBA"))


def test_the_notebook_gets_a_png_with_its_alt_text_and_the_alt_as_plain_text():
    data, metadata = DisplayFormatter().format(Picture(drawn(), "a falling line"))
    assert data["text/plain"] == "a falling line"
    assert metadata["image/png"] == {"alt": "a falling line"}
    assert Image.open(io.BytesIO(data["image/png"])).size == (300, 200)


def test_the_png_shows_what_matplotlib_draws():
    canvas = FigureCanvasAgg(drawn())
    canvas.draw()
    assert np.array_equal(pixels(Picture(drawn(), "a line")), canvas.buffer_rgba())


def test_the_same_figure_gives_the_same_bytes():
    assert Picture(drawn(), "a line").png == Picture(drawn(), "a line").png


def test_the_picture_has_no_transparent_pixel():
    assert pixels(Picture(drawn(), "a line"))[..., 3].min() == 255


def test_a_figure_of_pyplot_is_taken_from_it():
    figure, _ = plt.subplots()
    Picture(figure, "an empty frame")
    assert plt.get_fignums() == []


@pytest.mark.parametrize("alt", ["", "  \n", None])
def test_a_picture_without_words_is_refused(alt):
    with pytest.raises(ValueError, match="alt must say what the figure shows"):
        Picture(drawn(), alt)


def test_alt_text_is_one_line():
    assert Picture(drawn(), "a line\n    that falls ").alt == "a line that falls"
