"""The measurement behind the page on the sources' claims: what is counted as a group,
on which part, and of which assignment."""

import json
import sys

import measure_groups as tool
import pytest
import torch
from torch.nn import functional as F

import dpcore
from dpcore.training import as_batch, splits


def test_a_group_is_a_nitrogen_with_two_oxygens_alone():
    kinds = [tool.NITROGEN, tool.OXYGEN, tool.OXYGEN, tool.CARBON] + [2, 2]
    one_way = torch.tensor([[0, 0, 0, 3, 3], [1, 2, 3, 4, 5]])  # O₂N–CO₂
    edges = torch.cat([one_way, one_way.flip(0)], 1)
    assert tool.nitro_groups(F.one_hot(torch.tensor(kinds), 7), edges) == [{0, 1, 2}]


def test_rings_have_five_or_six_atoms():
    starts, edges = {4: 0, 5: 4, 6: 9, 7: 15}, []
    for size, start in starts.items():
        edges += [(start + i, start + (i + 1) % size) for i in range(size)]
    one_way = torch.tensor(edges).T
    found = tool.rings(torch.eye(7)[[0] * 23], torch.cat([one_way, one_way.flip(0)], 1))
    assert found == [{*range(4, 9)}, {*range(9, 15)}]  # and one node without an edge


def test_together_is_one_cluster_and_found_is_a_cluster_of_its_own():
    groups = [{0, 1, 2}, {3, 4}, {5, 6}]
    assert tool.counted(groups, [1, 1, 2, 3, 3, 4, 4, 4]) == (2, 1)
    assert tool.counted([{0, 1}], [5, 5, 6]) == (1, 1)


def test_figures_are_totals_and_of_dealt_clusters_a_mean(monkeypatch):
    dealt, permuted = [], torch.randperm
    monkeypatch.setattr(tool, "DEALS", 40)
    monkeypatch.setattr(
        torch, "randperm", lambda *n, **g: dealt.append(permuted(*n, **g)) or dealt[-1]
    )
    x = torch.eye(7)[[1, 2, 2, 0]]
    edges = torch.tensor([[0, 0, 0, 1, 2, 3], [1, 2, 3, 0, 0, 0]])
    graph = dpcore.SparseGraphs.from_edge_index(x, edges)
    own = torch.tensor([0, 0, 0, 1])  # dealt out: together one time in four
    two = torch.tensor([1, 1, 1, 1])  # together, found by nobody, however dealt
    found = tool.figures([graph, graph, graph], [own, own, two])
    assert found["NO2"][:3] == [3, 3, 2] and found["rings"] == [0, 0, 0, 0]
    assert found["NO2"][3] == pytest.approx(1 + 2 / 4, abs=0.3)
    deals = [order.tolist() for order in dealt]
    assert len(deals) == 240 and deals[:40] != deals[40:80]  # each its own


def test_the_likeliest_clusters_graph_by_graph():
    sizes, edges = [1, 4, 2], torch.empty(2, 0, dtype=torch.long)
    batch = torch.arange(3).repeat_interleave(torch.tensor(sizes))
    graphs = dpcore.SparseGraphs.from_edge_index(torch.ones(7, 1), edges, batch)
    found = tool.likeliest(graphs, torch.eye(7))
    assert [part.tolist() for part in found] == [[0], [1, 2, 3, 4], [5, 6]]


@pytest.fixture(scope="module")
def measured():
    """One fold with one epoch, and what was asked of dpcore meanwhile."""
    fits, models, judged, clusters = [], [], [], []
    patch = pytest.MonkeyPatch()
    build, evaluate, figures = tool.dpcore.build_model, dpcore.evaluate, tool.figures

    def built(*given, **settings):
        models.append((torch.initial_seed(), settings))
        return build(*given, **settings)

    def fit(model, train, epochs, **how):
        fits.append((train, epochs, how))
        logged = dpcore.training.History(
            dpcore.training.Record(epoch=i, accuracy=a, validation_loss=1.0)
            for i, a in ((1, 0.5), (2, 0.75), (3, 0.25))
        )
        return logged

    def judge(model, graphs):
        judged.append(graphs)
        return evaluate(model, graphs)

    def kept(graphs, assignment):
        clusters.append((graphs, assignment))
        return figures(graphs, assignment) if len(clusters) == 1 else {}

    patch.setattr(tool, "DEALS", 1)
    patch.setattr(tool.dpcore, "build_model", built)
    patch.setattr(tool.dpcore, "fit", fit)
    patch.setattr(tool.dpcore, "evaluate", judge)
    patch.setattr(tool, "figures", kept)
    try:
        return tool.measure(2), fits, models, judged, clusters
    finally:
        patch.undo()


def test_a_fold_is_learned_on_training_chosen_on_validation_and_read_on_test(measured):
    record, fits, models, judged, clusters = measured
    graphs = dpcore.load_dataset("MUTAG")
    whole = as_batch("graphs", graphs)
    split = splits(whole.y, 10, 0)[2]
    part = {name: whole.select(ids).x for name, ids in split.items()}
    for train, epochs, how in fits:
        assert torch.equal(train.x, part["train"]) and epochs == 60
        assert torch.equal(how["validation"].x, part["validation"])
        assert how["lr"] == 5e-3
    assert len(fits) == 3 and [seed for seed, _ in models] == [0] * 3
    assert all(torch.equal(own.x, part["test"]) for own in judged)
    tested = [graphs[int(i)] for i in split["test"]]
    for molecules, assignment in clusters:
        for molecule, one, own in zip(molecules, tested, assignment, strict=True):
            assert torch.equal(molecule.x, one.x) and len(own) == len(one.x)
    nitro = sum(len(tool.nitro_groups(one.x, one.edge_index)) for one in tested)
    assert record["both losses"]["NO2"][0] == nitro > 0
    assert [record[name]["epoch"] for name in tool.LEARNED] == [2] * 3
    assert record["fold"] == 2 and list(record)[1:] == [
        *tool.LEARNED,
        "heavy-edge",
        "random",
    ]


def test_what_is_compared(measured):
    _, _, models, _, clusters = measured
    names = ("conv", "link_weight", "entropy_weight", "levels", "ratio", "max_nodes")
    assert [tuple(own.get(name) for name in names) for _, own in models] == [
        ("gcn", None, None, 1, 1.0, 7),
        ("sage", 0.0, 0.3, 1, 1.0, 7),
        ("sage", 0.0, 0.0, 1, 1.0, 7),
    ]
    heavy = clusters[3][1]
    assert {len(own.unique()) for own in heavy} == {7}  # seven, not a share


def test_a_node_s_clusters_are_a_mean_of_effective_numbers(monkeypatch):
    """Of two nodes with one and with seven clusters four, not the root of seven."""
    s = torch.eye(7)[[0] * 400]
    s[::2] = 1 / 7

    class Model(torch.nn.Module):
        def forward(self, graphs):
            rows = s[: graphs.num_nodes]
            return dpcore.models.Output(None, None, None, None, [rows])

    history = dpcore.training.History([dpcore.training.Record(epoch=1)])
    monkeypatch.setattr(tool, "LEARNED", {"both losses": {}})
    monkeypatch.setattr(tool, "figures", lambda *_: {})
    monkeypatch.setattr(tool.dpcore, "build_model", lambda *_, **__: Model())
    monkeypatch.setattr(tool.dpcore, "fit", lambda *_, **__: history)
    monkeypatch.setattr(tool.dpcore, "evaluate", lambda *_: 0.5)
    found = tool.measure(0)["both losses"]
    assert found["nodes' clusters"] == pytest.approx(4, abs=0.02)


def test_what_is_there_is_not_measured_again(tmp_path, monkeypatch):
    output, measured = tmp_path / "groups.json", []
    output.write_text(json.dumps([dict(fold=2)]))
    monkeypatch.setattr(tool, "measure", lambda n: measured.append(n) or dict(fold=n))
    argv = ["measure_groups.py", "--folds", "4", "--output", str(output)]
    monkeypatch.setattr(sys, "argv", argv)
    tool.main()
    assert measured == [0, 1, 3]
    assert [one["fold"] for one in json.loads(output.read_text())] == [2, 0, 1, 3]
