"""PyG's `Data` objects, one after the other, as the tensors of a batch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypedDict

import torch
from torch import Tensor

from dpcore.graphs.csr import offsets


class Collated(TypedDict):
    """The arguments of `SparseGraphs.from_edge_index`."""

    x: Tensor
    edge_index: Tensor
    batch: Tensor
    edge_weight: Tensor | None
    y: Tensor | None
    edge_attr: Tensor | None


def collated(graphs: Sequence[Any]) -> Collated:
    """The arguments of `SparseGraphs.from_edge_index` for these graphs together.

    Raises:
        ValueError: for an empty list, a graph without nodes or features, edges that
            lead out of their graph, and graphs that do not go together.
    """
    graphs = list(graphs)
    if not graphs:
        raise ValueError("graphs is empty: a batch needs at least one graph")
    for i, graph in enumerate(graphs):
        _check(f"graphs[{i}]", graph)
    widths = {graph.x.size(1) for graph in graphs}
    if len(widths) > 1:
        raise ValueError(f"graphs differ in features a node: {sorted(widths)}")
    sizes = torch.tensor([graph.x.size(0) for graph in graphs])
    shift = offsets(sizes)
    device = graphs[0].x.device
    edge_index = torch.cat(
        [g.edge_index + int(s) for g, s in zip(graphs, shift[:-1], strict=True)],
        dim=1,
    )
    return Collated(
        x=torch.cat([graph.x for graph in graphs]),
        edge_index=edge_index,
        batch=torch.arange(len(graphs)).repeat_interleave(sizes).to(device),
        edge_weight=_concatenated(graphs, "edge_weight"),
        y=_concatenated(graphs, "y"),
        edge_attr=_edge_attributes(graphs),
    )


def summed_over_duplicates(index: Tensor, attributes: Tensor, nodes: int) -> Tensor:
    """Attributes [E, a] in the order of the coalesced entries."""
    _, entry = torch.unique(index[0] * nodes + index[1], return_inverse=True)
    entries = int(entry.max()) + 1 if entry.numel() else 0
    total = attributes.new_zeros(entries, attributes.size(1))
    return total.index_add(0, entry, attributes)


def _check(name: str, graph: Any) -> None:
    if getattr(graph, "x", None) is None:
        raise ValueError(f"{name} has no node features: set data.x [n, f]")
    if graph.x.dim() != 2 or graph.x.size(0) == 0:
        raise ValueError(
            f"{name}.x has shape {list(graph.x.shape)}, expected [n, f] "
            "with at least one node"
        )
    if getattr(graph, "edge_index", None) is None:
        raise ValueError(f"{name} has no edges: set data.edge_index [2, E]")
    edges = list(graph.edge_index.shape)
    if len(edges) != 2 or edges[0] != 2:
        raise ValueError(f"{name}.edge_index has shape {edges}, expected [2, E]")
    weight = getattr(graph, "edge_weight", None)
    if weight is not None and weight.numel() != edges[1]:
        raise ValueError(
            f"{name}.edge_weight has {weight.numel()} weights for {edges[1]} edges"
        )
    if graph.edge_index.numel() and (
        int(graph.edge_index.max()) >= graph.x.size(0)
        or int(graph.edge_index.min()) < 0
    ):
        raise ValueError(
            f"{name}.edge_index holds a node outside 0 … {graph.x.size(0) - 1}"
        )


def _edge_attributes(graphs: list) -> Tensor | None:
    """All graphs' edge attributes [E, a], or None where no graph has any."""
    for i, graph in enumerate(graphs):
        rows = getattr(graph, "edge_attr", None)
        if rows is not None and rows.size(0) != graph.edge_index.size(1):
            raise ValueError(
                f"graphs[{i}].edge_attr has {rows.size(0)} rows for "
                f"{graph.edge_index.size(1)} edges"
            )
    total = _concatenated(graphs, "edge_attr", flat=False)
    return None if total is None else total.unsqueeze(1).flatten(1).float()


def _concatenated(graphs: list, name: str, flat: bool = True) -> Tensor | None:
    found: list[Tensor | None] = [getattr(graph, name, None) for graph in graphs]
    parts = [part for part in found if part is not None]
    if not parts:
        return None
    if len(parts) < len(found):
        missing = next(i for i, part in enumerate(found) if part is None)
        raise ValueError(f"graphs[{missing}] has no {name}, but others have one")
    return torch.cat([part.view(-1) if flat else part for part in parts])
