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
import statistics
import subprocess
import sys
import time
from pathlib import Path

import torch
from chapters import ROOT
from tqdm import tqdm

import dpcore
from dpcore.data.files import write_whole
from dpcore.experiments.bench import operators

RESULT = ROOT / "book" / "results" / "operator_curve.json"
DEGREE, WIDTH = 6, 64
NODES = {
    "dense": (100, 300, 1_000, 3_000, 10_000),
    "sparse": (100, 300, 1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000),
}
SIDES = {"dense": "pyg", "sparse": "ours"}
RUNS, SPAN = 5, 0.5  # at least so many runs, and so many seconds in all


def measure(way: str, nodes: int, threads: int) -> dict:
    """One point of the curve, in this process."""
    torch.set_num_threads(threads)
    empty = operators.memory("VmRSS")
    step = operators.Operator(SIDES[way], nodes, WIDTH).step
    step()
    seconds = []
    while len(seconds) < RUNS or sum(seconds) < SPAN:
        start = time.process_time()
        step()
        seconds.append(time.process_time() - start)
    median = float(f"{statistics.median(seconds):.3g}")
    peak = {"peak_mb": round(operators.memory("VmHWM")), "empty_mb": round(empty)}
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
    operators.check_operator("pyg", 1_000, WIDTH)
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
    text = json.dumps(record, indent=1)
    options.output.parent.mkdir(parents=True, exist_ok=True)
    write_whole(options.output, text + "\n")


if __name__ == "__main__":
    main()
