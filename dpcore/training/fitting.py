"""Fit a model and measure it: what happened in every epoch, and what is kept of it."""

from __future__ import annotations

import copy
import time
import warnings
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from tqdm import tqdm

from dpcore.graphs import SparseGraphs
from dpcore.graphs.checks import NotFinite
from dpcore.pooling import effective_number
from dpcore.training.protocols import Record
from dpcore.training.targets import TARGETS, Target, check_outputs, target_of
from dpcore.training.threads import threads, useful_threads

COLLAPSED = 1.5
"""Effective clusters below which a level counts as collapsed."""


class History(list[Record]):
    """One :class:`Record` an epoch."""

    @property
    def best(self) -> Record:
        """The epoch with the highest accuracy (or lowest error) on validation; among
        equals the one with the lowest loss there, then the first. Without validation,
        the last epoch."""
        target = _target_in(self[-1])
        if target is None:
            return self[-1]
        return max(
            self, key=lambda epoch: (target.score(epoch), -epoch.validation_loss)
        )

    @property
    def last_progress(self) -> int:
        """The last epoch (from 1) that bettered the best figure or the lowest loss on
        validation that any epoch before it had reached."""
        target = _target_in(self[-1])
        if target is None:
            raise ValueError("last_progress is of validation: pass some to fit")
        score, loss, last = -np.inf, np.inf, 0
        for number, epoch in enumerate(self, start=1):
            if target.score(epoch) > score or epoch.validation_loss < loss:
                last = number
            score = max(score, target.score(epoch))
            loss = min(loss, epoch.validation_loss)
        return last


def _target_in(record: Record) -> Target | None:
    """The target whose figure a record has; None without validation."""
    found = (target for target in TARGETS.values() if target.figure in record)
    return next(found, None)


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
    patience: int | None = None,
    task: str = "classification",
) -> History:
    """Train with Adam on cross-entropy plus the model's auxiliary losses.

    Takes as many of torch's threads as a batch keeps busy (one, for small graphs), and
    leaves the setting as it was.

    Args:
        model: from :func:`dpcore.build_model`, or any module that returns an `Output`.
        train, validation: labelled graphs: a data set, a list of PyG `Data`, or
            `SparseGraphs`.
        epochs, batch_size, lr: by default those of the slide deck.
        seed: of shuffling and dropout; the same seed gives the same run on one
            machine. The global random state is left as it was.
        progress: show a progress bar.
        clip: largest norm of the gradient; 2 as in the authors' code.
        accumulate: parts that a batch is cut into; their gradients add up to one step.
            For graphs too large for a whole batch in memory. The step is the same, but
            for dropout and for the statistics of BatchNorm, which see one part.
        on_epoch: called with every record when its epoch is over; may add to it.
        patience: stop once so many epochs in a row have bettered neither the highest
            accuracy nor the lowest loss on validation. None: train all epochs.
        task: "regression" where labels are numbers: float `y`, a model with one output
            (num_classes=1), trained on and judged by the mean absolute error.

    Returns:
        A list with a record an epoch: `epoch` (from 1), `loss` (the whole objective),
        `link_loss`, `entropy_loss` (unweighted, over all levels), `train_accuracy`
        (while training, dropout on), `clusters` and `effective_clusters` (lists, one
        entry a level: how many there are, how many are in use on average), `seconds`
        (training alone), and with validation `accuracy` and
        `validation_loss`. With validation the model ends with the weights of
        `history.best`, without it with the last ones. A regression has `error` and
        `train_error` in the place of both accuracies, in the unit of the labels.

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
    positive |= {} if patience is None else dict(patience=patience)
    for name, value in positive.items():
        if value <= 0:
            raise ValueError(f"{name} is {value}, expected more than 0")
    if patience is not None and validation is None:
        raise ValueError("patience needs validation: graphs to judge progress by")
    target = target_of(task)
    device = next(model.parameters()).device
    train = as_batch("train", train).to(device)
    if validation is not None:
        validation = as_batch("validation", validation).to(device)
    optimizer = torch.optim.Adam(model.parameters(), lr=lr, fused=True)
    history, best, batching = History(), None, (batch_size, accumulate)
    count = useful_threads(train, -(-batch_size // accumulate))
    with torch.random.fork_rng(), threads(count):
        torch.manual_seed(seed)
        bar = tqdm(range(1, epochs + 1), disable=not progress, unit="epoch")
        for epoch in bar:
            record = Record(epoch=epoch)
            try:
                record.update(
                    _train_epoch(model, optimizer, train, *batching, clip, target)
                )
                if validation is not None:
                    record.update(_measure(model, validation, target))
            except NotFinite as error:  # the graphs are finite, so it is the model
                raise _diverged(epoch, lr) from error
            if not (_all_finite(model) and np.isfinite(record.loss)):
                raise _diverged(epoch, lr)
            history.append(record)
            if on_epoch is not None:
                on_epoch(record)
            if validation is not None and history.best is record:
                best = copy.deepcopy(model.state_dict())
            bar.set_postfix(_summary(record))
            if patience is not None and epoch - history.last_progress >= patience:
                break
    if best is not None:
        model.load_state_dict(best)
    _warn_of_collapse(history.best)
    return history


def evaluate(
    model: nn.Module,
    graphs: SparseGraphs | Sequence,
    batch_size: int = 128,
    task: str = "classification",
) -> float:
    """The share of graphs whose class the model predicts, in [0, 1]; of a regression
    the mean absolute error, in the unit of the labels."""
    target = target_of(task)
    graphs = as_batch("graphs", graphs).to(next(model.parameters()).device)
    return _measure(model, graphs, target, batch_size)[target.figure]


def predict(
    model: nn.Module, graphs: SparseGraphs | Sequence, batch_size: int = 128
) -> Tensor:
    """Class scores of every graph, [B, C], with dropout off."""
    graphs = as_batch("graphs", graphs, labels=False)
    graphs = graphs.to(next(model.parameters()).device)
    training = model.training
    model.eval()
    try:
        with torch.no_grad(), threads(useful_threads(graphs, batch_size)):
            ids = torch.arange(graphs.num_graphs).split(batch_size)
            return torch.cat([model(graphs.select(part)).logits for part in ids])
    finally:
        model.train(training)


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


def _train_epoch(
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    graphs: SparseGraphs,
    batch_size: int,
    accumulate: int,
    clip: float,
    target: Target,
) -> dict[str, Any]:
    model.train()
    start = time.perf_counter()
    totals, figure, used = np.zeros(3), 0.0, np.zeros(())
    widths: list[int] = []
    for ids in torch.randperm(graphs.num_graphs).split(batch_size):
        optimizer.zero_grad()
        for part in ids.chunk(accumulate):
            batch = graphs.select(part)
            out = model(batch)
            check_outputs(target, out.logits, batch.labels)
            loss = target.loss(out.logits, batch.labels) + out.auxiliary
            (loss * (len(part) / len(ids))).backward()
            losses = torch.stack([loss, out.link_loss, out.entropy_loss]).detach()
            totals += len(part) * losses.double().cpu().numpy()
            figure += float(target.of_graphs(out.logits.detach(), batch.labels).sum())
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
        clusters=widths,
        effective_clusters=(used / graphs.num_graphs).tolist(),
        seconds=time.perf_counter() - start,
        **{f"train_{target.figure}": figure / graphs.num_graphs},
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


def _measure(
    model: nn.Module, graphs: SparseGraphs, target: Target, batch_size: int = 128
) -> dict:
    outputs = predict(model, graphs, batch_size)
    check_outputs(target, outputs, graphs.labels)
    of_graphs = target.of_graphs(outputs, graphs.labels)
    return {
        target.figure: float(of_graphs.double().mean()),
        "validation_loss": float(target.loss(outputs, graphs.labels)),
    }


def _all_finite(model: nn.Module) -> bool:
    return all(bool(weight.isfinite().all()) for weight in model.parameters())


def _diverged(epoch: int, lr: float) -> FloatingPointError:
    return FloatingPointError(
        f"training diverged in epoch {epoch}: the loss or the weights are no longer "
        f"finite; lower lr ({lr})"
    )


def _summary(record: Record) -> dict[str, str]:
    shown = ("loss", "link_loss", "entropy_loss", "accuracy", "error")
    return {name: f"{record[name]:.3f}" for name in shown if name in record}
