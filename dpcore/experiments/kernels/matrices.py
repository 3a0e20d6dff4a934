"""Kernel matrices from histograms: K = ΦΦᵀ, normalised, made once for all folds."""

from __future__ import annotations

import hashlib
import time
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from dpcore.experiments.kernels.counting import (
    assignments,
    graphlets,
    shortest_paths,
    subtrees,
)
from dpcore.experiments.kernels.labelled import LabelledGraphs, labelled
from dpcore.graphs import SparseGraphs

KERNELS: dict[str, Callable[[LabelledGraphs], list[csr_array]]] = {
    "graphlet": graphlets,
    "shortest-path": shortest_paths,
    "1-wl": subtrees,
    "wl-oa": assignments,
}
"""The counting functions by the names of the table's rows."""


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
    matrices, _ = matrices_of(name, as_compared(graphs))
    if iterations is None:
        iterations = len(matrices) - 1
    if not 0 <= iterations < len(matrices):
        raise ValueError(
            f"iterations is {iterations}, expected 0 … {len(matrices) - 1} for {name}"
        )
    return matrices[iterations].copy()


def as_compared(graphs: SparseGraphs | Sequence) -> SparseGraphs:
    """Any collection of graphs as one batch in the memory of the CPU.

    Raises:
        ValueError: for fewer than two graphs.
    """
    if not isinstance(graphs, SparseGraphs):
        graphs = SparseGraphs.from_data_list(graphs)
    if graphs.num_graphs < 2:
        raise ValueError("graphs holds one graph, expected two or more to compare")
    return graphs.to("cpu")


def _known(name: str) -> str:
    if name not in KERNELS:
        raise ValueError(f"name is {name!r}, expected one of {', '.join(KERNELS)}")
    return name


def matrices_of(name: str, batch: SparseGraphs) -> tuple[list[NDArray], float]:
    """The kernel matrices, one an iteration, and the seconds that they took.

    Kept by what the graphs are, not by which object holds them: a worker of another
    process is sent a copy with every fold.

    Raises:
        ValueError: for an unknown name, and an `x` that is not one-hot.
    """
    read = (batch.x, batch.ptr, batch.adjacency.crow, batch.adjacency.col)
    content = hashlib.sha256()
    for part in read:
        content.update(part.contiguous().numpy().data)
    key = (_known(name), content.hexdigest())
    if key not in _KEPT:
        start = time.perf_counter()
        total, matrices = 0.0, []
        for features in KERNELS[name](labelled(batch)):
            total = total + (features @ features.T).toarray()
            matrices.append(_normalised(total))
        while len(_KEPT) > 1:  # those of COLLAB take 1.2 GB
            del _KEPT[next(iter(_KEPT))]
        _KEPT[key] = matrices, time.perf_counter() - start
    return _KEPT[key]


_KEPT: dict[tuple[str, str], tuple[list[NDArray], float]] = {}


def _normalised(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    scale = np.sqrt(matrix.diagonal())
    nothing = scale == 0
    scale[nothing] = 1
    matrix = matrix / np.outer(scale, scale)
    matrix[np.ix_(nothing, nothing)] = 1
    np.fill_diagonal(matrix, 1)  # where rounding left 1 - 1e-16
    return matrix
