"""Every row of the tables hands on what it is given, reads the edges' direction where
it reads edges, and keeps nothing of one data set for another."""

import dataclasses
import inspect

import pytest
import torch
from reference import random_graphs, union
from torch import nn
from torch_geometric.nn import GINEConv, SAGEConv

import dpcore
from dpcore.graphs import SparseGraphs
from dpcore.models import MODELS, accepted_settings, data_settings
from dpcore.models.ecc import by_attribute
from dpcore.models.gin import GINLayer
from dpcore.models.output import classifier_head
from dpcore.models.sortpool import sort_pool
from dpcore.models.walks import WalksClassifier

NAMES = list(MODELS)
BLIND = [name for name in NAMES if name == "mlp" or "blind" in name]
WITHOUT_DIRECTION = [*BLIND, "patchysan"]


def batch_of(sizes=(12, 15, 11), seed=0, classes=2):
    graphs = union(random_graphs(list(sizes), seed, directed=True, dtype=torch.float32))
    return dataclasses.replace(graphs, y=torch.arange(len(sizes)) % classes)


def build(name, graphs, seed=0, **settings):
    torch.manual_seed(seed)
    sizes = dict(num_features=3, num_classes=2, max_nodes=16, hidden=8)
    sizes |= data_settings(name, graphs) | settings
    return dpcore.build_model(name, **sizes)


def shapes(model):
    return sorted(tuple(p.shape) for p in model.parameters())


@pytest.mark.parametrize("name", NAMES)
def test_dropout_is_handed_on(name):
    """0.5 makes passes differ in training, 0 none; in evaluation neither does."""
    graphs = batch_of()
    for dropout, differ in ((0.5, True), (0.0, False)):
        model = build(name, graphs, dropout=dropout)
        torch.manual_seed(1)
        passes = [model(graphs).logits for _ in range(4)]
        assert differ == any(not torch.equal(passes[0], other) for other in passes[1:])
        model.eval()
        assert torch.equal(model(graphs).logits, model(graphs).logits)
    model = build(name, graphs, dropout=0.9)
    own = [part for part in model.modules() if type(part).__module__[:7] == "dpcore."]
    assert {getattr(part, "dropout", 0.9) for part in own} == {0.9}


@pytest.mark.parametrize("name", NAMES)
def test_every_size_is_handed_on(name):
    graphs = batch_of()
    usual = shapes(build(name, graphs))
    assert shapes(build(name, graphs, hidden=9)) != usual
    assert shapes(build(name, graphs, num_classes=5)) != usual
    assert build(name, graphs, num_classes=5)(graphs).logits.shape == (3, 5)
    values = dict(num_layers=2, levels=1, ratio=0.7, conv="sage-none")
    values |= dict(k=14, width=16, field=4)
    for setting, value in values.items():
        if setting in accepted_settings(name):
            changed = build(name, graphs, **{setting: value})
            out = changed(graphs)
            assert out.logits.shape == (3, 2)
            if setting == "ratio":  # 0.7 of 16 nodes
                assert out.assignments[0].size(1) == 12
            else:
                assert shapes(changed) != usual, setting


@pytest.mark.parametrize("name", [n for n in NAMES if n not in WITHOUT_DIRECTION])
def test_rows_that_read_edges_read_their_direction(name):
    graphs = batch_of()
    turned = SparseGraphs.from_edge_index(
        graphs.x, graphs.edge_index.flip(0), graphs.batch, graphs.edge_weight
    )
    model = build(name, graphs, dropout=0.0).eval()
    there, back = model(graphs).logits, model(turned).logits
    if name == "diffpool-det":  # its clusters are of undirected edges, its GNNs are not
        assert not torch.allclose(there, back, atol=1e-6)
    assert not torch.allclose(there, back, atol=1e-6)


@pytest.mark.parametrize("name", NAMES)
def test_the_last_smaller_batch_is_like_any_other(name):
    """One graph alone, and in the company of others, after others were seen."""
    graphs = batch_of((12, 15, 11, 13))
    model = build(name, graphs, dropout=0.0).eval()
    whole = model(graphs).logits
    for ids in ([3], [0, 2], [1, 3, 0]):
        torch.testing.assert_close(
            model(graphs.select(ids)).logits, whole[ids], rtol=1e-4, atol=1e-5
        )


@pytest.mark.parametrize("name", NAMES)
def test_a_model_keeps_nothing_of_one_data_set_for_the_next(name):
    first, second = batch_of(), batch_of(seed=1)
    model = build(name, first, dropout=0.0).eval()
    model(first)
    after = model(second).logits
    alone = build(name, first, dropout=0.0).eval()(second).logits
    assert torch.equal(after, alone)


@pytest.mark.parametrize("name", NAMES)
def test_two_models_of_other_settings_share_one_data_set(name):
    """What is found once for a data set is found once for each setting."""
    graphs = batch_of()
    some = {"patchysan": [dict(width=10), dict(width=12), dict(field=3)]}
    some |= {"diffpool-random": [dict(ratio=0.5), dict(ratio=0.25), dict(levels=1)]}
    some |= {"diffpool-det": [dict(ratio=0.5), dict(ratio=0.25), dict(per_graph=True)]}
    for settings in some.get(name, [dict(hidden=4), dict(hidden=6)]):
        model = build(name, graphs, dropout=0.0, **settings).eval()
        fresh = SparseGraphs(graphs.x, graphs.adjacency, graphs.ptr)
        assert torch.equal(model(graphs).logits, model(fresh).logits)


def test_the_recipe_builds_the_same_model():
    graphs = batch_of()
    for name in NAMES:
        model = build(name, graphs, dropout=0.35)
        again = dict(model.recipe)
        assert (again["name"], again["dropout"], again["hidden"]) == (name, 0.35, 8)
        rebuilt = dpcore.build_model(**again)
        assert shapes(rebuilt) == shapes(model)
    for factory in ("gnn", "assign_gnn"):  # which no file can hold
        model = build("diffpool", graphs, **{factory: nn.Linear})
        assert not hasattr(model, "recipe")


def test_what_the_models_offer_is_found_when_it_is_asked_for():
    from dpcore.models import gin

    found = dpcore.models.__getattr__("GINClassifier")
    assert found is gin.GINClassifier and vars(dpcore.models)["GINClassifier"] is found
    with pytest.raises(AttributeError, match="models' has no attribute 'nothing'"):
        dpcore.models.nothing  # noqa: B018


def test_the_head_is_two_layers_with_a_relu_between():
    torch.manual_seed(0)
    first, _, second = head = classifier_head(4, 9, 3)
    x = torch.randn(5, 4)
    hidden = (x @ first.weight.T + first.bias).clamp(min=0)
    torch.testing.assert_close(head(x), hidden @ second.weight.T + second.bias)


@pytest.mark.parametrize(
    "name", ["diffpool", "diffpool-hard", "s2v-1diffpool", "s2v-2diffpool"]
)
def test_the_weights_of_the_losses_are_handed_on(name):
    graphs = batch_of()
    model = build(name, graphs, link_weight=0.3, entropy_weight=0.7, dropout=0.0).eval()
    out = model(graphs)
    assert out.link_loss > 0 and out.entropy_loss > 0 or name == "diffpool-hard"
    expected = 0.3 * out.link_loss + 0.7 * out.entropy_loss
    torch.testing.assert_close(out.auxiliary, expected)


@pytest.mark.parametrize("levels", [1, 2])
@pytest.mark.parametrize("per_graph", [True, False])
def test_clusters_a_graph(per_graph, levels):
    graphs = batch_of((12, 16, 4))
    own = dict(ratio=0.5, per_graph=per_graph, levels=levels, dropout=0.0)
    model = build("diffpool", graphs, **own).eval()
    masses = graphs.sum(model(graphs).assignments[0])
    used = (masses > 0).sum(1).tolist()
    assert used == ([6, 8, 2] if per_graph else [8, 8, 8])


def test_batch_norm_sees_each_batch_once():
    """A model in training changes its running statistics, in evaluation it does not."""
    graphs = batch_of()
    for name in NAMES:
        model = build(name, graphs, dropout=0.0)
        buffers = {k: v.clone() for k, v in model.state_dict().items()}
        model.eval()
        model(graphs)
        assert all(torch.equal(v, buffers[k]) for k, v in model.state_dict().items())
        assert all(isinstance(m, nn.Module) for m in model.modules())


@pytest.mark.parametrize("conv", ["gcn", "sage"])
def test_every_network_of_a_diffpool_gets_the_stack_s_settings(conv):
    own = dict(conv=conv, num_layers=2, self_loops="replace", dropout=0.25)
    model = build("diffpool", batch_of(), hidden=7, levels=2, ratio=0.5, **own)
    clusters = [8, 4]  # of 16 nodes
    nets = [(model.last, 7), *((level.embed, 7) for level in model.levels)]
    nets += [(lv.assign, k) for lv, k in zip(model.levels, clusters, strict=True)]
    for net, width in nets:
        first, last = net.layers
        assert len(net.layers) == 2 and net.dropout == 0.25
        if conv == "gcn":
            assert {first.self_loops, last.self_loops} == {"replace"}
            assert (first.weight.size(1), last.weight.size(1)) == (7, width)
        else:
            assert first.root.out_features == last.root.out_features == 7
            assert net.join.out_features == width


def test_a_factory_for_s_alone_makes_s_alone():
    def of(kind):
        def make(i, o):
            net = nn.Linear(i, o)
            net.kind = kind
            return net

        return make

    model = build("diffpool", batch_of(), gnn=of("z"), assign_gnn=of("s"))
    for level in model.levels:
        kinds = level.embed.module.kind, level.assign.module.kind
        assert kinds == ("z", "s")
    assert model.last.module.kind == "z"


@pytest.mark.parametrize("own", [{}, dict(assignments="hard"), dict(per_graph=True)])
def test_a_detached_level_has_the_same_losses(own):
    """Their values; what differs is the gradient."""
    graphs, models = batch_of(), {}
    for repair in (None, "detached"):
        settings = dict(repair=repair, ratio=0.5, **own)  # 8 clusters, then 4
        models[repair] = build("diffpool", graphs, **settings).eval()
    plain, detached = (model(graphs) for model in models.values())
    torch.testing.assert_close(detached.link_loss, plain.link_loss)
    torch.testing.assert_close(detached.entropy_loss, plain.entropy_loss)


def test_of_a_ratio_of_one_a_graph_has_as_many_clusters_as_nodes():
    graphs = batch_of((3, 5))
    model = dpcore.models.DiffPoolClassifier(3, 2, clusters=[9], ratio=1.0)
    (s,) = model(graphs).assignments
    assert (s > 0).sum(1).tolist() == [3] * 3 + [5] * 5


@pytest.mark.parametrize("levels", [1, 3])
def test_there_are_as_many_levels_as_asked_for(levels):
    graphs = batch_of()
    out = build("diffpool", graphs, levels=levels, ratio=0.5)(graphs)
    assert [s.size(-1) for s in out.assignments] == [8, 4, 2][:levels]


@pytest.mark.parametrize(
    ("name", "value"),
    [("num_layers", 2), ("conv", "sage"), ("dropout", 0.1), ("self_loops", "replace")],
)
def test_every_setting_of_the_own_stack_is_refused_beside_a_factory(name, value):
    with pytest.raises(ValueError, match=f"^{name} came beside gnn"):
        dpcore.models.DiffPoolClassifier(3, 2, gnn=nn.Linear, **{name: value})


def test_the_layer_of_gin_is_that_of_its_formula():
    """BatchNorm inside the MLP and after it, here by the batch's own statistics."""
    graphs = batch_of()
    torch.manual_seed(0)
    layer = GINLayer(3, 4)
    layer.epsilon.data.fill_(0.3)
    first, last = layer.mlp[0], layer.mlp[-1]

    def norm(h):
        return (h - h.mean(0)) / (h.var(0, correction=0) + 1e-5).sqrt()

    total = 1.3 * graphs.x + graphs.propagate(graphs.x)
    expected = norm(last(norm(first(total)).relu())).relu()
    torch.testing.assert_close(layer(graphs, graphs.x), expected)


def test_an_edge_of_negative_weight_counts_in_ecc():
    x, edges = torch.ones(2, 1), torch.tensor([[0, 0], [0, 1]])
    weight = torch.tensor([-3.0, 1.0])
    graphs = SparseGraphs.from_edge_index(x, edges, edge_weight=weight)
    assert (by_attribute(graphs, 0) @ x).tolist() == [[-1.0], [0.0]]


def test_the_usual_settings_are_those_of_the_papers():
    def usual(model):
        parameters = inspect.signature(model).parameters.values()
        return {p.name: p.default for p in parameters if p.default is not p.empty}

    own = dict(hidden=64, num_layers=3, dropout=0.6)
    assert usual(dpcore.models.Set2SetClassifier) == own | dict(conv="sage", steps=3)
    assert usual(dpcore.models.FlatClassifier) == own | dict(conv="gcn", readout="mean")
    assert usual(dpcore.models.GINClassifier) == own
    of_losses = dict(link_weight=1.0, entropy_weight=1.0, ratio=None, repair=None)
    of_losses |= dict(reduction="rms")
    of_losses |= dict(assignments="learned", gnn=None, assign_gnn=None)
    stack = own | dict(conv="gcn", self_loops="add", clusters=(38, 10))
    assert usual(dpcore.models.DiffPoolClassifier) == stack | of_losses
    levels = dpcore.models.DiffPoolClassifier(3, 2).levels
    shapes = [tuple(level.assign.layers[-1].weight.shape) for level in levels]
    assert shapes == [(64, 38), (64, 10)]
    assert usual(dpcore.build_model) == dict(max_nodes=150, hidden=64, dropout=0.6)
    assert usual(dpcore.models.SortPoolClassifier) == own | dict(k=30)
    assert usual(dpcore.models.ECCClassifier) == own | dict(edge_features=0)
    walks = WalksClassifier(3, 2, clusters=[4])
    assert (walks.link_weight, walks.entropy_weight) == (1.0, 0.3)
    model = dpcore.models.PatchySanClassifier(3, 2)
    assert (model.one_field.out_features, model.ten_fields.out_channels) == (16, 8)
    assert dpcore.models.Set2SetClassifier(3, 2, conv="gcn").gnn.join is None


def test_what_no_model_has_is_refused():
    with pytest.raises(ValueError, match="readout is 'first', expected mean, max or"):
        dpcore.models.FlatClassifier(3, 2, readout="first")
    layers = dpcore.models.FlatClassifier(3, 2).gnn.layers
    assert {layer.self_loops for layer in layers} == {"add"}
    for name in NAMES:
        able = name.startswith("diffpool") and name != "diffpool-walks"
        assert ("gnn" in accepted_settings(name)) == able


def test_the_link_loss_of_walks_teaches_its_assignments():
    model = WalksClassifier(3, 2, clusters=[4], entropy_weight=0.0)
    model(batch_of()).auxiliary.backward()
    assert any(bool(p.grad.any()) for p in model.assign.parameters())
    model.zero_grad()
    model(batch_of()).logits.square().sum().backward()  # and so do the walks
    assert any(bool(p.grad.any()) for p in model.assign.parameters())


def test_clusters_of_clusters_are_a_share_of_their_whole_number():
    """Not of what the share was before it was made whole."""
    assert dpcore.models.num_clusters(6, 0.4, 2) == [3, 2]


def test_the_classifier_is_as_wide_as_all_else():
    rows = "diffpool s2v-1diffpool diffpool-walks gcn-mean gin ecc set2set sortpool"
    for name in rows.split():
        first, _, last = build(name, batch_of(), hidden=9).head
        assert first.out_features == last.in_features == 9


def test_what_is_read_off_the_data_is_read_off_all_graphs():
    """SortPool keeps the nodes that three of five graphs have, ECC reads edges."""
    graphs = batch_of((12, 25, 11, 28, 30))
    assert data_settings("sortpool", graphs) == dict(k=25)


def test_nodes_are_sorted_by_all_the_digits_they_have():
    z = torch.tensor([[1.0, 0.5], [2.0, 0.5 + 1e-12], [3.0, 0.5]], dtype=torch.float64)
    graph = SparseGraphs.from_edge_index(z, torch.empty(2, 0, dtype=torch.long))
    assert sort_pool(graph, z, 3)[0, :, 0].tolist() == [2.0, 3.0, 1.0]


def test_attributes_reach_a_second_level_that_alone_reads_them():
    def assign(i, o):
        return SAGEConv(i, o) if i == 3 else GINEConv(nn.Linear(i, o), edge_dim=2)

    graphs = batch_of()
    attributes = torch.rand(graphs.edge_index.size(1), 2)
    graphs = dataclasses.replace(graphs, attributes=attributes)
    own = dict(hidden=8, gnn=SAGEConv, assign_gnn=assign)
    model = dpcore.models.DiffPoolClassifier(3, 2, [4, 2], **own)
    assert model(graphs).logits.isfinite().all()


def test_a_small_graph_may_have_one_cluster_of_its_own():
    """ceil(0.5 · 2) of them; then the entries of S in the others are 0."""
    graphs = batch_of((2, 12))
    model = build("diffpool", graphs, ratio=0.5, per_graph=True, dropout=0.0).eval()
    s = model(graphs).assignments[0]
    assert s[:2, 0].tolist() == [1.0, 1.0] and not s[:2, 1:].any()


@pytest.mark.parametrize("factories", [("gnn",), ("gnn", "assign_gnn")])
def test_a_factory_s_assignments_are_as_wide_as_there_are_clusters(factories):
    model = build("diffpool", batch_of(), ratio=0.5, **dict.fromkeys(factories, linear))
    made = [
        (level.embed.module.made, level.assign.module.made) for level in model.levels
    ]
    assert made == [((3, 8), (3, 8)), ((8, 8), (8, 4))]  # 8 and 4 clusters
    narrow = build("diffpool", batch_of(), ratio=0.25, gnn=linear)
    assert narrow.levels[0].assign.module.made == (3, 4)
    assert narrow.last.module.made == (8, 8)


def linear(i, o):
    net = nn.Linear(i, o)
    net.made = (i, o)
    return net


def test_one_level_of_a_sage_stack_is_read_before_and_after_it():
    model = build("diffpool", batch_of(), conv="sage", levels=1)
    assert model.head[0].in_features == 2 * 8
    flat = build("diffpool", batch_of(), conv="sage", levels=0)
    assert flat.head[0].in_features == 8


def test_ecc_drops_what_its_norms_and_relu_made():
    """Not what goes into them, and then the zeros are no longer zeros."""
    graphs, seen = batch_of(), []
    model = build("ecc", graphs, dropout=0.5)
    for layer in [*model.layers, *model.norms]:
        layer.register_forward_hook(lambda _, given, made: seen.append(given))
    model(graphs)
    first_layer, first_norm, second_layer, *_ = seen
    assert torch.equal(first_layer[1], graphs.x)
    assert first_norm[0].count_nonzero() == first_norm[0].numel()
    assert (second_layer[1] >= 0).all() and not second_layer[1].all()


def test_gin_drops_of_all_its_sums_a_graph_at_a_time():
    torch.manual_seed(0)
    model = build("gin", batch_of(), dropout=0.75, hidden=40)
    seen = []
    model.head.register_forward_pre_hook(lambda _, given: seen.append(given[0]))
    model(batch_of())
    for sums in seen[0].split([3, 40, 40, 40], dim=1)[1:]:
        assert 0.6 < float((sums == 0).double().mean())  # ReLU leaves none of these 0


def test_set2set_asks_as_often_as_it_is_told():
    for steps in (1, 2, 5):
        model = build("set2set", batch_of(), steps=steps)
        assert model.readout.processing_steps == steps


@pytest.mark.parametrize("rounding, clusters", [(0.3, 5), (0.4, 7)])
def test_one_level_of_walks_has_as_many_clusters_as_the_others(rounding, clusters):
    """ceil(ratio · 16)."""
    model = build("diffpool-walks", batch_of(), ratio=rounding)
    assert model(batch_of()).assignments[0].size(1) == clusters
    hard = build("diffpool-walks", batch_of(), assignments="hard")(batch_of())
    assert set(hard.assignments[0].detach().unique().tolist()) == {0.0, 1.0}


def test_every_row_of_structure2vec_takes_the_same_settings():
    """But for what its name decides: the levels, and of the flat one the ratio."""
    one, two = (accepted_settings(f"s2v-{i}diffpool") for i in (1, 2))
    assert one == two and "ratio" in one and "levels" not in one


def test_sizes_under_one_are_refused_and_one_is_not():
    sizes = dict(num_features=1, num_classes=1, max_nodes=1, hidden=1)
    dpcore.build_model("mlp", **sizes)
    for name in sizes:
        with pytest.raises(ValueError, match=f"^{name} is 0, expected at least 1"):
            dpcore.build_model("mlp", **sizes | {name: 0})


def test_the_other_readouts_of_graphsage_stand_on_its_layers():
    graphs = batch_of()
    sage, gcn = shapes(build("graphsage", graphs)), shapes(build("gcn-max", graphs))
    for name in ("graphsage-max", "graphsage-sum"):
        assert shapes(build(name, graphs)) == sage != gcn
