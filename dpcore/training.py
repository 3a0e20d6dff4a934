"""Fit a model, measure it, and cross-validate without fooling oneself."""

from __future__ import annotations

import copy
import time
import warnings
from collections.abc import Callable, Sequence

import numpy as np
import torch
from joblib import Parallel, delayed
from sklearn.model_selection import StratifiedKFold
from torch import Tensor, nn
from torch.nn import functional as F
from tqdm import tqdm

from dpcore.graphs import SparseGraphs
from dpcore.models import build_model, data_settings
from dpcore.pooling import effective_number

COLLAPSED = 1.5
"""Effective clusters below which a level counts as collapsed."""


class Record(dict):
    """A dictionary whose keys are attributes too: record["loss"] is record.loss."""

    def __getattr__(self, name: str):
        if name in self:
            return self[name]
        raise AttributeError(f"no {name!r} here, only {', '.join(self)}")


class History(list):
    """One :class:`Record` an epoch."""

    @property
    def best(self) -> Record:
        """The epoch with the highest validation accuracy; among equals the one with
        the lowest validation loss. Without validation, the last epoch."""
        if "accuracy" not in self[-1]:
            return self[-1]
        return max(self, key=lambda epoch: (epoch.accuracy, -epoch.validation_loss))


def fit(
    model: nn.Module,
    train: SparseGraphs | Sequence,
    epochs: int = 40,
    batch_size: int = 32,
    lr: float = 1e-3,
    seed: int = 0,
    validation: SparseGraphs | Sequence | None = None,
    progress: bool = True,
    clip: float = 2.0,
    accumulate: int = 1,
    on_epoch: Callable[[Record], None] | None = None,
) -> History:
    """Train with Adam on cross-entropy plus the model's auxiliary losses.

    Args:
        model: from :func:`dpcore.build_model`, or any module that returns an `Output`.
        train, validation: labelled graphs: a data set, a list of PyG `Data`, or
            `SparseGraphs`.
        epochs, batch_size, lr: 40, 32, 1e-3 as in the slide deck.
        seed: of shuffling and dropout; the same seed gives the same run on one
            machine. The global random state is left as it was.
        progress: show a progress bar.
        clip: largest norm of the gradient; 2 as in the authors' code.
        accumulate: parts that a batch is cut into; their gradients add up to one step.
            For graphs too large for a whole batch in memory. The step is the same, but
            for dropout and for the statistics of BatchNorm, which see one part.
        on_epoch: called with every record when its epoch is over; may add to it.

    Returns:
        A list with a record an epoch: `epoch` (from 1), `loss` (the whole objective),
        `link_loss`, `entropy_loss` (unweighted, over all levels), `train_accuracy`
        (while training, dropout on), `clusters` and `effective_clusters` (lists, one
        entry a level: how many there are, how many are in use on average), `seconds`
        (training alone), and with validation `accuracy` and
        `validation_loss`. With validation the model ends with the weights of
        `history.best`, without it with the last ones.

    Warns:
        UserWarning: when a level has fewer than 1.5 effective clusters in the epoch
            whose weights are kept.

    Raises:
        ValueError: for graphs without labels, labels beyond the model's classes, or
            arguments out of range.
        FloatingPointError: when the loss or the weights are no longer finite.

    >>> import dpcore
    >>> graphs = dpcore.load_dataset("MUTAG")
    >>> model = dpcore.build_model("mlp", num_features=7, num_classes=2)
    >>> history = fit(model, graphs, epochs=2, progress=False)
    >>> len(history), history[1].loss < history[0].loss
    (2, True)
    """
    positive = dict(epochs=epochs, batch_size=batch_size, lr=lr, accumulate=accumulate)
    for name, value in positive.items():
        if value <= 0:
            raise ValueError(f"{name} is {value}, expected more than 0")
    device = next(model.parameters()).device
    train = as_batch("train", train).to(device)
    if validation is not None:
        validation = as_batch("validation", validation).to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=lr, fused=True)
    history, best, batching = History(), None, (batch_size, accumulate)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        bar = tqdm(range(1, epochs + 1), disable=not progress, unit="epoch")
        for epoch in bar:
            record = Record(epoch=epoch)
            try:
                record.update(_train_epoch(model, optimizer, train, *batching, clip))
                if not np.isfinite(record.loss):
                    raise _diverged(epoch, lr)
                if validation is not None:
                    record.update(_measure(model, validation))
            except ValueError as error:
                if all(weight.abs().max() < 1e6 for weight in model.parameters()):
                    raise
                raise _diverged(epoch, lr) from error
            history.append(record)
            if on_epoch is not None:
                on_epoch(record)
            if validation is not None and history.best is record:
                best = copy.deepcopy(model.state_dict())
            bar.set_postfix(_summary(record))
    if best is not None:
        model.load_state_dict(best)
    _warn_of_collapse(history.best)
    return history


def evaluate(
    model: nn.Module, graphs: SparseGraphs | Sequence, batch_size: int = 128
) -> float:
    """The share of graphs whose class the model predicts, in [0, 1]."""
    graphs = as_batch("graphs", graphs).to(next(model.parameters()).device)
    return _measure(model, graphs, batch_size)["accuracy"]


def predict(
    model: nn.Module, graphs: SparseGraphs | Sequence, batch_size: int = 128
) -> Tensor:
    """Class scores of every graph, [B, C], with dropout off."""
    graphs = as_batch("graphs", graphs, labels=False)
    graphs = graphs.to(next(model.parameters()).device)
    training = model.training
    model.eval()
    try:
        with torch.no_grad():
            ids = torch.arange(graphs.num_graphs).split(batch_size)
            return torch.cat([model(graphs.select(part)).logits for part in ids])
    finally:
        model.train(training)


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
    progress: bool = False,
    **settings,
) -> Record:
    """Train one model on one split and measure both protocols' curves.

    `accuracy` is the test accuracy at the epoch with the best validation accuracy;
    `validation_curve` and `test_curve` hold every epoch, for the paper's protocol.
    """
    start = time.perf_counter()
    train, validation, test = (
        graphs.select(split[part]) for part in ("train", "validation", "test")
    )
    model = _model_for(graphs, name, settings, seed)

    def test_too(record: Record) -> None:
        record["test_accuracy"] = _measure(model, test)["accuracy"]

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
        jobs: folds side by side, each in a process with a single thread.

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
    runs = Parallel(n_jobs=jobs, return_as="generator")(
        delayed(single_threaded)(run_fold, name, batch, part, **settings)
        for part in parts
    )
    with tqdm(runs, total=folds, disable=not progress, unit="fold", desc=name) as bar:
        return summary(list(bar))


def summary(folds: list[Record]) -> Record:
    """Both protocols' figures from the records of all folds, in [0, 1]."""
    accuracies = np.array([fold["accuracy"] for fold in folds])
    curve = np.mean([fold["test_curve"] for fold in folds], axis=0)
    return Record(
        fair_mean=float(accuracies.mean()),
        fair_sd=float(accuracies.std(ddof=1)) if len(folds) > 1 else 0.0,
        paper_protocol=float(curve.max()),
        folds=folds,
    )


def single_threaded(function: Callable, *args, **settings):
    """Call a function with torch on one thread: threads of parallel folds would wait
    for each other."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return function(*args, **settings)
    finally:
        torch.set_num_threads(threads)


def as_batch(
    name: str, graphs: SparseGraphs | Sequence, labels: bool = True
) -> SparseGraphs:
    """Any collection of graphs as one `SparseGraphs`, with labels if asked for."""
    if not isinstance(graphs, SparseGraphs):
        try:
            graphs = SparseGraphs.from_data_list(graphs)
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from error
    if labels and graphs.y is None:
        raise ValueError(f"{name} has no labels: every graph needs data.y")
    return graphs


def _train_epoch(model, optimizer, graphs, batch_size, accumulate, clip) -> dict:
    model.train()
    start = time.perf_counter()
    totals, correct, used, widths = np.zeros(3), 0, 0, []
    for ids in torch.randperm(graphs.num_graphs).split(batch_size):
        optimizer.zero_grad()
        for part in ids.chunk(accumulate):
            batch = graphs.select(part)
            out = model(batch)
            _check_classes(out.logits, batch.y)
            loss = F.cross_entropy(out.logits, batch.y) + out.auxiliary
            (loss * (len(part) / len(ids))).backward()
            losses = torch.stack([loss, out.link_loss, out.entropy_loss]).detach()
            totals += len(part) * losses.double().cpu().numpy()
            correct += int((out.logits.argmax(1) == batch.y).sum())
            of_levels = [_effective(batch, s) for s in out.assignments]
            used = used + len(part) * np.array(of_levels)
            widths = [s.size(-1) for s in out.assignments]
        nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimizer.step()
    loss, link_loss, entropy_loss = (totals / graphs.num_graphs).tolist()
    return dict(
        loss=loss,
        link_loss=link_loss,
        entropy_loss=entropy_loss,
        train_accuracy=correct / graphs.num_graphs,
        clusters=widths,
        effective_clusters=(used / graphs.num_graphs).tolist(),
        seconds=time.perf_counter() - start,
    )


def _warn_of_collapse(record: Record) -> None:
    levels = zip(record.clusters, record.effective_clusters, strict=True)
    for level, (clusters, used) in enumerate(levels, start=1):
        if clusters > 1 and used < COLLAPSED:
            warnings.warn(
                f"level {level} uses {used:.1f} of its {clusters} clusters: its "
                "assignments have collapsed, so it pools like a flat readout. Lower "
                "entropy_weight, raise link_weight, or take fewer clusters",
                stacklevel=3,
            )


@torch.no_grad()
def _effective(batch: SparseGraphs, s: Tensor) -> float:
    """Mean effective clusters of a level: [N, k] at level 0, [B, n, k] above it."""
    masses = batch.sum(s) if s.dim() == 2 else s.sum(1)
    return float(effective_number(masses / masses.sum(1, keepdim=True)).mean())


def _measure(model: nn.Module, graphs: SparseGraphs, batch_size: int = 128) -> dict:
    logits = predict(model, graphs, batch_size)
    _check_classes(logits, graphs.y)
    return dict(
        accuracy=float((logits.argmax(1) == graphs.y).double().mean()),
        validation_loss=float(F.cross_entropy(logits, graphs.y)),
    )


def _diverged(epoch: int, lr: float) -> FloatingPointError:
    return FloatingPointError(
        f"training diverged in epoch {epoch}: the loss or the weights are no longer "
        f"finite; lower lr ({lr})"
    )


def _check_classes(logits: Tensor, y: Tensor) -> None:
    if int(y.max()) >= logits.size(1) or int(y.min()) < 0:
        raise ValueError(
            f"labels run from {int(y.min())} to {int(y.max())}, but the model has "
            f"num_classes = {logits.size(1)}"
        )


def _summary(record: Record) -> dict[str, str]:
    shown = ("loss", "link_loss", "entropy_loss", "accuracy")
    return {name: f"{record[name]:.3f}" for name in shown if name in record}
