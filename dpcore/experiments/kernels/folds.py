"""Support vector machines on kernel matrices, in both protocols."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
from sklearn.svm import SVC
from torch import Tensor

from dpcore.experiments.kernels.matrices import as_compared, matrices_of
from dpcore.graphs import SparseGraphs

PENALTIES = tuple(10.0**power for power in range(-3, 4))
"""Candidates for C of the support vector machine, 10⁻³ … 10³."""


def svm_fold(
    name: str,
    graphs: SparseGraphs | Sequence,
    split: dict[str, Tensor],
    *,
    penalties: Sequence[float] = PENALTIES,
) -> dict:
    """Fit support vector machines on one split and measure both protocols' curves.

    The candidates: C in 10⁻³ … 10³ and, for the Weisfeiler-Lehman kernels, h in 0 … 5.
    A machine of each is fitted on `train`, and the one with the best accuracy on
    `validation` is chosen; among equals the one with fewer iterations, then the one
    with the smaller C. It is then fitted once more on `train` and `validation`: with
    no epoch to stop at, nothing else is asked of `validation`, and an SVM whose
    settings are chosen inside the training folds is trained on all of them. What the
    machine reaches that has seen `train` alone is `accuracy_of_train`.

    Args:
        name: a name in `KERNELS`.
        graphs: the whole data set, labelled, see :func:`gram`.
        split: indices `train`, `validation` and `test`, from
            :func:`dpcore.training.splits`.
        penalties: candidates for C.

    Returns:
        `accuracy` (of the chosen candidate on `test`), `best_candidate` (its number,
        from 1), `validation_curve` and `test_curve` (of all candidates, h by h, C
        within; on `test` fitted once more), `accuracy_of_train`, `chosen` (its `C` and
        `iterations`), `support_vectors`, `seconds` (the kernel matrices' included, as
        if no fold had made them before) and `gram_seconds`.

    Raises:
        ValueError: see :func:`gram`; also for graphs without labels, and a split
            without one of its parts.
    """
    batch = as_compared(graphs)
    if batch.y is None:
        raise ValueError("graphs has no labels: every graph needs data.y")
    missing = {"train", "validation", "test"} - set(split)
    if missing:
        raise ValueError(f"split has no {sorted(missing)[0]!r}, only {sorted(split)}")
    matrices, gram_seconds = matrices_of(name, batch)
    start = time.perf_counter()
    y = batch.y.numpy()
    train, validation, test = (
        np.asarray(split[part]) for part in ("train", "validation", "test")
    )
    both = np.sort(np.r_[train, validation])
    trials = []
    for iterations, matrix in enumerate(matrices):
        chosen_by = _accuracies(matrix, y, train, (validation, test), penalties)
        final = _accuracies(matrix, y, both, (test,), penalties)
        for penalty, known, last in zip(penalties, chosen_by, final, strict=True):
            trials.append(
                dict(
                    chosen=dict(C=penalty, iterations=iterations),
                    validation=known[0],
                    of_train=known[1],
                    test=last[0],
                    support_vectors=last[-1],
                )
            )
    best = max(trials, key=lambda trial: trial["validation"])  # the first of equals
    return dict(
        accuracy=best["test"],
        accuracy_of_train=best["of_train"],
        best_candidate=trials.index(best) + 1,
        chosen=best["chosen"],
        validation_curve=[trial["validation"] for trial in trials],
        test_curve=[trial["test"] for trial in trials],
        support_vectors=best["support_vectors"],
        gram_seconds=gram_seconds,
        seconds=gram_seconds + time.perf_counter() - start,
    )


def _accuracies(matrix, y, known, parts, penalties) -> list[tuple]:
    """For every penalty: the accuracy of a machine that knows the graphs `known` on
    each of `parts`, and how many support vectors it has."""
    results = []
    inside = matrix[np.ix_(known, known)]
    across = [matrix[np.ix_(part, known)] for part in parts]
    for penalty in penalties:
        machine = SVC(C=penalty, kernel="precomputed").fit(inside, y[known])
        scores = [
            float((machine.predict(rows) == y[part]).mean())
            for part, rows in zip(parts, across, strict=True)
        ]
        results.append((*scores, int(machine.n_support_.sum())))
    return results
