"""Chapter 06: padding, recall, the double softmax, the choice of an epoch."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch

from dpcore.teaching.exercises.mechanism import (
    Mistake,
    case,
    exercise,
    expect_close,
    expect_number,
    expect_tensor,
)

Answer = Callable[..., Any]


@exercise("6.1")
def padding_share(function: Answer) -> str:
    """``padding_share(sizes [B], max_nodes)`` → a number in [0, 1]."""
    for sizes, max_nodes in (([3, 4, 5], 10), ([2], 4), ([6, 6], 6)):
        got = function(torch.tensor(sizes), max_nodes)
        total = len(sizes) * max_nodes**2
        inside = sum(n * n for n in sizes) / total
        rows = sum(sizes) / (len(sizes) * max_nodes)
        name = f"the share for sizes {sizes} in {max_nodes}×{max_nodes}"
        mistakes = [
            (inside, "that is the share inside the graphs: padding is the rest"),
            (1 - rows, "you count rows: a graph of n nodes fills n² entries of A"),
            (total * (1 - inside), "that is a number of entries: divide by all"),
            (
                1 - sum(sizes) ** 2 / total,
                "you square the sum: square every size, then add up",
            ),
        ]
        hint = "1 − Σ n² / (B · max_nodes²)"
        expect_number(got, 1 - inside, hint, name=name, mistakes=mistakes)
    return "most of a padded batch is zeros."


@exercise("6.2")
def recalls(function: Answer) -> str:
    """``recalls(labels, answers, num_classes)`` → [num_classes]."""

    def ask(labels: list[int], answers: list[int], want: list[float]) -> None:
        got = function(torch.tensor(labels), torch.tensor(answers), len(want))
        _expect_recalls(got, labels, answers, want)

    ask([0, 0, 0, 1, 1, 3], [0, 1, 0, 1, 0, 3], [2 / 3, 1 / 2, 0, 1])
    cases: dict[str, tuple[list[int], list[int], list[float]]] = {
        ", one class asked": ([1, 1, 1, 1], [0, 0, 0, 1], [0, 1 / 4]),
        " where the last class has no graphs (bincount has a `minlength`)": (
            [0, 1, 1, 0],
            [1, 1, 2, 0],
            [1 / 2, 1 / 2, 0],
        ),
        " where nobody of the last class was found (bincount has a `minlength`)": (
            [2, 0, 2, 1],
            [0, 0, 1, 1],
            [1, 1, 0],
        ),
    }
    for kind, parts in cases.items():
        with case(f"the recalls{kind}"):
            ask(*parts)
    return "an accuracy on one class is the recall of that class."


def _expect_recalls(
    got: Any, labels: list[int], answers: list[int], want: list[float]
) -> None:
    if isinstance(got, float) or getattr(got, "shape", None) in ((), (1,)):
        raise Mistake("one number is the accuracy: give one recall for every class")
    classes, expected = range(len(want)), torch.tensor(want)
    sizes = [labels.count(c) for c in classes]
    if isinstance(got, torch.Tensor) and torch.isnan(got).any():
        raise Mistake("0 / 0 for the class without graphs: clamp its size at 1")
    expect_tensor(got, name="the result")
    if (
        got.dim() == 1
        and len(got) < len(want)
        or len(got) == sum(map(bool, sizes)) < len(want)
    ):
        raise Mistake(
            "a class without graphs, or without right answers, has a row all the "
            "same: look at `num_classes`"
        )
    right = [share * size for share, size in zip(want, sizes, strict=True)]
    mistakes = [
        (
            [r / len(labels) for r in right],
            "you divide by all graphs: each class has its own size",
        ),
        (
            [r / max(answers.count(c), 1) for c, r in enumerate(right)],
            "that is the precision: divide by the size of the true class",
        ),
    ]
    hint = "right answers of a class over the graphs of that class"
    expect_close(got, expected, hint, mistakes=mistakes)


@exercise("6.3")
def loss_floor(function: Answer) -> str:
    """``loss_floor(num_classes)`` → the least cross-entropy of probabilities."""
    for classes in (2, 3, 6):
        want = math.log1p((classes - 1) * math.exp(-1))
        mistakes = [
            (0, "zero needs logits: the second softmax flattens (1, 0, …)"),
            (
                math.log(classes),
                "that is the loss of the uniform answer, not of the best one",
            ),
            (
                math.log1p(math.exp(-1)),
                "that is the floor for 2 classes: every further zero adds e⁰ = 1 to "
                "the sum under the fraction",
            ),
        ]
        hint = "put a certain and right answer through a softmax by hand"
        name = f"the floor for {classes} classes"
        expect_number(function(classes), want, hint, name=name, mistakes=mistakes)
    return "log(1 + (C - 1)/e): a loss that can never fall below it."


@exercise("6.4")
def fair_accuracy(function: Answer) -> str:
    """``fair_accuracy(validation, test)`` → the test accuracy at the chosen epoch."""
    validation, test = [0.5, 0.7, 0.6, 0.7, 0.4], [0.6, 0.5, 0.9, 0.8, 0.55]
    got = function(list(validation), list(test))
    mistakes = [
        (0.9, "you chose by the test accuracy itself: that is peeking"),
        (0.55, "that is the last epoch: choose by validation"),
        (0.7, "that is the validation accuracy: return the test accuracy there"),
        (0.8, "two epochs tie on validation: take the earlier one"),
    ]
    hint = "find the best epoch of `validation`, then look it up in `test`"
    expect_number(got, 0.5, hint, name="the accuracy", mistakes=mistakes)
    got = function([0.9, 0.1], [0.3, 0.8])
    expect_number(got, 0.3, hint, name="the accuracy when epoch 1 is best")
    return "the test fold had no say."
