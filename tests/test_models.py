"""Models: the slide deck's in PyG's dense layers, weight for weight, and the rest."""

import inspect
import subprocess
import sys
from importlib import import_module

import pytest
import torch
from torch.nn import functional as F
from torch_geometric.nn import DenseGCNConv, dense_diff_pool
from torch_geometric.utils import to_dense_adj, to_dense_batch

import dpcore
from dpcore.models import (
    MODELS,
    accepted_settings,
    fixed_settings,
    num_clusters,
)


def random_batch(sizes, features=3, seed=0):
    generator = torch.Generator().manual_seed(seed)
    edges, batch, start = [], [], 0
    for graph, size in enumerate(sizes):
        pairs = torch.randint(0, size, (2, 2 * size), generator=generator) + start
        pairs = pairs[:, pairs[0] != pairs[1]]
        edges.append(torch.cat([pairs, pairs.flip(0)], dim=1).unique(dim=1))
        batch += [graph] * size
        start += size
    x = torch.rand(start, features, generator=generator)
    labels = torch.arange(len(sizes)) % 2
    return dpcore.SparseGraphs.from_edge_index(
        x, torch.cat(edges, dim=1), torch.tensor(batch), y=labels
    )


class DeckGNN(torch.nn.Module):
    """Three DenseGCNConv, ReLU after each, as on the slides."""

    def __init__(self, *widths):
        super().__init__()
        pairs = zip(widths[:-1], widths[1:], strict=True)
        self.convs = torch.nn.ModuleList(DenseGCNConv(i, o) for i, o in pairs)

    def forward(self, x, adj, mask=None):
        for conv in self.convs:
            x = F.relu(conv(x, adj, mask))
        return x

    def take(self, gnn):
        for conv, layer in zip(self.convs, gnn.layers, strict=True):
            conv.lin.weight.data = layer.weight.data.T.contiguous()
            torch.nn.init.normal_(layer.bias, std=0.3)
            conv.bias.data = layer.bias.data.clone()


def deck_logits(model, x, adj, mask):
    """The deck's forward pass in PyG's dense operator, without its last softmax."""
    gnns = [model.levels[0].assign, model.levels[0].embed, model.levels[1].assign]
    gnns += [model.levels[1].embed, model.last]
    own = [DeckGNN(*_widths(gnn)) for gnn in gnns]
    for deck, gnn in zip(own, gnns, strict=True):
        deck.take(gnn)
    pool_1, embed_1, pool_2, embed_2, embed_3 = own
    x, adj, _, _ = dense_diff_pool(
        embed_1(x, adj, mask), adj, pool_1(x, adj, mask), mask
    )
    x, adj, _, _ = dense_diff_pool(embed_2(x, adj), adj, pool_2(x, adj))
    return model.head(embed_3(x, adj).mean(dim=1))


def _widths(gnn):
    return [
        gnn.layers[0].weight.size(0),
        *(layer.weight.size(1) for layer in gnn.layers),
    ]


def test_equal_weights_give_the_logits_of_the_decks_dense_model():
    torch.manual_seed(1)
    graphs = random_batch([5, 40, 33, 150, 1, 64])
    model = dpcore.build_model(
        "diffpool", num_features=3, num_classes=2, dropout=0.0, self_loops="replace"
    )
    x, mask = to_dense_batch(graphs.x, graphs.batch, max_num_nodes=150)
    adj = to_dense_adj(graphs.edge_index, graphs.batch, max_num_nodes=150)
    expected = deck_logits(model, x, adj, mask)
    assert expected.std() > 0.01  # not one constant for all graphs
    torch.testing.assert_close(model(graphs).logits, expected, atol=1e-5, rtol=0)
    for layer in [*model.levels[1].embed.layers, *model.last.layers]:
        layer.self_loops = "add"  # keeps the mass inside each cluster
    assert (model(graphs).logits - expected).abs().max() > 1e-4


@pytest.mark.parametrize("name", MODELS)
def test_every_model_does_not_depend_on_node_order_or_the_rest_of_the_batch(name):
    torch.manual_seed(0)
    graphs = random_batch([7, 20, 1, 35])
    model = dpcore.build_model(name, num_features=3, num_classes=2, max_nodes=40).eval()
    together = model(graphs).logits
    alone = torch.cat([model(graphs.select([g])).logits for g in range(4)])
    torch.testing.assert_close(together, alone, atol=1e-5, rtol=1e-5)
    if name == "diffpool-random":  # a node's draw is decided by its place
        return
    order = torch.cat(
        [graphs.ptr[g] + torch.randperm(int(graphs.sizes[g])) for g in range(4)]
    )
    place = order.argsort()
    shuffled = dpcore.SparseGraphs.from_edge_index(
        graphs.x[order], place[graphs.edge_index], graphs.batch
    )
    torch.testing.assert_close(model(shuffled).logits, together, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("name", MODELS)
def test_every_parameter_gets_a_gradient(name):
    torch.manual_seed(0)
    graphs = random_batch([12, 20, 9, 30])
    model = dpcore.build_model(
        name, num_features=3, num_classes=2, max_nodes=20, dropout=0.0
    )
    out = model(graphs)
    (F.cross_entropy(out.logits, graphs.y) + out.auxiliary).backward()
    without = [n for n, p in model.named_parameters() if p.grad is None]
    assert without == []
    assert all(p.grad.isfinite().all() for p in model.parameters())


def test_only_the_structure_blind_models_ignore_the_edges():
    graphs = random_batch([12, 20])
    empty = dpcore.SparseGraphs.from_edge_index(
        graphs.x, torch.empty(2, 0, dtype=torch.long), graphs.batch
    )
    for name in MODELS:
        torch.manual_seed(0)
        model = dpcore.build_model(name, num_features=3, num_classes=2).eval()
        same = torch.equal(model(graphs).logits, model(empty).logits)
        assert same == (name == "mlp" or "blind" in name), name


@pytest.mark.parametrize("readout", ["", "-max", "-sum"])
def test_graphsage_blind_is_graphsage_on_graphs_without_edges(readout):
    graphs = random_batch([12, 20, 5])
    none = torch.empty(2, 0, dtype=torch.long)
    empty = dpcore.SparseGraphs.from_edge_index(graphs.x, none, graphs.batch)
    sizes = dict(num_features=3, num_classes=2, dropout=0.0)
    sage = dpcore.build_model(f"graphsage{readout}", **sizes)
    blind = dpcore.build_model(f"graphsage-blind{readout}", **sizes)
    weights = sage.state_dict()
    own = {name.replace("linear", "root"): name for name in blind.state_dict()}
    blind.load_state_dict({own[name]: weights[name] for name in own})
    for mode in (True, False):  # batch norm by this batch, then by the running figures
        expected = sage.train(mode)(empty).logits
        torch.testing.assert_close(blind.train(mode)(graphs).logits, expected)


def test_the_variants_leave_out_one_loss_each():
    graphs = random_batch([12, 20])
    expected = {
        "diffpool": lambda out: out.link_loss + out.entropy_loss,
        "diffpool-nolp": lambda out: out.entropy_loss,
        "diffpool-noentropy": lambda out: out.link_loss,
        "gcn-mean": lambda out: torch.tensor(0.0),
    }
    for name, auxiliary in expected.items():
        model = dpcore.build_model(name, num_features=3, num_classes=2)
        out = model(graphs)
        torch.testing.assert_close(out.auxiliary, auxiliary(out))
        if name != "gcn-mean":
            assert out.link_loss > 0 and out.entropy_loss > 0


def test_flat_readouts_are_mean_max_and_sum():
    graphs = random_batch([4, 9])
    stacks = ("gcn-{}", "graphsage-{}", "graphsage-blind-{}")
    reductions = dict(mean=torch.mean, sum=torch.sum, max=torch.amax)
    rows = {s.format(name): r for s in stacks for name, r in reductions.items()}
    rows |= {"graphsage": rows.pop("graphsage-mean"), "mlp": torch.sum}
    rows |= {"graphsage-blind": rows.pop("graphsage-blind-mean")}
    for name, reduce in rows.items():
        model = dpcore.build_model(name, num_features=3, num_classes=2).eval()
        z = model.gnn(graphs, graphs.x)
        rows = [reduce(part, dim=0) for part in z.split(graphs.sizes.tolist())]
        expected = model.head(torch.stack(rows))
        torch.testing.assert_close(model(graphs).logits, expected)


def test_clusters_follow_the_ratio():
    assert num_clusters(150, 0.25, 2) == [38, 10]
    assert num_clusters(3, 0.1, 3) == [1, 1, 1]
    model = dpcore.build_model(
        "diffpool", num_features=3, num_classes=2, max_nodes=100, ratio=0.1, levels=1
    )
    out = model(random_batch([6, 3]))
    assert [tuple(s.shape) for s in out.assignments] == [(9, 10)]


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("nope", {}, "name is 'nope'.*diffpool"),
        ("diffpool", {"hidden": 0}, "hidden is 0"),
        ("mlp", {"num_classes": 0}, "num_classes is 0, expected at least 1"),
        ("mlp", {"num_features": 0}, "num_features is 0"),
        ("diffpool", {"max_nodes": 0}, "max_nodes is 0"),
        ("diffpool", {"dropout": 1.0}, "dropout is 1.0"),
        ("diffpool", {"conv": "gat"}, "conv is 'gat'"),
        ("mlp", {"conv": "sage"}, "mlp does not take conv"),
        ("mlp", {"ratio": 0.5}, "mlp does not take these settings.*ratio"),
    ],
)
def test_bad_settings_are_named(name, settings, message):
    with pytest.raises(ValueError, match=message):
        dpcore.build_model(name, **{"num_features": 3, "num_classes": 2, **settings})


def arguments_of(name):
    """What the builder of a row can be given, read off its signature."""
    row = MODELS[name]
    module, function = row.builder.split(":")
    builders = [getattr(import_module(f"dpcore.models.{module}"), function)]
    if row.has_clusters:  # hands the rest on
        made = inspect.signature(builders[0], eval_str=True).return_annotation
        builders.append(made)
    names = {p for builder in builders for p in inspect.signature(builder).parameters}
    handed_over = {"settings", "clusters"} if row.has_clusters else set()
    return names - {"num_features", "num_classes"} - handed_over


@pytest.mark.parametrize("name", MODELS)
def test_a_row_names_the_arguments_of_its_builder(name):
    row = MODELS[name]
    named = set(row.takes) | row.fixes.keys()
    assert not set(row.takes) & row.fixes.keys()
    assert row.from_data.keys() <= row.takes
    unused = set() if row.has_clusters else {"max_nodes", "readout"}
    if row.fixes.get("conv") == "s2v":  # the conv is the row
        unused |= {"gnn", "assign_gnn"}
    if row.fixes.get("link_weight") == 0:  # and no loss to scale
        unused |= {"reduction"}
    assert arguments_of(name) - named - unused == set()
    assert named - arguments_of(name) <= {"max_nodes"}
    assert accepted_settings(name) == row.takes
    assert fixed_settings(name) == row.fixes.keys()


def test_a_name_and_a_setting_are_refused_without_torch():
    script = """
import sys
from dpcore.models.rows import MODELS, check_settings
for name, settings in (("NOPE", {}), ("mlp", {"k": 3})):
    try:
        check_settings(name, settings)
    except ValueError as error:
        print(error)
assert "torch" not in sys.modules and "numpy" not in sys.modules
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("name is 'NOPE', expected one of diffpool, ")
    assert "mlp does not take these settings: k; it takes dropout" in done.stdout


def test_gradients_stay_finite_where_a_cluster_has_almost_no_mass():
    graphs = random_batch([12, 20])
    for conv in ("gcn", "sage"):
        torch.manual_seed(0)
        model = dpcore.build_model(
            "diffpool", num_features=3, num_classes=2, conv=conv, dropout=0.0
        )
        shrink = torch.linspace(0, -120, 38)  # cluster masses down to exp(-120)
        level = model.levels[0].assign
        level.forward = lambda graphs, h, s=shrink: s + 0 * h[:, :1]
        out = model(graphs)
        (F.cross_entropy(out.logits, graphs.y) + out.auxiliary).backward()
        for name, weight in model.named_parameters():
            assert weight.grad is None or weight.grad.isfinite().all(), name
