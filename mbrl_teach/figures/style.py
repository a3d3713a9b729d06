"""The look of every figure: an opaque page, colours that all readers can tell apart, line styles as well.

The page is white in a light and in a dark JupyterLab alike, so that ink and lines keep their contrast.
Nothing here touches matplotlib's global settings: a notebook's own figures look as they did before.
"""

from __future__ import annotations

from typing import Any

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.rcsetup import cycler

# Okabe & Ito, "Color Universal Design" (2008): told apart with every common kind of colour vision.
COLORS = {
    "black": "#000000",
    "orange": "#E69F00",
    "sky blue": "#56B4E9",
    "bluish green": "#009E73",
    "yellow": "#F0E442",
    "blue": "#0072B2",
    "vermillion": "#D55E00",
    "reddish purple": "#CC79A7",
}

# Those of them that stand out from the page by 3:1, as WCAG 2.2 (1.4.11) asks of a line; the others fill.
LINE_COLORS = tuple(
    COLORS[name] for name in ("blue", "vermillion", "bluish green", "reddish purple", "black")
)
LINE_STYLES = ("-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1)))

PAGE = "#FFFFFF"
INK = "#1A1A1A"
GRID = "#DDDDDD"

_SETTINGS = {
    "figure.facecolor": PAGE,
    "axes.facecolor": PAGE,
    "axes.edgecolor": INK,
    "axes.labelcolor": INK,
    "axes.titlecolor": INK,
    "text.color": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "font.size": 10.0,
    "axes.labelsize": "medium",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": GRID,
    "grid.linewidth": 0.6,
    "axes.prop_cycle": cycler(color=LINE_COLORS, linestyle=LINE_STYLES),
}


def subplots(
    rows: int = 1,
    columns: int = 1,
    *,
    size: tuple[float, float] = (7.0, 3.2),
    dpi: float = 100.0,
    **options: Any,
) -> tuple[Figure, Any]:
    """A figure of `size` inches in the course's style, and its axes: one, or an array of them.

    `options` are those of :meth:`matplotlib.figure.Figure.subplots` (``sharex``, ``width_ratios``,
    ``squeeze`` …). Lines that name neither colour nor style run through `LINE_COLORS` and `LINE_STYLES`
    together. The figure does not belong to pyplot: nothing draws it until it is shown on purpose.
    """
    with matplotlib.rc_context(_SETTINGS):
        figure = Figure(figsize=size, dpi=dpi, layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots(rows, columns, **options)
    return figure, axes
