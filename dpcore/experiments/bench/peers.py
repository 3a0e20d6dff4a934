"""The usual way, to measure against: DiffPool in PyG's dense layers, weight for weight,
and the sparse operators of other packages where they are installed."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterable, Sequence
from functools import partial
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch_geometric.data import Data
from torch_geometric.nn import DenseGCNConv, GCNConv, dense_diff_pool
from torch_geometric.transforms import ToDense

from dpcore.layers import GNN, GCNLayer
from dpcore.models.diffpool import DiffPoolClassifier, Level

TOLERANCE = 1e-5
"""Largest difference between the two sides, as a share of the largest value."""


class Unequal(RuntimeError):
    """Two sides do not compute the same: their times must not be compared."""


class DenseOutput(NamedTuple):
    """What :class:`DenseDeck` returns for a batch of B graphs padded to n nodes.

    Attributes:
        logits: class scores [B, C].
        link_losses, entropy_losses: PyG's own, one a level, finest first.
        sizes: nodes that each level is padded to: n, then the clusters.
    """

    logits: Tensor
    link_losses: list[Tensor]
    entropy_losses: list[Tensor]
    sizes: list[int]


class Stack(nn.Module):
    """A convolution of PyG, ReLU, dropout, as often as the given GNN of ours does it.

    Args:
        gnn: whose weights are copied.
        conv: `DenseGCNConv` or `GCNConv`, which both compute what ours do where the
            diagonal is replaced.
    """

    def __init__(self, gnn: nn.Module | None, conv: type[DenseGCNConv] | type[GCNConv]):
        super().__init__()
        assert isinstance(gnn, GNN)
        self.convs = nn.ModuleList()
        self.dropout = gnn.dropout
        for layer in gnn.layers:
            assert isinstance(layer, GCNLayer)
            own = conv(*layer.weight.shape)
            own.lin.weight.data = layer.weight.data.T.clone()
            own.bias.data = layer.bias.data.clone()
            self.convs.append(own)

    def forward(self, x: Tensor, *structure: Tensor | None) -> Tensor:
        """`structure`: what the convolution takes beside x."""
        for conv in self.convs:
            x = F.relu(conv(x, *structure))
            x = F.dropout(x, self.dropout, self.training)
        return x


class Deck(nn.Module):
    """The slide deck's model in another package's layers, with the weights of ours."""

    @staticmethod
    def inputs(data: Data) -> tuple:
        """What a batch of its loader is to it."""
        raise NotImplementedError


class DenseDeck(Deck):
    """The slide deck's model in PyG's dense layers, with the weights of ours.

    Args:
        model: `build_model("diffpool", …, self_loops="replace")`: `DenseGCNConv`
            overwrites the diagonal, so ours must do so as well.
    """

    def __init__(self, model: nn.Module):
        super().__init__()
        assert isinstance(model, DiffPoolClassifier)
        levels = [level for level in model.levels if isinstance(level, Level)]
        dense = partial(Stack, conv=DenseGCNConv)
        self.embed = nn.ModuleList(dense(level.embed) for level in levels)
        self.assign = nn.ModuleList(dense(level.assign) for level in levels)
        self.last = dense(model.last)
        self.head = copy.deepcopy(model.head)

    @staticmethod
    def inputs(data: Data) -> tuple:
        return data.x, data.adj, data.mask

    def forward(self, x: Tensor, adj: Tensor, mask: Tensor) -> DenseOutput:
        """x [B, n, f], adj [B, n, n], mask [B, n] → :class:`DenseOutput`."""
        links, entropies, sizes = [], [], []
        real: Tensor | None = mask
        for embed, assign in zip(self.embed, self.assign, strict=True):
            sizes.append(x.size(1))
            z, s = embed(x, adj, real), assign(x, adj, real)
            x, adj, link, entropy = dense_diff_pool(z, adj, s, real)
            real = None  # after pooling every row is a node
            links.append(link)
            entropies.append(entropy)
        logits = self.head(self.last(x, adj).mean(dim=1))
        return DenseOutput(logits, links, entropies, sizes)


def to_dense(graphs: Iterable[Data], max_nodes: int) -> list[Data]:
    """Graphs with `x` [n, f], `adj` [n, n] and `mask` [n], padded to n = max_nodes."""
    transform = ToDense(max_nodes)
    with warnings.catch_warnings():  # torch's, of checks that PyG leaves out
        warnings.filterwarnings("ignore", message="Sparse invariant checks")
        return [transform(graph) for graph in graphs]


def train_epoch(
    model: Deck, loader: Iterable[Data], optimizer: torch.optim.Optimizer
) -> float:
    """One epoch as PyG's example trains, with both losses at every level and the same
    limit on the gradient as :func:`dpcore.fit`. Returns the mean objective."""
    model.train()
    total, graphs = 0.0, 0
    for data in loader:
        out = model(*model.inputs(data))
        loss = F.cross_entropy(out.logits, data.y.view(-1))
        loss = loss + sum(out.link_losses) + sum(out.entropy_losses)
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 2.0)
        optimizer.step()
        total += float(loss.detach()) * len(data.y)
        graphs += len(data.y)
    return total / graphs


def check_models(ours: nn.Module, theirs: DenseDeck, batch, dense: Sequence[Data]):
    """Equal logits for a batch, and equal losses graph by graph, without dropout.

    PyG divides the norm of the whole batch by all entries of the padded adjacency and
    counts padded rows in the entropy. So its losses are taken for one graph at a time
    and scaled back: link · n², the paper's ‖A − SSᵀ‖_F, over the graph's own n; and
    the sum of its nodes' entropies over n. In float64, since its norm of many entries
    drifts in float32.

    Args:
        batch: the graphs as `SparseGraphs`.
        dense: the same graphs from :func:`to_dense`.

    Raises:
        Unequal: saying what differs and by how much.
    """
    x, adj, mask = (
        torch.stack([g[key] for g in dense]) for key in ("x", "adj", "mask")
    )
    each = zip(x[:, None].double(), adj[:, None].double(), mask[:, None], strict=True)
    compare(ours, theirs, batch, (x, adj, mask), each)


def compare(
    ours: nn.Module, theirs: Deck, batch, together: tuple, each: Iterable[tuple]
) -> None:
    """Both models in evaluation mode; afterwards each is in the mode that it was in.

    Args:
        batch: the graphs as `SparseGraphs`.
        together: the same graphs as the deck takes them.
        each: one graph at a time, in float64.

    Raises:
        Unequal: saying what differs and by how much.
    """
    modes = ours.training, theirs.training
    ours.eval()
    theirs.eval()
    with torch.no_grad():
        out, logits = ours(batch), theirs(*together).logits
        exact = copy.deepcopy(theirs).double()
        one_by_one = zip(each, batch.sizes.tolist(), strict=True)
        losses = [_own_losses(exact(*graph), nodes) for graph, nodes in one_by_one]
    ours.train(modes[0])
    theirs.train(modes[1])
    link, entropy = torch.stack(losses).mean(0)
    expect_equal("logits", out.logits, logits)
    expect_equal("link loss", out.link_loss, link)
    expect_equal("entropy loss", out.entropy_loss, entropy)


def _own_losses(out: DenseOutput, nodes: int) -> Tensor:
    """Link and entropy loss of one graph without its padding, over all levels, [2]."""
    link = entropy = torch.zeros_like(out.link_losses[0])
    real = [nodes, *out.sizes[1:]]
    for level, (padded, count) in enumerate(zip(out.sizes, real, strict=True)):
        link = link + out.link_losses[level] * padded**2 / count
        entropy = entropy + out.entropy_losses[level] * padded / count
    return torch.stack([link, entropy])


def expect_equal(
    what: str, ours: Tensor, theirs: Tensor, tolerance: float = TOLERANCE
) -> float:
    """The largest difference relative to the largest value of theirs.

    Raises:
        Unequal: where that exceeds the tolerance, or shapes differ, or a value is NaN.

    >>> expect_equal("loss", torch.tensor(2.0), torch.tensor(2.0))
    0.0
    """
    if ours.shape != theirs.shape:
        raise Unequal(
            f"{what}: shape {list(ours.shape)} here, {list(theirs.shape)} there: not "
            "the same computation, so not timed"
        )
    theirs = theirs.detach().double()
    difference = float((ours.detach().double() - theirs).abs().max())
    error = difference / max(float(theirs.abs().max()), 1e-30)
    if not error <= tolerance:
        raise Unequal(
            f"{what}: the two sides differ by {error:.1e} of the largest value, more "
            f"than {tolerance:.0e}: not the same computation, so not timed"
        )
    return error


def pool_pyg(z: Tensor, adj: Tensor, logits: Tensor) -> tuple[Tensor, ...]:
    """X', A', link and entropy loss of one dense graph: z [n, d], adj [n, n].

    PyG's link loss is ‖A − SSᵀ‖_F / n²; times n it is ours, the root mean square.
    """
    x, coarse, link, entropy = dense_diff_pool(z, adj, logits)
    return x, coarse, link * len(z), entropy


def pool_tgp(z: Tensor, edge_index: Tensor, logits: Tensor) -> tuple[Tensor, ...]:
    """The same from torch-geometric-pool's parts, without what `DiffPool` there does to
    the coarsened adjacency by default (diagonal removed, degrees normalised)."""
    from tgp.connect import DenseConnect
    from tgp.reduce import BaseReduce
    from tgp.select import SelectOutput
    from tgp.utils.losses import sparse_link_pred_loss, unbatched_entropy_loss

    s = logits.softmax(1)
    selected = SelectOutput(s=s)
    x, _ = BaseReduce()(x=z, so=selected, return_batched=True)
    connect = DenseConnect(remove_self_loops=False, degree_norm=False)
    ones = z.new_ones(edge_index.size(1))
    coarse, _ = connect(edge_index=edge_index, edge_weight=ones, so=selected)
    link = sparse_link_pred_loss(s, edge_index) * len(z)
    return x, coarse, link, unbatched_entropy_loss(s)


def pool_dgl(z: Tensor, graph, logits: Tensor) -> tuple[Tensor, ...]:
    """The same as DGL's example does it: message passing for A·S, a dense A for the
    link loss. `graph` is a `dgl.DGLGraph`."""
    from dgl import function

    s = logits.softmax(1)
    with graph.local_scope():
        graph.ndata["s"] = s
        graph.update_all(function.copy_u("s", "m"), function.sum("m", "to"))
        propagated = graph.ndata["to"]
    adj = torch.zeros(len(z), len(z), dtype=z.dtype)
    adj[graph.edges()] = 1
    link = torch.linalg.norm(adj - s @ s.T) / len(z)
    entropy = torch.special.entr(s).sum(1).mean()
    return (s.T @ z)[None], (s.T @ propagated)[None], link, entropy
