"""The parts of a drawing as SVG text: lines, discs, pies, and room for them."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from dpcore.teaching.plots.style import cluster_color

WIDTH, HEIGHT = 560, 420  # units of the drawing; on the page at most as many pixels


def fitted(place: np.ndarray) -> np.ndarray:
    """The positions moved and stretched into the drawing, y downwards, with a rim."""
    low, high = place.min(0, initial=0), place.max(0, initial=0)
    margin, span = 44, np.maximum(high - low, 1e-9)
    room = np.array([WIDTH, HEIGHT]) - 2 * margin
    scale = (room / span).min()
    centred = (place - (low + high) / 2) * scale * (1, -1)
    return centred + np.array([WIDTH, HEIGHT]) / 2


def lines(
    place: np.ndarray, adj: np.ndarray, widest: float, color: str = "#C9CFD6"
) -> str:
    """Lines between places, as wide as the entries; under 1 % of the heaviest, none."""
    both = np.triu(adj + adj.T, 1)
    top = both.max(initial=0)
    widths: dict[str, list[str]] = {}
    for i, j in zip(*np.nonzero(both > 0.01 * top), strict=True):
        (x, y), (u, v) = place[i], place[j]
        path = f"M{x:.0f} {y:.0f}L{u:.0f} {v:.0f}"
        widths.setdefault(f"{widest * both[i, j] / top:.1f}", []).append(path)
    return "".join(
        f'<path d="{"".join(paths)}" stroke="{color}" stroke-width="{width}"/>'
        for width, paths in widths.items()
    )


def pie(
    centre: np.ndarray, radius: float, shares: np.ndarray, colors: Sequence[int]
) -> str:
    """Clockwise from the top, one wedge a cluster of at least 0.5 %."""
    end, wedges = 0.0, []
    for c, share in enumerate(shares):
        if share < 0.005:
            continue
        color = cluster_color(colors[c])
        if share > 0.995:
            return circle(centre, radius, f'fill="{color}"')
        start, end = end, end + share
        (x, y), (u, v) = (_on_circle(centre, radius, turn) for turn in (start, end))
        cx, cy = centre
        wedges.append(
            f'<path d="M{cx:.1f} {cy:.1f}L{x:.1f} {y:.1f}A{radius:.1f} {radius:.1f} 0 '
            f'{int(share > 0.5)} 1 {u:.1f} {v:.1f}Z" fill="{color}"/>'
        )
    return "".join(wedges)


def _on_circle(centre: np.ndarray, radius: float, turn: float) -> tuple[float, float]:
    angle = 2 * math.pi * turn
    return centre[0] + radius * math.sin(angle), centre[1] - radius * math.cos(angle)


def circle(centre: np.ndarray, radius: float, how: str) -> str:
    return f'<circle cx="{centre[0]:.1f}" cy="{centre[1]:.1f}" r="{radius:.1f}" {how}/>'
