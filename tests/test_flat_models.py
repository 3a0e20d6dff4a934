"""The flat GNN rows: each against PyG, NumPy or networkx, and what all must hold."""

import copy
import dataclasses

import networkx as nx
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import random_graphs, union
from torch import nn
from torch.nn import functional as F
from torch_geometric.nn import (
    GINConv,
    NNConv,
    SortAggregation,
    global_add_pool,
    global_mean_pool,
)

import dpcore
from dpcore.models import data_settings, patchysan
from dpcore.models.patchysan import (
    canonical_rank,
    receptive_fields,
    sequence_width,
)
from dpcore.models.sortpool import kept_nodes, sort_pool
from dpcore.training.validating import _new

ROWS = ["gin", "set2set", "sortpool", "ecc", "patchysan"]


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


def odd_batch(directed=False):
    """Small, large and single-node graphs, one of them without an edge."""
    graphs = random_graphs([7, 1, 20, 1, 35, 4], weighted=True, directed=directed)
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
    for own, message in (
        ({"dropout": 1.0}, "dropout is 1.0"),
        ({"ratio": 0.5}, f"{name} does not take these settings.*ratio"),
    ):
        with pytest.raises(ValueError, match=message):
            dpcore.build_model(name, **data, **own)


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


def dgcnn_logits(model, x, adj):
    """One graph: dense matrices, Python's sort of tuples, convolutions over the flat
    sequence with a stride of one node, as in the paper's figure."""
    with_loops = adj + torch.eye(len(x), dtype=x.dtype)
    walk = with_loops / with_loops.sum(1, keepdim=True)
    outputs = []
    for layer in model.layers:
        x = torch.tanh(walk @ x @ layer.weight.T + layer.bias)
        outputs.append(x)
    z = torch.cat(outputs, dim=1)
    rows = sorted(z.tolist(), key=lambda row: row[::-1], reverse=True)[: model.k]
    flat = torch.zeros(1, 1, model.k * z.size(1), dtype=x.dtype)
    flat[0, 0, : len(rows) * z.size(1)] = torch.tensor(rows, dtype=x.dtype).flatten()
    one = model.one_node
    sequence = F.conv1d(flat, one.weight.unsqueeze(1), one.bias, stride=z.size(1))
    sequence = F.max_pool1d(F.relu(sequence), 2, 2)
    five = model.five_nodes
    sequence = F.relu(F.conv1d(sequence, five.weight, five.bias))
    return model.head(sequence.flatten(1))


def test_sortpool_is_dgcnn_of_one_dense_graph_at_a_time():
    parts = random_graphs([5, 40, 1, 12], weighted=True)
    for own in ({"k": 12}, {"k": 31, "num_layers": 1}):
        model = built("sortpool", **own)
        for layer in model.layers:
            nn.init.normal_(layer.bias)
        expected = torch.cat([dgcnn_logits(model, *part) for part in parts])
        logits = model(union(parts)).logits
        torch.testing.assert_close(logits, expected, atol=1e-12, rtol=0)


def test_sort_pool_is_pygs_aggregation_where_nothing_ties():
    graphs = union(random_graphs([5, 9, 1]))
    for k in (3, 7, 20):
        expected = SortAggregation(k)(graphs.x, graphs.batch).view(3, k, 3)
        assert torch.equal(sort_pool(graphs, graphs.x, k), expected)


def test_ties_are_broken_by_the_channels_before_whatever_the_node_order():
    graphs = union(random_graphs([40, 30, 1]))
    generator = torch.Generator().manual_seed(0)
    z = torch.randint(0, 2, (71, 3), generator=generator).double()
    pooled = sort_pool(graphs, z, 25)
    for part, rows in zip(z.split([40, 30, 1]), pooled, strict=True):
        expected = sorted(part.tolist(), key=lambda row: row[::-1], reverse=True)[:25]
        assert rows[: len(expected)].tolist() == expected
        assert not rows[len(expected) :].any()
    order = torch.cat([torch.randperm(40), 40 + torch.randperm(30), torch.tensor([70])])
    assert torch.equal(sort_pool(graphs, z[order], 25), pooled)


@settings(max_examples=8, deadline=None)
@given(n=st.integers(2, 12), seed=st.integers(0, 10_000))
def test_sortpool_does_not_depend_on_node_order_in_symmetric_graphs(n, seed):
    ring = torch.arange(n)
    edges = torch.stack([ring, (ring + 1) % n])
    x = (ring % 2 == 0).double().unsqueeze(1)  # only two kinds of node
    graphs = dpcore.SparseGraphs.from_edge_index(
        x, torch.cat([edges, edges.flip(0)], 1)
    )
    model = built("sortpool", features=1, k=10)
    other = model(in_other_order(graphs, seed)).logits
    torch.testing.assert_close(other, model(graphs).logits, atol=1e-10, rtol=0)


def test_sortpool_keeps_as_many_nodes_as_the_data_says():
    graphs = union(random_graphs([12, 30, 11, 40, 25]))  # three in five: 25 or more
    assert kept_nodes(graphs) == 25
    assert kept_nodes(union(random_graphs([3, 4]))) == 10
    assert data_settings("sortpool", graphs) == {"k": 25}
    assert data_settings("gin", graphs) == {}
    graphs = dataclasses.replace(graphs, y=torch.tensor([0, 1, 0, 1, 1]))
    assert _new("sortpool", graphs, {}, 0, "classification").k == 25
    assert _new("sortpool", graphs, {"k": 11}, 0, "classification").k == 11
    with pytest.raises(ValueError, match="k is 9, expected at least 10"):
        dpcore.build_model("sortpool", num_features=3, num_classes=2, k=9)


def labelled_graphs(attributes=3):
    """The odd batch with float attributes, other ones in each direction."""
    graphs = odd_batch(directed=True)
    generator = torch.Generator().manual_seed(2)
    edges = graphs.edge_index.size(1)
    attr = torch.rand(edges, attributes, generator=generator, dtype=torch.float64)
    attr[::3, 0] = 0
    return dpcore.SparseGraphs.from_edge_index(
        graphs.x, graphs.edge_index, graphs.batch, edge_attr=attr
    )


def nnconv_logits(model, graphs, attributes):
    """The model with PyG's NNConv, which makes a matrix for every edge."""
    h = graphs.x
    for layer, norm in zip(model.layers, model.norms, strict=True):
        wide, a = h.size(1), attributes.size(1)
        network = nn.Linear(a, wide * 8, bias=False)
        conv = NNConv(wide, 8, network, aggr="mean").double()
        filters = layer.filters.weight.detach().view(8, a, wide)  # [out, a, in]
        network.weight.data = filters.permute(2, 0, 1).reshape(wide * 8, a)
        conv.lin.weight.data = layer.root.weight.data
        conv.bias.data = layer.root.bias.data
        h = F.relu(norm(conv(h, graphs.edge_index.flip(0), attributes)))
    return model.head(global_mean_pool(h, graphs.batch))


def test_ecc_is_pygs_nnconv_with_a_linear_filter_network():
    graphs = labelled_graphs()
    model = built("ecc", edge_features=3)
    expected = nnconv_logits(model, graphs, graphs.edge_attr)
    torch.testing.assert_close(model(graphs).logits, expected, atol=1e-10, rtol=0)
    other = model(in_other_order(graphs, 1)).logits
    torch.testing.assert_close(other, expected, atol=1e-10, rtol=0)
    part = model(graphs.select([4, 1, 0])).logits
    torch.testing.assert_close(part, expected[[4, 1, 0]], atol=1e-10, rtol=0)


def test_ecc_takes_weights_for_attributes_where_there_are_no_others():
    graphs, model = odd_batch(directed=True), built("ecc")
    expected = nnconv_logits(model, graphs, graphs.edge_weight.unsqueeze(1))
    torch.testing.assert_close(model(graphs).logits, expected, atol=1e-10, rtol=0)


def test_ecc_gets_the_width_of_the_attributes_from_the_data():
    graphs = labelled_graphs()
    assert data_settings("ecc", graphs) == {"edge_features": 3}
    assert data_settings("ecc", odd_batch()) == {"edge_features": 0}
    for batch, message in ((odd_batch(), "have 0 attr"), (graphs, "have 3 attr")):
        with pytest.raises(ValueError, match=f"{message}.*edge_features = 2"):
            built("ecc", edge_features=2)(batch)
    with pytest.raises(ValueError, match="edge_features is -1"):
        built("ecc", edge_features=-1)


def unlabelled(graph, seed=0, features=None):
    """A networkx graph with its nodes renumbered, as a batch of one graph."""
    n = graph.number_of_nodes()
    place = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
    edges = torch.tensor(list(graph.edges), dtype=torch.long).view(-1, 2).T
    x = torch.ones(n, 1) if features is None else features[place.argsort()]
    return dpcore.SparseGraphs.from_edge_index(x.double(), place[edges])


SYMMETRIC = {
    "ring": nx.cycle_graph(12),
    "cube": nx.hypercube_graph(3),
    "petersen": nx.petersen_graph(),
    "two rings": nx.disjoint_union(nx.cycle_graph(3), nx.cycle_graph(4)),
    "regular": nx.random_regular_graph(3, 14, seed=1),
    "tree": nx.balanced_tree(2, 3),
}
SYMMETRIC = {k: nx.convert_node_labels_to_integers(g) for k, g in SYMMETRIC.items()}


@pytest.mark.parametrize("kind", SYMMETRIC)
@pytest.mark.parametrize("labels", ["none", "thirds", "all but two"])
def test_patchysan_brings_all_copies_of_a_graph_into_one_form(kind, labels):
    number = torch.arange(SYMMETRIC[kind].number_of_nodes()).unsqueeze(1)
    x = {"thirds": number % 3 == 0, "all but two": number.clamp(max=len(number) - 2)}
    forms, logits, model = set(), [], built("patchysan", features=1)
    for seed in range(8):
        graph = unlabelled(SYMMETRIC[kind], seed, x.get(labels))
        rank = canonical_rank(graph)
        edges = rank[torch.cat([graph.edge_index, graph.edge_index.flip(0)], 1)]
        in_order = graph.x[rank.argsort()].flatten().tolist()
        forms.add((tuple(in_order), tuple(sorted(map(tuple, edges.T.tolist())))))
        logits.append(model(graph).logits)
    assert len(forms) == 1
    for other in logits:
        torch.testing.assert_close(other, logits[0], atol=1e-12, rtol=0)


def test_ranks_follow_degree_then_walks_then_features():
    path = torch.from_numpy(nx.to_numpy_array(nx.path_graph(12)))
    to_the_end = torch.arange(12).minimum(11 - torch.arange(12)).double()
    features = torch.stack([to_the_end, torch.arange(12)], 1)  # the ends first
    parts = random_graphs([30, 1, 17], features=2, loops=True) + [(features, path)]
    ranks = canonical_rank(union(parts)).split([30, 1, 17, 12])
    for (x, adj), rank in zip(parts, ranks, strict=True):
        adj = adj * (1 - torch.eye(len(x)))  # loops do not count
        walks = [-torch.linalg.matrix_power(adj, n).sum(1) for n in range(1, 5)]
        keys = torch.cat([torch.stack(walks, 1), x], dim=1).tolist()
        expected = sorted(range(len(x)), key=keys.__getitem__)
        assert rank.argsort().tolist() == expected
        assert rank.sort().values.tolist() == list(range(len(x)))
    path = torch.tensor([[0, 1], [1, 2]])  # both ends alike but for their features
    x = torch.tensor([[5.0], [0.0], [3.0]])
    end = dpcore.SparseGraphs.from_edge_index(x, path)
    assert canonical_rank(end).tolist() == [2, 0, 1]


def test_receptive_fields_are_those_of_a_breadth_first_search():
    sizes = [25, 1, 6, 18]
    graphs = union(random_graphs(sizes, seed=3, loops=True))
    rank = canonical_rank(graphs)
    for width, field in ((10, 7), (30, 12)):
        found = receptive_fields(graphs, rank, width, field)
        for g, (fields, ranks) in enumerate(
            zip(found.split(sizes), rank.split(sizes), strict=True)
        ):
            whole = nx.from_numpy_array(graphs.to_dense(g).numpy())
            whole.remove_edges_from(list(nx.selfloop_edges(whole)))
            for root, members in enumerate(fields.tolist()):
                away = nx.single_source_shortest_path_length(whole, root)
                near = sorted(away, key=lambda v, a=away, r=ranks: (a[v], r[v]))[:field]
                if ranks[root] >= width:
                    near = []
                assert members == near + [-1] * (field - len(near))


def test_patchysan_convolves_the_fields_in_order():
    sizes = [25, 1, 6, 18]
    graphs = union(random_graphs(sizes, seed=3))
    model = built("patchysan", width=12, field=11)
    rank = canonical_rank(graphs)
    fields = receptive_fields(graphs, rank, 12, 11)
    pictures = torch.zeros(4, 12, 11, 3, dtype=torch.float64)
    for node, members in enumerate(fields.tolist()):
        g = int(graphs.batch[node])
        for place, member in enumerate(members):
            if member >= 0:
                pictures[g, rank[node], place] = graphs.x[graphs.ptr[g] + member]
    flat, one = pictures.view(4, 1, -1), model.one_field
    sequence = F.relu(F.conv1d(flat, one.weight.unsqueeze(1), one.bias, stride=33))
    ten = model.ten_fields
    sequence = F.relu(F.conv1d(sequence, ten.weight, ten.bias))
    expected = model.head(sequence.flatten(1))
    torch.testing.assert_close(model(graphs).logits, expected, atol=1e-12, rtol=0)
    part = model(graphs.select([3, 0])).logits
    torch.testing.assert_close(part, expected[[3, 0]], atol=1e-12, rtol=0)


def test_patchysan_looks_at_the_structure_once(monkeypatch):
    calls = []
    found = patchysan.canonical_rank
    monkeypatch.setattr(
        patchysan, "canonical_rank", lambda g: calls.append(g) or found(g)
    )
    graphs, model = odd_batch(), built("patchysan")
    for part in ([0, 1], [5, 2, 3], [4]):
        model(graphs.select(part))
    assert calls == [graphs]
    built("patchysan", width=11)(graphs.select([0]))
    built("patchysan", field=9)(graphs.select([0]))
    assert calls == [graphs] * 3


def test_patchysan_gets_its_width_from_the_data():
    graphs = union(random_graphs([20, 30, 12]))
    assert data_settings("patchysan", graphs) == {"width": 21}
    assert sequence_width(union(random_graphs([3, 4]))) == 10
    for own, message in (({"width": 9}, "width is 9"), ({"field": 0}, "field is 0")):
        with pytest.raises(ValueError, match=message):
            built("patchysan", **own)
