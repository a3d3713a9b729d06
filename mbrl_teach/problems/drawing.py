"""A small picture in a world's own coordinates, for environments that are watched without Matplotlib."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw

SUPERSAMPLING = 3  # drawn larger and reduced, for smooth edges


class Canvas:
    """A white picture of the rectangle from `low` to `high`, both (x, y), y upwards; equal scales.

    width: of the picture in pixels; its height follows. Lengths are in the world's units. The colours are
    those of Okabe & Ito, told apart with every common kind of colour vision.
    """

    INK, GREY = "#1A1A1A", "#CCCCCC"
    BLUE, GREEN, VERMILLION = "#0072B2", "#009E73", "#D55E00"

    def __init__(self, low: Sequence[float], high: Sequence[float], *, width: int = 400):
        span = np.subtract(high, low)
        self._low, self._high = low, high
        self._size = (width, round(width * span[1] / span[0]))
        self._pixels = SUPERSAMPLING * width / span[0]
        large = tuple(SUPERSAMPLING * side for side in self._size)
        self._image = Image.new("RGB", large, "white")
        self._draw = ImageDraw.Draw(self._image)

    def line(self, points: Sequence, color: str, *, width: float) -> None:
        """A broken line through `points` (k, 2) with round ends."""
        pixels = self._to_pixels(points)
        self._draw.line(pixels, fill=color, width=max(1, round(width * self._pixels)), joint="curve")
        for end in (points[0], points[-1]):
            self.disc(end, 0.5 * width, color)

    def disc(self, centre: Sequence[float], radius: float, color: str) -> None:
        """A filled circle."""
        (x, y), r = self._to_pixels([centre])[0], radius * self._pixels
        self._draw.ellipse([x - r, y - r, x + r, y + r], fill=color)

    def polygon(self, corners: Sequence, color: str) -> None:
        """A filled polygon with `corners` (k, 2)."""
        self._draw.polygon(self._to_pixels(corners), fill=color)

    def array(self) -> np.ndarray:
        """The picture as uint8 (height, width, 3)."""
        return np.array(self._image.resize(self._size, Image.Resampling.BOX))

    def _to_pixels(self, points: Sequence) -> list[tuple[float, float]]:
        x, y = np.asarray(points, dtype=np.float64).T
        left, top = self._pixels * (x - self._low[0]), self._pixels * (self._high[1] - y)
        return list(zip(left.tolist(), top.tolist(), strict=True))

    @staticmethod
    def turned(points: Sequence, angle: float, centre: Sequence[float]) -> np.ndarray:
        """`points` (k, 2) of a body, turned counterclockwise by `angle` (rad) and put at `centre`."""
        sin, cos = np.sin(angle), np.cos(angle)
        return np.asarray(points) @ np.array([[cos, sin], [-sin, cos]]) + np.asarray(centre)
