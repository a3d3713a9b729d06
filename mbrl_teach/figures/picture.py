"""A still figure as a value: a PNG that carries its alt text wherever the notebook goes."""

from __future__ import annotations

import io
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure


class Picture:
    """The figure as it stands now, as a notebook's value: an opaque PNG with `alt` as its alt text.

    The alt text says what the figure shows to a reader who does not see it. It is the value's plain text
    too, so that a notebook's text output is the same on every machine. The figure is taken from pyplot,
    which would otherwise draw it a second time.

    Raises ValueError if `alt` is empty.
    """

    def __init__(self, figure: Figure, alt: str) -> None:
        self.alt = require_alt(alt)
        plt.close(figure)
        png = io.BytesIO()
        # Without matplotlib's version in it, so that a new release alone changes no picture.
        FigureCanvasAgg(figure).print_png(png, metadata={"Software": None})
        self.png = png.getvalue()

    def __repr__(self) -> str:
        return self.alt

    def _repr_mimebundle_(self, **_: Any) -> tuple[dict, dict]:
        return {"image/png": self.png, "text/plain": self.alt}, {"image/png": {"alt": self.alt}}


def require_alt(alt: str) -> str:
    """`alt` as one line. Raises ValueError if there is nothing in it."""
    if not isinstance(alt, str) or not alt.strip():
        raise ValueError(f"alt must say what the figure shows, in words; got {alt!r}")
    return " ".join(alt.split())
