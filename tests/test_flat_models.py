"""The flat GNN rows: each against PyG, NumPy or networkx, and what all must hold."""

import copy

import pytest
import torch
from reference import random_graphs, union
from torch import nn
from torch.nn import functional as F
from torch_geometric.nn import GINConv, global_add_pool

import dpcore

ROWS = ["gin", "set2set"]


def built(name, features=3, classes=2, **settings):
    """The model of a row in float64, its running statistics no longer 0 and 1."""
    torch.manual_seed(0)
    model = dpcore.build_model(
        name, num_features=features, num_classes=classes, hidden=8, **settings
    )
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d):
            nn.init.normal_(module.running_mean, std=0.2)
            nn.init.uniform_(module.running_var, 0.5, 2.0)
            nn.init.normal_(module.weight, 1.0, 0.2)
    return model.double().eval()


def odd_batch():
    """Small, large and single-node graphs, one of them without an edge."""
    graphs = random_graphs([7, 1, 20, 1, 35, 4], weighted=True)
    graphs[5][1].zero_()
    graphs[3][1].fill_(1.0)  # a single node with a loop
    return union(graphs)


@pytest.mark.parametrize("name", ROWS)
def test_flat_rows_have_no_losses_and_no_assignments(name):
    out = built(name)(odd_batch())
    assert out.logits.shape == (6, 2) and out.logits.isfinite().all()
    assert out.link_loss == out.entropy_loss == out.auxiliary == 0
    assert out.assignments == []


@pytest.mark.parametrize("name", ROWS)
def test_a_graphs_logits_do_not_depend_on_its_company(name):
    graphs, model = odd_batch(), built(name)
    together = model(graphs).logits
    assert together.std(0).min() > 1e-4  # not one constant for all graphs
    alone = torch.cat([model(graphs.select([g])).logits for g in range(6)])
    torch.testing.assert_close(together, alone, atol=1e-10, rtol=0)
    turned = model(graphs.select([5, 4, 3, 2, 1, 0])).logits.flip(0)
    torch.testing.assert_close(together, turned, atol=1e-10, rtol=0)


def in_other_order(graphs, seed=0):
    """The same batch, the nodes of every graph renumbered."""
    generator = torch.Generator().manual_seed(seed)
    order = torch.cat(
        [
            start + torch.randperm(size, generator=generator)
            for start, size in zip(
                graphs.ptr[:-1].tolist(), graphs.sizes.tolist(), strict=True
            )
        ]
    )
    return dpcore.SparseGraphs.from_edge_index(
        graphs.x[order],
        order.argsort()[graphs.edge_index],
        graphs.batch,
        graphs.edge_weight,
        edge_attr=graphs.edge_attr,
    )


@pytest.mark.parametrize("name", ROWS)
def test_logits_do_not_depend_on_node_order(name):
    graphs, model = odd_batch(), built(name)
    for seed in range(5):
        other = model(in_other_order(graphs, seed)).logits
        torch.testing.assert_close(other, model(graphs).logits, atol=1e-10, rtol=0)


@pytest.mark.parametrize("name", ROWS)
def test_gradients_are_finite_for_single_nodes_and_without_edges(name):
    graphs = odd_batch()
    for batch in (graphs, graphs.select([1]), graphs.select([5, 1])):
        model = built(name, dropout=0.5).train()
        F.cross_entropy(
            model(batch).logits, torch.zeros(1).long().expand(batch.num_graphs)
        ).backward()
        for parameter, p in model.named_parameters():
            assert p.grad is not None and p.grad.isfinite().all(), parameter


@pytest.mark.parametrize("name", ROWS)
def test_bad_settings_of_flat_rows_are_named(name):
    data = dict(num_features=3, num_classes=2)
    for settings, message in (
        ({"dropout": 1.0}, "dropout is 1.0"),
        ({"ratio": 0.5}, f"{name} does not take these settings.*ratio"),
    ):
        with pytest.raises(ValueError, match=message):
            dpcore.build_model(name, **data, **settings)


def test_gin_is_pygs_ginconv_layer_by_layer():
    model = built("gin", num_layers=2)
    graphs = union(random_graphs([5, 9, 1]))
    h, sums = graphs.x, [global_add_pool(graphs.x, graphs.batch)]
    for i, layer in enumerate(model.layers):
        nn.init.constant_(layer.epsilon, 0.25 + i)
        conv = GINConv(copy.deepcopy(layer.mlp), eps=0.25 + i).eval()
        conv.nn.load_state_dict(layer.mlp.state_dict())  # GINConv drew new weights
        h = F.relu(layer.norm(conv(h, graphs.edge_index)))
        sums.append(global_add_pool(h, graphs.batch))
    expected = model.head(torch.cat(sums, dim=1))
    torch.testing.assert_close(model(graphs).logits, expected, atol=1e-12, rtol=0)


def set2set(z, lstm, steps):
    """The readout of one graph, by the paper's equations and those of an LSTM cell."""
    weight_in, weight_h, bias_in, bias_h = (p.detach() for p in lstm.parameters())
    hidden = cell = z.new_zeros(z.size(1))
    question = z.new_zeros(2 * z.size(1))
    for _ in range(steps):
        gates = weight_in @ question + bias_in + weight_h @ hidden + bias_h
        enter, forget, new, leave = gates.view(4, -1)
        cell = forget.sigmoid() * cell + enter.sigmoid() * new.tanh()
        hidden = leave.sigmoid() * cell.tanh()
        attention = (z @ hidden).exp() / (z @ hidden).exp().sum()
        question = torch.cat([hidden, attention @ z])
    return question


def test_set2set_reads_out_by_the_papers_equations():
    model = built("set2set", steps=4)
    for weight in model.readout.lstm.parameters():
        nn.init.normal_(weight)  # as drawn, attention is almost a mean
    graphs = union(random_graphs([5, 9, 1]))
    parts = model.gnn(graphs, graphs.x).split(graphs.sizes.tolist())
    summary = torch.stack([set2set(z, model.readout.lstm, steps=4) for z in parts])
    expected = model.head(summary)
    torch.testing.assert_close(model(graphs).logits, expected, atol=1e-12, rtol=0)


def test_set2set_stands_on_the_stack_of_graphsage():
    settings = dict(num_features=3, num_classes=2, num_layers=2)
    sage = dpcore.build_model("graphsage", **settings)
    model = dpcore.build_model("set2set", **settings)
    assert repr(model.gnn) == repr(sage.gnn)
    with pytest.raises(ValueError, match="set2set does not take conv"):
        dpcore.build_model("set2set", conv="gcn", **settings)
    with pytest.raises(ValueError, match="steps is 0"):
        dpcore.build_model("set2set", steps=0, **settings)
