"""Cells of the tables: none mixes folds of two splits, of two seeds or of two files."""

import csv
import json

import pytest
import torch
from made_records import record_of

from dpcore.experiments.tables import cells, fold, long_tables, plan, store
from dpcore.training.threads import threads


def put(results, tasks, accuracies):
    for task, accuracy in zip(tasks, accuracies, strict=True):
        store.save(results, task, record_of(task, accuracy))


def test_splits_of_other_sizes_and_seeds_are_cells_of_their_own(tmp_path):
    three = plan.plan(["mlp"], ["MUTAG"], folds=3)
    five = plan.plan(["mlp"], ["MUTAG"], folds=5)
    other_split = plan.plan(["mlp"], ["MUTAG"], folds=3, seed=1)
    other_weights = plan.plan(["mlp"], ["MUTAG"], folds=3, weights_seed=1)
    put(tmp_path, three, [0.1, 0.2, 0.3])
    put(tmp_path, five, [0.5] * 5)
    put(tmp_path, other_split, [0.6, 0.7, 0.8])
    put(tmp_path, other_weights, [0.0, 0.0, 0.3])
    found = {
        (cell["of"], cell["seed"], cell["weights_seed"]): cell["fair_mean"]
        for cell in cells.show(tmp_path)
    }
    assert found == {
        (3, 0, 0): 20.0,
        (5, 0, 0): 50.0,
        (3, 1, 0): 70.0,
        (3, 0, 1): 10.0,
    }


def test_a_cell_s_spread_and_the_paper_s_way():
    tasks = plan.plan(["mlp"], ["MUTAG"], folds=3)
    curves = ([0.9, 0.4, 0.3], [0.1, 0.5, 0.4], [0.2, 0.9, 0.2])
    folds = [
        record_of(task, curve[1], test_curve=curve)
        for task, curve in zip(tasks, curves, strict=True)
    ]
    cell = cells.of_folds(folds)
    assert cell["fair_mean"] == 60.0 and cell["fair_sd"] == 26.46
    assert cell["paper_protocol"] == 60.0  # mean curve .4 .6 .3; of each fold .9 .5 .9


def test_a_fold_is_measured_on_one_thread(monkeypatch):
    """Threads of folds side by side would wait for each other."""
    seen = []

    def measured(task):
        seen.append(torch.get_num_threads())
        raise RuntimeError("enough")

    monkeypatch.setattr(fold, "_measure", measured)
    task = plan.plan(["mlp"], ["MUTAG"], folds=3)[0]
    with threads(2):
        outcome = fold.measure(task)
        assert torch.get_num_threads() == 2
    assert seen == [1] and "RuntimeError: enough" in outcome.failed


@pytest.mark.parametrize("seed", [0, 3])
def test_the_seed_of_a_split_and_of_weights_are_two(tmp_path, seed):
    tasks = plan.plan(["gin"], ["MUTAG"], folds=3, seed=seed, weights_seed=seed + 4)
    paths = {task.path(tmp_path).name for task in tasks}
    assert paths == {f"seed{seed}-weights{seed + 4}-fold{i}of3.json" for i in range(3)}
    put(tmp_path, tasks, [0.4, 0.5, 0.6])
    other = plan.plan(["gin"], ["MUTAG"], folds=3, seed=seed, weights_seed=seed)
    assert (
        store.missing(tmp_path, tasks) == [] and store.missing(tmp_path, other) == other
    )


def test_exported_rows_by_hand(tmp_path):
    """A network and a kernel: one row a fold, one an epoch or a candidate, from 1."""
    tasks = [plan.plan([row], ["MUTAG"], folds=3)[1] for row in ("mlp", "1-wl")]
    records = [record_of(task, 0.5) for task in tasks]
    folder = tmp_path / "deep" / "down"
    assert long_tables.export(records, folder) == (2, 6)
    with (folder / "epochs.csv").open(newline="", encoding="utf-8") as file:
        epochs = list(csv.DictReader(file))
    assert [row["number"] for row in epochs] == ["1", "2", "3"] * 2
    assert [row["test_accuracy"] for row in epochs[:3]] == ["0.25", "0.5", "0.75"]
    assert [row["validation_accuracy"] for row in epochs[:3]] == ["0.25", "0.75", "0.5"]
    assert [row["training_loss"] for row in epochs] == ["0.7", "0.6", "0.5", "", "", ""]
    assert {row["fold"] for row in epochs} == {"1"}
    with (folder / "folds.csv").open(newline="", encoding="utf-8") as file:
        mlp, kernel = csv.DictReader(file)
    assert (mlp["best_epoch"], mlp["best_candidate"], mlp["accuracy"]) == (
        "2",
        "",
        "0.5",
    )
    assert (kernel["best_epoch"], kernel["best_candidate"]) == ("", "2")
    assert json.loads(mlp["settings"]) == tasks[0].settings
    assert (folder / "SCHEMA.md").read_text(encoding="utf-8") == long_tables.schema()
    assert "| `number` |" in long_tables.schema()
