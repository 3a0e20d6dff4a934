"""Chapter 09: what fits into memory, a safe root, chunks, the same trick once more."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from dpcore.teaching.exercises.mechanism import (
    Largest,
    Mistake,
    exercise,
    expect_close,
    expect_number,
    expect_tensor,
)

Answer = Callable[..., Any]


@exercise("9.1")
def largest_graph(function: Answer) -> str:
    """``largest_graph(memory, matrices)``: bytes and a count → the largest n."""
    for memory, matrices, want in ((24_000_000_000, 6, 31_622), (1200, 3, 10)):
        got = function(memory, matrices)
        wrong = {
            (memory / matrices)
            ** 0.5: "an entry is a float32: it takes 4 bytes, not 1",
            (memory / matrices / 32) ** 0.5: "32 are the bits of a float32, not its "
            "bytes: memory is in bytes",
            (memory / matrices / 8) ** 0.5: "8 bytes are a float64: a float32 has 4",
            (memory / 4) ** 0.5: "one matrix of this size fits, but there are "
            "`matrices` of them",
            memory / matrices / 4: "that is n², the entries of one matrix",
            (memory / 4) ** 0.5 / matrices: "n²·matrices entries: divide by matrices "
            "before you take the root",
        }
        wrong[want + 1] = "one too many: round down, not up"
        hint = "the largest whole n with matrices · n² · 4 bytes ≤ memory"
        mistakes = [(int(near), told) for near, told in wrong.items()]
        expect_number(got, want, hint, name="n", mistakes=mistakes, atol=0)
    return "and a hundred times the memory buys ten times the nodes."


@exercise("9.2")
def safe_root(function: Answer) -> str:
    """``safe_root(x)``: the root of x ≥ 0, its gradient 0 where x is 0."""
    start = torch.tensor([4.0, 0.0, 0.25, 1e-10, 0.0])
    want = torch.tensor([2.0, 0.0, 0.5, 1e-5, 0.0])
    slope = torch.tensor([0.25, 0.0, 1.0, 5e4, 0.0])
    x = start.clone().requires_grad_()
    got = expect_tensor(function(x), want.shape)
    value = got.detach()
    if bool((value[[1, 4]] != 0).any()):
        raise Mistake(
            f"the root of 0 came out as {value[1]:.0e}: something is added or clamped "
            "under the root. The value must not move"
        )
    expect_close(value, want, "the square root of every entry")
    if abs(float(value[3]) - 1e-5) > 1e-7:
        raise Mistake("1e-10 is small, but not 0: its root is 1e-5")
    if not got.requires_grad:
        raise Mistake("no gradient: something detaches the result from x")
    (grad,) = torch.autograd.grad(got.sum(), x, allow_unused=True)
    if grad is None:
        raise Mistake("no gradient reaches x")
    if bool(grad.isnan().any()):
        raise Mistake(
            "the gradient at 0 is NaN: torch.where chooses the value, but the gradient "
            "still runs through the root at 0, and 0 · inf is NaN. Change what goes "
            "*into* the root"
        )
    if bool(grad.isinf().any()):
        raise Mistake("the gradient at 0 is infinite: 1 / (2·sqrt(0))")
    if abs(float(grad[3]) - 5e4) > 1:
        raise Mistake(
            f"the gradient at 1e-10 is {grad[3]:.3g}, expected 5e4: only x = 0 itself "
            "is special"
        )
    expect_close(grad, slope, "1 / (2·sqrt(x)), and 0 at x = 0", name="the gradient")
    return "the same value, and a gradient you can train with."


@exercise("9.3")
def slots(function: Answer) -> str:
    """``slots(sizes [B], chunk)`` → the slot of every node [N]."""
    sizes, chunk = torch.tensor([3, 4, 9, 1]), 4
    want: list[int] = []
    first = 0
    for size in sizes.tolist():
        want += range(first, first + size)
        first = want[-1] + 1 + -(want[-1] + 1) % chunk
    got = expect_tensor(function(sizes, chunk), [len(want)], "the slots")
    if got.is_floating_point():
        raise Mistake(f"the slots are {got.dtype}: they are indices, whole numbers")
    starts = sizes.cumsum(0) - sizes
    node = torch.arange(len(want))

    def placed(chunks: torch.Tensor) -> torch.Tensor:
        first = (chunks.cumsum(0) - chunks) * chunk
        return node + (first - starts).repeat_interleave(sizes)

    own = torch.tensor(want)
    mistakes = [
        (node, "no graph moved: every graph begins at a new chunk"),
        (
            placed(sizes // chunk + 1),
            "a graph of 4 nodes fills one chunk of 4, your code gives it two: "
            "round up, (size + chunk - 1) // chunk",
        ),
        (
            placed(sizes // chunk),
            "the last, part-filled chunk is missing: round up, not down",
        ),
        (
            node + (torch.arange(4) * 12 - starts).repeat_interleave(sizes),
            "you pad every graph to the chunks of the largest: each needs only its own",
        ),
        (own // chunk, "that is the chunk of every node: give its slot"),
        (own % chunk, "that is the place inside the chunk: add where it begins"),
    ]
    hint = "the first slot of its graph + its number inside the graph"
    expect_close(got, own, hint, name="the slots", mistakes=mistakes)
    many = torch.tensor([64, 1, 32])
    want_many = torch.cat([torch.arange(64), torch.tensor([64]), torch.arange(96, 128)])
    expect_close(function(many, 32), want_many, hint, name="the slots of 64, 1, 32")
    return "no loop, and at most one part-filled chunk a graph."


@exercise("9.4")
def block_loss(function: Answer) -> str:
    """``block_loss(edge_index, edge_weight, s, b)`` → ‖A − S B Sᵀ‖²_F."""
    torch.manual_seed(94)
    nodes, k = 9, 3
    index = torch.randperm(nodes * nodes)[:20]
    edges = torch.stack([index // nodes, index % nodes])
    weight, b = torch.rand(20) + 0.5, torch.randn(k, k)
    s, adj = torch.randn(nodes, k).softmax(1), torch.zeros(nodes, nodes)
    adj[tuple(edges)] = weight
    want = (adj - s @ b @ s.T).square().sum()
    got = function(edges, weight, s, b)
    if isinstance(got, torch.Tensor) and got.numel() > 1:
        raise Mistake(f"a tensor of shape {list(got.shape)}, expected one number")
    fixed, pooled, gram = weight.square().sum(), s.T @ adj @ s, s.T @ s
    cross, last = (b * pooled).sum(), (b * (gram @ b @ gram)).sum()
    turned = (b.T * pooled).sum()
    wrong = [
        (
            fixed - 2 * pooled.trace() + last,
            "the middle term has no B: ⟨A, S B Sᵀ⟩ is the sum of B_cd · A'_cd",
        ),
        (
            fixed - 2 * turned + last,
            "the middle term pairs B_cd with A'_dc: the graph may be directed, and B "
            "need not be symmetric",
        ),
        (
            fixed - cross + last,
            "the middle term stands there twice: −2·⟨A, S B Sᵀ⟩",
        ),
        (
            fixed + 2 * cross + last,
            "the middle term has the wrong sign",
        ),
        (
            weight.sum() - 2 * cross + last,
            "‖A‖² adds up the squares of the weights, not the weights",
        ),
        (
            len(weight) - 2 * cross + last,
            "‖A‖² adds up the squares of the weights: you count the edges",
        ),
        (
            fixed - 2 * cross + gram.square().sum(),
            "the last term has no B: with G = SᵀS it is tr(Bᵀ G B G)",
        ),
        (
            fixed - 2 * cross + (gram @ b).square().sum(),
            "‖G B‖² is not ‖S B Sᵀ‖²: write the norm as a trace and move one factor "
            "round, tr(Bᵀ G B G)",
        ),
        (
            fixed - 2 * cross + (b @ gram @ b @ gram).trace(),
            "in the last term one B stands transposed: tr(Bᵀ G B G)",
        ),
        (want.sqrt(), "that is the norm: asked for is its square"),
        (
            fixed - 2 * pooled.trace() + gram.square().sum(),
            "that is ‖A − SSᵀ‖²: B is missing altogether",
        ),
    ]
    hint = "‖A‖² − 2·⟨B, SᵀAS⟩ + tr(Bᵀ G B G), with G = SᵀS"
    expect_number(got, float(want), hint, mistakes=wrong, atol=1e-3)
    nodes = 600
    edges = torch.stack([torch.arange(nodes), torch.arange(nodes).roll(1)])
    s = torch.randn(nodes, k).softmax(1)
    with Largest() as seen:
        function(edges, torch.ones(nodes), s, b)
    if seen.entries >= nodes**2:
        raise Mistake(
            f"right, but for {nodes} nodes your code makes a tensor of {seen.entries} "
            "entries: no n × n matrix, index_add the edges into AS [n, k]"
        )
    return "any loss that is a square of A minus something of low rank goes this way."
