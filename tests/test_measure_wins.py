"""The measurement behind chapter 12: the graphs of every part, what each row is given,
which epoch and which setting are chosen, and by which part."""

import json
import sys
from types import SimpleNamespace

import measure_wins as tool
import networkx as nx
import numpy as np
import pytest
import torch
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.metrics import adjusted_mutual_info_score
from torch import nn
from torch.nn import functional as F

import dpcore
from dpcore.data import wirings
from dpcore.graphs import DenseGraphs
from dpcore.models.walks import closed_walks

SMALL = dict(train=8, validation=4, test=6, seen=2, larger=2, epochs=3, batch_size=3)


@pytest.fixture(scope="module")
def parts():
    return tool.all_parts("shown", "true", 1, SMALL)


@pytest.mark.parametrize(
    ("family", "name", "kinds", "number", "more"),
    [
        ("shown", "train", "train", 0, {}),
        ("shown", "seen", "train", 3, {}),
        ("shown", "larger", "test", 4, {}),
        ("noise", "validation", "validation", 1, dict(noise=1 / 3)),
        ("hidden", "test", "test", 2, dict(bridges=12, features="tags", noise=1 / 6)),
    ],
)
def test_a_part_has_its_own_wirings_and_its_own_graphs(
    family, name, kinds, number, more
):
    size = 24 if name == "larger" else 12
    found = tool.part(family, name, size, 2, 4)
    own = getattr(wirings.wirings(2), kinds)
    expected = wirings.draw(own, 4, size=size, seed=3000 + 100 * number + size, **more)
    for i, graph in enumerate(expected):
        x = graph.x.double().numpy()
        adj = np.zeros((len(x), len(x)))
        adj[tuple(graph.edge_index.numpy())] = 1
        np.testing.assert_array_equal(found.adj[i], adj)
        steps = [np.linalg.matrix_power(adj / 4, hops) @ x for hops in range(4)]
        np.testing.assert_allclose(found.x[i], np.hstack(steps), atol=1e-6)
        assert torch.equal(found.community[i], graph.community)
        assert int(found.y[i]) == int(graph.y) == i % 2
    assert found.sparse.num_graphs == 4


def test_averages_are_scaled_by_the_training_part_where_something_is_learned(parts):
    scaled = tool.all_parts("shown", "walks", 1, SMALL)
    seen = parts["train"].x.flatten(0, 1)
    for name, of in scaled.items():
        own = (
            parts[name].x if name != "24" else tool.part("shown", "larger", 24, 1, 2).x
        )
        torch.testing.assert_close(of.x, (own - seen.mean(0)) / (seen.std(0) + 1e-6))
    assert list(scaled) == [*parts] == ["train", "validation", "test", "seen", "24"]
    for row in ("colours", "raw spectrum", "1-wl"):
        own = tool.all_parts("shown", row, 1, SMALL)
        assert torch.equal(own["test"].x, parts["test"].x)
    assert "24" not in tool.all_parts("noise", "walks", 1, SMALL)


@pytest.mark.parametrize("hard", [False, True])
def test_a_pooled_network_reads_the_walks_of_its_coarse_graph(parts, hard):
    x, adj, *_ = parts["train"]
    torch.manual_seed(0)
    model = tool.build("hard" if hard else "no losses", 4).eval()
    scores, losses, s = model(x, adj)
    logits = model.assign(x)
    pooled = dpcore.diff_pool(x[..., :1], DenseGraphs(x, adj), logits, hard=hard)
    assert torch.equal(s, pooled.assignment) and s.size(-1) == 6
    assert (s.amax(-1) == 1).all() == hard
    assert losses == (pooled.link_loss, pooled.entropy_loss)
    assert losses[0] != losses[1]
    torch.testing.assert_close(scores, model.head(closed_walks(pooled.adj)))


@pytest.mark.parametrize(("row", "k"), [("usual", 6), ("no diagonal of 24", 24)])
def test_the_usual_reader_is_one_sage_layer_on_the_coarse_graph(parts, row, k):
    x, adj, *_ = parts["train"]
    torch.manual_seed(0)
    model = tool.build(row, 4).eval()
    s = model.assign(x).softmax(-1)
    coarse, z = s.mT @ adj @ s, s.mT @ model.embed(x)
    if row != "usual":  # it sees other clusters only
        coarse = coarse * (1 - torch.eye(k))
    mean = coarse @ z / coarse.sum(2, keepdim=True)
    read = torch.relu(model.own(z) + model.near(mean)).mean(1)
    assert s.size(-1) == k
    torch.testing.assert_close(model(x, adj)[0], model.head(read))


@pytest.mark.parametrize("row", ["usual of true", "no diagonal of true"])
def test_a_reader_of_true_clusters_is_given_them(row):
    of = tool.all_parts("shown", row, 1, SMALL)["train"]
    plain = tool.all_parts("shown", "usual", 1, SMALL)["train"]
    s = F.one_hot(of.community, 6).float()
    assert torch.equal(of.x, torch.cat([plain.x, s], -1))
    torch.manual_seed(0)
    model = tool.build(row, 4).eval()
    assert not hasattr(model, "assign")
    coarse, z = s.mT @ of.adj @ s, s.mT @ model.embed(plain.x)
    if row.startswith("no"):
        coarse = coarse * (1 - torch.eye(6))
    mean = coarse @ z / coarse.sum(2, keepdim=True)
    read = torch.relu(model.own(z) + model.near(mean)).mean(1)
    scores, _, assignment = model(of.x, of.adj)
    torch.testing.assert_close(scores, model.head(read))
    assert torch.equal(assignment, s)


def test_rows_of_24_clusters():
    for row, reader in (("table", "table"), ("hard", "walks"), ("usual", "usual")):
        model = tool.build(f"{row} of 24", 4)
        assert model.assign[-1].out_features == 24 and model.reader == reader
        assert model.hard == (row == "hard") and model.diagonal
    assert tool.build("no losses of 24", 4).reader == "walks"
    assert tool.build("no diagonal", 4).assign[-1].out_features == 6
    assert tool.build("gin", 4, hidden=8).model.head[0].out_features == 8
    assert tool.build("flat", 4, hidden=8).embed[0].out_features == 8


def test_what_flat_networks_read(parts):
    x, adj, *_ = parts["train"]
    torch.manual_seed(0)
    flat, wide = (tool.build(row, 4).eval() for row in ("flat", "wide"))
    h = flat.embed(x)
    expected = flat.head(torch.cat([h.mean(1), h.amax(1)], 1))
    torch.testing.assert_close(flat(x, adj)[0], expected)
    assert flat.embed[0].out_features == 16 and wide.embed[0].out_features == 64
    gin = tool.build("gin", 4).eval()
    expected = gin.model(DenseGraphs(x[..., :4], adj)).logits  # own features alone
    torch.testing.assert_close(gin(x, adj)[0], expected)
    assert tool.build("k = 24", 4).assign[-1].out_features == 24


class Told(nn.Module):
    """Right about the share `right[e]` of the graphs of a part after epoch e, and sure
    of it by `sure[e]`. Its loss asks for lower `link` and `entropy`."""

    def __init__(self, right, sure=None):
        super().__init__()
        self.right, self.sure = right, sure or [1.0] * 9
        self.link, self.entropy = (nn.Parameter(torch.zeros(())) for _ in "12")
        self.register_buffer("age", torch.zeros((), dtype=torch.long))
        self.seen = []

    def forward(self, x, adj):
        losses = self.link, self.entropy
        if self.training:
            self.seen[-1:] = [[*(self.seen or [[]])[-1], *x[:, 0, 0].long().tolist()]]
            scores = self.link * 0 + torch.zeros(len(x), 2)
            return scores, losses, None
        y = x[:, 0, 1].long()
        told = self.right[int(self.age) - 1]
        share = told[len(x)] if isinstance(told, dict) else told
        sign = torch.ones(len(x), 1)
        sign[round(share * len(x)) :] = -1
        sure = self.sure[int(self.age) - 1]
        return sure * sign * (F.one_hot(y, 2) * 2.0 - 1), losses, None

    def train(self, mode=True):
        if mode:
            self.age += 1
            self.seen.append([])
        return super().train(mode)


def told_parts():
    """Parts of unlike sizes; a graph is its number and its class."""
    made = {}
    for name, n in dict(train=10, validation=40, test=20).items():
        y = torch.arange(n) % 2
        x = torch.stack([torch.arange(n), y], 1).float().unsqueeze(1)
        made[name] = SimpleNamespace(x=x, adj=x, y=y, community=None)
    return {
        name: tool.Part(one.x, one.adj, one.y, one.community, None)
        for name, one in made.items()
    }


def fitted(right, sure=None, seed=0, epochs=4, **setting):
    model = Told(right, sure)
    settings = dict(epochs=epochs, batch_size=4)
    record = tool.train(model, told_parts(), dict(lr=0.1) | setting, settings, seed)
    return model, record


@pytest.mark.parametrize(
    ("right", "sure", "best", "epochs"),
    [
        ([0.4, 0.8, 0.6, 0.2], None, 2, 4),
        ([0.4, 0.8, 0.8, 0.6], [1, 1, 2, 1], 2, 4),  # of equals the lower loss
        ([0.4, 0.8, 0.8, 0.6], [1, 2, 1, 1], 3, 4),
        ([0.4, 1.0, 0.6, 0.6], None, 2, 2),  # all are right: it ends
        ([0.4, 0.975, 0.6, 0.6], None, 2, 4),  # all but one: it goes on
    ],
)
def test_the_weights_of_the_best_validation_epoch_are_kept(right, sure, best, epochs):
    share = {40: right, 20: [0.95, 0.1, 0.2, 0.9], 10: [0.5] * 4}
    told = [{n: values[i] for n, values in share.items()} for i in range(4)]
    model, record = fitted(told, sure)
    assert int(model.age) == best and record["epochs"] == epochs
    assert record["validation"] == right[best - 1]
    assert (record["test"], record["train"]) == (share[20][best - 1], 0.5)
    assert record["parameters"] == 2


def test_training_ends_where_a_gradient_is_not_finite():
    """The step that would break the weights is not taken; what was best stays."""

    class Breaks(Told):
        def forward(self, x, adj):
            scores, losses, s = super().forward(x, adj)
            if self.training and self.age == 3:
                scores = scores + (self.link * 0).sqrt()
            return scores, losses, s

    model, settings = Breaks([0.4, 0.8, 0.6, 0.9]), dict(epochs=4, batch_size=4)
    record = tool.train(model, told_parts(), dict(lr=0.1), settings, 0)
    assert (record["stopped"], record["epochs"], record["validation"]) == (True, 3, 0.8)
    assert int(model.age) == 2 and model.link.isfinite()
    assert [len(seen) for seen in model.seen] == [10, 10, 4]  # no batch after it
    assert "stopped" not in fitted([0.5] * 4)[1]


def test_the_order_of_the_batches_is_the_seed_s():
    seen = [fitted([0.5] * 4, seed=seed)[0].seen for seed in (0, 0, 3)]
    assert seen[0] == seen[1] != seen[2]
    for epoch in seen[0]:
        assert sorted(epoch) == [*range(10)] != epoch
    assert seen[0][0] != seen[0][1]


@pytest.mark.parametrize("link", [0.0, 2.0])
@pytest.mark.parametrize("entropy", [0.0, 2.0])
def test_both_losses_are_weighed_by_the_setting(link, entropy):
    setting = {k: v for k, v in dict(link=link, entropy=entropy).items() if v}
    model, _ = fitted([0.5], epochs=1, **setting)
    assert (model.link < 0, model.entropy < 0) == (link > 0, entropy > 0)
    assert (model.link == 0, model.entropy == 0) == (link == 0, entropy == 0)


def test_clusters_are_counted_graph_by_graph():
    community = torch.arange(4).repeat(2, 1)
    one, four = torch.eye(4)[[0, 0, 0, 0]], torch.eye(4)
    found = tool.clusters(torch.stack([four, one]), community)
    assert found == dict(used=2.5, a_node=1.0, agree=0.5)
    assert tool.clusters(torch.full((2, 4, 4), 0.25), community)["a_node"] == 4


def test_assignments_that_are_not_learned(parts):
    of = parts["test"]
    true = tool.fixed_assignment("true", of, 0, 4)
    assert torch.equal(true.argmax(-1), of.community)
    one, same, other = (tool.fixed_assignment("random", of, s, 4) for s in (1, 1, 2))
    assert torch.equal(one, same) and not torch.equal(one, other)
    merged = tool.fixed_assignment("heavy-edge", of, 0, 4)
    assert (merged.amax(1) == 1).all() and merged.shape == one.shape  # all six are used
    wide = tool.fixed_assignment("random of 24", of, 1, 4)
    assert wide.size(-1) == 24 and torch.allclose(wide.sum(-1), torch.ones(()))
    many = tool.fixed_assignment("heavy-edge of 24", of, 0, 4)
    assert (many.sum(1) > 0).all() and many.shape == (*one.shape[:2], 24)
    spectral = tool.fixed_assignment("spectral", of, 0, 4)
    assert spectral.shape == true.shape and (spectral.sum(1) > 0).all()
    for own, found in zip(of.community, spectral, strict=True):  # edges show them
        assert adjusted_mutual_info_score(own, found.argmax(-1)) > 0.9
    colours = tool.fixed_assignment("colours", of, 0, 4)
    assert torch.equal(colours, of.x[..., :4])
    tags = tool.part("hidden", "test", 12, 1, 6)
    kinds = tool.fixed_assignment("kinds", tags, 0, 11).argmax(-1)
    pairs = {(int(k), tuple(x[:11].tolist())) for k, x in
             zip(kinds.flatten(), tags.x.flatten(0, 1), strict=True)}  # fmt: skip
    assert len(pairs) == len(set(kinds.flatten().tolist())) == 36


def test_k_means_sees_training_nodes_and_its_seed(parts, monkeypatch):
    made, honest = [], tool.KMeans
    monkeypatch.setattr(
        tool, "KMeans", lambda *a, **k: made.append(honest(*a, **k)) or made[-1]
    )
    found = tool.k_means(parts, 7)
    (fitted,) = made
    x = parts["train"].x.flatten(0, 1)
    mean, scale = x.mean(0), x.std(0) + 1e-6
    assert fitted.random_state == 7 and len(fitted.labels_) == len(x)
    for name, of in parts.items():
        own = fitted.predict(((of.x.flatten(0, 1) - mean) / scale).numpy())
        assert found[name].argmax(-1).flatten().tolist() == own.tolist()


def test_refinements_are_those_of_weisfeiler_and_lehman(parts):
    found = tool.refinements(parts, 4, 2)

    def counts(of, graph):
        colour = [str(row) for row in of.x[graph, :, :4].tolist()]
        table = {}
        for _ in range(3):
            for one in colour:
                table[one] = table.get(one, 0) + 1
            near = [of.adj[graph, i].nonzero()[:, 0] for i in range(len(colour))]
            colour = [
                f"({own}|{sorted(colour[j] for j in ends)})"
                for own, ends in zip(colour, near, strict=True)
            ]
        return table

    known = {k for g in range(len(parts["train"].y)) for k in counts(parts["train"], g)}

    def rows(of):
        tables = [counts(of, g) for g in range(len(of.y))]
        tables = [{k: v for k, v in t.items() if k in known} for t in tables]
        return [(t, sum(v * v for v in t.values()) ** 0.5) for t in tables]

    train = rows(parts["train"])
    for name in ("train", "test"):
        kernel = [
            [sum(v * b.get(k, 0) for k, v in a.items()) / (m * n) for b, n in train]
            for a, m in rows(parts[name])
        ]
        np.testing.assert_allclose(found[name] @ found["train"].T, kernel, atol=1e-5)


def test_what_support_vector_machines_are_given(parts):
    of = parts["test"]
    adj, x = of.adj.double().numpy(), of.x[..., :4].double().numpy()
    bag = np.einsum("bnf,bnm,bmg->bfg", x, adj, x).reshape(len(x), -1)
    np.testing.assert_allclose(tool.edge_bag(of, 4), bag)
    values = np.linalg.eigvalsh(adj / 4)[:, ::-1]
    np.testing.assert_allclose(tool.raw(of), values, atol=1e-5)
    walks = np.stack([(values**power).sum(1) for power in range(2, 11)], 1)
    np.testing.assert_allclose(tool.raw_walks(of), walks, atol=1e-4)


def test_cycles_are_walks_without_those_of_a_tree(parts):
    """A ball of radius five in the tree of degree four has every walk of ten steps."""
    tree = nx.balanced_tree(3, 5)  # its root has three branches: one more
    other = nx.relabel_nodes(nx.balanced_tree(3, 4), lambda node: node + 1000)
    tree = nx.compose(tree, other)
    tree.add_edge(0, 1000)
    adj = nx.to_numpy_array(tree, nodelist=sorted(tree)) / 4
    assert tree.degree[0] == 4
    back = [np.linalg.matrix_power(adj, steps)[0, 0] for steps in range(11)]
    np.testing.assert_allclose(tool.tree_walks(10), back, atol=1e-7)
    of = parts["test"]
    found, nodes = tool.raw_cycles(of), of.adj.size(1)
    np.testing.assert_allclose(found, tool.raw_walks(of) - nodes * np.array(back[2:]),
                               atol=1e-4)  # fmt: skip
    assert abs(found[:, 0]).max() == 0  # two steps go round nothing
    threes = [
        sum(nx.triangles(nx.from_numpy_array(a.numpy())).values()) for a in of.adj
    ]
    np.testing.assert_allclose(found[:, 1], 2 * np.array(threes) / 4**3, atol=1e-4)


class As(BaseEstimator, TransformerMixin):
    def fit(self, x, y=None):
        return self

    def transform(self, x):
        return x


def test_a_machine_s_setting_is_chosen_on_validation(parts, monkeypatch):
    """The part is told by its number of graphs, the machine by C and what it reads."""
    names = {
        len(of.y): name for name, of in parts.items() if name not in ("24", "seen")
    }
    given = []

    class Machine(BaseEstimator):
        def __init__(self, C=1, gamma=None, kernel=None):  # noqa: N803
            self.C, self.gamma, self.kernel = C, gamma, kernel

        def fit(self, x, y):
            assert len(y) == len(parts["train"].y)
            given.append(x)
            self.columns_ = x.shape[1]
            return self

        def score(self, x, y):
            best = (self.C, self.gamma, self.columns_) == (10, "scale", 12)
            shares = dict(train=0.5, validation=0.5, test=1.0)
            if best:
                shares = dict(train=0.25, validation=0.75, test=0.125)
            return shares.get(names.get(len(y)), 0.375)

    monkeypatch.setattr(tool, "SVC", Machine)
    monkeypatch.setattr(tool, "StandardScaler", As)
    found = tool.svm("raw spectrum", parts, 4)
    assert found == {
        "validation": 0.75,
        "setting": "12 eigenvalues, C 10, gamma scale",
        **dict(train=0.25, test=0.125, seen=0.375),
        "24": 0.375,
    }
    values = tool.raw(parts["train"])
    np.testing.assert_array_equal(given[0], values[:, [0, 1, 2, -3, -2, -1]])
    assert [x.shape[1] for x in given[::8]] == [6, 12, 24, 72, 6]


@pytest.mark.parametrize("row", ["raw walks", "raw cycles", "bag of edges"])
def test_a_machine_reads_what_its_row_says(row, parts, monkeypatch):
    given = []

    class Machine(BaseEstimator):
        def __init__(self, C=1, gamma=None, kernel=None):  # noqa: N803
            self.C, self.gamma, self.kernel = C, gamma, kernel

        def fit(self, x, y):
            given.append(x)
            self.fitted_ = True
            return self

        def score(self, x, y):
            return 0.5

    monkeypatch.setattr(tool, "SVC", Machine)
    monkeypatch.setattr(tool, "StandardScaler", As)
    tool.svm(row, parts, 4)
    reads = {
        "raw walks": tool.raw_walks,
        "raw cycles": tool.raw_cycles,
        "bag of edges": lambda of: tool.edge_bag(of, 4),
    }
    assert len(given) == 8
    for x in given:
        np.testing.assert_array_equal(x, reads[row](parts["train"]))


@pytest.fixture
def trained(monkeypatch):
    """What `train` is called with; the second of two has more of validation right."""
    calls = []

    def train(model, parts, setting, settings, seed):
        weights = [p.detach().clone() for p in model.parameters()]
        calls.append(SimpleNamespace(**locals()))
        n = len(calls)
        return dict(validation=n % 3 / 4, test=1 - n % 3 / 4, number=n)

    monkeypatch.setattr(tool, "train", train)
    return calls


@pytest.mark.parametrize(
    ("family", "row", "settings"),
    [
        ("shown", "walks", [dict(link=5.0, entropy=1.0, lr=0.01)]),
        ("hidden", "walks", [dict(link=0.0, entropy=0.0, lr=0.02)]),
        ("shown", "no losses", [dict(lr=0.01)]),
        ("shown", "no losses of 24", [dict(lr=0.01)]),
        ("shown", "table of 24", [dict(link=5.0, entropy=1.0, lr=0.01)]),
        ("noise", "k = 24", [dict(link=5.0, entropy=1.0, lr=0.01)]),
        ("shown", "usual of true", [dict(lr=0.003), dict(lr=0.01)]),
        ("shown", "gin", [dict(lr=0.003), dict(lr=0.01)]),
    ],
)
def test_the_settings_of_what_is_trained(trained, family, row, settings):
    record = tool.measure(family, row, 5, SMALL)
    assert [call.setting for call in trained] == settings
    assert {call.seed for call in trained} == {5}
    assert record["setting"] == settings[-1]  # better on validation
    assert (record["family"], record["row"], record["seed"]) == (family, row, 5)
    for a, b in zip(trained[0].weights, trained[-1].weights, strict=True):
        assert torch.equal(a, b)  # both start alike
    torch.manual_seed(5)
    features = 11 if family == "hidden" else 4
    for a, b in zip(
        tool.build(row, features).parameters(), trained[0].weights, strict=True
    ):
        assert torch.equal(a, b)


def test_the_first_setting_stays_where_it_is_better(trained):
    trained.append(None)  # so that the first of both is the better one
    assert tool.measure("shown", "flat", 1, SMALL)["setting"] == dict(lr=0.003)


def test_a_search_tries_twenty_settings_and_its_row_keeps_one(trained, tmp_path):
    searched = tool.measure("shown", "flat, searched", 0, SMALL)
    tried = [call.setting for call in trained]
    assert tried == tool.SEARCH and len({tuple(s.values()) for s in tried}) == 20
    assert [call.model.embed[0].out_features for call in trained[::5]] == [
        8,
        16,
        32,
        64,
    ]
    assert searched["setting"] == tool.SEARCH[1]  # the first of the best on validation
    assert [s for s, _ in searched["tried"]] == tool.SEARCH
    path = tmp_path / "wins.jsonl"
    for record in (
        dict(train=1),
        dict(searched, family="hidden", setting={}),
        searched,
    ):
        tool.append(path, record)
    found = tool.setting_of(path, "shown", "flat, tuned")
    assert found == tool.SEARCH[1] and tool.setting_of(path, "shown", "flat") is None
    for more in (", 4 starts, tuned", ", 4 starts, tuned, larger"):
        assert tool.setting_of(path, "shown", "flat" + more) == found
    trained.clear()
    record = tool.measure("shown", "flat, tuned", 4, SMALL, found)
    assert [call.setting for call in trained] == [found] == [record["setting"]]
    assert "tried" not in record


@pytest.mark.parametrize("row", ["walks", "table of 24"])
def test_where_s_is_learned_the_search_is_as_long(trained, row):
    tool.measure("noise", row + tool.SEARCHED, 0, SMALL)
    assert [call.setting for call in trained] == tool.POOLED_SEARCH
    rates = {setting["lr"] for setting in tool.POOLED_SEARCH}
    assert len(tool.POOLED_SEARCH) == len(tool.SEARCH) == 20
    assert rates == {setting["lr"] for setting in tool.SEARCH}
    weights = {(one["link"], one["entropy"]) for one in tool.POOLED_SEARCH}
    assert weights == {(0, 0), (1, 0), (1, 1), (5, 1)}


def test_true_clusters_are_searched_by_rate_and_width(trained):
    tool.measure("shown", "usual of true, searched", 0, SMALL)
    assert [call.setting for call in trained] == tool.SEARCH
    for call in trained[::5]:
        width = call.setting["hidden"]
        assert [*map(len, (call.model.own.weight, call.model.near.weight))] == [
            width
        ] * 2
        assert (
            call.model.embed[0].out_features == call.model.head[1].out_features == width
        )


def test_a_larger_row_is_the_same_run_tested_on_more(trained):
    for row in ("k = 24", "k = 24, 4 starts, larger"):
        tool.measure("shown", row, 2, SMALL)
    first, *more = trained
    assert len(more) == 4 and "24" not in first.parts and "24" in more[0].parts
    for a, b in zip(first.weights, more[0].weights, strict=True):
        assert torch.equal(a, b)


@pytest.fixture
def begun(monkeypatch):
    """Rate and seed of every run, and its first weights; the second and the third
    start have most of validation right."""
    asked = []

    def train(model, parts, setting, settings, seed):
        first = next(model.parameters()).detach().clone()
        asked.append((setting["lr"], seed, first, [*parts]))
        return dict(validation={101: 0.75, 201: 0.75}.get(seed, 0.5), start=seed)

    monkeypatch.setattr(tool, "train", train)
    return asked


@pytest.mark.parametrize(
    ("row", "rates"),
    [
        *((row, [0.01]) for row in ("k = 24", "walks", "heavy-edge")),
        ("flat", [0.003, 0.01]),
    ],
)
def test_four_starts_are_four_runs_of_every_rate(begun, row, rates):
    assert tool.measure("shown", row, 1, SMALL)["start"] == 1
    alone = begun.copy()
    begun.clear()
    record = tool.measure("shown", f"{row}, 4 starts", 1, SMALL)
    assert (record["row"], record["start"]) == (f"{row}, 4 starts", 101)
    runs = [(rate, start) for rate in rates for start in (1, 101, 201, 301)]
    assert [run[:2] for run in begun] == runs
    for one in alone:  # the first start is the row's own run, on the same parts
        (same,) = (run for run in begun if run[:2] == one[:2])
        assert same[2].equal(one[2]) and same[3] == one[3]
    if row != "heavy-edge":  # there BatchNorm comes first, which begins with ones
        assert not begun[0][2].equal(begun[1][2])


@pytest.mark.parametrize("row", ["walks", "true"])
def test_of_four_starts_the_best_on_validation_stays(trained, row):
    record = tool.measure("shown", row + tool.STARTED, 3, SMALL)
    assert [call.seed for call in trained] == [3, 103, 203, 303]
    assert (record["validation"], record["number"]) == (0.5, 2)
    firsts = [call.weights[0].flatten()[0].item() for call in trained]
    assert row == "true" or len({*firsts}) == 4  # each its own weights


@pytest.mark.parametrize("row", ["true", "k-means"])
def test_what_is_read_of_a_fixed_assignment(trained, row):
    record, parts = (
        tool.measure("shown", row, 1, SMALL),
        tool.all_parts("shown", row, 1, SMALL),
    )
    (call,) = trained
    assert (call.setting, call.seed) == (dict(lr=0.01), 1)
    if row == "k-means":
        s = tool.k_means(parts, 1)
    else:
        s = {n: tool.fixed_assignment("true", of, 1, 4) for n, of in parts.items()}
    for name, of in parts.items():
        walks = closed_walks(s[name].mT @ of.adj @ s[name])
        torch.testing.assert_close(call.parts[name].x, walks)
    for name, value in tool.clusters(s["test"], parts["test"].community).items():
        assert record[name] == value


def test_a_small_cell_from_beginning_to_end(monkeypatch):
    seen, clusters = [], tool.clusters
    monkeypatch.setattr(
        tool, "clusters", lambda s, own: seen.append(own) or clusters(s, own)
    )
    record = tool.measure("shown", "walks", 1, SMALL)
    assert {"train", "validation", "test", "seen", "24", "used", "agree"} <= {*record}
    assert 1 <= record["epochs"] <= 3 and 0 <= record["test"] <= 1
    (community,) = seen
    assert torch.equal(community, tool.part("shown", "test", 12, 1, 6).community)


def test_what_is_measured_is_not_measured_again(tmp_path, monkeypatch):
    output, measured = tmp_path / "new" / "wins.jsonl", []

    def measure(family, row, seed, settings, tuned):
        measured.append((family, row, seed))
        return dict(family=family, row=row, seed=seed, setting=tuned)

    monkeypatch.setattr(tool, "measure", measure)
    groups = {
        "plan": [("shown", "walks"), ("hidden", "walks")],
        "further": [("noise", "true")],
        "fresh": [("shown", "walks")],
        "controls": [("shown", "usual"), ("shown", "hard")],
        "tuned": [("shown", "flat"), ("shown", "gin")],
        "clean": [("shown", "flat, 4 starts, tuned")],
    }
    assert {*groups} < {*tool.GROUPS}
    monkeypatch.setattr(tool, "GROUPS", groups)
    for options in (
        ["--seeds", "1", "--groups", "plan", "further"],
        ["--seeds", "2", "--groups", "plan"],
        ["--seeds", "2", "--groups", "fresh"],
        ["--seeds", "1", "--groups", "controls", "--rows", "hard"],
        ["--seeds", "2", "--groups", "tuned", "--rows", "flat"],
        ["--seeds", "1"],  # whatever is missing
    ):
        monkeypatch.setattr(sys, "argv", ["x", "--output", str(output), *options])
        tool.main()
    assert measured == [
        ("shown", "walks", 1),
        ("hidden", "walks", 1),
        ("noise", "true", 1),
        ("shown", "walks", 2),
        ("hidden", "walks", 2),
        ("shown", "walks", 21),
        ("shown", "walks", 22),
        ("shown", "hard", 1),
        ("shown", "flat, searched", 0),
        ("shown", "flat, tuned", 1),
        ("shown", "flat, tuned", 2),
        ("shown", "usual", 1),
        ("shown", "gin, searched", 0),
        ("shown", "gin, tuned", 1),
        ("shown", "flat, 4 starts, tuned", 41),
    ]
    head, *cells = map(json.loads, output.read_text().splitlines())
    assert len(cells) == 15 and head["train"] == 300 and "versions" in head


def test_all_that_is_asked_of_one_family_is_asked_of_all():
    """But for 24 clusters with other readers, and for learning without losses where no
    row has any."""
    rows = {family: set() for family in tool.FAMILIES}
    for name in ("plan", "further", "beyond", "everywhere"):
        for family, row in tool.GROUPS[name]:
            rows[family].add(row)
    larger = {r + tool.LARGE for r in tool.LARGER_ROWS}
    shown = {r for r in rows["shown"] if tool.STARTED not in r} | larger
    assert shown - rows["noise"] == {"heavy-edge of 24"}
    assert shown - rows["hidden"] == {"heavy-edge of 24", "no losses"}
