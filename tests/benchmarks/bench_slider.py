"""A slider's move: in the kernel against a full redraw, and end to end in a real JupyterLab."""

from __future__ import annotations

import io
import itertools
import sys
from collections.abc import Iterator

import numpy as np
from ipywidgets import FloatSlider
from matplotlib.backends.backend_agg import FigureCanvasAgg

from mbrl_teach.figures.live import LiveFigure
from mbrl_teach.figures.style import subplots
from tests.benchmarks.paired import Row, compare
from tests.browser.lab import ChromiumMissing
from tests.browser.latency import measure_slider_latency

BUDGET_MS = 100.0
x = np.linspace(0.0, 10.0, 200)


def rows() -> Iterator[Row]:
    yield compare("move a live figure (kernel)", _live(), "full redraw as PNG", _redrawn())
    try:
        median = measure_slider_latency().median
    except ChromiumMissing as reason:
        print(f"  slider: not measured, {reason}", file=sys.stderr)
        return
    ratio = BUDGET_MS / median
    yield Row("slider to picture (browser)", 1e3 * median, "budget", 1e3 * BUDGET_MS, ratio, "< 100 ms")


def _figure():
    figure, axes = subplots(1, 2)
    lines = [ax.plot(x, np.sin(x))[0] for ax in axes]
    return figure, lines


def _live():
    figure, lines = _figure()

    def update(k):
        for line in lines:
            line.set_ydata(np.sin(k * x))

    live = LiveFigure(figure, update, lines, {"k": FloatSlider(1.0, min=0, max=10)}, "two sine waves")
    positions = itertools.cycle([1.0, 2.0, 3.0])
    return lambda: live.set(k=next(positions))


def _redrawn():
    figure, lines = _figure()
    positions = itertools.cycle([1.0, 2.0, 3.0])

    def redraw():
        k = next(positions)
        for line in lines:
            line.set_ydata(np.sin(k * x))
        FigureCanvasAgg(figure).print_png(io.BytesIO())

    return redraw
