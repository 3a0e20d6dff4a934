"""Fit a model, measure it, and cross-validate without fooling oneself.

What folds come to is plain numbers (``dpcore.training.protocols``); all else is
loaded, and torch with it, when it is first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dpcore.lazy import load
from dpcore.training.protocols import Record, summary

if TYPE_CHECKING:  # the table below once more, as editors and type checkers read it
    from dpcore.training.fitting import (
        COLLAPSED,
        History,
        as_batch,
        evaluate,
        fit,
        predict,
    )
    from dpcore.training.standardising import standardized
    from dpcore.training.validating import (
        choose,
        cross_validate,
        run_fold,
        single_threaded,
        splits,
    )

__all__ = [
    "COLLAPSED",
    "History",
    "Record",
    "as_batch",
    "choose",
    "cross_validate",
    "evaluate",
    "fit",
    "predict",
    "run_fold",
    "single_threaded",
    "splits",
    "standardized",
    "summary",
]

_HOME = {
    "COLLAPSED": "fitting",
    "History": "fitting",
    "as_batch": "fitting",
    "choose": "validating",
    "cross_validate": "validating",
    "evaluate": "fitting",
    "fit": "fitting",
    "predict": "fitting",
    "run_fold": "validating",
    "single_threaded": "validating",
    "splits": "validating",
    "standardized": "standardising",
}
"""The module of every name."""


def __getattr__(name: str) -> Any:
    return load(__name__, _HOME, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
