"""A graph and its clusters level by level, to move through and to point at."""

from __future__ import annotations

import html
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from dpcore.teaching.plots.drawing import shares_of
from dpcore.teaching.plots.page import behaviour, check_text, fill
from dpcore.teaching.plots.places import apart, edges_of, layout
from dpcore.teaching.plots.style import (
    INK,
    PAPER,
    PLAIN,
    Array,
    array,
    check_shape,
    cluster_color,
    ink_on,
)
from dpcore.teaching.plots.svg import (
    HEIGHT,
    WIDTH,
    circle,
    fitted,
    lines,
    pie,
)

UNUSED = 0.01  # clusters with a smaller share of the nodes are not drawn

# Everything is drawn before any script runs: without one, the graph shows. Every disc
# carries its own text, so that pointing, focus and screen readers tell the same.
TEMPLATE = """<div class="dpcore-levels" role="group" aria-label="@ALT@"
 data-plain="@PLAIN@" style="--dpcore-ink:@INK@;width:@WIDTH@px;max-width:100%">
<svg viewBox="0 0 @WIDTH@ @HEIGHT@" role="group" aria-label="@ALT@"
 style="width:100%;height:auto;display:block">
<rect width="@WIDTH@" height="@HEIGHT@" rx="6" fill="@PAPER@"/>@LEVELS@</svg>
<label style="display:flex;flex-wrap:wrap;gap:8px;align-items:center;margin-top:6px">
level<input type="range" min="0" max="@LAST@" value="0" step="1"
 aria-valuetext="@CAPTION@" style="flex:1;min-width:80px"></label>
<div data-caption>@CAPTION@</div>
<div data-told aria-live="polite" style="min-height:3.2em">@HELP@</div>
</div>
"""
HELP = (
    "Point at a disc, or press Tab and then the arrow keys, to read where it belongs."
)


class Disc(NamedTuple):
    """What is drawn at one place: a node, or a cluster with its own colour."""

    at: np.ndarray
    radius: float
    shares: np.ndarray  # of the clusters one level up; empty at the last level
    color: str | None  # None for a node
    number: str
    text: str
    members: np.ndarray  # shares of all nodes in it; empty for a node


def hierarchy(
    edge_index: Array,
    assignments: Sequence[Array],
    alt: str,
    *,
    positions: Array | None = None,
    names: Sequence[str] | None = None,
    colors: Sequence[Sequence[int]] | None = None,
) -> None:
    """Put a graph on the page with a slider for its levels, from no other place.

    Level 0 is the graph: every node a pie of the clusters that it belongs to. On every
    level above, a cluster is a disc in its own colour, in the middle of its nodes and
    as large as its share of them; its rim is the pie of the clusters that it goes to
    next; lines are the entries of A'. Clusters with less than 1 % of the nodes are left
    out. Pointing at a disc, or reaching it with Tab and the arrow keys, tells its
    memberships in words, and shows a cluster's nodes.

    Args:
        edge_index: [2, E]; A' counts every entry, both directions of an edge.
        assignments: S of every level, finest first, as `Output.assignments` of one
            graph: [n, k1], then [1, k1, k2] or [k1, k2], …; rows sum to 1.
        alt: what the drawing shows, for readers who do not see it.
        positions: [n, 2]; by default :func:`layout`.
        names: n texts said with the node numbers ("sheet"); by default none.
        colors: for every level, the number of the colour of each cluster; by default
            those of :func:`level_colors` for this graph.

    Raises:
        ValueError: if a shape does not fit; the message names the argument.
    """
    from IPython.display import display

    page = hierarchy_html(
        edge_index, assignments, alt, positions=positions, names=names, colors=colors
    )
    display({"text/html": page, "text/plain": alt}, raw=True)


def hierarchy_html(
    edge_index: Array,
    assignments: Sequence[Array],
    alt: str,
    *,
    positions: Array | None = None,
    names: Sequence[str] | None = None,
    colors: Sequence[Sequence[int]] | None = None,
) -> str:
    """The HTML of :func:`hierarchy`; without scripts its level 0 still shows.

    >>> page = hierarchy_html([[0, 1], [1, 0]], [[[1, 0], [0, 1]]], "a pair")
    >>> page.count("data-level="), page.count("data-text=")
    (2, 4)
    """
    check_text("alt", alt)
    steps = _steps(assignments)
    n = len(steps[0])
    edges = edges_of(edge_index, n)
    place = layout(edges, n) if positions is None else array("positions", positions)
    check_shape("positions", place, (n, 2))
    if names is not None and len(names) != n:
        raise ValueError(f"names: expected {n} texts, got {len(names)}")
    colors = level_colors(steps) if colors is None else colors
    if [len(level) for level in colors] != [step.shape[1] for step in steps]:
        raise ValueError("colors: expected one number a cluster, for every level")

    adj = np.zeros((n, n))
    np.add.at(adj, tuple(edges), 1.0)
    place = _inside(fitted(place), np.full(n, _node_size(n)), gap=2)
    drawn = [
        _Level(level, place, adj, steps, names, colors)
        for level in range(len(steps) + 1)
    ]
    background = lines(place, adj, 1.2) + "".join(
        circle(at, 4, f'fill="{PLAIN}" stroke="#A3ABB5" data-ghost=""') for at in place
    )
    groups = []
    for level, what in enumerate(drawn):
        behind = background if level else lines(place, adj, 1.2, "#7A828C")
        hidden = ' style="display:none"' if level else ""
        groups.append(
            f'<g data-level="{level}" data-caption="{html.escape(what.caption)}"'
            f"{hidden}>{behind}{what.svg()}</g>"
        )
    fields = {
        "ALT": html.escape(alt),
        "LEVELS": "".join(groups),
        "CAPTION": html.escape(drawn[0].caption),
        "LAST": str(len(steps)),
        "HELP": HELP,
        "WIDTH": str(WIDTH),
        "HEIGHT": str(HEIGHT),
        "PAPER": PAPER,
        "PLAIN": PLAIN,
        "INK": INK,
    }
    return fill(TEMPLATE, fields) + behaviour("levels")


def level_colors(assignments: Sequence[Array]) -> list[list[int]]:
    """The number of the colour of each cluster, so that colours lead through levels.

    On the first level cluster c wears colour c. Above it a cluster inherits the colour
    of the cluster that brings most nodes into it, as far as that is not taken.

    Args:
        assignments: S of every level, finest first, of one graph or of many joined;
            see :func:`hierarchy`.

    >>> level_colors([[[1, 0, 0], [0, 0, 1], [0, 0, 1]], [[0, 1], [1, 0], [1, 0]]])
    [[0, 1, 2], [2, 0]]
    """
    steps = _steps(assignments)
    masses, colors = steps[0].sum(0), [list(range(steps[0].shape[1]))]
    for step in steps[1:]:
        brought = masses[:, None] * step  # nodes that come from c into d
        own: dict[int, int] = {}
        below = colors[-1]
        for c, d in zip(
            *np.unravel_index(np.argsort(-brought, None, "stable"), brought.shape),
            strict=True,
        ):
            if d not in own and below[c] not in own.values():
                own[int(d)] = below[c]
        free = iter(i for i in range(max(below) + 99) if i not in own.values())
        colors.append([own[d] if d in own else next(free) for d in range(len(step.T))])
        masses = masses @ step
    return colors


class _Level:
    """The discs of one level: the nodes at level 0, the clusters in use above it."""

    def __init__(self, level, place, adj, steps, names, colors):
        whole = np.eye(len(place))
        for step in steps[:level]:
            whole = whole @ step  # whole[i, c]: how much of node i is in cluster c
        n, masses, coarse = len(place), whole.sum(0), whole.T @ adj @ whole
        self.kept = [c for c in range(len(masses)) if masses[c] >= UNUSED * n]
        self.adj = coarse[np.ix_(self.kept, self.kept)]
        self.level, self.caption = level, _caption(level, len(self.kept), len(masses))
        top = level == len(steps)
        self.next_colors = [] if top else colors[level]
        self.discs = []
        for c in self.kept:
            shares = np.zeros(0) if top else steps[level][c]
            if level:
                at, radius = (
                    whole[:, c] @ place / masses[c],
                    14 + 26 * (masses[c] / n) ** 0.5,
                )
                color, number = cluster_color(colors[level - 1][c]), str(c)
                text = f"cluster {c} of level {level}: {masses[c]:.1f} of {n} nodes, "
                text += f"edge mass inside {coarse[c, c]:.1f}"
                text += "" if top else f"; level {level + 1}{_memberships(shares)}"
            else:
                at, radius, color, number = place[c], _node_size(n), None, ""
                text = f"node {c}" + (f" ({names[c]})" if names is not None else "")
                text += _climb(shares, steps[1:])
            members = whole[:, c] if level else np.zeros(0)
            self.discs.append(Disc(at, radius, shares, color, number, text, members))
        if level:
            self._spread()

    def _spread(self) -> None:
        places = np.array([disc.at for disc in self.discs])
        radii = np.array([disc.radius for disc in self.discs])
        places = _inside(places, radii, gap=6)
        pairs = zip(self.discs, places, strict=True)
        self.discs = [disc._replace(at=at) for disc, at in pairs]

    def svg(self) -> str:
        between = ""
        if self.level and len(self.discs):
            place = np.array([disc.at for disc in self.discs])
            between = lines(place, self.adj, 9, "#8A93A0")
        discs = (self._disc(disc, i == 0) for i, disc in enumerate(self.discs))
        return between + "".join(discs)

    def _disc(self, disc: Disc, first: bool) -> str:
        inner, extra = pie(disc.at, disc.radius, disc.shares, self.next_colors), ""
        if disc.color is not None:
            core = disc.radius * (0.72 if len(disc.shares) else 1)
            inner += circle(disc.at, core, f'fill="{disc.color}" stroke="{PAPER}"')
            x, y = disc.at
            inner += (
                f'<text x="{x:.0f}" y="{y:.0f}" dy=".35em" text-anchor="middle" '
                f'font-size="13" font-weight="bold" fill="{ink_on(disc.color)}" '
                f'aria-hidden="true">{disc.number}</text>'
            )
            members = [round(100 * share) for share in disc.members.tolist()]
            extra = f' data-color="{disc.color}" data-members="{members}"'
        rim = circle(disc.at, disc.radius, f'fill="{PAPER}" stroke="{INK}"')
        text = html.escape(disc.text)
        return (
            f'<g role="img" tabindex="{0 if first else -1}" aria-label="{text}" '
            f'data-text="{text}"{extra}>{rim}{inner}</g>'
        )


def _node_size(n: int) -> float:
    return min(15, 110 / n**0.5)


def _inside(places: np.ndarray, radii: np.ndarray, gap: float) -> np.ndarray:
    """The places of discs that do not overlap, all inside the drawing."""
    low = np.repeat(radii[:, None] + 2, 2, axis=1)
    return apart(places, radii, gap, (low, [WIDTH, HEIGHT] - low))


def _steps(assignments: Sequence[Array]) -> list[np.ndarray]:
    """The assignments as checked matrices [n, k1], [k1, k2], …"""
    if not len(assignments):
        raise ValueError("assignments: expected S of at least one level, got none")
    steps: list[np.ndarray] = []
    for level, step in enumerate(assignments):
        matrix = array("assignments", step)
        if matrix.ndim == 3 and len(matrix) == 1:
            matrix = matrix[0]
        matrix = shares_of("assignments", matrix)
        if steps and len(matrix) != steps[-1].shape[1]:
            raise ValueError(
                f"assignments: level {level + 1} has {len(matrix)} rows, expected one "
                f"for each of the {steps[-1].shape[1]} clusters below it"
            )
        steps.append(matrix)
    return steps


def _caption(level: int, used: int, clusters: int) -> str:
    if not level:
        return f"level 0: the graph, {used} nodes, each a pie of its clusters"
    rest = "" if used == clusters else f", {clusters - used} all but empty"
    return f"level {level}: {used} of {clusters} clusters in use{rest}"


def _climb(shares: np.ndarray, steps: Sequence[np.ndarray]) -> str:
    """A node's memberships on every level, one after the other."""
    text = f": level 1{_memberships(shares)}"
    for level, step in enumerate(steps, start=2):
        shares = shares @ step
        text += f"; level {level}{_memberships(shares)}"
    return text


def _memberships(shares: np.ndarray) -> str:
    """ " cluster 2 71 %, …", the largest first; what is under 5 % together."""
    order = [c for c in np.argsort(-shares, kind="stable") if shares[c] >= 0.05]
    parts = [f"cluster {c} {100 * shares[c]:.0f} %" for c in order]
    rest = 1 - sum(shares[c] for c in order)
    if rest >= 0.005:
        parts.append(f"others {100 * rest:.0f} %")
    return " " + ", ".join(parts)
