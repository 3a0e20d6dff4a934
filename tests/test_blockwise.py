"""Large graphs, block by block, against the two lines of the paper."""

import pytest
import torch
from reference import random_graphs, union

from dpcore.graphs import SparseGraphs, blockwise
from dpcore.pooling import diff_pool

close = torch.testing.assert_close


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(blockwise, "BLOCK", 8)
    monkeypatch.setattr(blockwise, "LARGE", 1)


def both_ways(monkeypatch, pool):
    """What `pool` gives in blocks and, second, as a whole."""
    results = []
    for large in (1, 10**9):
        monkeypatch.setattr(blockwise, "LARGE", large)
        results.append(pool())
    return results


def tensors(graphs, d, k, dtype=torch.float64):
    generator = torch.Generator().manual_seed(1)
    return [
        torch.randn(graphs.num_nodes, width, generator=generator, dtype=torch.float64)
        .to(dtype)
        .requires_grad_()
        for width in (d, k)
    ]


SIZES = [[2], [8], [21], [40, 7, 16, 9]]  # blocks of 8: one, whole, with a rest


@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("directed", [False, True])
@pytest.mark.parametrize(("d", "k"), [(3, 5), (4, 4), (5, 1)])
def test_every_value_and_gradient_is_that_of_the_two_lines(
    small_blocks, monkeypatch, sizes, directed, d, k
):
    graphs = union(random_graphs(sizes, directed=directed, weighted=True, loops=True))
    calls = []
    pool = blockwise.pool
    monkeypatch.setattr(
        blockwise, "pool", lambda *inputs: calls.append(1) or pool(*inputs)
    )

    def values_and_gradients():
        z, logits = tensors(graphs, d, k)
        out = diff_pool(z, graphs, logits)
        total = sum((i + 1) * part.sin().sum() for i, part in enumerate(out[:5]))
        return [*out[:5], *torch.autograd.grad(total, (z, logits))]

    for ours, whole in zip(*both_ways(monkeypatch, values_and_gradients), strict=True):
        close(ours, whole)
    assert len(calls) == 1


@pytest.mark.parametrize("part", range(5))
def test_each_part_alone_has_its_gradient(small_blocks, monkeypatch, part):
    graphs = union(random_graphs([20, 9], directed=True))

    def gradients():
        z, logits = tensors(graphs, 4, 4)
        out = diff_pool(z, graphs, logits)[part]
        found = torch.autograd.grad(out.sin().sum(), (z, logits), allow_unused=True)
        return [one for one in found if one is not None]

    for ours, whole in zip(*both_ways(monkeypatch, gradients), strict=True):
        close(ours, whole)


def test_gradients_are_those_of_finite_differences(small_blocks):
    graphs = union(random_graphs([11], directed=True, weighted=True))
    step = lambda z, logits: blockwise.pool(z, graphs, logits)  # noqa: E731
    assert torch.autograd.gradcheck(step, tensors(graphs, 2, 3))


def test_closed_clusters_stay_closed(small_blocks, monkeypatch):
    graphs = union(random_graphs([20, 9]))
    clusters = torch.tensor([2, 3])

    def gradients():
        z, logits = tensors(graphs, 4, 4)
        out = diff_pool(z, graphs, logits, clusters=clusters)
        out.x.sum().backward(retain_graph=True)
        (out.link_loss + out.entropy_loss).backward()
        return [*out[:5], z.grad, logits.grad]

    for ours, whole in zip(*both_ways(monkeypatch, gradients), strict=True):
        assert ours.isfinite().all()
        close(ours, whole)


def test_near_a_perfect_clustering_the_loss_is_exact(small_blocks):
    own = torch.arange(60) % 3
    adj = (own[:, None] == own).double()
    graphs = SparseGraphs.from_edge_index(torch.ones(60, 2), adj.nonzero().T)
    noise = torch.randn(60, 3, generator=torch.Generator().manual_seed(0))
    scores = 9 * torch.nn.functional.one_hot(own, 3) + 0.1 * noise
    scores.requires_grad_()
    link = diff_pool(graphs.x, graphs, scores).link_loss
    (gradient,) = torch.autograd.grad(link, scores)
    exact = scores.detach().double().requires_grad_()
    s = exact.softmax(1)
    expected = (adj - s @ s.T).square().mean().sqrt()
    (of_exact,) = torch.autograd.grad(expected, exact)
    close(link, expected.float(), rtol=1e-5, atol=0)
    close(gradient, of_exact.float(), rtol=1e-4, atol=1e-9)


def test_the_assignment_is_left_as_it_was_by_the_backward_pass(small_blocks):
    graphs = union(random_graphs([20]))
    z, logits = tensors(graphs, 4, 4)
    out = diff_pool(z, graphs, logits)
    before = out.assignment.detach().clone()
    (out.x.sum() + out.assignment.square().sum()).backward()
    close(out.assignment, before, rtol=0, atol=0)
    close(before, logits.detach().softmax(1))


def test_only_large_graphs_come_in_blocks():
    one = union(random_graphs([9, 9]))

    class Large(SparseGraphs):
        num_nodes, num_graphs = blockwise.BLOCK, 4

    large = Large(one.x, one.adjacency, one.ptr)
    enough = torch.empty(blockwise.LARGE // 64, 64, device="meta")
    assert blockwise.is_large(large, enough)
    assert not blockwise.is_large(large, enough[1:])
    assert not blockwise.is_large(one, enough)
    Large.num_graphs = 5
    assert not blockwise.is_large(large, enough)
    assert not blockwise.is_large(diff_pool(one.x, one, one.x).graphs, enough)


def test_hard_assignments_are_not_taken_in_blocks(small_blocks, monkeypatch):
    monkeypatch.setattr(blockwise, "pool", None)
    graphs = union(random_graphs([20]))
    out = diff_pool(*[t for t in (graphs.x, graphs, graphs.x)], hard=True)
    assert set(out.assignment.unique().tolist()) == {0, 1}
