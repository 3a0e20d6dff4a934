"""Chapter 12: what is left between clusters, closed walks, wirings never seen."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch

from dpcore.teaching.exercises.mechanism import (
    Mistake,
    exercise,
    expect_close,
    expect_tensor,
)

Answer = Callable[..., Any]


def _coarse() -> torch.Tensor:
    """A' of four clusters: heavy inside, unequal between."""
    return torch.tensor(
        [[20.0, 2, 0, 1], [2, 16, 3, 0], [0, 3, 30, 4], [1, 0, 4, 24]],
        dtype=torch.float64,
    )


@exercise("12.1")
def between(function: Answer) -> str:
    """``between(A [k, k])`` → N [k, k], no diagonal, D^-½ A D^-½."""
    adj = _coarse()
    off = adj - torch.diag(adj.diagonal())
    degree = off.sum(1)
    want = off / torch.outer(degree, degree).sqrt()
    got = expect_tensor(function(adj.clone()), [4, 4], "N")
    whole = adj.sum(1)
    named = {
        "take the diagonal out first: it is the mass inside the clusters": (
            adj / torch.outer(whole, whole).sqrt()
        ),
        "the degrees still count what is inside: add up after the diagonal is out": (
            off / torch.outer(whole, whole).sqrt()
        ),
        "that is D⁻¹A, whose rows add up to 1: divide by the root on both sides": (
            off / degree.unsqueeze(1)
        ),
        "divide by the root of the two degrees, not by their product": (
            off / torch.outer(degree, degree)
        ),
        "the diagonal is out, now divide by the degrees": off,
    }
    for words, wrong in named.items():
        if torch.allclose(got.double(), wrong):
            raise Mistake(words)
    expect_close(
        got, want, "N_ij = A_ij / √(d_i d_j), d without the diagonal", name="N"
    )
    return "its eigenvalues lie between -1 and 1, whatever the edges weigh."


@exercise("12.2")
def walks(function: Answer) -> str:
    """``walks(N [k, k], longest)`` → tr Nᵖ for p = 2 … longest."""
    n = _coarse() / 40
    power = torch.linalg.matrix_power
    for longest in (4, 6):
        steps = range(2, longest + 1)
        want = torch.stack([power(n, p).trace() for p in steps])
        got = function(n.clone(), longest)
        if isinstance(got, list | tuple):
            got = torch.tensor([float(value) for value in got], dtype=torch.float64)
        if isinstance(got, torch.Tensor) and got.shape == (longest,):
            raise Mistake("begin with p = 2: tr N is 0 for every graph without loops")
        got = expect_tensor(got, [longest - 1], "the walks")
        named = {
            "N ** p takes powers of the entries: you need products, N @ N": (
                torch.stack([(n**p).trace() for p in steps])
            ),
            "the sum of all entries counts open walks too: take the trace": (
                torch.stack([power(n, p).sum() for p in steps])
            ),
            "one step short: the first is N @ N": (
                torch.stack([power(n, p - 1).trace() for p in steps])
            ),
        }
        for words, wrong in named.items():
            if torch.allclose(got.double(), wrong):
                raise Mistake(words)
        expect_close(got, want, "tr Nᵖ, p = 2 … longest", name="the walks")
    return "give the clusters other numbers: not one of them moves."


@exercise("12.3")
def never_seen(function: Answer) -> str:
    """``never_seen(train, test)``: wirings (lists of pairs) of test not in train."""
    train = [[(0, 1), (1, 2)], [(0, 1), (0, 2)], [(0, 1), (1, 2)]]
    cases = [
        ([[(1, 2), (0, 2)]], [0], ""),
        ([[(1, 2), (0, 1)]], [], "the order of the pairs is no other wiring"),
        ([[(1, 0), (2, 1)]], [], "1–0 is the edge 0–1: sort each pair"),
        ([[(0, 2), (1, 2)], [(0, 1), (0, 2)], [(2, 0), (2, 1)]], [0, 2], ""),
    ]
    for test, want, words in cases:
        got = function([list(w) for w in train], [list(w) for w in test])
        if isinstance(got, torch.Tensor):
            got = got.tolist()
        if not isinstance(got, list):
            raise Mistake(f"returned {got!r}: a list of places in `test`")
        if got == want:
            continue
        if got and not isinstance(got[0], int):
            raise Mistake("return the places in `test`, not the wirings")
        raise Mistake(words or f"returned {got}, expected {want}: places in `test`")
    prism = [(0, 1), (0, 2), (1, 2), (3, 4), (3, 5), (4, 5), (0, 3), (1, 4), (2, 5)]
    other = [({1: 3, 3: 1}.get(a, a), {1: 3, 3: 1}.get(b, b)) for a, b in prism]
    got = function([list(prism)], [list(prism), other])
    if isinstance(got, torch.Tensor):
        got = got.tolist()
    if got != [1]:
        raise Mistake(
            "a prism under other names is another wiring, though every community is "
            "joined to three in both: compare the pairs themselves"
        )
    return "an accuracy on the others says how well the training set was kept."
