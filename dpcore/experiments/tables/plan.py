"""What is measured, and how: rows, settings, the grid, and the tasks in their order."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from dpcore.data.expected import EXPECTED
from dpcore.experiments.tables.paper import KERNELS
from dpcore.experiments.tables.schema import FoldRecord, rounded
from dpcore.experiments.tables.split_files import SplitFile
from dpcore.models import MODELS, accepted_settings


class BadArgument(ValueError):
    """What was asked for cannot be: an unknown name, or settings that do not go
    together. Nothing has been measured, loaded or written."""


ROWS = (
    "diffpool diffpool-nolp graphsage mlp gcn-mean wl-oa 1-wl shortest-path graphlet "
    "diffpool-det gin diffpool-random diffpool-hard set2set sortpool s2v s2v-1diffpool "
    "s2v-2diffpool ecc patchysan diffpool-noentropy gcn-sum graphsage-blind "
    "graphsage-max graphsage-sum graphsage-blind-max graphsage-blind-sum diffpool-walks"
).split()
"""All rows of both tables and the controls beside them, in the order of their worth:
if the time does not suffice, the last ones stay empty."""

CONTROLS = (
    "mlp gcn-sum graphsage-blind gin gcn-mean diffpool-random diffpool-hard "
    "diffpool-noentropy graphsage-max graphsage-sum graphsage-blind-max "
    "graphsage-blind-sum diffpool-walks"
).split()
"""Rows that the paper does not have, those that later work asks for, pairs that differ
in their edges alone (mlp and gcn-sum; graphsage, -max and -sum, each with its blind
twin), the flat partners of a GCN's DiffPool (gcn-mean) and of a SAGE stack's
(graphsage-max, which reads the maximum, as it does), what the entropy loss adds, and
what a reader of A' that does not care for the clusters' names adds (diffpool-walks, one
level)."""

PLANNED = ("PROTEINS", "ENZYMES", "MUTAG", "DD", "COLLAB")
"""The data sets of a run, in the order of their worth. REDDIT-MULTI-12K runs by the
same command where it can be downloaded."""

_LARGE = dict(ratio=0.1, conv="sage", dropout=0.0, epochs=10)

SETTINGS: dict[str, dict] = {
    "PROTEINS": dict(max_nodes=150, conv="gcn", dropout=0.6, epochs=50),
    "ENZYMES": dict(
        max_nodes=48,
        conv="sage",
        dropout=0.0,
        epochs=400,
        patience=50,
        trial_epochs=10,
        attributes=True,
        standardize=18,
    ),
    "MUTAG": dict(max_nodes=28, conv="gcn", dropout=0.0, epochs=100, edge_labels=True),
    "DD": dict(max_nodes=500, **_LARGE),
    "COLLAB": dict(max_nodes=150, **_LARGE),
    "REDDIT-MULTI-12K": dict(max_nodes=500, **_LARGE),
}
"""How each data set is trained here; the first answer for others is PROTEINS'. A row
gets the settings that it takes, see :func:`dpcore.models.accepted_settings`."""

OF_THE_DATA = {"attributes", "edge_labels"}
"""The settings that are :func:`dpcore.load_dataset`'s."""

OF_TRAINING = {
    *("epochs", "trial_epochs", "patience", "batch_size", "lr", "clip", "accumulate"),
    "standardize",
}
"""The settings of training, which every network takes."""

KERNEL_SETTINGS = {
    name: dict(C=[10.0**power for power in range(-3, 4)])
    | (dict(iterations=5) if name in ("1-wl", "wl-oa") else {})
    for name in KERNELS
}
"""What every kernel's fold chooses among, C of the support vector machine and, for the
Weisfeiler-Lehman kernels, up to so many iterations."""

GRID = (
    dict(num_layers=3, hidden=64, lr=1e-3),
    dict(num_layers=3, hidden=32, lr=5e-3),
    dict(num_layers=2, hidden=64, lr=5e-3),
    dict(num_layers=2, hidden=32, lr=1e-3),
)
"""The hyper-parameters that every fold of every GNN chooses among, on its validation
part: half of depth {2, 3} × width {32, 64} × learning rate {1e-3, 5e-3}, such that
every pair of values of two of them occurs once."""

TRIAL_SHARE = 8
"""A trial of a grid point takes an eighth of the epochs, at least one."""


class Task(NamedTuple):
    """One fold of one cell. It names the data: whoever measures it loads it.

    Attributes:
        seed: of the splits; None where a file gives them.
        splits: in its place the file's hash; `split` then holds the fold's parts.
        weights_seed: of weights, shuffling and dropout; None for kernels.
        settings: what the row is given, for data, training and model.
        grid: points to choose among; None for kernels.
    """

    method: str
    dataset: str
    fold: int
    folds: int
    settings: dict
    grid: list[dict] | None
    seed: int | None = 0
    weights_seed: int | None = 0
    splits: str | None = None
    split: dict[str, list[int]] | None = None

    def __str__(self) -> str:
        return f"{self.method} {self.dataset} fold {self.fold}"

    @property
    def cell(self) -> tuple[str, str]:
        return self.method, self.dataset

    @property
    def key(self) -> dict:
        """What every record of it begins with."""
        names = ("method", "dataset", "fold", "folds", "seed", "splits", "weights_seed")
        return {name: getattr(self, name) for name in names}

    def path(self, results: Path, ending: str = ".json") -> Path:
        """Where its record stands; with ending ".failed.json": why there is none."""
        of_splits = f"seed{self.seed}" if self.splits is None else f"file{self.splits}"
        of_weights = "" if self.weights_seed is None else f"-weights{self.weights_seed}"
        name = f"{of_splits}{of_weights}-fold{self.fold}of{self.folds}{ending}"
        return results / self.dataset / self.method / name

    def differences(self, record: FoldRecord) -> dict[str, tuple]:
        """What a record was made with in place of what is asked for: by name the
        record's and the task's. Empty if this task has been measured already."""
        own = rounded(self.key | dict(self.settings))
        recorded = {name: getattr(record, name) for name in self.key} | record.settings
        own["grid"], recorded["grid"] = rounded(self.grid), grid_of(record)
        names = sorted({*own, *recorded})
        pairs = {name: (recorded.get(name), own.get(name)) for name in names}
        return {name: pair for name, pair in pairs.items() if pair[0] != pair[1]}


def grid_of(record: FoldRecord) -> list[dict] | None:
    """The points of a record's grid, without what they reached."""
    if record.grid is None:
        return None
    reached = ("accuracy", "loss")
    return [
        {name: value for name, value in point.items() if name not in reached}
        for point in record.grid
    ]


def is_row(name: str) -> bool:
    """Whether a name can be measured: a model's or a kernel's."""
    return name in MODELS or name in KERNELS


def plan(
    rows: Sequence[str],
    datasets: Sequence[str],
    folds: int = 10,
    seed: int = 0,
    weights_seed: int = 0,
    splits: SplitFile | None = None,
    **settings,
) -> list[Task]:
    """All folds of a grid, in the order of their worth: data set by data set, then row
    by row.

    Args:
        rows, datasets: names.
        folds, seed: of the splits.
        weights_seed: of weights, shuffling and dropout.
        splits: in place of folds and seed.
        settings: in place of those in `SETTINGS` and of the grid's; a row gets those
            that it takes.

    Raises:
        BadArgument: for an unknown row or data set, folds or splits that a data set
            does not have, and a setting that no row takes.

    >>> [str(task) for task in plan(["mlp", "1-wl"], ["MUTAG"], folds=3)][2:4]
    ['mlp MUTAG fold 2', '1-wl MUTAG fold 0']
    """
    known = [*MODELS, *KERNELS]
    for argument, names, possible in (
        ("rows", rows, known),
        ("datasets", datasets, list(EXPECTED)),
    ):
        for name in names:
            if name not in possible:
                raise BadArgument(
                    f"{argument} names {name!r}, expected {', '.join(possible)}"
                )
    for dataset in datasets:
        _check_data(dataset, folds, splits, settings)
    for name in settings:
        if not any(name in _taken(row) for row in rows):
            raise BadArgument(f"{', '.join(rows)} does not take {name}")
    if splits is not None:
        folds = len(splits.folds)
    return [
        Task(
            row,
            dataset,
            fold,
            folds,
            *_settings(row, dataset, settings),
            seed=seed if splits is None else None,
            weights_seed=None if row in KERNELS else weights_seed,
            splits=None if splits is None else splits.hash,
            split=None if splits is None else splits.folds[fold],
        )
        for dataset in dict.fromkeys(datasets)
        for row in dict.fromkeys(rows)
        for fold in range(folds)
    ]


def _check_data(
    dataset: str, folds: int, splits: SplitFile | None, settings: dict
) -> None:
    facts = EXPECTED[dataset]
    most = min(facts.get("label_counts", [folds]))
    if splits is None and not 3 <= folds <= most:
        raise BadArgument(
            f"folds is {folds}, expected 3 to {most}, the graphs of the smallest "
            f"class of {dataset}"
        )
    if splits is not None and splits.largest >= facts["graphs"]:
        raise BadArgument(
            f"splits holds the index {splits.largest}, but {dataset} has "
            f"{facts['graphs']} graphs, numbered from 0"
        )
    for name in ("attributes", "edge_labels"):
        if settings.get(name) and not facts[name]:
            raise BadArgument(f"{name}: {dataset} has none")


def _taken(row: str) -> set[str]:
    return (
        set() if row in KERNELS else accepted_settings(row) | OF_TRAINING | OF_THE_DATA
    )


def _settings(row: str, dataset: str, asked: dict) -> tuple[dict, list | None]:
    """The settings of a cell, and its grid; a kernel has no grid of points."""
    if row in KERNELS:
        return dict(KERNEL_SETTINGS[row]), None
    settings = SETTINGS.get(dataset, SETTINGS["PROTEINS"]) | asked
    trial = max(1, settings["epochs"] // TRIAL_SHARE)
    settings.setdefault("trial_epochs", trial)
    if "trial_epochs" not in asked:
        settings["trial_epochs"] = min(trial, settings["trial_epochs"])
    taken = _taken(row)
    settings = {k: v for k, v in settings.items() if k in taken}
    grid = []
    for point in GRID:
        own = {k: v for k, v in point.items() if k in taken and k not in asked}
        if own not in grid:
            grid.append(own)
    return settings, grid
