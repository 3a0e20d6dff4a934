"""Both forms of a batch against NumPy, networkx and each other; what they refuse."""

import copy
import gc
import os
import pickle
import re
import weakref
from dataclasses import replace
from pathlib import Path

import networkx
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import dense, random_graphs, union
from torch_geometric.data import Batch, Data

import dpcore
from dpcore.graphs import DenseGraphs, SparseGraphs, csr
from dpcore.graphs.csr import Csr, Rows
from dpcore.graphs.dense import inverse_power
from dpcore.graphs.products import CHUNK, LARGE
from dpcore.pooling import DiffPool

BOUNDARIES = [1, 31, 32, 33, 64, 65, 2]  # of the chunks in contract

close = torch.testing.assert_close
kinds = st.fixed_dictionaries(
    {"directed": st.booleans(), "weighted": st.booleans(), "loops": st.booleans()}
)
many_sizes = st.lists(st.integers(1, 40), min_size=1, max_size=4)


def split(batch, h):
    return h.split(batch.sizes.tolist())


def rows(batch, width=2, seed=1, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    return torch.randn(batch.num_nodes, width, generator=generator, dtype=dtype)


@settings(max_examples=25, deadline=None)
@given(many_sizes, kinds, st.integers(0, 99))
def test_every_verb_agrees_with_the_dense_form_of_each_graph(sizes, kind, seed):
    graphs = random_graphs(sizes, seed, **kind)
    batch = union(graphs)
    s, h = rows(batch, 3), rows(batch, 2, seed=2)
    whole = {
        "propagate": split(batch, batch.propagate(h)),
        "add": split(batch, batch.normalized().propagate(h)),
        "replace": split(batch, batch.normalized("replace").propagate(h)),
        "mean": split(batch, batch.averaged().propagate(h)),
    }
    for g, (s_g, h_g) in enumerate(zip(split(batch, s), split(batch, h), strict=True)):
        one = dense(graphs[g])
        s_g, h_g = s_g.unsqueeze(0), h_g.unsqueeze(0)
        close(batch.to_dense(g), graphs[g][1])
        close(batch.contract(s, h)[g], one.contract(s_g, h_g)[0])
        close(batch.sum(h)[g], one.sum(h_g)[0])
        close(batch.mean(h)[g], one.mean(h_g)[0])
        close(batch.max(h)[g], one.max(h_g)[0])
        close(batch.sum(h[:, 0])[g], one.sum(h_g[..., 0])[0])
        close(batch.squared_norm()[g], one.squared_norm()[0])
        close(whole["propagate"][g], one.propagate(h_g)[0])
        close(whole["add"][g], one.normalized().propagate(h_g)[0])
        close(whole["replace"][g], one.normalized("replace").propagate(h_g)[0])
        close(whole["mean"][g], one.averaged().propagate(h_g)[0])


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 12), kinds, st.integers(0, 99))
def test_normalised_forms_are_those_of_numpy(size, kind, seed):
    x, adj = random_graphs([size], seed, **kind)[0]
    batch, a = union([(x, adj)]), adj.numpy()
    for self_loops in ("add", "replace"):
        loops = a + np.eye(size)
        if self_loops == "replace":
            np.fill_diagonal(loops, 1)
        scale = np.diag(loops.sum(1) ** -0.5)
        expected = torch.from_numpy(scale @ loops @ scale)
        close(batch.normalized(self_loops).to_dense(), expected)
        close(dense((x, adj)).normalized(self_loops).adj[0], expected)
    degree = a.sum(1, keepdims=True)
    expected = torch.from_numpy(np.divide(a, degree, out=0 * a, where=degree > 0))
    close(batch.averaged().to_dense(), expected)
    close(dense((x, adj)).averaged().adj[0], expected)


def test_adjacency_is_that_of_networkx():
    graph = networkx.karate_club_graph()
    edges = torch.tensor(list(graph.to_directed().edges)).T
    weight = [d["weight"] for _, _, d in graph.to_directed().edges(data=True)]
    batch = SparseGraphs.from_edge_index(
        torch.ones(34, 1), edges, edge_weight=torch.tensor(weight)
    )
    expected = networkx.to_numpy_array(graph)
    assert (batch.to_dense().numpy() == expected).all()
    assert batch.squared_norm().item() == (expected**2).sum()


def test_an_edge_goes_from_row_to_column():
    batch = SparseGraphs.from_edge_index(torch.eye(2), torch.tensor([[0], [1]]))
    assert batch.to_dense().tolist() == [[0, 1], [0, 0]]
    assert batch.propagate(torch.tensor([[3.0], [5.0]])).tolist() == [[5], [0]]


def test_duplicate_edges_add_up_and_self_loops_count():
    edges = torch.tensor([[0, 1, 0, 1, 1], [1, 0, 1, 0, 1]])
    weight = torch.tensor([1.0, 1, 2, 2, 7])
    batch = SparseGraphs.from_edge_index(torch.eye(2), edges, edge_weight=weight)
    assert batch.to_dense().tolist() == [[0, 3], [3, 7]]
    assert batch.squared_norm().item() == 9 + 9 + 49
    assert batch.edge_index.tolist() == [[0, 1, 1], [1, 0, 1]]
    assert batch.edge_weight.tolist() == [3, 3, 7]


@pytest.mark.parametrize("kind", ["sparse", "dense"])
def test_rows_that_do_not_add_up_to_more_than_zero_propagate_nothing(kind):
    adj = torch.tensor([[0.0, -3, 1], [-3, 0, 1], [1, 1, 0]])
    graph = (torch.eye(3), adj)
    batch = union([graph]) if kind == "sparse" else dense(graph)
    for form in (batch.normalized(), batch.normalized("replace"), batch.averaged()):
        values = form.adjacency.value if kind == "sparse" else form.adj
        assert values.isfinite().all()
        out = form.propagate(batch.x).reshape(3, 3)
        assert (out[:2] == 0).all() and (out[2] != 0).any()


def test_no_edges_and_single_nodes():
    edges = torch.zeros(2, 0, dtype=torch.long)
    x = torch.tensor([[1.0], [2.0], [3.0]])
    batch = SparseGraphs.from_edge_index(x, edges, torch.tensor([0, 1, 1]))
    assert batch.propagate(x).tolist() == [[0], [0], [0]]
    assert batch.averaged().propagate(x).tolist() == [[0], [0], [0]]
    assert batch.normalized().propagate(x).tolist() == x.tolist()
    assert batch.squared_norm().tolist() == [0, 0]
    assert batch.max(x).tolist() == [[1], [3]]
    assert batch.to_dense(1).tolist() == [[0, 0], [0, 0]]


@pytest.mark.parametrize("first", range(len(BOUNDARIES)))
def test_contract_at_the_boundaries_of_its_chunks(first):
    assert CHUNK == 32  # else the sizes here are no boundaries
    sizes = BOUNDARIES[first:] + BOUNDARIES[:first]
    batch = union(random_graphs(sizes))
    s, h = rows(batch, 3), rows(batch, 4, seed=2)
    pairs = zip(split(batch, s), split(batch, h), strict=True)
    close(batch.contract(s, h), torch.stack([s_g.T @ h_g for s_g, h_g in pairs]))


def test_a_graphs_part_is_the_same_in_any_company():
    graphs = random_graphs([5, 70, 32], dtype=torch.float32)
    batch, other = union(graphs), union([graphs[0], graphs[2]])
    inside = batch.batch != 1
    h = rows(batch, 4, dtype=torch.float32)
    for verb in ("sum", "mean", "max"):
        theirs = getattr(batch, verb)(h)[[0, 2]]
        close(theirs, getattr(other, verb)(h[inside]), atol=0, rtol=0)
    close(batch.contract(h, h)[[0, 2]], other.contract(h[inside], h[inside]))


def test_three_dimensions_are_added_up_too():
    batch = union(random_graphs([3, 2]))
    h = torch.rand(5, 2, 4, dtype=torch.float64)
    close(batch.sum(h), torch.stack([h[:3].sum(0), h[3:].sum(0)]))
    close(batch.mean(h), torch.stack([h[:3].mean(0), h[3:].mean(0)]))


@pytest.mark.parametrize("verb", ["propagate", "sum", "max", "mean", "contract"])
def test_gradients_are_those_of_finite_differences(verb):
    batch = union(random_graphs([3, 33, 2], directed=True, weighted=True))
    h = rows(batch, 2).requires_grad_()
    function = getattr(batch, verb)
    if verb == "contract":
        s = rows(batch, 2, seed=3).requires_grad_()
        assert torch.autograd.gradcheck(function, (s, h))
    else:
        assert torch.autograd.gradcheck(function, h)


@pytest.mark.parametrize("form", ["normalized", "averaged"])
def test_coarsened_forms_pass_gradients_to_the_adjacency(form):
    adj = torch.rand(2, 3, 3, dtype=torch.float64, requires_grad=True)
    x = torch.rand(2, 3, 2, dtype=torch.float64)

    def function(adj):
        return getattr(DenseGraphs(x, adj), form)().propagate(x)

    assert torch.autograd.gradcheck(function, adj)


@pytest.mark.parametrize("mass", [1e-10, 1e-20, 1e-29, 1e-31, 1e-39, 0.0])
def test_the_mean_over_a_nearly_empty_cluster_has_finite_gradients(mass):
    adj = torch.tensor([[[2.0, mass], [mass, 0.0]]], requires_grad=True)
    x = torch.tensor([[[1.0], [3.0]]])
    out = DenseGraphs(x, adj).averaged().propagate(x)
    out.sum().backward()
    assert out[0, :, 0].tolist() == pytest.approx([1, 1 if mass > 1e-30 else 0])
    assert adj.grad.isfinite().all()


def test_inverse_power_is_zero_where_there_is_nothing_to_invert():
    values = torch.tensor([4.0, 0.0, -1.0], requires_grad=True)
    out = inverse_power(values, 0.5)
    out.sum().backward()
    assert out.tolist() == [0.5, 0, 0]
    assert values.grad.tolist() == [-1 / 16, 0, 0]


@settings(max_examples=15, deadline=None)
@given(
    st.lists(st.integers(0, 3), min_size=1, max_size=6),
    kinds,
    st.sampled_from(["batch first", "forms first", "of a selection", "of a form"]),
)
def test_select_is_the_batch_built_anew(indices, kind, order):
    graphs = random_graphs([4, 33, 1, 6], **kind)
    whole = union(graphs)
    if order == "forms first":
        whole.normalized(), whole.normalized("replace"), whole.averaged()
    if order == "of a selection":
        whole = whole.select([3, 2, 1, 0, 0]).select([3, 2, 1, 0])
    if order == "of a form":
        batch = whole.averaged().select(indices)
        anew = union([graphs[i] for i in indices]).averaged()
    else:
        batch, anew = whole.select(indices), union([graphs[i] for i in indices])
    h = rows(anew).requires_grad_()
    assert batch.sizes.tolist() == anew.sizes.tolist()
    close(batch.x, anew.x)
    close(batch.squared_norm(), anew.squared_norm())
    for form in (
        lambda g: g,
        lambda g: g.normalized(),
        lambda g: g.normalized("replace"),
        lambda g: g.averaged(),
    ):
        ours, theirs = form(batch).propagate(h), form(anew).propagate(h)
        close(ours, theirs)
        weight = torch.randn_like(ours)
        grads = [torch.autograd.grad((out * weight).sum(), h) for out in (ours, theirs)]
        close(*grads)


def test_select_takes_labels_along():
    x, edges = torch.ones(3, 1), torch.zeros(2, 0, dtype=torch.long)
    batch = SparseGraphs.from_edge_index(
        x, edges, torch.tensor([0, 1, 2]), y=torch.tensor([[4], [5], [6]])
    )
    assert batch.select([2, 0, 2]).y.tolist() == [6, 4, 6]
    assert batch.select(torch.tensor([1])).normalized().y.tolist() == [5]


def data_list():
    first = torch.tensor([[0, 1], [1, 0]])
    second = torch.tensor([[2, 0], [0, 1]])
    return [
        Data(x=torch.rand(2, 2), edge_index=first, y=torch.tensor([1])),
        Data(x=torch.rand(3, 2), edge_index=second, y=torch.tensor([0])),
    ]


def test_a_list_of_data_gives_the_batch_of_pyg():
    graphs = data_list()
    batch, theirs = SparseGraphs.from_data_list(graphs), Batch.from_data_list(graphs)
    close(batch.x, theirs.x)
    assert batch.batch.tolist() == theirs.batch.tolist()
    assert batch.ptr.tolist() == theirs.ptr.tolist()
    assert batch.y.tolist() == [1, 0]
    pairs = set(map(tuple, batch.edge_index.T.tolist()))
    assert pairs == set(map(tuple, theirs.edge_index.T.tolist()))
    assert (batch.num_graphs, batch.num_nodes) == (2, 5)


def test_edge_weights_of_data_are_used():
    graphs = data_list()
    for graph in graphs:
        graph.edge_weight = torch.tensor([2.0, 3.0])
    batch = SparseGraphs.from_data_list(graphs)
    assert batch.to_dense(0).tolist() == [[0, 2], [3, 0]]
    assert batch.to_dense(1).tolist() == [[0, 3, 0], [0, 0, 0], [2, 0, 0]]


def test_moving_a_batch_keeps_it():
    batch = union(random_graphs([3, 4], directed=True))
    assert batch.to("cpu") is batch
    moved = batch.to("meta")
    assert moved.x.device.type == moved.adjacency.value.device.type == "meta"


def test_int32_indices_are_taken():
    edges = torch.tensor([[0, 1], [1, 2]], dtype=torch.int32)
    batch = torch.zeros(3, dtype=torch.int32)
    graphs = SparseGraphs.from_edge_index(torch.eye(3), edges, batch)
    assert graphs.to_dense().tolist() == [[0, 1, 0], [0, 0, 1], [0, 0, 0]]


X, EDGES = torch.ones(3, 2), torch.tensor([[0, 1], [1, 0]])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (dict(x=torch.ones(3)), r"x has shape \[3\]"),
        (dict(x=torch.ones(0, 2)), r"x has shape \[0, 2\]"),
        (dict(x=X.long()), "x has dtype torch.int64"),
        (dict(x=X * torch.nan), "x holds NaN"),
        (dict(x=X * torch.inf), "x holds NaN or infinite"),
        (dict(batch=torch.zeros(2).long()), r"batch has shape \[2\]"),
        (dict(batch=torch.zeros(3)), "batch has shape .* dtype torch.float32"),
        (dict(batch=torch.zeros(3).bool()), "batch has .* dtype torch.bool"),
        (dict(batch=torch.tensor([0, 1, 0])), "batch must count"),
        (dict(batch=torch.tensor([0, 0, 2])), "batch must count"),
        (dict(batch=torch.tensor([1, 1, 2])), "batch must count"),
        (dict(edge_index=EDGES[0]), r"edge_index has shape \[2\]"),
        (dict(edge_index=torch.zeros(3, 2).long()), r"edge_index has shape \[3, 2\]"),
        (dict(edge_index=EDGES.float()), "edge_index has dtype torch.float32"),
        (dict(edge_index=EDGES.bool()), "edge_index has dtype torch.bool"),
        (dict(edge_index=EDGES.byte()), "edge_index has dtype torch.uint8"),
        (dict(edge_index=EDGES + 2), "edge_index holds node 3, expected .* 0 … 2"),
        (dict(edge_index=EDGES - 1), "edge_index holds node -1"),
        (dict(batch=torch.tensor([0, 1, 1])), "edge_index joins nodes"),
        (dict(edge_weight=torch.ones(3)), r"edge_weight has shape \[3\], .* \[2\]"),
        (dict(edge_weight=torch.ones(2, 1)), r"edge_weight has shape \[2, 1\]"),
        (dict(edge_weight=torch.tensor([1, torch.nan])), "edge_weight holds NaN"),
        (dict(edge_weight=torch.ones(2, requires_grad=True)), "edge_weight requires"),
        (dict(y=torch.ones(2)), "y has 2 labels for 1 graphs"),
    ],
)
def test_what_from_edge_index_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        SparseGraphs.from_edge_index(**{"x": X, "edge_index": EDGES, **arguments})


@pytest.mark.parametrize(
    ("second", "message"),
    [
        (Data(edge_index=EDGES), r"graphs\[1\] has no node features"),
        (Data(x=X[0], edge_index=EDGES), r"graphs\[1\]\.x has shape \[2\]"),
        (Data(x=X[:0], edge_index=EDGES), r"graphs\[1\]\.x has shape \[0, 2\]"),
        (Data(x=X), r"graphs\[1\] has no edges"),
        (Data(x=X, edge_index=EDGES[0]), r"graphs\[1\]\.edge_index has shape \[2\]"),
        (Data(x=X, edge_index=EDGES + 2), r"graphs\[1\]\.edge_index holds a node"),
        (Data(x=X, edge_index=EDGES - 1), r"graphs\[1\]\.edge_index holds a node"),
        (Data(x=X[:, :1], edge_index=EDGES), r"differ in features a node: \[1, 2\]"),
        (
            Data(x=X, edge_index=EDGES, edge_weight=torch.ones(3)),
            r"graphs\[1\]\.edge_weight has 3 weights for 2 edges",
        ),
        (
            Data(x=X, edge_index=EDGES, edge_weight=torch.ones(2)),
            r"graphs\[0\] has no edge_weight",
        ),
        (
            Data(x=X, edge_index=EDGES, y=torch.tensor([1])),
            r"graphs\[0\] has no y",
        ),
    ],
)
def test_what_from_data_list_refuses(second, message):
    with pytest.raises(ValueError, match=message):
        SparseGraphs.from_data_list([Data(x=X, edge_index=EDGES), second])


def test_an_empty_list_is_refused():
    with pytest.raises(ValueError, match="graphs is empty"):
        SparseGraphs.from_data_list([])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda g: g.select([]), "graphs is empty"),
        (lambda g: g.select([2]), "graphs holds an index outside 0 … 1"),
        (lambda g: g.select([-1]), "graphs holds an index outside"),
        (lambda g: g.select([True, False]), "graphs has .* torch.bool"),
        (lambda g: g.select([0.0]), "graphs has .* torch.float32"),
        (lambda g: g.select(1), r"graphs has shape \[\]"),
        (lambda g: g.to_dense(2), "graph is 2, expected 0 … 1"),
        (lambda g: g.to_dense(-1), "graph is -1"),
        (lambda g: g.normalized("none"), "self_loops is 'none'"),
        (lambda g: g.propagate(torch.ones(4, 1)), "h has 4 rows, .* the 5 nodes"),
        (lambda g: g.contract(g.x[:4], g.x), "s has 4 rows"),
        (lambda g: g.contract(g.x, g.x[:4]), "h has 4 rows"),
        (lambda g: g.sum(g.x[:4]), "h has 4 rows"),
        (lambda g: g.mean(g.x[:4]), "h has 4 rows"),
        (lambda g: g.max(g.x[:4]), "h has 4 rows"),
    ],
)
def test_what_sparse_verbs_refuse(call, message):
    with pytest.raises(ValueError, match=message):
        call(union(random_graphs([3, 2])))


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda g: DenseGraphs(g.x[0], g.adj), r"x has shape \[3, 2\] and adj"),
        (lambda g: DenseGraphs(g.x, g.adj[0]), r"adj \[3, 3\], expected"),
        (lambda g: DenseGraphs(g.x, g.adj[:, :2]), r"adj \[2, 2, 3\]"),
        (lambda g: g.normalized("none"), "self_loops is 'none'"),
        (lambda g: g.propagate(g.x[:, :2]), r"h has shape \[2, 2, 2\]"),
        (lambda g: g.contract(g.x[:1], g.x), r"s has shape \[1, 3, 2\]"),
        (lambda g: g.contract(g.x, g.x[:1]), r"h has shape \[1, 3, 2\]"),
        (lambda g: g.sum(g.x[:1]), "h has shape"),
        (lambda g: g.mean(g.x[:1]), "h has shape"),
        (lambda g: g.max(g.x[:1]), "h has shape"),
    ],
)
def test_what_dense_verbs_refuse(call, message):
    with pytest.raises(ValueError, match=message):
        call(DenseGraphs(torch.ones(2, 3, 2), torch.ones(2, 3, 3)))


def test_what_is_printed_of_a_batch():
    batch = union(random_graphs([3, 2]))
    assert repr(batch).startswith("SparseGraphs(graphs=2, nodes=5, edges=")
    coarse = DenseGraphs(torch.ones(2, 3, 4), torch.ones(2, 3, 3))
    assert repr(coarse) == "DenseGraphs(graphs=2, nodes=3 each, features=4)"
    assert coarse.num_nodes == 6 and coarse.sizes.tolist() == [3, 3]


def two_graphs_with_bonds():
    """A path of three nodes and an edge, with two kinds of bond; one edge twice."""
    path = Data(
        x=torch.eye(3),
        edge_index=torch.tensor([[2, 1, 0, 1, 0], [1, 2, 1, 0, 1]]),
        edge_attr=torch.tensor([[0.0, 1], [0, 1], [1, 0], [1, 0], [0, 5]]),
    )
    edge = Data(
        x=torch.ones(2, 3),
        edge_index=torch.tensor([[1, 0], [0, 1]]),
        edge_attr=torch.tensor([[3.0, 0], [2, 0]]),
    )
    return SparseGraphs.from_data_list([path, edge])


def test_edge_attributes_follow_the_coalesced_entries():
    graphs = two_graphs_with_bonds()
    of_entry = {
        tuple(edge): attributes
        for edge, attributes in zip(
            graphs.edge_index.t().tolist(), graphs.edge_attr.tolist(), strict=True
        )
    }
    assert of_entry == {
        (0, 1): [1, 5],  # the doubled edge adds up
        (1, 0): [1, 0],
        (1, 2): [0, 1],
        (2, 1): [0, 1],
        (3, 4): [2, 0],
        (4, 3): [3, 0],
    }
    last = graphs.select([1])
    assert last.edge_index.tolist() == [[0, 1], [1, 0]]
    assert last.edge_attr.tolist() == [[2, 0], [3, 0]]


def test_edge_attributes_of_the_wrong_length_are_refused():
    graph = Data(
        x=torch.ones(2, 1),
        edge_index=torch.tensor([[0, 1], [1, 0]]),
        edge_attr=torch.ones(3, 2),
    )
    with pytest.raises(ValueError, match=r"graphs\[0\].edge_attr has 3 rows for 2"):
        SparseGraphs.from_data_list([graph])


def test_what_is_kept_is_computed_once_for_the_whole_and_cut_out():
    graphs, calls = two_graphs_with_bonds(), []

    def degree(whole):
        calls.append(whole.num_nodes)
        return torch.bincount(whole.edge_index[0], minlength=whole.num_nodes)

    train = graphs.select([1, 0])
    batch = train.select([1])
    assert batch.computed_once("degree", degree).tolist() == [1, 2, 1]
    assert train.computed_once("degree", degree).tolist() == [1, 1, 1, 2, 1]
    assert calls == [5]


def test_large_graphs_are_multiplied_one_by_one_with_the_same_result_and_gradient():
    sizes = [5, 300, 129]
    assert sum(sizes) >= LARGE * len(sizes)  # else this is the other way
    batch = union(random_graphs(sizes))
    s, h = rows(batch, 3).requires_grad_(), rows(batch, 4, seed=2).requires_grad_()
    weight = torch.rand(3, 3, 4, dtype=torch.float64)
    (batch.contract(s, h) * weight).sum().backward()
    pairs = zip(split(batch, s), split(batch, h), strict=True)
    expected = torch.stack([s_g.T @ h_g for s_g, h_g in pairs])
    close(batch.contract(s, h), expected)
    of_s, of_h = torch.autograd.grad((expected * weight).sum(), (s, h))
    close(s.grad, of_s)
    close(h.grad, of_h)


def test_contract_with_itself_gets_both_halves_of_its_gradient():
    batch = union(random_graphs([130, 140]))
    s = rows(batch, 3).requires_grad_()
    (batch.contract(s, s) ** 2).sum().backward()
    grams = torch.stack([s_g.T @ s_g for s_g in split(batch, s)])
    close(s.grad, torch.autograd.grad((grams**2).sum(), s)[0])


# --- state ---


def alive():
    """How many batches and matrices there are: [SparseGraphs, Csr, Rows]."""
    kinds = [type(found) for found in gc.get_objects()]
    return [kinds.count(kind) for kind in (SparseGraphs, Csr, Rows)]


def resident_mb():
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


@pytest.fixture
def no_collector():
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.parametrize("directed", [False, True])
def test_a_matrix_holds_one_number_an_entry_beside_its_value(monkeypatch, directed):
    """Not what it was made of, the rows' numbers as well: its columns and its values
    would be views of that."""
    made, coalesced = [], csr._coalesced

    def noted(*arguments):
        coo = coalesced(*arguments)
        made.append(weakref.ref(coo))
        return coo

    monkeypatch.setattr(csr, "_coalesced", noted)
    ends = [[0, 1, 2, 1], [1, 0, 0, 2]] if directed else [[0, 1, 0, 2], [1, 0, 2, 0]]
    kept = Csr.from_coo(torch.tensor(ends), torch.ones(4), (3, 3))
    assert kept.symmetric != directed and made[0]() is None
    for matrix in (kept, kept.transposed):
        assert matrix.col.untyped_storage().nbytes() == 8 * 4
        assert matrix.value.untyped_storage().nbytes() == 4 * 4


@pytest.mark.parametrize("directed", [False, True])
def test_memory_stays_flat_over_thirty_steps(no_collector, directed):
    """Nothing waits for Python's collector of cycles, which is off here."""
    nodes = 8_000
    generator = torch.Generator().manual_seed(0)
    edges = torch.randint(nodes, (2, 3 * nodes), generator=generator)
    edges = edges if directed else torch.cat([edges, edges.flip(0)], 1)
    x, layer = torch.randn(nodes, 8), DiffPool(8, 8, 4, num_layers=1)
    before, resident = alive(), []
    for _ in range(30):
        out = layer(x, edges)
        (out.x.sum() + out.link_loss).backward()
        del out
        if Path("/proc/self/statm").exists():
            resident.append(resident_mb())
    assert alive() == before
    assert not resident or max(resident[10:]) - max(resident[:10]) < 10


def test_a_batch_is_gone_with_its_last_name(no_collector):
    whole = union(random_graphs([4, 33, 6], directed=True))
    whole.normalized(), whole.averaged()
    before = alive()
    batch = whole.select([2, 0])
    for form in (batch, batch.normalized(), batch.averaged()):
        form.propagate(rows(batch).requires_grad_()).sum().backward()
        form.contract(form.x, form.x), form.sum(form.x), form.squared_norm()
    del batch, form
    assert alive() == before


def with_everything():
    """Three graphs with attributes, labels, all forms and something kept, after use."""
    graphs = two_graphs_with_bonds()
    graphs = replace(graphs, y=torch.tensor([1, 0]))
    graphs.computed_once("row", lambda g: torch.arange(g.num_nodes))
    use(graphs)
    return graphs


def use(graphs):
    for form in (graphs, graphs.normalized(), graphs.averaged()):
        form.propagate(form.x), form.contract(form.x, form.x), form.sum(form.x)
    graphs.squared_norm(), graphs.edge_attr


COPIES = [copy.deepcopy, lambda graphs: pickle.loads(pickle.dumps(graphs))]


@pytest.mark.parametrize("again", COPIES)
@pytest.mark.parametrize("selected", [False, True])
def test_a_copy_after_use_is_whole(again, selected):
    graphs = with_everything()
    if selected:
        graphs = graphs.select([1, 0, 1])
        graphs.computed_once("row", None), use(graphs)
    other = again(graphs)
    close(other.x, graphs.x)
    close(other.y, graphs.y)
    close(other.ptr, graphs.ptr)
    close(other.edge_attr, graphs.edge_attr)
    close(other.edge_weight, graphs.edge_weight)
    close(other.computed_once("row", None), graphs.computed_once("row", None))
    close(other.squared_norm(), graphs.squared_norm())
    close(other.propagate(other.x), graphs.propagate(graphs.x))
    close(other.normalized().propagate(other.x), graphs.normalized().propagate(other.x))
    close(other.select([1]).edge_attr, graphs.select([1]).edge_attr)
    assert other.adjacency.symmetric == graphs.adjacency.symmetric


def test_a_copy_of_a_batch_leaves_the_data_set_behind():
    whole = union(random_graphs([1000, 2]))
    batch = whole.select([1])
    assert len(pickle.dumps(batch)) < len(pickle.dumps(whole)) / 20
    assert pickle.loads(pickle.dumps(batch)).source is None


@pytest.mark.parametrize("field", ["x", "adjacency", "ptr", "y", "source", "mask"])
def test_a_batch_cannot_be_changed(field):
    graphs = two_graphs_with_bonds()
    with pytest.raises(AttributeError):
        setattr(graphs, field, None)


def test_forms_belong_to_the_graphs_they_were_made_of():
    graphs = two_graphs_with_bonds()
    form = graphs.normalized()
    assert graphs.normalized() is form and graphs.normalized("replace") is not form
    assert graphs.averaged() is graphs.averaged()
    other = replace(graphs, adjacency=graphs.normalized("replace").adjacency)
    close(other.normalized().to_dense(), union_of(other).normalized().to_dense())


def union_of(graphs):
    """The same graphs, built anew."""
    return SparseGraphs.from_edge_index(
        graphs.x, graphs.edge_index, graphs.batch, graphs.edge_weight
    )


def test_what_is_kept_has_a_key_of_its_own():
    graphs = two_graphs_with_bonds()
    for batch in (graphs, graphs.select([1]), graphs.select([1, 0])):
        one = batch.computed_once("1", lambda g: torch.full((g.num_nodes,), 1))
        two = batch.computed_once("2", lambda g: torch.full((g.num_nodes,), 2))
        assert one.tolist() == [1] * batch.num_nodes
        assert two.tolist() == [2] * batch.num_nodes
    assert two_graphs_with_bonds().computed_once("1", lambda g: g.x).shape == (5, 3)


def test_what_is_kept_of_repeated_and_reordered_graphs():
    graphs = union(random_graphs([2, 3, 1]))
    batch = graphs.select([2, 0, 0, 1])
    kept = batch.computed_once("row", lambda g: torch.arange(g.num_nodes))
    assert kept.tolist() == [5, 0, 1, 0, 1, 2, 3, 4]
    again = batch.select([3, 0]).computed_once("row", None)
    assert again.tolist() == [2, 3, 4, 5]


def test_attributes_of_forms_are_right_or_refused():
    graphs = two_graphs_with_bonds()
    for batch in (graphs, graphs.select([1, 0, 1])):
        close(batch.averaged().edge_index, batch.edge_index)
        close(batch.averaged().edge_attr, batch.edge_attr)
        for form in (batch.normalized(), batch.normalized("replace")):
            for again in (form, form.select([1]), *(c(form) for c in COPIES)):
                with pytest.raises(
                    ValueError, match="self-loops .* have no attributes"
                ):
                    again.edge_attr  # noqa: B018
    plain = union(random_graphs([3, 2]))
    assert plain.normalized().edge_attr is None
    assert plain.select([1]).normalized().edge_attr is None


def test_attributes_of_graphs_with_all_loops_are_those_of_their_forms():
    graph = Data(
        x=torch.eye(2),
        edge_index=torch.tensor([[0, 1, 0], [0, 1, 1]]),
        edge_attr=torch.tensor([[1.0], [2.0], [3.0]]),
    )
    graphs = SparseGraphs.from_data_list([graph])
    assert graphs.normalized().edge_attr.flatten().tolist() == [1, 3, 2]


# --- devices ---


def test_moving_takes_everything_along():
    graphs = with_everything()
    for batch in (graphs, graphs.select([1, 0, 1])):
        batch.computed_once("row", None)
        moved = batch.to("meta")
        found = [moved.x, moved.y, moved.ptr, moved.edge_attr, moved.edge_weight]
        found += [moved.computed_once("row", None), moved.edge_index, moved.batch]
        assert {one.device.type for one in found} == {"meta"}
        assert moved.edge_attr.shape == batch.edge_attr.shape
        assert moved.computed_once("row", None).shape == (batch.num_nodes,)
        assert moved.adjacency.transposed.col.device.type == "meta"
        assert moved.to(torch.device("meta")) is moved
        with pytest.raises(ValueError, match="self-loops"):
            batch.normalized().to("meta").edge_attr  # noqa: B018


def test_a_device_with_and_without_its_number_is_one(monkeypatch):
    """As torch does it: "cuda" is where a tensor on "cuda:0" already is."""
    graphs, asked = with_everything(), []

    def stays(tensor, device):
        asked.append(device)
        return tensor

    monkeypatch.setattr(torch.Tensor, "to", stays)
    assert graphs.to("cuda") is graphs and asked == ["cuda"]


def test_dense_verbs_compute_where_the_graphs_are():
    """The meta device has no numbers: whatever went to the CPU would raise."""
    sizes = torch.tensor([3, 2])
    graphs = DenseGraphs(
        torch.ones(2, 3, 2, device="meta"),
        torch.ones(2, 3, 3, device="meta"),
        sizes.to("meta"),
    )
    h = graphs.x
    found = [
        *(form.propagate(h) for form in (graphs, graphs.normalized("replace"))),
        *(graphs.averaged().propagate(h), graphs.normalized().propagate(h)),
        *(graphs.contract(h, h), graphs.sum(h), graphs.mean(h), graphs.max(h)),
        *(graphs.squared_norm(), graphs.of_nodes(graphs.sum(h)), graphs.only_nodes(h)),
    ]
    assert {one.device.type for one in found} == {"meta"}


def test_no_verb_of_a_batch_leaves_its_device():
    source = "".join(
        path.read_text() for path in Path(dpcore.graphs.__file__).parent.glob("*.py")
    )
    assert not re.search(r"\.cpu\(|\.numpy\(|\"cpu\"", source)


def test_labels_are_there_or_missed_by_name():
    graphs = two_graphs_with_bonds()
    labelled = replace(graphs, y=torch.tensor([1, 0]))
    assert labelled.labels is labelled.y
    with pytest.raises(ValueError, match="no labels: every graph needs data.y"):
        replace(graphs, y=None).labels  # noqa: B018
