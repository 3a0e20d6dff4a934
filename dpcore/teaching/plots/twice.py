"""A figure drawn twice in one go: as it is, and in the colours of the night.

Laying out a figure and walking through it is what takes time. So both drawings are made
together: every line, letter and image goes to two canvases, to the second in another
colour. No artist is touched, so nothing has to be put back.
"""

from __future__ import annotations

import io
import math
from collections.abc import Callable, Sequence
from functools import lru_cache, partial
from typing import Any, NamedTuple

import numpy as np
from matplotlib.backend_bases import GraphicsContextBase
from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.collections import Collection
from matplotlib.figure import Figure
from PIL import Image

from dpcore.teaching.plots.night import RGB, letters, night, turned
from dpcore.teaching.plots.style import SCALE


class Pair(NamedTuple):
    """One figure in two pictures of the same size."""

    day: Image.Image
    night: Image.Image


def drawn(fig: Figure, dpi: float, *, tight: bool = False) -> Pair:
    """Both pictures of a figure; `tight` cuts off the empty rim, as `savefig` does."""
    mapped = _mapped(fig)
    for artist in mapped:
        artist.set_gid(SCALE)
    before = fig.canvas
    canvas = _Canvas(fig)
    try:
        if tight:
            raw = io.BytesIO()
            canvas.print_figure(raw, dpi=dpi, format="raw", bbox_inches="tight")
        else:
            fig.set_dpi(dpi)
            canvas.draw()
    finally:
        fig.set_canvas(before)
        for artist in mapped:
            artist.set_gid(None)
    assert canvas.renderer is not None  # it has drawn
    return Pair(_picture(canvas.renderer), _picture(canvas.renderer.night))


def _mapped(fig: Figure) -> list[Any]:
    """Points, meshes and areas whose colours are a scale's, as those of an image."""
    found: list[Any] = fig.findobj(Collection)
    return [one for one in found if one.get_array() is not None and not one.get_gid()]


def _picture(renderer: RendererAgg) -> Image.Image:
    return Image.fromarray(np.array(renderer.buffer_rgba())).convert("RGB")


class _Canvas(FigureCanvasAgg):
    renderer: _Both | None = None

    def get_renderer(self) -> _Both:
        width, height = self.get_width_height(physical=True)
        key = (width, height, self.figure.dpi)
        if self.renderer is None or self.renderer.key != key:
            self.renderer = _Both(*key)
        return self.renderer


class _Both(RendererAgg):
    """Draws the day and hands every stroke to the night in its colour there."""

    def __init__(self, width: int, height: int, dpi: float) -> None:
        super().__init__(width, height, dpi)
        self.key, self.night = (width, height, dpi), RendererAgg(width, height, dpi)
        self.groups: list[str | None] = []  # the gids of what is being drawn
        # Some of these are the renderer's own attributes, which would win over methods.
        for name in _NIGHT:
            setattr(self, name, partial(self._both, name, getattr(self, name)))

    def _both(
        self, name: str, by_day: Callable[..., None], *args: Any, **how: Any
    ) -> None:
        by_day(*args, **how)
        _NIGHT[name](self, getattr(self.night, name), *args, **how)

    def clear(self) -> None:
        super().clear()
        self.night.clear()
        self.groups.clear()

    def open_group(self, s: str, gid: str | None = None) -> None:
        self.groups.append(gid)

    def close_group(self, s: str) -> None:
        if self.groups:
            self.groups.pop()

    def color(self, rgba: Any) -> Any:
        """A colour at night, with its alpha if it has one."""
        red, green, blue, *alpha = map(float, rgba)
        if SCALE in self.groups:
            return (*_turned(red, green, blue), *alpha)
        return (*night((red, green, blue), *alpha), *alpha)

    def colors(self, array: Any) -> np.ndarray:
        """Many colours, [..., 4]."""
        array = np.array(array, dtype=float)
        if not array.size:
            return array
        flat = array.reshape(-1, array.shape[-1])
        if SCALE in self.groups:
            flat[:, :3] = turned(flat[:, :3])
        else:
            for color in flat:
                red, green, blue, *alpha = color.tolist()
                color[:3] = night((red, green, blue), *alpha)
        return array

    def context(self, gc: GraphicsContextBase) -> GraphicsContextBase:
        """The pen's night: the same, but for its colours."""
        pen = GraphicsContextBase()
        pen.copy_properties(gc)
        pen.set_foreground(self.color(gc.get_rgb()), isRGBA=True)
        if gc.get_hatch_color() is not None:
            pen.set_hatch_color(self.color(gc.get_hatch_color()))
        return pen

    def ground(self, x: float, y: float, angle: float, size: Sequence[float]) -> RGB:
        """What is drawn where letters will stand, at night: the median.

        Args:
            x, y: where the line of letters begins, in pixels from the top left.
            angle: its direction, in degrees against the clock.
            size: the width, height and descent of the letters.
        """
        width, height, descent = size
        along = np.exp(-1j * math.radians(angle))  # y grows downwards
        corners = [a + 1j * b for a in (0, width) for b in (descent - height, descent)]
        places = x + 1j * y + along * np.array(corners)
        left, right = int(places.real.min()), math.ceil(places.real.max())
        top, bottom = int(places.imag.min()), math.ceil(places.imag.max())
        drawn = np.asarray(self.night.buffer_rgba())
        under = drawn[max(top, 0) : bottom + 1, max(left, 0) : right + 1, :3]
        if not under.size:
            under = drawn[:1, :1, :3]  # outside of the picture
        red, green, blue = (np.median(under.reshape(-1, 3), axis=0) / 255).tolist()
        return red, green, blue


@lru_cache(maxsize=4096)
def _turned(*rgb: float) -> tuple[float, ...]:
    return tuple(turned(np.array([rgb]))[0].tolist())


def _path(both: _Both, draw, gc, path, transform, face=None) -> None:
    draw(both.context(gc), path, transform, None if face is None else both.color(face))


def _markers(both: _Both, draw, gc, marker, moved, path, transform, face=None) -> None:
    face = None if face is None else both.color(face)
    draw(both.context(gc), marker, moved, path, transform, face)


def _collection(both: _Both, draw, gc, *args, **how) -> None:
    *start, faces, edges = args[:7]
    if how.get("hatchcolors") is not None:
        how["hatchcolors"] = both.colors(how["hatchcolors"])
    colors = both.colors(faces), both.colors(edges)
    draw(both.context(gc), *start, *colors, *args[7:], **how)


def _mesh(both: _Both, draw, gc, *args) -> None:
    *start, faces, smooth, edges = args
    draw(both.context(gc), *start, both.colors(faces), smooth, both.colors(edges))


def _gouraud(both: _Both, draw, gc, triangles, colors, transform) -> None:
    draw(both.context(gc), triangles, both.colors(colors), transform)


def _image(both: _Both, draw, gc, x, y, pixels, *args) -> None:
    flat = np.ascontiguousarray(pixels).view(np.uint32).ravel()
    packed, where = np.unique(flat, return_inverse=True)
    colors = packed.view(np.uint8).reshape(-1, 4).copy()
    colors[:, :3] = (255 * turned(colors[:, :3] / 255)).round()
    draw(gc, x, y, colors[where].reshape(pixels.shape), *args)


def _tex(both: _Both, draw, gc, *args, **how) -> None:
    draw(both.context(gc), *args, **how)


def _text(both: _Both, draw, gc, x, y, s, prop, angle, ismath=False, mtext=None):
    pen = both.context(gc)
    rgb: Any = gc.get_rgb()
    red, green, blue = map(float, rgb[:3])
    size = both.get_text_width_height_descent(s, prop, ismath)
    ink = letters((red, green, blue), both.ground(x, y, angle, size))
    pen.set_foreground((*ink, gc.get_alpha()), isRGBA=True)
    draw(pen, x, y, s, prop, angle, ismath, mtext)


_NIGHT: dict[str, Callable[..., None]] = {
    "draw_path": _path,
    "draw_markers": _markers,
    "draw_path_collection": _collection,
    "draw_quad_mesh": _mesh,
    "draw_gouraud_triangles": _gouraud,
    "draw_image": _image,
    "draw_text": _text,
    "draw_tex": _tex,
}
"""How each kind of stroke is drawn at night."""
