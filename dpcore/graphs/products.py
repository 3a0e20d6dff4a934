"""Sums and products S_gᵀ·H_g over the nodes of every graph g of a disjoint union."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from dpcore.graphs.csr import Csr, Rows, offsets

CHUNK = 32
"""Nodes a chunk in `SparseGraphs.contract`: at most one part-filled chunk a graph."""

LARGE = 128
"""Nodes a graph on average from which `SparseGraphs.contract` takes graph by graph."""


def membership(ptr: Tensor, batch: Tensor) -> Csr:
    """1 where a node belongs to a graph, [B, N]: times H it adds up rows by graph."""
    graphs, nodes = ptr.numel() - 1, torch.arange(batch.numel(), device=ptr.device)
    one = torch.ones(batch.numel(), device=ptr.device)
    to_graph = Rows(ptr, nodes, one, batch.numel())
    return Csr(to_graph, Rows(offsets(torch.ones_like(nodes)), batch, one, graphs))


class Chunks:
    """Every graph cut into chunks of equal length, its last one filled up with zeros.

    Attributes:
        graph: the graph of every chunk, [M].
        slots: where every node stands in the M·CHUNK rows, [N].
    """

    def __init__(self, ptr: Tensor, sizes: Tensor):
        chunks = (sizes + CHUNK - 1) // CHUNK
        self.num_graphs = sizes.numel()
        graphs = torch.arange(self.num_graphs, device=ptr.device)
        self.graph = graphs.repeat_interleave(chunks)
        first_slot = offsets(chunks)[:-1] * CHUNK
        self.slots = (first_slot - ptr[:-1]).repeat_interleave(sizes)
        self.slots += torch.arange(self.slots.numel(), device=ptr.device)

    def contract(self, s: Tensor, h: Tensor) -> Tensor:
        """S_gᵀ·H_g for every graph g: S [N, k], H [N, d] → [B, k, d].

        >>> ptr = torch.tensor([0, 2, 3])
        >>> h = torch.tensor([[1.0], [2.0], [3.0]])
        >>> Chunks(ptr, ptr.diff()).contract(h, h).flatten().tolist()
        [5.0, 9.0]
        """
        parts = self.padded(s).transpose(1, 2) @ self.padded(h)
        if self.graph.numel() == self.num_graphs:
            return parts
        total = parts.new_zeros(self.num_graphs, *parts.shape[1:])
        return total.index_add(0, self.graph, parts)

    def padded(self, h: Tensor) -> Tensor:
        """H [N, d] chunk by chunk, [M, CHUNK, d]."""
        padded = h.new_zeros(self.graph.numel() * CHUNK, h.size(1))
        return padded.index_copy(0, self.slots, h).view(-1, CHUNK, h.size(1))


class GraphProducts(torch.autograd.Function):
    """S_gᵀ·H_g for every graph g, one product after the other: S [N, k], H [N, d] and
    the graphs' sizes → [B, k, d]. The gradient needs no more than itself in memory."""

    @staticmethod
    def forward(ctx, s: Tensor, h: Tensor, sizes: list[int]) -> Tensor:
        ctx.save_for_backward(s, h)
        ctx.sizes, ctx.gram = sizes, s is h
        pairs = zip(s.split(sizes), h.split(sizes), strict=True)
        return torch.stack([tall_product(s_g, h_g) for s_g, h_g in pairs])

    @staticmethod
    @once_differentiable
    def backward(ctx, gradient: Tensor):
        s, h = ctx.saved_tensors
        if ctx.gram:  # SᵀS: its gradient is S(G + Gᵀ)
            return (
                _of_rows(h, gradient + gradient.transpose(1, 2), ctx.sizes),
                None,
                None,
            )
        of_s = _of_rows(h, gradient.transpose(1, 2), ctx.sizes)
        return of_s, _of_rows(s, gradient, ctx.sizes), None


def _of_rows(h: Tensor, matrices: Tensor, sizes: list[int]) -> Tensor:
    """H_g·M_g for every graph g: [N, d], [B, d, k] → [N, k]."""
    out = h.new_empty(h.size(0), matrices.size(2))
    for h_g, of_graph, out_g in zip(
        h.split(sizes), matrices, out.split(sizes), strict=True
    ):
        torch.mm(h_g, of_graph, out=out_g)
    return out


def tall_product(s: Tensor, h: Tensor, block: int = 256) -> Tensor:
    """SᵀH for S [N, k], H [N, d], N large: blocks of rows are multiplied, then added up
    in pairs. One product would sum a million float32 terms one after the other.

    >>> one = torch.full((100_000, 1), 0.1)
    >>> round(tall_product(one, one).item(), 2)
    1000.0
    """
    blocks = s.size(0) // block
    if blocks < 2:
        return s.transpose(0, 1) @ h
    whole = blocks * block
    rows_s = s[:whole].view(blocks, block, -1).transpose(1, 2)
    parts = rows_s @ h[:whole].view(blocks, block, -1)
    return parts.sum(0) + s[whole:].transpose(0, 1) @ h[whole:]
