"""Layers against PyG's, NumPy and torch's own; stacks on both forms of a batch."""

import numpy as np
import pytest
import torch
from reference import dense, random_graphs, union
from torch.nn import functional as F
from torch_geometric.nn import DenseGCNConv, GCNConv, SAGEConv

from dpcore.graphs import DenseGraphs, SparseGraphs
from dpcore.layers import GNN, GCNLayer, NodeLayer, RowNorm, SAGELayer, dropout

close = torch.testing.assert_close
WIDTHS = [(3, 5), (3, 2), (3, 3)]  # either side of the product is the narrow one


def with_weights_of(ours, theirs):
    """Give a PyG convolution the weights of a GCNLayer, with a bias that is not 0."""
    torch.nn.init.normal_(ours.bias)
    theirs.lin.weight.data = ours.weight.data.T.contiguous()
    theirs.bias.data = ours.bias.data.clone()
    return theirs.to(ours.weight.dtype)


@pytest.mark.parametrize("self_loops", ["add", "replace"])
@pytest.mark.parametrize("widths", WIDTHS)
def test_gcn_layer_equals_pygs_on_undirected_weighted_graphs(widths, self_loops):
    batch = union(random_graphs([1, 6, 33], weighted=True))
    ours = GCNLayer(*widths, self_loops).double()
    theirs = with_weights_of(ours, GCNConv(*widths))
    expected = theirs(batch.x, batch.edge_index, batch.edge_weight)
    close(ours(batch, batch.x), expected)


@pytest.mark.parametrize("widths", WIDTHS)
def test_gcn_layer_with_replaced_loops_equals_pygs_dense_layer(widths):
    graph = random_graphs([7], weighted=True, directed=True, loops=True)[0]
    ours = GCNLayer(*widths, "replace").double()
    theirs = with_weights_of(ours, DenseGCNConv(*widths))
    expected = theirs(*graph)
    close(ours(dense(graph), graph[0].unsqueeze(0)), expected)
    close(ours(union([graph]), graph[0]), expected[0])


def test_gcn_layer_equals_pygs_dense_layer_on_coarsened_graphs():
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2, 4, 3, generator=generator)
    adj = torch.rand(2, 4, 4, generator=generator)
    coarse = DenseGraphs(x, (adj + adj.transpose(1, 2)) * 0.01)  # small degrees, too
    ours = GCNLayer(3, 5, "replace")
    theirs = with_weights_of(ours, DenseGCNConv(3, 5))
    close(ours(coarse, x), theirs(x, coarse.adj))
    heavy = DenseGraphs(x, coarse.adj + 5 * torch.eye(4))
    close(ours(heavy, x), theirs(x, heavy.adj))  # PyG ignores the diagonal …
    kept = GCNLayer(3, 5, "add")
    kept.load_state_dict(ours.state_dict())
    difference = kept(heavy, x) - kept(coarse, x)
    assert difference.abs().max() > 0.01  # … which holds the mass inside clusters
    close(theirs(x, heavy.adj), theirs(x, coarse.adj), atol=0, rtol=0)


def sage_in_numpy(layer, x, adj):
    w1, b = layer.root.weight.detach().numpy(), layer.root.bias.detach().numpy()
    w2 = layer.neighbours.weight.detach().numpy()
    degree = adj.sum(1, keepdims=True)
    mean = np.divide(adj @ x, degree, out=np.zeros_like(x), where=degree > 0)
    out = x @ w1.T + b + mean @ w2.T
    return torch.from_numpy(out / np.linalg.norm(out, axis=1, keepdims=True))


@pytest.mark.parametrize("scale", [1.0, 0.001])
def test_sage_layer_is_a_weighted_mean_also_of_small_weights(scale):
    x, adj = random_graphs([9], weighted=True, directed=True, loops=True)[0]
    graph = (x, adj * scale)
    layer = SAGELayer(3, 4).double()
    expected = sage_in_numpy(layer, x.numpy(), graph[1].numpy())
    close(layer(union([graph]), x), expected)
    close(layer(dense(graph), x.unsqueeze(0))[0], expected)


def test_sage_layer_equals_pygs_on_unweighted_graphs():
    batch = union(random_graphs([1, 6, 33]))
    ours = SAGELayer(3, 4).double()
    theirs = SAGEConv(3, 4, aggr="mean", normalize=True).double()
    theirs.lin_l.weight.data = ours.neighbours.weight.data.clone()
    theirs.lin_l.bias.data = ours.root.bias.data.clone()
    theirs.lin_r.weight.data = ours.root.weight.data.clone()
    close(ours(batch, batch.x), theirs(batch.x, batch.edge_index))


def test_node_layer_does_not_see_edges():
    (x, adj), layer = random_graphs([6])[0], NodeLayer(3, 2).double()
    empty = (x, torch.zeros_like(adj))
    close(layer(union([(x, adj)]), x), layer(union([empty]), x), atol=0, rtol=0)


@pytest.mark.parametrize("conv", ["gcn", "sage", "none"])
@pytest.mark.parametrize("num_layers", [1, 3])
def test_stacks_agree_on_both_forms_and_on_both_sides_of_a_permutation(
    conv, num_layers
):
    torch.manual_seed(0)
    x, adj = random_graphs([12], weighted=True, directed=True, loops=True)[0]
    gnn = GNN(3, 8, 4, num_layers=num_layers, conv=conv).double()
    out = gnn(union([(x, adj)]), x)
    assert out.shape == (12, 4)
    close(gnn(dense((x, adj)), x.unsqueeze(0))[0], out)
    order = torch.randperm(12)
    moved = union([(x[order], adj[order][:, order])])
    close(gnn(moved, x[order]), out[order])
    assert len(gnn.layers) == num_layers


def test_gcn_stack_is_layer_relu_layer_relu():
    batch = union(random_graphs([6]))
    gnn = GNN(3, 8, 4, num_layers=2).double()
    h = torch.relu(gnn.layers[0](batch, batch.x))
    close(gnn(batch, batch.x), torch.relu(gnn.layers[1](batch, h)))
    assert [tuple(layer.weight.shape) for layer in gnn.layers] == [(3, 8), (8, 4)]


def test_sage_stack_joins_all_layers():
    batch = union(random_graphs([6, 2]))
    gnn = GNN(3, 8, 4, num_layers=2, conv="sage").double()
    h, outputs = batch.x, []
    for layer in gnn.layers:
        h = torch.relu(layer(batch, h))
        h = (h - h.mean(0)) / (h.var(0, unbiased=False) + 1e-5).sqrt()
        outputs.append(h)
    expected = F.linear(torch.cat(outputs, 1), gnn.join.weight, gnn.join.bias)
    close(gnn(batch, batch.x), expected)


def test_self_loops_of_a_stack_reach_its_layers():
    assert {layer.self_loops for layer in GNN(3, 8, 4).layers} == {"add"}
    stack = GNN(3, 8, 4, self_loops="replace")
    assert {layer.self_loops for layer in stack.layers} == {"replace"}


def test_batch_norm_statistics_are_those_of_the_real_rows():
    rows = torch.randn(2, 5, 3) * 2 + 1
    norm = RowNorm(3)
    out = norm(rows).reshape(10, 3)
    close(out.mean(0), torch.zeros(3), atol=1e-5, rtol=0)
    close(out.var(0, unbiased=False), torch.ones(3), atol=1e-3, rtol=0)
    close(norm.running_mean, 0.1 * rows.mean((0, 1)))
    close(norm.running_var, 0.9 + 0.1 * rows.reshape(10, 3).var(0))
    norm.eval()
    one = norm(rows[:1])
    close(one, norm(rows)[:1])  # in eval mode no row depends on the others


def test_a_lone_row_is_left_to_the_running_statistics():
    norm = RowNorm(2)
    norm.running_mean += 1
    norm.weight.data, norm.bias.data = torch.tensor([3.0, 1.0]), torch.tensor([0.5, 0])
    out = norm(torch.tensor([[3.0, 1.0]]))
    close(out, torch.tensor([[6.5, 0.0]]), atol=1e-4, rtol=0)
    assert norm.running_mean.tolist() == [1, 1]
    out = norm(torch.tensor([[3.0, 1.0], [5.0, 9.0]]))  # two have their own
    close(out, torch.tensor([[-2.5, -1.0], [3.5, 1.0]]), atol=1e-4, rtol=0)
    x, edges = torch.ones(1, 3), torch.zeros(2, 0, dtype=torch.long)
    node = SparseGraphs.from_edge_index(x, edges)
    assert GNN(3, 8, 4, conv="sage")(node, x).isfinite().all()


def test_a_batch_of_one_graph_trains_the_statistics_of_its_nodes_only():
    batch = union(random_graphs([5, 40]))
    gnn = GNN(3, 8, 4, num_layers=1, conv="sage").double()
    h = torch.relu(gnn.layers[0](batch, batch.x))
    gnn(batch, batch.x)
    close(gnn.norms[0].running_mean, 0.1 * h.mean(0))


@pytest.mark.parametrize("p", [0.1, 0.6])
def test_dropout_zeroes_a_share_and_keeps_the_mean(p):
    torch.manual_seed(0)
    h = torch.full((400, 500), 3.0, requires_grad=True)
    out = dropout(h, p, training=True)
    assert (out == 0).float().mean().item() == pytest.approx(p, abs=0.01)
    kept = out[out != 0]
    # p is rounded to 1/65536, and the scale follows what was rounded
    close(kept, torch.full_like(kept, 3 / (1 - p)), rtol=1e-4, atol=0)
    assert out.mean().item() == pytest.approx(3, abs=0.05)
    out.sum().backward()
    close(h.grad, out.detach() / 3)
    assert not torch.equal(out, dropout(h, p, training=True))


def test_dropout_does_nothing_in_eval_mode_or_at_zero():
    h = torch.randn(4, 4)
    assert dropout(h, 0.6, training=False) is h
    assert dropout(h, 0.0, training=True) is h
    batch = union(random_graphs([6], dtype=torch.float32))
    gnn = GNN(3, 8, 4, dropout=0.5)
    assert not torch.equal(gnn(batch, batch.x), gnn(batch, batch.x))
    gnn.eval()
    close(gnn(batch, batch.x), gnn(batch, batch.x), atol=0, rtol=0)


@pytest.mark.parametrize("conv", ["gcn", "sage", "none"])
def test_every_parameter_gets_a_gradient(conv):
    torch.manual_seed(0)
    batch = union(random_graphs([6, 9], dtype=torch.float32))
    gnn = GNN(3, 8, 4, conv=conv)
    gnn(batch, batch.x).square().sum().backward()
    for name, parameter in gnn.named_parameters():
        assert parameter.grad.abs().sum() > 0, name


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (dict(conv="gat"), "conv is 'gat', expected one of gcn, sage, none"),
        (dict(num_layers=0), "num_layers is 0, expected at least 1"),
        (dict(dropout=1.0), "dropout is 1.0"),
        (dict(dropout=-0.1), "dropout is -0.1"),
    ],
)
def test_what_a_stack_refuses(settings, message):
    with pytest.raises(ValueError, match=message):
        GNN(3, 8, 4, **settings)


def test_an_unknown_kind_of_self_loops_is_refused():
    batch = union(random_graphs([3], dtype=torch.float32))
    with pytest.raises(ValueError, match="self_loops is 'keep'"):
        GCNLayer(3, 2, self_loops="keep")(batch, batch.x)


def test_features_of_another_width_are_refused():
    batch = union(random_graphs([5, 7]))
    with pytest.raises(ValueError, match="h has 3 features a node.*in_channels = 4"):
        GNN(4, 8, 2)(batch, batch.x)
