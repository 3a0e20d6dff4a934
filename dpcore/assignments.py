"""Assignments that are not learned: by heavy-edge matching, and at random.

Heavy-edge matching is the clustering that Graclus coarsening (Dhillon, Guan and Kulis,
2007) is built on, and it stands here where the paper's DIFFPOOL-DET uses Graclus.
Random assignments are the control of Mesquita, Souza and Kaski (2020).

Both give, for a batch, the logits of every level: log S, -inf for a closed cluster.
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor, nn

from dpcore.graphs import SparseGraphs
from dpcore.pooling import shrunk

WL_ROUNDS = 10
"""Rounds of colour refinement behind the ties. Fixed, since a number that depended on
the graphs would make one graph's clusters depend on the others."""


class HeavyEdge(nn.Module):
    """Nested clusters by repeated heavy-edge matching: see :func:`heavy_edge`.

    Args:
        clusters: the most clusters that a graph gets at every level, finest first.
        ratio: the share of its nodes that a graph keeps at most at every level, as in
            :class:`dpcore.DiffPool`; 1: as many as there are clusters.

    >>> edges = torch.tensor([[0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2]])
    >>> path = SparseGraphs.from_edge_index(torch.ones(4, 1), edges)
    >>> [logits.exp().int().tolist() for logits in HeavyEdge([2, 1])(path)]
    [[[1, 0], [1, 0], [0, 1], [0, 1]], [[[1], [1]]]]
    """

    def __init__(self, clusters: Sequence[int], ratio: float = 1.0):
        super().__init__()
        self.clusters, self.ratio = list(clusters), ratio

    def forward(self, graphs: SparseGraphs) -> list[Tensor]:
        """log S of every level: [N, k_1], then [B, k_1, k_2], …; found once for a data
        set. Where a graph has fewer clusters than k, the last ones are empty."""
        name = f"heavy-edge/{','.join(map(str, self.clusters))}/{self.ratio}"
        ids = graphs.computed_once(
            name, lambda g: heavy_edge(g, self.clusters, self.ratio)
        )
        logits, owner = [], torch.arange(graphs.num_nodes, device=ids.device)
        shape: tuple[int, ...] = (graphs.num_nodes,)
        for level, k in enumerate(self.clusters):
            parent = ids.new_zeros(shape)
            parent.view(-1)[owner] = ids[:, level]  # equal for all nodes of a cluster
            one_hot = nn.functional.one_hot(parent, k)
            logits.append(one_hot.to(graphs.x.dtype).log())
            owner = graphs.batch * k + ids[:, level]
            shape = (graphs.num_graphs, k)
        return logits


class Random(nn.Module):
    """Assignments drawn before training and never changed.

    The logits are standard normal and pass through the softmax, as the "normal" kind
    of Mesquita, Souza and Kaski (2020). Every node of every graph draws its own row,
    theirs share one matrix whose row i serves the i-th node of each graph. A draw is
    decided by the model's seed, the graph's own edges and the node's place in its
    graph: the same graph gets the same assignments in any batch, but in another node
    order it gets others. No random assignment could avoid that.

    Args:
        clusters: clusters of every level, finest first.

    >>> edges = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
    >>> path = SparseGraphs.from_edge_index(torch.ones(3, 1), edges)
    >>> [list(logits.shape) for logits in Random([4, 2])(path)]
    [[3, 4], [1, 4, 2]]
    """

    def __init__(self, clusters: Sequence[int]):
        super().__init__()
        self.clusters = list(clusters)
        self.seed: Tensor
        self.register_buffer("seed", torch.randint(2**31, ()))
        for level in range(1, len(self.clusters)):
            coarse = torch.randn(self.clusters[level - 1], self.clusters[level])
            self.register_buffer(f"coarse_{level}", coarse)

    def reset_parameters(self) -> None:
        """Draw others."""
        self.seed.random_(2**31)
        for level in range(1, len(self.clusters)):
            getattr(self, f"coarse_{level}").normal_()

    def forward(self, graphs: SparseGraphs) -> list[Tensor]:
        """Logits of every level: [N, k_1], then [B, k_1, k_2], …; those of the nodes
        are drawn once for a data set, those of the clusters with the model."""
        seed, k = int(self.seed), self.clusters[0]
        name = f"random/{seed}/{k}"
        finest = graphs.computed_once(name, lambda g: _normal(g, k, seed))
        coarse = [
            getattr(self, f"coarse_{level}").expand(graphs.num_graphs, -1, -1)
            for level in range(1, len(self.clusters))
        ]
        return [logits.to(graphs.x.dtype) for logits in [finest, *coarse]]


def heavy_edge(
    graphs: SparseGraphs, clusters: Sequence[int], ratio: float = 1.0
) -> Tensor:
    """Nested clusters of every graph by repeated heavy-edge matching.

    One round matches clusters in pairs along edges, heaviest first, and merges each
    pair. The weight of an edge is Graclus' normalised cut, w·(1/d_i + 1/d_j), with w
    the edge mass between two clusters and d the whole edge mass at one. Rounds follow
    until a graph is down to its number of clusters; the last merges only as many pairs
    as it takes. Parts of a graph without an edge between them are merged when nothing
    else is left, smallest first. So a graph of n nodes has exactly min(n, k) clusters,
    and each is connected unless the graph has more than k parts.

    Deterministic, and a graph's clusters do not depend on the other graphs. Nor on
    node order, but for ties that nothing tells apart: equal weights are ordered by the
    colours of both ends (ten rounds of Weisfeiler-Leman from the node features),
    equal colours by node number. The colours do not see edge weights, and weights that
    are no whole numbers can tie or not by the rounding of their sums.

    Args:
        graphs: their directed edges count in both directions; edges of weight 0 or
            less join nothing.
        clusters: the most clusters that a graph gets at every level, finest first.
        ratio: the share of its nodes that a graph keeps at most at every level, as in
            :func:`dpcore.pooling.clusters_of_ratio`; 1: as many as there are clusters.

    Returns:
        The cluster of every node at every level [N, levels], 0 … k - 1, numbered in
        the order of their first nodes. A cluster's nodes stay together one level up.

    Raises:
        ValueError: without levels, for fewer than one cluster, or a ratio outside
            (0, 1].

    Source: Dhillon, Guan and Kulis (2007), with the pairs taken by weight instead of
    visiting the nodes in random order.

    >>> edges = torch.tensor([[0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2]])
    >>> path = SparseGraphs.from_edge_index(torch.ones(4, 1), edges)
    >>> heavy_edge(path, [2, 1]).T.tolist()
    [[0, 0, 1, 1], [0, 0, 0, 0]]
    """
    if not clusters or min(clusters) < 1:
        raise ValueError(f"clusters is {list(clusters)}, expected at least 1 each")
    if not 0 < ratio <= 1:
        raise ValueError(f"ratio is {ratio}, expected 0 < ratio ≤ 1")
    level, ids = _Clusters(graphs), []
    for most in clusters:
        limit = shrunk(torch.from_numpy(level.count), ratio, most).numpy()
        while (level.count > limit).any():
            level.merge(limit)
        ids.append(level.place[level.of_node])
    return torch.from_numpy(np.stack(ids, 1)).to(graphs.ptr.device)


class _Clusters:
    """All graphs' clusters on the way up, as NumPy arrays; at first, the nodes.

    of_node [N]: the cluster of every node; clusters are numbered through all graphs.
    graph, mass, nodes, colour [n]: of every cluster. count [B]: clusters of a graph.
    u < v, weight [E]: the edges between clusters.
    """

    @property
    def place(self) -> np.ndarray:
        """The number of every cluster within its graph, [n]."""
        first = self.count.cumsum() - self.count
        return np.arange(len(self.graph)) - first[self.graph]

    def __init__(self, graphs: SparseGraphs):
        n = graphs.num_nodes
        self.of_node = np.arange(n)
        self.graph = graphs.batch.cpu().numpy()
        self.count = graphs.sizes.cpu().numpy()
        self.nodes = np.ones(n, np.int64)
        self.colour = _colours(graphs)
        row, col = graphs.edge_index.cpu().numpy()
        weight = graphs.edge_weight.cpu().numpy().astype(np.float64).clip(min=0)
        self.mass = np.bincount(row, weight, n) + np.bincount(col, weight, n)
        self._set_edges(row[weight > 0], col[weight > 0], weight[weight > 0])

    def merge(self, limit: np.ndarray) -> None:
        """One round of matching in every graph that has more clusters than its limit,
        and the pairs merged: as many as it takes at most."""
        surplus = np.maximum(self.count - limit, 0)
        busy = surplus[self.graph[self.u]] > 0
        u, v = self._matching(busy)
        edges = np.bincount(self.graph[self.u], minlength=len(limit))
        more = self._smallest_pairs((surplus > 0) & (edges == 0))
        u, v = np.concatenate([u, more[0]]), np.concatenate([v, more[1]])
        wanted = _place_in_group(self.graph[u]) < surplus[self.graph[u]]
        self._contract(u[wanted], v[wanted])

    def _matching(self, busy: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The greedy matching along these edges, heaviest pair first. An edge that is
        the first at both its ends is in it whatever else is: all such edges are taken
        at once, and what touches them is dropped, until no edge is left."""
        u, v = self.u[busy], self.v[busy]
        score = self.weight[busy] * (1 / self.mass[u] + 1 / self.mass[v])
        place = self.place.astype(np.uint64)
        places = _mix(_mix(place[u]) + place[v])  # scattered: else a chain of ties
        order = np.lexsort([places, _mix(self.colour[u] + self.colour[v]), -score])
        u, v, rank = u[order], v[order], np.arange(len(order))
        taken, best = [], np.empty(len(self.graph), np.int64)
        free = np.ones(len(self.graph), bool)
        ends = u, v
        while len(rank):
            best[u] = best[v] = len(order)
            for end in (u, v):
                np.minimum.at(best, end, rank)
            top = (best[u] == rank) & (best[v] == rank)
            taken.append(rank[top])
            free[u[top]] = free[v[top]] = False
            left = free[u] & free[v]
            u, v, rank = u[left], v[left], rank[left]
        pairs = np.sort(np.concatenate([rank, *taken]))
        return ends[0][pairs], ends[1][pairs]

    def _smallest_pairs(self, apart: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Clusters of graphs without edges, in pairs; those of few nodes first."""
        alone = apart[self.graph].nonzero()[0]
        order = np.lexsort([self.colour[alone], self.nodes[alone], self.graph[alone]])
        alone = alone[order]
        place = _place_in_group(self.graph[alone])
        second = (place % 2 == 1).nonzero()[0]
        pair = np.stack([alone[second - 1], alone[second]])
        return pair.min(0), pair.max(0)

    def _contract(self, u: np.ndarray, v: np.ndarray) -> None:
        """Merge v into u for every pair; the order of the clusters stays."""
        stays = np.ones(len(self.graph), bool)
        stays[v] = False
        new = stays.cumsum() - 1
        new[v] = new[u]
        for name in ("mass", "nodes", "colour"):
            whole = getattr(self, name)
            merged = whole[stays]
            np.add.at(merged, new[v], whole[v])
            setattr(self, name, merged)
        self.of_node, self.graph = new[self.of_node], self.graph[stays]
        self.count = np.bincount(self.graph, minlength=len(self.count))
        self._set_edges(new[self.u], new[self.v], self.weight)

    def _set_edges(self, row: np.ndarray, col: np.ndarray, weight: np.ndarray) -> None:
        apart, n = row != col, len(self.graph)
        low, high = np.minimum(row, col)[apart], np.maximum(row, col)[apart]
        key, entry = np.unique(low * n + high, return_inverse=True)
        self.u, self.v = key // n, key % n
        self.weight = np.bincount(entry, weight[apart], len(key))


def _normal(graphs: SparseGraphs, k: int, seed: int) -> Tensor:
    """Standard normal numbers [N, k] on the CPU's generator, seeded graph by graph."""
    generator = torch.Generator()
    ptr, crow = graphs.ptr.cpu(), graphs.adjacency.crow.cpu()
    col = graphs.adjacency.col.cpu()
    rows = []
    for start, end in zip(ptr[:-1].tolist(), ptr[1:].tolist(), strict=True):
        degrees, ends = (
            crow[start : end + 1].diff(),
            col[crow[start] : crow[end]] - start,
        )
        edges = torch.cat([degrees, ends]).numpy().tobytes()
        generator.manual_seed(zlib.crc32(edges, seed))
        rows.append(torch.randn(end - start, k, generator=generator))
    return torch.cat(rows).to(graphs.ptr.device)


def _colours(graphs: SparseGraphs) -> np.ndarray:
    """A hash of every node's features and of its surroundings, [N] in uint64."""
    x = graphs.x.detach().cpu().to(torch.float64).numpy() + 0.0  # -0.0 becomes 0.0
    columns = _mix(np.arange(1, x.shape[1] + 1, dtype=np.uint64))
    colour = _mix((_mix(x.view(np.uint64)) * columns).sum(1, dtype=np.uint64))
    crow = graphs.adjacency.crow.cpu().numpy()
    col = graphs.adjacency.col.cpu().numpy()
    for _ in range(WL_ROUNDS):
        total = np.zeros(len(col) + 1, np.uint64)
        np.cumsum(_mix(colour)[col], out=total[1:])
        colour = _mix(3 * colour + total[crow[1:]] - total[crow[:-1]])
    return colour


def _mix(keys: np.ndarray) -> np.ndarray:
    """A bijection of 64-bit numbers that scatters neighbours: SplitMix64's."""
    keys = keys + np.uint64(0x9E3779B97F4A7C15)
    keys = (keys ^ (keys >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    keys = (keys ^ (keys >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return keys ^ (keys >> np.uint64(31))


def _place_in_group(group: np.ndarray) -> np.ndarray:
    """How many entries of its group stand before each entry, [n].

    >>> _place_in_group(np.array([3, 5, 3, 3])).tolist()
    [0, 0, 1, 2]
    """
    order = np.argsort(group, kind="stable")
    ordered = group[order]
    start = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]]))
    place = np.empty(len(group), np.int64)
    sizes = np.diff(np.append(start, len(group)))
    place[order] = np.arange(len(group)) - start.repeat(sizes)
    return place
