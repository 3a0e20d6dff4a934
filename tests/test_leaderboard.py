"""The leaderboard: the records' numbers, as rows, as CSV, and on a page that sorts."""

import csv
import io
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import leaderboard as tool
import numpy as np
import pytest
from chapters import ROOT
from made_records import record_of

from dpcore import tables
from dpcore.experiments.tables import Comparison, plan, schema

RESULTS = tables.find_results()
STATIC = ROOT / "book" / "_static"


@pytest.fixture(scope="module")
def rows():
    return tables.leaderboard(RESULTS)


def test_its_means_are_those_of_tables_show(rows):
    cells = tables.show(RESULTS, weights_seed=0)
    shown = {(c["dataset"], c["method"]): c for c in cells
             if (c["seed"], c["of"], c["folds"]) == (0, 10, 10)}  # fmt: skip
    assert len(rows) == 2 * len(shown)
    for row in rows:
        cell = shown[row["dataset"], row["method"]]
        key = {"fair": "fair_mean", "the paper's way": "paper_protocol"}
        assert row["mean"] == pytest.approx(cell[key[row["protocol"]]], abs=0.006)
        folds = [row[f"fold_{i}"] for i in range(10)]
        assert row["mean"] == pytest.approx(np.mean(folds))
        assert row["sd"] == pytest.approx(np.std(folds, ddof=1))
        if row["protocol"] == "fair":
            assert row["sd"] == pytest.approx(cell["fair_sd"], abs=0.006)
        assert row["printed"] == cell["reported"]
        assert row["parameters"] == cell["parameters"]


def record(folder, fold, accuracy, curve, **more):
    task = plan.plan(["gin"], ["MUTAG"])[fold]
    curve = [accuracy, *curve]  # the first epoch is the best on validation
    own = dict(test_curve=curve, validation_curve=[0.5] * len(curve), best_epoch=1)
    made = record_of(task, accuracy, parameters=5, **own | more)
    path = task.path(folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(schema.to_text(made))


def test_the_papers_way_reads_one_epoch_for_all_folds_and_holds_stopped_ones(tmp_path):
    for fold in range(9):
        record(tmp_path, fold, 0.25, [0.5, 0.75, 0.5])
    assert tables.leaderboard(tmp_path) == []  # nine folds are no cell
    record(tmp_path, 9, 1.0, [0.0, 1.0])
    fair, paper = tables.leaderboard(tmp_path)
    assert (fair["mean"], fair["fold_9"], fair["fold_0"]) == (32.5, 100, 25)
    assert (paper["mean"], paper["fold_9"], paper["fold_0"]) == (77.5, 100, 75)
    assert paper["epochs"] == 4
    record(tmp_path, 8, 0.5, [1.0], settings={"other": 1})
    assert tables.leaderboard(tmp_path) == []  # a cell that is being measured anew


def test_the_csv_holds_the_schema_and_every_row(rows):
    text = tables.leaderboard_csv(rows)
    read = list(csv.DictReader(io.StringIO(text)))
    assert list(read[0]) == list(tables.SCHEMA) and len(read) == len(rows)
    for line, row in zip(read, rows, strict=True):
        assert line["method"] == row["method"] and line["protocol"] == row["protocol"]
        assert float(line["fold_7"]) == pytest.approx(row["fold_7"], abs=0.0051)
        assert line["printed"] == (
            "" if row["printed"] is None else f"{row['printed']:.2f}"
        )


def test_the_tool_writes_the_same_csv(rows, monkeypatch, capsys, tmp_path):
    folder = tmp_path / "book" / "results"
    shutil.copytree(RESULTS / "MUTAG", folder / "MUTAG")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["leaderboard.py"])
    exec(compile(open(tool.__file__).read(), "tool", "exec"), {"__name__": "__main__"})
    own = [row for row in rows if row["dataset"] == "MUTAG"]
    assert own and capsys.readouterr().out == tables.leaderboard_csv(own)


def test_the_page_says_what_the_columns_hold_and_the_csv_lies_beside_it(
    monkeypatch, tmp_path
):
    text = tool._schema().astext()
    assert "test accuracy of the fold, percent" in text and "fold 0" not in text
    asked = []
    monkeypatch.setattr(
        tool, "leaderboard", lambda results: asked.append(results) or [1, 2, 3]
    )
    monkeypatch.setattr(tool, "leaderboard_csv", repr)
    for builder, error in (("latex", None), ("html", OSError()), ("html", None)):
        assert not list(tmp_path.iterdir())
        where = dict(srcdir="here", outdir=tmp_path)
        app = SimpleNamespace(builder=SimpleNamespace(format=builder), **where)
        tool.write_csv(app, error)
    written = (tmp_path / "book" / tool.CSV).read_text("utf-8")
    assert written == "[1, 2, 3]" and asked == [Path("here", tool.RESULTS)]


@pytest.fixture(scope="module")
def both() -> Comparison:
    return Comparison(RESULTS)


# --- on a page ----------------------------------------------------------------------

PAGE = """<!doctype html><meta charset="utf-8">
<link rel="stylesheet" href="{static}/tables.css"><script src="{static}/tables.js">
</script><body>{table}"""
READ = """() => [...document.querySelectorAll("tbody tr")]
    .filter(row => row.checkVisibility())
    .map(row => [...row.cells].filter(c => c.checkVisibility()).map(c => c.textContent))
"""


@pytest.fixture
def opened(tab, tmp_path):
    def opened(table):
        path = tmp_path / "page.html"
        path.write_text(PAGE.format(static=STATIC.as_uri(), table=table), "utf-8")
        tab.goto(path.as_uri())
        return tab

    yield opened
    tab.goto("about:blank")


def test_the_page_filters_and_sorts_the_leaderboard(rows, opened):
    page = opened(tables.leaderboard_html(rows))
    own = [r for r in rows if r["dataset"] == "PROTEINS" and r["protocol"] == "fair"]
    assert [row[0] for row in page.evaluate(READ)] == [r["method"] for r in own]
    assert all(len(row) == 15 for row in page.evaluate(READ))  # no data set, protocol
    page.get_by_label("data set").select_option("MUTAG")
    page.get_by_label("protocol").select_option("the paper's way")
    page.get_by_role("button", name="mean").click()
    means = [float(row[1]) for row in page.evaluate(READ)]
    own = [r for r in rows if r["dataset"] == "MUTAG" and r["protocol"] != "fair"]
    expected = sorted((round(r["mean"], 1) for r in own), reverse=True)
    assert means == pytest.approx(expected, abs=0.11)
    assert page.locator("td.best").filter(visible=True).count() >= 1
    page.get_by_role("button", name="mean").click()
    again = [float(row[1]) for row in page.evaluate(READ)]
    assert again == sorted(means)
    page.get_by_label("data set").select_option("all")
    assert len({row[0] for row in page.evaluate(READ)}) == len(
        {r["dataset"] for r in rows}
    )


def test_the_comparison_swaps_protocols_and_hides_data_sets(opened, both):
    page = opened(both._repr_html_())
    fair = [row for row in both.rows if row[0] == "fair"]
    assert [row[0] for row in page.evaluate(READ)] == [method for _, method, _ in fair]
    diffpool = next(cells for _, method, cells in fair if method == "diffpool")
    cell = page.locator("tr[data-protocol=fair]").filter(has_text="diffpool-nolp")
    assert cell.locator("td[title]").first.get_attribute("title").startswith("folds: ")
    numbers = sum(any(row[2][i] for row in fair) for i in range(len(both.datasets)))
    assert 0 < numbers < len(both.datasets)  # a column without a number is not shown
    assert all(len(row) == 1 + numbers for row in page.evaluate(READ))
    assert f"{diffpool[0][0]:.1f}" in page.inner_text("tbody")
    page.get_by_label("protocol").select_option("Errica et al.")
    assert {row[0] for row in page.evaluate(READ)} == {r for _, r in tables.ERRICA}
    page.get_by_label("data set").select_option(both.datasets[1])
    assert all(len(row) == 2 for row in page.evaluate(READ))
    page.get_by_label("protocol").select_option("fair")
    page.get_by_label("data set").select_option("REDDIT-MULTI-12K")  # empty
    assert all(row[1] == "–" for row in page.evaluate(READ))


def test_without_the_script_the_fair_reading_is_visible(tab, both, tmp_path):
    path = tmp_path / "plain.html"
    path.write_text(both._repr_html_(), "utf-8")
    tab.goto(path.as_uri())
    fair = [row for row in both.rows if row[0] == "fair"]
    assert len(tab.evaluate(READ)) == len(fair)
    assert "diffpool " in repr(both)
