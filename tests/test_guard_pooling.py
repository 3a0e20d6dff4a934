"""Pooling: every argument reaches what it is for, on each of its ways."""

import pytest
import torch
from reference import random_graphs, union
from torch import nn
from torch_geometric.nn import GINEConv

from dpcore.graphs import SparseGraphs, blockwise
from dpcore.graphs.dense import DenseGraphs
from dpcore.pooling import DiffPool, clusters_of_ratio, diff_pool, link_loss

close = torch.testing.assert_close


@pytest.fixture
def graphs():
    """Two directed, weighted graphs of 20 and 9 nodes, with attributes of edges."""
    plain = union(
        random_graphs([20, 9], directed=True, weighted=True, dtype=torch.float32)
    )
    edges = plain.edge_index
    attributes = torch.rand(edges.size(1), 2, generator=torch.manual_seed(3))
    return SparseGraphs.from_edge_index(
        plain.x, edges, plain.batch, plain.edge_weight, edge_attr=attributes
    )


def scores(graphs, columns, sharpness=1.0):
    generator = torch.Generator().manual_seed(4)
    return sharpness * torch.randn(graphs.num_nodes, columns, generator=generator)


WAYS = [
    dict(),
    dict(reduction="frobenius"),
    dict(clusters=torch.tensor([3, 2])),
    dict(hard=True),
    dict(hard=True, clusters=torch.tensor([2, 4]), edge_attr=True),
    dict(edge_attr=True, reduction="frobenius"),
]


def assert_same(ours, theirs):
    for name, a, b in zip(ours._fields, ours, theirs, strict=True):
        assert (a is None) == (b is None), name
        if a is not None:
            assert a.dtype == b.dtype, name
            close(a, b)


@pytest.mark.parametrize("asked", WAYS)
@pytest.mark.parametrize("sharpness", [1.0, 20.0])
def test_under_autocast_every_argument_counts(graphs, asked, sharpness):
    z, logits = scores(graphs, 5), scores(graphs, 4, sharpness)
    plain = diff_pool(z, graphs, logits, **asked)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        assert_same(diff_pool(z, graphs, logits, **asked), plain)


@pytest.mark.parametrize("asked", [way for way in WAYS if "hard" not in way])
@pytest.mark.parametrize("perfect", [False, True])
def test_in_blocks_every_argument_counts(graphs, monkeypatch, asked, perfect):
    """Near a perfect clustering, too, where the loss is computed once more."""
    if perfect:
        own = torch.arange(29) % 3
        same = (own[:, None] == own) & (graphs.batch[:, None] == graphs.batch)
        edges = same.nonzero().T
        attributes = torch.rand(edges.size(1), 2)
        graphs = SparseGraphs.from_edge_index(
            graphs.x, edges, graphs.batch, edge_attr=attributes
        )
        logits = 9 * nn.functional.one_hot(own, 4) + 0.1 * scores(graphs, 4)
        asked = asked | (
            dict(clusters=torch.tensor([3, 4])) if "clusters" in asked else {}
        )
    else:
        logits = scores(graphs, 4)
    z = scores(graphs, 5)
    whole = diff_pool(z, graphs, logits, **asked)
    monkeypatch.setattr(blockwise, "BLOCK", 8)
    monkeypatch.setattr(blockwise, "LARGE", 1)
    assert_same(diff_pool(z, graphs, logits, **asked), whole)


def test_the_share_of_a_graph_is_the_ceiling_without_rounding():
    sizes = torch.tensor([30, 31, 9, 1])
    graphs = DenseGraphs(torch.ones(4, 31, 1), torch.zeros(4, 31, 31), sizes)
    assert clusters_of_ratio(graphs, 0.1, 9).tolist() == [3, 4, 1, 1]
    assert clusters_of_ratio(graphs, 0.1, 3).tolist() == [3, 3, 1, 1]
    assert clusters_of_ratio(graphs, 0.25, 9).tolist() == [8, 8, 3, 1]
    assert 50 * 0.14 > 7  # in floating point
    sizes = torch.tensor([50])
    fifty = DenseGraphs(torch.ones(1, 50, 1), torch.zeros(1, 50, 50), sizes)
    assert clusters_of_ratio(fifty, 0.14, 9).tolist() == [7]
    assert clusters_of_ratio(fifty, 0.3, 20).tolist() == [15]  # 16 in float32


@pytest.mark.parametrize("conv", ["gcn", "sage"])
def test_both_networks_of_a_layer_get_its_settings(conv):
    own = dict(num_layers=2, conv=conv, dropout=0.25, self_loops="replace")
    layer = DiffPool(3, 8, 5, **own, ratio=0.5, reduction="frobenius")
    for net, width in ((layer.embed, 8), (layer.assign, 5)):
        assert len(net.layers) == 2 and net.dropout == 0.25
        first, last = net.layers
        if conv == "gcn":
            assert first.weight.shape == (3, 8) and last.weight.shape == (8, width)
            assert {first.self_loops, last.self_loops} == {"replace"}
        else:
            assert first.root.out_features == last.root.out_features == 8
            assert net.join.out_features == width
    assert (layer.ratio, layer.reduction, layer.num_clusters) == (0.5, "frobenius", 5)


def test_a_layer_hands_all_tensors_on(graphs):
    """Weights, batch and attributes given as tensors are those of the batch."""

    def gine(i, o):
        return GINEConv(nn.Linear(i, o), edge_dim=2)

    named = dict(batch=graphs.batch, edge_weight=graphs.edge_weight)
    for settings in (dict(), dict(ratio=0.25), dict(gnn=gine), dict(assign_gnn=gine)):
        torch.manual_seed(1)
        layer = DiffPool(graphs.x.size(1), 8, 4, **settings).eval()
        by_tensors = layer(
            graphs.x, graphs.edge_index, edge_attr=graphs.edge_attr, **named
        )
        assert_same(by_tensors, layer(graphs))
        if "ratio" in settings:
            assert by_tensors.clusters.tolist() == [4, 3]  # a quarter, at most all
        reads = "gnn" in settings or "assign_gnn" in settings
        assert (by_tensors.edge_attr is not None) == reads
        named_too = dict(batch=graphs.batch, edge_attr=graphs.edge_attr)
        unweighted = layer(graphs.x, graphs.edge_index, **named_too)
        assert not torch.equal(unweighted.adj, by_tensors.adj)


def test_the_next_level_knows_its_sizes_and_attributes(graphs):
    clusters = torch.tensor([3, 2])
    out = diff_pool(
        graphs.x, graphs, scores(graphs, 4), clusters=clusters, edge_attr=True
    )
    level = out.graphs
    assert torch.equal(level.sizes, clusters) and level.edge_attr is out.edge_attr
    assert level.mask.tolist() == [[True] * 3 + [False], [True] * 2 + [False] * 2]


def test_attributes_are_means_under_the_assignment_that_pools(graphs):
    logits = scores(graphs, 4)
    sure = 1e4 * nn.functional.one_hot(logits.argmax(1), 4).float()
    hard, soft = (
        diff_pool(graphs.x, graphs, of, hard=h, edge_attr=True)
        for of, h in ((logits, True), (sure, False))
    )
    close(hard.edge_attr, soft.edge_attr)
    one, attribute = torch.tensor([[0], [1]]), torch.tensor([[3.0]])
    pair = SparseGraphs.from_edge_index(
        torch.eye(2), one, None, torch.tensor([-2.0]), edge_attr=attribute
    )
    out = diff_pool(pair.x, pair, 1e4 * torch.eye(2), edge_attr=True)
    assert out.edge_attr[0, :, :, 0].tolist() == [[0, 3], [0, 0]]


def test_hard_assignments_have_the_softmax_s_entropy_and_gradients(graphs):
    logits = scores(graphs, 4).requires_grad_()
    soft, hard = (diff_pool(graphs.x, graphs, logits, hard=h) for h in (False, True))
    close(hard.entropy_loss, soft.entropy_loss)
    assert {*hard.assignment.detach().round(decimals=5).flatten().tolist()} == {0, 1}
    weights = scores(graphs, 4, 2.0)
    ours, theirs = (
        torch.autograd.grad((out.assignment * weights).sum(), logits)[0]
        for out in (hard, soft)
    )
    close(ours, theirs)
    assert ours.abs().max() > 0.1


@pytest.mark.parametrize(("absent", "enough"), [(2, False), (4, True)])
def test_float64_is_asked_for_where_terms_cancel_by_more_than_ten(absent, enough):
    """All ones but for some: the square is their number, its terms 32 less it."""
    adj = torch.ones(4, 4)
    adj.view(-1)[:absent] = 0
    edges = adj.nonzero().T
    whole = SparseGraphs.from_edge_index(torch.ones(4, 1), edges)
    s = torch.ones(4, 1)
    found = link_loss(whole, s, torch.full((1, 1, 1), 16.0 - absent))
    assert (found is not None) == enough
    assert not enough or found.item() == pytest.approx(absent**0.5 / 4)


def test_a_value_that_is_no_number_is_told_from_closed_clusters():
    graphs = SparseGraphs.from_edge_index(torch.ones(2, 1), torch.tensor([[0], [1]]))
    logits = torch.tensor([[0.0, -torch.inf], [torch.nan, 0.0]])
    with pytest.raises(ValueError, match="logits holds NaN"):
        diff_pool(graphs.x, graphs, logits)


def test_a_hard_assignment_that_fits_has_no_loss_however_unsure():
    """Two pairs with loops: their square cancels, and is made of S once more."""
    own = torch.tensor([0, 0, 1, 1])
    edges = (own[:, None] == own).nonzero().T
    graphs = SparseGraphs.from_edge_index(torch.ones(4, 1), edges)
    logits = 0.1 * nn.functional.one_hot(own).float()
    assert diff_pool(graphs.x, graphs, logits, hard=True).link_loss == 0
    assert diff_pool(graphs.x, graphs, logits).link_loss > 0.4
