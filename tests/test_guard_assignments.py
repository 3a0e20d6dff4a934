"""Assignments: ties as in the committed records, weights that join nothing, and what
is kept for other numbers."""

import zlib

import numpy as np
import pytest
import torch
from reference import random_graphs, union

from dpcore.assignments import HeavyEdge, Random, _colours, heavy_edge
from dpcore.graphs import SparseGraphs


def ring(n, weight=None, features=1):
    nodes = torch.arange(n)
    ends = torch.stack([nodes, (nodes + 1) % n])
    edges = torch.cat([ends, ends.flip(0)], dim=1)
    return SparseGraphs.from_edge_index(torch.ones(n, features), edges, None, weight)


def test_ties_are_settled_as_in_the_committed_records():
    """Rings have nothing but ties. Another order among equals is as good, but gives
    other clusters, so that no record could be measured again."""
    ids = heavy_edge(ring(24), [13, 6, 3])
    coarsest = [0] * 5 + [1] * 7 + [2] * 6 + [0] * 6
    assert ids.dtype == torch.int64 and ids[:, 2].tolist() == coarsest
    found = zlib.crc32(heavy_edge(ring(50), [16]).numpy().tobytes())
    assert found == 3968669742
    x = torch.arange(100.0).view(50, 2)  # every node another colour
    marked = SparseGraphs.from_edge_index(x, ring(50).edge_index)
    assert zlib.crc32(heavy_edge(marked, [16]).numpy().tobytes()) == 1133397236


def test_colours_are_those_of_the_committed_records():
    """Another hash is as good, but settles ties otherwise."""
    nodes = torch.arange(9)
    edges = torch.stack([nodes, (nodes * nodes + 1) % 9])
    x = torch.stack([nodes % 3, nodes % 2], 1).double() / 2
    graph = SparseGraphs.from_edge_index(x, edges)
    assert zlib.crc32(_colours(graph).tobytes()) == 128250879


def test_of_parts_the_smallest_are_merged_first():
    """Two triangles, each a cluster, and loners of any colour before and after."""
    ends = torch.tensor([[1, 2, 3, 5, 6, 7], [2, 3, 1, 6, 7, 5]])
    for seed in range(6):
        draw = torch.Generator().manual_seed(seed)
        x = torch.rand(9, 1, generator=draw)
        ids = heavy_edge(SparseGraphs.from_edge_index(x, ends), [3])[:, 0].tolist()
        assert ids[0] == ids[4] or ids[0] == ids[8] or ids[4] == ids[8]
        assert ids[1] == ids[2] == ids[3] and ids[5] == ids[6] == ids[7]
        assert ids[1] != ids[5]


def test_colours_are_hashes_of_features_and_surroundings():
    path = torch.tensor([[0, 1, 1, 2, 2, 3], [1, 0, 2, 1, 3, 2]])
    x = torch.tensor([[0.0, 1.0], [1.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
    colours = _colours(SparseGraphs.from_edge_index(x, path))
    assert colours.dtype == np.uint64
    assert colours[0] == colours[3] != colours[1] == colours[2]
    swapped = _colours(SparseGraphs.from_edge_index(x.flip(1), path))
    assert not set(colours.tolist()) & set(swapped.tolist())  # columns are told apart
    negative = x.clone()
    negative[x == 0] = -0.0
    again = _colours(SparseGraphs.from_edge_index(negative, path))
    assert (again == colours).all()


@pytest.mark.parametrize("useless", [0.0, -2.0])
def test_edges_of_weight_0_or_less_join_nothing(useless):
    """Nodes 0-1-2-3 in a ring; only 0-1 and 2-3 have weight."""
    weight = torch.tensor([1.0, useless, 1.0, useless]).repeat(2)
    ids = heavy_edge(ring(4, weight), [2])[:, 0]
    assert ids.tolist() == [0, 0, 1, 1]
    edges = torch.tensor([[2, 1], [0, 0]])  # the first joins nothing
    x = torch.arange(3.0).unsqueeze(1)
    graph = SparseGraphs.from_edge_index(x, edges, None, torch.tensor([useless, 1.0]))
    assert heavy_edge(graph, [2])[:, 0].tolist() == [0, 0, 1]


def test_a_draw_belongs_to_its_seed_and_its_width():
    """One data set serves models of several seeds and widths: nothing kept of one
    is handed to another."""
    graphs = union(random_graphs([5, 9], seed=3, dtype=torch.float32))
    models = []
    for seed, clusters in ((0, [4]), (1, [4]), (0, [6])):
        torch.manual_seed(seed)
        models.append(Random(clusters))
    drawn = [model(graphs)[0] for model in models]
    assert [d.shape for d in drawn] == [(14, 4), (14, 4), (14, 6)]
    assert not torch.equal(drawn[0], drawn[1])
    for model, before in zip(models, drawn, strict=True):
        fresh = SparseGraphs(graphs.x, graphs.adjacency, graphs.ptr)
        assert torch.equal(model(fresh)[0], before)
        assert torch.equal(model(graphs)[0], before)


def test_equal_graphs_draw_alike_and_others_do_not():
    """By a graph's own edges and the place in it: not by its place in the batch."""
    ends = torch.tensor([[0, 1, 2], [1, 2, 3]])
    reverse = ends.flip(0)
    edges = torch.cat([ends, ends + 4, reverse + 8], dim=1)
    batch = torch.arange(3).repeat_interleave(4)
    graphs = SparseGraphs.from_edge_index(torch.ones(12, 1), edges, batch)
    torch.manual_seed(2)
    first, second, third = Random([3])(graphs)[0].split(4)
    assert torch.equal(first, second) and not torch.equal(first, third)
    edges = torch.tensor([[0, 0, 3, 4], [1, 2, 4, 5]])  # the same ends, other starts
    batch = torch.tensor([0, 0, 0, 1, 1, 1])
    graphs = SparseGraphs.from_edge_index(torch.ones(6, 1), edges, batch)
    first, second = Random([3])(graphs)[0].split(3)
    assert not torch.equal(first, second)


def test_a_draw_knows_where_edges_end_and_follows_from_both_seeds():
    around = torch.arange(6)
    ring = torch.stack([around, (around + 1) % 6])
    triangles = torch.stack([around, around // 3 * 3 + (around + 1) % 3]) + 6
    batch = torch.arange(2).repeat_interleave(6)
    edges = torch.cat([ring, triangles], dim=1)  # a successor each
    graphs = SparseGraphs.from_edge_index(torch.ones(12, 1), edges, batch)
    model = Random([3])
    model.seed.fill_(7)
    first, second = model(graphs)[0].split(6)
    assert not torch.equal(first, second)
    told = torch.cat([torch.ones_like(around), ring[1]]).numpy().tobytes()
    generator = torch.Generator().manual_seed(zlib.crc32(told, 7))
    assert torch.equal(first, torch.randn(6, 3, generator=generator))


def test_clusters_and_ratio_are_handed_on():
    graphs = union(random_graphs([4, 11], seed=1, dtype=torch.float32))
    for clusters, ratio in (([6, 2], 1.0), ([6, 2], 0.5), ([3, 1], 0.5)):
        levels = HeavyEdge(clusters, ratio)(graphs)
        ids = heavy_edge(graphs, clusters, ratio)
        assert torch.equal(levels[0].exp().argmax(1), ids[:, 0])
        assert [level.size(-1) for level in levels] == clusters
        assert (levels[0].exp().sum(1) == 1).all()


def test_an_edge_that_joins_nothing_weighs_nothing_at_its_ends():
    """Of the path 0-1-2 the heavier edge goes first, whatever leads from 0 to 3."""
    edges = torch.tensor([[0, 1, 0], [1, 2, 3]])
    graph = SparseGraphs.from_edge_index(
        torch.ones(4, 1), edges, None, torch.tensor([1.0, 1.1, -0.5])
    )
    assert heavy_edge(graph, [3])[:, 0].tolist() == [0, 1, 1, 2]


def test_reset_draws_all_levels_anew():
    torch.manual_seed(0)
    model = Random([4, 3, 2])
    before = {name: value.clone() for name, value in model.named_buffers()}
    model.reset_parameters()
    assert len(before) == 3
    for name, value in model.named_buffers():
        assert not torch.equal(value, before[name]), name
    assert int(model.seed) > 2**16  # one of very many
