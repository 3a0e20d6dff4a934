"""Chapter 08: a fair gain, two protocols, an epoch without peeking, a lucky winner."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from scipy import stats

from dpcore.teaching.exercises.mechanism import (
    exercise,
    expect_number,
    expect_pair,
)

Answer = Callable[..., Any]


@exercise("8.1")
def gain(function: Answer) -> str:
    """``gain(ours, theirs)``: lists in percent, None where a row has no figure."""
    ours = [None, 76.0, 41.5, 72.5, 75.0, 50.0]
    theirs = [54.0, 75.0, 42.0, 68.0, 70.5, None]
    want = (1 - 0.5 + 4.5 + 4.5) / 4
    common = [(76.0, 75.0), (41.5, 42.0), (72.5, 68.0), (75.0, 70.5)]
    got = function(list(ours), list(theirs))
    mistakes = [
        (
            315.0 / 5 - 309.5 / 5,
            "you compare means over different data sets: pair first, keep the "
            "pairs that both rows have, then average the differences",
        ),
        (
            (315.0 - 309.5) / 6,
            "you count a missing figure as 0: leave out the data sets that only "
            "one row has",
        ),
        (
            sum(a - b for a, b in common) / 6,
            "you divide by all data sets: divide by the number of pairs",
        ),
        (
            (sum(a - b for a, b in common) - 54.0) / 5,
            "only one of the two rows may miss a figure in your code: look at both",
        ),
        (
            sum(100 * (a - b) / b for a, b in common) / 4,
            "that is the gain in percent of the baseline: the table's gain is in "
            "points, ours minus theirs",
        ),
        (-want, "the sign is the wrong way round: ours minus theirs"),
    ]
    hint = "the mean of ours minus theirs over the data sets that both rows have"
    expect_number(got, want, hint, mistakes=mistakes)
    got = function([60.0, 70.0, 0.0, 5.0], [50.0, 75.0, 4.0, 0.0])
    told = "0.0 is a figure, no hole: ask `is not None`"
    mistakes = [(2.5, told), (10 / 3, told), (1 / 3, told)]
    expect_number(got, 1.5, hint, name="with figures of 0.0, it", mistakes=mistakes)
    return "the same data sets on both sides, or no comparison."


@exercise("8.2")
def both_protocols(function: Answer) -> str:
    """``both_protocols(validation, test)``, [folds, epochs] → (fair, paper)."""
    validation = torch.tensor(
        [
            [0.50, 0.61, 0.76, 0.66, 0.64],
            [0.52, 0.74, 0.66, 0.68, 0.60],
            [0.48, 0.60, 0.66, 0.71, 0.70],
        ]
    )
    test = torch.tensor(
        [
            [0.51, 0.60, 0.62, 0.71, 0.67],
            [0.49, 0.63, 0.71, 0.66, 0.58],
            [0.53, 0.72, 0.65, 0.69, 0.61],
        ]
    )
    pair = expect_pair(function(validation.clone(), test.clone()), "fair, paper")
    fair, paper = (0.62 + 0.63 + 0.69) / 3, (0.71 + 0.66 + 0.69) / 3
    each = (0.71 + 0.71 + 0.72) / 3
    mistakes = [
        (
            paper,
            "right numbers in the wrong order: `return fair, paper`",
        ),
        (
            each,
            "your fair number takes each fold's best *test* epoch: choose the "
            "epoch on `validation`, read `test` there",
        ),
        (
            (0.76 + 0.74 + 0.71) / 3,
            "your fair number is a validation accuracy: validation chooses the "
            "epoch, the number comes from `test`",
        ),
        (
            float(test[:, 2].mean()),
            "your fair number uses one epoch for all folds: each fold has its own "
            "best validation epoch, argmax(1)",
        ),
        (
            float(test[:, -1].mean()),
            "your fair number reads the last epoch: the one that validation chose",
        ),
    ]
    hint = "test[i] at validation[i].argmax(), averaged over the folds"
    expect_number(pair[0], fair, hint, name="fair", mistakes=mistakes)
    mistakes = [
        (
            each,
            "your paper's number is the mean of the folds' best epochs: first the "
            "mean curve, mean(0), then its maximum",
        ),
        (
            float(validation.mean(0).max()),
            "the paper's number comes from the `test` curves",
        ),
        (
            float(test.max()),
            "that is the best epoch of the best fold: first the mean curve",
        ),
    ]
    hint = "the highest point of the mean test curve"
    expect_number(pair[1], paper, hint, name="paper", mistakes=mistakes)
    validation = torch.tensor([[0.50, 0.70, 0.70], [0.60, 0.60, 0.40]])
    test = torch.tensor([[0.50, 0.60, 0.80], [0.70, 0.30, 0.40]])
    pair = expect_pair(function(validation, test), "fair, paper")
    told = "two epochs tie on validation: take the earlier one"
    hint = "test[i] at validation[i].argmax(), of equal epochs the first"
    name = "with equal epochs, fair"
    expect_number(pair[0], 0.65, hint, name=name, mistakes=[(0.55, told)])
    return "same runs, two numbers: say which one you print."


@exercise("8.3")
def without_peeking(function: Answer) -> str:
    """``without_peeking(test [folds, epochs])``: one epoch a fold, from the others."""
    test = torch.tensor(
        [
            [0.50, 0.90, 0.60, 0.61],
            [0.51, 0.62, 0.70, 0.66],
            [0.52, 0.60, 0.71, 0.73],
            [0.50, 0.58, 0.65, 0.68],
        ]
    )
    folds, picked, one_for_all = [0, 1, 2, 3], [], []
    for fold in folds:
        rest = [other for other in folds if other != fold]
        mean = [sum(float(test[o, e]) for o in rest) / 3 for e in range(4)]
        picked.append(mean.index(max(mean)))
        one_for_all.append(max(mean))
    want = sum(float(test[f, e]) for f, e in zip(folds, picked, strict=True)) / 4
    got = function(test.clone())
    neighbour = [float(test[f, test[(f + 1) % 4].argmax()]) for f in folds]
    mistakes = [
        (
            float(test.mean(0).max()),
            "the fold itself still helps to choose its epoch: average the *other* "
            "folds' curves only",
        ),
        (
            float(test.max(1).values.mean()),
            "each fold chooses its own best epoch, that is peeking: the other "
            "folds choose",
        ),
        (
            sum(one_for_all) / 4,
            "you return the height of the others' curve: they choose the epoch, "
            "but the number is read from the fold itself",
        ),
        (
            sum(neighbour) / 4,
            "one neighbour chooses: take the mean curve of all other folds",
        ),
    ]
    hint = "for fold i: argmax of the mean of all rows but i, then test[i] there"
    expect_number(got, want, hint, mistakes=mistakes)
    return "an epoch chosen without the fold that is then tested."


@exercise("8.4")
def lucky_lead(function: Answer) -> str:
    """``lucky_lead(p, n, methods)``: points by which the best of equals leads."""
    for p, n, methods in ((0.76, 1113, 8), (0.6, 600, 3)):
        got = function(p, n, methods)
        se = 100 * (p * (1 - p) / n) ** 0.5
        best = _expected_best(p, n, methods)
        mistakes = [
            (100 * best, "that is the winner's accuracy: subtract 100·p"),
            (best - p, "that is a share: in points, times 100"),
            (
                100 * (best - p) * 2,
                "that is the best minus the worst: what does the winner gain over "
                "the true p?",
            ),
            (se, "that is the standard error of one method: now take the best"),
            (0.0, "0: that is the mean of the methods, take their maximum"),
        ]
        hint = "the mean, over many repeats, of the best of `methods` scores, minus p"
        name, lead = f"lucky_lead({p}, {n}, {methods})", 100 * (best - p)
        expect_number(got, lead, hint, name=name, mistakes=mistakes, atol=0.1)
    return "the first place of a table is partly a lottery prize."


def _expected_best(p: float, n: int, methods: int) -> float:
    """E[max] of equal binomials over n, exactly: the sum of P(max > c)."""
    below = stats.binom.cdf(range(n), n, p) ** methods
    return float((1 - below).sum()) / n
