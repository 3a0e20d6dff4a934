"""Assignments that are not learned: heavy-edge matching against networkx and a plain
loop over edges, and random ones."""

import time

import networkx as nx
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import random_graphs, union

from dpcore.assignments import HeavyEdge, Random, _Clusters, heavy_edge
from dpcore.graphs import SparseGraphs

close = torch.testing.assert_close
sizes = st.lists(st.integers(1, 30), min_size=1, max_size=4)
kinds = st.fixed_dictionaries(
    {"directed": st.booleans(), "weighted": st.booleans(), "loops": st.booleans()}
)


def weighted_graph(graphs, g):
    """One graph with w_ij = A_ij + A_ji on its edges."""
    adj = graphs.to_dense(g).double().numpy()
    return nx.from_numpy_array(adj + adj.T)


def partition(ids):
    """Clusters as a set of sets of nodes."""
    clusters = {}
    for node, cluster in enumerate(ids.tolist()):
        clusters.setdefault(cluster, set()).add(node)
    return {frozenset(nodes) for nodes in clusters.values()}


def split(graphs, ids):
    return torch.split(ids, graphs.sizes.tolist())


@settings(max_examples=60, deadline=None)
@given(sizes, st.integers(0, 10**6), kinds, st.integers(1, 12))
def test_as_many_clusters_as_asked_for_connected_and_nested(sizes, seed, kind, k):
    graphs = union(random_graphs(sizes, seed, **kind))
    second = (k + 1) // 2
    ids = heavy_edge(graphs, [k, second])
    for g, own in enumerate(split(graphs, ids)):
        n = int(graphs.sizes[g])
        graph = weighted_graph(graphs, g)
        parts = nx.number_connected_components(graph)
        for level, most in enumerate([k, second]):
            numbers = own[:, level].unique()
            assert numbers.tolist() == list(range(min(n, most)))
            first_nodes = [int((own[:, level] == c).nonzero()[0]) for c in numbers]
            assert first_nodes == sorted(first_nodes)
            if parts <= most:
                for nodes in partition(own[:, level]):
                    assert nx.is_connected(graph.subgraph(nodes))
        for nodes in partition(own[:, 0]):
            assert len(own[list(nodes), 1].unique()) == 1


def greedy_matching(graph):
    """Edge by edge, the largest w·(1/d_i + 1/d_j) first. `graph` has no ties."""
    mass = dict(graph.degree(weight="weight"))  # networkx counts a self-loop twice
    for node in graph:
        loop = graph.get_edge_data(node, node, {"weight": 0})["weight"]
        mass[node] -= loop

    def score(edge):
        u, v, w = edge
        return -w * (1 / mass[u] + 1 / mass[v])

    matched, pairs = set(), []
    for u, v, _ in sorted(graph.edges(data="weight"), key=score):
        if u != v and not {u, v} & matched:
            matched |= {u, v}
            pairs.append(frozenset((u, v)))
    return pairs


@settings(max_examples=40, deadline=None)
@given(sizes, st.integers(0, 10**6), st.booleans(), st.booleans())
def test_a_round_is_the_greedy_matching_by_normalised_cut(sizes, seed, directed, loops):
    kind = dict(weighted=True, directed=directed, loops=loops)
    graphs = union(random_graphs(sizes, seed, **kind))
    clusters = _Clusters(graphs)
    u, v = clusters._matching(np.ones(len(clusters.u), bool))
    found = {frozenset(pair) for pair in zip(u.tolist(), v.tolist(), strict=True)}
    expected = set()
    for g, start in enumerate(graphs.ptr[:-1].tolist()):
        graph = nx.relabel_nodes(weighted_graph(graphs, g), lambda i, s=start: i + s)
        pairs = greedy_matching(graph)
        simple = nx.Graph((a, b) for a, b in graph.edges if a != b)
        assert nx.is_maximal_matching(simple, {tuple(pair) for pair in pairs})
        expected |= set(pairs)
    assert found == expected


@pytest.mark.parametrize("seed", range(3))
def test_the_last_round_merges_the_heaviest_pairs_only(seed):
    graphs = union(random_graphs([40], seed, weighted=True, loops=True))
    pairs = greedy_matching(weighted_graph(graphs, 0))
    for merged in range(len(pairs) + 1):
        ids = heavy_edge(graphs, [40 - merged])[:, 0]
        found = {nodes for nodes in partition(ids) if len(nodes) == 2}
        assert found == set(pairs[:merged])


def test_coarse_rounds_weigh_the_contracted_graph():
    """Two rounds by hand. Masses d = 3, 5, 4, 10, 8: the first round takes the two
    edges of largest w/d_i + w/d_j that do not touch, the second the heaviest of the
    contracted graph."""
    edges = [(0, 1, 3.0), (1, 2, 2.0), (2, 3, 2.0), (3, 4, 8.0)]
    adj = torch.zeros(5, 5)
    for u, v, w in edges:
        adj[u, v] = adj[v, u] = w
    graphs = union([(torch.ones(5, 1), adj)])
    # 0-1: 3/3 + 3/5 = 1.6; 1-2: 2/5 + 2/4 = 0.9; 2-3: 2/4 + 2/10 = 0.7;
    # 3-4: 8/10 + 8/8 = 1.8. Contracted: {0,1}-2: 2/8 + 2/4; 2-{3,4}: 2/4 + 2/18.
    ids = heavy_edge(graphs, [4, 3, 2])
    assert ids.T.tolist() == [[0, 1, 2, 3, 3], [0, 0, 1, 2, 2], [0, 0, 0, 1, 1]]


def test_parts_without_edges_are_merged_smallest_first():
    adj = torch.zeros(7, 7)
    for u, v in [(0, 1), (1, 2), (2, 0), (3, 4)]:  # a triangle, a pair, two loners
        adj[u, v] = adj[v, u] = 1
    ids = heavy_edge(union([(torch.ones(7, 1), adj)]), [4, 3, 2, 1])
    found = [partition(ids[:, level]) for level in range(4)]
    assert frozenset({0, 1, 2}) in found[0] and frozenset({5, 6}) not in found[0]
    assert frozenset({5, 6}) in found[1]
    assert frozenset({3, 4, 5, 6}) in found[2]
    assert len(found[3]) == 1


def test_which_parts_are_merged_does_not_depend_on_node_order():
    x = torch.arange(8.0).unsqueeze(1)  # loners that only their features tell apart
    expected = partition(heavy_edge(union([(x, torch.zeros(8, 8))]), [5])[:, 0])
    for seed in range(4):
        order = torch.randperm(8, generator=torch.Generator().manual_seed(seed))
        back = torch.empty(8, dtype=torch.long)
        back[order] = heavy_edge(union([(x[order], torch.zeros(8, 8))]), [5])[:, 0]
        assert partition(back) == expected


@settings(max_examples=30, deadline=None)
@given(sizes, st.integers(0, 10**6), kinds, st.integers(1, 8))
def test_a_graphs_clusters_depend_on_nothing_but_the_graph(sizes, seed, kind, k):
    """Not on the rest of the batch, nor, where features tell nodes apart, on order."""
    graphs = union(random_graphs(sizes, seed, **kind))
    ids = heavy_edge(graphs, [k, 2], ratio=0.5)
    for g, own in enumerate(split(graphs, ids)):
        alone = graphs.select([g])
        assert torch.equal(heavy_edge(alone, [k, 2], ratio=0.5), own)
        n = int(graphs.sizes[g])
        order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
        adj = alone.to_dense()[order][:, order]
        shuffled = heavy_edge(union([(alone.x[order], adj)]), [k, 2], ratio=0.5)
        for level in range(2):
            back = torch.empty(n, dtype=torch.long)
            back[order] = shuffled[:, level]
            assert partition(back) == partition(own[:, level])


def test_colours_settle_ties_that_features_and_structure_tell_apart():
    """A path of equal nodes but for a mark at one end: all its edges but the outer ones
    tie, and every order of its nodes gives the same clusters."""
    n = 12
    adj = torch.diag(torch.ones(n - 1), 1)
    x = torch.zeros(n, 1)
    x[0] = 1
    first = None
    for seed in range(8):
        order = torch.randperm(n, generator=torch.Generator().manual_seed(seed))
        graphs = union([(x[order], (adj + adj.T)[order][:, order])])
        back = torch.empty(n, dtype=torch.long)
        back[order] = heavy_edge(graphs, [5])[:, 0]
        first = first or partition(back)
        assert partition(back) == first


def test_a_ratio_gives_each_graph_its_share():
    graphs = union(random_graphs([3, 10, 30], seed=2))
    ids = heavy_edge(graphs, [5, 2], ratio=0.25)
    counts = [(own.amax(0) + 1).tolist() for own in split(graphs, ids)]
    assert counts == [[1, 1], [3, 1], [5, 2]]


def test_log_of_the_nested_one_hot_matrices():
    graphs = union(random_graphs([3, 10, 20], seed=4, dtype=torch.float32))
    ids = heavy_edge(graphs, [6, 3])
    first, second = (logits.exp() for logits in HeavyEdge([6, 3])(graphs))
    assert first.shape == (33, 6) and second.shape == (3, 6, 3)
    assert first.dtype == torch.float32
    for g, own in enumerate(split(graphs, ids)):
        rows = slice(int(graphs.ptr[g]), int(graphs.ptr[g + 1]))
        assert torch.equal(first[rows], torch.eye(6)[own[:, 0]])
        assert torch.equal(first[rows] @ second[g], torch.eye(3)[own[:, 1]])


def test_three_levels_compose_to_the_coarsest_clusters():
    graphs = union(random_graphs([10, 20], seed=4))
    ids = heavy_edge(graphs, [8, 4, 2])
    first, second, third = (logits.exp() for logits in HeavyEdge([8, 4, 2])(graphs))
    of_nodes = torch.einsum(
        "nk,nkl,nlm->nm", first, second[graphs.batch], third[graphs.batch]
    )
    assert torch.equal(of_nodes.argmax(1), ids[:, 2])


def test_heavy_edge_is_computed_once_and_cut_out_for_batches(monkeypatch):
    calls = []
    original = heavy_edge
    monkeypatch.setattr(
        "dpcore.assignments.heavy_edge",
        lambda *arguments: calls.append(1) or original(*arguments),
    )
    graphs = union(random_graphs([8, 10, 20], seed=4))
    given = HeavyEdge([6, 3])
    whole = given(graphs)
    part = given(graphs.select([2, 0]))
    assert calls == [1]
    rows = torch.cat([torch.arange(18, 38), torch.arange(8)])
    assert torch.equal(part[0], whole[0][rows])
    assert torch.equal(part[1], whole[1][[2, 0]])
    HeavyEdge([6, 2])(graphs), HeavyEdge([6, 3], 0.5)(graphs)
    assert calls == [1, 1, 1]  # other numbers, other clusters


def test_random_assignments_are_the_seeds_and_the_graphs_alone():
    graphs = union(random_graphs([8, 10, 20], seed=4, dtype=torch.float32))

    def draw(seed):
        torch.manual_seed(seed)
        return Random([6, 3])

    model = draw(0)
    finest, coarse = model(graphs)
    again = draw(0)(SparseGraphs(graphs.x, graphs.adjacency, graphs.ptr))
    assert torch.equal(finest, again[0]) and torch.equal(coarse, again[1])
    others = draw(1)(graphs)
    assert (finest - others[0]).abs().mean() > 0.5
    assert (coarse - others[1]).abs().mean() > 0.5
    separate = [union([graph]) for graph in random_graphs([8, 10, 20], seed=4)]
    alone = torch.cat([model(graph)[0].float() for graph in separate])
    close(alone, finest)
    restored = draw(2)
    restored.load_state_dict(model.state_dict())
    assert torch.equal(restored(graphs)[0], finest)
    for one in (model, restored):  # the upper levels are drawn once and for all
        assert torch.equal(one(graphs)[1], coarse)


def test_random_assignments_are_normal_and_independent():
    torch.manual_seed(3)
    graphs = union(random_graphs([300] * 20, seed=4, dtype=torch.float32))
    finest, coarse = Random([10, 3])(graphs)
    assert coarse.shape == (20, 10, 3)
    assert abs(finest.mean()) < 0.02 and abs(finest.std() - 1) < 0.02
    of_graphs = finest.view(20, -1)
    correlation = torch.corrcoef(of_graphs) - torch.eye(20)
    assert correlation.abs().max() < 0.1
    columns = torch.corrcoef(finest.T) - torch.eye(10)
    assert columns.abs().max() < 0.06


def test_ties_along_a_ring_are_settled_in_few_rounds():
    """In the order of the nodes, each tie would wait for the one before: a minute."""
    n = 60_000
    ring = torch.stack([torch.arange(n), (torch.arange(n) + 1) % n])
    graphs = SparseGraphs.from_edge_index(
        torch.ones(n, 1), torch.cat([ring, ring.flip(0)], 1)
    )
    start = time.process_time()
    assert int(heavy_edge(graphs, [100]).max()) == 99
    assert time.process_time() - start < 10


@pytest.mark.parametrize(
    ("clusters", "ratio", "message"),
    [
        ([], 1.0, r"clusters is \[\]"),
        ([4, 0], 1.0, r"clusters is \[4, 0\], expected at least 1"),
        ([4], 0.0, "ratio is 0.0"),
        ([4], 1.5, "ratio is 1.5"),
    ],
)
def test_impossible_numbers_of_clusters_are_refused(clusters, ratio, message):
    graphs = union(random_graphs([5]))
    with pytest.raises(ValueError, match=message):
        heavy_edge(graphs, clusters, ratio)
