"""The rows of the benchmark."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any
from unittest.mock import patch

import torch

from dpcore.data.datasets import load_dataset
from dpcore.experiments.bench import peers
from dpcore.experiments.bench.epochs import (
    epoch_dd,
    epoch_proteins,
    epoch_tgp,
    profile_proteins,
)
from dpcore.experiments.bench.measure import (
    NotInstalled,
    Result,
    Sizes,
    Tick,
    alternate,
    timed,
    times,
)
from dpcore.experiments.bench.operators import (
    Operator,
    check_operator,
    growth,
    link_errors,
    peak_memory,
)
from dpcore.graphs import SparseGraphs
from dpcore.models import build_model
from dpcore.training import cross_validate, fit, run_fold, splits
from dpcore.training import threads as thread_policy
from dpcore.training.threads import threads


def operator_dense(sizes: Sizes, tick: Tick) -> list[Result]:
    """The pooling operator at n = 10 000: PyG dense ÷ dpcore, time and memory."""
    shape = (sizes.dense_nodes, sizes.clusters)
    seconds, drift = _operators("pyg", shape, sizes, tick)
    facts = dict(nodes=shape[0], clusters=shape[1], degree=6)
    tick("memory, theirs")
    their_peak, their_base = peak_memory("pyg", *shape)
    tick("memory, ours")
    our_peak, our_base = peak_memory("ours", *shape)
    shared: dict[str, Any] = dict(threads=2, sizes=facts)
    return [
        Result(
            "operator-10k",
            **times(seconds),
            target=75,
            **shared,
            note=f"their float32 link loss is off by {drift:.1e} of its value",
        ),
        Result(
            "operator-10k",
            "memory",
            ours_peak_mb=our_peak,
            theirs_peak_mb=their_peak,
            figure=their_peak / our_peak,
            target=6,
            **shared,
            note=f"above imports; whole processes {their_peak + their_base:.0f} and "
            f"{our_peak + our_base:.0f} MB",
        ),
    ]


def operator_large(sizes: Sizes, tick: Tick) -> list[Result]:
    """The operator at n = 1 000 000, dpcore alone: memory, growth from n = 100 000."""
    small, large = sizes.large_nodes
    tick("equal?")
    check_operator("pyg", min(small, 1000), sizes.clusters)
    facts = dict(nodes=large, from_nodes=small, clusters=sizes.clusters, degree=6)
    results = []
    for pages, large_pages in (("4 kB", False), ("2 MB", True)):
        tick(f"time, pages of {pages}")
        seconds = growth(sizes.large_nodes, sizes.clusters, sizes.repeats, large_pages)
        results.append(
            Result(
                "operator-1m",
                f"growth, {pages}",
                ours_seconds=seconds[1],
                figure=seconds[1] / seconds[0],
                target=11,
                at_least=False,
                threads=2,
                sizes=facts,
                note=f"from {seconds[0]:.4f} s at n = {small}, memory in pages of "
                f"{pages}; equality checked at n = {min(small, 1000)}",
            )
        )
    tick("memory")
    return [*results, _whole_memory("operator-1m", large, 2.5, sizes)]


def operator_huge(sizes: Sizes, tick: Tick) -> list[Result]:
    """The operator at n = 10 000 000, dpcore alone: memory. Only when asked for."""
    tick("memory")
    return [_whole_memory("operator-10m", sizes.huge_nodes, 12, sizes)]


def _whole_memory(name: str, nodes: int, target: float, sizes: Sizes) -> Result:
    """Gigabytes of a whole process that pools one graph, forward and backward."""
    peak, base = peak_memory("ours", nodes, sizes.clusters)
    return Result(
        name,
        "memory",
        ours_peak_mb=peak,
        figure=(peak + base) / 1000,
        target=target,
        at_least=False,
        threads=1,
        sizes=dict(nodes=nodes, clusters=sizes.clusters, degree=6),
        note="figure: GB of the whole process",
    )


def operator_peer(side: str, package: str, sizes: Sizes, tick: Tick) -> list[Result]:
    """The operator at n = 10 000: another package ÷ dpcore, where it is installed."""
    if importlib.util.find_spec(side) is None:
        raise NotInstalled(f"not installed: pip install {package}")
    seconds, drift = _operators(side, (sizes.dense_nodes, sizes.clusters), sizes, tick)
    return [
        Result(
            f"operator-{side}",
            **times(seconds),
            threads=2,
            sizes=dict(nodes=sizes.dense_nodes, clusters=sizes.clusters, degree=6),
            note=f"their float32 link loss is off by {drift:.1e} of its value",
        )
    ]


def _operators(side: str, shape: tuple[int, int], sizes: Sizes, tick: Tick):
    """Seconds of both sides, and the error of their link loss in float32."""
    with threads(2):
        tick("equal?")
        check_operator(side, *shape)
        ours, theirs = Operator("ours", *shape), Operator(side, *shape)
        key = "link loss"
        drift = peers.expect_equal(
            key, theirs.step()[key], ours.step()[key], tolerance=float("inf")
        )
        sides = dict(theirs=partial(timed, theirs.step), ours=partial(timed, ours.step))
        return alternate(sides, sizes.operator_repeats, tick), drift


def density_collab(sizes: Sizes, tick: Tick) -> list[Result]:
    """A·H on the nearly complete graphs of COLLAB: dense matrices ÷ by edges."""
    tick("loading")
    graphs = load_dataset("COLLAB")
    step = max(1, len(graphs) // sizes.batch_size)
    batch = SparseGraphs.from_data_list(graphs[::step][: sizes.batch_size])
    matrices = [batch.to_dense(g) for g in range(batch.num_graphs)]
    parts = batch.sizes.tolist()
    h = torch.rand(
        batch.num_nodes, sizes.clusters, generator=torch.Generator().manual_seed(0)
    )

    def dense() -> torch.Tensor:
        pairs = zip(matrices, h.split(parts), strict=True)
        return torch.cat([matrix @ h_g for matrix, h_g in pairs])

    def by_edges() -> torch.Tensor:
        return batch.propagate(h)

    tick("equal?")
    peers.expect_equal("A·H", by_edges(), dense())
    with threads(1):
        seconds = alternate(
            dict(theirs=partial(timed, dense), ours=partial(timed, by_edges)),
            sizes.operator_repeats,
            tick,
        )
    entries = batch.adjacency.value.numel()
    filled = entries / sum(matrix.numel() for matrix in matrices)
    return [
        Result(
            "density-collab",
            **times(seconds),
            threads=1,
            sizes=dict(nodes=batch.num_nodes, entries=entries),
            note=f"both are dpcore: theirs a dense matrix a graph, {filled:.0%} of it "
            "filled; below 1, dense is faster",
        )
    ]


def cv_proteins(sizes: Sizes, tick: Tick) -> list[Result]:
    """Cross-validation: fold after fold ÷ two single-threaded workers."""
    tick("loading")
    batch = SparseGraphs.from_data_list(load_dataset("PROTEINS"))
    settings: dict[str, Any] = dict(epochs=sizes.epochs, seed=0)
    parts = splits(batch.labels, sizes.folds, 0)

    def one_process() -> list:
        return [run_fold("diffpool", batch, part, **settings) for part in parts]

    def workers() -> list:
        settings_too = dict(settings, folds=sizes.folds, jobs=2, progress=False)
        return cross_validate("diffpool", batch, **settings_too).folds

    with threads(2):
        tick("equal?")
        alone, beside = (
            torch.tensor([fold.loss_curve[0] for fold in way()])
            for way in (one_process, workers)
        )
        # Two threads add up in another order, and training magnifies that.
        peers.expect_equal("loss of the first epoch", alone, beside, 1e-3)
        sides = dict(theirs=partial(timed, one_process), ours=partial(timed, workers))
        seconds = alternate(sides, sizes.repeats, tick, warm=True)
    return [
        Result(
            "cv-proteins",
            **times(seconds),
            target=1.5,
            threads=2,
            sizes=dict(graphs=batch.num_graphs, folds=sizes.folds, epochs=sizes.epochs),
            note="both are dpcore: theirs one process, fold after fold, ours two "
            "workers, already started",
        )
    ]


def busy_neighbour(sizes: Sizes, tick: Tick) -> list[Result]:
    """An epoch on PROTEINS beside a busy process: all threads ÷ as many as fit."""
    tick("loading")
    graphs = load_dataset("PROTEINS")
    batch = SparseGraphs.from_data_list(graphs)
    model = build_model(
        "diffpool",
        num_features=batch.x.size(1),
        num_classes=2,
        max_nodes=sizes.proteins_nodes,
    )
    epoch = partial(fit, model, batch, 1, sizes.batch_size, progress=False)

    def on_all_threads() -> float:
        with patch.object(thread_policy, "NODES_A_THREAD", 1):
            return epoch()[0].seconds

    sides = dict(theirs=on_all_threads, ours=lambda: epoch()[0].seconds)
    count = os.cpu_count() or 1
    with warnings.catch_warnings(), threads(count):
        warnings.filterwarnings("ignore", message=".*collapsed")
        quiet = alternate(sides, sizes.repeats, tick)
        with busy_process():
            beside = alternate(sides, sizes.repeats, tick, warm=True)
    return [
        Result(
            "busy-neighbour",
            **times(beside),
            threads=count,
            sizes=dict(graphs=batch.num_graphs),
            note="both are dpcore: theirs on all threads, ours on as many as the batch "
            "keeps busy; without the neighbour the ratio is "
            f"{quiet['theirs'] / quiet['ours']:.2f}",
        )
    ]


@contextmanager
def busy_process() -> Iterator[None]:
    """Another process that keeps one core busy inside the `with` block."""
    process = subprocess.Popen([sys.executable, "-c", "while True: pass"])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def accuracy(sizes: Sizes, tick: Tick) -> list[Result]:
    """The link loss in float32 against dense float64, near-perfect clusterings too."""
    loss_error = gradient_error = 0.0
    for nodes in sizes.accuracy_nodes:
        for sharpness in (0.0, 5.0, 9.0, 12.0):
            tick(f"n = {nodes}, scores {sharpness:g} apart")
            loss, gradient = link_errors(nodes, sharpness)
            loss_error = max(loss_error, loss)
            gradient_error = max(gradient_error, gradient)
    facts = dict(nodes=list(sizes.accuracy_nodes))
    bound: dict[str, Any] = dict(
        at_least=False, sizes=facts, threads=torch.get_num_threads()
    )
    return [
        Result("accuracy", "loss", figure=loss_error, target=1e-5, **bound),
        Result(
            "accuracy",
            "gradient",
            figure=gradient_error,
            target=1e-4,
            **bound,
            note="largest error over the largest entry; infinite where not finite",
        ),
    ]


ROWS: dict[str, Callable[[Sizes, Tick], list[Result]]] = {
    "epoch-proteins": epoch_proteins,
    "profile-proteins": profile_proteins,
    "epoch-dd": epoch_dd,
    "operator-10k": operator_dense,
    "operator-1m": operator_large,
    "operator-10m": operator_huge,
    "cv-proteins": cv_proteins,
    "busy-neighbour": busy_neighbour,
    "density-collab": density_collab,
    "accuracy": accuracy,
    "epoch-tgp": epoch_tgp,
    "operator-tgp": partial(operator_peer, "tgp", "torch-geometric-pool"),
    "operator-dgl": partial(operator_peer, "dgl", "dgl"),
}

ON_REQUEST = ("operator-10m",)
"""Rows that take too much of a machine to be measured unasked."""
