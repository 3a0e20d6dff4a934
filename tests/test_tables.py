"""The paper's figures, and records that survive whatever happens to a run."""

import errno
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import dpcore
from dpcore import tables
from dpcore.data.datasets import DatasetUnavailable
from dpcore.experiments.tables import fold, plan, runner, store
from dpcore.experiments.tables.pace import Pace
from dpcore.models import MODELS, accepted_settings, build_model
from dpcore.training import run_fold, splits


def grid(results, **settings):
    settings = {"rows": ["mlp"], "datasets": ["MUTAG"], "folds": 3, **settings}
    return tables.run(results=results, progress=False, epochs=2, **settings)


@pytest.fixture(autouse=True)
def nothing_loaded():
    """No test sees the data that another one's loader left behind."""
    fold._load.cache_clear()


def contents(results):
    """Every record without what differs from run to run."""
    return [
        {k: v for k, v in record.items() if "seconds" not in k}
        for record in tables.records(results)
    ]


def test_the_gain_column_recomputed():
    found = {row: round(tables.gain(row), 2) for row in tables.PRINTED_GAIN}
    assert found == {
        "patchysan": 2.2,
        "ecc": -0.17,
        "set2set": 3.43,
        "sortpool": 3.39,
        "diffpool-det": 5.42,
        "diffpool-nolp": 5.95,
        "diffpool": 6.27,
    }


def test_the_best_row_of_every_column_is_the_one_that_the_paper_prints():
    neural = [row for row in tables.TABLE_1 if row not in tables.KERNELS]

    def best(rows, column):
        return max(rows, key=lambda row: tables.TABLE_1[row][column] or 0)

    winners = [best(neural, column) for column in range(5)]
    expected = ["diffpool", "diffpool", "diffpool", "diffpool-det", "diffpool"]
    assert winners == expected
    assert best(tables.TABLE_1, 4) == "shortest-path"


def test_a_run_measures_every_fold_once_and_shows_it(tmp_path):
    assert grid(tmp_path) == []
    (cell,) = tables.show(tmp_path)
    assert (cell["method"], cell["dataset"], cell["folds"]) == ("mlp", "MUTAG", 3)
    folds = [100 * record.accuracy for record in tables.records(tmp_path)]
    assert cell["fair_mean"] == pytest.approx(sum(folds) / 3, abs=0.01)
    assert cell["reported"] is None and 40 < cell["paper_protocol"] <= 100
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.json")}
    assert len(before) == 3 and grid(tmp_path) == []
    assert before == {
        path: path.stat().st_mtime_ns for path in tmp_path.rglob("*") if path.is_file()
    }


def test_other_settings_are_measured_anew(tmp_path):
    grid(tmp_path)
    tables.run(["mlp"], ["MUTAG"], 3, epochs=1, results=tmp_path, progress=False)
    assert {len(record.test_curve) for record in tables.records(tmp_path)} == {1}


def test_killed_in_the_middle_and_started_again(tmp_path):
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    command = [sys.executable, "-m", "dpcore", "tables", "run", "--rows=mlp,diffpool"]
    command += ["--datasets=MUTAG", "--folds=3", "--epochs=20", "--jobs=1"]
    command += [f"--results={killed}"]
    run = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        while not list(killed.rglob("*.json")):  # the next fold has begun
            assert run.poll() is None
            time.sleep(0.01)
    finally:
        os.kill(run.pid, signal.SIGKILL)
        run.wait()
    first = {path: path.read_bytes() for path in killed.rglob("*.json")}
    assert 1 <= len(first) < 6
    again = subprocess.run(command, check=True, capture_output=True)
    assert f"{6 - len(first)}/{6 - len(first)} folds".encode() in again.stderr
    assert first.items() <= {p: p.read_bytes() for p in killed.rglob("*.json")}.items()
    tables.run(
        ["mlp", "diffpool"], ["MUTAG"], 3, epochs=20, results=whole, progress=False
    )
    assert contents(killed) == contents(whole) and len(contents(whole)) == 6


def test_a_damaged_record_is_named_and_the_others_are_untouched(tmp_path):
    grid(tmp_path)
    first, second, _ = sorted(tmp_path.rglob("*.json"))
    first.write_text("{")
    kept = second.read_bytes()
    for attempt in (lambda: tables.show(tmp_path), lambda: grid(tmp_path)):
        with pytest.raises(tables.DamagedRecord, match=first.name):
            attempt()
    assert second.read_bytes() == kept


def test_a_record_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    path = tmp_path / "a" / "record.json"
    tables.write_record(path, {"accuracy": 0.123456789})
    assert json.loads(path.read_text()) == {"accuracy": 0.123457}

    def full(_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        tables.write_record(path, {"accuracy": 1.0})
    assert json.loads(path.read_text()) == {"accuracy": 0.123457}
    assert [p.name for p in path.parent.iterdir()] == ["record.json"]


def test_a_disk_that_fills_up_leaves_the_finished_folds(tmp_path, monkeypatch):
    replace, written = os.replace, []

    def fills_up(source, target):
        if written:
            raise OSError(errno.ENOSPC, "No space left on device")
        written.append(target)
        replace(source, target)

    monkeypatch.setattr(os, "replace", fills_up)
    where = "fold1of3.json: No space left on device.* make room"
    with pytest.raises(tables.CannotWrite, match=where):
        grid(tmp_path)
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == written
    kept = written[0].read_bytes()
    monkeypatch.setattr(os, "replace", replace)
    assert grid(tmp_path) == [] and written[0].read_bytes() == kept
    assert len(contents(tmp_path)) == 3


def test_a_folder_that_takes_no_records_is_refused_before_work(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(fold, "run_fold", lambda *a, **k: pytest.fail("it worked"))
    with pytest.raises(tables.CannotWrite, match="cannot write .*file/results"):
        grid(tmp_path / "file" / "results")


def test_a_failed_fold_stops_no_other_and_is_tried_again(tmp_path, monkeypatch):
    measured = fold.run_fold

    def fails(name, graphs, split, **settings):
        if name == "mlp" and 0 in split["test"]:
            raise RuntimeError("out of\n  luck")
        return measured(name, graphs, split, **settings)

    monkeypatch.setattr(fold, "run_fold", fails)
    (line,) = grid(tmp_path, rows=["mlp", "graphsage"])
    assert line.startswith("mlp MUTAG fold ") and "RuntimeError: out of luck (" in line
    flat, mlp = tables.show(tmp_path)
    assert (flat["method"], flat["folds"], flat["failed"]) == ("graphsage", 3, [])
    assert mlp["folds"] == 2 and "out of luck" in mlp["failed"][0]["reason"]
    text = "\n".join(tables.as_text([flat, mlp]))
    assert "2/3" in text and "failed: RuntimeError: out of luck" in text
    monkeypatch.setattr(fold, "run_fold", measured)
    assert grid(tmp_path, rows=["mlp", "graphsage"]) == []
    assert [(c["folds"], c["failed"]) for c in tables.show(tmp_path)] == [(3, [])] * 2
    assert not list(tmp_path.rglob("*failed*"))


def test_a_cell_without_any_finished_fold_is_shown_as_failed(tmp_path, monkeypatch):
    def fails(*_, **__):
        raise MemoryError("too much")

    monkeypatch.setattr(fold, "choose", fails)
    assert len(grid(tmp_path)) == 3
    (cell,) = tables.show(tmp_path)
    assert cell["folds"] == 0 and cell["fair_mean"] is None
    line = next(x for x in tables.as_text([cell]) if x.startswith("mlp") and "f" in x)
    assert "failed: MemoryError: too much" in line


def test_a_data_set_that_is_not_to_be_had_is_left_out(tmp_path, monkeypatch):
    load, asked = fold.load_dataset, []

    def somewhere_else(name, **options):
        if name == "MUTAG":
            return load(name, **options)
        asked.append(name)
        raise DatasetUnavailable("no REDDIT here\nthree ways out")

    monkeypatch.setattr(fold, "load_dataset", somewhere_else)
    names = ["REDDIT-MULTI-12K", "MUTAG"]
    (line,) = grid(tmp_path, rows=["mlp", "gcn-mean"], datasets=names)
    assert line == "REDDIT-MULTI-12K: not measured: no REDDIT here"
    assert len(asked) == 1 and len(contents(tmp_path)) == 6


def dies_at_fold_1(number, task):
    if task.fold == 1:
        time.sleep(2)  # the others are through, so that it is this one's fault
        os.kill(os.getpid(), signal.SIGKILL)
    record = dict(accuracy=0.5, test_curve=[], settings=task.settings)
    return number, fold.Outcome(record=record)


def test_a_process_that_is_killed_takes_only_its_own_fold(tmp_path, monkeypatch):
    monkeypatch.setattr(runner, "_numbered", dies_at_fold_1)
    (line,) = grid(tmp_path, folds=4, jobs=2)
    assert line == "mlp MUTAG fold 1: its process was killed: out of memory?"
    assert len(list(tables.records(tmp_path))) == 3


def test_the_time_left_knows_what_rows_and_data_sets_cost():
    mlp, s2v = plan.plan(["mlp", "gin"], ["MUTAG", "DD"], folds=3)[:4:3]
    pace = Pace()
    pace.waiting.update({("mlp", "MUTAG"): 2, ("mlp", "DD"): 3, ("gin", "MUTAG"): 4})
    assert pace.seconds_left(1) is None and pace.text(1) == "?"
    pace.took(mlp, dict(seconds=1.0, trial_seconds=1.0))
    one_row = pace.seconds_left(2)
    assert one_row > 2 * (2 + 4) / 2 + 3 * 10  # DD is far larger than MUTAG
    pace.took(s2v, dict(seconds=10.0))
    assert pace.seconds_left(2) == pytest.approx(one_row + 4 * (10 - 2) / 2)
    pace.forget("DD")
    assert pace.text(2) == "about 00:22"


def test_every_row_of_both_tables_and_every_control_can_be_measured():
    assert {*tables.TABLE_1, *tables.TABLE_2, *tables.CONTROLS} <= {*tables.ROWS}
    assert [row for row in tables.ROWS if not tables.is_row(row)] == []


@pytest.mark.parametrize("name", MODELS)
def test_a_row_gets_the_settings_that_it_takes_and_no_other(name):
    values = dict(ratio=0.1, conv="sage", num_layers=2, hidden=8, dropout=0.1, levels=1)
    sizes = dict(num_features=3, num_classes=2, max_nodes=20)
    for setting, value in values.items():
        if setting in accepted_settings(name):
            build_model(name, **sizes, **{setting: value})
        else:
            with pytest.raises(ValueError, match=f"{name} does not take"):
                build_model(name, **sizes, **{setting: value})
    for task in plan.plan([name], ["PROTEINS", "DD"], folds=3):
        not_the_model_s = ("epochs", "trial_epochs", "lr", *plan.OF_THE_DATA)
        for point in task.grid:
            own = task.settings | point
            own = {k: v for k, v in own.items() if k not in not_the_model_s}
            build_model(name, **(sizes | own))


def test_the_record_says_what_was_tried_and_what_was_chosen(tmp_path):
    grid(tmp_path, rows=["diffpool", "1-wl"])
    kernel, *_, record = sorted(tables.records(tmp_path), key=lambda r: len(r.settings))
    points = [(p["num_layers"], p["hidden"], p["lr"]) for p in record.grid]
    assert points == [tuple(point.values()) for point in tables.GRID]
    best = max(point["accuracy"] for point in record.grid)
    assert (
        dict(record.chosen, accuracy=best).items()
        <= max(record.grid, key=lambda p: (p["accuracy"], -p["loss"])).items()
    )
    assert record.settings == dict(
        max_nodes=28,
        conv="gcn",
        dropout=0.0,
        epochs=2,
        trial_epochs=1,
        edge_labels=True,
    )
    assert kernel.method == "1-wl" and kernel.settings == {}
    graphs = dpcore.SparseGraphs.from_data_list(dpcore.load_dataset("MUTAG"))
    split = splits(graphs.y, folds=3)[record.fold]
    own = dict(max_nodes=28, conv="gcn", dropout=0.0, epochs=2, seed=0, **record.chosen)
    again = run_fold("diffpool", graphs, split, **own)
    assert record.loss_curve == pytest.approx(again.loss_curve, rel=1e-4)


def test_another_grid_is_measured_anew(tmp_path, monkeypatch):
    grid(tmp_path)
    monkeypatch.setattr(plan, "GRID", tables.GRID[:1])
    grid(tmp_path)
    assert {len(record.grid) for record in tables.records(tmp_path)} == {1}


def test_a_cell_half_measured_anew_shows_what_most_folds_have(tmp_path):
    grid(tmp_path)
    path = next(tmp_path.rglob("*fold0of3.json"))
    record = json.loads(path.read_text())
    record["settings"]["epochs"], record["test_curve"] = 9, [1.0] * 9
    tables.write_record(path, record)
    (cell,) = tables.show(tmp_path)
    assert (cell["folds"], cell["epochs"]) == (2, 2)


def test_unknown_names_are_refused_before_anything_runs(tmp_path):
    for wrong, message in (
        (dict(rows=["mlp", "nope"]), "rows names 'nope'"),
        (dict(datasets=["nope"]), "datasets names 'nope'"),
        (dict(folds=64), "folds is 64, expected 3 to 63"),
    ):
        with pytest.raises(ValueError, match=message):
            grid(tmp_path, **wrong)
    assert not list(Path(tmp_path).iterdir())


def test_the_records_are_found_from_a_notebook_s_folder_and_beside_a_clone(tmp_path):
    record = tmp_path / "clone/book/results/MUTAG/mlp/seed0-fold0of3.json"
    tables.write_record(record, {"accuracy": 0.5, "test_curve": [], "settings": {}})
    results = tmp_path / "clone" / "book" / "results"
    notebooks = tmp_path / "clone" / "notebooks"
    notebooks.mkdir()
    (tmp_path / "clone" / "notebooks" / "book" / "results").mkdir(parents=True)
    for start in (notebooks, tmp_path / "clone", tmp_path, results):
        assert tables.find_results(start) == results


def test_without_records_it_says_how_to_get_them(tmp_path, monkeypatch):
    elsewhere = tmp_path / "lib" / "dpcore" / "tables" / "store.py"
    monkeypatch.setattr(store, "__file__", str(elsewhere))
    with pytest.raises(FileNotFoundError, match="clone it here .* tables run"):
        tables.find_results(tmp_path)
