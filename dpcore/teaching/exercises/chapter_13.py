"""Chapter 13: a mean, a maximum and the air of padded batches."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch

from dpcore.teaching.exercises.mechanism import (
    Mistake,
    exercise,
    expect_close,
    expect_number,
    expect_tensor,
)

Answer = Callable[..., Any]


def _padded() -> tuple[torch.Tensor, torch.Tensor]:
    """Two graphs, of 3 and of 2 nodes, in a box of 4 whose empty rows hold rubbish."""
    h = torch.tensor(
        [
            [[-1.0, 2.0], [-4.0, 5.0], [-2.5, 0.5], [7.0, -9.0]],
            [[-3.0, -8.0], [-6.0, -4.0], [9.0, 1.0], [0.0, 3.0]],
        ]
    )
    mask = torch.tensor([[1.0, 1, 1, 0], [1, 1, 0, 0]]).unsqueeze(-1)
    return h, mask


@exercise("13.1")
def masked_mean(function: Answer) -> str:
    """``masked_mean(H [B, n, d], mask [B, n, 1])`` → [B, d]."""
    h, mask = _padded()
    want = torch.tensor([[-2.5, 2.5], [-4.5, -6.0]])
    got = expect_tensor(function(h.clone(), mask.clone()), [2, 2], "the mean")
    named = {
        "you count the empty rows: divide by the mask's sum, not by n": (
            (h * mask).mean(1)
        ),
        "you add up the empty rows too: multiply by the mask first": (
            h.sum(1) / mask.sum(1)
        ),
        "that is the mean over the whole box: the mask says who is there": h.mean(1),
        "that is the sum: divide by the number of nodes": (h * mask).sum(1),
        "you divide by the nodes of the whole batch: each graph has its own": (
            (h * mask).sum(1) / mask.sum()
        ),
    }
    for words, wrong in named.items():
        if torch.allclose(got.double(), wrong.double()):
            raise Mistake(words)
    expect_close(got, want, "(H · mask) summed, over the mask summed", name="the mean")
    return "what a box holds in its corners does not matter any more."


@exercise("13.2")
def masked_max(function: Answer) -> str:
    """``masked_max(H [B, n, d], mask [B, n, 1])`` → [B, d]."""
    h, mask = _padded()
    want = torch.tensor([[-1.0, 5.0], [-3.0, -4.0]])
    got = expect_tensor(function(h.clone(), mask.clone()), [2, 2], "the maximum")
    named = {
        "an empty row of zeros beats negative nodes: fill with −inf instead": (
            (h * mask).amax(1)
        ),
        "empty rows take part: fill them before you take the maximum": h.amax(1),
        "that is the smallest value": h.masked_fill(mask == 0, math.inf).amin(1),
    }
    for words, wrong in named.items():
        if torch.allclose(got.double(), wrong.double()):
            raise Mistake(words)
    hint = "masked_fill the empty rows with −inf, then amax over dimension 1"
    expect_close(got, want, hint, name="the maximum")
    return "−inf loses to everybody."


@exercise("13.3")
def air(function: Answer) -> str:
    """``air(sizes, batch_size)`` → a number in [0, 1)."""
    for sizes, batch_size in (([4, 2, 3, 1, 5], 2), ([3, 3], 2), ([2, 6, 4], 3)):
        parts = [sizes[i : i + batch_size] for i in range(0, len(sizes), batch_size)]
        boxes = sum(len(part) * max(part) ** 2 for part in parts)
        want = 1 - sum(n * n for n in sizes) / boxes
        got = function(list(sizes), batch_size)
        if not isinstance(got, int | float | torch.Tensor):
            raise Mistake(f"expected one number, got {type(got).__name__}")
        got = float(got)
        rows = 1 - sum(sizes) / sum(len(part) * max(part) for part in parts)
        shares = [
            1 - sum(n * n for n in part) / (len(part) * max(part) ** 2)
            for part in parts
        ]
        full = sum(batch_size * max(part) ** 2 for part in parts)
        whole = len(sizes) * max(sizes) ** 2
        named = (
            (1 - want, "that is the share of the graphs: air is the rest"),
            (rows, "you count rows of X: A has n² entries a graph"),
            (
                sum(shares) / len(shares),
                "you average the batches' shares: large boxes hold more, so add up "
                "entries first",
            ),
            (
                1 - sum(n * n for n in sizes) / full,
                "the last batch is smaller: it has as many boxes as graphs",
            ),
            (
                1 - sum(n * n for n in sizes) / whole,
                "you pad to the largest of all graphs: each batch has its own",
            ),
        )
        for wrong, words in named:
            if math.isclose(got, wrong, abs_tol=1e-9) and not math.isclose(
                got, want, abs_tol=1e-9
            ):
                raise Mistake(words)
        hint = "1 − Σ n² / Σ b · n_max²"
        expect_number(got, want, hint, name=f"the air of {sizes} by {batch_size}")
    return "sorting by size lets most of it out."
