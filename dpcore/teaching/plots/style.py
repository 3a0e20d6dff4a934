"""Colours and the small checks that all drawings share."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from matplotlib import patheffects
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

# Okabe and Ito's colours, safe for colour-blind readers. Grey stands for their black,
# which would vanish on a dark page; yellow comes late, it is weak on white.
CLUSTER_COLORS = (
    "#0072B2",  # blue
    "#E69F00",  # orange
    "#009E73",  # green
    "#CC79A7",  # purple
    "#56B4E9",  # sky
    "#D55E00",  # vermilion
    "#F0E442",  # yellow
    "#999999",  # grey
)
INK, PAPER, PLAIN = "#222222", "#FFFFFF", "#E4E7EB"

SCALE = "of-a-scale"
"""The gid of artists whose colours are an image's: at night they turn over with it."""

LETTERS = 9.6
"""Points of the smallest letters: 11 pixels where a page shows 800 pixels as 690."""

Array = torch.Tensor | np.ndarray | Sequence[Any]


def cluster_color(cluster: int) -> str:
    """The colour of a cluster; after eight clusters the colours start again.

    >>> cluster_color(0), cluster_color(8) == cluster_color(0)
    ('#0072B2', True)
    """
    return CLUSTER_COLORS[cluster % len(CLUSTER_COLORS)]


def luminance(color: Any) -> float:
    """How bright a colour is to the eye, from 0 to 1 (WCAG).

    >>> round(luminance("white"), 9), luminance("black")
    (1.0, 0.0)
    """
    rgb = np.asarray(to_rgb(color))
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return float(linear @ (0.2126, 0.7152, 0.0722))


def ink_on(color: Any) -> str:
    """Black or white, whichever reads better on ``color``."""
    return INK if luminance(color) > 0.19 else PAPER


def number(value: float) -> str:
    """A value as short as it can be read: ``2`` and not ``2.00``, ``0.3`` as ``.30``.

    >>> number(4.0), number(0.3), number(-1.25), number(131.6)
    ('4', '0.30', '-1.25', '132')
    """
    if abs(value - round(value)) < 1e-6 or abs(value) >= 100:
        return str(round(value))
    return f"{value:.2f}" if abs(value) < 10 else f"{value:.1f}"


def new_axes(ax: Axes | None, size: tuple[float, float], title: str | None) -> Axes:
    """The given axes, or those of a new figure that pyplot does not know of."""
    if ax is None:
        fig = Figure(figsize=size, layout="constrained", facecolor=PAPER)
        ax = fig.subplots()
    if title:
        ax.set_title(title, fontsize=11, color=INK)
    return ax


def figure_of(ax: Axes) -> Figure:
    """The figure that axes stand in."""
    figure = ax.get_figure(root=True)
    assert figure is not None  # only axes that were taken out have none
    return figure


def label(ax: Axes, at: np.ndarray, text: str, size: float) -> None:
    """Text with a white rim, readable on a line or on a pie."""
    rim = [patheffects.withStroke(linewidth=2.2, foreground=PAPER)]
    at_centre: dict[str, Any] = {"ha": "center", "va": "center", "zorder": 5}
    ax.text(at[0], at[1], text, size=size, color=INK, path_effects=rim, **at_centre)


def array(name: str, value: Array) -> np.ndarray:
    """``value`` as a finite float array, or a ValueError that names the argument."""
    if isinstance(value, torch.Tensor):
        value = value.detach().cpu().numpy()
    try:
        result = np.asarray(value, dtype=float)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name}: expected numbers, got {value!r}") from error
    if not np.isfinite(result).all():
        raise ValueError(f"{name}: expected finite numbers, got NaN or infinity")
    return result


def check_shape(name: str, value: np.ndarray, shape: tuple[int, ...]) -> None:
    """Raise a ValueError that names the argument, what came and what was expected."""
    if value.shape != shape:
        raise ValueError(f"{name}: expected shape {shape}, got {value.shape}")
