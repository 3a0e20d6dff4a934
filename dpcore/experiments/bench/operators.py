"""One pooling step on one graph: who computes it, how exactly, in how much memory."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from dpcore.experiments.bench import peers
from dpcore.experiments.bench.measure import alternate, timed
from dpcore.graphs import SparseGraphs
from dpcore.pooling import diff_pool


class Operator:
    """One pooling step, forward and backward, on a random graph of degree 6.

    Args:
        side: "ours", "pyg", "tgp" or "dgl".
        nodes, clusters: n and k; embeddings have k columns too.
        dtype: of the embeddings and scores.
    """

    def __init__(self, side: str, nodes: int, clusters: int, dtype=torch.float32):
        generator = torch.Generator().manual_seed(0)
        edges = _random_edges(nodes, generator)
        z, logits = (torch.randn(nodes, clusters, generator=generator) for _ in "zs")
        self.weights = [  # of X' and A' in the objective: as large as the losses' parts
            torch.randn(clusters, clusters, generator=generator).to(dtype) / nodes
            for _ in "xa"
        ]
        self.z = z.to(dtype).requires_grad_()
        self.logits = logits.to(dtype).requires_grad_()
        if side == "ours":
            self.structure: Any = SparseGraphs.from_edge_index(z.to(dtype), edges)
            self.pool: Callable[..., tuple[Tensor, ...]] = _pool_ours
        elif side == "pyg":
            self.structure = torch.zeros(nodes, nodes, dtype=dtype)
            self.structure[edges[0], edges[1]] = 1
            self.pool = peers.pool_pyg
        elif side == "tgp":
            self.structure, self.pool = edges, peers.pool_tgp
        else:
            import dgl

            self.structure = dgl.graph((edges[0], edges[1]), num_nodes=nodes)
            self.pool = peers.pool_dgl

    def step(self) -> dict[str, Tensor]:
        """Forward and backward; X', A', both losses and both gradients."""
        self.z.grad = self.logits.grad = None
        x, adj, link, entropy = self.pool(self.z, self.structure, self.logits)
        weighted = (x[0] * self.weights[0]).sum() + (adj[0] * self.weights[1]).sum()
        (weighted + link + entropy).backward()
        return {
            "X'": x,
            "A'": adj,
            "link loss": link,
            "entropy loss": entropy,
            "gradient of Z": _gradient(self.z),
            "gradient of the scores": _gradient(self.logits),
        }


def _gradient(leaf: Tensor) -> Tensor:
    assert leaf.grad is not None  # after a backward pass
    return leaf.grad


def _random_edges(nodes: int, generator: torch.Generator) -> Tensor:
    pairs = torch.randint(0, nodes, (2, 3 * nodes), generator=generator)
    pairs = pairs[:, pairs[0] != pairs[1]]
    pairs = torch.cat([pairs, pairs.flip(0)], 1)
    edges = (pairs[0] * nodes + pairs[1]).unique()
    return torch.stack([edges // nodes, edges % nodes])


def _pool_ours(z: Tensor, graphs: SparseGraphs, logits: Tensor) -> tuple[Tensor, ...]:
    out = diff_pool(z, graphs, logits)
    return out.x, out.adj, out.link_loss, out.entropy_loss


def check_operator(side: str, nodes: int, clusters: int) -> None:
    """Equal results and gradients: ours in float32 against theirs in float64, whose
    norm of n² numbers drifts in float32.

    Raises:
        peers.Unequal: saying what differs.
    """
    theirs = Operator(side, nodes, clusters, torch.float64).step()
    for what, value in Operator("ours", nodes, clusters).step().items():
        peers.expect_equal(what, value, theirs[what])


def peak_memory(side: str, nodes: int, clusters: int) -> tuple[float, float]:
    """Peak of two steps in a fresh process above its imports, and those, in MB.

    Raises:
        RuntimeError: with the process's own last line, where it fails.
    """
    report = _in_a_process("report_peak", side, nodes, clusters)
    return report["peak"] - report["base"], report["base"]


def growth(
    nodes: tuple[int, int], clusters: int, repeats: int, large_pages: bool
) -> list[float]:
    """Seconds of a step at both sizes, medians of turns, in a fresh process.

    Args:
        large_pages: ask Linux for memory in pages of 2 MB (PyTorch's own switch,
            THP_MEM_ALLOC_ENABLE, read when a process first takes memory). Blocks of
            over 32 MB are handed out afresh every time, 4 kB by 4 kB otherwise.
    """
    environment = {"THP_MEM_ALLOC_ENABLE": "1" if large_pages else "0"}
    return _in_a_process("report_seconds", nodes, clusters, repeats, **environment)


def _in_a_process(function: str, *arguments, **environment: str):
    """What a function of this module prints as JSON, run in a process of its own."""
    call = f"operators.{function}({', '.join(map(repr, arguments))})"
    code = f"from dpcore.experiments.bench import operators; {call}"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or [f"status {done.returncode}"])[-1]
        raise RuntimeError(f"{call}: {last}")
    return json.loads(done.stdout.splitlines()[-1])


def report_seconds(nodes: tuple[int, int], clusters: int, repeats: int) -> None:
    """Print what :func:`growth` returns."""
    torch.set_num_threads(2)
    operators = {str(n): Operator("ours", n, clusters) for n in nodes}
    sides = {name: partial(timed, one.step) for name, one in operators.items()}
    seconds = alternate(sides, repeats, lambda text: None)
    print(json.dumps([seconds[str(n)] for n in nodes]))


def report_peak(side: str, nodes: int, clusters: int) -> None:
    """Print the memory before and at the peak of two steps, for `peak_memory`."""
    base = memory("VmRSS")
    torch.set_num_threads(1)  # as many bytes, and nothing that waits
    operator = Operator(side, nodes, clusters)
    for _ in range(2):
        operator.step()
    print(json.dumps(dict(base=base, peak=memory("VmHWM"))))


def memory(entry: str) -> float:
    """Resident memory in MB: "VmRSS" now, "VmHWM" at its peak. Not `ru_maxrss` where
    /proc exists: a child starts with its parent's."""
    status = Path("/proc/self/status")
    if status.exists():
        found = next(s for s in status.read_text().splitlines() if s.startswith(entry))
        return int(found.split()[1]) * 1024 / 1e6
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / 1e6


def link_errors(nodes: int, sharpness: float, clusters: int = 5):
    """Relative errors of the link loss and its gradient on cliques, whose own cluster
    scores `sharpness` above the others."""
    generator = torch.Generator().manual_seed(0)
    own = torch.arange(nodes) * clusters // nodes
    noise = 0.1 * torch.randn(nodes, clusters, generator=generator)
    scores = sharpness * F.one_hot(own, clusters) + noise
    adj = (own[:, None] == own).double()
    graphs = SparseGraphs.from_edge_index(torch.ones(nodes, 1), adj.nonzero().T)
    ours = scores.clone().requires_grad_()
    link = diff_pool(graphs.x, graphs, ours).link_loss
    link.backward()
    theirs = scores.double().requires_grad_()
    s = theirs.softmax(1)
    expected = (adj - s @ s.T).square().mean().sqrt()
    expected.backward()
    errors = []
    for found, true in ((link, expected), (_gradient(ours), _gradient(theirs))):
        error = (found.detach().double() - true.detach()).abs().max()
        relative = float(error / true.detach().abs().max())
        errors.append(relative if relative == relative else float("inf"))
    return errors
