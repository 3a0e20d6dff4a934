"""Sentences with a number in chapter 09, against its two records."""

import json
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "book" / "results"


@pytest.fixture(scope="module")
def said() -> str:
    path = ROOT / "notebooks" / "09_cost_and_scale.ipynb"
    cells = nbformat.read(path, as_version=4).cells
    words = (cell.source for cell in cells if cell.cell_type == "markdown")
    return " ".join(" ".join(words).split())


@pytest.fixture(scope="module")
def bench() -> dict:
    rows = json.loads((RESULTS / "bench.json").read_text(encoding="utf-8"))
    return {(r["name"], r["measure"], r["threads"]): r for r in rows}


def test_epochs(said, bench):
    def times(name, threads):
        return bench[name, "time", threads]["figure"]

    one = f"({times('epoch-proteins-tgp', 1):.1f}; {times('epoch-proteins', 1):.1f}"
    assert f"{one} against the dense way)" in said
    assert 0.5 < 1 / times("epoch-proteins-tgp", 2) < 0.6
    assert "a little more than half with two" in said
    tgp, dense = times("epoch-dd-tgp", 2), times("epoch-dd", 2)
    assert f"{tgp:.1f} times as fast as with the better package**, {dense:.1f}" in said
    assert tgp < dense and "the better package" in said
    of_graphs = bench["epoch-dd", "time", 2]["sizes"]
    assert f"takes the {of_graphs['their_graphs']} graphs up to 500" in said
    assert f"the others all {of_graphs['graphs']}" in said


def test_where_an_epoch_goes(said, bench):
    row = bench["profile-proteins", "products", 1]
    assert f"are {row['figure']:.0%}".replace("%", " %") in said
    assert f"would be {1 / row['figure']:.1f} times as fast" in said
    assert f"some {round(row['sizes']['calls_a_step'], -2)} calls" in said


def test_the_operator(said, bench):
    assert round(bench["operator-10k", "time", 2]["figure"], -1) == 100
    assert "gains a factor of a hundred over full matrices" in said
    assert round(2 * bench["operator-tgp", "time", 2]["figure"]) == 7
    assert "it gains three and a half" in said


def test_memory_and_growth(said, bench):
    million = bench["operator-1m", "memory", 1]["figure"]
    ten = bench["operator-10m", "memory", 1]["figure"]
    assert f"A million nodes take {million:.1f} GB" in said
    assert f"ten million {ten:.1f} GB" in said
    points = json.loads((RESULTS / "operator_curve.json").read_text("utf-8"))["points"]
    seconds = {p["nodes"]: p["seconds"] for p in points if p["way"] == "sparse"}
    assert round(seconds[1_000_000] / seconds[100_000]) == 14
    assert "the processor works fourteen times as long" in said
    assert round(bench["operator-1m", "growth, 4 kB", 2]["figure"]) == 10
    assert "By the clock and on two threads it is ten" in said
