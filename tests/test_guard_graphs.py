"""Graphs: what is refused at its very boundary, dtypes, and edges with attributes."""

import pytest
import torch
from torch_geometric.data import Batch, Data

from dpcore.graphs import DenseGraphs, SparseGraphs, as_graphs, blockwise
from dpcore.graphs.checks import NotFinite, check_stack, checked_batch, checked_edges
from dpcore.graphs.dense import inverse_power
from dpcore.graphs.products import GraphProducts

EDGES = torch.tensor([[0, 1, 2], [1, 2, 0]])  # one direction only


def triangle(**named):
    return SparseGraphs.from_edge_index(torch.eye(3), EDGES, **named)


@pytest.mark.parametrize("value", [torch.nan, torch.inf, -torch.inf])
def test_a_single_value_that_is_not_finite_is_refused(value):
    x = torch.ones(3, 2)
    x[1, 1] = value
    with pytest.raises(NotFinite, match="x holds NaN or infinite"):
        SparseGraphs.from_edge_index(x, EDGES)
    weight = torch.tensor([1.0, value, 1.0])
    with pytest.raises(NotFinite, match="edge_weight holds NaN or infinite"):
        triangle(edge_weight=weight)


@pytest.mark.parametrize("dropout", [-0.01, 1.0, 1.5])
def test_a_dropout_that_leaves_nothing_is_refused(dropout):
    with pytest.raises(ValueError, match=f"dropout is {dropout}, expected 0 ≤ dropout"):
        check_stack(1, dropout)


def test_the_smallest_stack_and_the_outermost_dropouts_are_taken():
    for dropout in (0.0, 0.999):
        check_stack(1, dropout)
    for layers in (0, -1):
        with pytest.raises(ValueError, match=f"num_layers is {layers}, expected"):
            check_stack(layers, 0.5)


def test_weights_are_of_the_features_dtype():
    x = torch.eye(3, dtype=torch.float64)
    for weight in (None, torch.ones(3), torch.ones(3, dtype=torch.int64)):
        graphs = SparseGraphs.from_edge_index(x, EDGES, None, weight)
        assert graphs.edge_weight.dtype == torch.float64
    batch = torch.zeros(3, dtype=torch.long)
    assert checked_edges(EDGES, None, batch, x).dtype == torch.float64


@pytest.mark.parametrize(
    ("batch", "taken"),
    [
        ([0, 0, 0], True),
        ([0, 0, 1], True),
        ([0, 1, 2], True),
        ([1, 1, 2], False),
        ([0, 0, 2], False),
        ([0, 1, 0], False),
        ([-1, 0, 1], False),
    ],
)
def test_batches_that_count_and_that_do_not(batch, taken):
    batch, x = torch.tensor(batch), torch.eye(3)
    if taken:
        assert torch.equal(checked_batch(batch, x), batch)
        return
    with pytest.raises(ValueError, match="batch must count"):
        checked_batch(batch, x)


@pytest.mark.parametrize("node", [-1, 3])
def test_nodes_at_both_ends_of_the_range(node):
    edges = torch.tensor([[0, 2], [2, node]])
    with pytest.raises(ValueError, match=f"edge_index holds node {node}, .*0 … 2"):
        SparseGraphs.from_edge_index(torch.eye(3), edges)
    data = Data(x=torch.eye(3), edge_index=edges)
    with pytest.raises(ValueError, match=r"graphs\[0\].edge_index holds a node"):
        SparseGraphs.from_data_list([data])


def test_an_edge_between_two_graphs_is_refused():
    batch = torch.tensor([0, 0, 1])
    with pytest.raises(ValueError, match="joins nodes that batch puts in two graphs"):
        SparseGraphs.from_edge_index(torch.eye(3), EDGES[:, 1:2], batch)
    inside_first = torch.tensor([[0, 1, 1], [1, 0, 2]])
    with pytest.raises(ValueError, match="joins nodes that batch puts in two graphs"):
        SparseGraphs.from_edge_index(torch.eye(3), inside_first, batch)


def test_a_single_graph_is_a_batch_of_one_and_every_form_keeps_the_labels():
    y = torch.tensor([3])
    graphs = SparseGraphs.from_edge_index(torch.eye(3), EDGES, y=y)
    for form in (graphs, graphs.normalized(), graphs.averaged()):
        assert torch.equal(form.y, y) and form.sum(form.x).tolist() == [[1.0] * 3]


def test_the_slope_of_an_inverse_is_cut_where_it_would_overflow():
    tiny = torch.tensor([1e-20, 1e-3], requires_grad=True)
    inverse_power(tiny, 1.0).sum().backward()
    assert tiny.grad[0] == 0 and tiny.grad[1] == pytest.approx(-1e6, rel=1e-3)


def test_a_graph_of_a_batch_has_one_label():
    pair = Data(x=torch.eye(2), edge_index=EDGES[:, :1], y=torch.tensor([0, 1]))
    with pytest.raises(ValueError, match="y has 4 labels for 2 graphs"):
        SparseGraphs.from_data_list([pair, pair])


def test_graphs_without_edges_keep_their_attributes_width():
    """Among others, and all of them; a graph with one edge keeps its own attributes."""
    empty = torch.empty(2, 0, dtype=torch.long)
    loner = Data(x=torch.ones(1, 2), edge_index=empty, edge_attr=torch.empty(0, 3))
    pair = Data(
        x=torch.ones(2, 2),
        edge_index=torch.tensor([[1], [0]]),
        edge_attr=torch.tensor([[1.0, 2.0, 3.0]]),
    )
    both = SparseGraphs.from_data_list([loner, pair])
    assert both.edge_attr.tolist() == [[1.0, 2.0, 3.0]]
    assert both.edge_index.tolist() == [[2], [1]]
    alone = SparseGraphs.from_data_list([loner, loner])
    assert alone.edge_attr.shape == (0, 3) and alone.num_graphs == 2


def test_directed_edges_keep_their_direction_in_every_form():
    graphs = triangle(edge_weight=torch.tensor([2.0, 3.0, 5.0]))
    dense = torch.tensor([[0.0, 2.0, 0.0], [0.0, 0.0, 3.0], [5.0, 0.0, 0.0]])
    assert torch.equal(graphs.to_dense(), dense)
    h = torch.tensor([[1.0], [10.0], [100.0]])
    forms = {
        graphs: dense,
        graphs.averaged(): dense / dense.sum(1, keepdim=True),
    }
    loops = dense + torch.eye(3)
    scale = loops.sum(1).rsqrt()
    forms[graphs.normalized()] = scale[:, None] * loops * scale
    for form, matrix in forms.items():
        torch.testing.assert_close(form.propagate(h), matrix @ h)
        torch.testing.assert_close(form.select([0]).propagate(h), matrix @ h)
        assert torch.equal(form.select([0]).edge_index, form.edge_index)


def test_labels_and_attributes_follow_a_selection_of_a_selection():
    data = [
        Data(
            x=torch.full((n, 1), float(n)),
            edge_index=torch.tensor([[0], [n - 1]]),
            edge_attr=torch.tensor([[10.0 * n]]),
            y=torch.tensor([n]),
        )
        for n in (2, 3, 4, 5)
    ]
    part = SparseGraphs.from_data_list(data).select([3, 1, 0]).select([2, 0])
    assert part.y.tolist() == [2, 5] and part.sizes.tolist() == [2, 5]
    assert part.edge_attr.tolist() == [[20.0], [50.0]]
    assert part.edge_index.tolist() == [[0, 2], [1, 6]]
    assert part.squared_norm().tolist() == [1.0, 1.0]


def test_selections_at_both_ends_of_the_range():
    graphs = SparseGraphs.from_edge_index(
        torch.ones(3, 1), torch.empty(2, 0).long(), torch.arange(3)
    )
    assert graphs.select([0]).num_graphs == graphs.select([2]).num_graphs == 1
    for wrong in (-1, 3):
        with pytest.raises(ValueError, match=r"outside 0 … 2"):
            graphs.select([wrong])
        with pytest.raises(ValueError, match=f"graph is {wrong}, expected 0 … 2"):
            graphs.to_dense(wrong)


def test_the_mass_under_which_a_row_counts_as_empty():
    """1e-30 in every form: above it a row is divided, below it is nothing."""
    for mass, kept in ((1e-25, True), (1e-35, False)):
        weight = torch.tensor([mass, 1.0, 1.0], dtype=torch.float64)
        x = torch.eye(3, dtype=torch.float64)
        graphs = SparseGraphs.from_edge_index(x, EDGES, None, weight)
        coarse = DenseGraphs(x.unsqueeze(0), graphs.to_dense().unsqueeze(0))
        for form in (graphs.averaged(), coarse.averaged()):
            row = form.propagate(form.x).view(3, 3)[0]
            torch.testing.assert_close(row.sum().item(), float(kept))


def padded():
    """Two directed graphs of 3 and 2 clusters, with attributes of edges."""
    generator = torch.Generator().manual_seed(0)
    sizes = torch.tensor([3, 2])
    node = torch.arange(3) < sizes.unsqueeze(1)
    adj = torch.rand(2, 3, 3, generator=generator)
    adj = adj * (node.unsqueeze(1) & node.unsqueeze(2))
    graphs = DenseGraphs(torch.randn(2, 3, 4, generator=generator), adj, sizes)
    graphs.edge_attr = torch.rand(2, 3, 3, 2, generator=generator)
    return graphs, node


def test_rows_that_are_no_nodes_count_in_no_product_and_no_form():
    graphs, node = padded()
    assert graphs.num_nodes == 5
    s, h = torch.ones(2, 3, 2), torch.ones(2, 3, 1)
    assert graphs.contract(s, h).flatten().tolist() == [3, 3, 2, 2]
    for form in (graphs.normalized(), graphs.normalized("replace"), graphs.averaged()):
        assert torch.equal(form.sizes, graphs.sizes)
        assert torch.equal(form.mask, node)
        assert form.mean(h).flatten().tolist() == [1, 1]


def test_the_edges_of_coarse_graphs_are_those_of_their_matrices():
    graphs, _ = padded()
    edges = graphs.edge_list()
    assert edges.batch.tolist() == [0, 0, 0, 1, 1]
    whole = torch.block_diag(graphs.adj[0], graphs.adj[1, :2, :2])
    row, col = edges.edge_index
    assert torch.equal(whole[row, col], edges.edge_weight) and len(row) == 13
    first = row < 3
    of_first = graphs.edge_attr[0, row[first], col[first]]
    assert torch.equal(edges.edge_attr[first], of_first)
    h = torch.randn(2, 3, 2, generator=torch.Generator().manual_seed(1))
    for r, part in enumerate(graphs.propagate_attributes(h)):
        expected = (graphs.adj * graphs.edge_attr[..., r]) @ h
        torch.testing.assert_close(part, expected)


def test_the_edges_of_a_batch_keep_direction_weight_and_attributes():
    weight, kinds = torch.tensor([2.0, 3.0, 5.0]), torch.rand(3, 2)
    graphs = triangle(edge_weight=weight, edge_attr=kinds)
    edges = graphs.edge_list()
    assert torch.equal(edges.edge_index, EDGES) and edges.batch.tolist() == [0, 0, 0]
    assert torch.equal(edges.edge_weight, weight)
    assert torch.equal(edges.edge_attr, kinds)
    h = torch.randn(3, 4)
    for r, part in enumerate(graphs.propagate_attributes(h)):
        matrix = torch.zeros(3, 3).index_put(tuple(EDGES), weight * kinds[:, r])
        torch.testing.assert_close(part, matrix @ h)


def test_what_a_data_object_says_of_its_edges_is_read():
    weight, kinds = torch.tensor([2.0, 3.0, 5.0]), torch.tensor([[1], [2], [3]])
    data = Data(x=torch.eye(3), edge_index=EDGES, edge_weight=weight, edge_attr=kinds)
    for graphs in (as_graphs(data), SparseGraphs.from_data_list([data])):
        assert torch.equal(graphs.edge_weight, weight)
        assert graphs.edge_attr.tolist() == [[1], [2], [3]]
        assert graphs.edge_attr.dtype == torch.float32


def test_blocks_are_added_up_in_double_precision(monkeypatch):
    """4096 blocks: in float32 the sum would be off by forty parts in a million."""
    monkeypatch.setattr(blockwise, "BLOCK", 1)
    z = torch.full((4096, 1), 0.1)
    graphs = SparseGraphs.from_edge_index(z, torch.empty(2, 0, dtype=torch.long))
    step = blockwise.pool(z, graphs, torch.zeros(4096, 2))
    exact = 2048 * float(z[0].double())
    assert step.x.flatten().tolist() == pytest.approx([exact] * 2, rel=1e-7)


def test_two_factors_of_one_shape_are_two():
    torch.manual_seed(0)
    s, h = (torch.randn(5, 2, dtype=torch.float64, requires_grad=True) for _ in "ab")
    assert torch.autograd.gradcheck(lambda *a: GraphProducts.apply(*a, [2, 3]), (s, h))


def test_a_normalised_batch_has_a_norm_of_its_own():
    x, edges = torch.eye(4), torch.tensor([[0, 1, 2, 3, 2], [1, 0, 3, 2, 2]])
    whole = SparseGraphs.from_edge_index(x, edges, torch.tensor([0, 0, 1, 1]))
    whole.squared_norm()
    for form in (whole.select([1]).normalized(), whole.select([1]).averaged()):
        expected = form.to_dense().double().square().sum()
        torch.testing.assert_close(form.squared_norm(), expected.view(1))


def test_squares_are_those_of_double_precision():
    adj = torch.full((1, 3, 3), 0.1)
    found = DenseGraphs(torch.ones(1, 3, 1), adj).squared_norm()
    assert torch.equal(found, adj.double().square().sum((1, 2)))


@pytest.mark.parametrize("name", ["edge_index", "batch", "edge_weight", "edge_attr"])
def test_no_tensor_stands_beside_a_batch(name):
    batch = SparseGraphs.from_edge_index(torch.eye(2), torch.tensor([[0], [1]]))
    with pytest.raises(ValueError, match=f"^{name} came beside a SparseGraphs"):
        as_graphs(batch, **{name: torch.zeros(2)})


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_a_product_with_half_precision_is_made_in_single(dtype):
    batch = SparseGraphs.from_edge_index(torch.eye(2), torch.tensor([[0], [1]]))
    found = batch.propagate(torch.ones(2, 1, dtype=dtype))
    assert found.dtype is torch.float32 and found.flatten().tolist() == [1.0, 0.0]


def test_a_graph_without_nodes_is_missed_in_a_batch_of_pyg():
    empty = torch.empty(2, 0, dtype=torch.long)
    some, none = (Data(x=torch.ones(n, 2), edge_index=empty) for n in (3, 0))
    assert as_graphs(Batch.from_data_list([some, some])).num_graphs == 2
    with pytest.raises(ValueError, match="data holds 2 graphs, but nodes of 1"):
        as_graphs(Batch.from_data_list([some, none]))
