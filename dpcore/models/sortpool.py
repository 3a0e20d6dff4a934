"""SortPool: put a graph's nodes in an order that means something, then convolve."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from dpcore.graphs import SparseGraphs, as_sparse_graphs
from dpcore.graphs.checks import check_stack
from dpcore.graphs.dense import inverse_power
from dpcore.layers import dropout, outside_compile, reset_children
from dpcore.models.output import (
    Classifier,
    Output,
    classifier_head,
    flat_output,
)

FILTERS, KERNEL = (16, 32), 5
"""Of the two 1-D convolutions, as in the paper."""

FEWEST = 2 * KERNEL
"""Nodes that must be kept, since halved by the pooling one kernel has to fit."""


class SortPoolClassifier(Classifier):
    """DGCNN, the network that SortPool was made for (Zhang et al., 2018).

    Layers H' = tanh(D̃⁻¹ Ã H W), the last with a single channel; all outputs joined;
    the first k nodes of every graph by :func:`sort_pool`; then over the sequence of
    nodes a convolution of one node at a time (16 filters), a maximum of every two, a
    convolution of five (32 filters), and the two-layer classifier.

    Args:
        num_features, num_classes: of the data.
        hidden: channels of every layer but the last, and width of the classifier's
            hidden layer (the paper: 32, and 128).
        num_layers: tanh layers before the one with a single channel; 3 as in the
            paper.
        dropout: of the classifier's input. The paper has it only in the classifier:
            an entry dropped before would change the order of the nodes.
        k: nodes kept of every graph, at least 10: see :func:`kept_nodes`. 30 as in
            the authors' code where the data does not say otherwise.

    Raises:
        ValueError: for k under 10, fewer than one layer, a dropout outside [0, 1).

    >>> edges = torch.tensor([[0, 1], [1, 0]])
    >>> pair = SparseGraphs.from_edge_index(torch.eye(2), edges)
    >>> SortPoolClassifier(num_features=2, num_classes=3)(pair).logits.shape
    torch.Size([1, 3])
    """

    def __init__(
        self,
        num_features: int,
        num_classes: int,
        hidden: int = 64,
        num_layers: int = 3,
        dropout: float = 0.6,
        k: int = 30,
    ):
        super().__init__()
        check_stack(num_layers, dropout)
        if k < FEWEST:
            raise ValueError(f"k is {k}, expected at least {FEWEST}")
        self.k, self.dropout = k, dropout
        widths = [num_features] + [hidden] * num_layers + [1]
        self.layers = nn.ModuleList(
            nn.Linear(i, o) for i, o in zip(widths[:-1], widths[1:], strict=True)
        )
        first, second = FILTERS
        self.one_node = nn.Linear(sum(widths[1:]), first)
        self.five_nodes = nn.Conv1d(first, second, KERNEL)
        self.head = classifier_head(second * (k // 2 - KERNEL + 1), hidden, num_classes)

    reset_parameters = reset_children

    @outside_compile
    def forward(self, *inputs: Any, **tensors: Any) -> Output:
        """`model(batch)`, `model(data)` or `model(x, edge_index, batch=batch)`, see
        :func:`dpcore.graphs.as_graphs`."""
        graphs = as_sparse_graphs(*inputs, **tensors)
        h, outputs = graphs.x, []
        degree = graphs.propagate(torch.ones_like(h[:, :1]))
        scale = inverse_power(1 + degree, 1.0)
        for layer in self.layers:
            mean = scale * (h + graphs.propagate(h))
            h = torch.tanh(layer(mean))
            outputs.append(h)
        nodes = sort_pool(graphs, torch.cat(outputs, dim=1), self.k)
        sequence = torch.relu(self.one_node(nodes)).transpose(1, 2)
        sequence = torch.relu(self.five_nodes(F.max_pool1d(sequence, 2)))
        summary = dropout(sequence.flatten(1), self.dropout, self.training)
        return flat_output(self.head(summary))


def sort_pool(graphs: SparseGraphs, z: Tensor, k: int) -> Tensor:
    """The k nodes of every graph with the largest last channel, largest first; zeros
    where a graph has fewer: z [N, d] → [B, k, d].

    Nodes that tie are compared by the channel before, and so on (Zhang et al., 2018,
    section 3.2). What ties in all channels is the same row, so that the result never
    depends on the order in which the nodes came.

    >>> z = torch.tensor([[7.0, 1.0], [5.0, 2.0], [8.0, 1.0]])
    >>> graph = SparseGraphs.from_edge_index(z, torch.empty(2, 0, dtype=torch.long))
    >>> sort_pool(graph, z, 4).tolist()
    [[[5.0, 2.0], [8.0, 1.0], [7.0, 1.0], [0.0, 0.0]]]
    """
    exact = torch.promote_types(z.dtype, torch.float32)  # autocast: bfloat16
    order = _descending(z.detach().to(exact), graphs.batch)
    rank = torch.arange(len(order), device=z.device) - graphs.ptr[graphs.batch]
    kept = rank < k
    slot = (graphs.batch * k + rank)[kept]
    rows = z.index_select(0, order[kept])
    padded = z.new_zeros(graphs.num_graphs * k, z.size(1)).index_copy(0, slot, rows)
    return padded.view(graphs.num_graphs, k, -1)


def kept_nodes(graphs: SparseGraphs) -> int:
    """The k of the paper: six graphs in ten have at least k nodes; but at least 10.

    >>> batch = torch.arange(5).repeat_interleave(torch.tensor([12, 30, 11, 40, 25]))
    >>> x, edges = torch.ones(118, 1), torch.empty(2, 0, dtype=torch.long)
    >>> kept_nodes(SparseGraphs.from_edge_index(x, edges, batch))
    25
    """
    largest_first = graphs.sizes.sort(descending=True).values
    return max(FEWEST, int(largest_first[-(-6 * len(largest_first) // 10) - 1]))


def _descending(z: Tensor, graph: Tensor) -> Tensor:
    """The order of the rows by graph, then by the last channel, largest first, then
    by the one before …"""
    order = z[:, -1].argsort(descending=True)
    order = order[graph[order].argsort(stable=True)]
    equal = (z[order, -1].diff() == 0) & (graph[order].diff() == 0)
    tied = F.pad(equal, (1, 0)) | F.pad(equal, (0, 1))
    if tied.any():  # few: only these are compared in all channels
        rows = order[tied]
        run = (~F.pad(equal, (1, 0))).cumsum(0)[tied]
        keys = torch.cat([-z[rows], run.to(z).unsqueeze(1)], dim=1)
        finer = np.lexsort(keys.T.cpu().numpy())  # its last key decides first
        order[tied] = rows[torch.from_numpy(finer).to(rows.device)]
    return order
