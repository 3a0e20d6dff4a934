"""The kernels' row of the tables: what is chosen, refitted and counted, and what is
kept between folds."""

import itertools
import time

import numpy as np
import pytest
import torch
from scipy.sparse import csr_array
from sklearn.svm import SVC
from torch.nn.functional import one_hot
from torch_geometric.data import Data

from dpcore.experiments import kernels
from dpcore.experiments.kernels import folds, matrices
from dpcore.experiments.kernels.labelled import labelled
from dpcore.graphs import SparseGraphs


def graph(labels, edges, y=0):
    x = one_hot(torch.tensor(labels), 3).float()
    return Data(
        x=x,
        edge_index=torch.tensor(edges, dtype=torch.long).view(-1, 2).t(),
        y=torch.tensor([y]),
    )


@pytest.fixture(scope="module")
def data():
    """Classes follow the labels and, in a fifth of the graphs, nothing."""
    rng = np.random.default_rng(3)
    graphs = []
    for i in range(36):
        n = int(rng.integers(3, 8))
        edges = [(u, v) for u in range(n) for v in range(u) if rng.random() < 0.4]
        labels = rng.integers(0, 3, n)
        y = int((labels == 0).mean() > 0.3) if i % 5 else int(rng.integers(2))
        graphs.append(graph(labels.tolist(), edges, y))
    return graphs


@pytest.fixture(scope="module")
def split():
    order = np.random.default_rng(8).permutation(36)
    parts = dict(train=order[:20], validation=order[20:25], test=order[25:])
    return {name: torch.from_numpy(ids) for name, ids in parts.items()}


def by_hand(name, data, split, levels):
    """Both curves, the support vectors and the accuracy of `train` alone."""
    y = np.array([int(g.y) for g in data])
    train, validation, test = (
        split[p].numpy() for p in ("train", "validation", "test")
    )
    both = np.sort(np.r_[train, validation])
    trials = []
    for h in range(levels):
        matrix = kernels.gram(name, data, h if levels > 1 else None)
        for power in range(-3, 4):
            first = SVC(C=10.0**power, kernel="precomputed")
            first.fit(matrix[train][:, train], y[train])
            last = SVC(C=10.0**power, kernel="precomputed")
            last.fit(matrix[both][:, both], y[both])
            trials.append(
                (
                    first.score(matrix[validation][:, train], y[validation]),
                    last.score(matrix[test][:, both], y[test]),
                    int(last.n_support_.sum()),
                    first.score(matrix[test][:, train], y[test]),
                    dict(C=10.0**power, iterations=h),
                )
            )
    return trials


@pytest.mark.parametrize(("name", "levels"), [("1-wl", 6), ("shortest-path", 1)])
def test_the_machine_that_is_chosen(data, split, name, levels):
    trials = by_hand(name, data, split, levels)
    known = [trial[0] for trial in trials]
    best = known.index(max(known))  # fewer iterations, then the smaller C
    assert len({trial[1] for trial in trials}) > 1  # the test curve is not flat
    start = time.perf_counter()
    record = kernels.svm_fold(name, data, split)
    wall = time.perf_counter() - start
    assert record["validation_curve"] == pytest.approx(known)
    assert record["test_curve"] == pytest.approx([trial[1] for trial in trials])
    assert record["accuracy"] == pytest.approx(trials[best][1])
    assert record["support_vectors"] == trials[best][2]
    assert isinstance(record["support_vectors"], int)
    assert record["accuracy_of_train"] == pytest.approx(trials[best][3])
    assert record["chosen"] == trials[best][4]
    assert record["best_candidate"] == best + 1
    assert record["gram_seconds"] < record["seconds"] < record["gram_seconds"] + wall


def test_the_best_point_of_the_test_curve_is_not_the_accuracy(data):
    """Some split on which the choice by validation is not the best on the test part."""
    chosen = set()
    for seed in range(20):
        order = torch.randperm(36, generator=torch.Generator().manual_seed(seed))
        split = dict(train=order[:20], validation=order[20:24], test=order[24:])
        record = kernels.svm_fold("1-wl", data, split)
        known = record["validation_curve"]
        assert record["accuracy"] == record["test_curve"][known.index(max(known))]
        chosen.add(record["best_candidate"])
        assert record["best_candidate"] == known.index(max(known)) + 1
        if record["accuracy"] < max(record["test_curve"]) and len(chosen) > 1:
            return
    raise AssertionError("no split tells the two apart")


def test_the_candidates():
    assert list(folds.PENALTIES) == [0.001, 0.01, 0.1, 1.0, 10.0, 100.0, 1000.0]
    assert kernels.ITERATIONS == 5


def test_default_iterations_are_the_most(data):
    for name in ("1-wl", "wl-oa"):
        matrix = kernels.gram(name, data)
        np.testing.assert_array_equal(matrix, kernels.gram(name, data, 5))
        assert np.abs(matrix - kernels.gram(name, data, 4)).max() > 1e-6
        assert kernels.gram(name, data, 0).shape == matrix.shape


def test_two_matrices_are_kept_and_the_oldest_goes(data, monkeypatch):
    monkeypatch.setattr(matrices, "_KEPT", {})
    for name in ("1-wl", "wl-oa", "graphlet"):
        kernels.gram(name, data)
    assert [key[0] for key in matrices._KEPT] == ["wl-oa", "graphlet"]


def test_what_is_kept_belongs_to_all_that_a_kernel_reads(data, monkeypatch):
    """Other labels, other edges, other ends of as many edges, other graphs alone."""
    monkeypatch.setattr(matrices, "_KEPT", {})
    ring = [(0, 1), (1, 2), (2, 3), (3, 0)]
    pairs = [
        [graph([0, 0, 1, 1], ring), graph([0, 1], [(0, 1)])],
        [
            graph([0, 0, 1, 1], [(0, 2), (1, 3), (2, 0), (3, 1)]),
            graph([0, 1], [(0, 1)]),
        ],
        [graph([0, 1, 0, 1], ring), graph([0, 1], [(0, 1)])],
        [graph([0, 0, 1, 1], ring[:3]), graph([0, 1], [(0, 1)])],
        [graph([0, 0, 1, 1, 0], ring), graph([1], [])],
        [graph([0, 1, 0], []), graph([1], [])],
        [graph([0, 1], []), graph([0, 1], [])],
    ]
    assert len({len(pair[0].x) for pair in pairs}) == 4
    found = [kernels.gram("1-wl", pair)[0, 1] for pair in pairs]
    for pair, value in zip(pairs, found, strict=True):
        monkeypatch.setattr(matrices, "_KEPT", {})
        assert kernels.gram("1-wl", pair)[0, 1] == value


def test_a_label_that_is_the_degree_by_accident_in_one_graph_is_a_label():
    """Labels are degrees only where they are for every node of every graph."""
    star = graph([2, 1, 1], [(0, 1), (1, 0), (0, 2), (2, 0)])
    other = graph([0, 1, 1], [(0, 1), (1, 0), (0, 2), (2, 0)])
    batch = matrices.as_compared([star, star])
    assert set(labelled(batch).labels) == {0}
    assert set(labelled(matrices.as_compared([star, other])).labels) == {0, 1, 2}


def test_the_seconds_of_the_matrices_are_their_own(data, monkeypatch):
    """By a clock that starts at 1000 and moves a second whenever it is read."""
    monkeypatch.setattr(matrices, "_KEPT", {})
    clock = itertools.count(1000.0)
    monkeypatch.setattr(matrices.time, "perf_counter", lambda: next(clock))
    batch = matrices.as_compared(data)
    assert matrices.matrices_of("graphlet", batch)[1] == 1.0
    assert matrices.matrices_of("graphlet", batch)[1] == 1.0  # as if made again


def test_of_a_directed_graph_the_degree_is_that_of_its_edges_starts():
    """As `load_dataset` makes it: only so are features known to be degrees."""
    there = graph([2, 0, 0], [(0, 1), (0, 2)])
    back = graph([0, 1, 1], [(0, 1), (0, 2)])
    assert set(labelled(matrices.as_compared([there, there])).labels) == {0}
    assert set(labelled(matrices.as_compared([back, back])).labels) == {0, 1}


def test_the_penalties_are_those_that_are_given(data, split):
    whole = kernels.svm_fold("graphlet", data, split)
    ends = kernels.svm_fold("graphlet", data, split, penalties=(0.001, 1000.0))
    for name in ("validation_curve", "test_curve"):
        assert ends[name] == [whole[name][0], whole[name][-1]]
    assert ends["chosen"]["C"] in (0.001, 1000.0)


@pytest.mark.parametrize("rows", [[[1, 1, 0], [0, 1, 0]], [[0.5, 0.5, 0], [0, 1, 0]]])
def test_labels_are_one_for_each_node_and_whole(rows):
    one = Data(x=torch.tensor(rows).float(), edge_index=torch.tensor([[0], [1]]))
    with pytest.raises(ValueError, match="x is not one-hot"):
        kernels.gram("1-wl", [one, one])


def test_colours_are_refined_as_often_as_asked_for():
    path = csr_array(np.array([[0, 1, 0], [1, 0, 1], [0, 1, 0]]))
    for rounds in (0, 1, 3):
        assert len(kernels.wl_colours(path, np.zeros(3, int), rounds)) == rounds + 1


def test_what_is_kept_is_of_graphs_with_other_edges_from_the_same_ends():
    """A path and a star of directed edges: x, sizes and ends are equal."""

    def gram(starts):
        edges = torch.tensor([[*starts, 3, 4], [1, 2, 4, 5]])
        batch = torch.tensor([0, 0, 0, 1, 1, 1])
        x = torch.eye(2)[[0, 1, 0, 0, 0, 1]]
        return kernels.gram("1-wl", SparseGraphs.from_edge_index(x, edges, batch))

    assert not np.allclose(gram([0, 1]), gram([0, 0]))
