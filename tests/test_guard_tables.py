"""Cells of the tables: none mixes folds of two splits, of two seeds or of two files."""

import csv
import hashlib
import json
import lzma
import os
import re
import subprocess
import sys
import threading
import warnings
from contextlib import contextmanager
from dataclasses import fields
from importlib.metadata import version
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from filelock import FileLock, Timeout
from joblib.externals.loky.process_executor import TerminatedWorkerError
from made_records import fake, record_of

from dpcore.data.files import PARTS
from dpcore.experiments import tables
from dpcore.experiments.tables import (
    board,
    cells,
    errica,
    fold,
    long_tables,
    packed,
    paper,
    plan,
    runner,
    schema,
    split_files,
    store,
)
from dpcore.experiments.tables import pace as pacing
from dpcore.training import Record, splits
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
    kernel = plan.plan(["1-wl"], ["MUTAG"], folds=3, seed=seed)[2]
    assert kernel.path(tmp_path).name == f"seed{seed}-fold2of3.json"
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
    for _ in range(2):  # a folder that is there already is written anew
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
    assert json.loads(mlp["grid"]) == records[0].grid
    curves = ["validation_curve", "test_curve", "loss_curve"]  # one row an epoch, there
    names = [one.name for one in fields(schema.FoldRecord) if one.name not in curves]
    assert list(mlp) == names
    assert (folder / "SCHEMA.md").read_text(encoding="utf-8") == long_tables.schema()
    assert "| `number` |" in long_tables.schema()


# The board


def test_the_board_reads_both_seeds_0_alone_and_holds_short_curves(tmp_path):
    found = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]
    tasks = plan.plan(["graphsage"], ["PROTEINS"])
    for task, accuracy in zip(tasks, found, strict=True):
        curve = [0.1, 0.2] if task.fold == 0 else [accuracy, 0.25, 0.95]
        own = dict(test_curve=curve, validation_curve=curve, best_epoch=1)
        own |= dict(parameters=100 + task.fold)
        store.save(tmp_path, task, record_of(task, accuracy, **own))
    for other in (dict(weights_seed=1), dict(seed=1), dict(folds=5)):
        for dataset in ("PROTEINS", "DD"):
            tasks = plan.plan(["graphsage"], [dataset], **other)
            put(tmp_path, tasks, [0.9] * len(tasks))
    fair, paper_s = board.leaderboard(tmp_path)
    assert (fair["protocol"], paper_s["protocol"]) == ("fair", "the paper's way")
    assert fair["mean"] == pytest.approx(55) and fair["sd"] == pytest.approx(30.2765)
    assert paper_s["mean"] == pytest.approx(87.5)
    assert paper_s["sd"] == pytest.approx(23.7171)
    assert (paper_s["fold_0"], paper_s["fold_3"]) == (20, 95)
    for row in (fair, paper_s):
        assert (row["epochs"], row["parameters"], row["printed"]) == (3, 104, 70.48)
    table = board.Comparison(tmp_path)
    rows = {(protocol, method): cells for protocol, method, cells in table.rows}
    at = table.datasets.index("PROTEINS")
    assert rows["fair", "graphsage"][at][:2] == (fair["mean"], fair["sd"])
    assert rows["the paper prints", "graphsage"][at] == (70.48, None, "")
    assert rows["Errica et al.", "graphsage"][at] == (73.0, 4.5, "")
    assert "graphsage  55.0 ± 30.3" in repr(table)
    page = table._repr_html_()
    assert "55.0 ± 30.3" in page and "73.0 ± \u20074.5" in page and "70.48" in page
    line = board.leaderboard_html([fair]).split("<tbody>")[1]
    figures = [part.split("<")[0] for part in line.split(">")]
    expected = ["graphsage", "fair", "55.0", "30.3", "70.48", "104", "10.0", "20.0"]
    assert [text for text in figures if text][1:9] == expected


@pytest.fixture
def two_data_sets(tmp_path):
    """Ten folds of two rows and a kernel on MUTAG, of one of them on PROTEINS; their
    means, the paper's way 25 points higher: 50, 50.04, 40 and 60.004."""
    cells = (("mlp", "MUTAG", 0.5), ("gin", "MUTAG", 0.5004), ("1-wl", "MUTAG", 0.4))
    for row, dataset, mean in (*cells, ("gin", "PROTEINS", 0.60004)):
        accuracies = [round(mean + 0.01 * (i % 2 * 2 - 1), 5) for i in range(10)]
        put(tmp_path, plan.plan([row], [dataset]), accuracies)
    return tmp_path


def test_the_board_s_order_and_its_best_figures(two_data_sets):
    rows = board.leaderboard(two_data_sets)
    cells = [("PROTEINS", "gin"), ("MUTAG", "1-wl"), ("MUTAG", "mlp"), ("MUTAG", "gin")]
    names = sorted([*paper.DATASETS, "MUTAG"], key=lambda name: board._place(name, ""))
    assert names == [*plan.PLANNED, "REDDIT-MULTI-12K"]
    known = [*paper.TABLE_1, *paper.TABLE_2, *plan.CONTROLS]
    unknown = ["also mine", "mine"]
    names = sorted([*unknown[::-1], *known], key=lambda name: board._place("DD", name))
    assert names == [*known, *unknown]
    both = [(*cell, way) for cell in cells for way in board.PROTOCOLS]
    assert [(r["dataset"], r["method"], r["protocol"]) for r in rows] == both
    assert [rows[2][f"fold_{i}"] for i in range(4)] == pytest.approx([39, 41, 39, 41])
    page = board.leaderboard_html(rows)
    lines = page.split("<tr data-")[1:]
    best = [line.split('best">')[1].split("<")[0] for line in lines if "best" in line]
    assert best == ["60.0", "85.0", "50.0", "75.0", "50.0", "75.0"]
    assert 'data-words="3"' in page
    shown = [line for line in lines if " hidden>" not in line]
    assert len(shown) == 1 and "<td>PROTEINS</td><td>gin</td><td>fair</td>" in shown[0]
    mixed = [dict(reversed(row.items())) for row in rows]
    assert board.leaderboard_csv(mixed) == board.leaderboard_csv(rows)
    assert "\r" not in board.leaderboard_csv(rows)  # lines end as elsewhere here
    line = board.leaderboard_csv(rows).splitlines()[1].split(",")
    assert line[:6] == ["PROTEINS", "gin", "fair", "60.00", "1.05", ""]


def test_the_comparison_marks_the_best_of_a_column_and_says_the_fair_ones(
    two_data_sets,
):
    both = board.Comparison(two_data_sets)
    assert repr(both).splitlines()[0].split()[:3] == ["fair", "PROTEINS", "MUTAG"]
    lines = [line.split() for line in repr(both).splitlines()[1:]]
    assert [line[0] for line in lines] == ["1-wl", "mlp", "gin"]
    assert lines[2][1:7] == ["60.0", "±", "1.1", "50.0", "±", "1.1"]
    lines = both._repr_html_().split("<tr data-")[1:]
    best = [
        part.split(">")[1].split(" ±")[0].split("<")[0]
        for line in lines
        for part in line.split('<td class="best"')[1:]
        if "Errica" not in line and "prints" not in line
    ]
    assert best == ["60.0", "50.0", "85.0", "75.0"]
    assert sum(" hidden>" not in line for line in lines) == 3
    page = both._repr_html_()
    assert '<td class="best">73.76</td>' in page and 'title=""' not in page


def test_the_comparison_says_the_folds_in_their_order(tmp_path):
    accuracies = [0.5, 0.9, 0.1, 0.4, 0.8, 0.2, 0.3, 0.7, 0.6, 0.0]
    put(tmp_path, plan.plan(["mlp"], ["MUTAG"]), accuracies)
    page = board.Comparison(tmp_path)._repr_html_()
    said = " ".join(f"{100 * accuracy:.1f}" for accuracy in accuracies)
    assert f'title="folds: {said}"' in page


def test_a_name_cannot_end_the_page_s_markup(two_data_sets):
    rows = board.leaderboard(two_data_sets)
    name = '"><i>odd'
    page = board.leaderboard_html([dict(row, dataset=name) for row in rows])
    assert name not in page
    assert page.count('data-dataset="&quot;&gt;&lt;i&gt;odd"') == len(rows)


def test_rows_that_nobody_knows_are_in_order_of_their_names(tmp_path):
    for row, dataset in (("mine", "PROTEINS"), ("also mine", "MUTAG")):
        tasks = plan.plan(["mlp"], [dataset])
        put(tmp_path, [task._replace(method=row) for task in tasks], [0.5] * 10)
    fair = [row[1] for row in board.Comparison(tmp_path).rows if row[0] == "fair"]
    assert fair == ["also mine", "mine"]


def test_a_fold_of_other_settings_makes_a_board_s_cell_incomplete(tmp_path):
    tasks = plan.plan(["gin"], ["MUTAG"])
    other = plan.plan(["gin"], ["MUTAG"], epochs=3)
    put(tmp_path, [*tasks[:9], other[9]], [0.5] * 10)
    assert board.leaderboard(tmp_path) == []


def test_the_printed_tables_add_up():
    """So that no figure changes and no two change places."""
    columns = [0.0] * 5
    for number, row in enumerate(paper.TABLE_1.values(), start=1):
        for i, figure in enumerate(row):
            columns[i] += number * (figure or 0.0)
    assert columns == pytest.approx([4236.87, 6064.81, 3406.56, 5784.96, 5838.32])
    assert [round(sum(row.values()), 2) for row in paper.TABLE_2.values()] == [
        140.02,
        143.61,
        145.4,
    ]
    assert paper.reported("s2v-2diffpool", "DD") == 82.07
    assert paper.gain("set2set", "ecc") == pytest.approx(3.606)
    assert paper.reported("set2set", "COLLAB") == 71.75
    assert paper.reported("set2set", "REDDIT-MULTI-12K") == 43.49
    assert errica.ERRICA["ENZYMES", "diffpool"] == (59.5, 5.6)
    assert errica.ERRICA["COLLAB", "gin"] == (75.6, 2.3)
    assert errica.ERRICA["COLLAB", "graphsage"] == (73.9, 1.7)
    assert ("COLLAB", "ecc") not in errica.ERRICA and len(errica.ERRICA) == 23
    means = sum(mean for mean, _ in errica.ERRICA.values())
    sds = sum(sd for _, sd in errica.ERRICA.values())
    assert (round(means, 1), round(sds, 1)) == (1562.5, 89.7)
    pairs = list(enumerate(errica.ERRICA.values(), start=1))
    assert sum(i * mean for i, (mean, _) in pairs) == pytest.approx(19026.6)
    assert sum(i * sd for i, (_, sd) in pairs) == pytest.approx(946.4)
    gains = [4.17, 0.11, 3.32, 3.39, 5.42, 5.95, 6.27]
    assert list(paper.PRINTED_GAIN.values()) == gains
    assert paper.reported("ecc", "ENZYMES") == 53.5


def test_the_paper_s_epoch_is_that_of_the_highest_mean(tmp_path):
    """Not of the highest median."""
    tasks = plan.plan(["gin"], ["MUTAG"])
    for task in tasks:
        curve = [1.0 if task.fold < 4 else 0.3, 0.5, 0.5]
        own = dict(test_curve=curve, parameters=100)
        store.save(tmp_path, task, record_of(task, 0.5, **own))
    assert board.leaderboard(tmp_path)[1]["mean"] == pytest.approx(58)


# The plan


def test_the_settings_of_every_data_set_s_runs():
    def of(dataset):
        return plan.plan(["diffpool"], [dataset], folds=3)[0].settings

    large = dict(ratio=0.1, conv="sage", dropout=0.0, epochs=10, trial_epochs=1)
    small = dict(max_nodes=150, conv="gcn", dropout=0.6, epochs=50, trial_epochs=6)
    assert of("PROTEINS") == small
    assert of("DD") == of("REDDIT-MULTI-12K") == large | dict(max_nodes=500)
    assert of("COLLAB") == large | dict(max_nodes=150)
    for a, b in (("num_layers", "hidden"), ("num_layers", "lr"), ("hidden", "lr")):
        assert len({(point[a], point[b]) for point in plan.GRID}) == 4


def test_a_setting_that_only_one_of_the_two_has_tells_them_apart():
    plain = plan.plan(["diffpool"], ["MUTAG"], folds=3)[0]
    given = plan.plan(["diffpool"], ["MUTAG"], folds=3, link_weight=0.5)[0]
    assert given.differences(record_of(plain)) == {"link_weight": (None, 0.5)}
    assert plain.differences(record_of(given)) == {"link_weight": (0.5, None)}


# Records


def test_what_is_there_already_is_not_measured_again_with_replace(tmp_path):
    own, other = (plan.plan(["mlp"], ["MUTAG"], folds=3, epochs=e) for e in (2, 3))
    put(tmp_path, [own[0], other[1]], [0.5, 0.5])
    assert store.missing(tmp_path, own, replace=True) == own[1:]


@pytest.mark.parametrize("replace", [True, False])
def test_a_record_of_the_same_settings_stays_as_it_is(tmp_path, replace):
    task = plan.plan(["mlp"], ["MUTAG"], folds=3)[0]
    for accuracy in (0.25, 0.5):
        path = store.save(tmp_path, task, record_of(task, accuracy), replace)
        assert path == task.path(tmp_path)
    assert [record.accuracy for record in store.records(tmp_path)] == [0.25]
    assert not (tmp_path / store.ASIDE).exists()


def test_every_record_that_goes_aside_has_a_place_of_its_own(tmp_path):
    for epochs in range(2, 7):
        tasks = plan.plan(["mlp"], ["MUTAG"], folds=3, epochs=epochs)[:1]
        put(tmp_path, tasks, [0.5])
    aside = [schema.read(path) for path in (tmp_path / "replaced").rglob("*.json")]
    assert sorted(record.settings["epochs"] for record in aside) == [3, 4, 5, 6]
    assert store._free(tmp_path / "new.json").name == "new.1.json"
    store.save_failure(tmp_path, tasks[0], "no luck")
    put(tmp_path, tasks, [0.5])  # aside, but measured
    assert list(store.failures(tmp_path)) == []


def test_what_cannot_be_written_leaves_nothing_half_written(tmp_path, monkeypatch):
    def full(source, target):
        raise OSError(28, "No space left on device", str(target))

    left = (
        tmp_path / "MUTAG" / "mlp" / ".fold.json.0a1b.part"
    )  # of a process that was killed
    left.parent.mkdir(parents=True)
    left.write_text("{")
    store.check_writable(tmp_path)
    assert not left.exists()
    tasks = plan.plan(["mlp"], ["MUTAG"], folds=3)[:1]
    store.save_failure(tmp_path, tasks[0], "no luck")
    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(store.CannotWrite, match="No space left"):
        put(tmp_path, tasks, [0.5])
    assert not list(tmp_path.rglob("*.part"))
    (reason,) = store.failures(tmp_path)  # until there is a record in its place
    assert reason.reason == "no luck" and not list(store.records(tmp_path))


def test_a_failure_keeps_its_seeds_and_lies_beside_its_record(tmp_path):
    task = plan.plan(["mlp"], ["MUTAG"], folds=3, seed=2, weights_seed=5)[1]
    store.save_failure(tmp_path, task, "no luck")
    (failure,) = store.failures(tmp_path)
    assert (failure.seed, failure.weights_seed, failure.fold) == (2, 5, 1)


def test_the_order_is_not_the_file_system_s(tmp_path, monkeypatch):
    put(tmp_path, plan.plan(["mlp"], ["MUTAG"], folds=3), [0.1, 0.2, 0.3])
    for task in plan.plan(["gin"], ["MUTAG"], folds=3):
        store.save_failure(tmp_path, task, "no luck")
    glob = Path.glob
    backwards = lambda path, what: sorted(glob(path, what), reverse=True)  # noqa: E731
    monkeypatch.setattr(Path, "glob", backwards)
    assert [record.fold for record in store.records(tmp_path)] == [0, 1, 2]
    assert [failure.fold for failure in store.failures(tmp_path)] == [0, 1, 2]
    packed.pack(tmp_path, tmp_path / "all.xz")
    found = packed.carried(tmp_path / "all.xz")
    assert [record.fold for record in found] == [0, 1, 2]


def test_only_what_is_shown_is_packed(tmp_path):
    tasks = plan.plan(["mlp"], ["MUTAG"], folds=3)
    put(tmp_path, tasks[:2], [0.1, 0.2])
    put(tmp_path, plan.plan(["1-wl"], ["MUTAG"], folds=3)[:1], [0.4])
    put(tmp_path, plan.plan(["mlp"], ["MUTAG"], folds=3, epochs=3)[:1], [0.3])
    store.save_failure(tmp_path, tasks[2], "no luck")
    assert packed.pack(tmp_path, tmp_path / "all.xz") == 3
    found = list(packed.carried(tmp_path / "all.xz"))
    assert found == list(store.records(tmp_path)) and len(found) == 3
    with pytest.raises(FileNotFoundError, match="clone"):
        list(packed.carried(tmp_path / "none.xz"))
    tasks[0].path(tmp_path).write_text('{"method": "mlp"}')
    with pytest.raises(schema.DamagedRecord, match="not a whole record"):
        packed.pack(tmp_path, tmp_path / "all.xz")


def test_the_highest_index_of_all_folds_and_parts(tmp_path):
    path = tmp_path / "splits.json"
    folds = [dict(train=[5, 1], validation=[2], test=[3])]
    folds += [dict(train=[1], validation=[9, 7], test=[3])]
    path.write_text(json.dumps(folds))
    found = split_files.read_splits(path)
    assert found.largest == 9 and found.folds[1]["validation"] == [7, 9]


@pytest.mark.parametrize("first, last", [(9, 4), (4, 9)])
def test_the_highest_index_may_be_any_fold_s(tmp_path, first, last):
    path = tmp_path / "splits.json"
    highest = [dict(train=[0, 1], validation=[2], test=[i]) for i in (first, last)]
    path.write_text(json.dumps(highest))
    assert split_files.read_splits(path).largest == 9


def test_a_file_of_splits_is_named_by_its_bytes(tmp_path):
    """So that anybody can tell by sha256sum which file a record means."""
    folds = [dict(train=[0, 1], validation=[2], test=[3])]
    names = set()
    for indent in (None, 1):
        path = tmp_path / f"{indent}.json"
        path.write_bytes(json.dumps(folds, indent=indent).encode())
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        found = split_files.read_splits(path)
        assert found.hash == digest[:12] and found.folds == folds
        names.add(found.hash)
    assert len(names) == 2


# Cells as text


def test_a_cell_s_figures_are_means_and_the_majority_of_settings_counts():
    tasks = plan.plan(["diffpool"], ["MUTAG"], folds=5)
    other = plan.plan(["diffpool"], ["MUTAG"], folds=5, epochs=9)[0]
    figures = enumerate([0.25, 0.5, 0.75], start=1)
    folds = [
        record_of(tasks[i], 0.5, seconds=i, parameters=10 * i, link_loss=a,
                  entropy_loss=2 * a, effective_clusters=[i, 1.0])
        for i, a in figures
    ]  # fmt: skip
    cell = cells.of_folds([record_of(other, 0.5), *folds])
    assert (cell["left_out"], cell["folds"], cell["epochs"]) == (1, 3, 100)
    assert (cell["seconds"], cell["parameters"]) == (2.0, 20)
    assert (cell["link_loss"], cell["entropy_loss"]) == (0.5, 1.0)
    assert cell["effective_clusters"] == [2.0, 1.0]


def test_every_cell_of_a_split_has_a_line_and_every_split_a_block(tmp_path):
    asked = (dict(folds=3), dict(folds=3, weights_seed=4), dict(folds=5))
    for options, accuracy in zip(asked, (0.25, 0.5, 0.75), strict=True):
        tasks = plan.plan(["mlp"], ["MUTAG"], **options)
        put(tmp_path, tasks, [accuracy] * len(tasks))
    text = list(cells.as_text(cells.show(tmp_path)))
    titles = [line.split(" fair")[0] for line in text if line.startswith("Accuracy")]
    assert titles == [f"Accuracy in %, {of} folds, splits 0." for of in (3, 5)]
    assert all(line == line.rstrip() for line in text)
    lines = [line.split() for line in text if line.startswith("mlp")]
    assert [line[:2] for line in lines] == [["mlp", "–"], ["mlp", "w4"], ["mlp", "–"]]
    assert [line[-3] for line in lines] == ["3/3", "3/3", "5/5"]
    assert [float(line[-6]) for line in lines] == [25, 50, 75]


def test_every_failure_of_a_cell_is_told_and_cells_are_in_order(tmp_path):
    for task in plan.plan(["gin"], ["MUTAG"], folds=3)[1:]:
        store.save_failure(tmp_path, task, "no luck")
    for row in ("mlp", "1-wl"):
        tasks = plan.plan([row], ["MUTAG"], folds=3)
        put(tmp_path, tasks, [0.5] * 3)
    found = cells.show(tmp_path)
    assert [cell["method"] for cell in found] == ["1-wl", "gin", "mlp"]
    assert [cell["weights_seed"] for cell in found] == [None, 0, 0]
    assert found[1]["failed"] == [dict(fold=i, reason="no luck") for i in (1, 2)]


# A run


def test_a_run_hands_on_how_it_is_to_be_run(monkeypatch):
    seen = []
    monkeypatch.setattr(runner, "fill", lambda *given: seen.append(given))
    how = dict(jobs=3, results="there", progress=False, scheduler="tcp", replace=True)
    own = dict(folds=3, seed=2, weights_seed=5)
    runner.run(["mlp"], ["MUTAG"], **own, **how)
    assert seen == [(plan.plan(["mlp"], ["MUTAG"], **own), *how.values())]


class Bar:
    """In the place of the progress bar: what it says."""

    total = n = 0

    def __init__(self):
        self.said = []

    def set_description_str(self, text, refresh):
        self.said.append(text)

    def update(self):
        self.n += 1


@pytest.fixture
def bar(monkeypatch):
    bar = Bar()
    monkeypatch.setattr(runner, "_bar", contextmanager(lambda *_: iter([bar])))
    monkeypatch.setattr(runner, "measure", fake([0.5] * 10))
    return bar


def test_the_time_left_follows_what_was_measured(tmp_path, bar, monkeypatch):
    """3 seconds a fold, with the trials of its grid; two of them side by side."""

    def here(tasks, wanted, jobs):  # workers would not see what is patched
        yield from [(task, runner.measure(task)) for task in tasks]

    monkeypatch.setattr(runner, "on_this_machine", here)
    tasks = plan.plan(["mlp"], ["MUTAG"], folds=10)
    runner.fill(tasks[:8], 2, tmp_path)
    left = [int(1.5 * folds) for folds in range(7, -1, -1)]
    assert bar.said == [f"about 00:{seconds:02d}" for seconds in left]
    bar.said.clear()

    def slow(task):
        return fold.Outcome(record=record_of(task, seconds=14.0))

    monkeypatch.setattr(runner, "measure", slow)
    runner.fill(tasks, 1, tmp_path)  # the mean of eight times 3 and once 15
    assert bar.said == ["about 00:04", "about 00:00"]
    bar.said.clear()  # records that are replaced say nothing of the pace
    other = plan.plan(["mlp"], ["MUTAG"], folds=10, epochs=3)
    runner.fill(other, 1, tmp_path, replace=True)
    assert bar.said[0] == "about 02:15"


def test_the_pace_of_a_cell_is_its_mean_and_work_counts_edges_and_epochs():
    mlp = plan.plan(["mlp"], ["MUTAG"], folds=3)[0]
    pace = pacing.Pace()
    for seconds in (1.0, 6.0, 2.0):
        pace.learn(mlp, record_of(mlp, seconds=seconds, trial_seconds=None))
    pace.waiting.update({("mlp", "MUTAG"): 2})
    assert pace.seconds_left(1) == 6.0 and pace.seconds_left(3) == 2.0
    pace.waiting.clear()
    pace.waiting.update({("mlp", "PROTEINS"): 1})
    work = {"MUTAG": (3371 + 7442) * 100, "PROTEINS": (43471 + 162088) * 50}
    expected = 3.0 * work["PROTEINS"] / work["MUTAG"]
    assert pace.seconds_left(1) == pytest.approx(expected)
    assert pacing._work("REDDIT-MULTI-12K") == 400 * 11929 * 10  # nodes: a guess
    pace.waiting.update({("mlp", "DD"): 1, ("mlp", "REDDIT-BINARY"): 1})
    pace.forget("DD")
    assert sorted(pace.waiting) == [("mlp", "PROTEINS"), ("mlp", "REDDIT-BINARY")]


class Pool:
    """In the place of joblib's: each call brings so many outcomes and is killed."""

    def __init__(self, n_jobs, **options):
        own = dict(batch_size=1, return_as="generator_unordered")  # as they come
        assert options == own
        self.jobs.append(n_jobs)

    def __call__(self, calls):
        calls = iter(calls)
        for _ in range(self.left.pop(0)):
            call = next(calls, None)
            if call is None:
                return
            function, arguments, _ = call
            yield function(*arguments)
        raise TerminatedWorkerError("killed")


@pytest.mark.parametrize(
    ("left", "measured", "failed"),
    [([9], 4, 0), ([2, 9], 4, 0), ([1, 1, 9], 4, 0), ([0, 9], 3, 1), ([1, 0, 9], 3, 1)],
)
def test_a_pool_that_breaks_costs_a_fold_only_if_none_came(
    tmp_path, bar, monkeypatch, left, measured, failed
):
    monkeypatch.setattr(Pool, "jobs", [], raising=False)
    monkeypatch.setattr(Pool, "left", list(left), raising=False)
    monkeypatch.setattr(runner, "Parallel", Pool)
    tasks = plan.plan(["mlp"], ["MUTAG"], folds=4)
    report = runner.fill(tasks, 3, tmp_path)
    assert (report.measured, len(report.failures)) == (measured, failed)
    assert Pool.jobs == [3] * len(left) and len(list(store.records(tmp_path))) == (
        measured
    )


def test_a_data_set_that_is_not_to_be_had_is_said_once(tmp_path, bar, monkeypatch):
    """Folds that were handed out already come back with the same news."""
    tasks = plan.plan(["mlp"], ["MUTAG"], folds=3)

    def all_at_once(left, wanted, jobs):
        yield from [(task, fold.Outcome(unavailable="not here")) for task in left]

    monkeypatch.setattr(runner, "on_this_machine", all_at_once)
    report = runner.fill(tasks, 1, tmp_path)
    assert report.failures == ("MUTAG: not measured: not here",)


def test_what_will_not_come_is_no_longer_waited_for(tmp_path, bar, monkeypatch):
    tasks = plan.plan(["mlp", "gin"], ["MUTAG", "DD"], folds=3)

    def one_then_none(left, wanted, jobs):
        yield left[0], runner.measure(left[0])
        yield left[-1], fold.Outcome(unavailable="no DD here")

    monkeypatch.setattr(runner, "on_this_machine", one_then_none)
    runner.fill(tasks, 1, tmp_path)
    assert bar.total == 6  # of MUTAG alone, with the one that came


def test_the_fold_that_is_given_up_is_one_that_was_tried(monkeypatch):
    monkeypatch.setattr(Pool, "jobs", [], raising=False)
    monkeypatch.setattr(Pool, "left", [0, 9], raising=False)
    monkeypatch.setattr(runner, "Parallel", Pool)
    monkeypatch.setattr(runner, "measure", fake([0.5] * 3))
    tasks = plan.plan(["mlp"], ["MUTAG"], folds=3)
    found = runner.on_this_machine(tasks, lambda task: task.fold > 0, 1)
    assert [(task.fold, outcome.failed is None) for task, outcome in found] == [
        (1, False),
        (2, True),
    ]


def test_a_run_with_splits_of_a_file_measures_those(tmp_path, bar, monkeypatch):
    parts = [dict(train=[3, 4], validation=[2], test=[i]) for i in (0, 1)]
    file, seen = split_files.SplitFile("0123456789ab", parts, 4), []
    made = runner.measure
    monkeypatch.setattr(runner, "measure", lambda t: seen.append(t) or made(t))
    report = runner.run(["mlp"], ["MUTAG"], splits=file, results=tmp_path)
    assert report.measured == 2 and [task.split for task in seen] == parts


# A fold


@pytest.fixture
def loaded(monkeypatch):
    """What was loaded: nothing before the test, nothing after it."""
    fold._load.cache_clear()
    loads, real = [], fold.load_dataset

    def load(name, **options):
        loads.append(options)
        return real(name, **options)

    monkeypatch.setattr(fold, "load_dataset", load)
    yield loads
    fold._load.cache_clear()


def test_data_is_loaded_once_for_all_folds_and_anew_for_other_options(loaded):
    """What a cache keeps is by all that decides it."""
    with_bonds = fold._load("MUTAG", as_one_batch=True, edge_labels=True)
    assert fold._load("MUTAG", as_one_batch=True, edge_labels=True) is with_bonds
    without = fold._load("MUTAG", as_one_batch=True)
    assert loaded == [dict(edge_labels=True), {}]
    assert with_bonds.edge_attr is not None and without.edge_attr is None
    fold._load("MUTAG", as_one_batch=True, edge_labels=True)
    assert len(loaded) == 3  # the data of one task at a time is kept


def test_what_was_measured_is_that_of_its_task(monkeypatch):
    task = plan.plan(["mlp"], ["MUTAG"], folds=4, seed=3, weights_seed=2)[2]
    made = record_of(task)
    given = {*task.key, "settings", "commit", "versions"}
    found = {k: v for k, v in vars(made).items() if k not in given}
    monkeypatch.setattr(fold, "_measure", lambda task: found)
    record = fold.measure(task).record
    assert {name: getattr(record, name) for name in task.key} == task.key
    assert record.settings == task.settings and record.accuracy == made.accuracy
    assert list(record.versions) == ["python", "torch", "torch-geometric", "numpy"]
    monkeypatch.setattr(fold, "commit", lambda: "0123456789ab-dirty")
    assert fold.measure(task).record.commit == "0123456789ab-dirty"


def test_a_fold_s_row_split_and_settings_are_its_task_s(monkeypatch, loaded):
    seen = []

    def choose(row, graphs, split, grid, **settings):
        seen.append((row, split, grid, settings))
        return Record(chosen=dict(hidden=7), grid=[])

    def run_fold(row, graphs, split, **settings):
        seen.append((row, split, settings))
        return Record()

    monkeypatch.setattr(fold, "choose", choose)
    monkeypatch.setattr(fold, "run_fold", run_fold)
    options = dict(folds=4, seed=3, weights_seed=2, epochs=9, trial_epochs=5)
    options |= dict(standardize=2)
    task = plan.plan(["gin"], ["MUTAG"], **options)[2]
    part = dict(train=[3, 4], test=[0], validation=[2])
    own = dict(attributes=False, edge_labels=False)
    of_file = task._replace(
        split=part, splits="ab", seed=None, weights_seed=0, settings=task.settings | own
    )
    fold._measure(of_file)
    for (*_, split, _, found), _ in [seen]:
        assert {k: v.tolist() for k, v in split.items()} == part and found["seed"] == 0
        assert not {"attributes", "edge_labels"} & found.keys()
    assert loaded.pop() == own
    seen.clear()
    fold._measure(task)
    split = splits(fold.load_dataset("MUTAG").labels, 4, seed=3)[2]
    own = dict(dropout=0.0, max_nodes=28, seed=2, standardize=2)
    (row, first, grid, trial), (again, second, last) = seen
    assert row == again == "gin" and grid == task.grid and len(grid) == 4
    assert trial == own | dict(epochs=5)
    assert last == own | dict(epochs=9, hidden=7)
    for name, part in split.items():
        assert torch.equal(first[name], part) and torch.equal(second[name], part)
    assert loaded[0] == dict(edge_labels=True)


def test_a_reason_names_the_deepest_line_of_ours():
    task = plan.plan(["mlp"], ["MUTAG"], folds=3)[0]
    asked = task._replace(settings=task.settings | dict(attributes=True))
    failed = fold.measure(asked).failed
    assert failed.startswith("ValueError: attributes: MUTAG has no node attributes (da")
    assert "(datasets.py, line " in failed


@pytest.mark.parametrize("error", [fold.DatasetCorrupt, fold.DatasetUnavailable])
def test_data_that_cannot_be_used_is_no_failed_fold(monkeypatch, error):
    def nowhere(*_, **__):
        raise error("not to be had\nways out")

    monkeypatch.setattr(fold, "_load", nowhere)
    task = plan.plan(["mlp"], ["MUTAG"], folds=3)[0]
    assert fold.measure(task) == fold.Outcome(unavailable="not to be had")


def test_a_kernel_s_fold_reads_the_file_s_splits(monkeypatch, loaded):
    seen = []

    def svm_fold(name, graphs, split, *, penalties):
        seen.append((name, {k: v.tolist() for k, v in split.items()}, penalties))
        raise RuntimeError("enough")

    from dpcore.experiments import kernels

    monkeypatch.setattr(kernels, "svm_fold", svm_fold)
    part = dict(train=[3, 4], validation=[2], test=[0])
    task = plan.plan(["1-wl"], ["MUTAG"], folds=3)[0]._replace(split=part, splits="ab")
    assert "enough" in fold.measure(task).failed
    assert seen == [("1-wl", part, [10.0**power for power in range(-3, 4)])]


def test_warnings_of_collapse_stay_out_of_the_way_and_others_do_not(monkeypatch):
    def measured(task):
        warnings.warn("level 1 uses 1.0 of its 3 clusters: …", stacklevel=1)
        warnings.warn("something else", stacklevel=1)
        raise RuntimeError("enough")

    monkeypatch.setattr(fold, "_measure", measured)
    with pytest.warns(UserWarning) as found:
        fold.measure(plan.plan(["mlp"], ["MUTAG"], folds=3)[0])
    assert [str(one.message) for one in found] == ["something else"]


def test_two_threads_of_a_worker_measure_one_after_the_other(monkeypatch):
    """Torch's random state is one a process."""
    inside, most = [], []
    begun = threading.Barrier(2)

    def measured(task):
        inside.append(task)
        most.append(len(inside))
        threading.Event().wait(0.05)
        inside.remove(task)
        raise RuntimeError("enough")

    def work(task):
        begun.wait()
        fold.measure(task)

    monkeypatch.setattr(fold, "_measure", measured)
    tasks = plan.plan(["mlp"], ["MUTAG"], folds=3)[:2]
    both = [threading.Thread(target=work, args=(task,)) for task in tasks]
    for one in both:
        one.start()
    for one in both:
        one.join()
    assert most == [1, 1]


def test_a_commit_with_changes_is_called_dirty(tmp_path, monkeypatch):
    def git(*words):
        names = ["-c", "user.name=a", "-c", "user.email=a@b"]
        subprocess.run(["git", "-C", tmp_path, *names, *words], check=True)

    module = tmp_path / "a" / "b" / "c" / "fold.py"
    module.parent.mkdir(parents=True)
    module.write_text("1")
    git("init", "-q")
    git("add", ".")
    git("commit", "-qm", "one")
    git("tag", "-am", "no name of it: tags move", "v1")
    monkeypatch.setattr(fold, "__file__", str(module))
    clean = fold.commit.__wrapped__()
    assert len(clean) == 12
    module.write_text("2")
    assert fold.commit.__wrapped__() == f"{clean}-dirty"
    git("worktree", "add", "-q", "--detach", "beside")  # there .git is a file
    other = tmp_path / "beside" / "a" / "b" / "c" / "fold.py"
    monkeypatch.setattr(fold, "__file__", str(other))
    assert fold.commit.__wrapped__() == clean


def test_six_digits_are_kept_of_every_number_however_deep():
    third = 1 / 3
    deep = {"a": [third, {"b": (third, 1)}], "c": "x", "d": True}
    assert schema.rounded(deep) == {
        "a": [0.333333, {"b": [0.333333, 1]}], "c": "x", "d": True,
    }  # fmt: skip


def test_the_reason_of_a_refused_file_is_said_plainly(tmp_path):
    path = tmp_path / "splits.json"
    path.write_text('[{"train": [1], "validation": [], "test": [0]}]')
    with pytest.raises(split_files.BadSplits, match=r": fold 0 has an empty part$"):
        split_files.read_splits(path)


def test_of_two_clones_the_first_by_name_is_read(tmp_path, monkeypatch):
    for name in ("b", "a", "c"):
        results = tmp_path / name / "book" / "results"
        put(results, plan.plan(["mlp"], ["MUTAG"], folds=3)[:1], [0.5])
    iterdir = Path.iterdir
    backwards = lambda path: sorted(iterdir(path), reverse=True)  # noqa: E731
    monkeypatch.setattr(Path, "iterdir", backwards)
    assert store.find_results(tmp_path) == tmp_path / "a" / "book" / "results"
    put(tmp_path / "book" / "results", plan.plan(["mlp"], ["MUTAG"])[:1], [0.5])
    assert store.find_results(tmp_path) == tmp_path / "book" / "results"


def test_the_book_s_records_have_no_failures_beside_them(monkeypatch):
    monkeypatch.setattr(cells, "records", lambda results, **which: [])
    assert cells.show() == []


def test_what_the_tables_offer_is_found_when_it_is_asked_for():
    for name in ("leaderboard", "ERRICA", "show", "Task"):
        found = tables.__getattr__(name)
        assert found is vars(tables)[name] and name in dir(tables)
    assert tables.__getattr__("leaderboard") is board.leaderboard
    with pytest.raises(AttributeError, match="tables' has no attribute 'nothing'"):
        tables.nothing  # noqa: B018
    assert {*tables.__all__} <= {*dir(tables)}


# A cluster, without one: what is asked of Dask, and what becomes of its answers


class Future(SimpleNamespace):
    __hash__ = object.__hash__


class Futures:
    """In the place of Dask's client and of its `as_completed`: work is done when it is
    waited for, and what becomes of it is `fates`' word."""

    def __init__(self, threads=(1, 1), fates=()):
        self.threads, self.fates, self.loop = threads, dict(fates), object()
        self.keys, self.running, self.most, self.cancelled = [], [], 0, None

    def nthreads(self):
        return dict(enumerate(self.threads))

    def submit(self, function, task, *, key, pure):
        assert not pure and " " not in key
        fate = self.fates.get(task.fold, "finished")
        reason = RuntimeError("two\n  lines")
        future = Future(status=fate, exception=lambda: reason)
        future.result = lambda: function(task)
        self.keys.append(key)
        self.most = max(self.most, len(self.running) + 1)
        self.running.append(future)
        return future

    def cancel(self, futures):
        self.cancelled = futures

    def as_completed(self, futures, loop):
        assert loop is self.loop
        client = self

        class Completed:
            def __init__(self):
                self.left = list(futures)

            def __iter__(self):
                while self.left:
                    future = self.left.pop(0)
                    client.running.remove(future)
                    yield future

            def update(self, more):
                self.left += more

        return Completed()


@pytest.fixture
def dask(monkeypatch):
    """As many tasks as asked for, measured on a cluster that is not there."""

    def measured(client, tasks, wanted=lambda task: True):
        module = SimpleNamespace(as_completed=client.as_completed)
        monkeypatch.setitem(sys.modules, "distributed", module)
        monkeypatch.setattr(runner, "measure", lambda task: f"outcome {task.fold}")
        return runner._on_cluster(tasks, wanted, client)

    return measured


def test_a_cluster_gets_two_folds_a_thread_and_each_a_key_of_its_own(dask):
    client, tasks = Futures(threads=(1, 2)), plan.plan(["mlp"], ["MUTAG"])
    found = list(dask(client, tasks))
    assert [task.fold for task, _ in found] == list(range(10))
    assert [outcome for _, outcome in found] == [f"outcome {i}" for i in range(10)]
    assert client.most == 6 and len({*client.keys}) == 10
    assert client.keys[3].startswith("mlp-MUTAG-fold-3-")
    again = Futures()
    list(dask(again, tasks))
    assert not {*client.keys} & {*again.keys}  # Dask would hand out the old answer


def test_folds_that_fail_on_a_cluster_do_not_stop_the_others(dask):
    client = Futures(threads=(1,), fates=dict.fromkeys(range(4), "error"))
    found = list(dask(client, plan.plan(["mlp"], ["MUTAG"], folds=6)))
    assert [task.fold for task, _ in found] == list(range(6))
    assert [outcome for _, outcome in found][4:] == ["outcome 4", "outcome 5"]


def test_what_is_no_longer_wanted_is_not_handed_out(dask):
    client, tasks = Futures(threads=(1,)), plan.plan(["mlp"], ["MUTAG"])
    came = []
    wanted = lambda task: task.fold % 2 == 0 and len(came) < 2  # noqa: E731
    for task, _ in dask(client, tasks, wanted):
        came.append(task.fold)
    assert came == [0, 2, 4] and client.cancelled == []


def test_a_fold_that_fails_on_a_cluster_is_said_and_a_lost_scheduler_ends_the_run(dask):
    client, tasks = Futures(fates={1: "error", 3: "lost"}), plan.plan(["gin"], ["DD"])
    found = []
    with pytest.raises(runner.NoCluster, match="scheduler was lost: run again"):
        for task, outcome in dask(client, tasks):
            found.append((task.fold, outcome))
    assert [fold for fold, _ in found] == [0, 1, 2]
    assert found[1][1] == fold.Outcome(failed="on the cluster: two lines")
    assert len(client.cancelled) == 3  # four were out, one of them is lost


def test_a_run_on_a_cluster_hands_on_all_it_is_given(tmp_path, monkeypatch):
    seen, closed = {}, []

    @contextmanager
    def client(address):
        seen["address"] = address
        yield Futures(threads=(2, 3))
        closed.append(address)

    def on_cluster(left, wanted, client):
        seen.update(left=left, wanted=[wanted(task) for task in left], client=client)
        yield left[0], fold.Outcome(record=record_of(left[0]))

    def text(pace, workers):
        seen["workers"] = workers
        return "?"

    monkeypatch.setattr(runner, "_client", client)
    monkeypatch.setattr(runner, "_on_cluster", on_cluster)
    monkeypatch.setattr(pacing.Pace, "text", text)
    tasks = plan.plan(["mlp"], ["MUTAG"], folds=4)
    put(tmp_path, tasks[:1], [0.5])
    options = dict(results=tmp_path, progress=False, scheduler="tcp://a:1")
    report = runner.run(["mlp"], ["MUTAG"], folds=4, **options)
    assert report[:2] == (1, 1) and seen["left"] == tasks[1:]
    assert seen["wanted"] == [True] * 3 and seen["workers"] == 5
    assert (seen["address"], closed) == ("tcp://a:1", ["tcp://a:1"])
    assert seen["client"].threads == (2, 3)


@pytest.mark.parametrize("late", [False, True])
def test_a_client_is_asked_for_workers_and_closed_without_them(monkeypatch, late):
    seen = []

    class Client:
        def __init__(self, address, **options):
            seen.append((address, options))

        def wait_for_workers(self, count, timeout):
            seen.append((count, timeout))
            if late:
                raise TimeoutError

        def close(self):
            seen.append("closed")

    monkeypatch.setitem(sys.modules, "distributed", SimpleNamespace(Client=Client))
    options = dict(timeout=runner.SCHEDULER_SECONDS, set_as_default=False)
    expected = [("tcp://a:1", options), (1, runner.SCHEDULER_SECONDS)]
    if late:
        with pytest.raises(runner.NoCluster, match="at tcp://a:1 has no workers"):
            runner._client("tcp://a:1")
        expected.append("closed")
    else:
        assert isinstance(runner._client("tcp://a:1"), Client)
    assert seen == expected


def test_a_record_is_renamed_into_its_place(tmp_path, monkeypatch):
    """From a file beside it, by whose name what a killed process left is found."""
    seen, replace = [], os.replace

    def renamed(source, target):
        seen.append(Path(source))
        with pytest.raises(Timeout), FileLock(tmp_path / ".lock", timeout=0):
            pass  # nobody else can write meanwhile
        replace(source, target)

    monkeypatch.setattr(os, "replace", renamed)
    task = plan.plan(["mlp"], ["MUTAG"], folds=3)[0]
    put(tmp_path, [task], [0.5])
    (source,) = seen
    assert source.match(PARTS) and source.parent == task.path(tmp_path).parent


def test_records_are_found_beside_the_package(tmp_path):
    beside = Path(store.__file__).resolve().parents[3] / "book" / "results"
    assert store.find_results(tmp_path) == beside


def test_a_record_has_its_fields_in_their_order_and_one_best():
    task = plan.plan(["mlp"], ["MUTAG"], folds=3)[0]
    names = list(schema.to_dict(record_of(task)))
    assert names == [f.name for f in fields(schema.FoldRecord) if f.name in names]
    for both in (dict(best_epoch=None), dict(best_candidate=2)):
        with pytest.raises(ValueError, match="best_epoch, best_candidate: expected on"):
            record_of(task, **both)
    for best in (0, 4):
        with pytest.raises(ValueError, match=f"best is number {best}, but the curves"):
            record_of(task, 1.0, best_epoch=best)
    with pytest.raises(ValueError, match="accuracy is 0.5, but number 2 of test_cu"):
        record_of(task, 0.5, test_curve=[0.25, 0.501, 0.75])
    with pytest.raises(ValueError, match="parameters is True, expected int or None"):
        record_of(task, parameters=True)


# Two files of splits, the first of equals, what is left out


def test_files_of_splits_are_cells_of_their_own_and_none_of_the_board_s(tmp_path):
    parts = [dict(train=[30, 40], validation=[20], test=[i]) for i in range(10)]
    for name, accuracy in (("0123456789ab", 0.25), ("ba9876543210", 0.75)):
        file = split_files.SplitFile(name, parts, 40)
        tasks = plan.plan(["mlp"], ["MUTAG"], splits=file)
        put(tmp_path, tasks, [accuracy] * 10)
        assert board.leaderboard(tmp_path) == []  # none of its
    found = cells.show(tmp_path)
    names = ("seed", "splits", "fair_mean", "folds", "of")
    assert [tuple(cell[name] for name in names) for cell in found] == [
        (None, "0123456789ab", 25.0, 10, 10),
        (None, "ba9876543210", 75.0, 10, 10),
    ]
    text = list(cells.as_text(found))
    titles = [line.split(" fair")[0] for line in text if line.startswith("Accuracy")]
    assert titles == [
        f"Accuracy in %, 10 folds, splits {cell['splits']}." for cell in found
    ]
    long_tables.export(store.records(tmp_path), tmp_path / "long")
    with (tmp_path / "long" / "epochs.csv").open(encoding="utf-8") as file:
        line = next(csv.DictReader(file))
    key = ("dataset", "method", "seed", "splits", "weights_seed", "folds", "fold")
    assert [line[name] for name in key] == [
        *("MUTAG", "mlp", "", "0123456789ab", "0", "10", "0")
    ]


OF_ERRICA = {  # as they print them; their blind baseline is our mlp
    ("PROTEINS", "mlp"): "75.8",
    ("PROTEINS", "gin"): "73.3",
    ("PROTEINS", "diffpool-random"): "–",
    ("DD", "mlp"): "78.4",
    ("DD", "gin"): "75.3",
    ("ENZYMES", "diffpool"): "59.5",
    ("MUTAG", "mlp"): "–",
}


@pytest.mark.parametrize("from_a_file", [True, False])
def test_errica_s_fair_mean_stands_beside_ours(tmp_path, from_a_file):
    """That of the row and of the data set, in the column of its name."""
    parts = [dict(train=[30, 40], validation=[20], test=[i]) for i in range(10)]
    file = split_files.SplitFile("0123456789ab", parts, 40) if from_a_file else None
    for dataset, row in OF_ERRICA:
        tasks = plan.plan([row], [dataset], splits=file)
        put(tmp_path, tasks, [0.25] * 10)
    found = cells.show(tmp_path)
    theirs = {(cell["dataset"], cell["method"]): cell["errica"] for cell in found}
    assert theirs == {
        key: None if text == "–" else float(text) for key, text in OF_ERRICA.items()
    }
    shown, dataset = {}, ""
    for line in (text := list(cells.as_text(found))):
        assert len(line) <= 88 or line.startswith("not measured: ")
        name = line.split(" ")[0]
        if name == "Table":
            dataset = line.split(", ")[1].split(";")[0].strip("()")
        elif " Errica " in line and not name:
            end, fair = (line.index(w) + len(w) for w in ("Errica", "fair"))
        elif name in {row for _, row in OF_ERRICA}:
            shown[dataset, name] = line[:end].split()[-1]
            assert line[:fair].endswith("25.0 ± 0.0")
    assert shown == OF_ERRICA
    assert sum(line.startswith("Errica: ") for line in text) == 1


def test_a_data_set_that_errica_s_tables_lack_has_no_line_on_them(tmp_path):
    put(tmp_path, plan.plan(["mlp"], ["MUTAG"], folds=3), [0.5] * 3)
    text = list(cells.as_text(cells.show(tmp_path)))
    assert not any(line.startswith("Errica: ") for line in text)


def test_every_fold_of_a_file_is_read_and_the_test_part_is_apart(tmp_path):
    path = tmp_path / "splits.json"
    folds = [dict(train=[20, 21], validation=[22], test=[i]) for i in range(12)]
    path.write_text(json.dumps(folds))
    assert len(split_files.read_splits(path).folds) == 12
    inner = dict(train=[20], validation=[21], test=[22])
    path.write_text(json.dumps([dict(test=[1], model_selection=[inner])]))
    assert split_files.read_splits(path).folds[0]["test"] == [1]  # the outer one
    for test, reason in (([3, 21], "an index twice"), ([-1], "what is no index")):
        path.write_text(json.dumps([*folds, folds[0] | dict(test=test)]))
        with pytest.raises(split_files.BadSplits, match=f": fold 12 holds {reason}$"):
            split_files.read_splits(path)


def test_of_two_equal_epochs_the_paper_s_way_reads_the_first(tmp_path):
    for task in plan.plan(["gin"], ["MUTAG"]):
        high = 0.75 if task.fold % 2 else 0.25
        curve = [high, 0.5, 1 - high]  # the mean of every epoch is 0.5
        store.save(tmp_path, task, record_of(task, 0.5, test_curve=curve))
    paper_s = board.leaderboard(tmp_path)[1]
    assert (paper_s["fold_0"], paper_s["fold_1"]) == (25, 75)


def test_the_best_of_a_column_need_not_be_its_last(tmp_path):
    for row, accuracy in (("mlp", 0.12346), ("gin", 0.0625)):
        put(tmp_path, plan.plan([row], ["MUTAG"]), [accuracy] * 10)
    rows = board.leaderboard(tmp_path)
    assert rows[0]["fold_3"] == pytest.approx(12.346)
    line = board.leaderboard_csv(rows).splitlines()[1].split(",")
    assert line[1] == "mlp" and line[6:8] == ["3", "100"]  # whole numbers
    page = board.leaderboard_html(rows)
    assert page.count(board.BEST) == 2 and f"{board.BEST}>12.3<" in page
    rows[0]["mean"] = 99.0  # fair: the best of one protocol is none of the other's
    assert board.leaderboard_html(rows).count(board.BEST) == 2
    page = board.Comparison(tmp_path)._repr_html_()
    folds = " ".join(["12.3"] * 10)
    assert f'<td{board.BEST} title="folds: {folds}">12.3 ±' in page


def test_what_is_left_out_says_nothing_of_a_cell():
    tasks = plan.plan(["diffpool"], ["MUTAG"], folds=3)
    other = plan.plan(["diffpool"], ["MUTAG"], folds=3, epochs=9)[0]
    folds = [
        record_of(tasks[1], parameters=1, seconds=1.25, link_loss=0.1233,
                  effective_clusters=[3.25, 1.0]),
        record_of(tasks[2], parameters=2, seconds=1.75, link_loss=0.1237,
                  effective_clusters=[3.75, 2.0]),
    ]  # fmt: skip
    cell = cells.of_folds([record_of(other), *folds])
    some = [*folds, record_of(tasks[0], parameters=None)]
    assert cells.of_folds(some)["parameters"] is None  # not a mean of those that say
    grid = [dict(point, lr=0.5, accuracy=0.5, loss=0.7) for point in tasks[0].grid]
    values = [*folds, record_of(tasks[0], grid=grid, chosen={})]
    assert cells.of_folds(values)["left_out"] == 1  # the same names, other values
    assert (cell["left_out"], cell["settings"]) == (1, tasks[1].settings)
    assert cell["differs"] == {}
    assert (cell["parameters"], cell["link_loss"]) == (2, 0.1235)  # of 1.5
    assert cell["seconds"] == 1.5
    assert cell["effective_clusters"] == [3.5, 1.5]
    turned = dict(reversed(tasks[2].settings.items()))  # what stands first is no matter
    alike = record_of(tasks[2], settings=turned)
    assert cells.of_folds([record_of(tasks[1]), alike])["left_out"] == 0


def test_a_cell_that_failed_has_every_key_and_its_reasons():
    tasks = plan.plan(["mlp"], ["MUTAG"], folds=3)
    failure = schema.Failure(**tasks[2].key, reason="no luck")
    failed = cells.of_folds([], [failure])
    assert failed["failed"] == [dict(fold=2, reason="no luck")]
    assert failed.keys() == cells.of_folds([record_of(tasks[0])]).keys()
    both = cells.of_folds([record_of(tasks[0])], [failure])
    assert (both["folds"], both["of"], both["failed"]) == (1, 3, failed["failed"])
    assert failed["left_out"] == both["left_out"] == 0


def test_all_rows_of_other_settings_are_named():
    found = [
        cells.of_folds(list(map(record_of, plan.plan([row], ["MUTAG"], 3, epochs=9))))
        for row in ("mlp", "gin")
    ]
    assert "  mlp, gin" in list(cells.as_text(found))
    two = plan.plan(["mlp"], ["ENZYMES"], folds=3, epochs=80, patience=9)
    text = "\n".join(cells.as_text([cells.of_folds(list(map(record_of, two)))]))
    assert "epochs 80 (400)" in text and "patience 9 (50)" in text


def test_a_cell_of_other_settings_says_too_what_it_leaves_out():
    first, *rest = plan.plan(["mlp"], ["MUTAG"], folds=3)
    other = plan.plan(["mlp"], ["MUTAG"], folds=3, epochs=9)[1:]
    cell = cells.of_folds([record_of(task) for task in (first, *other)])
    text = list(cells.as_text([cell]))
    assert "mlp: 1 folds of other settings are left out" in text
    assert any("epochs 9 (100)" in line for line in text)


def test_a_setting_that_is_zero_or_off_is_not_called_none():
    zero = plan.plan(["mlp"], ["ENZYMES"], folds=3, standardize=0, attributes=False)
    text = "\n".join(cells.as_text([cells.of_folds(list(map(record_of, zero)))]))
    assert "standardize 0 (18)" in text and "attributes false (true)" in text
    asked = plan.plan(["mlp"], ["PROTEINS"], folds=3, patience=9)
    text = "\n".join(cells.as_text([cells.of_folds(list(map(record_of, asked)))]))
    assert "patience 9 (none)" in text


def test_a_row_is_missing_where_it_was_not_measured_though_it_was_elsewhere():
    def cell(row, dataset):
        tasks = plan.plan([row], [dataset], folds=3)
        return cells.of_folds([record_of(task) for task in tasks])

    found = [
        cell(*of) for of in (("ecc", "DD"), ("gin", "PROTEINS"), ("s2v", "COLLAB"))
    ]
    blocks = "\n".join(cells.as_text(found)).split("\n\n")
    proteins, dd, collab = (
        next(b for b in blocks if name in b) for name in ("1, PROTEINS", "DD", "COLLAB")
    )
    assert "ecc" in proteins.split("not measured: ")[1]
    assert "ecc" not in dd.split("not measured: ")[1]
    assert collab.startswith("Table 2, (COLLAB)")  # its Table 2 has no such column


def test_every_data_set_is_checked_and_a_trial_takes_a_whole_eighth():
    with pytest.raises(plan.BadArgument, match="attributes: MUTAG has none"):
        plan.plan(["mlp"], ["ENZYMES", "MUTAG"], attributes=True)
    with pytest.raises(plan.BadArgument, match="folds is 451, expected 3 to 450"):
        plan.plan(["mlp"], ["PROTEINS"], folds=451)
    settings = plan.plan(["diffpool"], ["ENZYMES"], epochs=15)[0].settings
    assert (settings["conv"], settings["trial_epochs"]) == ("sage", 1)
    assert plan.PLANNED == ("PROTEINS", "ENZYMES", "MUTAG", "DD", "COLLAB")


def test_a_bar_counts_what_is_left_and_is_shown_if_asked_for(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.setattr(runner, "measure", fake([0.5] * 4))
    tasks = plan.plan(["mlp"], ["MUTAG"], folds=4)
    runner.fill(tasks[:2], results=tmp_path, progress=False)
    assert capsys.readouterr().err == ""
    runner.fill(tasks, results=tmp_path)
    assert "2/2 folds" in capsys.readouterr().err


def test_a_fold_that_failed_is_no_longer_waited_for(tmp_path, bar, monkeypatch):
    made = runner.measure

    def first_fails(task):
        return made(task) if task.fold else fold.Outcome(failed="no luck")

    monkeypatch.setattr(runner, "measure", first_fails)
    runner.fill(plan.plan(["mlp"], ["MUTAG"], folds=3)[:2], 1, tmp_path)
    assert bar.said == ["?", "about 00:00"]


def test_the_pace_of_a_row_is_the_mean_of_its_folds():
    mutag, dd = (plan.plan(["mlp"], [name], folds=3)[0] for name in ("MUTAG", "DD"))
    pace = pacing.Pace()
    for task, seconds in ((mutag, 2.0), (mutag, 2.0), (dd, 3.0)):
        pace.learn(task, record_of(task, seconds=seconds, trial_seconds=None))
    pace.waiting.update({("mlp", "PROTEINS"): 1})
    rate = (2 * 2.0 / pacing._work("MUTAG") + 3.0 / pacing._work("DD")) / 3
    assert pace.seconds_left(1) == pytest.approx(rate * pacing._work("PROTEINS"))


def test_a_folder_is_tried_where_the_records_will_lie(tmp_path, monkeypatch):
    seen = []

    def full(dir=None):
        seen.append(dir)
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(store.tempfile, "TemporaryFile", full)
    with pytest.raises(store.CannotWrite, match="No space left"):
        store.check_writable(tmp_path)
    assert seen == [tmp_path]


def test_without_git_the_commit_is_the_version(tmp_path, monkeypatch):
    def none(*_, **__):
        raise FileNotFoundError("git")

    (tmp_path / ".git").mkdir()
    monkeypatch.setattr(fold, "__file__", str(tmp_path / "a" / "b" / "c" / "fold.py"))
    monkeypatch.setattr(subprocess, "run", none)
    assert fold.commit.__wrapped__() == version("dpcore")


# What no test saw that stood here before: another pair of eyes


def test_a_kernel_takes_no_options_of_the_data():
    with pytest.raises(plan.BadArgument, match="1-wl does not take attributes"):
        plan.plan(["1-wl"], ["ENZYMES"], attributes=True)


def test_a_record_s_curves_are_as_long_and_its_accuracy_is_one_of_them():
    task = plan.plan(["mlp"], ["MUTAG"])[0]
    longer = dict(validation_curve=[0.25, 0.75, 0.5, 0.5])
    with pytest.raises(ValueError, match="the curves have 4 and 3 points"):
        record_of(task, **longer)
    record_of(task, 0.123457, test_curve=[0.5, 0.1234567, 0.5])  # six digits are kept
    assert schema.to_dict(record_of(task, chosen={}))["chosen"] == {}


def test_a_tenth_fold_is_found(tmp_path):
    put(tmp_path, plan.plan(["mlp"], ["MUTAG"], folds=11)[9:], [0.5, 0.5])
    assert [record.fold for record in store.records(tmp_path)] == [10, 9]


def test_folds_and_seed_say_nothing_beside_splits_of_a_file():
    file = split_files.SplitFile("0123456789ab", [dict(train=[3], test=[1])], 3)
    (task,) = plan.plan(["mlp"], ["MUTAG"], folds=1, splits=file)
    assert (task.folds, task.seed) == (1, None)
    two = file._replace(folds=2 * file.folds)
    assert len(plan.plan(["mlp"], ["MUTAG"], folds=1, splits=two)) == 2


def test_the_first_of_two_reasons_and_the_order_of_splits_are_shown():
    tasks = plan.plan(["mlp"], ["MUTAG"], folds=3)
    failures = [
        schema.Failure(**task.key, reason=reason)
        for task, reason in zip(tasks[:2], ("no luck", "no disk"), strict=True)
    ]
    failed = cells.of_folds([], failures)
    later = plan.plan(["gin"], ["MUTAG"], folds=3, seed=1)
    text = list(cells.as_text([cells.of_folds(list(map(record_of, later))), failed]))
    titles = [line.split(", ")[2][:8] for line in text if line.startswith("Accuracy")]
    assert titles == ["splits 0", "splits 1"]
    assert any(line.endswith("failed: no luck") for line in text)


def test_a_record_s_accuracy_is_that_of_its_best_epoch_and_no_truth_value():
    task = plan.plan(["mlp"], ["MUTAG"], folds=3)[0]
    with pytest.raises(ValueError, match="accuracy is 0.75, but number 2 of test_cu"):
        record_of(task, 0.75, test_curve=[0.25, 0.5, 0.75])
    with pytest.raises(ValueError, match="seconds is True, expected float"):
        record_of(task, seconds=True)


def test_all_that_went_aside_is_named(tmp_path, bar, monkeypatch):
    tasks = plan.plan(["mlp"], ["MUTAG"], folds=3)
    monkeypatch.setattr(runner, "save", lambda results, task, *_: Path(str(task)))
    report = runner.fill(tasks, 1, tmp_path)
    assert report.aside == tuple(Path(str(task)) for task in tasks)


def test_a_kernel_s_data_is_its_task_s(monkeypatch):
    seen = []

    def load(dataset, as_one_batch, **options):
        seen.append((dataset, as_one_batch, options))
        raise RuntimeError("enough")

    monkeypatch.setattr(fold, "_load", load)
    fold.measure(plan.plan(["1-wl"], ["DD"], folds=3)[0])
    assert seen == [("DD", False, {})]


def test_a_reason_outside_this_package_names_the_last_line_inside(monkeypatch):
    def measured(task):
        json.loads("{")

    monkeypatch.setattr(fold, "_measure", measured)
    failed = fold.measure(plan.plan(["mlp"], ["MUTAG"], folds=3)[0]).failed
    assert failed.startswith("JSONDecodeError") and "decoder.py" not in failed


def test_a_reason_s_file_and_line_are_of_one_place(monkeypatch):
    monkeypatch.setattr(fold, "_measure", lambda task: json.loads("{"))
    failed = fold.measure(plan.plan(["mlp"], ["MUTAG"], folds=3)[0]).failed
    place = re.search(r"\((\w+)\.py, line (\d+)\)$", failed)
    (path,) = Path(fold.__file__).parents[2].rglob(f"{place[1]}.py")
    line = path.read_text("utf-8").splitlines()[int(place[2]) - 1]
    assert line.strip() == "return function(*args, **settings)"


def test_the_nearest_results_are_those_that_are_found(tmp_path):
    inner = tmp_path / "outer" / "inner"
    for place in (tmp_path / "outer", inner):
        put(place / "book" / "results", plan.plan(["mlp"], ["MUTAG"])[:1], [0.5])
    assert store.find_results(inner) == inner / "book" / "results"
    assert store.find_results(inner / "book") == inner / "book" / "results"


def test_a_grid_that_is_whole_needs_no_folder_that_can_be_written(
    tmp_path, monkeypatch
):
    def refused(results):
        raise store.CannotWrite("read only")

    tasks = plan.plan(["mlp"], ["MUTAG"], folds=3)
    put(tmp_path, tasks, [0.5] * 3)
    monkeypatch.setattr(runner, "check_writable", refused)
    assert runner.fill(tasks, results=tmp_path, progress=False).there == 3


def test_a_damaged_file_of_records_is_named(tmp_path):
    path = tmp_path / "mine.xz"
    path.write_bytes(lzma.compress(b'{"method": "mlp"}\n'))
    with pytest.raises(schema.DamagedRecord, match=r"mine\.xz is not a whole record"):
        list(packed.carried(path))


def test_records_are_found_from_three_folders_below(tmp_path):
    results = tmp_path / "book" / "results"
    put(results, plan.plan(["mlp"], ["MUTAG"], folds=3)[:1], [0.5])
    deep = tmp_path / "a" / "b" / "c"
    deep.mkdir(parents=True)
    assert store.find_results(deep) == results


# A fourth pair of eyes


def test_what_is_printed_stands_beside_what_is_not_measured(two_data_sets):
    """And every measured cell says its folds, not the best of a column alone."""
    table = board.Comparison(two_data_sets)
    rows = {(protocol, method): cells for protocol, method, cells in table.rows}
    printed = dict(zip(table.datasets, rows["the paper prints", "1-wl"], strict=True))
    assert {name: cell and cell[0] for name, cell in printed.items()} == dict(
        zip(paper.DATASETS, paper.TABLE_1["1-wl"], strict=True), MUTAG=None
    )
    lines = table._repr_html_().split("<tr data-")[1:]
    titles = [line.count(' title="folds: ') for line in lines]
    fair = [n for n, line in zip(titles, lines, strict=True) if " hidden>" not in line]
    assert fair == [1, 1, 2] and sum(titles) == 8


def test_a_cell_that_is_not_whole_stands_in_the_block_of_its_split(tmp_path):
    """With the folds of other settings that are left out counted, not the others."""
    tasks = plan.plan(["mlp"], ["MUTAG"], folds=5)
    other = plan.plan(["gin"], ["MUTAG"], folds=5, epochs=9)[4]
    put(tmp_path, tasks, [0.5] * 5)
    put(tmp_path, [*plan.plan(["gin"], ["MUTAG"], folds=5)[:3], other], [0.75] * 4)
    text = list(cells.as_text(cells.show(tmp_path)))
    assert sum(line.startswith("Accuracy in %, 5 folds") for line in text) == 1
    assert sum(line.startswith("Accuracy") for line in text) == 1
    assert "gin: 1 folds of other settings are left out" in text
    assert not any(line.startswith("not measured") for line in text)  # of MUTAG


def test_a_loss_of_zero_is_a_figure():
    tasks = plan.plan(["diffpool"], ["MUTAG"], folds=3)
    cell = cells.of_folds([record_of(t, link_loss=0.0, seconds=0.0) for t in tasks])
    assert (cell["link_loss"], cell["seconds"], cell["entropy_loss"]) == (0, 0, None)


def test_the_highest_index_may_be_the_last_graph_and_all_rows_are_named():
    parts = [dict(train=[3], validation=[1], test=[187])]  # MUTAG has 188 graphs
    file = split_files.SplitFile("0123456789ab", parts, 187)
    assert len(plan.plan(["mlp"], ["MUTAG"], splits=file)) == 1
    with pytest.raises(plan.BadArgument, match="index 188, but MUTAG has 188"):
        plan.plan(["mlp"], ["MUTAG"], splits=file._replace(largest=188))
    with pytest.raises(plan.BadArgument, match="^mlp, gin does not take ratio"):
        plan.plan(["mlp", "gin"], ["MUTAG"], ratio=0.5)


def test_a_fold_that_went_aside_was_measured_and_one_that_failed_is_named(
    tmp_path, bar, monkeypatch
):
    made = runner.measure

    def last_fails(task):
        return made(task) if task.fold < 2 else fold.Outcome(failed="no luck")

    monkeypatch.setattr(runner, "measure", last_fails)
    monkeypatch.setattr(runner, "save", lambda results, task, *_: Path(str(task)))
    report = runner.fill(plan.plan(["mlp"], ["MUTAG"], folds=3), 1, tmp_path)
    assert (report.measured, len(report.aside)) == (2, 2)
    assert report.failures == ("mlp MUTAG fold 2: no luck",)


def test_six_digits_are_six_of_large_and_of_small_numbers():
    assert schema.rounded([123456.789, 1.23456789e-7]) == [123457.0, 1.23457e-7]


def test_what_is_refused_says_how_many_lie_there_and_which_side_has_what(tmp_path):
    """One of other settings is enough, beside one alike and one that is missing."""
    put(tmp_path, plan.plan(["mlp"], ["MUTAG"], folds=3, epochs=9)[1:2], [0.5])
    asked = plan.plan(["mlp"], ["MUTAG"], folds=3, epochs=7)
    put(tmp_path, asked[:1], [0.5])
    said = "^1 of 3 folds .* other settings.*epochs: 9 there, 7 here"
    with pytest.raises(store.OtherSettings, match=said):
        store.missing(tmp_path, asked)


def test_an_empty_folder_of_results_is_passed_over(tmp_path):
    inner = tmp_path / "clone"
    (inner / "book" / "results").mkdir(parents=True)
    outer = tmp_path / "book" / "results"
    put(outer, plan.plan(["mlp"], ["MUTAG"], folds=3)[:1], [0.5])
    assert store.find_results(inner) == outer


def test_a_fold_that_stopped_keeps_its_last_value_not_its_highest(tmp_path):
    for task in plan.plan(["gin"], ["MUTAG"]):
        curve = [0.75, 0.25] if task.fold else [0.5, 0.25, 1.0]
        own = dict(test_curve=curve, validation_curve=curve, best_epoch=1)
        store.save(tmp_path, task, record_of(task, curve[0], **own))
    paper_s = board.leaderboard(tmp_path)[1]
    assert (paper_s["mean"], paper_s["fold_1"]) == (72.5, 75)  # the first epoch


def test_columns_of_the_comparison_are_data_sets_and_rows_of_the_board_are_none(
    two_data_sets,
):
    """By this word the page's script knows what it may hide."""
    word = ' data-columns="dataset"'
    assert word in board.Comparison(two_data_sets)._repr_html_()
    assert word not in board.leaderboard_html(board.leaderboard(two_data_sets))
