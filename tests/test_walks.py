"""Readers of A': against NumPy, and what a permutation of the clusters changes."""

import networkx as nx
import numpy as np
import pytest
import torch
from reference import dense, random_graphs, union

from dpcore import SparseGraphs, build_model, fit
from dpcore.data import wirings
from dpcore.graphs import DenseGraphs
from dpcore.models.walks import (
    READERS,
    WalksClassifier,
    between,
    closed_walks,
    of_ratio,
    spectrum,
    table,
)


def coarse(count=5, k=6, seed=0):
    draw = torch.Generator().manual_seed(seed)
    adj = torch.rand(count, k, k, generator=draw, dtype=torch.float64)
    return adj + adj.mT


def reference(adj):
    off = (adj + adj.T) / 2
    np.fill_diagonal(off, 0)
    degree = off.sum(1)
    return off / np.sqrt(np.outer(degree, degree))


def test_every_reader_is_what_numpy_says():
    adj = coarse() + torch.triu(torch.rand(5, 6, 6, dtype=torch.float64))
    for i, one in enumerate(adj.numpy()):
        n = reference(one.copy())
        np.testing.assert_allclose(between(adj)[i], n)
        traces = [np.trace(np.linalg.matrix_power(n, p)) for p in range(2, 8)]
        np.testing.assert_allclose(closed_walks(adj)[i], traces)
        np.testing.assert_allclose(spectrum(adj)[i], np.linalg.eigvalsh(n))
        np.testing.assert_allclose(table(adj)[i], n[np.triu_indices(6, 1)])


@pytest.mark.parametrize("reader", READERS)
def test_only_the_table_knows_names(reader):
    adj = coarse()
    order = torch.tensor([3, 0, 5, 1, 2, 4])
    read, width = READERS[reader]
    same = torch.allclose(read(adj), read(adj[:, order][:, :, order]))
    assert same == (reader != "table")
    assert read(adj).shape == (5, width(6))


@pytest.mark.parametrize("reader", READERS)
def test_gradients_are_those_of_differences(reader):
    adj = coarse(2).requires_grad_()
    assert torch.autograd.gradcheck(READERS[reader][0], adj)


@pytest.mark.parametrize("reader", READERS)
def test_what_is_inside_and_how_much_there_is_does_not_count(reader):
    adj = coarse()
    more = 7 * adj + torch.diag_embed(torch.rand(5, 6, dtype=torch.float64))
    read = READERS[reader][0]
    torch.testing.assert_close(read(more), read(adj))


def test_a_cluster_alone_is_a_row_of_zeros_with_finite_gradients():
    adj = torch.eye(4)[None].repeat(2, 1, 1).requires_grad_()
    for read, _ in READERS.values():
        (gradient,) = torch.autograd.grad(read(adj).sum(), adj)
        assert (read(adj) == 0).all() and gradient.isfinite().all()


def test_a_triangle_shows_in_the_third_walk():
    prism = nx.to_numpy_array(nx.circular_ladder_graph(3))
    wells = nx.to_numpy_array(nx.complete_bipartite_graph(3, 3))
    both = closed_walks(torch.tensor(np.stack([prism, wells])))
    assert both[0, 1] == pytest.approx(12 / 27)  # two triangles, six walks each, 3³
    assert both[1, 1] == 0
    assert both[0, 0] == both[1, 0] == pytest.approx(18 / 9)


def test_adj_must_be_square():
    with pytest.raises(ValueError, match=r"adj has shape \[2, 3, 4\], expected \[B, k"):
        closed_walks(torch.ones(2, 3, 4))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (dict(clusters=[4, 2]), r"clusters is \[4, 2\], expected one level"),
        (dict(clusters=[1]), r"clusters is \[1\], expected one level of at least 2"),
        (dict(clusters=[4], reader="names"), "reader is 'names', expected one of walk"),
        (dict(clusters=[4], assignments="drawn"), "assignments is 'drawn', expected"),
    ],
)
def test_bad_settings_are_named(settings, message):
    with pytest.raises(ValueError, match=message):
        WalksClassifier(3, 2, **settings)


@pytest.mark.parametrize("assignments", ["learned", "hard", "heavy-edge", "random"])
def test_clusters_change_their_names_and_the_scores_stay(assignments):
    batch = SparseGraphs.from_data_list(wirings.draw(wirings.wirings().train, 4))
    torch.manual_seed(0)
    model = WalksClassifier(4, 2, [6], 8, assignments=assignments).eval()
    before = model(batch)
    if assignments in ("learned", "hard"):
        order = torch.tensor([3, 0, 5, 1, 2, 4])
        with torch.no_grad():
            for own in (model.assign.join.weight, model.assign.join.bias):
                own.copy_(own[order])
        after = model(batch)
        torch.testing.assert_close(after.logits, before.logits)
        assert not torch.equal(after.assignments[0], before.assignments[0])
    else:
        assert not list(model.assign.parameters())


@pytest.mark.parametrize("assignments", ["learned", "hard", "heavy-edge", "random"])
def test_the_model_is_its_equations_graph_by_graph(assignments):
    """Of directed graphs, in dense form and without the batch."""
    graphs = random_graphs([9, 14], seed=1, directed=True)
    torch.manual_seed(0)
    own = dict(reader="table", readout=True, assignments=assignments, dropout=0.3)
    model = WalksClassifier(3, 2, [4], 8, num_layers=2, conv="gcn", **own).double()
    given = None
    nets = [model.embed, model.last]
    if assignments in ("learned", "hard"):
        nets.append(model.assign)
    else:
        given = model.assign(union(graphs))[0].softmax(-1).split([9, 14])
    assert all(net.dropout == 0.3 and len(net.layers) == 2 for net in nets)
    out = model.eval()(union(graphs))
    for g, graph in enumerate(graphs):
        level = dense(graph)
        z = model.embed(level, level.x)
        if given is None:
            s = model.assign(level, level.x)[0].softmax(-1)
            s = torch.eye(4).double()[s.argmax(1)] if assignments == "hard" else s
        else:
            s = given[g]
            assert (s.amax(1) > 0.999).all() == (assignments == "heavy-edge")
        coarse = DenseGraphs((s.T @ z[0])[None], (s.T @ graph[1] @ s)[None])
        parts = [model.scale(table(coarse.adj)), z.amax(1)]
        parts.append(model.last(coarse, coarse.x).amax(1))
        torch.testing.assert_close(out.logits[g], model.head(torch.cat(parts, 1))[0])
    torch.testing.assert_close(out.assignments[0].sum(1), torch.ones(23).double())


def test_small_graphs_have_two_clusters_all_the_same():
    sizes = dict(num_features=4, num_classes=2)
    for nodes, clusters in ((3, 2), (9, 3), (12, 3)):
        assert of_ratio(nodes, 0.25, **sizes).assign.join.out_features == clusters


def test_the_losses_are_weighted_as_they_say():
    batch = SparseGraphs.from_data_list(wirings.draw(wirings.wirings().train, 4))
    out = WalksClassifier(4, 2, [6], 8, link_weight=2.0, entropy_weight=0.5)(batch)
    want = 2 * out.link_loss + 0.5 * out.entropy_loss
    torch.testing.assert_close(out.auxiliary, want)


def test_the_row_reads_nodes_and_walks():
    graphs = wirings.draw(wirings.wirings().train, 4)
    model = build_model("diffpool-walks", num_features=4, num_classes=2, max_nodes=40)
    assert model.head[0].in_features == 6 + 2 * 64
    history = fit(model, graphs, 1, batch_size=2, progress=False)
    assert history[0]["loss"] > 0
    model.train()
    lone = SparseGraphs.from_data_list(graphs[:1])
    assert model(lone).logits.isfinite().all()  # BatchNorm of a single graph


def test_walks_are_counted_in_full_precision_under_autocast():
    adj = coarse(40).float()
    with torch.autocast("cpu", dtype=torch.bfloat16):
        under = closed_walks(adj)
    assert torch.equal(under, closed_walks(adj))
