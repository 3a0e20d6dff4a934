"""The repairs of DiffPool's second level: against PyG, against NumPy, by gradient."""

import numpy as np
import pytest
import torch
from reference import dense, random_graphs, union
from torch_geometric.nn import DMoNPooling, dense_mincut_pool

import dpcore
from dpcore.graphs import DenseGraphs
from dpcore.models.repairs import (
    REPAIRS,
    dmon_losses,
    for_losses,
    for_next_level,
    mincut_losses,
)
from dpcore.models.walks import between

close = torch.testing.assert_close
LOSSES = {"mincut": mincut_losses, "dmon": dmon_losses}


def of_pyg(name, graph, logits):
    """The same two losses of one graph, by PyG's dense operators."""
    x, adj = graph
    if name == "mincut":
        return dense_mincut_pool(x, adj, logits.unsqueeze(0))[2:]
    pool = DMoNPooling(logits.size(1), logits.size(1))
    pool.mlp = torch.nn.Identity()
    _, _, _, spectral, _, collapse = pool(logits.unsqueeze(0), adj.unsqueeze(0))
    return spectral, collapse


@pytest.mark.parametrize("name", LOSSES)
def test_the_losses_are_pygs_of_every_graph_alone(name):
    sizes = [9, 4, 13]
    graphs = random_graphs(sizes, seed=3, weighted=True, directed=True)
    logits = torch.randn(26, 4, dtype=torch.float64)
    batch = union(graphs)
    ours = LOSSES[name](batch, dpcore.diff_pool(batch.x, batch, logits))
    alone = [
        of_pyg(name, g, own) for g, own in zip(graphs, logits.split(sizes), strict=True)
    ]
    for loss, theirs in zip(ours, zip(*alone, strict=True), strict=True):
        close(loss, torch.stack(theirs).mean())
    one = dense(graphs[0])  # and the dense form
    again = LOSSES[name](one, dpcore.diff_pool(one.x, one, logits[:9].unsqueeze(0)))
    close(torch.stack(again), torch.stack(alone[0]))


@pytest.mark.parametrize("name", LOSSES)
def test_closed_clusters_do_not_count(name):
    graph = union(random_graphs([8], seed=4))
    logits = torch.randn(8, 3, dtype=torch.float64)
    wide = torch.cat([logits, torch.randn(8, 2, dtype=torch.float64)], 1)
    few = dpcore.diff_pool(graph.x, graph, logits)
    closed = dpcore.diff_pool(graph.x, graph, wide, clusters=torch.tensor([3]))
    for ours, expected in zip(
        LOSSES[name](graph, closed), LOSSES[name](graph, few), strict=True
    ):
        close(ours, expected)


@pytest.mark.parametrize("name", LOSSES)
@pytest.mark.parametrize("clusters", [1, 3])
def test_their_gradients_are_finite_at_a_perfect_fit_and_without_edges(name, clusters):
    edgeless = union([(torch.randn(6, 2).double(), torch.zeros(6, 6).double())])
    sharp = 40 * torch.eye(clusters, dtype=torch.float64).repeat(6 // clusters, 1)
    sharp.requires_grad_()
    first, second = LOSSES[name](
        edgeless, dpcore.diff_pool(edgeless.x, edgeless, sharp)
    )
    assert first == 0
    (first + second).backward()
    assert sharp.grad.isfinite().all()


def test_what_the_next_level_gets():
    adj = torch.rand(2, 3, 3, dtype=torch.float64)
    adj[1, 2] = adj[1, :, 2] = 0  # an empty cluster
    coarse = DenseGraphs(torch.ones(2, 3, 1).double(), adj, torch.tensor([3, 2]))
    coarse.edge_attr = torch.rand(2, 3, 3, 2)
    scale = 1 / np.sqrt(adj.sum(2).numpy() + 1e-6)
    normal = for_next_level(coarse, "normalised")
    close(normal.adj.numpy(), scale[:, :, None] * adj.numpy() * scale[:, None])
    both = DenseGraphs(coarse.x, adj + adj.mT, coarse.sizes)
    largest = torch.linalg.eigvalsh(for_next_level(both, "normalised").adj)[:, -1]
    assert largest.allclose(torch.ones(2).double(), atol=1e-5) and largest.max() < 1
    bare = for_next_level(coarse, "no-diagonal")
    close(bare.adj, adj * (1 - torch.eye(3).double()))
    for made in (normal, bare, for_losses(coarse, "detached")):
        assert torch.equal(made.sizes, coarse.sizes)
        assert torch.equal(made.mask, coarse.mask)
        assert torch.equal(made.edge_attr, coarse.edge_attr)
    for repair in (None, "detached", "mincut", "dmon"):
        assert for_next_level(coarse, repair) is coarse
    sparse = union(random_graphs([4]))
    assert for_losses(sparse, "detached") is sparse


def model_of(repair, **settings):
    torch.manual_seed(0)
    model = dpcore.build_model(
        "diffpool",
        num_features=3,
        num_classes=2,
        max_nodes=24,
        hidden=8,
        dropout=0.0,
        repair=repair,
        **settings,
    )
    return model.double()


def test_detached_takes_the_second_levels_link_loss_off_a_prime():
    """‖A' − S₂S₂ᵀ‖ by hand, with A' inside and outside the graph of gradients."""
    batch = union(random_graphs([12], seed=1))
    grads = {}
    for repair in (None, "detached"):
        model = model_of(repair)
        out = model(batch)
        first, second = out.assignments
        weight = model.levels[0].assign.layers[-1].weight
        (grads[repair],) = torch.autograd.grad(out.link_loss, weight, retain_graph=True)
        coarse = first.T @ batch.to_dense() @ first
        coarse = coarse if repair is None else coarse.detach()
        own = (batch.to_dense() - first @ first.T).norm() / 12
        above = (coarse - second[0] @ second[0].T).norm() / 6
        (by_hand,) = torch.autograd.grad(own + above, weight)
        close(out.link_loss, own + above)
        close(grads[repair], by_hand)
    assert (grads[None] - grads["detached"]).norm() > 0.1 * grads[None].norm()


@pytest.mark.parametrize("repair", REPAIRS)
def test_a_repaired_model_trains_and_is_another_one(repair):
    batch = union(random_graphs([12, 9, 15], seed=1))
    plain, model = model_of(None, link_weight=0.5), model_of(repair, link_weight=0.5)
    out = model(batch)
    (out.logits.square().sum() + out.auxiliary).backward()
    norms = [p.grad.norm() for p in model.levels[0].assign.parameters()]
    assert all(norm.isfinite() and norm > 0 for norm in norms)
    close(out.auxiliary, 0.5 * out.link_loss + out.entropy_loss)
    graphs, losses = batch, []
    for level in model.levels:  # both losses by hand, level by level
        z, logits = level(graphs, None)
        pooled = dpcore.diff_pool(z, graphs, logits)
        usual = lambda _, pooled: (pooled.link_loss, pooled.entropy_loss)  # noqa: E731
        losses.append(torch.stack(LOSSES.get(repair, usual)(graphs, pooled)))
        graphs = for_next_level(pooled.graphs, repair)
    close(torch.stack([out.link_loss, out.entropy_loss]), sum(losses))
    close(out.logits, model.head(model.last(graphs, graphs.x).mean(1)))
    if repair != "detached":
        assert (out.auxiliary - plain(batch).auxiliary).abs() > 1e-3


def test_an_unknown_repair_is_refused():
    with pytest.raises(ValueError, match="repair is 'glue', expected None, detached"):
        model_of("glue")


@pytest.mark.parametrize("mass", [1e-32, 1e-28, 1e-25, 1e-18, 1e-6])
@pytest.mark.parametrize("normalise", ["repair", "walks"])
def test_a_cluster_that_hardly_anybody_is_in_leaves_gradients_finite(normalise, mass):
    """The slope of 1 / √1e-28 is no number of 32 bits: training ended with it."""
    grads = []
    for dtype in (torch.float32, torch.float64):
        edges = [[[6.0, 2, mass], [2, 4, 0], [mass, 0, 0]]]
        adj = torch.tensor(edges, dtype=dtype, requires_grad=True)
        graphs = DenseGraphs(torch.ones(1, 3, 1, dtype=dtype), adj)
        repaired = for_next_level(graphs, "normalised").adj
        normalised = repaired if normalise == "repair" else between(adj)
        grads += torch.autograd.grad((normalised + 1).log().sum(), adj)
    assert grads[0].isfinite().all()
    if normalise == "repair":
        assert grads[0].abs().max() < 1e7
    if mass > 1e-26:
        close(grads[0].double() / grads[1].abs().max(), grads[1] / grads[1].abs().max())
