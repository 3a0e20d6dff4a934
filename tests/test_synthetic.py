"""Synthetic graphs: what must be equal is, what must differ does, by networkx."""

import zlib
from collections import Counter
from itertools import product

import networkx as nx
import numpy as np
import pytest
import torch
from sklearn.metrics import adjusted_mutual_info_score
from torch_geometric.utils import to_networkx

from dpcore.data.synthetic import (
    PATTERNS,
    QUESTIONS,
    WIRINGS,
    _simple_connected,
    ask,
    communities,
)

SHAPES = {
    "ring": nx.cycle_graph(6),
    "star": nx.star_graph(5),
    "rings": nx.disjoint_union(nx.cycle_graph(3), nx.cycle_graph(3)),
}


def graph_of(wiring, pattern, size, seed=0):
    data = communities(wiring, pattern, size, np.random.default_rng(seed))
    return data, to_networkx(data, to_undirected="lower")


def parts(data):
    return [
        (data.community == c).nonzero().view(-1).tolist()
        for c in range(int(data.community.max()) + 1)
    ]


every_kind = pytest.mark.parametrize(
    ("wiring", "pattern", "size"), list(product(WIRINGS, PATTERNS, (12, 24)))
)


@every_kind
def test_counting_tells_nothing(wiring, pattern, size):
    for seed in range(5):
        data, graph = graph_of(wiring, pattern, size, seed)
        assert data.edge_index.shape == (2, 24 * size)  # both directions, none twice
        assert set(map(tuple, data.edge_index.flip(0).T.tolist())) == set(
            map(tuple, data.edge_index.T.tolist())
        )
        assert nx.number_of_selfloops(graph) == 0
        assert set(dict(graph.degree).values()) == {4} and len(graph) == 6 * size
        features = Counter(map(tuple, data.x.int().tolist()))
        assert len(features) == 12 and set(features.values()) == {size // 2}
        bridges = [(u, v) for u, v in graph.edges if differ(data, u, v)]
        assert len(bridges) == size
        assert max(Counter(u for pair in bridges for u in pair).values()) == 1


def differ(data, u, v):
    return int(data.community[u]) != int(data.community[v])


@every_kind
def test_the_communities_are_wired_as_named(wiring, pattern, size):
    for seed in range(5):
        data, graph = graph_of(wiring, pattern, size, seed)
        groups = parts(data)
        assert [len(group) for group in groups] == [size] * 6
        assert all(nx.is_connected(graph.subgraph(group)) for group in groups)
        coarse = nx.quotient_graph(graph, groups)
        assert nx.is_isomorphic(coarse, SHAPES[wiring])
        ends = sorted(
            sum(len(set(graph[u]) - set(group)) for u in group) for group in groups
        )
        if wiring == "star":
            assert ends[-1] == size and ends[-2] - ends[0] <= 2
        else:
            assert set(ends) == {size // 3}


@every_kind
def test_the_pattern_is_where_the_marks_sit(wiring, pattern, size):
    shares = []
    for seed in range(5):
        data, graph = graph_of(wiring, pattern, size, seed)
        for group in parts(data):
            inside = graph.subgraph(group).edges
            marks = data.x[:, 1].tolist()
            shares.append(np.mean([marks[u] == marks[v] for u, v in inside]))
    assert min(shares) > 0.5 if pattern == "alike" else max(shares) < 0.4


def test_without_features_colour_refinement_sees_no_difference():
    hashes = set()
    for wiring, pattern in product(WIRINGS, PATTERNS):
        graph = graph_of(wiring, pattern, 12, 3)[1]
        nx.set_node_attributes(graph, "same", "x")
        hashes.add(nx.weisfeiler_lehman_graph_hash(graph, node_attr="x", iterations=6))
    assert len(hashes) == 1


def test_the_communities_are_those_of_modularity():
    for wiring in WIRINGS:
        data, graph = graph_of(wiring, "alike", 12)
        assert nx.community.modularity(graph, parts(data)) > 0.7
        found = nx.community.louvain_communities(graph, seed=0)
        of_node = {node: c for c, group in enumerate(found) for node in group}
        names = [of_node[node] for node in range(72)]
        assert adjusted_mutual_info_score(data.community, names) > 0.8


def test_a_community_is_in_one_piece_also_where_degrees_allow_two():
    for seed in range(20):  # rings: three and three, or six
        rng = np.random.default_rng(seed)
        graph = nx.Graph(_simple_connected(np.full(6, 2), rng))
        assert nx.is_connected(graph) and {d for _, d in graph.degree} == {2}


def test_node_order_tells_nothing():
    """Neither a community's number nor its seat follows the node order."""
    first = [int(graph.community[0]) for graph in ask("coarse", 40)]
    assert len(set(first)) == 6
    hubs = set()
    for graph in ask("coarse", 40)[2::4]:
        i, j = graph.community[graph.edge_index]
        hubs.add(int(torch.bincount(i[i != j]).argmax()))
    assert len(hubs) > 3


def test_the_questions_are_those_of_the_text():
    asked = {name: tuple(q) for name, q in QUESTIONS.items()}
    star, rings = ("ring", "star"), ("ring", "rings")
    assert asked == {
        "fine": (star, "pattern", True),
        "coarse": (star, "wiring", True),
        "both": (star, "both", True),
        "loops": (rings, "wiring", True),
        "hidden": (star, "wiring", False),
    }
    assert ask("hidden", 4)[0].x.shape == (72, 2)


@pytest.mark.parametrize("question", QUESTIONS)
def test_labels_follow_the_question(question):
    asked, graphs = QUESTIONS[question], ask(question, 16, seed=5)
    labels = torch.cat([graph.y for graph in graphs])
    assert labels.bincount().tolist() == [16 // asked.num_classes] * asked.num_classes
    seen = {}
    for data in graphs:
        graph = to_networkx(data, to_undirected="lower")
        shape = nx.quotient_graph(graph, parts(data))
        wiring = next(
            i for i, w in enumerate(asked.wirings) if nx.is_isomorphic(shape, SHAPES[w])
        )
        i, j = data.edge_index
        inside = data.community[i] == data.community[j]
        like = (data.x[i, 1] == data.x[j, 1])[inside].float().mean()
        pattern = int(like < 0.5)
        seen.setdefault(int(data.y), Counter())[wiring, pattern] += 1
        assert data.x.shape == (72, asked.num_features)
    want = {
        "wiring": lambda label: {(label, 0): 4, (label, 1): 4},
        "pattern": lambda label: {(0, label): 4, (1, label): 4},
        "both": lambda label: {divmod(label, 2): 4},
    }[asked.label]
    assert seen == {label: want(label) for label in range(asked.num_classes)}


def test_seeds_decide_the_graphs():
    def edges(seed, question="fine"):
        return torch.cat([g.edge_index for g in ask(question, 4, seed=seed)], dim=1)

    assert torch.equal(edges(1), edges(1))
    assert torch.equal(edges(1), edges(1, "hidden"))  # the same graphs, asked otherwise
    assert not torch.equal(edges(1), edges(2))
    # The figures of chapter 10 are of these draws, in this order.
    assert zlib.crc32(edges(0).long().contiguous().numpy().tobytes()) == 1441867437
    state = np.random.get_state()[1].copy(), torch.get_rng_state()
    ask("fine", 4)
    assert (np.random.get_state()[1] == state[0]).all()
    assert torch.equal(torch.get_rng_state(), state[1])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: ask("middle", 4), "question is 'middle', expected one of fine"),
        (lambda: ask("fine", 6), "count is 6, expected a multiple of 4"),
        (lambda: ask("fine", 0), "count is 0"),
        (lambda: ask("fine", 4, size=10), "size is 10, expected a multiple of 12"),
        (lambda: communities("line", "alike"), "wiring is 'line', expected one of"),
        (lambda: communities("ring", "odd"), "pattern is 'odd', expected one of"),
    ],
)
def test_bad_arguments_are_named(call, message):
    with pytest.raises(ValueError, match=message):
        call()
