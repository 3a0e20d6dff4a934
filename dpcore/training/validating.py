"""Cross-validate without fooling oneself: folds, choice of settings, both protocols."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import torch
from joblib import Parallel, delayed
from sklearn.model_selection import StratifiedKFold
from torch import Tensor, nn
from tqdm import tqdm

from dpcore.graphs import SparseGraphs
from dpcore.models import build_model, data_settings
from dpcore.training.fitting import Record, as_batch, evaluate, fit
from dpcore.training.standardising import standardized
from dpcore.training.threads import threads


def splits(labels: Tensor, folds: int = 10, seed: int = 0) -> list[dict[str, Tensor]]:
    """Stratified folds: fold i tests, fold i + 1 validates, the rest trains.

    Returns:
        For every fold the indices `train`, `validation` and `test`, sorted.

    Raises:
        ValueError: for fewer than 3 folds, a class with fewer graphs than folds, or
            class numbers with gaps.

    >>> [len(part) for part in splits(torch.tensor([0, 1] * 10), folds=5)[0].values()]
    [12, 4, 4]
    """
    counts = torch.bincount(labels)
    if (counts == 0).any():
        empty = int((counts == 0).nonzero()[0])
        raise ValueError(
            f"labels has no graph of class {empty}: number the classes from 0 without "
            "gaps"
        )
    smallest = int(counts.min())
    if not 3 <= folds <= smallest:
        raise ValueError(
            f"folds is {folds}, expected 3 (train, validation, test) to {smallest} "
            "(the graphs of the smallest class)"
        )
    splitter = StratifiedKFold(folds, shuffle=True, random_state=seed)
    held_out = [torch.from_numpy(t) for _, t in splitter.split(labels, labels)]
    parts = []
    for i, test in enumerate(held_out):
        validation = held_out[(i + 1) % folds]
        rest = torch.ones(len(labels), dtype=torch.bool)
        rest[test] = rest[validation] = False
        train = rest.nonzero().view(-1)
        parts.append({"train": train, "validation": validation, "test": test})
    return parts


def run_fold(
    name: str,
    graphs: SparseGraphs,
    split: dict[str, Tensor],
    *,
    epochs: int,
    seed: int,
    batch_size: int = 32,
    lr: float = 1e-3,
    patience: int | None = None,
    standardize: int = 0,
    progress: bool = False,
    **settings,
) -> Record:
    """Train one model on one split and measure both protocols' curves.

    `accuracy` is the test accuracy at the epoch with the best validation accuracy;
    `validation_curve` and `test_curve` hold every epoch, for the paper's protocol.
    `patience`: see :func:`fit`; `standardize`: see :func:`standardized`.
    """
    start = time.perf_counter()
    graphs = standardized(graphs, standardize, split["train"])
    train, validation, test = (
        graphs.select(split[part]) for part in ("train", "validation", "test")
    )
    model = _model_for(graphs, name, settings, seed)

    def test_too(record: Record) -> None:
        record["test_accuracy"] = evaluate(model, test)

    history = fit(
        model,
        train,
        epochs,
        batch_size,
        lr,
        seed,
        validation,
        progress,
        on_epoch=test_too,
        patience=patience,
    )
    best = history.best
    return Record(
        accuracy=best.test_accuracy,
        best_epoch=best.epoch,
        validation_curve=[epoch.accuracy for epoch in history],
        test_curve=[epoch.test_accuracy for epoch in history],
        loss_curve=[epoch.loss for epoch in history],
        link_loss=best.link_loss,
        entropy_loss=best.entropy_loss,
        effective_clusters=best.effective_clusters,
        parameters=sum(p.numel() for p in model.parameters()),
        seconds=time.perf_counter() - start,
    )


def choose(
    name: str,
    graphs: SparseGraphs,
    split: dict[str, Tensor],
    grid: Sequence[dict],
    *,
    epochs: int,
    seed: int,
    batch_size: int = 32,
    standardize: int = 0,
    **settings,
) -> Record:
    """Try every point of a grid on the training part of a split; judge on validation.

    The test part is never looked at.

    Args:
        name, graphs, split, settings: as of :func:`run_fold`.
        grid: settings to choose among; `lr` goes to :func:`fit`.
        epochs: of every trial; fewer than the model is trained for in the end.

    Returns:
        `chosen`, the point with the best validation accuracy (among equals the one
        with the lowest validation loss, then the first); `grid`, every point with its
        `accuracy` and `loss` on validation, None where training diverged; and
        `trial_seconds`.

    Raises:
        FloatingPointError: when training diverged at every point.
    """
    start = time.perf_counter()
    graphs = standardized(graphs, standardize, split["train"])
    train, validation = (graphs.select(split[p]) for p in ("train", "validation"))
    trials = []
    for point in grid:
        own = {k: v for k, v in point.items() if k != "lr"}
        lr = point.get("lr", 1e-3)
        model = _model_for(graphs, name, {**settings, **own}, seed)
        try:
            history = fit(model, train, epochs, batch_size, lr, seed, validation, False)
            accuracy, loss = history.best.accuracy, history.best.validation_loss
        except FloatingPointError:
            accuracy = loss = None
        trials.append(dict(point, accuracy=accuracy, loss=loss))
    finished = [i for i, trial in enumerate(trials) if trial["accuracy"] is not None]
    if not finished:
        raise FloatingPointError(f"training diverged at all {len(grid)} grid points")
    best = max(finished, key=lambda i: (trials[i]["accuracy"], -trials[i]["loss"]))
    seconds = time.perf_counter() - start
    return Record(grid=trials, chosen=dict(grid[best]), trial_seconds=seconds)


def _model_for(
    graphs: SparseGraphs, name: str, settings: dict, seed: int = 0
) -> nn.Module:
    """A model of these settings, less the ones that belong to `fit`."""
    own = data_settings(name, graphs) | settings
    own = {k: v for k, v in own.items() if k not in ("batch_size", "lr")}
    features, classes = graphs.x.size(1), int(graphs.y.max()) + 1
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return build_model(name, num_features=features, num_classes=classes, **own)


def cross_validate(
    name: str,
    graphs: Sequence,
    folds: int = 10,
    epochs: int = 100,
    seed: int = 0,
    jobs: int = 1,
    progress: bool = True,
    **settings,
) -> Record:
    """Stratified cross-validation of a model by name, in both protocols.

    Args:
        name: see :func:`dpcore.build_model`, which also takes the `settings`;
            `batch_size` and `lr` go to :func:`fit`.
        graphs: a data set, or a list of labelled PyG `Data`.
        folds: at least 3: fold i tests, fold i + 1 validates, the rest trains.
        epochs: of every fold; the epoch is chosen on validation.
        seed: of the folds, the weights, shuffling and dropout.
        jobs: folds side by side, each in a process with a single thread; one after
            the other for 1, each with as many threads as :func:`fit` takes.

    Returns:
        Accuracies in [0, 1]: `fair_mean` and `fair_sd` (over the folds' test
        accuracies, n - 1 in the denominator), `paper_protocol` (the highest point of
        the mean test curve: optimistic, since the epoch is chosen on the test folds),
        and `folds`, the records of :func:`run_fold`.
    """
    batch = as_batch("graphs", graphs)
    parts = splits(batch.y, folds, seed)
    _model_for(batch, name, settings)  # bad settings are refused before any fold runs
    settings = dict(settings, epochs=epochs, seed=seed)
    fold = run_fold if jobs == 1 else partial(single_threaded, run_fold)
    runs = Parallel(n_jobs=jobs, return_as="generator")(
        delayed(fold)(name, batch, part, **settings) for part in parts
    )
    with tqdm(runs, total=folds, disable=not progress, unit="fold", desc=name) as bar:
        return summary(list(bar))


def summary(folds: list[Record]) -> Record:
    """Both protocols' figures from the records of all folds, in [0, 1]."""
    accuracies = np.array([fold["accuracy"] for fold in folds])
    epochs = max(len(fold["test_curve"]) for fold in folds)
    curve = np.mean([_held(fold["test_curve"], epochs) for fold in folds], axis=0)
    return Record(
        fair_mean=float(accuracies.mean()),
        fair_sd=float(accuracies.std(ddof=1)) if len(folds) > 1 else 0.0,
        paper_protocol=float(curve.max()),
        folds=folds,
    )


def _held(curve: list[float], epochs: int) -> list[float]:
    """A curve as long as the others': a fold that stopped keeps its last value."""
    return curve + [curve[-1]] * (epochs - len(curve))


def single_threaded(function: Callable, *args, **settings):
    """Call a function with torch on one thread: threads of parallel folds would wait
    for each other."""
    with threads(1):
        return function(*args, **settings)
