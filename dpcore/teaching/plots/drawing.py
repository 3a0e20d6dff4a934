"""Graphs as drawings: nodes as pies of their memberships, clusters as discs."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Wedge

from dpcore.teaching.plots.places import edges_of, layout, node_radius
from dpcore.teaching.plots.style import (
    INK,
    LETTERS,
    PAPER,
    PLAIN,
    Array,
    array,
    check_shape,
    cluster_color,
    figure_of,
    ink_on,
    label,
    new_axes,
    number,
)


def graph(
    edge_index: Array,
    assignment: Array | None = None,
    *,
    positions: Array | None = None,
    ax: Axes | None = None,
    labels: Sequence[Any] | None = None,
    weights: Array | None = None,
    num_nodes: int | None = None,
    node_size: float | None = None,
    title: str | None = None,
    colors: Sequence[int] | None = None,
) -> Figure:
    """Draw a graph; with a soft assignment, every node is a pie of its memberships.

    Args:
        edge_index: [2, E]; both directions of an edge are drawn as one line.
        assignment: [n, k], rows sum to 1; without it the nodes are plain.
        positions: [n, 2]; by default :func:`layout`.
        ax: the axes to draw into; by default a new figure.
        labels: n texts; by default the node numbers up to 30 nodes, ``[]`` for none.
        weights: [E], drawn as line width; the larger of the two directions counts.
        num_nodes: only needed where the last nodes have no edges.
        node_size: radius, in the units of ``positions``.
        title: text above the drawing.
        colors: for each cluster the number of its colour; by default its own number.

    Raises:
        ValueError: if a shape does not fit; the message names the argument.

    >>> fig = graph([[0, 1], [1, 2]], assignment=[[1, 0], [0.5, 0.5], [0, 1]])
    >>> [wedge.get_gid() for wedge in fig.axes[0].patches if wedge.get_gid()][:2]
    ['node-0-cluster-0', 'node-1-cluster-0']
    """
    pie = None if assignment is None else shares_of("assignment", assignment)
    n = num_nodes
    if n is None:
        known = pie if pie is not None else positions
        raw = array("edge_index", edge_index)
        n = len(known) if known is not None else int(raw.max(initial=-1)) + 1
    edges = edges_of(edge_index, n)
    if pie is not None:
        check_shape("assignment", pie, (n, pie.shape[1]))
    place = layout(edges, n) if positions is None else array("positions", positions)
    check_shape("positions", place, (n, 2))
    width = np.ones(edges.shape[1])
    if weights is not None:
        width = array("weights", weights)
        check_shape("weights", width, (edges.shape[1],))
    names = labels if labels is not None else (range(n) if n <= 30 else [])
    if len(names) not in (0, n):
        raise ValueError(f"labels: expected {n} texts or none, got {len(names)}")

    wear = _colors(colors, 0 if pie is None else pie.shape[1])

    ax = new_axes(ax, (4.2, 4.2), title)
    size = node_size or node_radius(n)
    lines: dict[tuple[int, int], float] = {}
    for (i, j), w in zip(edges.T.tolist(), width.tolist(), strict=True):
        pair = (min(i, j), max(i, j))
        lines[pair] = max(lines.get(pair, w), w)
    heaviest = max(lines.values(), default=1.0) or 1.0
    thin = min(1.0, 150 / max(len(lines), 1))  # many lines would hide the nodes
    for (i, j), w in lines.items():
        drawn = max(0.25, thin * (0.4 + 1.4 * max(w, 0.0) / heaviest))
        style: dict[str, Any] = {"color": "#7A828C", "lw": drawn}
        if i == j:
            loop = place[i] + (0, 1.2 * size)
            ax.add_patch(Circle(loop, 0.8 * size, fill=False, ec=style["color"]))
        else:
            ax.plot(*place[[i, j]].T, zorder=1, **style)
    for i, centre in enumerate(place):
        if pie is None:
            ax.add_patch(Circle(centre, size, fc=PLAIN, ec=INK, lw=0.8, zorder=2))
        else:
            _pie(ax, centre, size, pie[i], i, wear)
        if len(names):
            label(ax, centre, str(names[i]), max(LETTERS, 6 + 22 * size))
    _frame(ax, place, size)
    return figure_of(ax)


def coarse(
    adj: Array,
    ax: Axes | None = None,
    *,
    positions: Array | None = None,
    labels: Sequence[Any] | None = None,
    title: str | None = None,
    colors: Sequence[int] | None = None,
) -> Figure:
    """Draw a coarsened graph: clusters in their colours, A' as numbers and widths.

    The number in a disc is the diagonal A'[c, c], the edge mass inside the cluster,
    and the disc grows with it. The number on a line (up to 7 clusters) is A'[c, d];
    lines under 1 % of the heaviest entry are left out.

    Args:
        adj: [k, k]; of an asymmetric matrix the mean of both directions is drawn.
        ax: the axes to draw into; by default a new figure.
        positions: [k, 2]; by default a circle.
        labels: k names beside the discs; by default the cluster numbers.
        title: text above the drawing.
        colors: for each cluster the number of its colour; by default its own number.

    Raises:
        ValueError: if a shape does not fit; the message names the argument.
    """
    matrix = array("adj", adj)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise ValueError(f"adj: expected a square [k, k] matrix, got {matrix.shape}")
    k, matrix = len(matrix), (matrix + matrix.T) / 2
    turn = np.pi / 2 - 2 * np.pi * np.arange(k) / max(k, 1)
    place = np.stack([np.cos(turn), np.sin(turn)], 1) * (k > 1)
    if positions is not None:
        place = array("positions", positions)
        check_shape("positions", place, (k, 2))
    names = list(range(k)) if labels is None else labels
    if len(names) != k:
        raise ValueError(f"labels: expected {k} texts, got {len(names)}")
    wear = _colors(colors, k)

    ax, top = new_axes(ax, (4.2, 4.2), title), max(np.abs(matrix).max(initial=0), 1e-9)
    inside = np.clip(np.diag(matrix), 0, None) / top
    extent = np.ptp(place, axis=0).max(initial=0) or 2.0
    radius = extent * (0.09 + 0.07 * np.sqrt(inside)) * min(1.0, 2.2 / math.sqrt(k + 1))
    taken: list[np.ndarray] = []
    for c in range(k):
        for d in range(c + 1, k):
            if abs(matrix[c, d]) < 0.01 * top:
                continue
            width = 0.6 + 6 * abs(matrix[c, d]) / top
            ax.plot(*place[[c, d]].T, color="#A3ABB5", lw=width, zorder=1)
            if k <= 7:
                shares = (0.5, 0.42, 0.58, 0.34, 0.66, 0.27, 0.73)  # first free one
                points = [place[c] + t * (place[d] - place[c]) for t in shares]
                at = max(points, key=lambda p: min(_gap(p, taken), 0.13 * extent))
                taken.append(at)
                ground = dict(boxstyle="square,pad=0.1", fc=PAPER, ec="none")
                weight: dict[str, Any] = {"ha": "center", "va": "center", "zorder": 1.5}
                weight |= {"fontsize": 10, "color": INK, "bbox": ground}
                ax.text(at[0], at[1], number(matrix[c, d]), **weight)
    centre = place.mean(0) if k > 1 else place[0] - (0, 1)
    for c in range(k):
        color = cluster_color(wear[c])
        disc = Circle(place[c], radius[c], fc=color, ec=INK, lw=0.8, zorder=2)
        disc.set_gid(f"cluster-{c}")
        ax.add_patch(disc)
        ink = ink_on(color)
        middle: dict[str, Any] = {"ha": "center", "va": "center", "zorder": 4}
        mass: dict[str, Any] = {"color": ink, "fontsize": 10}
        ax.text(place[c, 0], place[c, 1], number(matrix[c, c]), **mass, **middle)
        away = place[c] - centre
        away = away / (np.linalg.norm(away) or 1.0)
        sides = [("right", "top"), ("center", "center"), ("left", "bottom")]
        side = [sides[int(np.sign(round(way, 1))) + 1][i] for i, way in enumerate(away)]
        beside: dict[str, Any] = {"textcoords": "offset points", "zorder": 4}
        beside |= {"color": INK, "fontsize": 11, "weight": "bold"}
        rim = place[c] + away * radius[c]
        ax.annotate(str(names[c]), rim, 3 * away, ha=side[0], va=side[1], **beside)
    _frame(ax, place, radius.max(initial=0.1) + 0.1 * extent)
    return figure_of(ax)


def _gap(point: np.ndarray, others: list[np.ndarray]) -> float:
    """The distance to the nearest; numbers are twice as wide as they are high."""
    away = (np.linalg.norm((point - other) * (0.5, 1)) for other in others)
    return min(map(float, away), default=np.inf)


def shares_of(name: str, assignment: Array) -> np.ndarray:
    """``assignment`` as [n, k] shares, or a ValueError that names the argument."""
    shares = array(name, assignment)
    if shares.ndim != 2:
        raise ValueError(f"{name}: expected [n, k], got {shares.shape}")
    if (shares < -1e-6).any() or (np.abs(shares.sum(1) - 1) > 1e-3).any():
        raise ValueError(f"{name}: expected rows of shares that sum to 1")
    return shares


def _colors(colors: Sequence[int] | None, clusters: int) -> Sequence[int]:
    if colors is None:
        return range(clusters)
    if len(colors) != clusters:
        raise ValueError(f"colors: expected {clusters} numbers, got {len(colors)}")
    return colors


def _pie(
    ax: Axes,
    centre: np.ndarray,
    size: float,
    shares: np.ndarray,
    node: int,
    wear: Sequence[int],
) -> None:
    """One wedge a cluster, clockwise from the top, and a rim around them."""
    end, at = 90.0, (float(centre[0]), float(centre[1]))
    for cluster, share in enumerate(shares):
        if share < 1e-3:
            continue
        start, end = end, end - 360 * share
        color = cluster_color(wear[cluster])
        wedge = Wedge(at, size, end, start, fc=color, ec="none", zorder=2)
        wedge.set_gid(f"node-{node}-cluster-{cluster}")
        ax.add_artist(wedge)  # add_patch would grow the limits, which _frame sets
    ax.add_artist(Circle(at, size, fill=False, ec=INK, lw=0.8, zorder=3))


def _frame(ax: Axes, place: np.ndarray, margin: float) -> None:
    """Equal scales, no axes, room for what stands at the rim."""
    if len(place):
        low, high = place.min(0) - 1.6 * margin, place.max(0) + 1.6 * margin
        ax.set(xlim=(low[0], high[0]), ylim=(low[1], high[1]))
    ax.set_aspect("equal")
    ax.axis("off")
