"""The measurement behind the repairs: every run once, kept, in order of folds."""

import json
import sys
from collections import Counter

import communities as communities_of
import measure_repairs as tool
import pytest
import torch

import dpcore
from dpcore.training import splits


@pytest.fixture
def run(tmp_path, monkeypatch):
    output = tmp_path / "new" / "repairs.jsonl"

    def run(*options):
        argv = ["measure_repairs.py", "--output", str(output), "--epochs", "2"]
        monkeypatch.setattr(sys, "argv", [*argv, *options])
        tool.main()
        return tool.load(output)

    return run


def test_what_is_measured_is_not_measured_again(run, monkeypatch):
    one = ["--datasets", "MUTAG", "--repairs", "none", "late entropy", "--folds"]
    run("--datasets", "MUTAG", "--repairs", "none", "--folds", "1")
    first = run(*one, "1")  # the other repair of the same fold
    assert [(r["repair"], r["fold"]) for r in first] == [
        ("none", 0),
        ("late entropy", 0),
    ]
    measured, honest = [], tool.measure
    monkeypatch.setattr(
        tool, "measure", lambda *t: measured.append(t[:3]) or honest(*t)
    )
    assert run(*one, "2")[:2] == first
    assert measured == [("MUTAG", "none", 1), ("MUTAG", "late entropy", 1)]
    for record in first:
        assert 0 <= record["accuracy"] <= 1 and record["epochs"] == 2
        assert len(record["used"]) == len(record["a_node"]) == 2
        assert 1 <= record["used"][1] <= 2 and 1 <= record["a_node"][0] <= 7


def test_late_entropy_trains_its_first_half_without(monkeypatch):
    weights, honest = [], tool.dpcore.fit

    def watched(model, train, **how):
        weights.append((model.entropy_weight, "validation" in how, how["epochs"]))
        return honest(model, train, **how)

    monkeypatch.setattr(tool.dpcore, "fit", watched)
    tool.measure("MUTAG", "late entropy", 0, epochs=4)
    tool.measure("MUTAG", "dmon", 0, epochs=4)
    assert weights == [(0.0, False, 2), (1.0, True, 2), (1.0, False, 2), (1.0, True, 2)]


def test_at_any_moment_all_repairs_have_as_many_folds():
    turns = tool.turns(10)
    assert len(turns) == len(set(turns)) == 10 * len(tool.SETTINGS) * len(tool.OPTIONS)
    for stop in range(0, len(turns), len(tool.OPTIONS)):
        done = Counter((data, repair) for data, repair, _ in turns[:stop])
        for data in tool.SETTINGS:
            assert len({done[data, repair] for repair in tool.OPTIONS}) == 1
    assert {data for data, *_ in turns[: 3 * len(tool.OPTIONS)]} == {
        "MUTAG",
        "coarse",
        "loops",
    }


def test_synthetic_parts_share_no_graph_and_know_their_communities(monkeypatch):
    monkeypatch.setattr(tool, "COUNTS", dict(train=4, validation=4, test=4))
    tool.parts.cache_clear()
    parts = [part for seed in (0, 1) for part in tool.parts("loops", seed)[0]]
    edges = [part.edge_index[:, :400].tolist() for part in parts]
    assert all(a != b for i, a in enumerate(edges) for b in edges[:i])
    (*_, test), communities = tool.parts("loops", 0)
    tool.parts.cache_clear()
    own = torch.nn.functional.one_hot(torch.cat(communities)).float()
    model = torch.nn.Module()  # assigns every node to its community
    model.forward = lambda graphs: type("Output", (), dict(assignments=[own]))
    found = tool.clusters(model, test, communities)
    assert found == dict(used=[6.0], a_node=[1.0], agree=1.0)


def test_enzymes_is_scaled_by_its_training_part():
    (train, _, test), communities = tool.parts("ENZYMES", 0)
    assert communities is None
    assert train.x[:, :18].mean(0).abs().max() < 1e-4
    assert test.x[:, :18].mean(0).abs().max() > 1e-3
    assert set(train.x[:, 18:].unique().tolist()) == {0.0, 1.0}


def test_a_line_is_one_record(tmp_path):
    path = tmp_path / "x.jsonl"
    path.write_text(json.dumps({"a": 1}) + "\n" + json.dumps({"a": 2}) + "\n")
    assert tool.load(path) == [{"a": 1}, {"a": 2}]


def test_parts_are_those_of_their_fold(monkeypatch):
    batch = tool.whole("MUTAG")
    split = splits(batch.y, 10, 0)[3]
    for part, name in zip(tool.parts("MUTAG", 3)[0], split, strict=True):
        assert torch.equal(part.x, batch.select(split[name]).x)
    assert tool.COUNTS == dict(train=200, validation=60, test=100)
    assert list(tool.COUNTS) == ["train", "validation", "test"]
    monkeypatch.setattr(tool, "COUNTS", dict(train=8, validation=4, test=12))
    tool.parts.cache_clear()
    found, communities = tool.parts("coarse", 2)
    tool.parts.cache_clear()
    for i, (part, count) in enumerate(zip(found, (8, 4, 12), strict=True)):
        expected, own = communities_of.drawn("coarse", count, seed=10_006 + i)
        assert torch.equal(part.edge_index, expected.edge_index)
    assert all(map(torch.equal, communities, own)) and len(communities) == 12


@pytest.mark.parametrize("repair", ["dmon", "late entropy", "one level"])
def test_how_a_run_is_trained_and_judged(monkeypatch, repair):
    """Half of the epochs without validation, then as many that validation judges."""
    fits, build = [], tool.dpcore.build_model

    def fit(model, graphs, **how):
        weights = model.link_weight, model.entropy_weight
        fits.append((graphs.num_graphs, weights, how))
        model.train()

    seen = []

    def clusters(model, graphs, known):
        seen.append((graphs, known))
        return {}

    made = []
    monkeypatch.setattr(tool.dpcore, "fit", fit)
    monkeypatch.setattr(tool, "clusters", clusters)
    test = tool.parts("MUTAG", 2)[0][2]
    monkeypatch.setattr(
        tool.dpcore, "evaluate", lambda _, own: 0.25 + (own is not test)
    )
    monkeypatch.setattr(
        tool.dpcore,
        "build_model",
        lambda *a, **k: made.append((k, build(*a, **k))) or made[-1][1],
    )
    record = tool.measure("MUTAG", repair, 2, epochs=6)
    train, validation, _ = tool.parts("MUTAG", 2)[0]
    early = 0.0 if repair == "late entropy" else 1.0
    shared = dict(epochs=3, lr=5e-3, progress=False)
    assert fits[0] == (train.num_graphs, (1.0, early), shared | dict(seed=4))
    judged = fits[1][2].pop("validation")
    assert torch.equal(judged.x, validation.x)
    assert fits[1] == (train.num_graphs, (1.0, 1.0), shared | dict(seed=5))
    assert record["accuracy"] == 0.25
    assert seen[0][0] is test and seen[0][1] is None
    (settings, model), epochs = made[0], record["epochs"]
    assert (settings["num_classes"], settings["num_features"], epochs) == (2, 7, 6)
    assert settings.get("repair") == (repair if repair == "dmon" else None)
    assert len(model.levels) == (1 if repair == "one level" else 2)
    assert "entropy_weight" not in settings
    torch.manual_seed(2)
    again = build("diffpool", **settings)
    assert all(map(torch.equal, model.parameters(), again.parameters()))
    assert tool.measure("MUTAG", repair, 2)["epochs"] == 40


def test_clusters_of_every_level_with_dropout_off():
    """Two graphs of two and three nodes; each level by hand."""
    batch = torch.tensor([0, 0, 1, 1, 1])
    graphs = tool.SparseGraphs.from_edge_index(
        torch.ones(5, 1), torch.empty(2, 0, dtype=torch.long), batch
    )
    first = torch.eye(4)[[0, 1, 2, 2, 2]]
    above = torch.stack([torch.eye(2)[[0, 0, 1, 1]], torch.full((4, 2), 0.5)])

    class Model(torch.nn.Module):
        def forward(self, graphs):
            assert not self.training
            return dpcore.models.Output(None, None, None, None, [first, above])

    found = tool.clusters(Model(), graphs, None)
    assert found == dict(used=[1.5, 2.0], a_node=[1.0, round(2**0.5, 3)])


def test_agreement_is_a_mean_over_graphs_of_any_size_beyond_chance():
    pairs = torch.tensor([0, 0, 1, 1, 2, 2])
    alone = torch.tensor([0, 0, 1])
    s = torch.eye(6)[[3, 3, 4, 4, 5, 5, 0, 1, 0]]
    one = communities_of.agreement([pairs], s[:6])
    other = communities_of.agreement([alone], s[6:])
    assert one == 1 and other < 0.5
    found = communities_of.agreement([pairs, alone], s)
    assert found == pytest.approx((one + other) / 2)
    found = communities_of.agreement([pairs], torch.eye(6))  # all alone: by chance
    assert found == pytest.approx(0, abs=1e-6)


def test_the_graphs_drawn_are_those_of_their_size_and_seed():
    batch, communities = communities_of.drawn("loops", 4, 24, 9)
    expected = communities_of.synthetic.ask("loops", 4, 24, 9)
    for i, graph in enumerate(expected):
        assert torch.equal(communities[i], graph.community)
        assert torch.equal(batch.select([i]).x, graph.x)
    assert batch.num_nodes == 4 * 6 * 24


def test_partners_are_the_repair_without_learned_clusters(run, monkeypatch):
    asked, honest = [], tool.dpcore.build_model

    def build(*names, **how):
        asked.append((how.get("repair"), how.get("assignments")))
        return honest(*names, **how)

    monkeypatch.setattr(tool.dpcore, "build_model", build)
    for of in ("random", "heavy-edge"):
        tool.measure("loops", f"no-diagonal, {of}", 0, epochs=2)
        assert asked.pop() == ("no-diagonal", of)
    kinds = [r["repair"] for r in run("--datasets", "MUTAG", "--folds", "1")]
    assert kinds == [*tool.OPTIONS]  # partners only where they are asked for
