"""What the page on the sources' claims says of numbers, asked of the records."""

import json
from pathlib import Path

import measure_groups
import networkx as nx
import pytest
import torch

from dpcore import tables

RESULTS = Path(__file__).resolve().parents[1] / "book" / "results"
FOLDS = json.loads((RESULTS / "groups.json").read_text())


def share(name: str, group: str, which: int) -> float:
    numbers = [fold[name][group] for fold in FOLDS]
    return sum(n[which] for n in numbers) / sum(n[0] for n in numbers)


def test_every_fold_counts_the_same_groups_for_every_assignment():
    assert [fold["fold"] for fold in FOLDS] == list(range(10))
    for fold in FOLDS:
        for group in ("NO2", "rings"):
            counts = {v[group][0] for v in fold.values() if isinstance(v, dict)}
            assert len(counts) == 1 and counts != {0.0}


def test_the_discussion_is_a_star_with_two_pairs_beside_it():
    talk = json.loads((RESULTS / "reddit_binary_first.json").read_text("utf-8"))
    graph = nx.Graph(talk["edges"])
    assert len(graph) == talk["num_nodes"] == 218 and graph.number_of_edges() == 240
    degrees = sorted((d for _, d in graph.degree), reverse=True)
    assert degrees[:2] == [128, 13] and degrees.count(1) == 162
    assert sorted(map(len, nx.connected_components(graph))) == [2, 2, 214]


def test_with_both_losses_all_is_one_cluster():
    for group in ("NO2", "rings"):
        assert share("both losses", group, 1) == share("both losses", group, 3) == 1
        assert share("both losses", group, 2) == 0


def test_rings_are_together_more_often_than_dealt_and_no2_is_all_or_nothing():
    for name, times in (("entropy loss alone", 5), ("no losses", 9)):
        ratio = share(name, "rings", 1) / share(name, "rings", 3)
        assert round(ratio) == times
        assert share(name, "NO2", 1) < 2 * share(name, "NO2", 3)
        assert {fold[name]["NO2"][1] / fold[name]["NO2"][0] for fold in FOLDS} == {0, 1}


def test_heavy_edge_finds_four_of_five_no2_and_hardly_a_ring():
    assert 0.8 <= share("heavy-edge", "NO2", 2) < 0.85
    assert share("heavy-edge", "rings", 1) < 0.05


@pytest.mark.parametrize("dataset", ["PROTEINS", "MUTAG"])
@pytest.mark.parametrize("without", ["diffpool-nolp", "diffpool-noentropy"])
def test_no_loss_delays_by_twice_its_error(dataset, without):
    arrival = {}
    for record in tables.records(RESULTS, weights_seed=0):
        if record.dataset == dataset and record.method in ("diffpool", without):
            curve = record.validation_curve
            first = next(i for i, a in enumerate(curve, 1) if a >= max(curve) - 0.01)
            arrival[record.method, record.fold] = first
    later = torch.tensor(
        [arrival["diffpool", i] - arrival[without, i] for i in range(10)]
    ).double()
    assert later.mean().abs() < 2 * later.std() / 10**0.5


def test_soft_and_hard_differ_by_less_than_the_folds_do():
    shown = tables.show(RESULTS, weights_seed=0)
    cells = {(c["dataset"], c["method"]): c for c in shown}
    for dataset in ("PROTEINS", "MUTAG", "DD"):
        soft, hard = (cells[dataset, m] for m in ("diffpool", "diffpool-hard"))
        assert abs(soft["fair_mean"] - hard["fair_mean"]) < soft["fair_sd"]


def test_a_group_that_shares_its_cluster_with_another_atom_is_not_found():
    groups = [{0, 1}, {2, 3}]
    assert measure_groups.counted(groups, [4, 4, 7, 8, 4]) == (1, 0)
    assert measure_groups.counted(groups, [4, 4, 7, 7, 8]) == (2, 2)


def test_nitro_groups_need_two_oxygens_at_the_end():
    kinds = [0, 1, 2, 2, 0]  # C, N, O, O, C: one O leads on to the second C
    one_way = torch.tensor([[0, 1, 1, 3], [1, 2, 3, 4]])
    edges = torch.cat([one_way, one_way.flip(0)], 1)
    assert measure_groups.nitro_groups(torch.eye(7)[kinds], edges) == []
