"""Stacks of graph convolutions that run on a sparse and on a coarsened batch alike."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dpcore.graphs import DenseGraphs, Graphs
from dpcore.graphs.checks import check_stack

STACKS = ("gcn", "sage", "none", "sage-none")

Factory = Callable[[int, int], nn.Module]
"""Makes a network of a width, (in_channels, out_channels) → a module of dpcore's
(graphs, h), of PyG's (x, edge_index), or of x alone."""


outside_compile = torch.compiler.disable
"""Around a forward pass: torch.compile leaves it as it is, with a break of the graph on
either side. Sparse matrices cannot be traced, and torch.export, which needs one whole
graph, cannot have it at all. With backend="inductor" (torch 2.13, gcc, one CPU, two
batches of MUTAG) a net of SAGEConv, BatchNorm and two DiffPool layers gave the loss and
gradients of the uncompiled one, to 4e-6."""


def reset_children(module: nn.Module) -> None:
    """Draw every weight below a module anew, in the order in which they were made."""
    for child in module.children():
        reset = getattr(child, "reset_parameters", partial(reset_children, child))
        reset()


class GCNLayer(nn.Module):
    """H' = D̃^−½ Ã D̃^−½ H W + b (Kipf and Welling, 2017).

    Args:
        self_loops: "add" keeps the diagonal of a coarsened adjacency, the edge mass
            inside each cluster; "replace" overwrites it with 1 as PyG's
            `DenseGCNConv` does.
    """

    def __init__(self, in_channels: int, out_channels: int, self_loops: str = "add"):
        super().__init__()
        self.self_loops = self_loops
        self.weight = nn.Parameter(torch.empty(in_channels, out_channels))
        self.bias = nn.Parameter(torch.empty(out_channels))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        nn.init.zeros_(self.bias)
        nn.init.xavier_uniform_(self.weight)

    def extra_repr(self) -> str:
        widths = ", ".join(map(str, self.weight.shape))
        return f"{widths}, self_loops={self.self_loops!r}"

    def forward(self, graphs: Graphs, h: Tensor) -> Tensor:
        graphs = graphs.normalized(self.self_loops)
        narrow = self.weight.size(0) < self.weight.size(1)
        if narrow:  # (ÃH)W = Ã(HW): propagate whichever has fewer columns
            return graphs.propagate(h) @ self.weight + self.bias
        return graphs.propagate(h @ self.weight) + self.bias


class SAGELayer(nn.Module):
    """H' = (H W₁ + D⁻¹A H W₂ + b), each row scaled to length 1 (Hamilton et al., 2017).

    The mean is over the neighbours, weighted by the edges, also where the weights of a
    coarsened graph add up to less than 1.
    """

    def __init__(self, in_channels: int, out_channels: int):
        super().__init__()
        self.root = nn.Linear(in_channels, out_channels)
        self.neighbours = nn.Linear(in_channels, out_channels, bias=False)

    reset_parameters = reset_children

    def forward(self, graphs: Graphs, h: Tensor) -> Tensor:
        mean = graphs.averaged().propagate(h)
        return F.normalize(self.root(h) + self.neighbours(mean), dim=-1)


class NodeLayer(nn.Module):
    """H' = H W + b: every node for itself, the structure-blind control.

    Args:
        unit: scale each row to length 1, as :class:`SAGELayer` does.
    """

    def __init__(self, in_channels: int, out_channels: int, unit: bool = False):
        super().__init__()
        self.linear, self.unit = nn.Linear(in_channels, out_channels), unit

    reset_parameters = reset_children

    def forward(self, graphs: Graphs, h: Tensor) -> Tensor:
        h = self.linear(h)
        return F.normalize(h, dim=-1) if self.unit else h


class GNN(nn.Module):
    """A stack of graph convolutions: [nodes, in_channels] → [nodes, out_channels].

    Args:
        in_channels, hidden_channels, out_channels: features a node.
        num_layers: convolutions, at least 1; 3 as in the paper.
        conv: "gcn": GCN layers, each followed by ReLU and dropout, the last too. This
            is the slide deck's stack. "sage": close to the authors' stack: SAGE layers
            (the mean over neighbours, where theirs sum) with rows of length 1, ReLU,
            BatchNorm over the real nodes, dropout; all layers' outputs joined and
            mapped to out_channels. "none": as "gcn" without edges;
            "sage-none": as "sage" without edges.
        dropout: chance that an entry is set to zero while training.
        self_loops: see :class:`GCNLayer`.

    Raises:
        ValueError: for an unknown `conv`, fewer than one layer or a dropout outside
            [0, 1).

    >>> from dpcore import SparseGraphs
    >>> edges = torch.tensor([[0, 1], [1, 0]])
    >>> pair = SparseGraphs.from_edge_index(torch.eye(2), edges)
    >>> GNN(2, 8, 4)(pair, pair.x).shape
    torch.Size([2, 4])
    """

    def __init__(
        self,
        in_channels: int,
        hidden_channels: int,
        out_channels: int,
        num_layers: int = 3,
        conv: str = "gcn",
        dropout: float = 0.0,
        self_loops: str = "add",
    ):
        super().__init__()
        if conv not in STACKS:
            raise ValueError(f"conv is {conv!r}, expected one of {', '.join(STACKS)}")
        check_stack(num_layers, dropout)
        self.in_channels, self.dropout = in_channels, dropout
        joined = conv.startswith("sage")
        last = hidden_channels if joined else out_channels
        widths = [in_channels] + [hidden_channels] * (num_layers - 1) + [last]
        kinds: dict[str, Factory] = {
            "gcn": lambda i, o: GCNLayer(i, o, self_loops),
            "sage": SAGELayer,
            "none": NodeLayer,
            "sage-none": partial(NodeLayer, unit=True),
        }
        self.layers = nn.ModuleList(
            kinds[conv](i, o) for i, o in zip(widths[:-1], widths[1:], strict=True)
        )
        self.norms = nn.ModuleList(RowNorm(width) for width in widths[1:] if joined)
        joined_width = sum(widths[1:])
        self.join = nn.Linear(joined_width, out_channels) if joined else None

    reset_parameters = reset_children

    def forward(self, graphs: Graphs, h: Tensor) -> Tensor:
        """H [N, in_channels] (or [B, k, in_channels]) → [N, out_channels].

        Raises:
            ValueError: if H has another width than the GNN was made for.
        """
        if h.size(-1) != self.in_channels:
            raise ValueError(
                f"h has {h.size(-1)} features a node, but this GNN was made for "
                f"in_channels = {self.in_channels}"
            )
        outputs = []
        for i, layer in enumerate(self.layers):
            h = torch.relu(layer(graphs, h))
            h = self.norms[i](h, graphs.mask) if self.norms else h
            h = dropout(h, self.dropout, self.training)
            outputs.append(h)
        return h if self.join is None else self.join(torch.cat(outputs, dim=-1))


class OnEdges(nn.Module):
    """A PyG module of (x, edge_index), or a module of x alone, as a GNN of ours: on a
    batch of graphs before and after pooling.

    The module is handed what its `forward` names: `edge_weight` (the entries of A),
    `edge_attr` (where the graphs have any, unless its `edge_dim` is None), `batch` and
    `batch_size`. It sees real nodes only, so that no statistic depends on padding.

    After pooling every entry of A' that is not zero is an edge: with a softmax almost
    every pair of clusters is joined, and the entry is its weight. The diagonal, the
    edge mass inside a cluster, is a self-loop. A convolution that takes no weights sees
    little more than a complete graph there.

    Args:
        module: called with x [N, in_channels] and edge_index [2, E].
        out_channels: columns that it must give.

    Raises:
        ValueError: in the forward pass, if it gives another shape.

    >>> from torch_geometric.nn import SAGEConv
    >>> from dpcore import SparseGraphs
    >>> edges = torch.tensor([[0, 1], [1, 0]])
    >>> pair = SparseGraphs.from_edge_index(torch.eye(2), edges)
    >>> OnEdges(SAGEConv(2, 4), 4)(pair, pair.x).shape
    torch.Size([2, 4])
    """

    def __init__(self, module: nn.Module, out_channels: int):
        super().__init__()
        self.module, self.out_channels = module, out_channels
        names = _arguments(module)
        self.reads_edges = len(names) > 1 and names[1] not in ("batch", "batch_size")
        self.takes = tuple(name for name in names if name in _EXTRAS)
        dims = [getattr(part, "edge_dim", 0) for part in module.modules()]
        able = None not in dims and getattr(module, "supports_edge_attr", True)
        self.reads_attributes = "edge_attr" in self.takes and able

    def reset_parameters(self) -> None:
        reset_children(self)

    def forward(self, graphs: Graphs, h: Tensor) -> Tensor:
        """H [N, in_channels] (or [B, k, in_channels]) → [N, out_channels]."""
        rows = h
        if isinstance(graphs, DenseGraphs):
            rows = h.flatten(0, 1) if graphs.mask is None else h[graphs.mask]
        edges = graphs.edge_list()
        extras: dict[str, Any] = dict(
            edge_weight=edges.edge_weight,
            edge_attr=edges.edge_attr if self.reads_attributes else None,
            batch=edges.batch,
            batch_size=graphs.num_graphs,
        )
        arguments = [rows] + [edges.edge_index] * self.reads_edges
        out = self.module(*arguments, **{name: extras[name] for name in self.takes})
        expected = [rows.size(0), self.out_channels]
        if list(out.shape) != expected:
            raise ValueError(
                f"{type(self.module).__name__} gives {list(out.shape)}, expected "
                f"{expected}: the factory is called with (in_channels, out_channels) "
                "(heads of an attention are joined unless concat=False)"
            )
        if rows is h:
            return out
        if graphs.mask is None:
            return out.view(*h.shape[:2], -1)
        padded = out.new_zeros(*h.shape[:2], self.out_channels)
        return padded.masked_scatter(graphs.mask.unsqueeze(-1), out)


def reads_attributes(gnn: nn.Module | None) -> bool:
    """Whether a GNN looks at the attributes of edges."""
    return isinstance(gnn, OnEdges) and gnn.reads_attributes


_EXTRAS = ("edge_weight", "edge_attr", "batch", "batch_size")


def _arguments(module: nn.Module) -> list[str]:
    """The names that a module's forward takes; x, edge_index where it does not say."""
    signature = getattr(module, "signature", None)  # of torch_geometric.nn.Sequential
    named = getattr(signature, "param_dict", None)
    if named is not None:
        return list(named)
    parameters = inspect.signature(module.forward).parameters.values()
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        return ["x", "edge_index"]
    return [p.name for p in parameters]


def made_by(factory: Factory, in_channels: int, out_channels: int) -> nn.Module:
    """The GNN that a factory makes, as a module of (graphs, h).

    Raises:
        ValueError: if what it makes is no module.
    """
    module = factory(in_channels, out_channels)
    if not isinstance(module, nn.Module):
        raise ValueError(
            f"gnn({in_channels}, {out_channels}) made a {type(module).__name__}, "
            "expected a torch module of (x, edge_index)"
        )
    if _arguments(module)[:1] == ["graphs"]:  # dpcore's own
        return module
    return OnEdges(module, out_channels)


def check_own_stack(gnn: Factory | None, given: dict, usual: dict) -> None:
    """Refuse settings of dpcore's own stacks beside a factory, which sees none."""
    unused = [name for name in usual if given[name] != usual[name]]
    if gnn is not None and unused:
        raise ValueError(
            f"{', '.join(unused)} came beside gnn, which makes the whole network: set "
            "them in the factory"
        )


class RowNorm(nn.BatchNorm1d):
    """BatchNorm over all nodes of a batch. Only rows that are nodes count, so that no
    statistic depends on padding; a lone node is left to the running ones."""

    def forward(self, h: Tensor, mask: Tensor | None = None) -> Tensor:
        """H [N, d] or [B, k, d]; `mask` as in `DenseGraphs.mask`."""
        rows = h.reshape(-1, h.size(-1)) if mask is None else h[mask]
        if self.training and rows.size(0) == 1:
            rows = F.batch_norm(
                rows, self.running_mean, self.running_var, self.weight, self.bias
            )
        else:
            rows = super().forward(rows)
        if mask is None:
            return rows.view_as(h)
        return torch.zeros_like(h).masked_scatter(mask.unsqueeze(-1), rows)


def dropout(h: Tensor, p: float, training: bool) -> Tensor:
    """Set each entry to zero with chance p and divide the rest by 1 - p.

    The same distribution as `torch.nn.functional.dropout` up to p's rounding to
    1/65536; the mask is cut out of 64-bit random words, 16 bits an entry, which takes
    a CPU a quarter of the time of torch's Bernoulli generator.
    """
    if not training or p == 0:
        return h
    entries = h.numel()
    words = torch.empty((entries + 3) // 4, dtype=torch.int64, device=h.device)
    bits = words.random_(-(2**63), None).view(torch.int16)[:entries].view(h.shape)
    dropped = round(p * 65536)
    keep = bits.float().ge_(dropped - 32768).to(h.dtype)
    return h * keep.mul_(65536 / (65536 - dropped))
