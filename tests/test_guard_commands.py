"""Commands: every option is handed on, and folds are told apart in any order."""

import inspect
import json
import re
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from made_records import record_of

import dpcore
from dpcore import tables
from dpcore.__main__ import main
from dpcore.data import datasets
from dpcore.experiments import actions, bench
from dpcore.experiments.commands import SETTINGS, parser
from dpcore.experiments.tables import plan, runner, store
from dpcore.experiments.tables.fold import Outcome
from dpcore.experiments.versions import versions_of
from dpcore.models.diffpool import DiffPoolClassifier, of_ratio


def test_folds_that_come_in_another_order_are_shown_in_theirs(monkeypatch, capsys):
    seen = []

    def backwards(tasks, wanted, jobs):
        seen.append(jobs)
        for task in reversed(tasks):
            yield task, Outcome(record=record_of(task, (0.25, 0.5, 0.75)[task.fold]))

    monkeypatch.setattr(runner, "on_this_machine", backwards)
    options = ["--model=mlp", "--folds=3", "--jobs=2", "--json", "--hidden=9"]
    assert main(["train", "MUTAG", *options]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["accuracies"] == [25.0, 50.0, 75.0] and seen == [2]
    assert found["settings"]["hidden"] == 9


def test_every_option_of_a_run_reaches_it(monkeypatch, capsys):
    seen = []

    def fill(tasks, **options):
        seen.append((tasks, options))
        return tables.Report(2, 1, (), (Path("there.json"),))

    monkeypatch.setattr(tables, "fill", fill)
    command = "tables run --rows=mlp,gin --datasets=MUTAG --folds=3 --splits-seed=4"
    command += " --weights-seed=5 --jobs=2 --results=here --replace --lr=0.5"
    assert main([*command.split(), "--scheduler=tcp://x:1"]) == 1  # one went aside
    ((tasks, options),) = seen
    assert options == dict(jobs=2, results="here", scheduler="tcp://x:1", replace=True)
    assert {task.method for task in tasks} == {"mlp", "gin"} and len(tasks) == 6
    assert {(task.seed, task.weights_seed) for task in tasks} == {(4, 5)}
    assert {task.settings["lr"] for task in tasks} == {0.5}
    out, err = capsys.readouterr()
    assert "ours is there.json" in err
    assert out == "2 folds measured, 1 were there; records: here\n"


@pytest.mark.parametrize("given", [None, "MUTAG"])
def test_the_fallback_is_handed_on(monkeypatch, capsys, given):
    asked, real = [], dpcore.load_dataset

    def load(name, fallback=None):
        asked.append((name, fallback))
        return real("MUTAG")

    monkeypatch.setattr(datasets, "load_dataset", load)
    options = [] if given is None else [f"--fallback={given}"]
    assert main(["data", "DD", *options]) == 0
    assert asked == [("DD", given)]


def test_folds_are_measured_on_every_core(monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 7)
    for command in (["train", "MUTAG"], ["tables", "run"]):
        assert parser().parse_args(command).jobs == 7


def test_what_a_run_does_that_is_told_nothing():
    options = parser().parse_args(["tables", "run"])
    assert options.rows == plan.ROWS and options.datasets == [*plan.PLANNED]
    assert options.results == "book/results" and not options.replace
    assert (options.folds, options.splits_seed, options.weights_seed) == (10, 0, 0)


def test_numbers_and_names_are_read_strictly(capsys):
    options = parser().parse_args("tables run --rows=mlp,,gin, --folds=3".split())
    assert options.rows == ["mlp", "gin"] and type(options.folds) is int
    for wrong in ("--folds=3.5", "--folds=0", "--clip=nan", "--clip=-1"):
        with pytest.raises(SystemExit, match="2"):
            parser().parse_args(["tables", "run", wrong])
        assert wrong.split("=")[0] in capsys.readouterr().err


def test_how_many_folds_are_shown_is_how_many_there_are(tmp_path, capsys):
    for task in plan.plan(["mlp"], ["MUTAG"], folds=3)[:2]:
        store.save(tmp_path, task, record_of(task))
    assert main(["tables", "show", f"--results={tmp_path}"]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == f"1 cells, 2 folds: {tmp_path}"


def test_training_says_both_seeds_and_two_digits(monkeypatch, capsys):
    def measured(tasks, wanted, jobs):
        for task in tasks:
            yield task, Outcome(record=record_of(task, 0.1234))

    monkeypatch.setattr(runner, "on_this_machine", measured)
    train = ["train", "MUTAG", "--model=mlp", "--folds=3"]
    train += ["--splits-seed=2", "--weights-seed=5"]
    assert main(train) == 0
    out, err = capsys.readouterr()
    first = out.splitlines()[0]
    assert "3 folds, splits 2, weights 5, up to 100 epochs; acc" in first
    assert "3/3" in err  # the bar
    for terminal in (False, True):  # which has a bar beside JSON too
        monkeypatch.setattr(sys.stderr, "isatty", lambda terminal=terminal: terminal)
        assert main([*train, "--json"]) == 0
        out, err = capsys.readouterr()
        assert json.loads(out)["accuracies"] == [12.34] * 3
        assert ("3/3" in err) == terminal


def test_what_is_shown_are_the_book_s_records_unless_others_are_named():
    for command in ("tables show", "tables export --csv=x"):
        assert parser().parse_args(command.split()).results is None
    assert parser().parse_args(["train", "MUTAG", "--levels=0"]).levels == 0


def test_versions_are_python_s_and_each_package_s_own():
    found = versions_of("torch", "numpy")
    own = {name: version(name) for name in ("torch", "numpy")}
    assert found == {"python": sys.version.split()[0]} | own


@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_row_of_the_benchmark_that_fails_is_a_failure(monkeypatch, capsys, options):
    monkeypatch.setattr(bench, "run", lambda *_, **__: ([], ["row: no memory"]))
    assert main(["bench", *options]) == 1
    out, err = capsys.readouterr()
    assert out == ("[]\n" if options else "0 figures, 1 rows failed\n")
    assert err == "dpcore: row: no memory\n"


def test_what_was_loaded_is_named_and_not_what_was_asked_for(monkeypatch, capsys):
    graphs = dpcore.load_dataset("MUTAG")[:5]
    monkeypatch.setattr(datasets, "load_dataset", lambda name, fallback: graphs)
    assert main(["data", "DD", "--fallback=MUTAG"]) == 0
    last = capsys.readouterr().out.splitlines()[-1]
    assert last == f"MUTAG: 5 graphs, from the {graphs.source}"


def test_training_on_data_that_is_nowhere_says_why(monkeypatch, capsys):
    def nowhere(tasks, wanted, jobs):
        yield tasks[0], Outcome(unavailable="no MUTAG to be had")

    monkeypatch.setattr(runner, "on_this_machine", nowhere)
    assert main(["train", "MUTAG", "--model=mlp", "--folds=3", "--json"]) == 1
    said = "dpcore: mlp MUTAG fold 0: no MUTAG to be had\n"
    assert capsys.readouterr() == ("", said)


@pytest.mark.parametrize("given", [None, "elsewhere"])
def test_records_are_looked_for_where_it_was_said(monkeypatch, capsys, given):
    """Without a word nothing is said: then the package's own are found anywhere."""
    seen = []
    monkeypatch.setattr(tables, "show", lambda where: seen.append(where) or [])
    monkeypatch.setattr(tables, "records", lambda where: seen.append(where) or [])
    monkeypatch.setattr(tables, "export", lambda found, folder: (0, 0))
    options = [] if given is None else [f"--results={given}"]
    assert main(["tables", "show", *options]) == 1
    assert main(["tables", "export", "--csv=there", *options]) == 1
    assert seen == [given, given]


def test_a_benchmark_with_figures_and_a_failure_failed(monkeypatch, capsys):
    """Every name is looked at, and a terminal shows a bar, beside JSON too."""
    seen = []

    def run(only, *, progress, show):
        seen.append((only, progress, show is None))
        return [bench.Result("one")], ["two: no memory"]

    monkeypatch.setattr(bench, "run", run)
    first, second, *_ = bench.ROWS
    assert main(["bench", f"--only={first},{second}"]) == 1
    assert capsys.readouterr().out == "1 figures, 1 rows failed\n"
    for terminal in (True, False):
        monkeypatch.setattr(sys.stderr, "isatty", lambda terminal=terminal: terminal)
        assert main(["bench", "--json"]) == 1
    names = [first, second]
    assert seen == [(names, True, False), (None, True, True), (None, False, True)]
    assert main(["bench", f"--only={first},nope"]) == 2
    assert "only names 'nope', expected some of" in capsys.readouterr().err


def test_an_error_of_many_lines_is_told_in_one(monkeypatch, capsys):
    def nowhere(name, fallback):
        raise datasets.DatasetUnavailable("not here\n  1. go\n  2. come")

    monkeypatch.setattr(datasets, "load_dataset", nowhere)
    assert main(["data", "DD"]) == 1
    assert capsys.readouterr() == ("", "dpcore: not here 1. go 2. come\n")


def test_the_defaults_that_the_help_names_are_those_of_the_code():
    """A number or word in parentheses at the end: `(32)`, `(rms)`."""
    usual = dict(inspect.signature(dpcore.fit).parameters)
    usual |= inspect.signature(DiffPoolClassifier).parameters
    usual |= inspect.signature(of_ratio).parameters
    named = {
        name: found[1]
        for name, (_, about) in SETTINGS.items()
        if name in usual and (found := re.search(r"\((\S+)\)$", about))
    }
    assert {"batch_size", "clip", "ratio", "levels", "reduction"} <= named.keys()
    assert named == {
        name: str(usual[name].default).removesuffix(".0") for name in named
    }


def test_every_data_set_is_planned_and_facts_are_named_in_words(monkeypatch, capsys):
    seen = []
    monkeypatch.setattr(actions, "tables_run", lambda own: seen.extend(own.tasks) or 0)
    asked = ["--datasets", "MUTAG,DD", "--rows", "mlp", "--folds", "3"]
    assert main(["tables", "run", *asked]) == 0
    assert [task.dataset for task in seen] == ["MUTAG"] * 3 + ["DD"] * 3
    assert main(["data", "MUTAG"]) == 0
    shown = capsys.readouterr().out
    assert "median nodes" in shown and "median_nodes" not in shown
