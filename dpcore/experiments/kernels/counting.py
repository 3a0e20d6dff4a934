"""Parts of labelled graphs, counted: one sparse histogram a graph, φ(G)."""

from __future__ import annotations

from math import factorial

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack
from scipy.sparse.csgraph import shortest_path

from dpcore.experiments.kernels.labelled import LabelledGraphs

ITERATIONS = 5
"""Most iterations of the Weisfeiler-Lehman refinement; 0 … 5 are candidates."""

SOURCES = 256
"""Nodes whose distances are held at a time; a graph of 6000 has 36 million pairs."""


def graphlets(graphs: LabelledGraphs) -> list[csr_array]:
    """Counts of the subgraphs that three nodes induce, joined or not, [B, F].

    All subsets of three nodes are counted, none sampled, in O(E·d + n·l³) for degree d
    and l labels. They are told apart by the edges they have, 0 to 3, and by the labels:
    of the joined two and the third for one edge, of the middle and the ends for two
    (Shervashidze et al., 2009, who count them without labels).
    """
    labels = int(graphs.labels.max()) + 1
    return [_histogram([_graphlet_codes(*block, labels) for block in graphs.blocks])]


def shortest_paths(graphs: LabelledGraphs) -> list[csr_array]:
    """Counts of (label of u, label of w, distance) over ordered pairs u ≠ w, [B, F].

    Pairs without a path between them count nothing (Borgwardt and Kriegel, 2005).
    """
    labels = int(graphs.labels.max()) + 1
    return [_histogram([_path_codes(*block, labels) for block in graphs.blocks])]


def subtrees(graphs: LabelledGraphs) -> list[csr_array]:
    """Counts of the colours of every iteration of :func:`wl_colours`: h + 1 of [B, F].

    Their products add up to the subtree kernel (Shervashidze et al., 2011).
    """
    codes = wl_colours(graphs.adjacency, graphs.labels, ITERATIONS)
    return [_counts(graphs, colours) for colours in codes]


def assignments(graphs: LabelledGraphs) -> list[csr_array]:
    """The rows of :func:`subtrees` with every count c written as c ones.

    Then φ·φ' adds up min(c, c'): the histogram intersection, which is the value of
    the best one-to-one assignment of the nodes of two graphs, with a point for every
    iteration in which their colours agree (Kriege et al., 2016).
    """
    return [_unary(counts) for counts in subtrees(graphs)]


def wl_colours(
    adjacency: csr_array, labels: NDArray[np.int64], iterations: int
) -> list[NDArray[np.int64]]:
    """The colours of the nodes after 0 … `iterations` rounds, each [N].

    One round gives two nodes the same colour if they had the same and their
    neighbours had the same colours equally often.

    >>> path = csr_array(np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]]))
    >>> wl_colours(path, np.zeros(3, int), 1)
    [array([0, 0, 0]), array([0, 1, 0])]
    """
    starts, row = adjacency.indptr, adjacency.nonzero()[0].astype(np.int64)
    rounds = [np.unique(labels, return_inverse=True)[1]]
    for _ in range(iterations):
        own = rounds[-1]
        shift = row * (int(own.max()) + 1)
        around = np.sort(shift + own[adjacency.indices]) - shift  # sorted in every row
        seen: dict[tuple[int, bytes], int] = {}
        signatures = (
            (colour, around[start:end].tobytes())
            for colour, start, end in zip(own, starts[:-1], starts[1:], strict=True)
        )
        colours = [seen.setdefault(signature, len(seen)) for signature in signatures]
        rounds.append(np.array(colours))
    return rounds


def _graphlet_codes(adjacency: csr_array, labels, num_labels: int):
    """Codes of the graphlets of one graph, and how often each occurs.

    The arrays [l, l, l] hold the ordered triples (u, v, w) of distinct nodes by their
    labels (a, b, c); l is the number of labels in this graph.
    """
    present, labels = np.unique(labels, return_inverse=True)
    size = len(present)
    x = np.eye(size)[labels]
    n, around = x.sum(0), adjacency @ x
    joined = x.T @ around  # u ~ v
    same = np.eye(size)
    pairs = (x[:, :, None] * around[:, None, :]).reshape(len(labels), -1)
    star = (pairs.T @ around).reshape(size, size, size)  # u ~ v and u ~ w
    star -= joined[:, :, None] * same  # v and w are two nodes
    triangle = _triangles(adjacency, labels, size)
    path = star - triangle  # u is in the middle
    edge = joined[:, :, None] * (n - same[:, None] - same)  # u ~ v, w is a third
    edge -= star + star.transpose(1, 0, 2) - triangle
    apart = np.multiply.outer(n, n) - np.diag(n)
    apart = apart[:, :, None] * (n - same[:, None] - same)
    apart -= edge + edge.transpose(0, 2, 1) + edge.transpose(2, 0, 1)
    apart -= path + path.transpose(1, 0, 2) + path.transpose(1, 2, 0) + triangle
    kinds = (apart, 0, 3), (edge, 0, 2), (path, 1, 3), (triangle, 0, 3)
    codes, counts = [], []
    for kind, (triples, first, last) in enumerate(kinds):
        nodes = present[np.stack(triples.nonzero())]
        nodes[first:last] = np.sort(nodes[first:last], axis=0)  # these may change place
        shape = (len(kinds), num_labels, num_labels, num_labels)
        codes.append(np.ravel_multi_index((kind, *nodes), shape))
        counts.append(triples[triples != 0] / factorial(last - first))
    return np.concatenate(codes), np.concatenate(counts)


def _triangles(adjacency: csr_array, labels, size: int) -> NDArray[np.float64]:
    """Ordered triples of nodes that are all joined, by their labels, [l, l, l].

    With A_c for the columns of A whose nodes have label c, (A_c A_cᵀ)[u, w] counts the
    nodes of label c next to both u and w; the A_c stand below one another.
    """
    row, col = (ends.astype(np.int64) for ends in adjacency.nonzero())
    nodes = len(labels)
    by_label = np.ones(len(row)), (labels[col] * nodes + row, col)
    common = csr_array(by_label, shape=(size * nodes, nodes)) @ adjacency
    closed = common.multiply(vstack([adjacency] * size)).tocoo()
    c, u = closed.row // nodes, closed.row % nodes
    place = np.ravel_multi_index((c, labels[u], labels[closed.col]), (size,) * 3)
    total = np.bincount(place, closed.data, size**3).reshape((size,) * 3)
    return total  # type: ignore[return-value]  # numpy's stub: floats, with weights


def _path_codes(adjacency: csr_array, labels, num_labels: int):
    """Codes of the shortest paths of one graph, and how often each occurs."""
    present, labels = np.unique(labels, return_inverse=True)
    size = len(present)
    codes, counts = [], []
    for start in range(0, len(labels), SOURCES):
        sources = np.arange(start, min(start + SOURCES, len(labels)))
        distance = shortest_path(adjacency, unweighted=True, indices=sources)
        u, w = ((distance > 0) & np.isfinite(distance)).nonzero()
        length = distance[u, w].astype(np.int64)
        count = np.bincount((length * size + labels[sources[u]]) * size + labels[w])
        found = count.nonzero()[0]
        length, ends = found // size**2, (found // size % size, found % size)
        codes.append((length * num_labels + present[ends[0]]) * num_labels)
        codes[-1] += present[ends[1]]
        counts.append(count[found])
    return np.concatenate(codes), np.concatenate(counts)


def _histogram(per_graph: list[tuple[NDArray, NDArray]]) -> csr_array:
    """[B, F] from the codes and counts of every graph."""
    rows = []
    for codes, counts in per_graph:
        found, place = np.unique(codes, return_inverse=True)
        rows.append((found, np.bincount(place, counts, len(found))))
    codes = np.concatenate([found for found, _ in rows])
    counts = np.concatenate([count for _, count in rows])
    columns, place = np.unique(codes, return_inverse=True)
    starts = np.cumsum([0, *(len(found) for found, _ in rows)])
    return csr_array((counts, place, starts), shape=(len(rows), len(columns)))


def _counts(graphs: LabelledGraphs, colours: NDArray[np.int64]) -> csr_array:
    ends = graphs.graph_of_node, colours
    shape = (len(graphs.ptr) - 1, int(colours.max()) + 1)
    counts = csr_array((np.ones(len(colours)), ends), shape=shape)
    counts.sum_duplicates()
    return counts


def _unary(counts: csr_array) -> csr_array:
    """Every count c as c ones, in columns that belong to its old one."""
    times = counts.data.astype(np.int64)
    largest = np.zeros(counts.shape[1], dtype=np.int64)
    np.maximum.at(largest, counts.indices, times)
    first = np.r_[0, largest.cumsum()]
    ends = times.cumsum()
    place = np.arange(times.sum()) - np.repeat(ends - times, times)
    columns = np.repeat(first[counts.indices], times) + place
    starts = np.r_[0, ends][counts.indptr]
    shape = (counts.shape[0], int(first[-1]))
    return csr_array((np.ones(len(columns)), columns, starts), shape=shape)
