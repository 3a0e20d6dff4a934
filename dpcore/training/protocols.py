"""What folds come to under both protocols: plain numbers, shown without torch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


class Record(dict[str, Any]):
    """A dictionary whose keys are attributes too: record["loss"] is record.loss."""

    def __getattr__(self, name: str) -> Any:
        if name in self:
            return self[name]
        raise AttributeError(f"no {name!r} here, only {', '.join(self)}")


def summary(folds: Sequence) -> Record:
    """Both protocols' figures from the records of all folds, in [0, 1].

    A fold that stopped early keeps its last value in the mean curve.
    """
    figure, highest = ("accuracy", np.max)
    if hasattr(folds[0], "error"):
        figure, highest = "error", np.min
    figures = np.array([getattr(fold, figure) for fold in folds])
    epochs = max(len(fold.test_curve) for fold in folds)
    curve = np.mean([_held(fold.test_curve, epochs) for fold in folds], axis=0)
    return Record(
        fair_mean=float(figures.mean()),
        fair_sd=float(figures.std(ddof=1)) if len(folds) > 1 else 0.0,
        paper_protocol=float(highest(curve)),
        folds=folds,
    )


def _held(curve: list[float], epochs: int) -> list[float]:
    """A curve as long as the others': a fold that stopped keeps its last value."""
    return [*curve] + [curve[-1]] * (epochs - len(curve))
