"""The pooling operator of DiffPool (Ying et al., 2018) and its two losses.

Exact and never quadratic in the number of nodes: with A sparse,

    ‖A − SSᵀ‖²_F = ‖A‖²_F − 2·tr(SᵀAS) + ‖SᵀS‖²_F

needs O(E·k + n·k²) time and O(E + n·k) memory, and SᵀAS is the coarsened adjacency
that pooling computes anyway.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dpcore import blockwise
from dpcore.graphs import DenseGraphs, Graphs, SparseGraphs
from dpcore.graphs.checks import NotFinite, is_integer
from dpcore.layers import GNN

REDUCTIONS = ("rms", "frobenius")


class Pooled(NamedTuple):
    """What one pooling step gives.

    Attributes:
        x: cluster features X' = SᵀZ, [B, k, d].
        adj: coarsened adjacency A' = SᵀAS, [B, k, k].
        assignment: S, rows add up to 1, [N, k] (or [B, n, k] after a first pooling).
        link_loss: scalar, see :func:`diff_pool`.
        entropy_loss: scalar, in nats.
        clusters: clusters of every graph [B] where they differ, else None: the rows
            of x and adj after them are zero.
    """

    x: Tensor
    adj: Tensor
    assignment: Tensor
    link_loss: Tensor
    entropy_loss: Tensor
    clusters: Tensor | None = None

    @property
    def graphs(self) -> DenseGraphs:
        """The next level: the coarsened graphs as a batch."""
        return DenseGraphs(self.x, self.adj, self.clusters)


def diff_pool(
    z: Tensor,
    graphs: Graphs,
    logits: Tensor,
    reduction: str = "rms",
    clusters: Tensor | None = None,
    hard: bool = False,
) -> Pooled:
    """One pooling step: S = softmax(logits), X' = SᵀZ, A' = SᵀAS, and both losses.

    Args:
        z: embeddings Z [N, d] (for `DenseGraphs`: [B, n, d]).
        graphs: the batch, `SparseGraphs` or `DenseGraphs`.
        logits: scores [N, k] before the softmax, k ≥ 1; -inf closes a cluster to a
            node, as long as one stays open. k may exceed the number of nodes.
        reduction: how a graph's link loss is scaled. "rms":
            sqrt(‖A − SSᵀ‖²_F / n²), the root mean square of an entry, which does
            not grow with the graph. "frobenius": the paper's ‖A − SSᵀ‖_F.
        clusters: how many of the k clusters each graph may use, [B] integers in
            1 … k; the others are closed to its nodes and do not count as nodes one
            level up. None: all k for every graph. See :func:`clusters_of_ratio`.
        hard: put every node wholly into its likeliest cluster. S is the one-hot argmax
            of the logits, and passes gradients as if it were the softmax
            (straight-through: Bengio, Léonard and Courville, 2013). The link loss is
            that of the one-hot S; the entropy loss that of the softmax behind it,
            since the one-hot S has none.

    Returns:
        :class:`Pooled`. link_loss is the mean over the graphs; entropy_loss the mean
        over the graphs of the mean over a graph's nodes of H(S_i), in nats. A graph's
        part never depends on padding, on the rest of the batch or on node order.
        Where the three terms of the link loss cancel, near a perfect clustering, they
        are computed once more in float64.

    Raises:
        ValueError: for wrong shapes, NaN or infinite values in z, NaN or +inf in
            logits, a row of logits without an open cluster, an unknown reduction,
            clusters outside 1 … k.

    Source: Ying et al. (2018), equations 3 to 6 and section 3.3.

    >>> from dpcore import SparseGraphs
    >>> edges = torch.tensor([[0, 1, 2, 3], [1, 0, 3, 2]])
    >>> pairs = SparseGraphs.from_edge_index(torch.ones(4, 1), edges)
    >>> own = torch.tensor([[9.0, -9], [9, -9], [-9, 9], [-9, 9]])
    >>> diff_pool(pairs.x, pairs, own).adj.round()
    tensor([[[2., 0.],
             [0., 2.]]])
    """
    _check(z, graphs, logits, reduction)
    if clusters is not None:
        logits = _closed_after(clusters, graphs, logits)
    if not hard and blockwise.is_large(graphs, logits):
        return _in_blocks(z, graphs, logits, reduction, clusters)
    log_s = torch.log_softmax(logits, dim=-1)
    soft = s = graphs.only_nodes(log_s.exp())
    if hard:
        likeliest = F.one_hot(logits.argmax(-1), logits.size(-1)).to(s.dtype)
        s = graphs.only_nodes(likeliest + (soft - soft.detach()))
    x = graphs.contract(s, z)  # X' = SᵀZ
    adj = graphs.contract(s, graphs.propagate(s))  # A' = SᵀAS
    link = link_loss(graphs, s, adj, reduction)
    if link is None:
        s64 = s.double()  # exact where S is one-hot
        if not hard:
            s64 = graphs.only_nodes(torch.softmax(logits.double(), dim=-1))
        adj64 = graphs.contract(s64, graphs.propagate(s64))
        link = link_loss(graphs, s64, adj64, reduction).to(s.dtype)
    entropy = entropy_loss(graphs, soft, log_s)
    return Pooled(x, adj, s, link.mean(), entropy.mean(), clusters)


def _in_blocks(z, graphs, logits, reduction, clusters) -> Pooled:
    """The same for graphs so large that memory decides."""
    step = blockwise.pool(z, graphs, logits)
    link = _from_terms(graphs, step.adj, step.gram, reduction)
    if link is None:
        exact = blockwise.pool(z.detach()[:, :0].double(), graphs, logits.double())
        link = _from_terms(graphs, exact.adj, exact.gram, reduction).to(z.dtype)
    loss = link.mean(), step.entropy.mean()
    return Pooled(step.x, step.adj, step.assignment, *loss, clusters)


def clusters_of_ratio(graphs: Graphs, ratio: float, most: int) -> Tensor:
    """How many clusters every graph gets when it is to shrink by a ratio:
    ceil(ratio · nodes), at least 1 and at most `most`, [B].

    >>> from dpcore import DenseGraphs
    >>> sizes, adj = torch.tensor([9, 4]), torch.ones(2, 9, 9)
    >>> two = DenseGraphs(torch.ones(2, 9, 1), adj, sizes)
    >>> clusters_of_ratio(two, 0.25, most=8)
    tensor([3, 1])
    """
    wanted = (graphs.sizes.double() * ratio - 1e-9).ceil().long()  # 0.1 · 30 is 3
    return wanted.clamp(1, most)


def _closed_after(clusters: Tensor, graphs: Graphs, logits: Tensor) -> Tensor:
    """Logits with -inf in the clusters after a graph's own number."""
    k = logits.size(-1)
    if clusters.shape != graphs.sizes.shape or not is_integer(clusters):
        raise ValueError(
            f"clusters has shape {list(clusters.shape)} and dtype {clusters.dtype}, "
            f"expected [{graphs.num_graphs}] integers: one number a graph"
        )
    if int(clusters.min()) < 1 or int(clusters.max()) > k:
        raise ValueError(
            f"clusters runs from {int(clusters.min())} to {int(clusters.max())}, "
            f"expected 1 … {k}, the columns of logits"
        )
    closed = torch.arange(k, device=logits.device) >= clusters.unsqueeze(1)
    return logits.masked_fill(graphs.of_nodes(closed), -torch.inf)


def link_loss(
    graphs: Graphs, s: Tensor, adj: Tensor, reduction: str = "rms"
) -> Tensor | None:
    """‖A_g − S_gS_gᵀ‖_F of every graph [B], from S and A' = SᵀAS.

    None in float32 where some graph's terms cancel by more than a factor of ten: then
    it has to be computed in float64. There, a square smaller than its own rounding
    error counts as zero, and so does its gradient: the norm has none at a perfect fit.
    """
    return _from_terms(graphs, adj, graphs.contract(s, s), reduction)


def _from_terms(
    graphs: Graphs, adj: Tensor, gram: Tensor, reduction: str
) -> Tensor | None:
    """`link_loss` from A' = SᵀAS and SᵀS [B, k, k]."""
    dtype, fixed = adj.dtype, graphs.squared_norm()
    gram = gram.double().square().sum((1, 2))  # ‖SᵀS‖²_F = ‖SSᵀ‖²_F
    trace = adj.diagonal(dim1=1, dim2=2).double().sum(1)  # tr(SᵀAS) = ⟨A, SSᵀ⟩
    square = fixed - 2 * trace + gram
    scale = fixed + gram.detach()
    if dtype != torch.float64 and bool((square < 0.1 * scale).any()):
        return None
    above = ~(square <= 8 * torch.finfo(torch.float64).eps * scale)  # NaN stays NaN
    norm = torch.where(above, square, 1.0).sqrt() * above
    norm = norm if reduction == "frobenius" else norm / graphs.sizes
    return norm.to(dtype)


def entropy_loss(graphs: Graphs, s: Tensor, log_s: Tensor) -> Tensor:
    """The mean over a graph's nodes of H(S_i) = −Σ_j S_ij log S_ij, in nats, [B]."""
    if not _finite(log_s):
        log_s = log_s.clamp(min=-800)  # exp(-800) is 0 in float64: 0·log 0 = 0
    of_nodes = -torch.linalg.vecdot(s, log_s)
    return graphs.mean(of_nodes.double()).to(s.dtype)


def effective_clusters(graphs: Graphs, s: Tensor) -> Tensor:
    """exp of the entropy of the cluster masses of every graph, [B]: k where all
    clusters hold the same mass, 1 where one holds everything.

    >>> from dpcore import DenseGraphs
    >>> even = DenseGraphs(torch.ones(1, 4, 1), torch.ones(1, 4, 4))
    >>> effective_clusters(even, torch.eye(4).unsqueeze(0)).item()
    4.0
    """
    return effective_number(graphs.mean(s))


def effective_number(masses: Tensor) -> Tensor:
    """exp of the entropy of masses that add up to 1: [..., k] → [...]."""
    return torch.special.entr(masses).sum(-1).exp()


class DiffPool(nn.Module):
    """One DiffPool level: a GNN for Z, a GNN for S, and :func:`diff_pool`.

    Args:
        in_channels: features a node.
        hidden_channels: width of both GNNs and of the embeddings Z.
        num_clusters: k, clusters a graph gets, at least 1.
        num_layers, conv, dropout, self_loops: see :class:`dpcore.GNN`.
        reduction: see :func:`diff_pool`.
        ratio: None: every graph may use all k clusters. Otherwise a graph of n nodes
            uses ceil(ratio · n) of them, as far as there are so many.

    >>> layer = DiffPool(in_channels=3, hidden_channels=8, num_clusters=2)
    >>> edges = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
    >>> out = layer(torch.rand(3, 3), edges)  # or layer(batch)
    >>> out.x.shape, out.adj.shape
    (torch.Size([1, 2, 8]), torch.Size([1, 2, 2]))
    """

    def __init__(
        self,
        in_channels: int,
        hidden_channels: int,
        num_clusters: int,
        num_layers: int = 3,
        conv: str = "gcn",
        dropout: float = 0.0,
        self_loops: str = "add",
        reduction: str = "rms",
        ratio: float | None = None,
    ):
        super().__init__()
        if num_clusters < 1:
            raise ValueError(f"num_clusters is {num_clusters}, expected at least 1")
        if ratio is not None and not 0 < ratio <= 1:
            raise ValueError(f"ratio is {ratio}, expected 0 < ratio ≤ 1 or None")
        shared = dict(
            num_layers=num_layers, conv=conv, dropout=dropout, self_loops=self_loops
        )
        self.embed = GNN(in_channels, hidden_channels, hidden_channels, **shared)
        self.assign = GNN(in_channels, hidden_channels, num_clusters, **shared)
        self.num_clusters, self.ratio, self.reduction = num_clusters, ratio, reduction

    def forward(
        self,
        graphs: Graphs | Tensor,
        edge_index: Tensor | None = None,
        batch: Tensor | None = None,
        edge_weight: Tensor | None = None,
    ) -> Pooled:
        """`layer(batch)`, or `layer(x, edge_index, batch)` with PyG's tensors."""
        if isinstance(graphs, Tensor):
            if edge_index is None:
                raise ValueError("edge_index is missing: call layer(x, edge_index)")
            graphs = SparseGraphs.from_edge_index(
                graphs, edge_index, batch, edge_weight
            )
        z = self.embed(graphs, graphs.x)
        logits = self.assign(graphs, graphs.x)
        clusters = None
        if self.ratio is not None:
            clusters = clusters_of_ratio(graphs, self.ratio, self.num_clusters)
        return diff_pool(z, graphs, logits, self.reduction, clusters)


def _check(z: Tensor, graphs: Graphs, logits: Tensor, reduction: str) -> None:
    rows = graphs.x.shape[:-1]
    for name, tensor in (("z", z), ("logits", logits)):
        if tensor.shape[:-1] != rows or tensor.size(-1) == 0:
            expected = ", ".join(str(n) for n in rows)
            raise ValueError(
                f"{name} has shape {list(tensor.shape)}, expected [{expected}, ≥ 1]: "
                "one row a node"
            )
        if not tensor.is_floating_point():
            raise ValueError(f"{name} has dtype {tensor.dtype}, expected floats")
    if not _finite(z):
        raise NotFinite("z holds NaN or infinite values")
    largest = logits.detach().amax(-1)  # NaN where a row holds one
    if not _finite(largest):
        if largest.isneginf().any():
            raise NotFinite("logits closes every cluster (-inf) to some node")
        raise NotFinite("logits holds NaN or +inf")
    if reduction not in REDUCTIONS:
        raise ValueError(
            f"reduction is {reduction!r}, expected one of {', '.join(REDUCTIONS)}"
        )


def _finite(tensor: Tensor) -> bool:
    """Whether all values are finite: a sum that is says so at a third of the cost."""
    tensor = tensor.detach()
    return bool(tensor.sum().isfinite()) or bool(tensor.isfinite().all())
