"""dpcore inside PyG: its Data, its convolutions, edge attributes, and back to nodes."""

import copy
import pickle

import pytest
import torch
from reference import random_graphs, union
from torch import nn
from torch.nn import functional as F
from torch_geometric.data import Batch, Data
from torch_geometric.nn import (
    MLP,
    DenseGCNConv,
    DenseSAGEConv,
    GATConv,
    GATv2Conv,
    GCNConv,
    GINEConv,
    SAGEConv,
    Sequential,
)
from torch_geometric.nn.models import GraphSAGE

import dpcore
from dpcore.graphs import DenseGraphs, as_graphs
from dpcore.layers import GNN, OnEdges, made_by
from dpcore.models import MODELS, DiffPoolClassifier
from dpcore.pooling import coarsened_attributes

close = torch.testing.assert_close


def data_list(sizes=(5, 9, 1), weighted=True, attributes=3):
    """PyG graphs: directed, weighted, with edge attributes."""
    generator = torch.Generator().manual_seed(3)
    graphs = []
    for x, adj in random_graphs(
        sizes, directed=True, weighted=weighted, dtype=torch.float32
    ):
        edges = adj.nonzero().T
        attr = torch.rand(edges.size(1), attributes, generator=generator)
        graphs.append(
            Data(
                x=x,
                edge_index=edges,
                edge_attr=attr if attributes else None,
                edge_weight=adj[tuple(edges)] if weighted else None,
                y=torch.zeros(len(x)),  # a label a node: no concern of a pooling
            )
        )
    return graphs


def same(ours, theirs):
    for got, want in zip(ours, theirs, strict=True):
        if isinstance(want, torch.Tensor):
            close(got, want)


# --- what layers and models are called with ---


@pytest.mark.parametrize("gnn", [None, GCNConv])
def test_a_layer_takes_data_batches_and_pygs_tensors_alike(gnn):
    torch.manual_seed(0)
    layer = dpcore.DiffPool(3, 8, 4, gnn=gnn)
    graphs = data_list()
    together = Batch.from_data_list(graphs)
    expected = layer(dpcore.SparseGraphs.from_data_list([drop_y(g) for g in graphs]))
    x, edges, batch = together.x, together.edge_index, together.batch
    weight = together.edge_weight
    same(layer(together), expected)
    same(layer(x, edges, batch, weight), expected)
    same(layer(x=x, edge_index=edges, edge_weight=weight, batch=batch), expected)
    close(layer(graphs[1]).adj[0], expected.adj[1])
    unweighted = layer(x, edges, batch)
    assert (unweighted.adj - expected.adj).abs().max() > 0.01


def drop_y(data):
    data = copy.copy(data)
    data.y = None
    return data


@pytest.mark.parametrize("name", MODELS)
def test_a_model_takes_data_batches_and_pygs_tensors_alike(name):
    torch.manual_seed(0)
    sizes = dict(num_features=3, num_classes=2, hidden=8)
    if name == "ecc":
        sizes["edge_features"] = 3
    model = dpcore.build_model(name, **sizes).eval()
    together = Batch.from_data_list(data_list())
    expected = model(as_graphs(together)).logits
    close(model(together).logits, expected)
    tensors = dict(batch=together.batch, edge_weight=together.edge_weight)
    tensors["edge_attr"] = together.edge_attr
    close(model(together.x, together.edge_index, **tensors).logits, expected)


def test_edge_attributes_arrive_in_the_order_of_the_edges():
    one = torch.tensor([[1, 0, 0], [0, 1, 1]])  # 0 → 1 stands twice
    data = Data(x=torch.ones(2, 1), edge_index=one, edge_attr=torch.tensor([1, 2, 4]))
    graphs = as_graphs(data)
    assert graphs.edge_index.tolist() == [[0, 1], [1, 0]]
    assert graphs.edge_attr.tolist() == [[6.0], [1.0]]


@pytest.mark.parametrize("name", ["set2set", "sortpool", "ecc", "patchysan"])
def test_what_reads_single_nodes_refuses_coarse_graphs(name):
    coarse = DenseGraphs(torch.ones(2, 4, 3), torch.ones(2, 4, 4))
    model = dpcore.build_model(name, num_features=3, num_classes=2, hidden=8)
    with pytest.raises(ValueError, match=r"x is DenseGraphs\(.*before any pooling"):
        model(coarse)


def test_gradients_pass_through_the_features_of_a_batch():
    data = data_list()[1]
    data.x.requires_grad_()
    dpcore.DiffPool(3, 8, 4)(data).x.sum().backward()
    assert data.x.grad.abs().sum() > 0


EDGES = torch.tensor([[0, 1], [1, 0]])


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ((torch.ones(2, 1),), "edge_index is missing"),
        ((Data(edge_index=EDGES),), "data has no x"),
        ((Data(x=torch.ones(2, 1)),), "data has no edge_index"),
        ((Data(x=torch.ones(2, 1), edge_index=EDGES), EDGES), "edge_index came beside"),
        (([1, 2],), "x is a list, expected node features"),
        ((torch.ones(2, 1), EDGES, None, None, torch.ones(3, 1)), "3 rows for 2 edges"),
        (
            (
                Batch.from_data_list(
                    [
                        Data(x=torch.ones(2, 1), edge_index=EDGES),
                        Data(x=torch.ones(0, 1), edge_index=EDGES[:, :0]),
                    ]
                ),
            ),
            "data holds 2 graphs, but nodes of 1",
        ),
    ],
)
def test_what_is_no_batch_of_graphs_is_refused(inputs, message):
    with pytest.raises(ValueError, match=message):
        as_graphs(*inputs)


# --- a module as torch's are ---


def pairs(one, other):
    return zip(one.parameters(), other.parameters(), strict=True)


@pytest.mark.parametrize("name", MODELS)
def test_reset_draws_what_a_new_model_draws(name):
    torch.manual_seed(5)
    sizes = dict(num_features=3, num_classes=2, hidden=8, max_nodes=12)
    model = dpcore.build_model(name, **sizes)
    fresh = copy.deepcopy(model.state_dict())
    for parameter in model.parameters():
        nn.init.constant_(parameter, 0.5)
    for module in model.modules():
        if isinstance(module, nn.BatchNorm1d):
            module.running_mean.fill_(9.0)
    torch.manual_seed(5)
    model.reset_parameters()
    for key, value in model.state_dict().items():
        if "lstm" in key:  # PyG's Set2Set draws twice when it is made
            assert (value != 0.5).all()
        elif name != "set2set" or key.startswith("gnn"):
            assert torch.equal(value, fresh[key]), key


@pytest.mark.parametrize("gnn", [None, SAGEConv])
def test_a_layer_is_copied_pickled_reset_and_shown(gnn):
    torch.manual_seed(1)
    layer = dpcore.DiffPool(3, 8, 4, gnn=gnn, ratio=0.5)
    data = data_list()[1]
    expected = layer(data).x
    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert torch.equal(other(data).x, expected)
    other = dpcore.DiffPool(3, 8, 4, gnn=gnn, ratio=0.5)
    assert not torch.equal(other(data).x, expected)
    other.load_state_dict(layer.state_dict())
    assert torch.equal(other(data).x, expected)
    torch.manual_seed(1)
    other.reset_parameters()
    assert gnn or torch.equal(other(data).x, expected)  # SAGEConv is drawn twice
    assert all((a != b).any() for a, b in pairs(other, layer)) == bool(gnn)
    assert "3, 8, num_clusters=4, ratio=0.5" in repr(layer)
    inside = "SAGEConv(3, 8, aggr=mean)" if gnn else "GCNLayer(3, 8, self_loops='add')"
    assert inside in repr(layer)


def test_a_model_with_a_factory_is_copied_and_pickled_but_not_saved(tmp_path):
    sizes = dict(num_features=3, num_classes=2, hidden=8, max_nodes=12)
    model = dpcore.build_model("diffpool", gnn=lambda i, o: SAGEConv(i, o), **sizes)
    data = data_list()[1]
    for other in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert torch.equal(other(data).logits, model(data).logits)
    with pytest.raises(ValueError, match="without gnn=.*state_dict"):
        dpcore.save_model(tmp_path / "m.safetensors", model)


# --- PyG's convolutions ---


FACTORIES = {
    "sage": SAGEConv,
    "gcn": GCNConv,
    "gat": lambda i, o: GATConv(i, o, edge_dim=3),
    "gatv2": GATv2Conv,  # without edge_dim it must not be handed attributes
    "gine": lambda i, o: GINEConv(nn.Linear(i, o), edge_dim=3),
    "linear": nn.Linear,
    "mlp": lambda i, o: MLP([i, 6, o]),
    "two layers": lambda i, o: GraphSAGE(i, 6, num_layers=2, out_channels=o),
    "sequential": lambda i, o: Sequential(
        "x, edge_index", [(GCNConv(i, o), "x, edge_index -> x"), nn.ReLU()]
    ),
}


@pytest.mark.parametrize("per_graph", [False, True])
@pytest.mark.parametrize("kind", FACTORIES)
def test_a_model_of_any_convolution_trains_all_its_weights(kind, per_graph):
    torch.manual_seed(0)
    model = dpcore.build_model(
        "diffpool",
        num_features=3,
        num_classes=2,
        hidden=8,
        max_nodes=24,
        gnn=FACTORIES[kind],
        per_graph=per_graph,
    )
    batch = Batch.from_data_list(data_list((12, 20, 6)))
    out = model(batch)
    (F.cross_entropy(out.logits, torch.tensor([0, 1, 0])) + out.auxiliary).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None and parameter.grad.isfinite().all(), name
    model.eval()
    alone = torch.cat([model(graph).logits for graph in batch.to_data_list()])
    close(model(batch).logits, alone, atol=1e-5, rtol=1e-4)


def test_a_convolution_gets_the_edges_their_weights_and_attributes():
    seen = {}

    class Spy(nn.Module):
        def __init__(self, out):
            super().__init__()
            self.out = out

        def forward(self, x, edge_index, edge_weight, edge_attr, batch, batch_size):
            seen.update(
                x=x,
                edge_index=edge_index,
                edge_weight=edge_weight,
                edge_attr=edge_attr,
                batch=batch,
                batch_size=batch_size,
            )
            return x.new_zeros(x.size(0), self.out)

    graphs = as_graphs(Batch.from_data_list(data_list()))
    OnEdges(Spy(2), 2)(graphs, 2 * graphs.x)
    assert torch.equal(seen["x"], 2 * graphs.x) and seen["batch_size"] == 3
    for name in ("edge_index", "edge_weight", "edge_attr", "batch"):
        assert torch.equal(seen[name], getattr(graphs, name)), name

    adj = torch.tensor([[[0, 2.0, 0], [3, 1, 0], [0, 0, 0]], [[0] * 3] * 3])
    coarse = DenseGraphs(torch.ones(2, 3, 1), adj, torch.tensor([2, 3]))
    coarse.edge_attr = torch.arange(18.0).view(2, 3, 3, 1)
    out = OnEdges(Spy(2), 2)(coarse, torch.ones(2, 3, 1))
    assert out.shape == (2, 3, 2) and seen["x"].shape == (5, 1)
    assert seen["edge_index"].tolist() == [[0, 1, 1], [1, 0, 1]]
    assert seen["edge_weight"].tolist() == [2, 3, 1]
    assert seen["edge_attr"].flatten().tolist() == [1, 3, 4]
    assert seen["batch"].tolist() == [0, 0, 1, 1, 1]


def test_coarse_levels_through_edges_equal_the_dense_counterpart():
    torch.manual_seed(0)
    adj = torch.rand(2, 4, 4)
    adj = adj + adj.transpose(1, 2)
    level = DenseGraphs(torch.randn(2, 4, 3), adj)
    sparse, dense = GCNConv(3, 5), DenseGCNConv(3, 5)
    dense.load_state_dict(sparse.state_dict())
    plain = adj - torch.diag_embed(adj.diagonal(dim1=1, dim2=2))
    without = DenseGraphs(level.x, plain)  # PyG's dense layer overwrites the diagonal
    close(OnEdges(sparse, 5)(without, level.x), dense(level.x, adj))
    sage, full = SAGEConv(3, 5), DenseSAGEConv(3, 5)
    full.lin_rel.weight.data = sage.lin_l.weight.data
    full.lin_root.weight.data = sage.lin_r.weight.data
    full.lin_root.bias.data = sage.lin_l.bias.data
    close(OnEdges(sage, 5)(level, level.x), full(level.x, torch.ones_like(adj)))


def test_rows_that_are_no_nodes_reach_no_statistic():
    torch.manual_seed(0)
    net = made_by(lambda i, o: MLP([i, 6, o], norm="batch_norm"), 3, 2)
    x = torch.randn(1, 4, 3)
    expected = copy.deepcopy(net)(DenseGraphs(x, torch.zeros(1, 4, 4)), x)
    padded = torch.cat([x, torch.full((1, 3, 3), 50.0)], dim=1)
    wide = DenseGraphs(padded, torch.zeros(1, 7, 7), torch.tensor([4]))
    out = net(wide, padded)
    close(out[:, :4], expected)
    assert not out[:, 4:].any()


def test_a_linear_assignment_beside_a_gnn():
    torch.manual_seed(0)
    data = data_list()[1]
    layer = dpcore.DiffPool(3, 8, 4, assign_gnn=nn.Linear)
    assert isinstance(layer.embed, GNN) and isinstance(layer.assign.module, nn.Linear)
    close(layer(data).assignment, torch.softmax(layer.assign.module(data.x), -1))
    both = dpcore.DiffPool(3, 8, 4, gnn=SAGEConv, assign_gnn=nn.Linear)
    assert isinstance(both.embed.module, SAGEConv)
    assert isinstance(both.assign.module, nn.Linear)
    model = DiffPoolClassifier(3, 2, [4, 2], hidden=8, assign_gnn=nn.Linear)
    assert all(isinstance(level.assign.module, nn.Linear) for level in model.levels)
    assert all(isinstance(level.embed, GNN) for level in model.levels)


def test_dpcores_own_stack_from_a_factory_is_taken_as_it_is():
    made = made_by(lambda i, o: GNN(i, 6, o, num_layers=1), 3, 2)
    assert isinstance(made, GNN)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (dict(gnn=SAGEConv, num_layers=2), "num_layers came beside gnn"),
        (dict(gnn=SAGEConv, conv="sage", dropout=0.1), "conv, dropout came beside gnn"),
        (dict(gnn=SAGEConv, self_loops="replace"), "self_loops came beside gnn"),
        (dict(gnn=lambda i, o: None), r"gnn\(3, 8\) made a NoneType"),
        (dict(reduction="mean"), "reduction is 'mean', expected one of rms, frobenius"),
    ],
)
def test_what_a_layer_refuses(settings, message):
    with pytest.raises(ValueError, match=message):
        dpcore.DiffPool(3, 8, 4, **settings)
    if "gnn" in settings and "dropout" not in settings:
        with pytest.raises(ValueError, match=message):
            DiffPoolClassifier(3, 2, [4], hidden=8, **settings)


def test_a_convolution_of_another_width_is_told_apart():
    layer = dpcore.DiffPool(3, 8, 4, gnn=lambda i, o: GATConv(i, o, heads=2))
    with pytest.raises(ValueError, match=r"GATConv gives \[9, 16\], expected \[9, 8\]"):
        layer(data_list()[1])


# --- attributes of edges between clusters ---


@pytest.mark.parametrize("form", ["sparse", "dense"])
def test_a_coarse_edge_has_the_mean_attributes_of_its_edges(form):
    torch.manual_seed(0)
    n, k, a = 6, 3, 2
    adj = torch.rand(n, n).double() * (torch.rand(n, n) < 0.5)
    attr = torch.rand(n, n, a).double()
    s = torch.softmax(torch.randn(n, k).double(), -1)
    pooled = s.T @ adj @ s
    expected = torch.stack([s.T @ (adj * attr[..., r]) @ s for r in range(a)], -1)
    expected = expected / pooled.unsqueeze(-1)
    if form == "dense":
        graphs = DenseGraphs(torch.ones(1, n, 1).double(), adj[None])
        graphs.edge_attr = attr[None]
        got = coarsened_attributes(graphs, s[None], pooled[None])
    else:
        edges = adj.nonzero().T
        graphs = dpcore.SparseGraphs.from_edge_index(
            torch.ones(n, 1).double(),
            edges,
            edge_weight=adj[tuple(edges)],
            edge_attr=attr[tuple(edges)],
        )
        got = coarsened_attributes(graphs, s, pooled[None])
    close(got[0], expected)
    nothing = coarsened_attributes(
        graphs,
        got.new_zeros(s.shape if form == "sparse" else (1, n, k)),
        pooled[None] * 0,
    )
    assert nothing.isfinite().all() and not nothing.any()


def test_attributes_are_carried_to_the_level_that_reads_them():
    batch = Batch.from_data_list(data_list())
    reads = dpcore.DiffPool(3, 8, 4, gnn=FACTORIES["gine"])(batch)
    assert reads.edge_attr.shape == (3, 4, 4, 3)
    assert reads.graphs.edge_attr is reads.edge_attr
    assert dpcore.DiffPool(3, 8, 4, gnn=SAGEConv)(batch).edge_attr is None
    assert dpcore.DiffPool(3, 8, 4)(batch).edge_attr is None
    torch.manual_seed(0)
    model = DiffPoolClassifier(3, 2, [4, 2], 8, gnn=FACTORIES["gine"]).eval()
    before = model(batch).logits
    batch.edge_attr = batch.edge_attr.flip(1)
    assert (model(batch).logits - before).abs().max() > 1e-4
    gine = FACTORIES["gine"]  # which cannot do without them
    for own in (dict(clusters=[4], gnn=gine), dict(gnn=SAGEConv, assign_gnn=gine)):
        model = DiffPoolClassifier(3, 2, hidden=8, **own)
        assert model(batch).logits.isfinite().all()


# --- back to the nodes ---


@pytest.mark.parametrize("sizes", [[7], [5, 40, 1], [300, 200]])
def test_lift_is_s_times_the_coarse_rows_graph_by_graph(sizes):
    torch.manual_seed(0)
    s = torch.rand(sum(sizes), 4, dtype=torch.float64, requires_grad=True)
    coarse = torch.rand(len(sizes), 4, 3, dtype=torch.float64, requires_grad=True)
    batch = torch.arange(len(sizes)).repeat_interleave(torch.tensor(sizes))
    expected = torch.cat([a @ b for a, b in zip(s.split(sizes), coarse, strict=True)])
    got = dpcore.lift(coarse, s, batch if len(sizes) > 1 else None)
    close(got, expected)
    weight = torch.rand_like(got)
    ours = torch.autograd.grad((got * weight).sum(), (s, coarse))
    same(ours, torch.autograd.grad((expected * weight).sum(), (s, coarse)))
    if len(sizes) == 1:
        close(dpcore.lift(coarse[0], s), expected)


def test_lift_goes_up_through_dense_levels():
    batch = union(random_graphs([9, 6]))
    first = dpcore.DiffPool(3, 8, 4).double()(batch)
    second = dpcore.DiffPool(8, 8, 2).double()(first.graphs)
    middle = dpcore.lift(second.x, second.assignment)
    close(middle, second.assignment @ second.x)
    top = dpcore.lift(middle, first.assignment, batch.batch)
    close(top[9:], first.assignment[9:] @ middle[1])


@pytest.mark.parametrize(
    ("coarse", "s", "batch", "message"),
    [
        ((2, 4, 3), (9, 5), None, r"\[2, 4, 3\] and s \[9, 5\], expected"),
        ((2, 4, 3), (1, 9, 4), None, r"and s \[1, 9, 4\], expected"),
        ((2, 4, 3), (9, 4), None, "x_coarse holds 2 graphs, batch 1"),
        ((4,), (9, 4), None, r"x_coarse has shape \[4\]"),
    ],
)
def test_what_lift_refuses(coarse, s, batch, message):
    with pytest.raises(ValueError, match=message):
        dpcore.lift(torch.ones(coarse), torch.ones(s), batch)
