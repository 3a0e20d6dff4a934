"""Time and memory of one pooling step by nodes: book/results/operator_curve.json.

    python book/tools/measure_curve.py

Forward and backward of the step with both losses, on random graphs of degree 6, with
k = d = 64: dense (PyG's dense_diff_pool) up to 10 000 nodes, by edges
(dpcore.diff_pool) up to a million. Checks first that both compute the same. Then every
point is a process of its own, so that its peak memory is its own, and takes the median
of its runs, in seconds of processor time on one thread: other work on the machine
delays such a run, but hardly counts in it. On a quiet core it is done in two minutes.
"""

from __future__ import annotations

import argparse
import datetime
import json
import os
import platform
import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import torch
from chapters import ROOT
from torch import Tensor
from torch_geometric.nn import dense_diff_pool
from tqdm import tqdm

import dpcore

RESULT = ROOT / "book" / "results" / "operator_curve.json"
DEGREE, WIDTH = 6, 64
NODES = {
    "dense": (100, 300, 1_000, 3_000, 10_000),
    "sparse": (100, 300, 1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000),
}
RUNS, SPAN = 5, 0.5  # at least so many runs, and so many seconds in all
TOLERANCE = 1e-5

Step = Callable[[], tuple[Tensor, ...]]


def peak_mb() -> float:
    """Most memory that this process has held so far, in 10⁶ bytes.

    >>> peak_mb() > 10
    True
    """
    status = Path("/proc/self/status")
    if status.exists():  # ru_maxrss would count the parent's pages on Linux
        (line,) = (x for x in status.read_text().splitlines() if x.startswith("VmHWM"))
        return int(line.split()[1]) * 1024 / 1e6
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def pooling_step(way: str, nodes: int, dtype: torch.dtype = torch.float32) -> Step:
    """A function that runs the step once and returns X', A', the link loss (rms), and
    the gradients of Z and of the logits."""
    torch.manual_seed(0)
    one_way = torch.randint(nodes, (2, nodes * DEGREE // 2))
    edges = torch.cat([one_way, one_way.flip(0)], dim=1)
    graph = dpcore.SparseGraphs.from_edge_index(torch.zeros(nodes, 1), edges)
    z, logits = torch.randn(2, nodes, WIDTH).to(dtype).requires_grad_()
    adj = graph.to_dense().to(dtype) if way == "dense" else None

    def step() -> tuple[Tensor, ...]:
        if way == "dense":
            x, small, link, entropy = dense_diff_pool(z, adj, logits)
            link = link * nodes  # PyG divides the norm by n², dpcore by n
        else:
            x, small, _, link, entropy = dpcore.diff_pool(z, graph, logits)
        loss = x.square().mean() / nodes + small.square().mean() / nodes
        gradients = torch.autograd.grad(loss + link + entropy, (z, logits))
        return x.detach(), small.detach(), link.detach(), *gradients

    return step


def check_equal(nodes: int) -> None:
    """Raise a RuntimeError if the sparse way differs from the dense one in float64."""
    dense = pooling_step("dense", nodes, torch.float64)()
    sparse = pooling_step("sparse", nodes)()
    names = ("X'", "A'", "the link loss", "the gradient of Z", "the gradient of S")
    for name, want, got in zip(names, dense, sparse, strict=True):
        error = float((got - want).abs().max() / want.abs().max())
        if not error <= TOLERANCE:
            raise RuntimeError(f"{name} differs by {error:.1e}: nothing is timed")


def measure(way: str, nodes: int, threads: int) -> dict:
    """One point of the curve, in this process."""
    torch.set_num_threads(threads)
    empty = peak_mb()
    step = pooling_step(way, nodes)
    step()
    seconds = []
    while len(seconds) < RUNS or sum(seconds) < SPAN:
        start = time.process_time()
        step()
        seconds.append(time.process_time() - start)
    median = float(f"{statistics.median(seconds):.3g}")
    peak = {"peak_mb": round(peak_mb()), "empty_mb": round(empty)}
    return {"way": way, "nodes": nodes, "seconds": median, **peak}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=RESULT)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--largest", type=int, default=1_000_000, help="nodes")
    parser.add_argument("--point", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.point:
        way, nodes = options.point
        print(json.dumps(measure(way, int(nodes), options.threads)))
        return
    check_equal(nodes=1_000)
    todo = [(way, n) for way, ns in NODES.items() for n in ns if n <= options.largest]
    points = []
    for way, nodes in tqdm(todo, unit="point"):
        itself = [sys.executable, __file__, "--threads", str(options.threads)]
        itself += ["--point", way, str(nodes)]
        done = subprocess.run(itself, stdout=subprocess.PIPE, text=True, check=True)
        points.append(json.loads(done.stdout))
    record = {
        "versions": dpcore.versions(),
        "system": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
        "date": str(datetime.date.today()),
        "settings": {
            "degree": DEGREE,
            "k": WIDTH,
            "d": WIDTH,
            "threads": options.threads,
            "runs_at_least": RUNS,
        },
        "points": points,
    }
    options.output.parent.mkdir(parents=True, exist_ok=True)
    text = json.dumps(record, indent=1)
    options.output.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
