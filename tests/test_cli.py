"""The commands: figures, exit status, one-line errors without a traceback."""

import json
import subprocess
import sys

import pytest

from dpcore.__main__ import main
from dpcore.experiments.tables import fold


def run(capsys, *arguments):
    try:
        status = main(list(arguments))
    except SystemExit as stop:
        status = stop.code
    out, err = capsys.readouterr()
    return status, out, err


def test_data_describes(capsys):
    status, out, _ = run(capsys, "data", "MUTAG", "--json")
    facts = json.loads(out)
    assert status == 0 and facts["graphs"] == 188 and facts["classes"] == 2
    status, out, _ = run(capsys, "data", "MUTAG")
    assert status == 0 and "188" in out


def test_train_gives_the_figures(capsys):
    arguments = ["train", "MUTAG", "--model=mlp", "--epochs=2", "--folds=3", "--jobs=1"]
    status, out, err = run(capsys, *arguments, "--json")
    figures = json.loads(out)
    assert status == 0 and len(figures["accuracies"]) == 3
    assert figures["fair_mean"] == pytest.approx(
        sum(figures["accuracies"]) / 3, abs=0.1
    )
    status, out, err = run(capsys, *arguments)
    assert status == 0 and f"{figures['fair_mean']} ±" in out
    assert "3/3" in err  # the progress bar


@pytest.mark.parametrize(
    ("arguments", "status", "message"),
    [
        (["train", "NOPE"], 2, "NOPE"),
        (["train", "MUTAG", "--model=nope"], 2, "nope"),
        (["train", "MUTAG", "--epochs=0"], 2, "epochs"),
        (["train", "MUTAG", "--epochs=x"], 2, "epochs"),
        (["train", "MUTAG", "--folds=2"], 2, "folds is 2"),
        (["train", "MUTAG", "--model=mlp", "--conv=sage"], 2, "conv"),
        (["tables", "run", "--rows=nope"], 2, "nope"),
        (["tables", "run", "--datasets=nope"], 2, "nope"),
        (["tables", "run", "--folds=2"], 2, "folds is 2"),
        (["tables", "show", "--results=/nowhere"], 1, "no records"),
        ([], 2, "COMMAND"),
    ],
)
def test_errors_are_one_line(capsys, arguments, status, message):
    found, out, err = run(capsys, *arguments)
    assert found == status and out == ""
    assert message in err and err.count("\n") == 1 and "Traceback" not in err


def test_a_damaged_record_is_a_failure_not_a_bad_argument(capsys, tmp_path):
    record = tmp_path / "MUTAG" / "mlp" / "seed0-fold0of3.json"
    record.parent.mkdir(parents=True)
    record.write_text("{")
    status, _, err = run(capsys, "tables", "show", f"--results={tmp_path}")
    assert status == 1 and "seed0-fold0of3.json" in err


TABLES_RUN = ["tables", "run", "--rows=mlp", "--datasets=MUTAG", "--folds=3"]
TABLES_RUN += ["--epochs=1", "--jobs=1"]


def test_tables_measured_and_shown(capsys, tmp_path):
    results = f"--results={tmp_path}"
    status, out, err = run(capsys, *TABLES_RUN, results)
    assert status == 0 and out == "" and "3/3 folds" in err and "left" in err
    status, out, _ = run(capsys, "tables", "show", results, "--json")
    (cell,) = json.loads(out)
    assert status == 0 and (cell["method"], cell["failed"]) == ("mlp", [])
    status, out, _ = run(capsys, "tables", "show", results)
    (line,) = (line for line in out.splitlines() if "3/3" in line)
    fair = f"{cell['fair_mean']:.1f} ± {cell['fair_sd']:.1f}"
    assert line.startswith("mlp") and fair in line
    for heading in ("Table 1, PROTEINS", "Table 1, (MUTAG)", "Table 2, DD"):
        assert f"\n{heading}\n" in out
    assert "\ndiffpool            76.25 not measured\n" in out


def test_a_folder_that_takes_no_records_is_one_line(capsys, tmp_path):
    (tmp_path / "file").write_text("")
    status, out, err = run(capsys, *TABLES_RUN, f"--results={tmp_path}/file")
    assert (status, out, err.count("\n")) == (1, "", 1)
    assert f"cannot write {tmp_path}/file: File exists" in err


def test_a_failed_fold_is_a_line_and_the_status(capsys, tmp_path, monkeypatch):
    def fails(*_, **__):
        raise RuntimeError("no luck")

    monkeypatch.setattr(fold, "choose", fails)
    status, _, err = run(capsys, *TABLES_RUN, f"--results={tmp_path}")
    lines = [line for line in err.splitlines() if line.startswith("dpcore: ")]
    assert status == 1 and len(lines) == 3
    assert lines[0].startswith("dpcore: mlp MUTAG fold 0: RuntimeError: no luck")


@pytest.mark.parametrize("command", [[], ["data"], ["train"], ["tables", "run"]])
def test_help(command):
    result = subprocess.run(
        [sys.executable, "-m", "dpcore", *command, "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout.startswith("usage: dpcore") and result.stderr == ""
