"""Graph kernels with a support vector machine: four rows of the paper's Table 1.

Each kernel here counts parts of a graph, φ(G), and compares the counts of two graphs:

    graphlet        connected subgraphs of three nodes, with their labels
    shortest-path   pairs of nodes: both labels and the distance between them
    1-wl            colours of the Weisfeiler-Lehman refinement, iterations 0 … h
    wl-oa           the same colours, matched one to one

    K(G, G') = φ(G)·φ(G') / √(φ(G)·φ(G)  φ(G')·φ(G'))

So a kernel matrix is one sparse product ΦΦᵀ, exact and the same at every run. It holds
for the optimal assignment too: its kernel Σ_c min(φ_c(G), φ_c(G')) is the product of
rows that write every count c as c ones. GraKeL computes the same matrices; the tests
compare them, and nothing here needs it.

Node labels are the columns of a one-hot `x`. Where `x` is the one-hot degree, which
`load_dataset` gives data sets without labels, all nodes count as alike: the degree is
structure, which the kernels see for themselves. Edges are taken as undirected and
simple: directions, weights, self-loops, duplicates and attributes are not read.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import factorial

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack
from scipy.sparse.csgraph import shortest_path
from sklearn.svm import SVC
from torch import Tensor

from dpcore.graphs import SparseGraphs

ITERATIONS = 5
"""Most iterations of the Weisfeiler-Lehman refinement; 0 … 5 are candidates."""

PENALTIES = tuple(10.0**power for power in range(-3, 4))
"""Candidates for C of the support vector machine: 10⁻³ … 10³."""

SOURCES = 256
"""Nodes whose distances are held at a time: a graph of 6000 has 36 million pairs."""


@dataclass(frozen=True)
class LabelledGraphs:
    """What the kernels read of a data set.

    Attributes:
        adjacency: undirected, simple, block-diagonal [N, N].
        labels: of the nodes [N], numbered from 0 without gaps.
        ptr: first node of every graph and the end, [B + 1].
    """

    adjacency: csr_array
    labels: NDArray[np.int64]
    ptr: NDArray[np.int64]

    @property
    def graph_of_node(self) -> NDArray[np.int64]:
        """The graph of every node, [N]."""
        return np.repeat(np.arange(len(self.ptr) - 1), np.diff(self.ptr))

    @property
    def blocks(self):
        """Adjacency [n, n] and labels [n] of one graph after the other."""
        for start, end in zip(self.ptr[:-1], self.ptr[1:], strict=True):
            yield self.adjacency[start:end, start:end], self.labels[start:end]


def gram(
    name: str, graphs: SparseGraphs | Sequence, iterations: int | None = None
) -> NDArray[np.float64]:
    """The kernel matrix of all graphs [B, B], float64, with ones on the diagonal.

    Graphs without any part to count (of one node, say) are alike, and like no other.
    The matrix is kept until two others were asked for, so that the folds of a
    cross-validation share it.

    Args:
        name: a name in `KERNELS`.
        graphs: at least two: a data set, a list of PyG `Data`, or `SparseGraphs`,
            with one-hot node labels for `x`.
        iterations: h of the Weisfeiler-Lehman kernels, 0 … 5; the default is 5. The
            other kernels have none.

    Raises:
        ValueError: for an unknown name, fewer than two graphs, an `x` that is not
            one-hot, or iterations out of range.

    >>> import dpcore
    >>> gram("1-wl", dpcore.load_dataset("MUTAG")[:3]).round(2)
    array([[1.  , 0.75, 0.74],
           [0.75, 1.  , 0.77],
           [0.74, 0.77, 1.  ]])
    """
    matrices, _ = _matrices(name, _batched(graphs))
    if iterations is None:
        iterations = len(matrices) - 1
    if not 0 <= iterations < len(matrices):
        raise ValueError(
            f"iterations is {iterations}, expected 0 … {len(matrices) - 1} for {name}"
        )
    return matrices[iterations].copy()


def run_fold(
    name: str,
    graphs: SparseGraphs | Sequence,
    split: dict[str, Tensor],
    *,
    seed: int = 0,
) -> dict:
    """Fit support vector machines on one split and measure both protocols' curves.

    The candidates: C in 10⁻³ … 10³ and, for the Weisfeiler-Lehman kernels, h in 0 … 5.
    A machine of each is fitted on `train`, and the one with the best accuracy on
    `validation` is chosen; among equals the one with fewer iterations, then the one
    with the smaller C. It is then fitted once more on `train` and `validation`: with
    no epoch to stop at, nothing else is asked of `validation`, and an SVM whose
    settings are chosen inside the training folds is trained on all of them. What the
    machine reaches that has seen `train` alone is `accuracy_of_train`.

    Args:
        name: a name in `KERNELS`.
        graphs: the whole data set, labelled, see :func:`gram`.
        split: indices `train`, `validation` and `test`, from
            :func:`dpcore.training.splits`.
        seed: changes nothing, since nothing here is random; every row is given one.

    Returns:
        The keys of :func:`dpcore.training.run_fold`, with a candidate in the place of
        an epoch: `accuracy` (of the chosen one on `test`), `validation_curve` and
        `test_curve` (of all candidates, h by h, C within; on `test` fitted once more),
        `accuracy_of_train`, `chosen` (its `C` and `iterations`), `support_vectors`,
        `seconds` (the kernel matrices' included, as if no fold had made them before)
        and `gram_seconds`. No losses, clusters or weights: 0.0, an empty list, 0
        `parameters`.

    Raises:
        ValueError: see :func:`gram`; also for graphs without labels, and a split
            without one of its parts.
    """
    batch = _batched(graphs)
    if batch.y is None:
        raise ValueError("graphs has no labels: every graph needs data.y")
    missing = {"train", "validation", "test"} - set(split)
    if missing:
        raise ValueError(f"split has no {sorted(missing)[0]!r}, only {sorted(split)}")
    matrices, gram_seconds = _matrices(name, batch)
    start = time.perf_counter()
    y = batch.y.numpy()
    train, validation, test = (
        np.asarray(split[part]) for part in ("train", "validation", "test")
    )
    both = np.sort(np.r_[train, validation])
    trials = []
    for iterations, matrix in enumerate(matrices):
        chosen_by = _accuracies(matrix, y, train, (validation, test))
        final = _accuracies(matrix, y, both, (test,))
        for penalty, known, last in zip(PENALTIES, chosen_by, final, strict=True):
            trials.append(
                dict(
                    chosen=dict(C=penalty, iterations=iterations),
                    validation=known[0],
                    of_train=known[1],
                    test=last[0],
                    support_vectors=last[-1],
                )
            )
    best = max(trials, key=lambda trial: trial["validation"])  # the first of equals
    return dict(
        accuracy=best["test"],
        accuracy_of_train=best["of_train"],
        best_epoch=trials.index(best) + 1,
        chosen=best["chosen"],
        validation_curve=[trial["validation"] for trial in trials],
        test_curve=[trial["test"] for trial in trials],
        loss_curve=[],
        link_loss=0.0,
        entropy_loss=0.0,
        effective_clusters=[],
        parameters=0,
        support_vectors=best["support_vectors"],
        gram_seconds=gram_seconds,
        seconds=gram_seconds + time.perf_counter() - start,
    )


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


KERNELS: dict[str, Callable[[LabelledGraphs], list[csr_array]]] = {
    "graphlet": graphlets,
    "shortest-path": shortest_paths,
    "1-wl": subtrees,
    "wl-oa": assignments,
}
"""The counting functions by the names of the table's rows."""


def _known(name: str) -> str:
    if name not in KERNELS:
        raise ValueError(f"name is {name!r}, expected one of {', '.join(KERNELS)}")
    return name


def _batched(graphs: SparseGraphs | Sequence) -> SparseGraphs:
    if not isinstance(graphs, SparseGraphs):
        graphs = SparseGraphs.from_data_list(graphs)
    if graphs.num_graphs < 2:
        raise ValueError("graphs holds one graph, expected two or more to compare")
    return graphs.to("cpu")


def _labelled(batch: SparseGraphs) -> LabelledGraphs:
    x, ptr = batch.x.numpy(), batch.ptr.numpy()
    if not (((x == 0) | (x == 1)).all() and (x.sum(1) == 1).all()):
        raise ValueError(
            "graphs: x is not one-hot; the kernels compare node labels: load the data "
            "set without attributes, or give every node a 1 in the column of its label"
        )
    row, col = batch.edge_index.numpy()
    degree = np.bincount(row, minlength=len(x))
    labels = x.argmax(1)
    if (labels == degree.clip(max=x.shape[1] - 1)).all():
        labels = np.zeros_like(labels)  # degrees, not labels
    labels = np.unique(labels, return_inverse=True)[1]
    joined = row != col
    ends = np.ones(joined.sum()), (row[joined], col[joined])
    one_way = csr_array(ends, shape=(len(x), len(x)))
    adjacency = csr_array(one_way + one_way.T)
    adjacency.data[:] = 1
    return LabelledGraphs(adjacency, labels, ptr)


def _matrices(name: str, batch: SparseGraphs) -> tuple[list[NDArray], float]:
    """The kernel matrices, one an iteration, and the seconds that they took.

    Kept by what the graphs are, not by which object holds them: a worker of another
    process is sent a copy with every fold.
    """
    read = (batch.x, batch.ptr, batch.adjacency.crow, batch.adjacency.col)
    content = hashlib.sha256()
    for part in read:
        content.update(part.contiguous().numpy().data)
    key = (_known(name), content.hexdigest())
    if key not in _KEPT:
        start = time.perf_counter()
        total, matrices = 0.0, []
        for features in KERNELS[name](_labelled(batch)):
            total = total + (features @ features.T).toarray()
            matrices.append(_normalised(total))
        while len(_KEPT) > 1:  # those of COLLAB take 1.2 GB
            del _KEPT[next(iter(_KEPT))]
        _KEPT[key] = matrices, time.perf_counter() - start
    return _KEPT[key]


_KEPT: dict[tuple[str, str], tuple[list[NDArray], float]] = {}


def _accuracies(matrix, y, known, parts) -> list[tuple]:
    """For every penalty: the accuracy of a machine that knows the graphs `known` on
    each of `parts`, and how many support vectors it has."""
    results = []
    inside = matrix[np.ix_(known, known)]
    across = [matrix[np.ix_(part, known)] for part in parts]
    for penalty in PENALTIES:
        machine = SVC(C=penalty, kernel="precomputed").fit(inside, y[known])
        scores = [
            float((machine.predict(rows) == y[part]).mean())
            for part, rows in zip(parts, across, strict=True)
        ]
        results.append((*scores, int(machine.n_support_.sum())))
    return results


def _normalised(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    scale = np.sqrt(matrix.diagonal())
    nothing = scale == 0
    scale[nothing] = 1
    matrix = matrix / np.outer(scale, scale)
    matrix[np.ix_(nothing, nothing)] = 1
    np.fill_diagonal(matrix, 1)  # where rounding left 1 - 1e-16
    return matrix


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
    return np.bincount(place, closed.data, size**3).reshape((size,) * 3)


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
