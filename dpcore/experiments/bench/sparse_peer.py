"""torch-geometric-pool, to measure against: its sparse DiffPool, weight for weight.

`pip install torch-geometric-pool`; torch-scatter, which it needs, is compiled there.
"""

from __future__ import annotations

import copy

from torch import Tensor, nn
from torch_geometric.data import Batch, Data
from torch_geometric.nn import DenseGCNConv, GCNConv

from dpcore.experiments.bench.peers import Deck, DenseOutput, Stack, compare
from dpcore.graphs import SparseGraphs
from dpcore.models.diffpool import DiffPoolClassifier, Level

NAME, PACKAGE = "tgp", "torch-geometric-pool"


class SparseDeck(Deck):
    """The slide deck's model with the weights of ours: PyG's `GCNConv` on the edges and
    torch-geometric-pool's parts, unbatched on the nodes, batched on the clusters.

    Its `DiffPool` removes the diagonal of A' and normalises it unless told otherwise;
    here it is told otherwise.

    Args:
        model: `build_model("diffpool", …, self_loops="replace")`.
    """

    def __init__(self, model: nn.Module):
        super().__init__()
        assert isinstance(model, DiffPoolClassifier)
        first, second = (level for level in model.levels if isinstance(level, Level))
        self.embed, self.assign = (
            Stack(g, GCNConv) for g in (first.embed, first.assign)
        )
        self.embed2, self.assign2, self.last = (
            Stack(g, DenseGCNConv) for g in (second.embed, second.assign, model.last)
        )
        self.head = copy.deepcopy(model.head)

    @staticmethod
    def inputs(data: Data) -> tuple:
        return (data,)

    def forward(self, data: Batch) -> DenseOutput:
        """A PyG batch of B graphs; losses as in PyG: norms of the whole batch over all
        its entries, the mean entropy of a node."""
        from tgp.utils import losses

        z = self.embed(data.x, data.edge_index)
        s = self.assign(data.x, data.edge_index).softmax(1)
        x, adj = pooled(z, data.edge_index, s, data.batch)
        links = [losses.sparse_link_pred_loss(s, data.edge_index, batch=data.batch)]
        entropies = [losses.unbatched_entropy_loss(s)]
        z, s = self.embed2(x, adj), self.assign2(x, adj).softmax(-1)
        links.append(losses.link_pred_loss(s, adj))
        entropies.append(losses.entropy_loss(s, x.size(0) * x.size(1)))
        clusters = x.size(1)
        x, adj = pooled(z, adj, s, None)
        logits = self.head(self.last(x, adj).mean(dim=1))
        return DenseOutput(logits, links, entropies, [data.num_nodes, clusters])


def pooled(
    z: Tensor, adj: Tensor, s: Tensor, batch: Tensor | None
) -> tuple[Tensor, Tensor]:
    """X' and A' [B, k, …] of edges and a batch vector, or of dense matrices."""
    from tgp.connect import DenseConnect
    from tgp.reduce import BaseReduce
    from tgp.select import SelectOutput

    selected = SelectOutput(s=s, batch=batch)
    connect = DenseConnect(
        remove_self_loops=False, degree_norm=False, adj_transpose=False
    )
    x, _ = BaseReduce()(x=z, so=selected, batch=batch, return_batched=True)
    ones = None if batch is None else z.new_ones(adj.size(1))  # else of float32
    coarse, _ = connect(edge_index=adj, so=selected, batch=batch, edge_weight=ones)
    return x, coarse


def check_models(ours: nn.Module, theirs: SparseDeck, graphs: list) -> None:
    """Equal logits for the batch and equal losses graph by graph, without dropout, as
    :func:`dpcore.experiments.bench.peers.check_models` compares them.

    Raises:
        Unequal: saying what differs and by how much.
    """
    each = [Batch.from_data_list([graph]) for graph in graphs]
    for one in each:
        one.x = one.x.double()
    batch, together = SparseGraphs.from_data_list(graphs), Batch.from_data_list(graphs)
    compare(ours, theirs, batch, (together,), [(one,) for one in each])
