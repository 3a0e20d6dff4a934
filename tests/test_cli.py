"""The commands: figures, exit status, one-line errors without a traceback."""

import csv
import json
import subprocess
import sys

import pytest
from made_records import fake, record_of

from dpcore import tables
from dpcore.__main__ import main
from dpcore.data.expected import EXPECTED
from dpcore.experiments import actions, commands
from dpcore.experiments.tables import fold, runner
from dpcore.models import MODELS, accepted_settings
from dpcore.models.diffpool import ASSIGNMENTS
from dpcore.models.repairs import REPAIRS
from dpcore.models.rows import MODELS as ROWS
from dpcore.pooling import REDUCTIONS


def run(capsys, *arguments):
    try:
        status = main(list(arguments))
    except SystemExit as stop:
        status = stop.code
    out, err = capsys.readouterr()
    return status, out, err


@pytest.fixture
def measured(monkeypatch):
    """Folds are made up; returns the tasks that were asked for."""
    asked, made = [], fake([0.4, 0.5, 0.75] * 4)
    monkeypatch.setattr(
        runner, "measure", lambda task: asked.append(task) or made(task)
    )
    return asked


def test_data_describes(capsys):
    status, out, _ = run(capsys, "data", "MUTAG", "--json")
    facts = json.loads(out)
    assert status == 0 and facts["graphs"] == 188 and facts["classes"] == 2
    status, out, _ = run(capsys, "data", "mutag")
    assert status == 0 and out.splitlines()[-1].startswith("MUTAG: 188 graphs, from")


# train


TRAIN = ["train", "MUTAG", "--model=mlp", "--folds=3", "--jobs=1"]


def test_train_gives_the_figures(capsys, measured):
    status, out, _ = run(capsys, *TRAIN, "--json")
    figures = json.loads(out)
    assert status == 0 and figures["accuracies"] == [40.0, 50.0, 75.0]
    assert (figures["fair_mean"], figures["majority"]) == (55.0, 66.49)
    status, out, err = run(capsys, *TRAIN)
    assert status == 0 and "3/3" in err  # the progress bar
    lines = out.splitlines()
    assert lines[-1] == "mlp on MUTAG: 55.0 ± 18.03 % (fair)"
    assert "  largest class    66.49" in lines
    assert "  paper's protocol 80.0 (optimistic)" in lines
    assert lines[0].startswith(
        "mlp on MUTAG, 3 folds, splits 0, weights 0, up to 100 e"
    )


def test_train_and_tables_run_read_one_plan(capsys, tmp_path, measured):
    """Not the same names with other settings: the very same tasks."""
    for row in ("diffpool", "1-wl"):
        grid = [f"--rows={row}", "--datasets=MUTAG", "--folds=3", "--jobs=1"]
        seeds = ["--splits-seed=2", "--weights-seed=5"]
        train = ["train", "MUTAG", f"--model={row}", "--folds=3", "--jobs=1"]
        assert run(capsys, *train, *seeds)[0] == 0
        again = [f"--results={tmp_path}"]
        assert run(capsys, "tables", "run", *grid, *seeds, *again)[0] == 0
        assert len(measured) == 6 and measured[:3] == measured[3:]
        assert {task.seed for task in measured} == {2}
        assert {task.weights_seed for task in measured} <= {5, None}
        measured.clear()


def test_the_paper_s_figure_stands_only_beside_its_protocol_and_the_plan_s_settings(
    capsys, measured, tmp_path
):
    train = ["train", "PROTEINS", "--model=graphsage", "--jobs=1"]
    out = run(capsys, *train)[1]
    assert "paper's protocol 78.5 (optimistic; the paper reports 70.48)" in out
    assert out.endswith(" % (fair; Errica et al. 73.0)\n")
    for other in ("--hidden=8", "--folds=3", "--epochs=9"):
        assert "reports" not in (out := run(capsys, *train, other)[1])
        assert out.endswith(" % (fair)\n")
    figures = json.loads(run(capsys, *train, "--json", "--lr=1")[1])
    assert figures["reported"] is figures["errica"] is None
    ten = [{"train": [0, 1], "validation": [2], "test": [k]} for k in range(3, 13)]
    (tmp_path / "ten.json").write_text(json.dumps(ten))
    out = run(capsys, *train, f"--splits={tmp_path / 'ten.json'}")[1]
    assert "10 folds" in out and "reports" not in out
    assert out.endswith(" % (fair; Errica et al. 73.0)\n")  # of a file, as theirs


def test_every_setting_of_every_row_is_an_option(capsys, measured):
    of_data = {"edge_features", "k", "width"}  # read off the data
    internal = {"field", "gnn", "assign_gnn"}  # no words of a command line: factories
    for row in ROWS:
        assert accepted_settings(row) <= {*commands.SETTINGS} | of_data | internal
    given = dict(
        max_nodes=9, ratio=0.5, levels=1, hidden=7, num_layers=1, dropout=0.25, lr=0.5
    )
    given |= dict(batch_size=3, clip=1.5, accumulate=2, patience=4, trial_epochs=6)
    given |= dict(epochs=5, link_weight=0.125, entropy_weight=0.0, conv="sage")
    given |= dict(self_loops="replace", per_graph=True, edge_labels=False)
    given |= dict(assignments="hard", repair="dmon", reduction="frobenius")
    options = [
        f"--{name.replace('num_', '').replace('_', '-')}={value}"
        for name, value in given.items()
        if not isinstance(value, bool)
    ]
    options += ["--per-graph", "--no-edge-labels"]
    train = ["train", "MUTAG", "--folds=3", "--jobs=1"]
    assert run(capsys, *train, *options)[0] == 0
    assert measured[0].settings == given and measured[0].grid == [{}]


def test_words_that_are_no_choice_are_refused_and_all_choices_are_offered(capsys):
    words = {
        "assignments": ASSIGNMENTS,
        "repair": REPAIRS,
        "reduction": REDUCTIONS,
        "conv": ("gcn", "sage"),
        "self_loops": ("add", "replace"),
    }
    assert {k: v for k, (v, _) in commands.SETTINGS.items() if type(v) is tuple} == (
        words
    )
    for name in words:
        flag = "--" + name.replace("_", "-")
        status, _, err = run(capsys, "tables", "run", f"{flag}=glue")
        assert status == 2 and f"argument {flag}: invalid choice: 'glue'" in err


def test_standardising_and_attributes_are_options(capsys, measured):
    train = ["train", "ENZYMES", "--model=mlp", "--folds=3", "--jobs=1"]
    run(capsys, *train, "--no-attributes", "--standardize=0")
    settings = measured[0].settings
    assert (settings["attributes"], settings["standardize"]) == (False, 0)


def test_splits_of_a_file(capsys, measured, tmp_path):
    path = tmp_path / "splits.json"
    path.write_text('[{"train": [0, 1], "validation": [2], "test": [3]}]')
    status, out, _ = run(capsys, *TRAIN, f"--splits={path}")
    assert status == 0 and measured[0].split["train"] == [0, 1]
    assert f"1 folds, splits {measured[0].splits}" in out


# What goes wrong


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["train", "NOPE"], 2, "NOPE"),
        (["train", "MUTAG", "--model=nope"], 2, "nope"),
        (["train", "MUTAG", "--epochs=0"], 2, "epochs"),
        (["train", "MUTAG", "--epochs=x"], 2, "epochs"),
        (["train", "MUTAG", "--folds=2"], 2, "folds is 2"),
        (["train", "MUTAG", "--model=mlp", "--conv=sage"], 2, "conv"),
        (["train", "MUTAG", "--attributes"], 2, "MUTAG has none"),
        (["train", "MUTAG", "--epoch=3"], 2, "unrecognized"),
        (["train", "MUTAG", "--splits=/nowhere"], 1, "/nowhere"),
        (["tables", "run", "--rows=nope"], 2, "nope"),
        (["tables", "run", "--datasets=nope"], 2, "nope"),
        (["tables", "run", "--folds=2"], 2, "folds is 2"),
        (["tables", "show", "--results=/nowhere"], 1, "no records"),
        (["tables", "export"], 2, "--csv"),
        (["bench", "--only=nope"], 2, "nope"),
        ([], 2, "COMMAND"),
    ],
)
def test_errors_are_one_line(capsys, arguments, status, message):
    found, out, err = run(capsys, *arguments)
    assert found == status and out == ""
    assert message in err and err.count("\n") == 1 and "Traceback" not in err


@pytest.mark.parametrize("text", ["[]", "{", '[{"train": []}]'])
def test_a_file_that_holds_no_splits(capsys, tmp_path, text):
    path = tmp_path / "splits.json"
    path.write_text(text)
    status, _, err = run(capsys, *TRAIN, f"--splits={path}")
    assert status == 2 and "splits.json" in err and err.count("\n") == 1


def test_a_damaged_record_is_a_failure_not_a_bad_argument(capsys, tmp_path):
    record = tmp_path / "MUTAG" / "mlp" / "seed0-weights0-fold0of3.json"
    record.parent.mkdir(parents=True)
    record.write_text("{")
    status, _, err = run(capsys, "tables", "show", f"--results={tmp_path}")
    assert status == 1 and "seed0-weights0-fold0of3.json" in err


@pytest.mark.parametrize("error", [ValueError("odd"), KeyError("odd")])
def test_a_defect_is_not_called_a_bad_argument(capsys, monkeypatch, error):
    def broken(options):
        raise error

    monkeypatch.setattr(actions, "data", broken)
    status, _, err = run(capsys, "data", "MUTAG")
    assert status == 1 and err.count("\n") == 1 and "a defect of dpcore" in err
    assert type(error).__name__ in err and "--debug shows where" in err
    status, _, err = run(capsys, "data", "MUTAG", "--debug")
    assert status == 1 and "Traceback" in err and "in broken" in err


@pytest.mark.parametrize("error", [FloatingPointError("diverged"), OSError("gone")])
def test_a_known_failure_is_no_defect(capsys, monkeypatch, error):
    def broken(options):
        raise error

    monkeypatch.setattr(actions, "data", broken)
    assert run(capsys, "data", "MUTAG") == (1, "", f"dpcore: {error}\n")


def test_a_fold_that_fails_ends_training_with_its_reason(capsys, monkeypatch):
    outcome = fold.Outcome(failed="RuntimeError: no luck (here, line 1)")
    monkeypatch.setattr(runner, "measure", lambda task: outcome)
    status, out, err = run(capsys, *TRAIN, "--json")
    assert (status, out) == (1, "") and "mlp MUTAG fold 0: RuntimeError: no luck" in err


def interrupted(task):
    if task.fold == 1:
        raise KeyboardInterrupt
    return fold.Outcome(record=record_of(task))


def test_stopped_says_what_was_kept(capsys, monkeypatch, tmp_path):
    monkeypatch.setattr(runner, "measure", interrupted)
    status, _, err = run(capsys, *TRAIN, "--json")
    assert status == 130 and "stopped after 1 of 3 folds: nothing is kept" in err
    status, _, err = run(capsys, *TABLES_RUN, f"--results={tmp_path}")
    assert status == 130
    assert f"stopped: 1 folds were finished and are kept in {tmp_path}" in err


# tables


TABLES_RUN = ["tables", "run", "--rows=mlp", "--datasets=MUTAG", "--folds=3"]
TABLES_RUN += ["--jobs=1"]


def test_tables_measured_shown_and_exported(capsys, tmp_path, measured):
    results = f"--results={tmp_path}/r"
    status, out, err = run(capsys, *TABLES_RUN, results)
    assert status == 0 and "3/3 folds" in err and "left" in err
    assert out == f"3 folds measured, none was there; records: {tmp_path}/r\n"
    status, out, _ = run(capsys, *TABLES_RUN, results)
    assert out == f"0 folds measured, 3 were there; records: {tmp_path}/r\n"
    status, out, _ = run(capsys, "tables", "show", results, "--json")
    (cell,) = json.loads(out)
    assert status == 0 and (cell["method"], cell["failed"]) == ("mlp", [])
    status, out, _ = run(capsys, "tables", "show", results)
    lines = out.splitlines()
    assert status == 0 and len(lines) == 7
    assert lines[2] == "Table 1, (MUTAG); largest class 66.5"
    assert lines[4].startswith("mlp") and "55.0 ± 18.0" in lines[4]
    assert lines[-1] == f"1 cells, 3 folds: {tmp_path}/r"
    folder = tmp_path / "long"
    status, out, _ = run(capsys, "tables", "export", f"--csv={folder}", results)
    assert status == 0 and out.startswith("3 folds, 9 epochs: ")
    rows = list(csv.DictReader((folder / "folds.csv").open()))
    assert [float(row["accuracy"]) for row in rows] == [0.4, 0.5, 0.75]
    assert json.loads(rows[0]["settings"]) == measured[0].settings
    assert rows[0]["link_loss"] == "" and rows[2]["fold"] == "2"
    epochs = list(csv.DictReader((folder / "epochs.csv").open()))
    assert [float(row["test_accuracy"]) for row in epochs[:3]] == [0.2, 0.4, 0.65]
    assert [row["number"] for row in epochs] == ["1", "2", "3"] * 3
    assert epochs[4]["training_loss"] == "0.6" and epochs[4]["fold"] == "1"
    text = (folder / "SCHEMA.md").read_text()
    for name, columns in tables.COLUMNS.items():
        assert f"# {name}" in text
        found = list(csv.reader((folder / name).open()))[0]
        assert found == list(columns)
        assert all(f"| `{column}` | {about} |" in text for column, about in
                   columns.items())  # fmt: skip


def test_a_kernel_s_candidates_are_exported_without_a_loss(tmp_path, measured):
    tables.run(["1-wl"], ["MUTAG"], 3, results=tmp_path, progress=False)
    assert tables.export(tables.records(tmp_path), tmp_path / "long") == (3, 9)
    first = next(csv.DictReader((tmp_path / "long" / "epochs.csv").open()))
    assert (first["training_loss"], first["weights_seed"]) == ("", "")


def test_nothing_to_export_is_said(capsys, tmp_path):
    status, out, err = run(
        capsys, "tables", "export", f"--csv={tmp_path}/x", "--results=/nowhere"
    )
    assert (status, out) == (1, "") and "no records under /nowhere" in err


def test_records_of_other_settings_are_refused(capsys, tmp_path, measured):
    results = f"--results={tmp_path}"
    run(capsys, *TABLES_RUN, results)
    before = {path: path.read_bytes() for path in tmp_path.rglob("*.json")}
    status, out, err = run(capsys, *TABLES_RUN, results, "--epochs=3")
    assert (status, out, err.count("\n")) == (2, "", 1)
    assert "--replace" in err and "--results" in err
    assert before == {path: path.read_bytes() for path in tmp_path.rglob("*.json")}
    status, out, _ = run(capsys, *TABLES_RUN, results, "--epochs=3", "--replace")
    assert status == 0 and out.startswith("3 folds measured, none was there")


def test_a_folder_that_takes_no_records_is_one_line(capsys, tmp_path):
    (tmp_path / "file").write_text("")
    status, out, err = run(capsys, *TABLES_RUN, f"--results={tmp_path}/file")
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert f"cannot write {tmp_path}/file: File exists" in err


def test_a_failed_fold_is_a_line_and_the_status(capsys, tmp_path, monkeypatch):
    def fails(*_, **__):
        raise RuntimeError("no luck")

    monkeypatch.setattr(fold, "choose", fails)
    status, out, err = run(capsys, *TABLES_RUN, f"--results={tmp_path}")
    lines = [line for line in err.splitlines() if line.startswith("dpcore: ")]
    assert status == 1 and len(lines) == 3
    assert lines[0].startswith("dpcore: mlp MUTAG fold 0: RuntimeError: no luck")
    assert out.startswith("0 folds measured, 3 not measured, none was there")


def test_the_list_of_the_benchmark_ends_with_a_result_line(capsys):
    status, out, _ = run(capsys, "bench", "--list")
    lines = out.splitlines()
    assert status == 0 and lines[-1] == f"{len(lines) - 1} rows"


# Before torch


def python(*arguments):
    return subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "dpcore", *arguments],
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["--version"],
        ["train", "--help"],
        ["tables", "run", "--help"],
        ["train", "NOPE"],
        ["train", "MUTAG", "--model=mlp", "--ratio=0.5"],
        ["tables", "run", "--folds=2"],
    ],
)
def test_help_and_refusals_do_not_load_torch(arguments):
    result = python(*arguments)
    loaded = [line.split("|")[-1].strip() for line in result.stderr.splitlines()]
    heavy = {"torch", "torch_geometric", "numpy", "sklearn", "matplotlib"}
    assert "dpcore.experiments.commands" in loaded and not heavy & {*loaded}
    if result.returncode == 0:
        assert result.stdout.startswith(("usage: dpcore", "dpcore "))
    else:
        assert result.returncode == 2


def test_tables_are_shown_without_torch():
    result = python("tables", "show")
    loaded = {line.split("|")[-1].strip() for line in result.stderr.splitlines()}
    assert "dpcore.experiments.tables.store" in loaded and "torch" not in loaded
    assert result.stdout.endswith("folds: the book's records\n")


def test_every_data_set_and_row_is_named_in_help():
    text = "".join(python("train", "--help").stdout.split())  # it wraps at hyphens
    assert all(name in text for name in (*EXPECTED, *MODELS, *tables.KERNELS))
