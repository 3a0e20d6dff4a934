"""Chapter 06: padding, recall, the double softmax, the choice of an epoch."""

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
        got = _number(got)
        if inside < 1 and math.isclose(got, inside, rel_tol=1e-5):
            raise Mistake("that is the share inside the graphs: padding is the rest")
        if inside < 1 and math.isclose(got, 1 - rows, rel_tol=1e-5):
            raise Mistake("you count rows: a graph of n nodes fills n² entries of A")
        if inside < 1 and math.isclose(got, total * (1 - inside), rel_tol=1e-5):
            raise Mistake("that is a number of entries: divide by all of them")
        if len(sizes) > 1 and math.isclose(
            got, 1 - sum(sizes) ** 2 / total, rel_tol=1e-5, abs_tol=1e-9
        ):
            raise Mistake("you square the sum: square every size, then add up")
        hint = "1 − Σ n² / (B · max_nodes²)"
        expect_number(got, 1 - inside, hint, name=name)
    return "most of a padded batch is zeros."


@exercise("6.2")
def recalls(function: Answer) -> str:
    """``recalls(labels, answers, num_classes)`` → [num_classes]."""
    labels = torch.tensor([0, 0, 0, 1, 1, 3])
    answers = torch.tensor([0, 1, 0, 1, 0, 3])
    want = torch.tensor([2 / 3, 1 / 2, 0.0, 1.0])
    got = function(labels.clone(), answers.clone(), 4)
    if isinstance(got, torch.Tensor | float) and torch.as_tensor(got).numel() == 1:
        raise Mistake("one number is the accuracy: give one recall for every class")
    if isinstance(got, torch.Tensor) and got.shape == want.shape:
        if torch.isnan(got[2]):
            raise Mistake("0 / 0 for the class without graphs: clamp its size at 1")
        if torch.allclose(got.double(), want.double() * torch.tensor([3, 2, 1, 1]) / 6):
            raise Mistake("you divide by all graphs: each class has its own size")
    if isinstance(got, torch.Tensor) and got.shape == (3,):
        raise Mistake("class 2 has no graphs, but it has a row: look at `num_classes`")
    hint = "right answers of a class over the graphs of that class"
    expect_close(got, want, hint, name="the recalls")
    labels, answers = torch.tensor([1, 1, 1, 1]), torch.tensor([0, 0, 0, 1])
    want = torch.tensor([0.0, 0.25])
    got = function(labels, answers, 2)
    if torch.allclose(torch.as_tensor(got).double(), torch.tensor([0.0, 1.0]).double()):
        raise Mistake("that is the precision: divide by the size of the true class")
    expect_close(got, want, hint, name="the recalls")
    return "an accuracy on one class is the recall of that class."


@exercise("6.3")
def loss_floor(function: Answer) -> str:
    """``loss_floor(num_classes)`` → the least cross-entropy of probabilities."""
    for classes in (2, 3, 6):
        want = math.log1p((classes - 1) * math.exp(-1))
        got = _number(function(classes))
        if got == 0:
            raise Mistake("zero needs logits: the second softmax flattens (1, 0, …)")
        if math.isclose(got, math.log(classes), rel_tol=1e-5):
            raise Mistake("that is the loss of the uniform answer, not of the best one")
        if classes > 2 and math.isclose(got, math.log1p(math.exp(-1)), rel_tol=1e-4):
            raise Mistake(
                "that is the floor for 2 classes: every further zero adds e⁰ = 1 to "
                "the sum under the fraction"
            )
        hint = "put a certain and right answer through a softmax by hand"
        expect_number(got, want, hint, name=f"the floor for {classes} classes")
    return "log(1 + (C - 1)/e): a loss that can never fall below it."


@exercise("6.4")
def fair_accuracy(function: Answer) -> str:
    """``fair_accuracy(validation, test)`` → the test accuracy at the chosen epoch."""
    validation, test = [0.5, 0.7, 0.6, 0.7, 0.4], [0.6, 0.5, 0.9, 0.8, 0.55]
    got = _number(function(list(validation), list(test)))
    named = {
        0.9: "you chose by the test accuracy itself: that is peeking",
        0.55: "that is the last epoch: choose by validation",
        0.7: "that is the validation accuracy: return the test accuracy there",
        0.8: "two epochs tie on validation: take the earlier one",
    }
    for value, words in named.items():
        if math.isclose(got, value, rel_tol=1e-6):
            raise Mistake(words)
    hint = "find the best epoch of `validation`, then look it up in `test`"
    expect_number(got, 0.5, hint, name="the accuracy")
    got = function([0.9, 0.1], [0.3, 0.8])
    expect_number(got, 0.3, hint, name="the accuracy when epoch 1 is best")
    return "the test fold had no say."


def _number(value: Any) -> float:
    if isinstance(value, torch.Tensor) and value.numel() != 1:
        raise Mistake(f"expected one number, got shape {list(value.shape)}")
    if not isinstance(value, int | float | torch.Tensor):
        raise Mistake(f"expected one number, got {type(value).__name__}")
    return float(value)
