"""Fit a model, measure it, and cross-validate without fooling oneself."""

from dpcore.training.fitting import (
    COLLAPSED,
    History,
    Record,
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
    summary,
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
