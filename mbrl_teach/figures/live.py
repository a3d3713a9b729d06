"""A figure that answers its sliders in well under 100 ms, and leaves a picture behind where none run.

A full matplotlib draw is too slow to follow a hand, and most of it (ticks, labels, layout) stays the same
from one slider position to the next. So the figure is laid out once; everything that never moves is drawn
once and kept; a move restores those pixels, draws the moving artists over them, and sends the result to
the browser as a lossless WebP ("blitting", matplotlib's guide to faster rendering).
"""

from __future__ import annotations

import html
import io
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import ipywidgets as widgets
import matplotlib.pyplot as plt
import numpy as np
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from mbrl_teach.figures.picture import require_alt

# Seen by a screen reader, not by the eye.
_UNSEEN = "position:absolute; width:1px; height:1px; overflow:hidden; clip-path:inset(50%)"
# A notebook's own colour for errors, and a red that is readable on light and dark where there is none.
_ERROR = "color:var(--jp-error-color1, #d32f2f); white-space:pre-wrap; line-height:1.4"


class LiveFigure(widgets.VBox):
    """A matplotlib figure below the controls that move it, as a notebook's value.

    figure    its size, layout and axis limits are fixed from now on; it is laid out at the first values
    update    ``update(**values)``, called with the value of every control under its name; it moves
              the artists. What it raises is shown below the figure, and the last picture stays
    artists   the artists that `update` moves, from any axes (titles and texts too), in lists as deep as
              you like. A list may be changed in place: what it holds at the time is drawn
    controls  name → widget with a value (a slider …); one without a description is labelled by its name
    alt       what the figure shows, in words, or a function of the values that says so

    Whatever stands above a moving artist in its axes (legend, spines, labels) is drawn above it again.
    Where no widgets run (GitHub, HTML, print) stands a PNG of the figure as it was when it was shown.

    Raises ValueError for an empty `alt`, for `controls` without values and for `artists` that are not the
    figure's. What `update` raises at the controls' first values is shown too, below the figure as it was
    drawn, and (unless it is NotImplementedError) with its traceback on stderr: a function that a student
    has not written yet, or not rightly, must not stop a run of the whole notebook.
    """

    def __init__(
        self,
        figure: Figure,
        update: Callable[..., object],
        artists: Artist | Iterable,
        controls: Mapping[str, widgets.DOMWidget],
        alt: str | Callable[..., str],
    ) -> None:
        self.controls = _read_controls(controls)
        self.figure, self._update, self._artists, self._alt = figure, update, artists, alt
        _require_artists(artists, figure)
        first_error = self._first_update()
        self._lay_out()
        self._pixels = self._draw()
        self.alt = self._describe()

        width = f"{self._pixels.shape[1]}px"
        image = widgets.Layout(width="100%", max_width=width, height="auto")
        self._image = widgets.Image(value=_encode(self._pixels, "webp"), format="webp", layout=image)
        self._unseen = widgets.HTML(self._unseen_alt(), layout=widgets.Layout(height="0", margin="0"))
        self._message = widgets.HTML(layout=widgets.Layout(display="none", max_width=width))
        row = widgets.Layout(flex_flow="row wrap", max_width=width)
        controls_row = widgets.HBox(list(self.controls.values()), layout=row)
        super().__init__([controls_row, self._image, self._unseen, self._message])
        for control in self.controls.values():
            control.observe(self._refresh, "value")
        self._show(first_error)

    @property
    def values(self) -> dict[str, Any]:
        """The value of every control, by name."""
        return {name: control.value for name, control in self.controls.items()}

    @property
    def pixels(self) -> np.ndarray:
        """The picture that is shown now, (height, width, 4) uint8."""
        return self._pixels

    @property
    def message(self) -> str:
        """What stands below the figure: the last move's error as HTML, or nothing."""
        return self._message.value

    def set(self, **values: Any) -> None:
        """Move the controls as a hand would. Raises ValueError for a name that no control has."""
        for name, value in values.items():
            if name not in self.controls:
                raise ValueError(f"no control is called {name!r}; there are {', '.join(self.controls)}")
            self.controls[name].value = value

    def _first_update(self) -> Exception | None:
        try:
            self._update(**self.values)
        except Exception as error:
            if not isinstance(error, NotImplementedError):
                error.__traceback__ = error.__traceback__.tb_next  # from `update` on, without this frame
                traceback.print_exception(error)
            return error
        return None

    def _lay_out(self) -> None:
        """Fix the layout, then draw and keep everything that lies below the lowest moving artist."""
        plt.close(self.figure)
        self._canvas = FigureCanvasAgg(self.figure)
        self.figure.draw_without_rendering()
        self.figure.set_layout_engine("none")
        axes_in_order = sorted(self.figure.axes, key=lambda axes: axes.get_zorder())
        self._order = {axes: place for place, axes in enumerate(axes_in_order)}
        self._above = list(_standing_above(list(_flatten(self._artists)), axes_in_order))
        self._animate()
        self._canvas.draw()
        self._background = self._canvas.copy_from_bbox(self.figure.bbox)

    def _animate(self) -> list[Artist]:
        """The artists of one frame, from back to front, marked as left out of the background."""
        frame = [*_flatten(self._artists), *self._above]
        for artist in frame:
            artist.set_animated(True)
        # What belongs to the figure and to no axes (its title, its texts) is drawn last, as matplotlib does.
        return sorted(frame, key=lambda a: (self._order.get(a.axes, len(self._order)), a.get_zorder()))

    def _draw(self) -> np.ndarray:
        self._canvas.restore_region(self._background)
        renderer = self._canvas.get_renderer()
        for artist in self._animate():
            artist.draw(renderer)
        return np.array(renderer.buffer_rgba())

    def _refresh(self, _change: object) -> None:
        try:
            self._update(**self.values)
            pixels, alt = self._draw(), self._describe()
        except Exception as error:
            self._show(error)
            if isinstance(error, (ValueError, NotImplementedError)):  # nothing to draw, and it says why
                return
            raise  # a bug: its traceback belongs in the log
        self._show(None)
        self._pixels, self.alt = pixels, alt
        self._image.value = _encode(pixels, "webp")
        self._unseen.value = self._unseen_alt()

    def _show(self, error: Exception | None) -> None:
        text = ""
        if error is not None:
            kinds = {ValueError: "", NotImplementedError: "not written yet: "}
            kind = kinds.get(type(error), f"{type(error).__name__}: ")
            text = f'<div role="alert" style="{_ERROR}">{html.escape(f"{kind}{error}")}</div>'
        self._message.value = text
        self._message.layout.display = None if text else "none"

    def _describe(self) -> str:
        return require_alt(self._alt(**self.values) if callable(self._alt) else self._alt)

    def _unseen_alt(self) -> str:
        return f'<span style="{_UNSEEN}">{html.escape(self.alt)}</span>'

    def _repr_mimebundle_(self, **options: Any) -> tuple[dict, dict]:
        data = super()._repr_mimebundle_(**options)
        data |= {"image/png": _encode(self._pixels, "png"), "text/plain": self.alt}
        return data, {"image/png": {"alt": self.alt}}


def _read_controls(controls: Mapping[str, widgets.DOMWidget]) -> dict[str, widgets.DOMWidget]:
    """The controls, each with a label that is shown in full."""
    if not controls:
        raise ValueError("controls must hold at least one widget; got none")
    for name, control in controls.items():
        if not getattr(control, "has_trait", lambda _: False)("value"):
            raise ValueError(f"controls[{name!r}] must be a widget with a value; got {control!r}")
        if control.has_trait("description"):
            control.description = control.description or name
            control.tooltip = control.tooltip or ""  # ipywidgets 8.1 shows an absent one as "null"
            if control.style.has_trait("description_width"):
                control.style.description_width = control.style.description_width or "initial"
        if control.has_trait("readout"):  # a slider: as long as there is room, for fine moves
            control.layout.flex = control.layout.flex or "1 1 300px"
    return dict(controls)


def _require_artists(artists: Artist | Iterable, figure: Figure) -> None:
    for artist in _flatten(artists):
        if not isinstance(artist, Artist):
            raise ValueError(f"artists must hold matplotlib artists; got {artist!r}")
        if artist.get_figure(root=True) is not figure:
            raise ValueError(f"artists must belong to the figure; got {artist!r} of another")


def _flatten(artists: Artist | Iterable | None) -> Iterator[Artist]:
    if isinstance(artists, (Artist, str)) or not isinstance(artists, Iterable | None):
        yield artists
    elif artists is not None:  # an error bar without caps holds None in their place
        for part in artists:
            yield from _flatten(part)


def _standing_above(moving: list[Artist], axes_in_order: list[Axes]) -> Iterator[Artist]:
    """The still artists that must be drawn after a moving one, in its axes or in a twin laid over them."""
    begun: list[tuple] = []  # where axes with something moving lie
    for axes in axes_in_order:
        heights = [artist.get_zorder() for artist in moving if artist.axes is axes]
        place = axes.get_position().bounds
        lowest = -np.inf if place in begun else min(heights, default=np.inf)
        if heights:
            begun.append(place)
        yield from (a for a in _drawn(axes) if a.get_zorder() > lowest and a not in moving)


def _drawn(axes: Axes) -> list[Artist]:
    """What matplotlib draws of these axes over their patch."""
    left_out = [axes.patch]
    if not axes.axison:
        left_out += [axes.xaxis, axes.yaxis, *axes.spines.values()]
    return [artist for artist in axes.get_children() if artist not in left_out]


def _encode(pixels: np.ndarray, image_format: str) -> bytes:
    options = {
        "webp": {"lossless": True, "quality": 0, "method": 0},  # the fastest: 5 ms; in a lower quality 8
        "png": {"optimize": True},
    }
    out = io.BytesIO()
    # The page is opaque: an alpha channel would only make the PNG larger. WebP drops it by itself.
    image = Image.fromarray(pixels if image_format == "webp" else pixels[..., :3])
    image.save(out, image_format, **options[image_format])
    return out.getvalue()
