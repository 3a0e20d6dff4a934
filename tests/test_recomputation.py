"""Where float32 cancels, the link loss is computed once more in float64: at every
level, for any shape of S, and if a single graph of a batch asks for it."""

import pytest
import torch
from torch.nn import functional as F

from dpcore.graphs import DenseGraphs, SparseGraphs
from dpcore.pooling import diff_pool, link_loss


def cliques(nodes, clusters, sharpness, seed=0):
    """[n, n] cliques with self-loops, and scores that point at the own one."""
    own = torch.arange(nodes) * clusters // nodes
    noise = torch.randn(nodes, clusters, generator=torch.Generator().manual_seed(seed))
    return (own[:, None] == own).double(), sharpness * F.one_hot(own, clusters) + noise


def loss_and_gradient(graphs, scores):
    scores = scores.clone().requires_grad_()
    loss = diff_pool(graphs.x, graphs, scores).link_loss
    return loss.item(), torch.autograd.grad(loss, scores)[0].double()


def truth(parts):
    """The mean over graphs of (adjacency, scores) in float64, from full matrices."""
    exact = [scores.double().requires_grad_() for _, scores in parts]
    losses = []
    for (adj, _), scores in zip(parts, exact, strict=True):
        s = scores.softmax(-1)
        losses.append((adj - s @ s.T).square().mean().sqrt())
    loss = torch.stack(losses).mean()
    return loss.item(), torch.autograd.grad(loss, exact)


def compare(found, expected):
    (loss, gradient), (true_loss, true_gradient) = found, expected
    assert loss == pytest.approx(true_loss, rel=1e-5)
    error = (gradient - true_gradient).abs().max() / true_gradient.abs().max()
    assert error < 1e-4


@pytest.mark.parametrize("shape", [(60, 3), (60, 4), (7, 7), (9, 12)])
@pytest.mark.parametrize("sharpness", [0.0, 9.0, 13.0])
def test_at_a_coarse_level(shape, sharpness):
    nodes, clusters = shape
    adj, scores = cliques(nodes, min(3, clusters), sharpness)
    scores = F.pad(scores, (0, clusters - scores.size(1)), value=-4.0)
    graphs = DenseGraphs(torch.ones(1, nodes, 2), adj.float()[None])
    loss, gradient = loss_and_gradient(graphs, scores[None])
    true_loss, (true_gradient,) = truth([(adj, scores)])
    compare((loss, gradient[0]), (true_loss, true_gradient))


@pytest.mark.parametrize("form", ["sparse", "dense"])
@pytest.mark.parametrize("sharp", [0, 1, 2])
def test_for_one_graph_of_a_batch(form, sharp):
    """The others are far from a perfect clustering; sizes differ."""
    sizes = [60, 21, 9]
    parts = [
        cliques(n, 3, 12.0 if g == sharp else 0.0, seed=g) for g, n in enumerate(sizes)
    ]
    if form == "sparse":
        adj = torch.block_diag(*(adj for adj, _ in parts))
        batch = torch.arange(3).repeat_interleave(torch.tensor(sizes))
        graphs = SparseGraphs.from_edge_index(torch.ones(90, 2), adj.nonzero().T, batch)
        loss, gradient = loss_and_gradient(graphs, torch.cat([s for _, s in parts]))
        gradients = gradient.split(sizes)
    else:
        most = max(sizes)
        adj = torch.stack([F.pad(a, (0, most - len(a)) * 2) for a, _ in parts])
        scores = torch.stack([F.pad(s, (0, 0, 0, most - len(s))) for _, s in parts])
        graphs = DenseGraphs(torch.ones(3, most, 2), adj.float(), torch.tensor(sizes))
        loss, gradient = loss_and_gradient(graphs, scores)
        gradients = [of_g[:n] for of_g, n in zip(gradient, sizes, strict=True)]
    true_loss, true_gradients = truth(parts)
    compare((loss, torch.cat(list(gradients))), (true_loss, torch.cat(true_gradients)))


@pytest.mark.parametrize(("sharpness", "enough"), [(0.0, True), (12.0, False)])
def test_float32_says_itself_whether_it_is_enough(sharpness, enough):
    adj, scores = cliques(60, 3, sharpness)
    graphs = DenseGraphs(torch.ones(1, 60, 2), adj.float()[None])
    s = scores.softmax(-1)[None]
    coarse = graphs.contract(s, graphs.propagate(s))
    assert (link_loss(graphs, s, coarse) is not None) == enough
    s = s.double()
    coarse = graphs.contract(s, graphs.propagate(s))
    assert link_loss(graphs, s, coarse) is not None


def test_empty_clusters_one_level_up():
    """Clusters that nobody is in: no mass, no neighbours, finite gradients."""
    adj, scores = cliques(9, 3, 0.0)
    scores = F.pad(scores, (0, 2), value=-torch.inf).requires_grad_()
    graphs = SparseGraphs.from_edge_index(torch.ones(9, 2), adj.nonzero().T)
    coarse = diff_pool(graphs.x, graphs, scores).graphs
    assert coarse.x.shape == (1, 5, 2) and not coarse.x[0, 3:].any()
    assert not coarse.adj[0, 3:].any() and not coarse.adj[0, :, 3:].any()
    means = coarse.averaged().propagate(coarse.x)
    assert not means[0, 3:].any()
    again = diff_pool(coarse.x, coarse, coarse.normalized().propagate(coarse.x))
    (again.link_loss + again.entropy_loss + means.sum()).backward()
    assert scores.grad.isfinite().all() and scores.grad.any()
