"""What a batch of graphs must be like; each error says what came and what to do."""

from __future__ import annotations

import torch
from torch import Tensor


class NotFinite(ValueError):
    """NaN or infinite values: in the data, or of a model whose training diverged."""


INTEGERS = (torch.int32, torch.int64)


def is_integer(tensor: Tensor) -> bool:
    """Can serve as indices: not floats, not a mask (uint8 is one too, for torch)."""
    return tensor.dtype in INTEGERS


def check_features(x: Tensor) -> None:
    """Node features are finite floats [N, f] with at least one node."""
    if x.dim() != 2 or x.size(0) == 0:
        raise ValueError(
            f"x has shape {list(x.shape)}, expected [N, f] with at least one node"
        )
    if not x.is_floating_point():
        raise ValueError(f"x has dtype {x.dtype}, expected floats: use x.float()")
    if not torch.isfinite(x).all():
        raise NotFinite("x holds NaN or infinite values; features must be finite")


def checked_batch(batch: Tensor | None, x: Tensor) -> Tensor:
    """The graph of every node [N]: 0, 0, …, 1, 1, … without a gap."""
    nodes = x.size(0)
    if batch is None:
        return torch.zeros(nodes, dtype=torch.long, device=x.device)
    if batch.shape != (nodes,) or not is_integer(batch):
        raise ValueError(
            f"batch has shape {list(batch.shape)} and dtype {batch.dtype}, expected "
            f"[{nodes}] integers: the graph of every node"
        )
    steps = batch.diff()
    if int(batch[0]) != 0 or bool((steps < 0).any()) or bool((steps > 1).any()):
        raise ValueError(
            "batch must count 0, 0, …, 1, 1, … without a gap: nodes sorted by graph, "
            "and every graph with at least one node"
        )
    return batch.long()


def checked_edges(
    edge_index: Tensor, edge_weight: Tensor | None, batch: Tensor, x: Tensor
) -> Tensor:
    """The weights [E] of edges that stay inside their graphs; 1 where None."""
    if edge_index.dim() != 2 or edge_index.size(0) != 2:
        raise ValueError(
            f"edge_index has shape {list(edge_index.shape)}, expected [2, E]"
        )
    if not is_integer(edge_index):
        raise ValueError(f"edge_index has dtype {edge_index.dtype}, expected integers")
    edges = edge_index.size(1)
    if edges:
        low, high = int(edge_index.min()), int(edge_index.max())
        if low < 0 or high >= x.size(0):
            raise ValueError(
                f"edge_index holds node {low if low < 0 else high}, expected nodes in "
                f"0 … {x.size(0) - 1}"
            )
        if not torch.equal(batch[edge_index[0]], batch[edge_index[1]]):
            raise ValueError("edge_index joins nodes that batch puts in two graphs")
    if edge_weight is None:
        return torch.ones(edges, dtype=x.dtype, device=x.device)
    if edge_weight.shape != (edges,):
        raise ValueError(
            f"edge_weight has shape {list(edge_weight.shape)}, expected [{edges}]: one "
            "weight an edge"
        )
    if edge_weight.requires_grad:
        raise ValueError(
            "edge_weight requires a gradient, but edges are constants here and would "
            "get none: pass edge_weight.detach()"
        )
    if not torch.isfinite(edge_weight).all():
        raise NotFinite("edge_weight holds NaN or infinite values")
    return edge_weight.to(x.dtype)


def check_stack(num_layers: int, dropout: float) -> None:
    """Refuse a stack without layers and a dropout that leaves nothing."""
    if num_layers < 1:
        raise ValueError(f"num_layers is {num_layers}, expected at least 1")
    if not 0 <= dropout < 1:
        raise ValueError(f"dropout is {dropout}, expected 0 ≤ dropout < 1")
