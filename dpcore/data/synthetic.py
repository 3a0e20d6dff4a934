"""Graphs whose class is known to lie at one scale: communities wired in three ways.

Every graph has the same communities of the same size, the same degree at every node,
as many edges inside communities and as many between them, and the same features on
each community. Two things differ, and a question asks for one or both of them:

- the wiring: which communities are joined, "ring", "star" or "rings" (two rings);
- the pattern: where, inside its community, a mark sits, "alike", marked nodes next to
  marked ones, or "unlike".

So a model that counts nodes, edges, degrees, colours or marks is right by chance only.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch_geometric.data import Data

WIRINGS = ("ring", "star", "rings")
"""Which of the six communities are joined (all in a ring, five with one, two rings)."""

PATTERNS = ("alike", "unlike")
"""Whether marked nodes of a community stand next to marked ones, or to others."""


class Question(NamedTuple):
    """What is asked of the graphs.

    Attributes:
        wirings: those that occur.
        label: what the class is: "wiring", "pattern" or "both" (all combinations).
        colours: whether each community has a colour among the node features.
    """

    wirings: tuple[str, str]
    label: str
    colours: bool = True

    @property
    def num_classes(self) -> int:
        return 4 if self.label == "both" else 2

    @property
    def num_features(self) -> int:
        return 2 + 6 * self.colours


QUESTIONS = {
    "fine": Question(("ring", "star"), "pattern"),
    "coarse": Question(("ring", "star"), "wiring"),
    "both": Question(("ring", "star"), "both"),
    "loops": Question(("ring", "rings"), "wiring"),
    "hidden": Question(("ring", "star"), "wiring", colours=False),
}
"""What can be asked, by name. "fine", "coarse" and "both" ask the same graphs. "loops"
has one ring of six communities or two rings of three, which differ in nothing that a
community and its neighbours see. "hidden" is "coarse" without colours."""

COMMUNITIES, DEGREE = 6, 4


def ask(question: str, count: int, size: int = 12, seed: int = 0) -> list[Data]:
    """Labelled graphs for a question, every class equally often.

    Args:
        question: a name in QUESTIONS.
        count: graphs, a multiple of 4: every wiring with every pattern equally often.
        size: nodes a community, a multiple of 12; there are 6 communities.
        seed: other seeds give other graphs.

    Raises:
        ValueError: for an unknown question, or a count or size that is no such
            multiple.

    >>> graphs = ask("both", count=8)
    >>> [int(graph.y) for graph in graphs], graphs[0].num_nodes
    ([0, 1, 2, 3, 0, 1, 2, 3], 72)
    """
    if question not in QUESTIONS:
        names = ", ".join(QUESTIONS)
        raise ValueError(f"question is {question!r}, expected one of {names}")
    if count < 4 or count % 4:
        raise ValueError(f"count is {count}, expected a multiple of 4")
    asked = QUESTIONS[question]
    graphs = []
    for i in range(count):
        wiring, pattern = i // 2 % 2, i % 2
        graph = communities(
            asked.wirings[wiring],
            PATTERNS[pattern],
            size,
            np.random.default_rng([seed, i]),
        )
        if graph.x is not None and not asked.colours:
            graph.x = graph.x[:, :2]
        label = {"wiring": wiring, "pattern": pattern, "both": i % 4}[asked.label]
        graph.y = torch.tensor([label])
        graphs.append(graph)
    return graphs


def communities(
    wiring: str,
    pattern: str,
    size: int = 12,
    rng: np.random.Generator | None = None,
) -> Data:
    """One graph: 6 communities of `size` nodes, every node with 4 neighbours.

    A bridge joins two communities, and no node has more than one. There are `size`
    bridges: each link of a ring is size/6 of them; the five spokes of the star share
    them, as evenly as even numbers allow, so that every node of the hub has one.
    Which community is where is drawn, and nodes are in random order.

    Args:
        wiring: "ring" (of all six), "star", or "rings" (two of three).
        pattern: "alike": half of the nodes of each community are marked so that edges
            inside it join like with like, as far as swapping two marks at a time can
            bring it; "unlike": like with unlike.
        size: nodes a community, a multiple of 12.
        rng: of NumPy; the default draws other graphs each time.

    Returns:
        A graph with `x` [n, 8] (unmarked, marked, then the community's colour,
        one-hot), `edge_index` and `community` [n].

    Raises:
        ValueError: for an unknown wiring or pattern, or another size.

    >>> graph = communities("star", "alike")
    >>> graph.num_nodes, graph.num_edges // 2
    (72, 144)
    """
    for name, value, known in (
        ("wiring", wiring, WIRINGS),
        ("pattern", pattern, PATTERNS),
    ):
        if value not in known:
            raise ValueError(f"{name} is {value!r}, expected one of {', '.join(known)}")
    if size < 12 or size % 12:
        raise ValueError(f"size is {size}, expected a multiple of 12")
    rng = np.random.default_rng() if rng is None else rng
    free = [list(rng.permutation(size) + c * size) for c in range(COMMUNITIES)]
    inner = np.full(COMMUNITIES * size, DEGREE)
    edges = []
    for (a, b), count in _links(wiring, size, rng).items():
        for _ in range(count):
            bridge = free[a].pop(), free[b].pop()
            inner[list(bridge)] -= 1
            edges.append(bridge)
    marked = np.zeros(len(inner), dtype=bool)
    for c in range(COMMUNITIES):
        nodes = slice(c * size, (c + 1) * size)
        pairs = _simple_connected(inner[nodes], rng)
        marked[nodes] = _marks(pairs, size, pattern, rng)
        edges += [(u + c * size, v + c * size) for u, v in pairs]
    return _data(np.array(edges), marked, size, rng)


def _links(wiring: str, size: int, rng: np.random.Generator) -> dict:
    """Bridges between communities: (a, b) → how many. An even number at every one, or
    the degrees inside it could not add up."""
    seat = rng.permutation(COMMUNITIES)
    if wiring == "star":
        pairs = np.full(COMMUNITIES - 1, size // 2 // (COMMUNITIES - 1))
        pairs[: size // 2 - pairs.sum()] += 1
        spokes = 2 * rng.permutation(pairs)
        return {(seat[0], seat[i + 1]): count for i, count in enumerate(spokes)}
    step = COMMUNITIES if wiring == "ring" else COMMUNITIES // 2
    links = {}
    for i in range(COMMUNITIES):
        start = i - i % step
        links[seat[i], seat[start + (i + 1) % step]] = size // COMMUNITIES
    return links


def _simple_connected(degrees: np.ndarray, rng: np.random.Generator) -> list:
    """A random connected graph with these degrees, no loop and no double edge: stubs
    are joined one after the other, from the start again where none fits."""
    while True:
        stubs = rng.permutation(np.arange(len(degrees)).repeat(degrees)).tolist()
        near: list[set] = [set() for _ in degrees]
        while stubs:
            u = stubs.pop()
            fits = [i for i, v in enumerate(stubs) if v != u and v not in near[u]]
            if not fits:
                break
            v = stubs.pop(fits[rng.integers(len(fits))])
            near[u].add(v)
            near[v].add(u)
        else:
            reached, ahead = {0}, [0]
            while ahead:
                new = near[ahead.pop()] - reached
                reached |= new
                ahead += new
            if len(reached) == len(degrees):
                return [(u, v) for u in range(len(near)) for v in near[u] if u < v]


def _marks(pairs: list, size: int, pattern: str, rng: np.random.Generator):
    """Half of the nodes, by the best swap of two marks until none is better."""
    adj = np.zeros((size, size))
    adj[tuple(zip(*pairs, strict=True))] = 1 if pattern == "alike" else -1
    adj += adj.T
    side = rng.permutation(np.arange(size) % 2 * 2 - 1)
    while True:
        pull = side * (adj @ side)  # what a node's edges give where it stands
        gain = -pull[:, None] - pull - 2 * adj  # of swapping two that differ
        gain[side[:, None] == side] = 0
        u, v = np.unravel_index(gain.argmax(), gain.shape)
        if gain[u, v] <= 0:
            return side > 0
        side[[u, v]] = side[[v, u]]


def _data(
    edges: np.ndarray, marked: np.ndarray, size: int, rng: np.random.Generator
) -> Data:
    """Tensors, with the nodes in random order."""
    community = np.arange(len(marked)) // size
    place = rng.permutation(len(marked))  # of every node
    order = place.argsort()
    marked, community = marked[order], community[order]
    x = np.concatenate([np.eye(2)[marked.astype(int)], np.eye(6)[community]], axis=1)
    one_way = place[edges].T
    both_ways = np.concatenate([one_way, one_way[::-1]], axis=1)
    return Data(
        x=torch.from_numpy(x).float(),
        edge_index=torch.from_numpy(both_ways),
        community=torch.from_numpy(community),
    )
