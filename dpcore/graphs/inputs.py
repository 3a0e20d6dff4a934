"""What layers and models are given, as a batch: dpcore's own, PyG's `Data`, tensors."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from dpcore.graphs.dense import DenseGraphs
from dpcore.graphs.sparse import SparseGraphs
from dpcore.graphs.verbs import Graphs


def as_graphs(
    x: Any,
    edge_index: Tensor | None = None,
    batch: Tensor | None = None,
    edge_weight: Tensor | None = None,
    edge_attr: Tensor | None = None,
) -> Graphs:
    """One batch out of whatever a layer is called with.

    Args:
        x: `SparseGraphs` or `DenseGraphs`, handed back as they are; or a
            `torch_geometric.data.Data` or `Batch`, of which `x`, `edge_index`, `batch`,
            `edge_weight` and `edge_attr` are read; or node features [N, f], which may
            carry gradients, with the tensors below.
        edge_index, batch, edge_weight, edge_attr: see
            :meth:`dpcore.SparseGraphs.from_edge_index`.

    Raises:
        ValueError: for tensors beside a batch that has its own, a missing `x` or
            `edge_index`, graphs without nodes, and all that `from_edge_index` refuses.

    >>> import torch
    >>> from torch_geometric.data import Data
    >>> edges = torch.tensor([[0, 1], [1, 0]])
    >>> as_graphs(Data(x=torch.eye(2), edge_index=edges))
    SparseGraphs(graphs=1, nodes=2, edges=2, features=2)
    """
    if isinstance(x, Tensor):
        if edge_index is None:
            raise ValueError("edge_index is missing: call layer(x, edge_index)")
        return _from_tensors(x, edge_index, batch, edge_weight, edge_attr)
    more = dict(
        edge_index=edge_index, batch=batch, edge_weight=edge_weight, edge_attr=edge_attr
    )
    beside = [name for name, tensor in more.items() if tensor is not None]
    if beside:
        raise ValueError(
            f"{', '.join(beside)} came beside a {type(x).__name__}, which has its own: "
            "leave them out, or pass x as a tensor"
        )
    if isinstance(x, SparseGraphs | DenseGraphs):
        return x
    if not hasattr(x, "edge_index"):
        raise ValueError(
            f"x is a {type(x).__name__}, expected node features [N, f], a PyG Data or "
            "Batch, SparseGraphs or DenseGraphs"
        )
    return _from_data(x)


def as_sparse_graphs(*inputs: Any, **tensors: Any) -> SparseGraphs:
    """The same for a model that reads graphs before any pooling.

    Raises:
        ValueError: for `DenseGraphs`, and all that :func:`as_graphs` refuses.
    """
    graphs = as_graphs(*inputs, **tensors)
    if not isinstance(graphs, SparseGraphs):
        raise ValueError(
            f"x is {graphs!r}, expected graphs before any pooling: SparseGraphs, a PyG "
            "Data or Batch, or node features [N, f]"
        )
    return graphs


def _from_data(data: Any) -> SparseGraphs:
    names = ("x", "edge_index", "batch", "edge_weight", "edge_attr")
    tensors: dict[str, Any] = {name: getattr(data, name, None) for name in names}
    for name in ("x", "edge_index"):
        if tensors[name] is None:
            raise ValueError(f"data has no {name}: set data.{name}")
    graphs = _from_tensors(**tensors)
    expected = getattr(data, "num_graphs", None)  # only a Batch knows
    if expected is not None and expected != graphs.num_graphs:
        raise ValueError(
            f"data holds {expected} graphs, but nodes of {graphs.num_graphs}: a graph "
            "without nodes cannot be pooled"
        )
    return graphs


def _from_tensors(
    x: Tensor,
    edge_index: Tensor,
    batch: Tensor | None,
    edge_weight: Tensor | None,
    edge_attr: Tensor | None,
) -> SparseGraphs:
    if edge_attr is not None:
        if edge_attr.size(0) != edge_index.size(-1):
            raise ValueError(
                f"edge_attr has {edge_attr.size(0)} rows for {edge_index.size(-1)} "
                "edges"
            )
        edge_attr = edge_attr.reshape(edge_attr.size(0), -1).to(x.dtype)
    return SparseGraphs.from_edge_index(
        x, edge_index, batch, edge_weight, edge_attr=edge_attr
    )
