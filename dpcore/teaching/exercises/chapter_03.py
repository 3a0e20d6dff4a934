"""Chapter 03: pool once, coarsen edge by edge, average, renumber, straight through."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch.nn import functional as F

from dpcore.teaching.exercises.mechanism import (
    Largest,
    Mistake,
    exercise,
    expect_close,
    expect_pair,
    expect_tensor,
)

Answer = Callable[..., Any]


@exercise("3.1")
def pool_once(function: Answer) -> str:
    """``pool_once(logits [n, k], z [n, d], adj [n, n])`` → X' [k, d], A' [k, k]."""
    torch.manual_seed(31)
    for nodes, clusters in ((3, 3), (5, 2)):  # the square case: S and Sᵀ both fit
        logits, z = 2 * torch.randn(nodes, clusters), torch.randn(nodes, 4)
        adj = torch.rand(nodes, nodes)  # directed, with self-loops
        pair = expect_pair(function(logits.clone(), z.clone(), adj.clone()), "x, adj")
        s = logits.softmax(1)
        want = torch.einsum("ic,id->cd", s, z)
        mistakes = _wrong_x(logits, z)
        expect_close(pair[0], want, "X' = SᵀZ", name="X'", mistakes=mistakes)
        want = torch.einsum("ic,ij,jd->cd", s, adj, s)
        mistakes = _wrong_adj(logits, adj)
        expect_close(pair[1], want, "A' = SᵀAS", name="A'", mistakes=mistakes)
    return "two products, and a graph has become smaller."


def _assignments(logits: torch.Tensor) -> Iterable[tuple[torch.Tensor, str]]:
    """What is sometimes taken for S, and what to say of it."""
    soft = logits.softmax(1)
    yield (
        logits.softmax(0),
        "your softmax runs over the nodes (dim=0): the shares of a *node* add up to 1, "
        "so it runs over the clusters, dim=1",
    )
    yield logits, "the logits are scores, not shares: a softmax over dim=1 first"
    yield soft.softmax(1), "the softmax is applied twice: once is enough"
    yield (
        F.one_hot(logits.argmax(1), logits.size(1)).float(),
        "argmax makes a hard assignment: keep the shares of the softmax",
    )


def _wrong_x(logits: torch.Tensor, z: torch.Tensor):
    soft = logits.softmax(1)
    for s, told in _assignments(logits):
        yield s.T @ z, told
    yield (
        soft.T @ z / soft.sum(0)[:, None],
        "you divide by the cluster sizes: X' is the sum, not the mean",
    )
    if logits.size(0) == logits.size(1):
        yield (
            soft @ z,
            "that is S Z: the transpose is missing, X' = SᵀZ is [k, n][n, d]",
        )


def _wrong_adj(logits: torch.Tensor, adj: torch.Tensor):
    soft = logits.softmax(1)
    right = soft.T @ adj @ soft
    sizes = soft.sum(0)
    for s, told in _assignments(logits):
        yield s.T @ adj @ s, told
    if logits.size(0) == logits.size(1):
        yield (
            soft @ adj @ soft.T,
            "that is S A Sᵀ: the transpose belongs to the left factor, "
            "[k, n][n, n][n, k]",
        )
    normalised = "you divide by the cluster sizes: A' holds edge mass, it is a sum"
    yield right / torch.outer(sizes, sizes), normalised
    yield right / sizes[:, None], normalised
    yield (
        right - torch.diag(right.diagonal()),
        "the diagonal is empty: it holds the edges inside each cluster, keep it",
    )
    yield right.T, "it is transposed: SᵀAS, not SᵀAᵀS. The graph may be directed"


@exercise("3.2")
def coarsen_edges(function: Answer) -> str:
    """``coarsen_edges(edge_index, edge_weight, s [N, k], batch, num_graphs)``."""
    torch.manual_seed(32)
    batch = torch.tensor([1, 0, 2, 1, 0, 1, 1, 0])  # graph 2: one node, no edge
    number = torch.tensor([1, 4, 7, 0, 3, 5, 6, 2])  # the graphs' nodes are mixed
    edges = number[
        torch.tensor([[0, 1, 1, 2, 3, 4, 4, 5, 6, 3], [1, 0, 2, 1, 4, 3, 5, 6, 6, 5]])
    ]
    weight, s = torch.rand(10) + 0.5, torch.rand(8, 3).softmax(1)
    want, loops = torch.zeros(3, 3, 3), edges[0] == edges[1]
    plain, without = torch.zeros(3, 3, 3), torch.zeros(3, 3, 3)
    for (i, j), w, loop in zip(edges.T.tolist(), weight, loops, strict=True):
        square = torch.outer(s[i], s[j])
        want[batch[i]] += w * square
        plain[batch[i]] += square
        without[batch[i]] += 0 if loop else w * square
    got = function(edges, weight, s, batch, 3)
    if isinstance(got, torch.Tensor):
        if got.shape == (3, 3):
            raise Mistake(
                "one [k, k] matrix for the whole batch: expected [num_graphs, k, k], "
                "each graph adds up its own edges, those of batch[edge_index[0]]"
            )
        if got.shape == (2, 3, 3):
            raise Mistake(
                "2 matrices for 3 graphs: the last graph has no edges and still gets "
                "its matrix, of zeros. Take `num_graphs`"
            )
    transposed = want.transpose(1, 2)
    diagonal = torch.diag_embed(want.diagonal(dim1=1, dim2=2))
    mistakes = [
        (plain, "every edge counts 1: multiply its square by its weight"),
        (
            want + transposed,
            "every edge is counted in both directions, but edge_index lists each "
            "direction that there is already",
        ),
        ((want + transposed) / 2, "A' need not be symmetric: some edges go one way"),
        (transposed, "rows and columns are swapped: S_iᵀS_j for an edge i → j"),
        (without, "the self-loop 6 → 6 is missing: it counts like any edge"),
        (want - diagonal, "the diagonal is empty: edges inside a cluster count"),
    ]
    hint = "A'_cd is the sum of weight · S_ic · S_jd over the edges"
    expect_close(got, want, hint, mistakes=mistakes)
    nodes, k = 600, 4
    edges = torch.randint(nodes, (2, 2 * nodes))
    s, batch = torch.rand(nodes, k).softmax(1), torch.zeros(nodes, dtype=torch.long)
    with Largest() as seen:
        function(edges, torch.ones(2 * nodes), s, batch, 1)
    if seen.entries >= nodes**2:
        raise Mistake(
            f"right, but for {nodes} nodes your code makes a tensor of {seen.entries} "
            "entries: no n × n matrix, only squares of k × k, one an edge"
        )
    return "edges only: this is how a graph with a million nodes can be pooled."


@exercise("3.3")
def cluster_means(function: Answer) -> str:
    """``cluster_means(s [n, k], z [n, d])`` → [k, d]."""
    s = torch.tensor(
        [
            [0.9, 0.1, 0, 0],
            [0.6, 0.2, 0, 0.2],
            [1, 0, 0, 0],
            [0.3, 0, 0, 0.7],
            [0, 0, 0, 1],
        ]
    )
    z = torch.tensor([[1.0, 1], [2, 1], [4, 1], [8, 1], [-3, 1]])
    sums, sizes = torch.einsum("ic,id->cd", s, z), s.sum(0)[:, None]
    want = torch.zeros(4, 2)
    full = [0, 1, 3]
    want[full] = sums[full] / sizes[full]
    got = function(s.clone(), z.clone())
    if isinstance(got, torch.Tensor) and got.shape == want.shape:
        if not torch.isfinite(got[2]).all():
            raise Mistake(
                "0 / 0 in the empty cluster, number 2: its row should be zeros"
            )
    members = F.one_hot(s.argmax(1), 4).float().sum(0)[:, None]
    overall = z.mean(0).expand(4, 2)
    mistakes = [
        (sums, "that is the sum: divide by the size of each cluster"),
        (
            sums / sizes.clamp(min=1),
            "clamp(min=1) guards too much: cluster 1 holds 0.3 of a node, and its "
            "mean divides by 0.3, not by 1",
        ),
        (sums / len(s), "you divide by n: each cluster has its own size"),
        (sums / (len(s) / 4), "you divide by n / k: each cluster has its own size"),
        (
            sums / (s > 0).sum(0)[:, None].clamp(min=1),
            "you count the nodes with any share: the size is the sum of the shares",
        ),
        (
            sums / members.clamp(min=1),
            "you count nodes by their argmax: the size is the sum of the shares",
        ),
        (
            s.softmax(0).T @ z,
            "a softmax over nodes is another weighting: divide by s's column sums",
        ),
        (overall, "that is the mean of all nodes, without s"),
    ]
    hint = "SᵀZ, each row divided by the column sum of S"
    expect_close(got, want, hint, mistakes=mistakes)
    return "and the column of ones came out as 1: the size of a cluster is gone."


@exercise("3.4")
def renumber(function: Answer) -> str:
    """``renumber(x [n, f], edge_index, perm)`` → new x, new edge_index."""
    perm = torch.tensor([2, 0, 3, 1, 4])  # 0→1→3→2→0: not its own inverse
    inverse = torch.tensor([1, 3, 0, 2, 4])
    x = torch.arange(10.0).view(5, 2)
    edges = torch.tensor([[0, 0, 1, 3, 4], [1, 2, 3, 4, 2]])  # directed
    got = expect_pair(function(x.clone(), edges.clone(), perm.clone()), "x, edge_index")
    new_x = expect_tensor(got[0], x.shape, "the new x")
    new_edges = expect_tensor(got[1], edges.shape, "the new edge_index")
    if new_edges.is_floating_point():
        raise Mistake(f"the new edge_index is {new_edges.dtype}: keep whole numbers")
    moved, fits = _adjacency(new_edges), inverse[edges]
    backwards = torch.equal(new_x.float(), x[inverse])
    if backwards and torch.equal(moved, _adjacency(perm[edges])):
        raise Mistake(
            "consistent, but the wrong way round: you made old node i the new node "
            "perm[i]. New node i is old node perm[i]"
        )
    if torch.equal(new_x.float(), x):
        raise Mistake("x has not moved: new row i is old row perm[i], x[perm]")
    expect_close(new_x, x[perm], "new row i is old row perm[i]", name="the new x")
    if torch.equal(moved, _adjacency(edges)):
        raise Mistake("the edges still hold the old numbers: they must move with x")
    if torch.equal(moved, _adjacency(perm[edges])):
        raise Mistake(
            "perm[edge_index] asks perm the wrong question: edges hold old numbers and "
            "need new ones, that is the inverse permutation, torch.argsort(perm)"
        )
    if torch.equal(moved, _adjacency(fits.flip(0))):
        raise Mistake("every edge points backwards: keep the order of the two rows")
    if not torch.equal(moved, _adjacency(fits)):
        raise Mistake(
            "an edge i → j must join the new numbers of the same two nodes: look at "
            "one edge and find both of its ends in the new x"
        )
    return "now you can test any model for invariance."


def _adjacency(edge_index: torch.Tensor) -> torch.Tensor:
    counts = torch.zeros(5, 5)
    for i, j in edge_index.T.tolist():
        if not (0 <= i < 5 and 0 <= j < 5):
            raise Mistake(f"the new edge_index names a node {max(i, j)} of 5: 0 to 4")
        counts[i, j] += 1
    return counts


@exercise("3.5")
def straight_through(function: Answer) -> str:
    """``straight_through(logits [n, k])`` → one-hot S with the softmax's gradient."""
    start = torch.tensor([[2.0, 1, 0], [0, 0.5, 0.2], [-1, 0, 3], [1, 1.5, 0]])
    weight = torch.tensor([[1.0, -2, 3], [0.5, 4, -1], [2, 0, 1], [-3, 1, 2]])
    hard = F.one_hot(start.argmax(1), 3)
    logits = start.clone().requires_grad_()
    got = expect_tensor(function(logits), start.shape)
    soft_still = "the value is still soft: it should be 1 at the argmax, 0 elsewhere"
    hint = "the value is 1 at the argmax of a row, 0 elsewhere"
    expect_close(got, hard, hint, mistakes=[(start.softmax(1), soft_still)])
    if not got.requires_grad:
        raise Mistake(
            "no gradient: argmax and one_hot cut the chain. Add something whose value "
            "is 0 and whose gradient is that of the softmax"
        )
    (grad,) = torch.autograd.grad((got * weight).sum(), logits, allow_unused=True)
    soft = start.clone().requires_grad_()
    (want,) = torch.autograd.grad((soft.softmax(1) * weight).sum(), soft)
    if grad is None or torch.allclose(grad, torch.zeros_like(grad), atol=1e-6):
        raise Mistake(
            "the gradient is zero: `soft - soft` cancels in the value and in the "
            "gradient. One of the two needs .detach()"
        )
    if torch.allclose(grad, -want, atol=1e-4):
        raise Mistake(
            "the gradient has the wrong sign: detach the soft that you subtract"
        )
    if torch.allclose(grad, weight, atol=1e-4):
        raise Mistake(
            "the gradient goes to the logits as if there were no softmax: take "
            "soft = softmax(logits) in place of the logits"
        )
    expect_close(grad, want, "the softmax's gradient", name="the gradient")
    return "hard in value, soft in gradient."
