"""The commands: figures, exit status, one-line errors without a traceback."""

import json
import subprocess
import sys

import pytest

from dpcore.__main__ import main


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


@pytest.mark.parametrize("command", [[], ["data"], ["train"], ["tables", "run"]])
def test_help(command):
    result = subprocess.run(
        [sys.executable, "-m", "dpcore", *command, "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout.startswith("usage: dpcore") and result.stderr == ""
