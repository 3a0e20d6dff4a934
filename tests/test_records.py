"""Records on disk: one schema, and nothing measured is ever lost."""

import json
import os
import signal
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path

import pytest
from made_records import record_of

from dpcore.experiments.tables import packed, schema, store
from dpcore.experiments.tables.plan import GRID, plan
from dpcore.experiments.tables.schema import DamagedRecord, Failure, FoldRecord

ROOT = Path(__file__).parents[1]


def tasks(row="mlp", **asked):
    return plan([row], ["MUTAG"], **{"folds": 3, **asked})


# The schema


@pytest.mark.parametrize("row", ["mlp", "1-wl"])
def test_a_record_survives_writing_and_reading(tmp_path, row):
    task = tasks(row)[1]
    record = record_of(task, 0.123456789)
    path = store.save(tmp_path, task, record)
    again = schema.read(path)
    assert again.accuracy == 0.123457 and again.fold == 1
    assert replace(again, accuracy=record.accuracy, test_curve=record.test_curve) == (
        record
    )
    assert [p.name for p in path.parent.iterdir()] == [path.name]
    assert oct(path.stat().st_mode)[-3:] == "644"


def test_what_a_row_does_not_have_is_absent():
    kernel = schema.to_dict(record_of(tasks("1-wl")[0]))
    flat = schema.to_dict(record_of(tasks("mlp")[0]))
    of_networks = {"best_epoch", "parameters", "loss_curve", "grid", "weights_seed"}
    of_levels = {"link_loss", "entropy_loss", "effective_clusters"}
    assert not kernel.keys() & (of_networks | of_levels | {"trial_seconds"})
    assert not flat.keys() & (of_levels | {"best_candidate", "support_vectors"})
    assert of_networks <= flat.keys() and kernel["best_candidate"] == 2


GOOD = schema.to_dict(record_of(tasks()[0]))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (dict(accuracy=None), "accuracy is None, expected float"),
        (dict(accuracy=1.5), "accuracy holds 1.5"),
        (dict(accuracy=-0.1), "accuracy holds -0.1"),
        (dict(accuracy=True), "accuracy is True"),
        (dict(accuracy=0.75), "number 2 of test_curve is 0.5"),
        (dict(test_curve=[0.5, 0.5, 2.0]), "test_curve holds 2.0"),
        (dict(test_curve=[0.5, "x", 0.5]), "test_curve holds 'x'"),
        (dict(validation_curve=[0.5, 0.5]), "the curves have 2 and 3 points"),
        (dict(validation_curve=[0.5, 0.5, -1]), "validation_curve holds -1"),
        (dict(best_epoch=0), "number 0"),
        (dict(best_epoch=4), "number 4"),
        (dict(best_epoch=None), "expected one of the two"),
        (dict(best_epoch="2"), "best_epoch is '2', expected int or NoneType"),
        (dict(seed=None), "seed, splits: expected one of the two"),
        (dict(splits="abc"), "seed, splits: expected one of the two"),
        (dict(fold=0.0), "fold is 0.0, expected int"),
        (dict(settings=[]), r"settings is \[\], expected dict"),
        (dict(nope=1), "unexpected keyword argument 'nope'"),
    ],
)
def test_a_record_is_checked_when_it_is_read(change, reason):
    text = json.dumps(GOOD | change)
    with pytest.raises(DamagedRecord, match=f"here is not a whole record.*{reason}"):
        schema.from_text(text, FoldRecord, "here")


@pytest.mark.parametrize("name", ["accuracy", "method", "commit", "test_curve"])
def test_a_record_without_a_figure_is_none(name):
    text = json.dumps({k: v for k, v in GOOD.items() if k != name})
    with pytest.raises(DamagedRecord, match=name):
        schema.from_text(text, FoldRecord, "here")


@pytest.mark.parametrize("text", ["{", "[]", "3", "", '{"method": "mlp"}'])
def test_what_is_no_record_is_said_so(text, tmp_path):
    with pytest.raises(DamagedRecord, match="move it away and run again"):
        schema.from_text(text, FoldRecord, "here")
    path = tmp_path / "x.json"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DamagedRecord, match="x.json is no text"):
        schema.read(path)


def test_every_field_says_what_it_means():
    assert all(one.metadata["about"] for one in fields(FoldRecord))


def test_the_split_is_its_seed_or_its_file():
    task = tasks(seed=3)[0]
    assert record_of(task).split == 3
    other = task._replace(seed=None, splits="0a1b")
    assert record_of(other).split == "0a1b"
    failure = Failure(**other.key, reason="no luck")
    assert failure.split == "0a1b"
    with pytest.raises(ValueError, match="reason is 3"):
        Failure(**task.key, reason=3)


# What makes two records alike


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        (dict(epochs=3), "epochs"),
        (dict(hidden=3), "grid"),
        (dict(seed=1), "seed"),
        (dict(weights_seed=1), "weights_seed"),
        (dict(folds=4), "folds"),
        (dict(lr=0.5), "grid"),
    ],
)
def test_a_record_of_other_settings_is_another(asked, name):
    record = record_of(tasks()[0])
    assert tasks()[0].differences(record) == {}
    assert name in tasks(**asked)[0].differences(record)
    theirs, ours = tasks(**asked)[0].differences(record)[name]
    assert theirs != ours and ours == asked.get(name, ours)


def test_the_grid_is_part_of_the_settings_and_what_it_reached_is_not():
    task = tasks()[0]
    record = record_of(task)
    assert task._replace(grid=task.grid[:2]).differences(record).keys() == {"grid"}
    other = [dict(point, accuracy=0.9, loss=0.1) for point in task.grid]
    assert task.differences(replace(record, grid=other)) == {}
    assert len(task.grid) == len(GRID)


def test_a_setting_with_many_digits_is_the_same_after_writing(tmp_path):
    task = tasks(lr=0.00123456789)[0]
    path = store.save(tmp_path, task, record_of(task))
    assert task.differences(schema.read(path)) == {}


def test_paths_tell_seeds_and_folds_apart():
    every = [
        *tasks(),
        *tasks(seed=5),
        *tasks(weights_seed=5),
        *tasks(seed=5, weights_seed=5),
        *tasks("1-wl"),
        *tasks(folds=4),
        tasks()[0]._replace(seed=None, splits="5"),
    ]
    assert len({task.path(Path()) for task in every}) == len(every)
    assert tasks(seed=2, weights_seed=7)[1].path(Path("r")) == Path(
        "r/MUTAG/mlp/seed2-weights7-fold1of3.json"
    )
    assert tasks("1-wl", weights_seed=7)[0].weights_seed is None


# Nothing is overwritten


def test_the_same_settings_stay_and_others_go_aside(tmp_path):
    task, other = tasks()[0], tasks(epochs=3)[0]
    path = store.save(tmp_path, task, record_of(task, 0.5))
    kept = path.read_bytes()
    assert store.save(tmp_path, task, record_of(task, 0.75)) == path
    assert path.read_bytes() == kept
    aside = store.save(tmp_path, other, record_of(other, 0.75))
    assert path.read_bytes() == kept and aside.parts[-4:-1] == (
        "replaced",
        "MUTAG",
        "mlp",
    )
    assert schema.read(aside).accuracy == 0.75
    again = store.save(tmp_path, other, record_of(other, 0.25))
    assert again != aside and schema.read(aside).accuracy == 0.75
    assert len(list(store.records(tmp_path))) == 1  # what is aside is not shown


def test_with_replace_the_old_one_goes_aside(tmp_path):
    task, other = tasks()[0], tasks(epochs=3)[0]
    path = store.save(tmp_path, task, record_of(task, 0.5))
    kept = path.read_bytes()
    assert store.save(tmp_path, other, record_of(other, 0.75), replace=True) == path
    assert schema.read(path).settings["epochs"] == 3
    (aside,) = (tmp_path / "replaced").rglob("*.json")
    assert aside.read_bytes() == kept
    store.save(tmp_path, task, record_of(task, 0.25), replace=True)
    assert len(list((tmp_path / "replaced").rglob("*.json"))) == 2


def test_a_damaged_file_is_no_reason_to_lose_a_fold(tmp_path):
    task = tasks()[0]
    path = task.path(tmp_path)
    path.parent.mkdir(parents=True)
    path.write_text("{")
    aside = store.save(tmp_path, task, record_of(task))
    assert path.read_text() == "{" and schema.read(aside).fold == 0


def test_missing_is_what_has_no_record_and_others_are_refused(tmp_path):
    own, other = tasks(), tasks(epochs=3)
    assert store.missing(tmp_path, own) == own
    store.save(tmp_path, own[1], record_of(own[1]))
    assert store.missing(tmp_path, own) == [own[0], own[2]]
    message = (
        r"1 of 3 folds were .* other settings.*MUTAG/mlp \(epochs: 100 there, 3 here\)"
        r".*--replace.*replaced.*--results DIR"
    )
    with pytest.raises(store.OtherSettings, match=message):
        store.missing(tmp_path, other)
    assert store.missing(tmp_path, other, replace=True) == other


def test_a_failure_stands_beside_until_the_fold_is_measured(tmp_path):
    task = tasks()[0]
    store.save_failure(tmp_path, task, "no luck")
    (failure,) = store.failures(tmp_path)
    assert (failure.reason, failure.fold, failure.weights_seed) == ("no luck", 0, 0)
    assert list(store.records(tmp_path)) == []
    store.save(tmp_path, task, record_of(task))
    assert list(store.failures(tmp_path)) == []


def test_records_come_in_a_fixed_order(tmp_path):
    for row in ("mlp", "gin"):
        for task in reversed(tasks(row)):
            store.save(tmp_path, task, record_of(task))
    found = [(record.method, record.fold) for record in store.records(tmp_path)]
    assert found == [(row, fold) for row in ("gin", "mlp") for fold in range(3)]


# Kills, other processes, full disks: real processes that wait for one another

PRELUDE = f"""
import os, sys, uuid
sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / "tests")!r}]
from pathlib import Path
from dpcore.experiments.tables import schema, store
from dpcore.experiments.tables.plan import plan
from dataclasses import replace

results = Path(sys.argv[1])
def task_of(epochs):
    return plan(["mlp"], ["MUTAG"], folds=3, epochs=epochs)[0]
def record_of(task, accuracy):
    made = schema.read(results / "template.json")
    curve = [0.1, accuracy, 0.9]
    return replace(made, settings=task.settings, accuracy=accuracy, test_curve=curve)
def wait(word):
    print(word, flush=True)
    sys.stdin.readline()
"""

STOPS = """
stop, count = int(sys.argv[2]), 0
def stops(module, name):
    real = getattr(module, name)
    def step(*arguments, **options):
        global count
        for when in ("before", "after"):
            count += 1
            if count == stop:
                wait("here")
            if when == "before":
                result = real(*arguments, **options)
        return result
    setattr(module, name, step)
for name in ("fsync", "replace"):
    stops(os, name)
stops(uuid, "uuid4")
store.save(results, task_of(2), record_of(task_of(2), 0.75), replace=True)
wait("done")
"""


def child(script, *arguments):
    return subprocess.Popen(
        [sys.executable, "-c", PRELUDE + script, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def template(results):
    task = tasks(epochs=1)[0]
    results.mkdir()
    (results / "template.json").write_text(schema.to_text(record_of(task)))


def test_killed_at_any_moment_a_replacement_loses_nothing(tmp_path):
    """The process stops at every step of the writing in turn and is killed there."""
    stop, word, whole = 0, "", set()
    while word != "done":
        stop += 1
        results = tmp_path / str(stop)
        template(results)
        task = tasks(epochs=1)[0]
        path = store.save(results, task, record_of(task, 0.5))
        with child(STOPS, results, stop) as process:
            word = process.stdout.readline().strip()
            process.send_signal(signal.SIGKILL)
        found = schema.read(path)
        aside = [schema.read(p) for p in (results / "replaced").rglob("*.json")]
        whole.add(found.accuracy)
        assert 0.5 in [record.accuracy for record in [found, *aside]]
        store.check_writable(results)  # sweeps up
        assert not list(results.rglob("*.part"))
        assert len(list(store.records(results))) == 1
    assert stop > 12 and whole == {0.5, 0.75}


MANY = """
wait("ready")
for number in range(10):
    epochs = 10 * int(sys.argv[2]) + number
    record = record_of(task_of(epochs), epochs / 1000)
    store.save(results, task_of(epochs), record, replace=number % 2 == 0)
"""


def test_two_processes_at_once_lose_nothing(tmp_path):
    results = tmp_path / "both"
    template(results)
    processes = [child(MANY, results, number) for number in (1, 2)]
    for process in processes:
        assert process.stdout.readline() == "ready\n"
    for process in processes:
        process.stdin.write("go\n")
        process.stdin.flush()
    for process in processes:
        process.communicate()
        assert process.returncode == 0
    found = [schema.read(p) for p in results.rglob("*fold0of3*.json")]
    epochs = sorted(record.settings["epochs"] for record in found)
    assert epochs == list(range(10, 30))
    assert all(r.accuracy == r.settings["epochs"] / 1000 for r in found)


FULL = """
import resource
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
try:
    store.save(results, task_of(2), record_of(task_of(2), 0.75), replace=True)
except store.CannotWrite as error:
    print(error)
"""


@pytest.mark.skipif(os.name == "nt", reason="no such limits there")
def test_a_full_disk_leaves_what_is_there(tmp_path):
    results = tmp_path / "full"
    template(results)
    task = tasks(epochs=1)[0]
    path = store.save(results, task, record_of(task, 0.5))
    kept = path.read_bytes()
    with child(FULL, results) as process:
        said = process.communicate()[0]
    assert "File too large" in said and "make room" in said
    assert path.read_bytes() == kept and not list(results.rglob("*.part"))


def test_a_folder_that_takes_no_records_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(store.CannotWrite, match="cannot write .*file"):
        store.check_writable(tmp_path / "file" / "results")


# Where records are found


def put_record(results):
    task = tasks()[0]
    return store.save(results, task, record_of(task))


def test_the_records_are_found_from_a_notebook_s_folder_and_beside_a_clone(tmp_path):
    results = tmp_path / "clone" / "book" / "results"
    put_record(results)
    notebooks = tmp_path / "clone" / "notebooks"
    (notebooks / "book" / "results").mkdir(parents=True)
    for start in (notebooks, tmp_path / "clone", tmp_path, results):
        assert store.find_results(start) == results


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """The package elsewhere, without a clone around it."""
    home = tmp_path / "lib" / "dpcore" / "experiments" / "tables"
    home.mkdir(parents=True)
    monkeypatch.setattr(store, "__file__", str(home / "store.py"))
    monkeypatch.setattr(packed, "FILE", home / "records.jsonl.xz")
    monkeypatch.chdir(tmp_path / "lib")
    return packed.FILE


def test_an_installed_package_carries_the_records(installed, tmp_path):
    with pytest.raises(FileNotFoundError, match="clone it here .* tables run"):
        store.find_results()
    with pytest.raises(FileNotFoundError, match="clone the book's repository"):
        list(store.records())
    put_record(tmp_path / "r")
    assert packed.pack(tmp_path / "r", installed) == 1
    assert list(store.records()) == list(store.records(tmp_path / "r"))


def test_the_wheel_s_file_agrees_with_the_records(tmp_path):
    """As the build makes it, without the rest of the build."""
    build = [sys.executable, "setup.py", "-q", "build_py", "-d", str(tmp_path)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (file,) = tmp_path.rglob("records.jsonl.xz")
    results = ROOT / "book" / "results"
    assert list(packed.carried(file)) == list(store.records(results))
    assert file.stat().st_size < 1_000_000


def test_the_committed_records_are_whole_and_say_where_they_come_from():
    found = list(store.records(ROOT / "book" / "results"))
    assert len(found) >= 920
    for record in found:
        assert len(record.commit.removesuffix("-dirty")) == 12, record
        flat = record.effective_clusters is None
        assert flat == (record.link_loss is None) == (record.entropy_loss is None)
