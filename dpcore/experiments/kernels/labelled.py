"""What the kernels read of a data set: undirected, simple graphs, labels on nodes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from dpcore.graphs import SparseGraphs


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
    def blocks(self) -> Iterator[tuple[csr_array, NDArray[np.int64]]]:
        """Adjacency [n, n] and labels [n] of one graph after the other."""
        for start, end in zip(self.ptr[:-1], self.ptr[1:], strict=True):
            yield self.adjacency[start:end, start:end], self.labels[start:end]


def labelled(batch: SparseGraphs) -> LabelledGraphs:
    """The labels and the structure of a batch whose `x` is one-hot.

    Raises:
        ValueError: for an `x` that is not.
    """
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
