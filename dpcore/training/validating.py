"""Cross-validate without fooling oneself: folds, choice of settings, both protocols."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from tqdm import tqdm

import dpcore
from dpcore.graphs import SparseGraphs
from dpcore.training.fitting import as_batch, evaluate, fit
from dpcore.training.protocols import Record, summary
from dpcore.training.standardising import standardized
from dpcore.training.targets import classes_of, target_of
from dpcore.training.threads import threads

OF_FIT = {"batch_size", "lr", "clip", "accumulate", "patience"}
"""The settings that are :func:`fit`'s; all others are the model's."""

Model = str | Callable[..., nn.Module]
"""A name of the tables, or a factory that makes a new model: lambda: MyModel(…). The
settings that are not :func:`fit`'s are its keyword arguments."""


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
    from sklearn.model_selection import StratifiedKFold  # seconds, which fit saves

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
    model: Model,
    graphs: SparseGraphs,
    split: dict[str, Tensor],
    *,
    epochs: int,
    seed: int,
    standardize: int = 0,
    task: str = "classification",
    progress: bool = False,
    **settings,
) -> Record:
    """Train one model on one split and measure both protocols' curves.

    Args:
        model: a name of the tables, or a factory that makes a new model, such as
            lambda: MyModel(…); settings that are not `fit`'s are its arguments.
        graphs: the whole data set, labelled.
        split: indices `train`, `validation` and `test`, see :func:`splits`.
        epochs: at most; `patience` may end them earlier, see :func:`fit`.
        seed: of the weights, shuffling and dropout.
        standardize: so many columns of `x` are attributes, see :func:`standardized`.
        task: "classification" or "regression".
        settings: `batch_size`, `lr`, `clip`, `accumulate` and `patience` go to
            :func:`fit`, all others to the model.

    Returns:
        `accuracy`, that on the test part at the epoch with the best validation
        accuracy (a regression's `error` likewise); `best_epoch`; `validation_curve`
        and `test_curve` with every epoch, for the paper's protocol; `loss_curve`;
        `parameters`; `seconds`; and of a model with levels `link_loss`,
        `entropy_loss` and `effective_clusters` at the best epoch.
    """
    start = time.perf_counter()
    target = target_of(task)
    graphs = standardized(graphs, standardize, split["train"])
    train, validation, test = (
        graphs.select(split[part]) for part in ("train", "validation", "test")
    )
    of_fit, of_model = _divided(settings)
    model = _new(model, graphs, of_model, seed, task)

    def test_too(record: Record) -> None:
        record["of_test"] = evaluate(model, test, task=task)

    history = fit(
        model,
        train,
        epochs,
        seed=seed,
        validation=validation,
        progress=progress,
        on_epoch=test_too,
        task=task,
        **of_fit,
    )
    best = history.best
    record = Record(
        {target.figure: best.of_test},
        best_epoch=best.epoch,
        validation_curve=[epoch[target.figure] for epoch in history],
        test_curve=[epoch.of_test for epoch in history],
        loss_curve=[epoch.loss for epoch in history],
        parameters=sum(p.numel() for p in model.parameters()),
        seconds=time.perf_counter() - start,
    )
    if best.effective_clusters:
        of_levels = ("link_loss", "entropy_loss", "effective_clusters")
        record.update({name: best[name] for name in of_levels})
    return record


def choose(
    model: Model,
    graphs: SparseGraphs,
    split: dict[str, Tensor],
    grid: Sequence[dict],
    *,
    epochs: int,
    seed: int,
    standardize: int = 0,
    task: str = "classification",
    **settings,
) -> Record:
    """Try every point of a grid on the training part of a split; judge on validation.

    The test part is never looked at.

    Args:
        model, graphs, split, seed, standardize, task, settings: as of
            :func:`run_fold`.
        grid: settings to choose among; a point's own come before the others.
        epochs: of every trial; fewer than the model is trained for in the end.

    Returns:
        `chosen`, the point with the best validation accuracy (or lowest error; among
        equals the one with the lowest validation loss, then the first); `grid`, every
        point with its `accuracy` (or `error`) and `loss` on validation, None where
        training diverged; and `trial_seconds`.

    Raises:
        FloatingPointError: when training diverged at every point.
    """
    start = time.perf_counter()
    target = target_of(task)
    graphs = standardized(graphs, standardize, split["train"])
    train, validation = (graphs.select(split[p]) for p in ("train", "validation"))
    trials: list[dict[str, Any]] = []
    reached: dict[int, tuple[float, float]] = {}
    for i, point in enumerate(grid):
        of_fit, of_model = _divided({**settings, **point})
        own = _new(model, graphs, of_model, seed, task)
        figure = loss = None
        try:
            history = fit(
                own,
                train,
                epochs,
                seed=seed,
                validation=validation,
                progress=False,
                task=task,
                **of_fit,
            )
            best = history.best
            figure, loss = best[target.figure], best.validation_loss
            reached[i] = (target.score(best), -loss)
        except FloatingPointError:
            pass
        trials.append({**point, target.figure: figure, "loss": loss})
    if not reached:
        raise FloatingPointError(f"training diverged at all {len(grid)} grid points")
    chosen = dict(grid[max(reached, key=reached.__getitem__)])
    seconds = time.perf_counter() - start
    return Record(grid=trials, chosen=chosen, trial_seconds=seconds)


def _divided(settings: dict) -> tuple[dict, dict]:
    """The settings of :func:`fit`, and those of the model."""
    of_fit = {name: settings[name] for name in OF_FIT & settings.keys()}
    return of_fit, {k: v for k, v in settings.items() if k not in OF_FIT}


def _new(
    model: Model, graphs: SparseGraphs, settings: dict, seed: int, task: str
) -> nn.Module:
    """A new model whose weights follow from the seed; the global random state stays."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        if callable(model):
            return model(**settings)
        rows = dpcore.models  # the package's, by name: nothing here knows what there is
        sizes = dict(
            num_features=graphs.x.size(1),
            num_classes=classes_of(target_of(task), graphs.labels),
        )
        of_data = rows.data_settings(model, graphs)
        return rows.build_model(model, **sizes, **of_data | settings)


def cross_validate(
    model: Model,
    graphs: SparseGraphs | Sequence[Any],
    folds: int = 10,
    epochs: int = 100,
    seed: int = 0,
    jobs: int = 1,
    progress: bool = True,
    weights_seed: int = 0,
    task: str = "classification",
    **settings,
) -> Record:
    """Stratified cross-validation of a model, in both protocols.

    Args:
        model: a name, see :func:`dpcore.build_model`, or a factory that makes a new
            model: lambda: MyModel(…).
        graphs: a data set, or a list of labelled PyG `Data`.
        folds: at least 3: fold i tests, fold i + 1 validates, the rest trains.
        epochs: of every fold, at most; the epoch is chosen on validation.
        seed: of the folds.
        jobs: folds side by side, each in a process with a single thread; one after
            the other for 1, each with as many threads as :func:`fit` takes.
        weights_seed: of the weights, shuffling and dropout.
        task: "regression" where labels are numbers; its folds are not stratified.
        settings: of :func:`run_fold`: those of :func:`fit`, of the model, and
            `standardize`.

    Returns:
        Accuracies in [0, 1]: `fair_mean` and `fair_sd` (over the folds' test
        accuracies, n - 1 in the denominator), `paper_protocol` (the highest point of
        the mean test curve: optimistic, since the epoch is chosen on the test folds),
        and `folds`, the records of :func:`run_fold`. Of a regression errors, and the
        lowest point.

    >>> import dpcore
    >>> graphs = dpcore.load_dataset("MUTAG")
    >>> quick = dict(folds=3, epochs=1, progress=False, hidden=8)
    >>> len(cross_validate("mlp", graphs, **quick).folds)
    3
    """
    from joblib import Parallel, delayed

    batch = as_batch("graphs", graphs)
    labels = batch.labels
    if target_of(task).figure == "error":
        labels = torch.zeros(batch.num_graphs, dtype=torch.long)
    parts = splits(labels, folds, seed)
    own = {k: v for k, v in settings.items() if k != "standardize"}
    _new(model, batch, _divided(own)[1], weights_seed, task)  # refuse what does not fit
    settings = dict(settings, epochs=epochs, seed=weights_seed, task=task)
    fold = run_fold if jobs == 1 else partial(single_threaded, run_fold)
    runs = Parallel(n_jobs=jobs, return_as="generator")(
        delayed(fold)(model, batch, part, **settings) for part in parts
    )
    name = model if isinstance(model, str) else "folds"
    with tqdm(runs, total=folds, disable=not progress, unit="fold", desc=name) as bar:
        return summary(list(bar))


def single_threaded(function: Callable, *args, **settings):
    """Call a function with torch on one thread: threads of parallel folds would wait
    for each other."""
    with threads(1):
        return function(*args, **settings)
