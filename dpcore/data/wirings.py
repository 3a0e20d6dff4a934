"""Graphs whose class is the wiring of more communities than there are colours.

Six communities, each joined to three others: as a prism (two triangles and three
links between them) or as houses and wells (K₃,₃, no triangle). Every graph is
connected, every node has four neighbours, every community has as many nodes and as
many bridges. There are 70 wirings of six named communities, 60 prisms and 10 of the
other, so that some can be kept out of training (:func:`wirings`).

Four colours do not name six communities. With "blends" each two colours share one,
half of its nodes each, most edges inside it join one colour to the other, and every
graph has exactly as many edges between each two colours as every other. With "tags" a
node has a colour (three), a shade (two) and a stamp (six): colour and shade together
name the community, the stamp says nothing.
"""

from __future__ import annotations

from itertools import combinations, permutations
from typing import NamedTuple

import numpy as np
import torch
from torch_geometric.data import Data

from dpcore.data.synthetic import DEGREE

CLASSES = ("prism", "wells")
FEATURES = {"blends": 4, "tags": 3 + 2 + 6}
"""What nodes carry, and how many numbers that is."""

BLENDS = ((0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3))
"""The two colours of every community, half of its nodes each."""

EACH = 20
"""Edges between each two colours, for every 12 nodes of a community."""

MOST = 4
"""Bridges a link, in twelfths of a community's nodes, up to which blends of every graph
can be given the same number of edges between each two colours."""

TRIES = 100
"""Ways to join the same bridge ends before other ends are drawn."""

Wiring = frozenset[tuple[int, int]]


class Wirings(NamedTuple):
    """The 70 wirings, cut in three: a part has both classes, and shares no wiring."""

    train: tuple[list[Wiring], list[Wiring]]
    validation: tuple[list[Wiring], list[Wiring]]
    test: tuple[list[Wiring], list[Wiring]]


def wirings(seed: int = 0) -> Wirings:
    """Prisms and wells for training (36 and 6), validation and test (12 and 2 each).

    >>> [(len(prisms), len(wells)) for prisms, wells in wirings()]
    [(36, 6), (12, 2), (12, 2)]
    """
    rng = np.random.default_rng(seed)
    parts: list = [[], [], []]
    for links in (_prisms(), _wells()):
        mixed = [links[i] for i in rng.permutation(len(links))]
        fifth = len(links) // 5
        cut = mixed[2 * fifth :], mixed[:fifth], mixed[fifth : 2 * fifth]
        for part, own in zip(parts, cut, strict=True):
            part.append(own)
    return Wirings(*map(tuple, parts))


def draw(
    part: tuple[list[Wiring], list[Wiring]],
    count: int,
    size: int = 12,
    bridges: int = 2,
    noise: float = 0.0,
    features: str = "blends",
    seed: int = 0,
) -> list[Data]:
    """Labelled graphs, prism (0) and wells (1) in turn.

    Args:
        part: the wirings that may occur, of :func:`wirings`.
        count: graphs, an even number.
        size, bridges, noise, features: see :func:`wired`.
        seed: other seeds give other graphs.

    >>> graphs = draw(wirings().train, count=4)
    >>> [int(graph.y) for graph in graphs], graphs[0].num_nodes
    ([0, 1, 0, 1], 72)
    """
    if count < 2 or count % 2:
        raise ValueError(f"count is {count}, expected an even number, 2 or more")
    graphs = []
    for i in range(count):
        rng = np.random.default_rng([seed, i])
        own = part[i % 2]
        links = own[rng.integers(len(own))]
        graph = wired(links, size, bridges, noise, features, rng)
        graph.y = torch.tensor([i % 2])
        graphs.append(graph)
    return graphs


def wired(
    links: Wiring,
    size: int = 12,
    bridges: int = 2,
    noise: float = 0.0,
    features: str = "blends",
    rng: np.random.Generator | None = None,
) -> Data:
    """One connected graph: 6 communities of `size` nodes, every node with 4 neighbours.

    Args:
        links: pairs of communities that are joined, nine, three at each.
        size: nodes a community, a multiple of 12.
        bridges: edges a link for every 12 nodes, 2, 4, 8 or 12. At 2, one end in eight
            is a bridge's and edges show the communities; at 12, three in four are and
            edges hide them.
        noise: the share of bridges that are cut and joined again at random, degrees
            and the bridge ends of every community unchanged.
        features: "blends" (four colours) or "tags" (colour, shade and stamp).
        rng: of NumPy; the default draws other graphs each time.

    Returns:
        A graph with `x` (see FEATURES), `edge_index` and `community` [n].

    Raises:
        ValueError: for another size, number of bridges, noise or features; blends with
            more bridges than 4, which cannot be balanced.

    >>> graph = wired(wirings().train[0][0])
    >>> graph.num_nodes, graph.num_edges // 2, graph.num_features
    (72, 144, 4)
    """
    _check(size, bridges, noise, features)
    rng = np.random.default_rng() if rng is None else rng
    each = bridges * size // 12
    half = size // 2
    while True:
        left, right = _ends(sorted(links), size, each, rng)
        for _ in range(TRIES):
            across = _joined(left, right, size, noise, rng)
            crossings: list[int] | None = [0] * 6
            if features == "blends":
                crossings = _crossings(across, size, DEGREE * half - 3 * each // 2)
            if crossings is not None and _simple(across, size):
                break
        else:
            continue
        inner = DEGREE - np.bincount(across.ravel(), minlength=6 * size)
        inside = [
            c * size + _crossed(_inside(own, rng), crossings[c], half, rng)
            for c, own in enumerate(inner.reshape(6, size))
        ]
        edges = np.concatenate([across, *inside])
        if _connected(edges, 6 * size):
            x = _colours(size) if features == "blends" else _tags(size, rng)
            return _data(edges, x, size, rng)


def _check(size: int, bridges: int, noise: float, features: str) -> None:
    if size < 12 or size % 12:
        raise ValueError(f"size is {size}, expected a multiple of 12")
    if bridges not in (2, 4, 8, 12):
        raise ValueError(f"bridges is {bridges}, expected 2, 4, 8 or 12")
    if not 0 <= noise <= 1:
        raise ValueError(f"noise is {noise}, expected a share between 0 and 1")
    if features not in FEATURES:
        names = ", ".join(FEATURES)
        raise ValueError(f"features is {features!r}, expected one of {names}")
    if features == "blends" and bridges > MOST:
        raise ValueError(
            f"bridges is {bridges}, expected at most {MOST} with blends: with more, "
            "their colours cannot be balanced; take features='tags'"
        )


def _prisms() -> list[Wiring]:
    found = set()
    for first in combinations(range(1, 6), 2):
        one = (0, *first)
        other = [c for c in range(6) if c not in one]
        for rungs in permutations(other):
            found.add(
                _wiring(
                    *combinations(one, 2),
                    *combinations(other, 2),
                    *zip(one, rungs, strict=True),
                )
            )
    return sorted(found, key=sorted)


def _wells() -> list[Wiring]:
    found = []
    for first in combinations(range(1, 6), 2):
        one = (0, *first)
        other = [c for c in range(6) if c not in one]
        found.append(_wiring(*((a, b) for a in one for b in other)))
    return sorted(found, key=sorted)


def _wiring(*pairs: tuple[int, int]) -> Wiring:
    return frozenset((min(pair), max(pair)) for pair in pairs)


def _ends(
    links: list, size: int, each: int, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Where the bridges of every link end, [links, each] twice.

    The first half of a community's nodes are of its first colour: half of the bridges
    end there, and edges inside join one half to the other."""
    half = size // 2
    ends = []
    for c in range(6):
        sides = []
        for side in (0, half):
            times, extra = divmod(3 * each // 2, half)
            order = rng.permutation(half) + side + c * size
            sides.append(np.concatenate([np.tile(order, times), order[:extra]]))
        ends.append(_spread(np.concatenate(sides), each, rng))
    left = np.array([ends[a].pop() for a, b in links])
    right = np.array([ends[b].pop() for a, b in links])
    return left, right


def _joined(
    left: np.ndarray, right: np.ndarray, size: int, noise: float, rng
) -> np.ndarray:
    """The bridges of every link, joined at random, a share of them once more."""
    bridges = np.stack([left, rng.permuted(right, axis=1)], -1).reshape(-1, 2)
    moved = rng.permutation(len(bridges))[: round(noise * len(bridges))]
    bridges[moved, 1] = bridges[rng.permutation(moved), 1]
    return bridges


def _spread(ends: np.ndarray, each: int, rng: np.random.Generator) -> list:
    """A community's bridge ends, `each` for each of three links, none twice in one."""
    while True:
        cut = rng.permutation(ends).reshape(3, each)
        if all(len(set(part)) == each for part in cut.tolist()):
            return list(cut)
        if each * 3 == len(ends) and len(set(ends)) == each:  # all nodes, three times
            return [rng.permutation(np.unique(ends)) for _ in range(3)]


def _inside(degrees: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A random simple graph with these degrees from one half of the nodes to the
    other, [m, 2]: stubs are joined one after the other, from the start again where
    none fits."""
    half = len(degrees) // 2
    nodes = np.arange(len(degrees))
    while True:
        left = nodes[:half].repeat(degrees[:half]).tolist()
        right = rng.permutation(nodes[half:].repeat(degrees[half:])).tolist()
        pairs: set = set()
        for u in left:
            fits = [i for i, v in enumerate(right) if (u, v) not in pairs]
            if not fits:
                break
            pairs.add((u, right.pop(fits[rng.integers(len(fits))])))
        else:
            return np.array(sorted(pairs))


def _crossed(
    pairs: np.ndarray, times: int, half: int, rng: np.random.Generator
) -> np.ndarray:
    """Two edges a–b and c–d from one half to the other become a–c and b–d: as often as
    it says, degrees unchanged."""
    edges = {(int(a), int(b)) for a, b in pairs}
    while times:
        from_one = sorted(edge for edge in edges if edge[0] < half <= edge[1])
        i, j = rng.permutation(len(from_one))[:2]
        (a, b), (c, d) = from_one[i], from_one[j]
        new = {(min(a, c), max(a, c)), (min(b, d), max(b, d))}
        if a != c and b != d and not new & edges:
            edges = edges - {from_one[i], from_one[j]} | new
            times -= 1
    return np.array(sorted(edges))


def _simple(bridges: np.ndarray, size: int) -> bool:
    """No bridge twice, none inside a community."""
    pairs = {(min(pair), max(pair)) for pair in bridges.tolist()}
    owner = bridges // size
    return len(pairs) == len(bridges) and bool((owner[:, 0] != owner[:, 1]).all())


def _connected(edges: np.ndarray, nodes: int) -> bool:
    label = np.arange(nodes)
    while True:
        low = label.copy()
        np.minimum.at(low, edges[:, 0], label[edges[:, 1]])
        np.minimum.at(low, edges[:, 1], label[edges[:, 0]])
        if (low == label).all():
            return bool((label == 0).all())
        label = low


def _tags(size: int, rng: np.random.Generator) -> np.ndarray:
    community = np.arange(6 * size) // size
    stamp = np.concatenate([rng.permutation(size) % 6 for _ in range(6)])
    parts = np.eye(3)[community % 3], np.eye(2)[community // 3], np.eye(6)[stamp]
    return np.concatenate(parts, 1)


def _colours(size: int) -> np.ndarray:
    return np.eye(4)[np.repeat(np.array(BLENDS), size // 2, axis=1).ravel()]


def _crossings(bridges: np.ndarray, size: int, inner: int) -> list[int] | None:
    """How often edges inside every community must be crossed, so that a graph has 20
    edges for every 12 nodes of a community between each two colours; None where that
    cannot be."""
    colour = np.repeat(np.array(BLENDS), size // 2, axis=1).ravel()
    low, high = np.sort(colour[bridges], 1).T
    across = np.bincount(4 * low + high, minlength=16)
    over = [inner + int(across[4 * a + b]) - EACH * size // 12 for a, b in BLENDS]
    if any(extra < 0 or extra % 2 for extra in over):
        return None
    return [extra // 2 for extra in over]


def _data(edges: np.ndarray, x: np.ndarray, size: int, rng: np.random.Generator):
    """Tensors, with the nodes in random order."""
    community = np.arange(len(x)) // size
    place = rng.permutation(len(x))
    order = place.argsort()
    one_way = place[edges].T
    return Data(
        x=torch.from_numpy(x[order]).float(),
        edge_index=torch.from_numpy(np.concatenate([one_way, one_way[::-1]], 1)),
        community=torch.from_numpy(community[order]),
    )
