"""The measurement behind the repairs: every run once, kept, in order of folds."""

import json
import sys
from collections import Counter

import measure_repairs as tool
import pytest
import torch


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
    first = run(*one, "1")
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
