"""Chapter 05: undo padding, masked entropy, the link gradient, no diagonal."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch

from dpcore.teaching.exercises.mechanism import (
    Largest,
    Mistake,
    entropy,
    exercise,
    expect_close,
    expect_number,
    expect_pair,
    expect_tensor,
)

Answer = Callable[..., Any]


@exercise("5.1")
def undo_padding(function: Answer) -> str:
    """``undo_padding(link, entropy, nodes, padded)`` → both as `dpcore` has them."""
    for nodes, padded, norm, mean in ((30, 150, 12.0, 1.25), (17, 20, 5.0, 0.5)):
        link, spread = norm / padded**2, mean * nodes / padded
        pair = expect_pair(function(link, spread, nodes, padded), "link, entropy")
        kind = f"of {nodes} nodes padded to {padded}"
        wrong_link = {
            norm: "that is the norm itself, the paper's form: dpcore divides it by n",
            norm / nodes**2: "the norm over n², PyG's number without padding: dpcore "
            "divides the norm by n, the root of n²",
            link * padded / nodes: "padding divides the link loss by padded², not by "
            "padded: one matrix has padded² entries",
            link: "the link loss came back as it was",
            norm**2 / nodes**2: "that is the mean square: take its root",
        }
        wrong_entropy = {
            spread: "the entropy came back as it was: PyG averages over padded rows",
            mean * padded / nodes: "too large: multiply by padded / nodes only once",
            spread * nodes / padded: "the wrong way round: padding made it smaller",
            spread * padded: "that is the sum over the nodes: divide by nodes",
        }
        hint = "first undo the division by padded², then divide by nodes"
        name = f"the link loss {kind}"
        named = wrong_link.items()
        expect_number(pair[0], norm / nodes, hint, name=name, mistakes=named)
        hint = "the sum over the nodes is the mean over padded rows times padded"
        name = f"the entropy loss {kind}"
        expect_number(pair[1], mean, hint, name=name, mistakes=wrong_entropy.items())
    return "now two logs can be compared."


@exercise("5.2")
def masked_entropy(function: Answer) -> str:
    """``masked_entropy(logits [B, n, k], mask [B, n])`` → a scalar, in nats."""
    generator = torch.Generator().manual_seed(5)
    logits = 2 * torch.randn(3, 4, 5, generator=generator)
    logits[0, 3, 2] = -torch.inf
    mask = torch.tensor([[1, 0, 0, 1], [1, 1, 1, 1], [0, 1, 0, 0]]).bool()
    got = function(logits.clone().requires_grad_(), mask.clone())
    if isinstance(got, torch.Tensor) and got.numel() == 1 and bool(got.isnan()):
        raise Mistake("NaN: 0 · log 0 has to count as 0, see torch.special.entr")
    expect_tensor(got, None, "the loss")
    if got.numel() != 1:
        raise Mistake(f"the loss has shape {list(got.shape)}, expected one number")
    shares = logits.double().softmax(-1).tolist()
    rows = [[entropy(row) for row in graph] for graph in shares]
    sizes = mask.sum(1).tolist()
    own = [
        sum(h for h, real in zip(row, whose, strict=True) if real)
        for row, whose in zip(rows, mask.tolist(), strict=True)
    ]
    first = [sum(row[:m]) / m for row, m in zip(rows, sizes, strict=True)]
    want = sum(total / m for total, m in zip(own, sizes, strict=True)) / 3
    everything = sum(map(sum, rows))

    def over(dim: int) -> float:
        s = logits.softmax(dim)
        part = torch.special.entr(s).sum(-1) * mask
        return float((part.sum(1) / mask.sum(1)).mean())

    typical = {
        over(1): "your rows do not sum to 1: softmax over clusters, dim=-1 (yours "
        "runs over the nodes)",
        over(0): "your rows do not sum to 1: softmax over clusters, dim=-1 (yours "
        "runs over the graphs)",
        everything / 12: "padding counts: use the mask, in the sum and in the divisor",
        sum(first) / 3: "you take the first rows of each graph: the mask says which "
        "rows are nodes, and they need not come first",
        sum(own) / 12: "you add up the right rows but divide by all of them, padding "
        "too: divide by mask.sum(1)",
        sum(own) / 7: "one mean over all nodes: a large graph would count more. First "
        "a mean for each graph, then the mean of those",
        sum(own) / 3: "that is the sum over a graph's nodes: take their mean",
        want * 3: "you add the graphs up: take their mean",
        -want: "the sign: H = −Σ p log p is never negative",
        want / math.log(2): "bits: use the natural logarithm",
        want / 5: "you average over the clusters: H adds them up",
    }
    hint = "H of each real row, averaged twice"
    named = typical.items()
    expect_number(got.detach(), want, hint, name="the loss", mistakes=named)
    if not got.requires_grad:
        raise Mistake("no gradient: something detaches the result from logits")
    return "the same for any padding and any batch."


@exercise("5.3")
def link_gradient(function: Answer) -> str:
    """``link_gradient(adj [n, n], s [n, k])`` → the gradient of ‖A − SSᵀ‖²_F."""
    generator = torch.Generator().manual_seed(5)
    mutual = torch.tensor([[0.0, 1, 1, 0], [1, 0, 0, 0], [1, 0, 0, 1], [0, 0, 1, 0]])
    one_way = torch.tensor([[0.0, 2, 0, 0], [0, 0, 1, 0], [1, 0, 1, 0.5], [0, 0, 0, 0]])
    s = torch.randn(4, 3, generator=generator).softmax(1)
    for kind, adj in (("a symmetric graph", mutual), ("a directed graph", one_way)):
        got = function(adj.clone(), s.clone())
        want = torch.zeros_like(s)  # entry by entry, from (A_ij − S_i·S_j)²
        for i in range(4):
            for j in range(4):
                residual = adj[i, j] - s[i] @ s[j]
                want[i] -= 2 * residual * s[j]
                want[j] -= 2 * residual * s[i]
        name = f"the gradient for {kind}"
        difference, norm = adj - s @ s.T, (adj - s @ s.T).norm()
        mistakes = [
            (-want, "the sign: you return where descent goes, −∂Q/∂S"),
            (want / 2, "half of it: S_i stands in row i and in column i"),
            (want / 4, "a quarter of it: the square gives a 2, row and column another"),
            (want / (2 * norm), "that is the gradient of the norm: Q is its square"),
            (
                -4 * difference @ s,
                "right for a symmetric A only: column i of A meets S, too, so A + Aᵀ",
            ),
            (
                -4 * difference.T @ s,
                "right for a symmetric A only: row i of A meets S, too, so A + Aᵀ",
            ),
            (-2 * difference @ s, "the rows alone: S_i stands in column i as well"),
            (-4 * adj @ s, "the repulsion is missing: the gradient of ‖SSᵀ‖²"),
            (4 * s @ (s.T @ s), "the pull is missing: the gradient of −2 tr(SᵀAS)"),
        ]
        hint = "−2(A + Aᵀ)S + 4 S SᵀS, entry by entry from (A_ij − S_i·S_j)²"
        expect_close(got, want, hint, name=name, mistakes=mistakes)
    return "pull and repulsion, and no autograd."


@exercise("5.4")
def off_diagonal(function: Answer) -> str:
    """``off_diagonal(edge_index [2, E], s [n, k])`` → the sum over i ≠ j."""
    generator = torch.Generator().manual_seed(5)
    mutual = [(0, 1), (1, 0), (1, 2), (2, 1), (3, 4), (4, 3)]
    one_way = [(0, 1), (1, 2), (2, 0), (3, 1)]
    for kind, pairs in (("a symmetric graph", mutual), ("a directed one", one_way)):
        s = torch.randn(6, 3, generator=generator).softmax(1)
        got = function(torch.tensor(pairs).T.contiguous(), s.clone())
        linked, together, diagonal = 0.0, 0.0, 0.0
        for i in range(6):
            for j in range(6):
                same = float(s[i] @ s[j])
                linked += same if (i, j) in pairs else 0.0
                together += same**2
                diagonal += same**2 if i == j else 0.0
        with_diagonal = len(pairs) - 2 * linked + together
        want = with_diagonal - diagonal
        rows = float(s.square().sum())
        typical = {
            with_diagonal: "the diagonal is still there: (SSᵀ)_ii = ‖S_i‖² adds its "
            "square for every node",
            with_diagonal - rows: "the diagonal of SSᵀ is ‖S_i‖², and in the sum it "
            "stands squared",
            len(pairs) - linked + together - diagonal: "(a − b)² has −2ab in the "
            "middle: the sum over the edges twice",
            len(pairs) - 4 * linked + together - diagonal: "every edge is listed in "
            "each direction it has: do not double it again",
            together - diagonal - 2 * linked: "‖A‖² is missing: E edges of weight 1",
            len(pairs) - 2 * linked: "pairs without an edge count, too: ‖SᵀS‖² − …",
            math.sqrt(want): "that is the root: return the sum of squares",
            len(pairs) - 2 * linked + together - float(_gram_diagonal(s)): "you took "
            "the diagonal of SᵀS, clusters: it is the one of SSᵀ, nodes",
        }
        hint = "E − 2·Σ over edges of S_i·S_j + ‖SᵀS‖² − Σ_i ‖S_i‖⁴"
        name, named = f"the loss for {kind}", typical.items()
        expect_number(got, want, hint, name=name, mistakes=named)
    _refuse_square(function)
    return "a loss that a sharp S brings to zero, where groups are cliques."


def _gram_diagonal(s: torch.Tensor) -> torch.Tensor:
    return (s.T @ s).diagonal().square().sum()


def _refuse_square(function: Answer) -> None:
    n, k = 300, 4
    ring = torch.stack([torch.arange(n), (torch.arange(n) + 1) % n])
    with Largest() as seen:
        function(ring, torch.full((n, k), 1 / k))
    if seen.entries >= n * n:
        raise Mistake(
            f"right, but for {n} nodes your code makes a tensor of {seen.entries} "
            "entries: do it without any n × n matrix"
        )
