"""The paper's figures, the plan, the grid that fills, and the cells that are shown."""

import errno
import os
import subprocess
import time
from functools import partial

import pytest
import warm
from made_records import dies_at_fold_1, fake, record_of

import dpcore
from dpcore import tables
from dpcore.__main__ import main
from dpcore.data.expected import majority
from dpcore.experiments.kernels import ITERATIONS, PENALTIES
from dpcore.experiments.tables import cells, fold, plan, runner, schema
from dpcore.experiments.tables.pace import Pace
from dpcore.models import MODELS, accepted_settings, build_model
from dpcore.training import run_fold, splits


def grid(results, **settings):
    settings = {"rows": ["mlp"], "datasets": ["MUTAG"], "folds": 3, **settings}
    return tables.run(results=results, progress=False, **{"epochs": 2, **settings})


@pytest.fixture(autouse=True)
def nothing_loaded():
    """No test sees the data that another one's loader left behind."""
    fold._load.cache_clear()


@pytest.fixture
def measured(monkeypatch):
    """Folds are not measured but made up; a test may change their accuracies."""
    accuracies = [0.4, 0.5, 0.75, 0.25]
    monkeypatch.setattr(runner, "measure", fake(accuracies))
    return accuracies


def contents(results):
    """Every record without what differs from run to run."""
    return [
        {k: v for k, v in schema.to_dict(record).items() if "seconds" not in k}
        for record in tables.records(results)
    ]


# The paper


def test_a_gap_in_either_row_leaves_the_data_set_out():
    both = ("DD", "REDDIT-MULTI-12K", "COLLAB", "PROTEINS")  # no ENZYMES
    rows = [
        [tables.reported(row, d) for d in both] for row in ("diffpool", "patchysan")
    ]
    expected = sum(ours - theirs for ours, theirs in zip(*rows, strict=True)) / 4
    assert tables.gain("diffpool", "patchysan") == pytest.approx(expected)
    assert tables.gain("patchysan", "diffpool") == pytest.approx(-expected)


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
    assert tables.gain("diffpool", "diffpool") == 0
    assert tables.gain("graphsage", "mlp" if "mlp" in tables.TABLE_1 else "ecc") != 0


def test_the_best_row_of_every_column_is_the_one_that_the_paper_prints():
    neural = [row for row in tables.TABLE_1 if row not in tables.KERNELS]

    def best(rows, column):
        return max(rows, key=lambda row: tables.TABLE_1[row][column] or 0)

    winners = [best(neural, column) for column in range(5)]
    expected = ["diffpool", "diffpool", "diffpool", "diffpool-det", "diffpool"]
    assert winners == expected
    assert best(tables.TABLE_1, 4) == "shortest-path"


def test_what_the_paper_reports():
    assert tables.reported("s2v", "DD") == 78.92
    assert tables.reported("s2v", "PROTEINS") is None
    assert tables.reported("wl-oa", "COLLAB") == 80.74
    assert tables.reported("wl-oa", "MUTAG") is None
    assert tables.reported("mlp", "ENZYMES") is None


# The plan


def test_every_row_of_both_tables_and_every_control_can_be_measured():
    assert {*tables.TABLE_1, *tables.TABLE_2, *tables.CONTROLS} == {*tables.ROWS}
    assert [row for row in tables.ROWS if not tables.is_row(row)] == []
    assert not tables.is_row("nope")


def test_tasks_come_data_set_by_data_set_and_row_by_row():
    found = plan.plan(["gin", "1-wl", "gin"], ["DD", "MUTAG"], folds=3)
    assert [str(task) for task in found] == [
        f"{row} {data} fold {i}"
        for data in ("DD", "MUTAG")
        for row in ("gin", "1-wl")
        for i in range(3)
    ]
    assert {task.cell for task in found[:3]} == {("gin", "DD")}


def test_the_plan_s_settings_of_the_data_sets():
    enzymes = plan.plan(["mlp"], ["ENZYMES"])[0]
    assert enzymes.settings == dict(
        max_nodes=48,
        dropout=0.0,
        epochs=400,
        patience=50,
        trial_epochs=10,
        attributes=True,
        standardize=18,
    )
    assert enzymes.grid == list(plan.GRID) and (enzymes.folds, enzymes.seed) == (10, 0)
    mutag = plan.plan(["diffpool"], ["MUTAG"])[0].settings
    own = dict(max_nodes=28, conv="gcn", dropout=0.0, epochs=100, edge_labels=True)
    assert mutag == own | dict(trial_epochs=12)
    assert plan.plan(["mlp"], ["MUTAG"], clip=0.5)[0].settings["clip"] == 0.5
    unknown = plan.plan(["mlp"], ["IMDB-BINARY"])[0].settings
    assert unknown == plan.plan(["mlp"], ["PROTEINS"])[0].settings
    for row in ("1-wl", "wl-oa"):
        kernel = plan.plan([row], ["MUTAG"])[0]
        assert kernel.settings == dict(C=list(PENALTIES), iterations=ITERATIONS)
    assert plan.plan(["graphlet"], ["MUTAG"])[0].settings == dict(C=list(PENALTIES))
    assert (kernel.grid, kernel.weights_seed) == (None, None)


def test_a_setting_that_is_given_is_no_longer_chosen():
    task = plan.plan(["diffpool"], ["MUTAG"], hidden=8, ratio=0.5, epochs=16)[0]
    assert task.settings["hidden"] == 8 and task.settings["ratio"] == 0.5
    assert task.settings["trial_epochs"] == 2
    assert task.grid == [
        dict(num_layers=3, lr=1e-3),
        dict(num_layers=3, lr=5e-3),
        dict(num_layers=2, lr=5e-3),
        dict(num_layers=2, lr=1e-3),
    ]
    chosen = plan.plan(["mlp"], ["MUTAG"], hidden=8, num_layers=2, lr=0.1)[0]
    assert chosen.grid == [{}]
    trial = plan.plan(["mlp"], ["ENZYMES"], trial_epochs=100, epochs=5)[0].settings
    assert (trial["trial_epochs"], trial["epochs"]) == (100, 5)
    one = plan.plan(["mlp"], ["MUTAG"], epochs=3)[0].settings
    assert one["trial_epochs"] == 1
    assert plan.plan(["mlp"], ["ENZYMES"], epochs=16)[0].settings["trial_epochs"] == 2


def test_a_setting_goes_to_the_rows_that_take_it():
    mlp, diffpool = plan.plan(["mlp", "diffpool"], ["MUTAG"], folds=3, ratio=0.5)[::3]
    assert "ratio" not in mlp.settings and diffpool.settings["ratio"] == 0.5


SPLITS = tables.SplitFile(
    "0123456789ab",
    [dict(train=[3, 4, 187], validation=[2], test=[i]) for i in (0, 1)],
    187,
)


def test_splits_of_a_file_take_the_place_of_folds_and_seed():
    found = plan.plan(["mlp"], ["MUTAG"], folds=7, seed=3, splits=SPLITS)
    assert [(task.folds, task.seed, task.splits) for task in found] == [
        (2, None, "0123456789ab")
    ] * 2
    assert found[1].split["test"] == [1]
    assert found[1].path(dpcore.tables.find_results()).name == (
        "file0123456789ab-weights0-fold1of2.json"
    )


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        (dict(rows=["mlp", "nope"]), "rows names 'nope', expected diffpool, "),
        (dict(datasets=["nope"]), "datasets names 'nope', expected MUTAG, "),
        (dict(folds=64), "folds is 64, expected 3 to 63"),
        (dict(folds=2), "folds is 2, expected 3 to 63"),
        (dict(ratio=0.5), "mlp does not take ratio"),
        (dict(rows=["1-wl"], epochs=3), "1-wl does not take epochs"),
        (dict(attributes=True), "attributes: MUTAG has none"),
        (dict(edge_labels=True, datasets=["DD"]), "edge_labels: DD has none"),
        (dict(splits=SPLITS._replace(largest=188)), "the index 188, but MUTAG has 188"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_runs(tmp_path, wrong, message):
    asked = {"rows": ["mlp"], "datasets": ["MUTAG"], "folds": 3, **wrong}
    with pytest.raises(tables.BadArgument, match=message):
        tables.run(results=tmp_path / "r", progress=False, **asked)
    assert not list(tmp_path.iterdir())
    assert plan.plan(["mlp"], ["MUTAG"], folds=63) != []
    assert plan.plan(["mlp"], ["MUTAG"], attributes=False) != []


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
    not_the_model_s = plan.OF_TRAINING | plan.OF_THE_DATA
    for task in plan.plan([name], ["PROTEINS", "DD", "ENZYMES"], folds=3):
        for point in task.grid:
            own = task.settings | point
            own = {k: v for k, v in own.items() if k not in not_the_model_s}
            build_model(name, **(sizes | own))


# Splits from a file


FLAT = '[{"train": [5, 3], "validation": [4], "test": [0, 9]}]'
NESTED = '[{"test": [9, 0], "model_selection": [{"validation": [4], "train": [3, 5]}]}]'


@pytest.mark.parametrize("text", [FLAT, NESTED])
def test_a_file_of_splits(tmp_path, text):
    path = tmp_path / "splits.json"
    path.write_text(text)
    found = tables.read_splits(path)
    assert found.folds == [dict(train=[3, 5], validation=[4], test=[0, 9])]
    assert found.largest == 9 and len(found.hash) == 12
    path.write_text(text.replace("9", "8"))
    assert tables.read_splits(path).hash != found.hash


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "JSONDecodeError"),
        ("3", "TypeError"),
        ("[]", "holds no fold"),
        ("[[0]]", "expected a list of folds"),
        (FLAT.replace("validation", "valid"), "'validation'"),
        (FLAT.replace("[4]", "[]"), "fold 0 has an empty part"),
        (FLAT.replace("[4]", "[3]"), "fold 0 holds an index twice"),
        (FLAT.replace("[4]", "[-1]"), "fold 0 holds what is no index"),
        (FLAT.replace("[4]", "[true]"), "fold 0 holds what is no index"),
        (FLAT.replace("[4]", "[4.0]"), "fold 0 holds what is no index"),
        (NESTED.replace("]}]}]", "]}, {}]}]"), "more than one model_selection"),
    ],
)
def test_a_file_of_other_content_is_refused(tmp_path, text, reason):
    path = tmp_path / "splits.json"
    path.write_text(text)
    with pytest.raises(tables.BadSplits, match=f"splits.json.*{reason}"):
        tables.read_splits(path)


# A grid that fills


def test_a_run_measures_every_fold_once(tmp_path, measured):
    report = grid(tmp_path)
    assert report == tables.Report(measured=3, there=0)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.json")}
    assert len(before) == 3
    assert grid(tmp_path) == tables.Report(measured=0, there=3)
    assert before == {p: p.stat().st_mtime_ns for p in tmp_path.rglob("*.json")}
    assert grid(tmp_path, rows=["gin", "mlp"]) == tables.Report(measured=3, there=3)


def test_seeds_lie_beside_each_other(tmp_path, measured):
    for asked in (dict(seed=0), dict(seed=4), dict(weights_seed=4)):
        assert grid(tmp_path, **asked).measured == 3
        measured[0] += 0.1
    first, weights, other = tables.show(tmp_path)
    assert [(c["seed"], c["weights_seed"]) for c in (first, weights, other)] == [
        (0, 0),
        (0, 4),
        (4, 0),
    ]
    assert len({cell["fair_mean"] for cell in (first, weights, other)}) == 3
    text = "\n".join(tables.as_text([first, weights, other]))
    assert "\nmlp w4*" in text and "splits 0" in text and "splits 4" in text


def test_one_seed_of_the_weights_and_the_kernels_that_have_none(tmp_path, measured):
    for own in (dict(weights_seed=0), dict(weights_seed=4), dict(seed=4)):
        grid(tmp_path, **own)
    tables.run(["1-wl"], ["MUTAG"], folds=3, results=tmp_path, progress=False)
    cells = tables.show(tmp_path)
    assert [cell["weights_seed"] for cell in cells] == [None, 0, 4, 0]
    for seed, kept in ((0, (0, 1, 3)), (4, (0, 2)), (1, (0,)), (None, range(4))):
        assert tables.show(tmp_path, weights_seed=seed) == [cells[i] for i in kept]
        records = list(tables.records(tmp_path, weights_seed=seed))
        assert len(records) == 3 * len(kept)
        assert seed is None or {r.weights_seed for r in records} <= {seed, None}


def test_other_settings_are_refused_and_replaced_when_asked(tmp_path, measured):
    grid(tmp_path)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.json")}
    with pytest.raises(tables.OtherSettings, match="--replace .* --results DIR"):
        grid(tmp_path, epochs=3)
    with pytest.raises(tables.OtherSettings, match="3 of 6 folds"):
        grid(tmp_path, rows=["gin", "mlp"], hidden=8)
    assert before == {path: path.read_bytes() for path in tmp_path.rglob("*.json")}
    assert grid(tmp_path, epochs=3, replace=True).measured == 3
    assert {r.settings["epochs"] for r in tables.records(tmp_path)} == {3}
    kept = sorted(p.read_bytes() for p in (tmp_path / "replaced").rglob("*.json"))
    assert kept == sorted(before.values())


def test_what_another_process_wrote_meanwhile_stays(tmp_path, monkeypatch):
    def late(task):
        other = task._replace(settings=task.settings | dict(epochs=9))
        tables_path = runner.save(tmp_path, other, record_of(other, 0.75))
        assert tables_path.exists()
        return fold.Outcome(record=record_of(task, 0.25))

    monkeypatch.setattr(runner, "measure", late)
    report = grid(tmp_path)
    assert report.measured == 3 and len(report.aside) == 3
    assert {r.settings["epochs"] for r in tables.records(tmp_path)} == {9}
    assert {schema.read(path).accuracy for path in report.aside} == {0.25}


def test_a_stopped_run_says_what_is_kept(tmp_path, monkeypatch):
    def interrupted(task):
        if task.fold == 2:
            raise KeyboardInterrupt
        return fold.Outcome(record=record_of(task))

    monkeypatch.setattr(runner, "measure", interrupted)
    with pytest.raises(tables.Stopped, match=f"2 folds were finished .* {tmp_path}, 0"):
        grid(tmp_path)
    assert len(list(tables.records(tmp_path))) == 2
    with pytest.raises(tables.Stopped, match="0 folds were finished .* 2 were there"):
        grid(tmp_path)


def test_killed_in_the_middle_and_started_again(tmp_path, capsys):
    killed, whole = tmp_path / "killed", tmp_path / "whole"
    command = ["tables", "run", "--rows=mlp,gcn-sum", "--datasets=MUTAG"]
    command += ["--folds=3", "--epochs=2", "--jobs=1", f"--results={killed}"]
    run = warm.process(main, command)
    try:
        while not list(killed.rglob("*of3.json")):  # the next fold has begun
            assert run.is_alive()
            time.sleep(0.01)
    finally:
        run.kill()
        run.join()
    first = {path: path.read_bytes() for path in killed.rglob("*of3.json")}
    assert 1 <= len(first) < 6
    assert main(command) == 0
    again = capsys.readouterr().out
    assert f"{6 - len(first)} folds measured, {len(first)} were there" in again
    assert first.items() <= {p: p.read_bytes() for p in killed.rglob("*.json")}.items()
    grid(whole, rows=["mlp", "gcn-sum"], epochs=2)
    assert contents(killed) == contents(whole) and len(contents(whole)) == 6


def test_a_damaged_record_is_named_and_the_others_are_untouched(tmp_path, measured):
    grid(tmp_path)
    first, second, _ = sorted(tmp_path.rglob("*.json"))
    first.write_text("{")
    kept = second.read_bytes()
    for attempt in (lambda: tables.show(tmp_path), lambda: grid(tmp_path)):
        with pytest.raises(tables.DamagedRecord, match=first.name):
            attempt()
    assert second.read_bytes() == kept


def test_a_disk_that_fills_up_leaves_the_finished_folds(
    tmp_path, monkeypatch, measured
):
    replace, written = os.replace, []

    def fills_up(source, target):
        if written:
            raise OSError(errno.ENOSPC, "No space left on device", str(target))
        written.append(target)
        replace(source, target)

    monkeypatch.setattr(os, "replace", fills_up)
    where = "fold1of3.json: No space left on device.* make room"
    with pytest.raises(tables.CannotWrite, match=where):
        grid(tmp_path)
    assert [p for p in tmp_path.rglob("*-fold*") if p.is_file()] == written
    kept = written[0].read_bytes()
    monkeypatch.setattr(os, "replace", replace)
    assert grid(tmp_path).measured == 2 and written[0].read_bytes() == kept
    assert len(contents(tmp_path)) == 3


def test_a_folder_that_takes_no_records_is_refused_before_work(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(runner, "measure", lambda task: pytest.fail("it worked"))
    with pytest.raises(tables.CannotWrite, match="cannot write .*file"):
        grid(tmp_path / "file" / "results")


def test_a_failed_fold_stops_no_other_and_is_tried_again(tmp_path, monkeypatch):
    def fails(task):
        if (task.method, task.fold) == ("mlp", 1):
            return fold.Outcome(failed="RuntimeError: out of luck (here, line 1)")
        return fold.Outcome(record=record_of(task))

    monkeypatch.setattr(runner, "measure", fails)
    report = grid(tmp_path, rows=["mlp", "graphsage"])
    assert report.failures == (
        "mlp MUTAG fold 1: RuntimeError: out of luck (here, line 1)",
    )
    assert (report.measured, report.there) == (5, 0)
    flat, mlp = tables.show(tmp_path)
    assert (flat["method"], flat["folds"], flat["failed"]) == ("graphsage", 3, [])
    assert mlp["folds"] == 2 and mlp["failed"][0]["fold"] == 1
    text = "\n".join(tables.as_text([flat, mlp]))
    assert "2/3" in text and "failed: RuntimeError: out of luck" in text
    monkeypatch.setattr(runner, "measure", fake([0.5] * 3))
    assert grid(tmp_path, rows=["mlp", "graphsage"]).failures == ()
    assert [(c["folds"], c["failed"]) for c in tables.show(tmp_path)] == [(3, [])] * 2
    assert not list(tmp_path.rglob("*failed*"))


def test_a_cell_without_any_finished_fold_is_shown_as_failed(tmp_path, monkeypatch):
    reason = "MemoryError: too much"
    monkeypatch.setattr(runner, "measure", lambda _: fold.Outcome(failed=reason))
    assert len(grid(tmp_path).failures) == 3
    (cell,) = tables.show(tmp_path)
    assert cell["folds"] == 0 and cell["fair_mean"] is None
    line = next(x for x in tables.as_text([cell]) if x.startswith("mlp") and "f" in x)
    assert "failed: MemoryError: too much" in line


def test_what_goes_wrong_inside_a_fold_comes_back_as_its_reason(monkeypatch):
    def fails(*_, **__):
        raise MemoryError("too\n  much")

    monkeypatch.setattr(fold, "choose", fails)
    task = plan.plan(["mlp"], ["MUTAG"], folds=3)[0]
    found = fold.measure(task)
    assert found.failed.startswith("MemoryError: too much (") and not found.record
    assert "fold.py, line " in found.failed


def test_a_data_set_that_is_not_to_be_had_is_left_out(tmp_path, monkeypatch, measured):
    made, asked = fake(measured), []

    def somewhere_else(task):
        if task.dataset == "MUTAG":
            return made(task)
        asked.append(task)
        return fold.Outcome(unavailable="no REDDIT here")

    monkeypatch.setattr(runner, "measure", somewhere_else)
    names = ["REDDIT-MULTI-12K", "MUTAG"]
    report = grid(tmp_path, rows=["mlp", "gcn-mean"], datasets=names)
    assert report.failures == ("REDDIT-MULTI-12K: not measured: no REDDIT here",)
    assert len(asked) == 1 and len(contents(tmp_path)) == 6


def test_a_process_that_is_killed_takes_only_its_own_fold(tmp_path, monkeypatch):
    monkeypatch.setattr(runner, "_numbered", partial(dies_at_fold_1, tmp_path))
    with warm.joblib_pools():
        (line,) = grid(tmp_path, folds=4, jobs=2).failures
    assert line == "mlp MUTAG fold 1: its process was killed: out of memory?"
    assert len(list(tables.records(tmp_path))) == 3


def test_the_time_left_knows_what_rows_and_data_sets_cost():
    mlp, s2v = plan.plan(["mlp", "gin"], ["MUTAG", "DD"], folds=3)[:4:3]
    pace = Pace()
    pace.waiting.update({("mlp", "MUTAG"): 2, ("mlp", "DD"): 3, ("gin", "MUTAG"): 4})
    assert pace.seconds_left(1) is None and pace.text(1) == "?"
    pace.learn(mlp, record_of(mlp, seconds=1.0, trial_seconds=1.0))
    one_row = pace.seconds_left(2)
    assert one_row > 2 * (2 + 4) / 2 + 3 * 10  # DD is far larger than MUTAG
    pace.learn(s2v, record_of(s2v, seconds=10.0, trial_seconds=None))
    assert pace.seconds_left(2) == pytest.approx(one_row + 4 * (10 - 2) / 2)
    pace.forget("DD")
    assert pace.text(2) == "about 00:22"


# A fold, really measured


def test_the_record_says_what_was_tried_and_what_was_chosen(tmp_path):
    grid(tmp_path, rows=["diffpool"], weights_seed=3, seed=1)
    record = next(tables.records(tmp_path))
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
    assert record.commit == fold.commit()
    made_with = ["python", "torch", "torch-geometric", "numpy"]
    assert list(record.versions) == made_with and all(record.versions.values())
    graphs = dpcore.SparseGraphs.from_data_list(dpcore.load_dataset("MUTAG"))
    split = splits(graphs.y, folds=3, seed=1)[record.fold]
    own = dict(max_nodes=28, conv="gcn", dropout=0.0, epochs=2, seed=3, **record.chosen)
    again = run_fold("diffpool", graphs, split, **own)
    assert record.loss_curve == pytest.approx(again.loss_curve, rel=1e-4)


def test_what_the_plan_says_reaches_data_choice_and_training(monkeypatch):
    seen = {}

    def choose(model, graphs, split, points, **options):
        seen.update(choose=(model, points, options), split=split)
        return dpcore.training.Record(chosen=points[1], grid=points, trial_seconds=1)

    def measured_fold(model, graphs, split, **options):
        seen.update(fold=(model, options))
        own = record_of(task)
        names = ("accuracy", "validation_curve", "test_curve", "seconds", "best_epoch")
        return {name: getattr(own, name) for name in names} | dict(
            loss_curve=[], parameters=1
        )

    load = fold.load_dataset
    monkeypatch.setattr(fold, "choose", choose)
    monkeypatch.setattr(fold, "run_fold", measured_fold)
    monkeypatch.setattr(
        fold, "load_dataset", lambda name, **o: seen.update(data=o) or load(name, **o)
    )
    task = plan.plan(["diffpool"], ["MUTAG"], 5, 2, 7, link_weight=0.5, patience=6)[3]
    assert fold.measure(task).failed is None
    assert seen["data"] == dict(edge_labels=True)
    own = dict(max_nodes=28, conv="gcn", dropout=0.0, link_weight=0.5, patience=6)
    assert seen["choose"] == (
        "diffpool",
        task.grid,
        dict(epochs=12, seed=7, **own),
    )
    assert seen["fold"] == ("diffpool", dict(epochs=100, seed=7, **own, **task.grid[1]))
    labels = load("MUTAG").labels
    expected = splits(labels, 5, 2)[3]
    assert all(seen["split"][k].equal(expected[k]) for k in expected)
    given = task._replace(split=dict(train=[5, 6], validation=[7], test=[8]))
    assert fold.measure(given).failed is None
    assert seen["split"]["train"].tolist() == [5, 6]
    assert seen["split"]["test"].tolist() == [8]


def test_a_kernel_s_fold_has_no_epochs_and_no_weights(tmp_path):
    report = tables.run(
        ["graphlet"], ["MUTAG"], folds=3, results=tmp_path, progress=False
    )
    assert report.measured == 3
    record = next(tables.records(tmp_path))
    assert len(record.test_curve) == len(PENALTIES)
    (cell,) = tables.show(tmp_path)
    assert [cell[name] for name in ("epochs", "parameters", "link_loss")] == [None] * 3
    assert any(" – " in line for line in tables.as_text([cell]))


def test_the_commit_is_git_s_and_outside_a_clone_the_version(monkeypatch, tmp_path):
    ask = ["git", "-C", os.path.dirname(dpcore.__file__), "rev-parse", "HEAD"]
    head = subprocess.run(ask, capture_output=True, text=True).stdout.strip()
    if head:
        assert fold.commit.__wrapped__().removesuffix("-dirty") == head[:12]
    monkeypatch.setattr(fold, "__file__", str(tmp_path / "a" / "b" / "c" / "fold.py"))
    assert fold.commit.__wrapped__() == dpcore.__version__
    (tmp_path / ".git").mkdir()  # there, and no repository
    assert fold.commit.__wrapped__() == dpcore.__version__


# The cells


def folds_of(row="mlp", dataset="MUTAG", accuracies=(0.4, 0.5, 0.75), **changes):
    tasks = plan.plan([row], [dataset], folds=len(accuracies))
    pairs = zip(tasks, accuracies, strict=True)
    return [record_of(task, a, **changes) for task, a in pairs]


def test_a_cell_s_figures_by_hand():
    levels = dict(link_loss=0.25, entropy_loss=0.5, effective_clusters=[4.0, 2.0])
    folds = folds_of("diffpool", **levels)
    cell = tables.of_folds(folds)
    assert (cell["fair_mean"], cell["fair_sd"]) == (55.0, 18.03)  # n - 1
    # the mean curve: 27.5, 55, 80; not the mean of the folds' best, 80 as well …
    assert cell["paper_protocol"] == 80.0
    assert cell["epochs"] == 100 and cell["parameters"] == 100
    assert cell["seconds"] == 2.0 and cell["effective_clusters"] == [4.0, 2.0]
    assert (cell["link_loss"], cell["entropy_loss"]) == (0.25, 0.5)
    assert cell["majority"] == 66.49 and cell["reported"] is None
    assert (cell["of"], cell["folds"], cell["differs"]) == (3, 3, {})


def test_the_paper_s_way_is_the_highest_point_of_the_mean_curve():
    curves = ([0.1, 0.5, 0.9], [0.9, 0.5, 0.1], [0.1, 0.5, 0.2])
    folds = [
        record_of(task, 0.5, test_curve=curve)
        for task, curve in zip(
            plan.plan(["mlp"], ["MUTAG"], folds=3), curves, strict=True
        )
    ]
    assert tables.of_folds(folds)["paper_protocol"] == 50.0


def test_what_a_flat_row_does_not_have_is_none():
    cell = tables.of_folds(folds_of())
    assert cell["link_loss"] is cell["entropy_loss"] is cell["effective_clusters"]
    assert cell["link_loss"] is None and cell["parameters"] == 100


def test_a_cell_half_measured_anew_shows_what_most_folds_have():
    folds = folds_of(accuracies=(0.4, 0.5, 0.75))
    other = record_of(
        plan.plan(["mlp"], ["MUTAG"], folds=3, epochs=9)[0], 1.0, test_curve=[1.0] * 3
    )
    cell = tables.of_folds([*folds[1:], other])
    assert (cell["folds"], cell["left_out"], cell["epochs"]) == (2, 1, 100)
    assert cell["fair_mean"] == 62.5
    assert "mlp: 1 folds of other settings are left out" in tables.as_text([cell])


def test_folds_of_another_grid_are_left_out_and_what_it_reached_is_no_matter():
    folds = folds_of()
    fewer = record_of(plan.plan(["mlp"], ["MUTAG"], folds=3, lr=0.1)[0])
    fewer = record_of(
        plan.plan(["mlp"], ["MUTAG"], folds=3)[0], grid=fewer.grid, chosen={}
    )
    assert tables.of_folds([*folds[1:], fewer])["left_out"] == 1
    points = [dict(point, accuracy=0.9, loss=0.1) for point in folds[0].grid]
    same = record_of(plan.plan(["mlp"], ["MUTAG"], folds=3)[0], grid=points)
    assert tables.of_folds([*folds[1:], same])["left_out"] == 0


def test_settings_that_are_not_the_plan_s_are_marked_and_said():
    old = plan.plan(["mlp"], ["ENZYMES"], folds=3, epochs=80)
    folds = [record_of(task) for task in old]
    cell = tables.of_folds(folds)
    assert cell["differs"] == {"epochs": (80, 400)}
    text = list(tables.as_text([cell]))
    assert any(line.startswith("mlp* ") for line in text)
    assert any("epochs 80 (400)" in line for line in text)
    plain = tables.of_folds(folds_of(dataset="ENZYMES"))
    assert not any("*" in line for line in tables.as_text([plain]))


def test_the_text_names_what_is_missing_in_one_line():
    text = list(tables.as_text([tables.of_folds(folds_of("gin", "PROTEINS"))]))
    assert len(text) < 8 and "Table 1, PROTEINS; largest class 59.6" in text
    (missing,) = (line for line in text if line.startswith("not measured: "))
    assert missing.count(",") == 11 and "diffpool-nolp" in missing
    line = next(line for line in text if line.startswith("gin"))
    assert line.split() == "gin – 80.0 73.3 55.0 ± 18.0 3/3 100 2.0".split()
    text = list(tables.as_text([tables.of_folds(folds_of("diffpool", "PROTEINS"))]))
    (missing,) = (line for line in text if line.startswith("not measured: "))
    assert missing.count(",") == 10 and not missing.endswith("diffpool")


def test_both_tables_and_data_sets_in_their_order():
    measured = [
        tables.of_folds(folds_of(row, data))
        for data in ("DD", "MUTAG", "IMDB-BINARY")
        for row in ("s2v", "diffpool", "gcn-max")
    ]
    text = list(tables.as_text(measured))
    titles = [line.split(";")[0] for line in text if line.startswith("Table")]
    assert titles == [
        "Table 1, (MUTAG)",
        "Table 2, (MUTAG)",
        "Table 1, DD",
        "Table 2, DD",
        "Table 1, (IMDB-BINARY)",
        "Table 2, (IMDB-BINARY)",
    ]
    assert sum(line.startswith("gcn-max") for line in text) == 3
    assert any(line.startswith("diffpool              80.64") for line in text)


def test_the_majority_of_a_data_set():
    assert majority("MUTAG") == 125 / 188
    assert majority("REDDIT-MULTI-12K") is None and majority("mine") is None
    mine = [record_of(t._replace(dataset="mine")) for t in plan.plan(["mlp"], ["DD"])]
    cell = tables.of_folds(mine)
    assert cell["majority"] is None and cell["differs"] == {}
    assert "Table 1, (mine)" in list(tables.as_text([cell]))


def test_a_row_that_is_gone_is_shown_still():
    folds = [record_of(t._replace(method="gone")) for t in plan.plan(["mlp"], ["DD"])]
    cell = cells.of_folds(folds)
    assert cell["differs"] == {}
    assert any(line.startswith("gone ") for line in tables.as_text([cell]))
