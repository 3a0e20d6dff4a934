"""How many threads of torch a piece of work can use."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch

from dpcore.graphs import SparseGraphs

NODES_A_THREAD = 4096
"""Nodes of a batch that keep one thread busy. A batch of 32 proteins has 1200: there a
second thread gained a tenth on a quiet machine and, beside other work, took ten times
as long, since threads wait for each other."""


@contextmanager
def threads(count: int) -> Iterator[None]:
    """Torch on that many threads inside the `with` block; its own setting after it."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def useful_threads(graphs: SparseGraphs, batch_size: int) -> int:
    """As many threads as batches of these graphs keep busy, at least one and at most
    as many as torch is set to.

    >>> from dpcore import SparseGraphs
    >>> edges = torch.tensor([[0, 1], [1, 0]])
    >>> useful_threads(SparseGraphs.from_edge_index(torch.eye(2), edges), 32)
    1
    """
    graphs_a_batch = min(batch_size, graphs.num_graphs)
    nodes = graphs.num_nodes * graphs_a_batch // graphs.num_graphs
    return max(1, min(nodes // NODES_A_THREAD, torch.get_num_threads()))
