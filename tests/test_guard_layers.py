"""Stacks of layers: rows that are no nodes, directed coarse edges, every setting."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F

from dpcore.graphs import DenseGraphs, SparseGraphs
from dpcore.layers import GNN, GCNLayer, OnEdges, dropout, made_by

close = torch.testing.assert_close


def coarse(filler=0.0):
    """Two directed graphs of 3 and 2 clusters; the rows of none hold the filler."""
    generator = torch.Generator().manual_seed(0)
    sizes = torch.tensor([3, 2])
    node = torch.arange(3) < sizes.unsqueeze(1)
    x = torch.randn(2, 3, 4, generator=generator)
    adj = torch.rand(2, 3, 3, generator=generator)
    adj = adj * (node.unsqueeze(1) & node.unsqueeze(2))
    graphs = DenseGraphs(torch.where(node.unsqueeze(2), x, filler), adj, sizes)
    graphs.edge_attr = torch.rand(2, 3, 3, 2, generator=generator)
    return graphs, node


@pytest.mark.parametrize("conv", ["gcn", "sage", "none", "sage-none"])
def test_rows_that_are_no_nodes_change_nothing(conv):
    """Neither what the nodes get nor the statistics that are kept."""
    results = []
    for filler in (0.0, 7.0):
        graphs, node = coarse(filler)
        torch.manual_seed(1)
        net = GNN(4, 5, 6, 2, conv)
        out = net(graphs, graphs.x)[node]
        kept = [norm.running_mean for norm in net.norms]
        results.append([out, *kept])
    for one, other in zip(*results, strict=True):
        close(one, other)


def test_a_blind_sage_stack_has_rows_of_length_1():
    graphs, _ = coarse()
    net = GNN(4, 5, 6, 2, "sage-none").eval()
    h, outputs = graphs.x, []
    for layer, norm in zip(net.layers, net.norms, strict=True):
        h = norm(torch.relu(F.normalize(layer.linear(h), dim=-1)), graphs.mask)
        outputs.append(h)
    close(net(graphs, graphs.x), net.join(torch.cat(outputs, -1)))


def test_what_is_joined_are_the_outputs_that_dropout_left():
    graphs, _ = coarse()
    net = GNN(4, 5, 6, 2, "sage", dropout=0.5)
    torch.manual_seed(2)
    h, outputs = graphs.x, []
    for layer, norm in zip(net.layers, net.norms, strict=True):
        h = dropout(norm(torch.relu(layer(graphs, h)), graphs.mask), 0.5, True)
        outputs.append(h)
    torch.manual_seed(2)
    close(net(graphs, graphs.x), net.join(torch.cat(outputs, -1)))


class Told(nn.Module):
    """Notes what it is handed."""

    edge_dim = 2

    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 6)

    def forward(self, x, edge_index, edge_weight, edge_attr, batch, batch_size):
        self.seen = dict(edge_index=edge_index, edge_weight=edge_weight)
        self.seen |= dict(edge_attr=edge_attr, batch=batch, batch_size=batch_size)
        return self.linear(x)


def test_a_module_is_handed_the_coarse_edges_in_their_direction():
    graphs, node = coarse()
    told = Told()
    out = made_by(lambda i, o: told, 4, 6)(graphs, graphs.x)
    assert out.shape == (2, 3, 6) and not out[~node].any()
    assert told.seen["edge_index"].shape == (2, 9 + 4)
    assert told.seen["batch_size"] == 2
    assert told.seen["batch"].tolist() == [0, 0, 0, 1, 1]
    row, col = told.seen["edge_index"]
    first = row < 3
    close(told.seen["edge_weight"][first], graphs.adj[0, row[first], col[first]])
    close(told.seen["edge_attr"][first], graphs.edge_attr[0, row[first], col[first]])
    row, col = row[~first] - 3, col[~first] - 3
    close(told.seen["edge_weight"][~first], graphs.adj[1, row, col])


def test_a_module_is_handed_the_edges_of_a_batch():
    edges = torch.tensor([[0, 2], [1, 3]])  # one direction only
    graphs = SparseGraphs.from_edge_index(
        torch.randn(4, 4),
        edges,
        torch.tensor([0, 0, 1, 1]),
        torch.tensor([0.5, 2.0]),
        edge_attr=torch.tensor([[1.0, 2.0], [3.0, 4.0]]),
    )
    told = Told()
    OnEdges(told, 6)(graphs, graphs.x)
    assert torch.equal(told.seen["edge_index"], edges)
    assert told.seen["edge_weight"].tolist() == [0.5, 2.0]
    assert told.seen["edge_attr"].tolist() == [[1, 2], [3, 4]]
    assert told.seen["batch"].tolist() == [0, 0, 1, 1]
    blind, inside = Told(), Told()
    blind.edge_dim = None  # as PyG's attention says that it reads none
    inside.linear.edge_dim = None  # so does one inside another module
    for told in (blind, inside):
        OnEdges(told, 6)(graphs, graphs.x)
        assert told.seen["edge_attr"] is None


def test_a_joined_stack_is_wide_inside_and_every_layer_learns():
    """Each layer's output reaches the end by two ways, the join and the next layer."""
    graphs, _ = coarse()
    torch.manual_seed(0)
    gnn = GNN(4, 5, 3, num_layers=3, conv="sage").double().eval()
    assert [layer.root.out_features for layer in gnn.layers] == [5, 5, 5]
    assert gnn.join.in_features == 15
    adj, x = graphs.adj.double(), graphs.x.double()
    wide = DenseGraphs(x, adj, graphs.sizes)
    assert torch.autograd.gradcheck(lambda h: gnn(wide, h), x.requires_grad_())


def test_weights_begin_as_glorot_and_bengio_say():
    torch.manual_seed(0)
    layer = GCNLayer(30, 10)
    bound = (6 / 40) ** 0.5
    assert 0.95 * bound < layer.weight.abs().max() <= bound
    nn.init.ones_(layer.bias)
    layer.reset_parameters()
    assert not layer.bias.any()


def test_dropout_knows_p_to_sixteen_bits():
    torch.manual_seed(0)
    found = dropout(torch.ones(1000), 0.6, True).unique().tolist()
    assert found == pytest.approx([0.0, 65536 / (65536 - 39322)], rel=1e-6)
