"""Kernel matrices against GraKeL, networkx and counting by hand; the SVM's protocol."""

import collections
import itertools
import os
import sys

import networkx as nx
import numpy as np
import pytest
import torch
from sklearn.svm import SVC
from torch.nn.functional import one_hot
from torch_geometric.data import Data

from dpcore.data.datasets import load_dataset
from dpcore.experiments import kernels
from dpcore.experiments.kernels import counting, matrices
from dpcore.graphs import SparseGraphs
from dpcore.training import Record, run_fold, splits, summary

MIRROR = os.environ.get("DPCORE_MIRROR")
NAMES = list(kernels.KERNELS)
LABELS = 3


def graph(labels, edges, y=0, **more) -> Data:
    """One graph; `edges` are undirected."""
    x = one_hot(torch.as_tensor(labels), LABELS).float()
    index = torch.tensor(edges, dtype=torch.long).view(-1, 2).t()
    index = torch.cat([index, index.flip(0)], dim=1)
    return Data(x=x, edge_index=index, y=torch.tensor([y]), **more)


def random_graphs(count: int, seed: int) -> list[Data]:
    """Up to 8 nodes, from no edges to all; some with one or two nodes only."""
    rng = np.random.default_rng(seed)
    graphs = []
    for _ in range(count):
        size, density = int(rng.integers(1, 9)), rng.random()
        pairs = list(itertools.combinations(range(size), 2))
        edges = [pair for pair in pairs if rng.random() < density]
        graphs.append(graph(rng.integers(0, LABELS, size), edges, int(rng.integers(2))))
    return graphs


def as_networkx(data: Data) -> nx.Graph:
    plain = nx.Graph()
    plain.add_nodes_from(
        (i, {"label": label}) for i, label in enumerate(data.x.argmax(1).tolist())
    )
    plain.add_edges_from(data.edge_index.t().tolist())
    return plain


def matrix_of(histograms, similarity) -> np.ndarray:
    """The normalised kernel matrix of Counters, where graphs with nothing are alike."""
    raw = np.array([[similarity(a, b) for b in histograms] for a in histograms], float)
    nothing = raw.diagonal() == 0
    raw[np.ix_(nothing, nothing)] = 1
    return raw / np.sqrt(np.outer(raw.diagonal(), raw.diagonal()))


def dot(a: collections.Counter, b: collections.Counter) -> int:
    return sum(count * b[key] for key, count in a.items())


def intersection(a: collections.Counter, b: collections.Counter) -> int:
    return (a & b).total()


def triples(plain: nx.Graph) -> collections.Counter:
    """Three-node subgraphs, each named by the smallest of its six descriptions."""
    label = nx.get_node_attributes(plain, "label")
    found = collections.Counter()
    for nodes in itertools.combinations(plain, 3):
        found[
            min(
                (label[u], label[v], label[w])
                + (plain.has_edge(u, v), plain.has_edge(u, w), plain.has_edge(v, w))
                for u, v, w in itertools.permutations(nodes)
            )
        ] += 1
    return found


def pairs_at_distance(plain: nx.Graph) -> collections.Counter:
    label = nx.get_node_attributes(plain, "label")
    return collections.Counter(
        (label[u], label[w], length)
        for u, lengths in nx.all_pairs_shortest_path_length(plain)
        for w, length in lengths.items()
        if u != w
    )


def refined(plain: nx.Graph, iterations: int) -> collections.Counter:
    """Colours as nested tuples: what a node has seen, written out in full."""
    colour = nx.get_node_attributes(plain, "label")
    found = collections.Counter((0, value) for value in colour.values())
    for step in range(1, iterations + 1):
        colour = {
            v: (colour[v], tuple(sorted((colour[w] for w in plain[v]), key=repr)))
            for v in plain
        }
        found.update((step, value) for value in colour.values())
    return found


@pytest.mark.parametrize("seed", range(4))
def test_graphlets_are_all_subgraphs_of_three_nodes(seed):
    graphs = random_graphs(25, seed)
    expected = matrix_of([triples(as_networkx(g)) for g in graphs], dot)
    np.testing.assert_allclose(kernels.gram("graphlet", graphs), expected, atol=1e-12)


@pytest.mark.parametrize("seed", range(4))
def test_shortest_paths_are_networkx_ones(seed):
    graphs = random_graphs(25, seed)
    expected = matrix_of([pairs_at_distance(as_networkx(g)) for g in graphs], dot)
    found = kernels.gram("shortest-path", graphs)
    np.testing.assert_allclose(found, expected, atol=1e-12)


def test_distances_that_are_found_in_portions(monkeypatch):
    graphs = random_graphs(10, seed=3)
    whole = kernels.gram("shortest-path", graphs)
    monkeypatch.setattr(counting, "SOURCES", 3)
    matrices._KEPT.clear()
    np.testing.assert_array_equal(kernels.gram("shortest-path", graphs), whole)
    matrices._KEPT.clear()


@pytest.mark.parametrize("iterations", [0, 1, 3])
@pytest.mark.parametrize("name, similarity", [("1-wl", dot), ("wl-oa", intersection)])
def test_refinement_and_matching_written_out(name, similarity, iterations):
    graphs = random_graphs(25, seed=9)
    histograms = [refined(as_networkx(g), iterations) for g in graphs]
    expected = matrix_of(histograms, similarity)
    found = kernels.gram(name, graphs, iterations)
    np.testing.assert_allclose(found, expected, atol=1e-12)


def grakel_graphs(graphs) -> list:
    grakel = pytest.importorskip("grakel")
    converted = []
    for data in graphs:
        edges = {node: {} for node in range(data.num_nodes)}
        for u, v in data.edge_index.t().tolist():
            edges[u][v] = 1.0
        labels = dict(enumerate(data.x.argmax(1).tolist()))
        converted.append(grakel.Graph(edges, node_labels=labels))
    return converted


def grakel_kernel(name: str, iterations: int = kernels.ITERATIONS):
    grakel = pytest.importorskip("grakel.kernels")
    if name == "shortest-path":
        return grakel.ShortestPath(normalize=True)
    refinement = {
        "1-wl": grakel.WeisfeilerLehman,
        "wl-oa": grakel.WeisfeilerLehmanOptimalAssignment,
    }
    return refinement[name](n_iter=iterations, normalize=True)


IN_GRAKEL = ["shortest-path", "1-wl", "wl-oa"]


@pytest.mark.parametrize("name", IN_GRAKEL)
def test_grakel_on_mutag(name):
    graphs = load_dataset("MUTAG")
    expected = grakel_kernel(name).fit_transform(grakel_graphs(graphs))
    np.testing.assert_allclose(kernels.gram(name, graphs), expected, atol=1e-12)


@pytest.mark.skipif(not MIRROR, reason="DPCORE_MIRROR is not set")
@pytest.mark.parametrize("name", IN_GRAKEL)
def test_grakel_on_a_part_of_enzymes(name):
    graphs = load_dataset("ENZYMES")[::5]
    expected = grakel_kernel(name, 3).fit_transform(grakel_graphs(graphs))
    iterations = None if name == "shortest-path" else 3
    found = kernels.gram(name, graphs, iterations)
    np.testing.assert_allclose(found, expected, atol=1e-12)


@pytest.mark.parametrize("name", NAMES)
def test_a_kernel_matrix(name):
    graphs = random_graphs(30, seed=5)
    matrix = kernels.gram(name, graphs)
    assert matrix.shape == (30, 30) and matrix.dtype == np.float64
    np.testing.assert_array_equal(matrix, matrix.T)
    np.testing.assert_array_equal(matrix.diagonal(), 1)
    assert matrix.min() >= 0 and matrix.max() < 1 + 1e-12
    assert np.linalg.eigvalsh(matrix).min() > -1e-10


@pytest.mark.parametrize("name", NAMES)
def test_node_order_and_company_do_not_matter(name):
    graphs = random_graphs(12, seed=6)
    shuffled = []
    for i, data in enumerate(graphs):
        order = torch.randperm(
            data.num_nodes, generator=torch.Generator().manual_seed(i)
        )
        place = order.argsort()
        index = place[data.edge_index]
        shuffled.append(Data(x=data.x[order], edge_index=index, y=data.y))
    matrix = kernels.gram(name, graphs)
    together = kernels.gram(name, graphs + shuffled)
    np.testing.assert_allclose(together[:12, 12:], matrix, atol=1e-12)
    np.testing.assert_allclose(kernels.gram(name, graphs[3:7]), matrix[3:7, 3:7])


@pytest.mark.parametrize("name", NAMES)
def test_edges_are_read_as_undirected_and_simple(name):
    plain = random_graphs(8, seed=7)
    odd = []
    for data in plain:
        loops = torch.arange(data.num_nodes).repeat(2, 1)
        one_way = data.edge_index[:, data.edge_index[0] < data.edge_index[1]]
        index = torch.cat([one_way, one_way, loops], dim=1)
        weight = torch.full((index.size(1),), 0.3)
        odd.append(Data(x=data.x, edge_index=index, edge_weight=weight))
    np.testing.assert_allclose(kernels.gram(name, odd), kernels.gram(name, plain))


@pytest.mark.parametrize("name", NAMES)
def test_one_hot_degrees_are_no_labels(name):
    unlabelled, degrees = [], []
    for data in random_graphs(10, seed=8):
        degree = torch.bincount(data.edge_index[0], minlength=data.num_nodes)
        capped = one_hot(degree.clamp(max=4), 5).float()
        degrees.append(Data(x=capped, edge_index=data.edge_index))
        same = torch.ones(data.num_nodes, 1)
        unlabelled.append(Data(x=same, edge_index=data.edge_index))
    matrix = kernels.gram(name, degrees)
    np.testing.assert_array_equal(matrix, kernels.gram(name, unlabelled))


@pytest.mark.parametrize("name", NAMES)
def test_graphs_with_nothing_to_count(name):
    path = graph([0, 0, 1], [(0, 1), (1, 2)])
    lonely, other = graph([2], []), graph([2, 1], [])
    matrix = kernels.gram(name, [path, lonely, other])
    assert np.isfinite(matrix).all()
    np.testing.assert_array_equal(matrix.diagonal(), 1)
    if name in ("graphlet", "shortest-path"):
        np.testing.assert_array_equal(matrix, [[1, 0, 0], [0, 1, 1], [0, 1, 1]])


def test_without_grakel(monkeypatch):
    monkeypatch.setitem(sys.modules, "grakel", None)
    matrices._KEPT.clear()
    for name in NAMES:
        kernels.gram(name, random_graphs(4, seed=1))


@pytest.fixture(scope="module")
def mutag():
    return load_dataset("MUTAG")


@pytest.fixture(scope="module")
def parts(mutag):
    return splits(mutag.labels, 5, seed=1)


@pytest.mark.parametrize("name, curve", [("graphlet", 7), ("wl-oa", 42)])
def test_the_record_is_like_a_model_s(mutag, parts, name, curve):
    batch = SparseGraphs.from_data_list(mutag)
    model = run_fold("mlp", batch, parts[0], epochs=1, seed=0)
    record = kernels.svm_fold(name, mutag, parts[0])
    assert set(model) - set(record) == {"best_epoch", "loss_curve", "parameters"}
    assert not {"link_loss", "entropy_loss"} & set(record)  # nothing is faked
    assert len(record["test_curve"]) == len(record["validation_curve"]) == curve
    best = record["best_candidate"] - 1
    assert record["accuracy"] == record["test_curve"][best]
    assert record["validation_curve"][best] == max(record["validation_curve"])
    assert best == record["validation_curve"].index(max(record["validation_curve"]))
    h, c = divmod(best, len(kernels.PENALTIES))
    assert record["chosen"] == dict(C=kernels.PENALTIES[c], iterations=h)
    assert 0 < record["support_vectors"] <= len(parts[0]["train"]) * 4 // 3
    assert record["seconds"] > record["gram_seconds"] > 0
    both = summary([Record(record), Record(record)])
    assert both.fair_mean == record["accuracy"] <= both.paper_protocol


def test_the_curves_are_those_of_scikit_learn(mutag, parts):
    """Every point by hand, with one machine's settings at a time."""
    split = {part: index.numpy() for part, index in parts[2].items()}
    both = np.concatenate([split["train"], split["validation"]])
    y = mutag.labels.numpy()
    record = kernels.svm_fold("1-wl", mutag, parts[2])
    validated, tested, chosen_on_train = [], [], []
    for h in range(6):
        matrix = kernels.gram("1-wl", mutag, h)
        for power in range(-3, 4):

            def accuracy(known, asked, matrix=matrix, power=power):
                machine = SVC(C=10.0**power, kernel="precomputed")
                machine.fit(matrix[known][:, known], y[known])
                return machine.score(matrix[asked][:, known], y[asked])

            validated.append(accuracy(split["train"], split["validation"]))
            chosen_on_train.append(accuracy(split["train"], split["test"]))
            tested.append(accuracy(both, split["test"]))
    assert record["validation_curve"] == pytest.approx(validated)
    assert record["test_curve"] == pytest.approx(tested)
    best = chosen_on_train[int(np.argmax(validated))]
    assert record["accuracy_of_train"] == pytest.approx(best)


def test_the_test_part_decides_nothing(mutag, parts):
    split = parts[1]
    lies = [data.clone() for data in mutag]
    for i in split["test"].tolist():
        lies[i].y = 1 - lies[i].y
    honest = kernels.svm_fold("1-wl", mutag, split)
    deceived = kernels.svm_fold("1-wl", lies, split)
    assert deceived["chosen"] == honest["chosen"]
    assert deceived["validation_curve"] == honest["validation_curve"]
    assert deceived["accuracy"] == pytest.approx(1 - honest["accuracy"])


def test_the_matrices_are_made_once_a_data_set(mutag, parts, monkeypatch):
    """Also where a fold gets a copy of the graphs, as in another call of a worker."""
    made = []

    def counted(graphs):
        made.append(len(graphs.labels))
        return kernels.graphlets(graphs)

    monkeypatch.setitem(kernels.KERNELS, "graphlet", counted)
    matrices._KEPT.clear()
    first = kernels.svm_fold("graphlet", mutag, parts[0])
    copies = [data.clone() for data in mutag]
    again = kernels.svm_fold("graphlet", copies, parts[1])
    batch = SparseGraphs.from_data_list(mutag)
    kernels.svm_fold("graphlet", batch, parts[2])
    assert len(made) == 1
    assert again["gram_seconds"] == first["gram_seconds"] < again["seconds"]
    kernels.svm_fold("graphlet", mutag[:150], splits(mutag[:150].labels, 3)[0])
    assert len(made) == 2
    matrices._KEPT.clear()


def test_a_matrix_that_was_written_into_is_not_handed_out_again(mutag):
    matrix = kernels.gram("1-wl", mutag[:5])
    matrix[:] = 0
    assert kernels.gram("1-wl", mutag[:5]).diagonal().sum() == 5


@pytest.mark.parametrize("name", NAMES)
def test_the_same_edges_with_other_labels_are_other_graphs(name):
    edges = [(0, 1), (1, 2)]
    alike = [graph([0, 0, 1], edges), graph([0, 0, 1], edges)]
    apart = [graph([0, 0, 1], edges), graph([2, 2, 2], edges)]
    assert kernels.gram(name, alike)[0, 1] == pytest.approx(1)
    assert kernels.gram(name, apart)[0, 1] < 0.9


def test_what_is_refused(mutag, parts):
    with pytest.raises(ValueError, match="name is 'wl', expected one of graphlet, "):
        kernels.gram("wl", mutag)
    with pytest.raises(ValueError, match="name is 'gin'"):
        kernels.svm_fold("gin", mutag, parts[0])
    with pytest.raises(ValueError, match="graphs holds one graph"):
        kernels.gram("1-wl", mutag[:1])
    with pytest.raises(ValueError, match="graphs is empty"):
        kernels.gram("1-wl", [])
    continuous = [Data(x=torch.rand(3, 2), edge_index=torch.tensor([[0], [1]]))] * 2
    with pytest.raises(ValueError, match="graphs: x is not one-hot"):
        kernels.gram("1-wl", continuous)
    for wrong in (-1, 6):
        with pytest.raises(ValueError, match="iterations is .*, expected 0 … 5"):
            kernels.gram("1-wl", mutag, wrong)
    with pytest.raises(ValueError, match="expected 0 … 0 for graphlet"):
        kernels.gram("graphlet", mutag, 2)
    unlabelled = [Data(x=g.x, edge_index=g.edge_index) for g in mutag]
    with pytest.raises(ValueError, match="graphs has no labels"):
        kernels.svm_fold("1-wl", unlabelled, parts[0])
    with pytest.raises(ValueError, match="split has no 'validation'"):
        kernels.svm_fold("1-wl", mutag, {"train": [0, 1], "test": [2]})
