"""The models and graphs of chapter 07: what the tool writes, and what is committed."""

import json
import sys

import networkx as nx
import pytest
import torch
import train_example
from train_example import PLANS, RESULTS, Plan

import dpcore


def net_of(record):
    if "sparse6" in record:
        return nx.from_sparse6_bytes(record["sparse6"].encode())
    return nx.from_graph6_bytes(record["graph6"].encode())


@pytest.fixture
def small(monkeypatch):
    plan = Plan("MUTAG", 60, 20, 5, 1, {}, 4)
    monkeypatch.setattr(train_example, "PLANS", {"small": plan})


def test_it_writes_a_model_and_its_test_graphs(small, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["train_example.py", "--results", str(tmp_path)])
    train_example.main()
    model = dpcore.load_model(tmp_path / "models" / "small.safetensors")
    assert model.note == capsys.readouterr().out.strip()
    assert "36 graphs, epoch 1 of 1 chosen on 12" in model.note
    about = json.loads((tmp_path / "examples" / "MUTAG.json").read_text("utf-8"))
    graphs = dpcore.load_dataset("MUTAG")
    assert len({record["number"] for record in about["graphs"]}) == 4
    for record in about["graphs"]:
        graph, net = graphs[record["number"]], net_of(record)
        assert record["class"] == int(graph.y) and graph.num_nodes <= 20
        pairs = {frozenset(pair) for pair in graph.edge_index.T.tolist()}
        assert {frozenset(pair) for pair in net.edges} == pairs
        assert record["labels"] == "".join(map(str, graph.x.argmax(1).tolist()))


def test_an_unknown_name_is_a_bad_argument(small, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["train_example.py", "NOPE"])
    with pytest.raises(SystemExit) as stop:
        train_example.main()
    assert stop.value.code == 2 and "NOPE: expected small" in capsys.readouterr().err


def test_graphs_without_labels_are_written_too():
    edges = torch.tensor([[0, 1, 1, 3], [1, 0, 3, 1]])
    star = train_example.Data(
        x=torch.zeros(4, 64), edge_index=edges, y=torch.tensor([2])
    )
    record = train_example.as_text(star)
    assert set(record) == {"class", "graph6"} and record["class"] == 2
    assert sorted(net_of(record).edges) == [(0, 1), (1, 3)]
    assert len(net_of(record)) == 4  # the node without edges stays


def test_what_is_committed_is_whole_and_small():
    files = list((RESULTS / "models").glob("*"))
    assert {file.name for file in files} == {f"{name}.safetensors" for name in PLANS}
    assert sum(file.stat().st_size for file in files) < 2_000_000
    for file in files:
        model, plan = dpcore.load_model(file), PLANS[file.stem]
        made = {key: model.recipe[key] for key in (*train_example.SHAPE, *plan.weights)}
        assert made == train_example.SHAPE | plan.weights
        assert model.note.startswith(f"{plan.dataset}: ")
        text = (RESULTS / "examples" / f"{plan.dataset}.json").read_text("utf-8")
        assert len(text) < 100_000
        for record in json.loads(text)["graphs"]:
            assert 1 < len(net_of(record)) <= train_example.LARGEST
