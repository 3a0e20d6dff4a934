"""Draw book/_static/coarsened.png: a graph, and what one pooling step makes of it.

The assignment is learned on the two auxiliary losses alone.
"""

from __future__ import annotations

import matplotlib.pyplot as plt
import torch
from chapters import ROOT

import dpcore
from dpcore import plots

PICTURE = ROOT / "book" / "_static" / "coarsened.png"
GROUPS = ((0, 1, 2, 3), (4, 5, 6, 7, 8), (9, 10, 11), (12, 13, 14, 15, 16))
BRIDGES = ((3, 4), (2, 9), (8, 12), (11, 13), (0, 16))


def toy_graph() -> dpcore.SparseGraphs:
    """17 nodes in four groups; inside a group all are linked, between them few."""
    edges = [(i, j) for group in GROUPS for i in group for j in group if i < j]
    edge_index = torch.tensor(edges + list(BRIDGES)).T
    both = torch.cat([edge_index, edge_index.flip(0)], dim=1)
    return dpcore.SparseGraphs.from_edge_index(torch.eye(17), both)


def learned(graphs: dpcore.SparseGraphs, steps: int = 60) -> dpcore.Pooled:
    torch.manual_seed(0)
    logits = torch.randn(17, 4, requires_grad=True)
    optimizer = torch.optim.Adam([logits], lr=0.1)
    for _ in range(steps):
        out = dpcore.diff_pool(graphs.x, graphs, logits)
        optimizer.zero_grad()
        (out.link_loss + 0.05 * out.entropy_loss).backward()
        optimizer.step()
    return dpcore.diff_pool(graphs.x, graphs, logits.detach())


def main() -> None:
    graphs = toy_graph()
    out = learned(graphs)
    fig, (left, right) = plt.subplots(1, 2, figsize=(9, 4.4), width_ratios=[5, 4])
    place = plots.layout(graphs.edge_index, 17)
    plots.graph(graphs.edge_index, out.assignment, positions=place, ax=left, labels=[])
    centres = out.assignment.T @ torch.as_tensor(place, dtype=torch.float32)
    centres = centres / out.assignment.sum(0)[:, None]
    plots.coarse(out.adj[0], ax=right, positions=centres, labels=[""] * 4)
    left.set_title("17 nodes, softly assigned to 4 clusters")
    right.set_title("the coarsened graph and its edge mass")
    fig.tight_layout()
    fig.savefig(PICTURE, dpi=144, facecolor="white")


if __name__ == "__main__":
    main()
