"""Five repairs of DiffPool's second level, and two controls, for chapter 05:
book/results/repairs.jsonl, one line a run.

    python book/tools/measure_repairs.py

A run is a data set, a repair and a fold (of MUTAG, ENZYMES and PROTEINS; on the graphs
of dpcore.data.synthetic a fold is a seed, which decides graphs and weights). All runs
of a data set are trained alike, on one thread, both losses at weight 1: half of the
epochs without validation, then the other half, of which validation chooses the epoch.
Runs are in the order of folds, so that at any moment all repairs have as many of them;
a run is in the file before the next begins, and what is there is not measured again.
All ten folds take about an hour and a quarter of processor time.

Whether the repair that chapter 05 recommends needs *learned* clusters, its partners
say (five minutes):

    python book/tools/measure_repairs.py --datasets loops \\
        --repairs "no-diagonal, random" "no-diagonal, heavy-edge" \\
        --output book/results/repairs_partners.jsonl
"""

from __future__ import annotations

import argparse
import json
import time
import warnings
from collections.abc import Iterable
from functools import cache
from pathlib import Path

import torch
from chapters import ROOT
from communities import agreement, drawn
from torch import Tensor
from tqdm import tqdm

import dpcore
from dpcore.data import synthetic
from dpcore.graphs import SparseGraphs
from dpcore.models.repairs import REPAIRS
from dpcore.pooling import effective_clusters, effective_number
from dpcore.training import splits, standardized

RESULT = ROOT / "book" / "results" / "repairs.jsonl"

OPTIONS = {
    "none": {},
    **{repair: dict(repair=repair) for repair in REPAIRS},
    "late entropy": {},
    "one level": dict(levels=1),
}
"""What is compared: settings of :func:`dpcore.build_model`. "late entropy" has no
entropy loss in the first half of the epochs."""

PARTNERS = {
    f"no-diagonal, {of}": dict(repair="no-diagonal", assignments=of)
    for of in ("random", "heavy-edge")
}
"""The same without learned clusters; not in the tables of chapter 05."""

_SAGE = dict(conv="sage", dropout=0.0)
_SYNTHETIC = dict(_SAGE, max_nodes=72, num_layers=3, hidden=32, lr=5e-3, epochs=20)
SETTINGS = {
    "MUTAG": dict(
        conv="gcn",
        dropout=0.0,
        max_nodes=28,
        num_layers=2,
        hidden=64,
        lr=5e-3,
        epochs=40,
    ),
    "coarse": _SYNTHETIC,
    "loops": _SYNTHETIC,
    "ENZYMES": dict(_SAGE, max_nodes=48, num_layers=3, hidden=64, lr=1e-3, epochs=40),
    "PROTEINS": dict(
        conv="gcn",
        dropout=0.6,
        max_nodes=150,
        num_layers=2,
        hidden=64,
        lr=5e-3,
        epochs=20,
    ),
}
"""The stacks of the tables; depth, width and rate are what validation chose there most
often. ENZYMES has its attributes, scaled by the training part."""

LATER = {"ENZYMES": 2, "PROTEINS": 2}
"""Folds that a data set waits for the others."""

COUNTS = dict(train=200, validation=60, test=100)
"""Graphs of a synthetic data set."""


@cache
def parts(dataset: str, fold: int) -> tuple[list[SparseGraphs], list[Tensor] | None]:
    """Training, validation and test graphs, and the test graphs' communities, where
    they are known."""
    if dataset in synthetic.QUESTIONS:
        made = [
            drawn(dataset, count, seed=3 * fold + i + 10_000)
            for i, count in enumerate(COUNTS.values())
        ]
        return [batch for batch, _ in made], made[-1][1]
    graphs = whole(dataset)
    split = splits(graphs.y, folds=10, seed=0)[fold]
    if dataset == "ENZYMES":
        graphs = standardized(graphs, 18, split["train"])
    return [graphs.select(ids) for ids in split.values()], None


@cache
def whole(dataset: str) -> SparseGraphs:
    more = dict(attributes=True) if dataset == "ENZYMES" else {}
    return SparseGraphs.from_data_list(dpcore.load_dataset(dataset, **more))


def measure(dataset: str, repair: str, fold: int, epochs: int | None = None) -> dict:
    """One run: train, choose the epoch, test."""
    start = time.process_time()
    settings = dict(SETTINGS[dataset])
    lr, own = settings.pop("lr"), settings.pop("epochs")
    epochs = epochs or own
    (train, validation, test), communities = parts(dataset, fold)
    torch.manual_seed(fold)
    model = dpcore.build_model(
        "diffpool",
        num_features=train.x.size(1),
        num_classes=int(train.y.max()) + 1,
        **settings,
        **(OPTIONS | PARTNERS)[repair],
    )
    how = dict(epochs=epochs // 2, lr=lr, progress=False)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="level . uses")  # is in the record
        if repair == "late entropy":
            model.entropy_weight = 0.0
        dpcore.fit(model, train, seed=2 * fold, **how)
        model.entropy_weight = 1.0
        dpcore.fit(model, train, seed=2 * fold + 1, validation=validation, **how)
    record = dict(dataset=dataset, repair=repair, fold=fold, epochs=epochs)
    record["accuracy"] = round(dpcore.evaluate(model, test), 4)
    record |= clusters(model, test, communities)
    record["cpu_seconds"] = round(time.process_time() - start, 1)
    return record


@torch.no_grad()
def clusters(
    model: torch.nn.Module, test: SparseGraphs, communities: list[Tensor] | None
) -> dict:
    """Clusters in use and clusters a node, of every level; where communities are known
    also how far those of level 1 agree with them (adjusted mutual information)."""
    model.eval()
    first, *above = model(test).assignments
    used = [effective_clusters(test, first)]
    used += [effective_number(s.mean(1)) for s in above]
    entropies = [torch.special.entr(s).sum(-1).mean() for s in (first, *above)]
    found = dict(
        used=[round(float(u.mean()), 3) for u in used],
        a_node=[round(float(e.exp()), 3) for e in entropies],
    )
    if communities is not None:
        found["agree"] = round(agreement(communities, first), 3)
    return found


def turns(
    folds: int, repairs: Iterable[str] = tuple(OPTIONS)
) -> list[tuple[str, str, int]]:
    """All runs in their order."""
    rounds = [
        (fold + LATER.get(dataset, 0), dataset, fold)
        for fold in range(folds)
        for dataset in SETTINGS
    ]
    ordered = sorted(rounds, key=lambda turn: turn[0])
    return [(data, repair, fold) for _, data, fold in ordered for repair in repairs]


def load(path: Path) -> list[dict]:
    text = path.read_text(encoding="utf-8") if path.exists() else ""
    return [json.loads(line) for line in text.splitlines()]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=RESULT)
    parser.add_argument("--folds", type=int, default=10)
    parser.add_argument("--datasets", nargs="+", choices=SETTINGS, default=[*SETTINGS])
    every = [*OPTIONS, *PARTNERS]
    parser.add_argument("--repairs", nargs="+", choices=every, default=[*OPTIONS])
    parser.add_argument("--epochs", type=int, help="in place of each data set's own")
    options = parser.parse_args()
    torch.set_num_threads(1)
    done = {(r["dataset"], r["repair"], r["fold"]) for r in load(options.output)}
    todo = [
        turn
        for turn in turns(options.folds, options.repairs)
        if turn[0] in options.datasets and turn not in done
    ]
    options.output.parent.mkdir(parents=True, exist_ok=True)
    for turn in tqdm(todo, unit="run"):
        line = json.dumps(measure(*turn, options.epochs))
        with options.output.open("a", encoding="utf-8") as file:
            file.write(line + "\n")


if __name__ == "__main__":
    main()
