"""Where the nodes of a drawing go: the same places at every call."""

from __future__ import annotations

import math

import networkx as nx
import numpy as np

from dpcore.teaching.plots.style import Array, array


def layout(edge_index: Array, num_nodes: int, seed: int = 0) -> np.ndarray:
    """Positions for a drawing, the same at every call.

    Each connected component is laid out for itself and the components stand side by
    side: Kamada-Kawai, the start with the fewest crossing lines of four; springs
    above 200 nodes, where that would be slow.

    Args:
        edge_index: [2, E] node indices.
        num_nodes: how many nodes there are, isolated ones included.
        seed: of the springs that all but one start come from.

    Returns:
        [num_nodes, 2] array, centred at 0, inside the unit circle's square.

    Raises:
        ValueError: if ``edge_index`` is not [2, E] or points outside the graph.

    >>> layout([[0, 1], [1, 2]], num_nodes=3).shape
    (3, 2)
    """
    edges = edges_of(edge_index, num_nodes)
    net = nx.Graph()
    net.add_nodes_from(range(num_nodes))
    net.add_edges_from(edges.T.tolist())
    parts = sorted(nx.connected_components(net), key=lambda p: (-len(p), min(p)))
    positions, row_width = np.zeros((num_nodes, 2)), 2.6 * math.sqrt(max(num_nodes, 1))
    x = y = row_height = 0.0
    for part in parts:
        nodes, radius = sorted(part), math.sqrt(len(part))
        ordered = nx.Graph(net.subgraph(nodes).edges)
        ordered.add_nodes_from(nodes)
        place = _place(ordered, seed)
        if x and x + 2 * radius > row_width and len(parts) > 3:
            x, y, row_height = 0.0, y - row_height, 0.0
        if not x:
            y -= radius
        for node in nodes:
            positions[node] = (x + radius, y) + 0.8 * radius * place[node]
        x, row_height = x + 2 * radius, max(row_height, radius)
    for _ in range(5):  # to make room is to grow, and the square to shrink again
        if num_nodes:
            positions -= (positions.max(0) + positions.min(0)) / 2
        positions = positions / max(np.abs(positions).max(initial=0.0), 1e-9)
        if num_nodes > 200:  # as many as there are, they hide each other anyway
            return positions
        moved = apart(positions, np.full(num_nodes, node_radius(num_nodes)), 0.01)
        if np.abs(moved).max(initial=0.0) <= 1 + 1e-9:
            return moved
        positions = moved
    return positions / max(np.abs(positions).max(initial=0.0), 1e-9)


def node_radius(num_nodes: int) -> float:
    """How large a node is drawn if nobody says, where the drawing reaches from -1 to 1.

    >>> node_radius(4), round(node_radius(100), 3)
    (0.13, 0.055)
    """
    return min(0.13, 0.55 / math.sqrt(max(num_nodes, 1)))


def apart(
    places: np.ndarray,
    radii: np.ndarray,
    gap: float,
    corners: tuple[np.ndarray, np.ndarray] | None = None,
) -> np.ndarray:
    """Places of discs that hide each other no longer; others stay where they are.

    Args:
        places: [n, 2].
        radii: [n].
        gap: what stays free between two discs.
        corners: the lowest and the highest place of every disc, [n, 2] each.

    >>> apart(np.array([[0, 0], [1, 0]]), np.ones(2), 0.0).round(3).tolist()
    [[-0.5, 0.0], [1.5, 0.0]]
    """
    places, n = np.array(places, dtype=float), len(places)
    needed = radii[:, None] + radii + gap
    row, column = np.arange(n)[:, None], np.arange(n)
    turn = 2.4 * (row + column)  # a way for every two that lie on one place
    fallback = np.sign(row - column)[..., None] * np.stack(
        [np.cos(turn), np.sin(turn)], axis=-1
    )
    for _ in range(300):
        between = places[:, None] - places
        distance = np.linalg.norm(between, axis=-1)
        overlap = np.where(np.eye(n, dtype=bool), 0.0, needed - distance).clip(min=0.0)
        if overlap.max(initial=0.0) <= 1e-9:
            break
        far = distance > 1e-6
        way = between / np.where(far, distance, 1.0)[..., None]
        way = np.where(far[..., None], way, fallback)
        places += (
            way * (overlap / 2 + 1e-9)[..., None] * (overlap > 0)[..., None]
        ).sum(1)
        if corners is not None:
            places = np.clip(places, *corners)
    return places


def edges_of(edge_index: Array, num_nodes: int) -> np.ndarray:
    """``edge_index`` as [2, E] integers inside the graph."""
    edges = array("edge_index", edge_index)
    if edges.size == 0:
        return np.zeros((2, 0), dtype=int)
    if edges.ndim != 2 or len(edges) != 2:
        raise ValueError(f"edge_index: expected [2, E], got {edges.shape}")
    if edges.min() < 0 or edges.max() >= num_nodes:
        raise ValueError(
            f"edge_index: expected indices 0 to {num_nodes - 1}, "
            f"got {edges.min():.0f} to {edges.max():.0f}"
        )
    return edges.astype(int)


def _place(net: nx.Graph, seed: int) -> dict[int, np.ndarray]:
    """Positions of one connected graph, roughly inside the unit circle."""
    if len(net) > 200:
        return nx.spring_layout(net, seed=seed)
    best = nx.kamada_kawai_layout(net)
    fewest = _crossings(net, best) if 3 < net.number_of_edges() <= 200 else 0
    for start in range(seed, seed + 3):
        if not fewest:
            break
        springs = nx.spring_layout(net, seed=start)
        place = nx.kamada_kawai_layout(net, pos=springs)
        count = _crossings(net, place)
        if count < fewest:
            best, fewest = place, count
    return best


def _crossings(net: nx.Graph, place: dict[int, np.ndarray]) -> int:
    """How many pairs of lines without a common end cross."""
    ends = np.array([(i, j) for i, j in net.edges if i != j])
    index = {node: row for row, node in enumerate(place)}
    points = np.array([place[node] for node in index])
    first, last = (points[[index[i] for i in ends[:, side]]] for side in (0, 1))

    def side_of(p: np.ndarray) -> np.ndarray:  # of every line, for every point
        line, away = (last - first)[:, None], p[None] - first[:, None]
        return np.sign(line[..., 0] * away[..., 1] - line[..., 1] * away[..., 0])

    parted = side_of(first) * side_of(last) < 0
    shared = (ends[:, None, :, None] == ends[None, :, None, :]).any((2, 3))
    return int((parted & parted.T & ~shared).sum()) // 2
