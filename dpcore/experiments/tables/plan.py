"""What is measured, and how: rows, settings, the grid, and the tasks in their order."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from dpcore.data.archives import EXPECTED
from dpcore.experiments.tables.paper import KERNELS
from dpcore.models import MODELS, accepted_settings
from dpcore.training import Record

ROWS = (
    "diffpool diffpool-nolp graphsage mlp gcn-mean wl-oa 1-wl shortest-path graphlet "
    "diffpool-det gin diffpool-random diffpool-hard set2set sortpool s2v s2v-1diffpool "
    "s2v-2diffpool ecc patchysan diffpool-noentropy gcn-sum graphsage-blind"
).split()
"""All rows of both tables and the controls beside them, in the order of their worth:
if the time does not suffice, the last ones stay empty."""

CONTROLS = (
    "mlp gcn-sum graphsage-blind gin gcn-mean diffpool-random diffpool-hard "
    "diffpool-noentropy"
).split()
"""Rows that the paper does not have: those that later work asks for, two pairs that
differ in their edges alone (mlp and gcn-sum, graphsage-blind and graphsage), the flat
partner of a GCN's DiffPool, and what the entropy loss adds."""

MEASURED = ("PROTEINS", "ENZYMES", "MUTAG", "DD", "COLLAB")
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
    """One fold of one cell. It names the data: whoever measures it loads it."""

    method: str
    dataset: str
    fold: int
    folds: int
    seed: int
    settings: dict
    grid: list[dict] | None

    def __str__(self) -> str:
        return f"{self.method} {self.dataset} fold {self.fold}"

    @property
    def cell(self) -> tuple[str, str]:
        return self.method, self.dataset

    def path(self, results: Path, ending: str = ".json") -> Path:
        """Where its record stands; with ending ".failed.json": why there is none."""
        name = f"seed{self.seed}-fold{self.fold}of{self.folds}{ending}"
        return results / self.dataset / self.method / name

    def made(self, record: Record) -> bool:
        """Whether a record is of this task's settings and grid."""
        found = ("accuracy", "loss")
        tried = [
            {name: value for name, value in point.items() if name not in found}
            for point in record.get("grid", [])
        ]
        same_grid = self.grid is None or tried == self.grid
        return same_grid and record["settings"] == self.settings


def is_row(name: str) -> bool:
    """Whether a name can be measured: a model's or a kernel's."""
    return name in MODELS or name in KERNELS


def plan(
    rows: Sequence[str],
    datasets: Sequence[str],
    folds: int = 10,
    epochs: int | None = None,
    seed: int = 0,
) -> list[Task]:
    """All folds of a grid, in the order of their worth: data set by data set, then row
    by row.

    Raises:
        ValueError: for an unknown row or data set, or folds that a data set
            does not have.

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
                raise ValueError(
                    f"{argument} names {name!r}, expected {', '.join(possible)}"
                )
    for dataset in datasets:
        most = min(EXPECTED[dataset].get("label_counts", [folds]))
        if not 3 <= folds <= most:
            raise ValueError(
                f"folds is {folds}, expected 3 to {most}, the graphs of the smallest "
                f"class of {dataset}"
            )
    return [
        Task(row, dataset, fold, folds, seed, *_settings(row, dataset, epochs))
        for dataset in dict.fromkeys(datasets)
        for row in dict.fromkeys(rows)
        for fold in range(folds)
    ]


def _settings(row: str, dataset: str, epochs: int | None) -> tuple[dict, list | None]:
    """The settings of a cell, and its grid; a kernel has neither."""
    if row in KERNELS:
        return {}, None
    settings = dict(SETTINGS.get(dataset, SETTINGS["PROTEINS"]))
    if epochs is not None:
        settings["epochs"] = epochs
    trial = max(1, settings["epochs"] // TRIAL_SHARE)
    settings["trial_epochs"] = min(trial, settings.get("trial_epochs", trial))
    taken = accepted_settings(row)
    of_training = {"epochs", "trial_epochs", "patience", "lr", *OF_THE_DATA}
    of_training |= {"standardize"}
    settings = {k: v for k, v in settings.items() if k in taken | of_training}
    grid = []
    for point in GRID:
        own = {k: v for k, v in point.items() if k in taken | of_training}
        if own not in grid:
            grid.append(own)
    return settings, grid
