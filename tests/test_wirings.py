"""Six communities and four colours: each property that the chapter names, by networkx,
and what rules that do not look at scale can reach."""

import zlib
from collections import Counter
from functools import cache

import networkx as nx
import numpy as np
import pytest
import torch
from torch_geometric.utils import to_networkx

from dpcore import SparseGraphs, diff_pool
from dpcore.data import wirings as wirings_module
from dpcore.data.wirings import CLASSES, FEATURES, _connected, draw, wired, wirings

SHAPES = (nx.circular_ladder_graph(3), nx.complete_bipartite_graph(3, 3))
KINDS = [
    dict(),
    dict(bridges=4),
    dict(noise=1 / 3),
    dict(size=24),
    dict(bridges=12, features="tags"),
    dict(bridges=12, features="tags", noise=1 / 6),
    dict(bridges=8, features="tags", size=24),
]
every_kind = pytest.mark.parametrize("kind", KINDS, ids=str)


@cache
def drawn(**kind):
    """Six graphs of wirings that training never sees."""
    return draw(wirings().test, 6, seed=2, **kind)


def parts(data):
    return [(data.community == c).nonzero().view(-1).tolist() for c in range(6)]


def test_seventy_wirings_each_once():
    assert CLASSES == ("prism", "wells")
    split = wirings(3)
    for label, shape in enumerate(SHAPES):
        own = [links for part in split for links in part[label]]
        assert len(own) == len(set(own)) == (60, 10)[label], CLASSES[label]
        for links in own:
            assert nx.is_isomorphic(nx.Graph(links), shape)


def test_parts_share_no_wiring_and_the_seed_decides_them():
    for seed in range(3):
        train, validation, test = (set(a + b) for a, b in wirings(seed))
        assert not train & validation and not train & test and not validation & test
    assert wirings(1) == wirings(1) != wirings(2)


@every_kind
def test_counting_tells_nothing(kind):
    size = kind.get("size", 12)
    for data in drawn(**kind):
        graph = to_networkx(data, to_undirected="lower")
        assert nx.is_connected(graph) and nx.number_of_selfloops(graph) == 0
        assert len(graph) == 6 * size and set(dict(graph.degree).values()) == {4}
        assert data.num_edges == 24 * size == 2 * graph.number_of_edges()
        assert data.num_features == FEATURES[kind.get("features", "blends")]
        ends = Counter()
        for u, v in graph.edges:
            if data.community[u] != data.community[v]:
                ends.update([int(data.community[u]), int(data.community[v])])
        want = 3 * kind.get("bridges", 2) * size // 12
        assert [ends[c] for c in range(6)] == [want] * 6
        assert [len(part) for part in parts(data)] == [size] * 6


@every_kind
def test_the_communities_are_wired_as_their_class_says(kind):
    if "noise" in kind:
        kind = {key: value for key, value in kind.items() if key != "noise"}
    for data in drawn(**kind):
        ends = data.community[data.edge_index]
        shape = nx.Graph(ends[:, ends[0] != ends[1]].T.tolist())
        assert nx.is_isomorphic(shape, SHAPES[int(data.y)])


@pytest.mark.parametrize("kind", KINDS[:4], ids=str)
def test_every_graph_has_as_many_edges_between_two_colours(kind):
    """So a bag of edges and the rule 'a cluster a colour' say the same of all."""
    size = kind.get("size", 12)
    graphs = draw(wirings().train, 6, seed=3, **kind)
    for data in graphs:
        graph = to_networkx(data, to_undirected="lower")
        colour = data.x.argmax(1).tolist()
        assert Counter(colour) == dict.fromkeys(range(4), 18 * size // 12)
        bag = Counter(tuple(sorted((colour[u], colour[v]))) for u, v in graph.edges)
        for a in range(4):
            for b in range(a, 4):
                assert bag[a, b] == (6 if a == b else 20) * size // 12
        for c, part in enumerate(parts(data)):
            two = Counter(colour[node] for node in part)
            assert sorted(two.values()) == [size // 2] * 2, c
    batch = SparseGraphs.from_data_list(graphs)
    adj = diff_pool(batch.x, batch, 200 * batch.x).adj
    torch.testing.assert_close(adj, adj[:1].expand_as(adj))


def test_without_features_refinement_sees_no_difference():
    for kind in (KINDS[0], KINDS[4]):
        hashes = set()
        for data in draw(wirings().test, 4, **kind):
            graph = to_networkx(data, to_undirected="lower")
            nx.set_node_attributes(graph, "same", "x")
            hashes.add(nx.weisfeiler_lehman_graph_hash(graph, node_attr="x"))
        assert len(hashes) == 1


def test_colour_and_shade_name_a_community_and_the_stamp_does_not():
    for data in draw(wirings().test, 4, features="tags", bridges=12):
        colour, shade = data.x[:, :3].argmax(1), data.x[:, 3:5].argmax(1)
        assert torch.equal(colour + 3 * shade, data.community)
        for part in parts(data):
            assert data.x[part, 5:].sum(0).tolist() == [2.0] * 6


def test_edges_show_the_communities_or_hide_them():
    def modularity(**kind):
        data = draw(wirings().test, 2, **kind)[0]
        graph = to_networkx(data, to_undirected="lower")
        return nx.community.modularity(graph, parts(data))

    assert modularity() > 0.65
    assert modularity(bridges=12, features="tags") < 0.1


def test_noise_moves_its_share_of_bridges():
    links = sorted(wirings().train[1][0])
    for noise, most in ((0.0, 0), (1 / 3, 6), (1.0, 18)):
        moved = []
        for seed in range(8):
            rng = np.random.default_rng(seed)
            data = wired(frozenset(links), noise=noise, rng=rng)
            i, j = data.community[data.edge_index]
            pairs = [
                tuple(sorted(p))
                for p in zip(i.tolist(), j.tolist(), strict=True)
                if p[0] < p[1]
            ]
            moved.append(sum(pair not in links for pair in pairs))
        assert max(moved) <= most
        assert (max(moved) > 0) == (noise > 0) and max(moved) >= most / 2
        assert noise < 1 or max(moved) > 9  # of 18: all are joined anew, not half


def test_every_wiring_of_a_part_occurs():
    part = tuple(own[:2] for own in wirings().test)
    seen = set()
    for data in draw(part, 24):
        ends = data.community[data.edge_index]
        pairs = ends[:, ends[0] < ends[1]].T.tolist()
        seen.add(frozenset(map(tuple, pairs)))
    assert seen == {*part[0], *part[1]}


def test_the_measured_graphs_are_these():
    """Chapter 12's figures are of these draws, in this order."""
    graphs = draw(wirings(0).train, 2, seed=0)
    sums = [zlib.crc32(graph.edge_index.long().numpy().tobytes()) for graph in graphs]
    assert sums == [972527898, 1954501840]


def test_a_graph_in_two_pieces_is_drawn_again(monkeypatch):
    path = np.array([[0, 1], [2, 1], [3, 4]])
    assert not _connected(path, 5) and _connected(np.vstack([path, [[4, 0]]]), 5)
    assert not _connected(path[:2], 4)  # a node alone
    answers = [False, False, True]
    monkeypatch.setattr(wirings_module, "_connected", lambda *_: answers.pop(0))
    wired(wirings().train[0][0], rng=np.random.default_rng(0))
    assert answers == []


def test_seeds_decide_the_graphs_and_labels_alternate():
    one, same, other = (draw(wirings().train, 4, seed=s) for s in (1, 1, 2))
    assert [int(graph.y) for graph in one] == [0, 1, 0, 1]
    assert all(
        torch.equal(a.edge_index, b.edge_index) for a, b in zip(one, same, strict=True)
    )
    assert not torch.equal(one[0].edge_index, other[0].edge_index)
    first = {int(graph.community[0]) for graph in draw(wirings().train, 40)}
    assert len(first) == 6  # the node order tells nothing


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda w: draw(w, 3), "count is 3, expected an even number"),
        (lambda w: draw(w, 0), "count is 0"),
        (lambda w: draw(w, 2, size=18), "size is 18, expected a multiple of 12"),
        (lambda w: draw(w, 2, bridges=3), "bridges is 3, expected 2, 4, 8 or 12"),
        (lambda w: draw(w, 2, noise=1.5), "noise is 1.5, expected a share"),
        (lambda w: draw(w, 2, features="hue"), "features is 'hue', expected one of bl"),
        (lambda w: draw(w, 2, bridges=8), "bridges is 8, expected at most 4 with blen"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call(wirings().train)
