"""What the tests of the core share: random batches, and each graph on its own."""

import torch

from dpcore.graphs import DenseGraphs, SparseGraphs


def random_adjacency(size, generator, directed=False, weighted=False, loops=False):
    """[n, n] in float64 with about four entries a row."""
    chance = min(1.0, 4 / size)
    adj = (torch.rand(size, size, generator=generator) < chance).double()
    if weighted:
        adj *= torch.rand(size, size, generator=generator).double() + 0.5
    if not directed:
        adj = adj.triu() + adj.triu(1).T
    return adj if loops else adj * (1 - torch.eye(size, dtype=torch.float64))


def random_graphs(sizes, seed=0, features=3, dtype=torch.float64, **kind):
    """A list of (x, adjacency), one a graph."""
    generator = torch.Generator().manual_seed(seed)
    graphs = []
    for n in sizes:
        x = torch.randn(n, features, generator=generator, dtype=torch.float64)
        adj = random_adjacency(n, generator, **kind)
        graphs.append((x.to(dtype), adj.to(dtype)))
    return graphs


def union(graphs):
    """The batch of these graphs, its edges shuffled."""
    adj = torch.block_diag(*(adj for _, adj in graphs))
    edge_index = adj.nonzero().T
    order = torch.randperm(
        edge_index.size(1), generator=torch.Generator().manual_seed(5)
    )
    edge_index = edge_index[:, order]
    sizes = torch.tensor([len(x) for x, _ in graphs])
    return SparseGraphs.from_edge_index(
        torch.cat([x for x, _ in graphs]),
        edge_index,
        torch.arange(len(graphs)).repeat_interleave(sizes),
        adj[tuple(edge_index)],
    )


def dense(graph):
    """The dense form of one graph (x, adjacency)."""
    x, adj = graph
    return DenseGraphs(x.unsqueeze(0), adj.unsqueeze(0))
