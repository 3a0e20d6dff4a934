"""When pooling helps: accuracies on graphs whose class lies at a known scale, for
chapter 10: book/results/when_it_helps.json.

    python book/tools/measure_when.py

Every cell of the plan is a model, a question of dpcore.data.synthetic and a seed, which
decides the graphs, the weights and the order of the batches. All cells are trained
alike, on one thread, until the last epoch or until every validation graph is right;
the epoch is chosen on validation. A cell is in the file before the next begins, one
line each; what is there is not measured again. The main plan's first two seeds come
first, so that a file cut short can be used. Three seeds take some ten minutes of
processor time.

The chapter also asks what patience changes, book/results/when_it_helps_60.json; as
long again:

    python book/tools/measure_when.py --epochs 60 --questions coarse both \\
        --methods "0 levels" "1 level" "2 levels" random "by ratio" "k = 72" \\
        --output book/results/when_it_helps_60.json

and what the learning rate does, with ten seeds (for 0.001, 0.0025 and 0.005, some ten
minutes of processor time each):

    python book/tools/measure_when.py --lr 0.001 --seeds 10 --questions coarse \\
        --methods gin "0 levels" "1 level" "2 levels" random "k = 72" \\
        --output book/results/when_it_helps_0.001.json

and the same for *both*, with the time that it takes (some six minutes each):

    python book/tools/measure_when.py --lr 0.001 --epochs 60 --seeds 10 \\
        --questions both --methods gin "0 levels" "1 level" random "2 levels" \\
        --output book/results/when_it_helps_both_0.001.json

and for the two questions that stay open, with three seeds (some ten minutes each):

    python book/tools/measure_when.py --lr 0.001 --epochs 60 --seeds 3 \\
        --questions loops hidden --methods gin "0 levels" "1 level" random \\
        --output book/results/when_it_helps_strict_0.001.json

and whether the runs that learn nothing need another classifier or another start, with
ten seeds (some fifteen minutes):

    python book/tools/measure_when.py --seeds 10 --questions coarse --methods \\
        "2 levels, leaky" "2 levels, tanh" "2 levels, sharp" \\
        "k = 72, leaky" "k = 72, tanh" "k = 72, sharp" \\
        --output book/results/when_it_helps_heads.json

and whether *loops* is read from the entries of A' (three minutes):

    python book/tools/measure_when.py --seeds 10 --questions loops \\
        --methods "table of A'" "table of a random A'" \\
        --output book/results/when_it_helps_table.json

`alive` in a cell counts the hidden units of the classifier that answer to any graph of
the last batch, after the last epoch; without one, the network says the same to all.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import platform
import time
import warnings
from functools import cache
from itertools import product
from pathlib import Path

import numpy as np
import torch
from chapters import ROOT
from communities import agreement, drawn
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from torch import Tensor
from tqdm import tqdm

import dpcore
from dpcore.data import synthetic
from dpcore.data.files import write_whole
from dpcore.graphs import SparseGraphs
from dpcore.models.walks import WalksClassifier
from dpcore.pooling import effective_clusters, effective_number

RESULT = ROOT / "book" / "results" / "when_it_helps.json"
SETTINGS = dict(
    train=400, validation=100, test=200, larger=100, epochs=20, batch_size=20, lr=0.005
)
LARGER = (24, 48)
"""Nodes a community in the larger test graphs; 12 everywhere else."""

MODEL = dict(hidden=32, dropout=0.0, max_nodes=72)
SAGE, ONE = dict(conv="sage"), dict(conv="sage", levels=1)


def _fixed(k: int) -> tuple[str, dict]:
    return "diffpool", dict(ONE, ratio=1.0, max_nodes=k)


METHODS: dict[str, tuple[str, dict]] = {
    "mlp": ("mlp", {}),
    "gcn-mean": ("gcn-mean", {}),
    "gcn-sum": ("gcn-sum", {}),
    "gin": ("gin", {}),
    "0 levels": ("diffpool", dict(SAGE, levels=0)),
    "1 level": ("diffpool", ONE),
    "2 levels": ("diffpool", dict(SAGE, levels=2)),
    "3 levels": ("diffpool", dict(SAGE, levels=3)),
    "random": ("diffpool-random", ONE),
    "heavy-edge": ("diffpool-det", ONE),
    "no losses": ("diffpool", dict(ONE, link_weight=0.0, entropy_weight=0.0)),
    "k = 2": _fixed(2),
    "k = 6": _fixed(6),
    "k = 72": _fixed(72),
    "by ratio": ("diffpool", dict(ONE, per_graph=True, max_nodes=288)),
    "deck": ("diffpool", dict(levels=2)),
}
"""Name in the file: name in `dpcore.build_model`, settings beside MODEL. Where nothing
is said, k is a quarter of the 72 nodes: 18, then 5, then 2."""

CHANGED = {
    f"{name}, {how}": name
    for name in ("2 levels", "k = 72")
    for how in ("leaky", "tanh", "sharp")
}
"""Methods of METHODS with something changed, see :func:`changed`."""
METHODS |= {name: METHODS[of] for name, of in CHANGED.items()}

TABLES = {"table of A'": "learned", "table of a random A'": "random"}
"""Methods that read the entries of A' between six clusters, and whose S."""
BAG = "bag of edges"
"""An SVM on how many edges join two features."""
BY_NAME = [*METHODS, *TABLES, BAG]

PLAN = {
    "coarse": ["gin", "0 levels", "1 level", "random", "heavy-edge", "2 levels"],
    "both": ["gin", "0 levels", "1 level", "random"],
    "fine": ["gin", "0 levels", "1 level", "random"],
    "loops": ["gin", "1 level", "heavy-edge"],
    "hidden": ["gin", "1 level", "heavy-edge"],
}
FURTHER = {
    "coarse": ["k = 2", "k = 72", "by ratio", "no losses", "3 levels", "mlp"]
    + ["gcn-mean", "gcn-sum", "k = 6", "deck", *CHANGED, BAG],
    "both": ["heavy-edge", "2 levels", "gcn-mean", "gcn-sum", "no losses", BAG],
    "fine": ["gcn-mean", "gcn-sum", "heavy-edge", BAG],
    "loops": ["0 levels", "random", BAG, *TABLES],
    "hidden": ["0 levels", "random", BAG],
}
"""Methods of every question, in the order in which they are measured."""


def changed(model: torch.nn.Module, how: str) -> None:
    """Another activation of the classifier, or logits of the first S that are ten times
    as large: a start that is not uniform."""
    heads = {"leaky": torch.nn.LeakyReLU(), "tanh": torch.nn.Tanh()}
    if how in heads:
        model.head[1] = heads[how]
    elif how == "sharp":
        with torch.no_grad():
            for weights in model.levels[0].assign.join.parameters():
                weights *= 10


def build(method: str, asked: synthetic.Question) -> torch.nn.Module:
    sizes = dict(num_features=asked.num_features, num_classes=asked.num_classes)
    if method in TABLES:
        return WalksClassifier(
            **sizes, clusters=[6], reader="table", assignments=TABLES[method]
        )
    name, own = METHODS[method]
    model = dpcore.build_model(name, **sizes, **(MODEL | own))
    changed(model, method.rpartition(", ")[2])
    return model


def edge_bag(graphs: SparseGraphs) -> np.ndarray:
    """XᵀAX of every graph, a row each."""
    i, j = graphs.edge_index
    pairs = graphs.x[i].unsqueeze(2) * graphs.x[j].unsqueeze(1)
    bags = graphs.x.new_zeros(graphs.num_graphs, *pairs.shape[1:])
    return bags.index_add(0, graphs.batch[i], pairs).flatten(1).numpy()


def machine(parts: dict[str, SparseGraphs]) -> dict:
    """The SVM of eight that has most of validation right, the first of several."""
    x, y = ({n: of(g) for n, g in parts.items()} for of in (edge_bag, lambda g: g.y))
    found = []
    for c, gamma in product((0.1, 1, 10, 100), ("scale", 0.01)):
        svm = make_pipeline(StandardScaler(), SVC(C=c, gamma=gamma))
        svm.fit(x["train"], y["train"])
        found.append((svm.score(x["validation"], y["validation"]), svm))
    _, svm = max(found, key=lambda one: one[0])
    return {"accuracy": round(svm.score(x["test"], y["test"]), 4)}


class Solved(Exception):
    """Every validation graph is right: training ends here."""


@cache
def graphs(
    question: str, part: str, size: int, seed: int, count: int
) -> tuple[SparseGraphs, list[Tensor]]:
    """The graphs of a part, and their communities; no two parts, seeds or sizes share
    a graph."""
    parts = ("train", "validation", "test", "larger")
    own = 1000 * (seed + 1) + 100 * parts.index(part) + size
    return drawn(question, count, size, own)


def measure(method: str, question: str, seed: int, settings: dict) -> dict:
    """One cell: train, choose the epoch, test."""
    start = time.process_time()

    def part(name: str, size: int = 12) -> SparseGraphs:
        return graphs(question, name, size, seed, settings[name])[0]

    record = dict(method=method, question=question, seed=seed)
    if method == BAG:
        record |= machine({n: part(n) for n in ("train", "validation", "test")})
        record["cpu_seconds"] = round(time.process_time() - start, 1)
        return record
    torch.manual_seed(seed)
    model = build(method, synthetic.QUESTIONS[question])
    epochs, alive = [], [0]

    def count(layer: torch.nn.Module, given: tuple, units: Tensor) -> None:
        alive[0] = int((units > 0).any(0).sum())

    def watch(epoch: dict) -> None:
        epochs.append(epoch | {"alive": alive[0]})
        if epoch["accuracy"] == 1:
            raise Solved

    model.head[1].register_forward_hook(count)
    with warnings.catch_warnings(), contextlib.suppress(Solved):
        warnings.filterwarnings("ignore", message="level . uses")  # is in the record
        dpcore.fit(
            model,
            part("train"),
            settings["epochs"],
            settings["batch_size"],
            settings["lr"],
            seed,
            part("validation"),
            progress=False,
            on_epoch=watch,
        )
    record["accuracy"] = round(dpcore.evaluate(model, part("test")), 4)
    if question == "coarse":
        record["larger"] = {
            size: round(dpcore.evaluate(model, part("larger", size)), 4)
            for size in LARGER
        }
    record["epochs"] = len(epochs)
    record["alive"] = epochs[-1]["alive"]
    record["train_accuracy"] = round(epochs[-1]["train_accuracy"], 4)
    record |= clusters(model, *graphs(question, "test", 12, seed, settings["test"]))
    record["parameters"] = sum(p.numel() for p in model.parameters())
    record["cpu_seconds"] = round(time.process_time() - start, 1)
    return record


@torch.no_grad()
def clusters(
    model: torch.nn.Module, test: SparseGraphs, communities: list[Tensor]
) -> dict:
    """Effective clusters of every level, and how far those of the first agree with the
    communities (adjusted mutual information: 1 equal, 0 no more than by chance)."""
    model.eval()
    levels = model(test).assignments
    if not levels:
        return {}
    used = [effective_clusters(test, levels[0]).mean()]
    used += [effective_number(s.mean(1)).mean() for s in levels[1:]]
    return {
        "used": [round(float(u), 2) for u in used],
        "agree": round(agreement(communities, levels[0]), 3),
    }


def turns(seeds: int) -> list[tuple[dict, int]]:
    """Both plans for every seed; FURTHER is a seed and a half behind."""
    both = [(seed, PLAN) for seed in range(seeds)]
    both += [(seed + 1.5, FURTHER) for seed in range(seeds)]
    return [
        (plan, int(turn - 1.5 * (plan is FURTHER)))
        for turn, plan in sorted(both, key=lambda pair: pair[0])
    ]


def load(path: Path, settings: dict) -> list[dict]:
    """The cells that are measured; a file of other settings is refused."""
    if not path.exists():
        return []
    record = json.loads(path.read_text(encoding="utf-8"))
    if record["settings"] != settings:
        raise SystemExit(
            f"{path} was measured with {record['settings']}, not with {settings}: "
            "move it away, or give another --output"
        )
    return record["cells"]


def save(path: Path, settings: dict, cells: list[dict]) -> None:
    """The whole file, a line a cell."""
    head = {
        "versions": dpcore.versions(),
        "system": f"{platform.system()} {platform.machine()}",
        "settings": settings,
    }
    lines = [f" {json.dumps(k)}: {json.dumps(v)}" for k, v in head.items()]
    inside = ",\n".join(f"  {json.dumps(cell)}" for cell in cells)
    lines.append(f' "cells": [\n{inside}\n ]')
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, "{\n" + ",\n".join(lines) + "\n}\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=RESULT)
    parser.add_argument("--seeds", type=int, default=3)
    plain = [name for name in BY_NAME if name not in CHANGED and name not in TABLES]
    parser.add_argument("--methods", nargs="+", choices=BY_NAME, default=plain)
    parser.add_argument("--questions", nargs="+", choices=PLAN, default=[*PLAN])
    parser.add_argument("--epochs", type=int, default=SETTINGS["epochs"])
    parser.add_argument("--train", type=int, default=SETTINGS["train"], help="graphs")
    parser.add_argument("--lr", type=float, default=SETTINGS["lr"], help="of Adam")
    options = parser.parse_args()
    torch.set_num_threads(1)
    settings = SETTINGS | dict(
        epochs=options.epochs, train=options.train, lr=options.lr
    )
    cells = load(options.output, settings)
    done = {(c["method"], c["question"], c["seed"]) for c in cells}
    todo = [
        (method, question, seed)
        for plan, seed in turns(options.seeds)
        for question in options.questions
        for method in plan.get(question, [])
        if method in options.methods and (method, question, seed) not in done
    ]
    for cell in tqdm(todo, unit="cell"):
        cells.append(measure(*cell, settings))
        save(options.output, settings, cells)


if __name__ == "__main__":
    main()
