"""S, X' = SᵀZ, A' = SᵀAS and the two losses, and the layer that learns S and Z."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dpcore.graphs import DenseGraphs, Graphs, SparseGraphs, as_graphs, blockwise
from dpcore.graphs.checks import NotFinite, checked_batch, is_integer
from dpcore.graphs.csr import offsets
from dpcore.graphs.products import LARGE, Chunks
from dpcore.layers import (
    GNN,
    Factory,
    check_own_stack,
    made_by,
    outside_compile,
    reads_attributes,
    reset_children,
)

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
        edge_attr: attributes of the edges between clusters [B, k, k, a], where they
            were asked for: see :func:`coarsened_attributes`.
    """

    x: Tensor
    adj: Tensor
    assignment: Tensor
    link_loss: Tensor
    entropy_loss: Tensor
    clusters: Tensor | None = None
    edge_attr: Tensor | None = None

    @property
    def graphs(self) -> DenseGraphs:
        """The coarsened graphs as a batch, the next level."""
        graphs = DenseGraphs(self.x, self.adj, self.clusters)
        graphs.edge_attr = self.edge_attr
        return graphs


def diff_pool(
    z: Tensor,
    graphs: Graphs,
    logits: Tensor,
    reduction: str = "rms",
    clusters: Tensor | None = None,
    hard: bool = False,
    edge_attr: bool = False,
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
        edge_attr: carry the edges' attributes along, where the graphs have any.

    Under autocast all of it is computed in float32.

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
    if torch.is_autocast_enabled(z.device.type):
        with torch.autocast(z.device.type, enabled=False):
            z, logits = z.float(), logits.float()
            return diff_pool(z, graphs, logits, reduction, clusters, hard, edge_attr)
    _check(z, graphs, logits, reduction)
    if clusters is not None:
        logits = _closed_after(clusters, graphs, logits)
    if not hard and blockwise.is_large(graphs, logits):
        return _in_blocks(z, graphs, logits, reduction, clusters, edge_attr)
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
        link = _in_float64(link_loss(graphs, s64, adj64, reduction)).to(s.dtype)
    entropy = entropy_loss(graphs, soft, log_s)
    attributes = coarsened_attributes(graphs, s, adj) if edge_attr else None
    return Pooled(x, adj, s, link.mean(), entropy.mean(), clusters, attributes)


def coarsened_attributes(graphs: Graphs, s: Tensor, adj: Tensor) -> Tensor | None:
    """The attributes of the edges between clusters, [B, k, k, a], or None.

    The attribute of a pair of clusters is the mean over the edges between them, each
    weighted by what it adds to A' = SᵀAS: with one-hot kinds of edges, the share of
    every kind. Zero where A' is zero. Takes O(E·k) for each attribute.

    >>> from dpcore import SparseGraphs
    >>> x, edges = torch.ones(3, 1), torch.tensor([[0, 0], [1, 2]])
    >>> kinds = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    >>> star = SparseGraphs.from_edge_index(x, edges, edge_attr=kinds)
    >>> s = torch.tensor([[1.0, 0.0], [0.0, 1.0], [0.0, 1.0]])
    >>> adj = torch.tensor([[[0.0, 2.0], [0.0, 0.0]]])
    >>> coarsened_attributes(star, s, adj)[0, 0, 1]
    tensor([0.5000, 0.5000])
    """
    if graphs.edge_attr is None:
        return None
    totals = [graphs.contract(s, part) for part in graphs.propagate_attributes(s)]
    some = (adj != 0).unsqueeze(-1)
    return torch.stack(totals, -1) / torch.where(some, adj.unsqueeze(-1), 1.0) * some


def lift(x_coarse: Tensor, s: Tensor, batch: Tensor | None = None) -> Tensor:
    """S·X': what clusters know, back at their nodes (unpooling).

    A node gets the mean of its clusters' rows, weighted by its row of S.

    Args:
        x_coarse: rows of the clusters [B, k, d]; [k, d] for a single graph.
        s: assignment S, [N, k] for the nodes of a batch, or [B, n, k] for a level that
            is dense itself: `Pooled.assignment`.
        batch: the graph of every node [N] where s is [N, k], as in
            :meth:`dpcore.SparseGraphs.from_edge_index`; None for a single graph.

    Returns:
        [N, d], or [B, n, d].

    Raises:
        ValueError: for shapes that do not go together.

    >>> s = torch.tensor([[1.0, 0.0], [0.5, 0.5]])
    >>> lift(torch.tensor([[2.0], [4.0]]), s)
    tensor([[2.],
            [3.]])
    """
    x_coarse = x_coarse.unsqueeze(0) if x_coarse.dim() == 2 else x_coarse
    fits = x_coarse.dim() == 3 and s.dim() in (2, 3) and s.size(-1) == x_coarse.size(1)
    if not fits or (s.dim() == 3 and s.size(0) != x_coarse.size(0)):
        raise ValueError(
            f"x_coarse has shape {list(x_coarse.shape)} and s {list(s.shape)}, "
            "expected [B, k, d] and [N, k] or [B, n, k]"
        )
    if s.dim() == 3:
        return s @ x_coarse
    sizes = torch.bincount(checked_batch(batch, s))
    if sizes.numel() != x_coarse.size(0):
        raise ValueError(
            f"x_coarse holds {x_coarse.size(0)} graphs, batch {sizes.numel()}: pass "
            "the batch that was pooled"
        )
    if s.size(0) >= LARGE * sizes.numel():
        parts = zip(s.split(sizes.tolist()), x_coarse, strict=True)
        return torch.cat([s_g @ x_g for s_g, x_g in parts])
    chunks = Chunks(offsets(sizes), sizes)
    rows = chunks.padded(s) @ x_coarse[chunks.graph]
    return rows.flatten(0, 1)[chunks.slots]


def _in_blocks(
    z: Tensor,
    graphs: SparseGraphs,
    logits: Tensor,
    reduction: str,
    clusters: Tensor | None,
    edge_attr: bool,
) -> Pooled:
    """The same for graphs so large that memory decides."""
    step = blockwise.pool(z, graphs, logits)
    link = _from_terms(graphs, step.adj, step.gram, reduction)
    if link is None:
        exact = blockwise.pool(z.detach()[:, :0].double(), graphs, logits.double())
        terms = _from_terms(graphs, exact.adj, exact.gram, reduction)
        link = _in_float64(terms).to(z.dtype)
    s, adj = step.assignment, step.adj
    attributes = coarsened_attributes(graphs, s, adj) if edge_attr else None
    losses = link.mean(), step.entropy.mean()
    return Pooled(step.x, adj, s, *losses, clusters, attributes)


def clusters_of_ratio(graphs: Graphs, ratio: float, most: int) -> Tensor:
    """How many clusters every graph gets when it is to shrink by a ratio:
    ceil(ratio · nodes), at least 1 and at most `most`, [B].

    >>> from dpcore import DenseGraphs
    >>> sizes, adj = torch.tensor([9, 4]), torch.ones(2, 9, 9)
    >>> two = DenseGraphs(torch.ones(2, 9, 1), adj, sizes)
    >>> clusters_of_ratio(two, 0.25, most=8)
    tensor([3, 1])
    """
    return shrunk(graphs.sizes, ratio, most)


def shrunk(sizes: Tensor, ratio: float, most: int) -> Tensor:
    """`clusters_of_ratio` of graphs with so many nodes, [B]."""
    wanted = (sizes.double() * ratio - 1e-9).ceil().long()  # 0.14 · 50 is 7
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


def _in_float64(link: Tensor | None) -> Tensor:
    """A link loss that was computed in float64, where its terms never cancel so far."""
    assert link is not None
    return link


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
        reduction: how the link loss is scaled, see :func:`diff_pool`.
        ratio: None: every graph may use all k clusters. Otherwise a graph of n nodes
            uses ceil(ratio · n) of them, as far as there are so many.
        gnn: makes both GNNs in place of dpcore's stack: a function of (in_channels,
            out_channels) that returns a module of (x, edge_index), such as PyG's
            `SAGEConv`, or of x alone, such as `nn.Linear`. It is called once for Z, to
            `hidden_channels`, and once for S, to `num_clusters`; for several layers let
            it return a `torch_geometric.nn.Sequential` or PyG's `GraphSAGE`. Edge
            weights and attributes are handed to those that take them: see
            :class:`dpcore.layers.OnEdges`.
        assign_gnn: makes the GNN for S alone; `nn.Linear` is the linear assignment of
            MinCutPool.

    >>> layer = DiffPool(in_channels=3, hidden_channels=8, num_clusters=2)
    >>> edges = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
    >>> out = layer(torch.rand(3, 3), edges)  # or layer(data), layer(batch)
    >>> out.x.shape, out.adj.shape
    (torch.Size([1, 2, 8]), torch.Size([1, 2, 2]))
    >>> from torch_geometric.nn import SAGEConv
    >>> DiffPool(3, 8, 2, gnn=SAGEConv)(torch.rand(3, 3), edges).assignment.shape
    torch.Size([3, 2])
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
        gnn: Factory | None = None,
        assign_gnn: Factory | None = None,
    ):
        super().__init__()
        if num_clusters < 1:
            raise ValueError(f"num_clusters is {num_clusters}, expected at least 1")
        if ratio is not None and not 0 < ratio <= 1:
            raise ValueError(f"ratio is {ratio}, expected 0 < ratio ≤ 1 or None")
        check_reduction(reduction)
        shared: dict[str, Any] = dict(
            num_layers=num_layers, conv=conv, dropout=dropout, self_loops=self_loops
        )
        usual = dict(num_layers=3, conv="gcn", dropout=0.0, self_loops="add")
        check_own_stack(gnn, shared, usual)
        self.embed, self.assign = (
            made_by(factory, in_channels, width)
            if factory is not None
            else GNN(in_channels, hidden_channels, width, **shared)
            for factory, width in (
                (gnn, hidden_channels),
                (assign_gnn or gnn, num_clusters),
            )
        )
        self.in_channels, self.hidden_channels = in_channels, hidden_channels
        self.num_clusters, self.ratio, self.reduction = num_clusters, ratio, reduction

    reset_parameters = reset_children

    def extra_repr(self) -> str:
        widths = f"{self.in_channels}, {self.hidden_channels}"
        ratio = "" if self.ratio is None else f", ratio={self.ratio}"
        return f"{widths}, num_clusters={self.num_clusters}{ratio}"

    @outside_compile
    def forward(
        self,
        x: Any,
        edge_index: Tensor | None = None,
        batch: Tensor | None = None,
        edge_weight: Tensor | None = None,
        edge_attr: Tensor | None = None,
    ) -> Pooled:
        """`layer(batch)`, `layer(data)` with a PyG `Data` or `Batch`, or PyG's tensors:
        `layer(x, edge_index, batch=batch, edge_weight=weight)`, weights and batch best
        by name. See :func:`dpcore.graphs.as_graphs`.
        """
        graphs = as_graphs(x, edge_index, batch, edge_weight, edge_attr)
        z = self.embed(graphs, graphs.x)
        logits = self.assign(graphs, graphs.x)
        clusters = None
        if self.ratio is not None:
            clusters = clusters_of_ratio(graphs, self.ratio, self.num_clusters)
        attributes = any(map(reads_attributes, (self.embed, self.assign)))
        return diff_pool(
            z, graphs, logits, self.reduction, clusters, edge_attr=attributes
        )


def check_reduction(reduction: str) -> None:
    if reduction not in REDUCTIONS:
        raise ValueError(
            f"reduction is {reduction!r}, expected one of {', '.join(REDUCTIONS)}"
        )


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
    check_reduction(reduction)


def _finite(tensor: Tensor) -> bool:
    """Whether all values are finite: a sum that is says so at a third of the cost."""
    tensor = tensor.detach()
    return bool(tensor.sum().isfinite()) or bool(tensor.isfinite().all())
