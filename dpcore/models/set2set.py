"""Set2Set: an LSTM asks the nodes several questions and reads out the answers."""

from __future__ import annotations

from typing import Any

from torch_geometric.nn.aggr import Set2Set

from dpcore.graphs import as_sparse_graphs
from dpcore.layers import GNN, outside_compile, reset_children
from dpcore.models.output import (
    Classifier,
    Output,
    classifier_head,
    flat_output,
)


class Set2SetClassifier(Classifier):
    """One GNN, Set2Set over its nodes' embeddings (Vinyals et al., 2016, equations 3
    to 7; the layer is PyG's), and the two-layer classifier.

    Each step, for every graph with embeddings z_i [d]:

        q = LSTM(q*),  a_i = softmax_i(z_i · q),  r = Σ_i a_i z_i,  q* = [q, r]

    The last q* [2d] is the readout. It starts at zero, so the first step attends by
    the LSTM's biases alone.

    Args:
        num_features, num_classes: of the data.
        hidden: width of the GNN, of its embeddings and of the LSTM.
        num_layers, conv, dropout: see :class:`dpcore.GNN`; "sage" is the stack of the
            row graphsage, which the paper puts Set2Set on.
        steps: questions asked; 3 as in PyG's example. Vinyals et al. try 0 to 10.

    Raises:
        ValueError: for fewer than one step, and all that :class:`dpcore.GNN` refuses.

    >>> import torch
    >>> from dpcore import SparseGraphs
    >>> edges = torch.tensor([[0, 1], [1, 0]])
    >>> pair = SparseGraphs.from_edge_index(torch.eye(2), edges)
    >>> Set2SetClassifier(num_features=2, num_classes=3)(pair).logits.shape
    torch.Size([1, 3])
    """

    def __init__(
        self,
        num_features: int,
        num_classes: int,
        hidden: int = 64,
        num_layers: int = 3,
        conv: str = "sage",
        dropout: float = 0.6,
        steps: int = 3,
    ):
        super().__init__()
        if steps < 1:
            raise ValueError(f"steps is {steps}, expected at least 1")
        self.gnn = GNN(num_features, hidden, hidden, num_layers, conv, dropout)
        self.readout = Set2Set(hidden, processing_steps=steps)
        self.head = classifier_head(2 * hidden, hidden, num_classes)

    reset_parameters = reset_children

    @outside_compile
    def forward(self, *inputs: Any, **tensors: Any) -> Output:
        """`model(batch)`, `model(data)` or `model(x, edge_index, batch=batch)`, see
        :func:`dpcore.graphs.as_graphs`."""
        graphs = as_sparse_graphs(*inputs, **tensors)
        z = self.gnn(graphs, graphs.x)
        summary = self.readout(z, graphs.batch, dim_size=graphs.num_graphs)
        return flat_output(self.head(summary))
