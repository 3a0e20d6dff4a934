"""The paper's figures, and records that survive whatever happens to a run."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from dpcore import tables
from dpcore.tables import store


def grid(results, **settings):
    settings = {"rows": ["mlp"], "datasets": ["MUTAG"], "folds": 3, **settings}
    return tables.run(results=results, progress=False, epochs=2, **settings)


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
    command = [sys.executable, "-m", "dpcore", "tables", "run", "--rows=mlp"]
    command += ["--datasets=MUTAG", "--folds=6", "--epochs=25", "--jobs=1"]
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    run = subprocess.Popen([*command, f"--results={killed}"], stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while not list(killed.rglob("*.json")) and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    done = len(list(killed.rglob("*.json")))
    assert 1 <= done < 6
    for results in (killed, whole):
        subprocess.run([*command, f"--results={results}"], check=True, timeout=120)
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


def test_unknown_rows_are_refused_before_anything_runs(tmp_path):
    with pytest.raises(ValueError, match="rows names 'nope'"):
        grid(tmp_path, rows=["mlp", "nope"])
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
