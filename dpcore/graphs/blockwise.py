"""One pooling step on graphs too large to keep what lies between its lines.

The same S, X' = SᵀZ, A' = SᵀAS, SᵀS and entropies as in :mod:`dpcore.pooling`, block
of rows by block of rows. No other [N, k] matrix than S is made: A·S and the products
are added up as they come. The backward pass makes S once more, writes the gradient of
the scores block by block, and at last turns S itself into the gradient of Z.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, TypeGuard

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from dpcore.graphs.products import tall_product
from dpcore.graphs.sparse import SparseGraphs
from dpcore.graphs.verbs import Graphs

BLOCK = 16_384
"""Rows a block: at 64 columns 4 MB, which the allocator hands out again and again."""

LARGE = 2**23
"""Entries of S from which blocks are taken: 32 MB in float32, above which memory comes
fresh from the system, page by page, every time."""


class Step(NamedTuple):
    """What a step gives of B graphs with k clusters.

    Attributes:
        x: SᵀZ [B, k, d].
        adj: SᵀAS [B, k, k].
        gram: SᵀS [B, k, k].
        entropy: the mean over a graph's nodes of H(S_i), in nats, [B].
        assignment: S [N, k].
    """

    x: Tensor
    adj: Tensor
    gram: Tensor
    entropy: Tensor
    assignment: Tensor


def is_large(graphs: Graphs, logits: Tensor) -> TypeGuard[SparseGraphs]:
    """Whether these graphs are worth their blocks: few of them, with many nodes."""
    return (
        isinstance(graphs, SparseGraphs)
        and logits.numel() >= LARGE
        and graphs.num_nodes >= BLOCK // 4 * graphs.num_graphs
    )


def pool(z: Tensor, graphs: SparseGraphs, logits: Tensor) -> Step:
    """The step for Z [N, d] and scores [N, k], differentiable once."""
    return Step(*_Pool.apply(z, logits, graphs))


class _Pool(torch.autograd.Function):
    @staticmethod
    def forward(ctx, z: Tensor, logits: Tensor, graphs: SparseGraphs):
        ctx.save_for_backward(z, logits)
        ctx.graphs = graphs
        ctx.set_materialize_grads(False)
        s = torch.softmax(logits, -1)
        b, k, d = graphs.num_graphs, s.size(1), z.size(1)
        x, adj, gram, entropy = (
            torch.zeros(b, *shape, dtype=torch.float64, device=s.device)
            for shape in ((k, d), (k, k), (k, k), ())
        )
        for graph, start, end in _blocks(graphs):
            s_b = s[start:end]
            a_s = graphs.adjacency.block(start, end, s.dtype) @ s
            x[graph] += tall_product(s_b, z[start:end])
            adj[graph] += tall_product(s_b, a_s)
            gram[graph] += tall_product(s_b, s_b)
            entropy[graph] += torch.special.entr(s_b).sum(dtype=torch.float64)
        entropy /= graphs.sizes
        return *(total.to(s.dtype) for total in (x, adj, gram, entropy)), s

    @staticmethod
    @once_differentiable
    def backward(ctx, of_x, of_adj, of_gram, of_entropy, of_s):
        (z, logits), graphs = ctx.saved_tensors, ctx.graphs
        s = torch.softmax(logits, -1)
        of_logits = torch.empty_like(logits)
        adjacency = graphs.adjacency
        for graph, start, end in _blocks(graphs):
            s_b, of_s_b = s[start:end], torch.zeros_like(s[start:end])
            if of_s is not None:
                of_s_b += of_s[start:end]
            if of_x is not None:  # X' = SᵀZ
                of_s_b.addmm_(z[start:end], of_x[graph].T)
            if of_gram is not None:
                of_s_b.addmm_(s_b, of_gram[graph] + of_gram[graph].T)
            if of_adj is not None:  # A' = SᵀAS: A·S·Gᵀ + Aᵀ·S·G
                there = adjacency.block(start, end, s.dtype) @ s
                back = there
                if not adjacency.symmetric:
                    back = adjacency.transposed.block(start, end, s.dtype) @ s
                of_s_b.addmm_(there, of_adj[graph].T).addmm_(back, of_adj[graph])
            of_s_b -= torch.linalg.vecdot(s_b, of_s_b).unsqueeze(1)
            out = torch.mul(s_b, of_s_b, out=of_logits[start:end])
            if of_entropy is not None:  # of H = -Σ s log s through the softmax
                terms = torch.special.entr(s_b)
                terms -= s_b * terms.sum(1, keepdim=True)
                out += terms * (of_entropy[graph] / graphs.sizes[graph])
        if of_x is None or not ctx.needs_input_grad[0]:
            return None, of_logits, None
        of_z = s if s.size(1) == z.size(1) else torch.empty_like(z)
        for graph, start, end in _blocks(graphs):
            of_z[start:end] = s[start:end] @ of_x[graph]
        return of_z, of_logits, None


def _blocks(graphs: SparseGraphs) -> Iterator[tuple[int, int, int]]:
    """(graph, first row, end) of blocks that hold rows of one graph only."""
    ptr = graphs.ptr.tolist()
    for graph, (first, last) in enumerate(zip(ptr[:-1], ptr[1:], strict=True)):
        for start in range(first, last, BLOCK):
            yield graph, start, min(start + BLOCK, last)
