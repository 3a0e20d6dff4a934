"""What chapters 08 and 10 say in words, asked of the records behind the words.

A sentence that no longer holds fails here under its own name; the chapter is then to
be written anew. Records grow, sentences do not.
"""

import json
from functools import cache

import baycomp
import numpy as np
import pytest

from dpcore import tables
from dpcore.experiments.tables import KERNELS, PRINTED_GAIN

RESULTS = tables.find_results()


# --- chapter 08 ---------------------------------------------------------------------


@cache
def cells() -> dict:
    return {
        (cell["dataset"], cell["method"]): cell
        for cell in tables.show(RESULTS)
        if (cell["seed"], cell["of"], cell["folds"]) == (0, 10, 10)
    }


@cache
def folds() -> dict:
    found = {}
    for record in tables.records(RESULTS):
        if (record.seed, record.folds) == (0, 10):
            runs = found.setdefault((record.dataset, record.method), {})
            runs[record.fold] = 100 * record.accuracy
    return found


def reads(name, row, key="paper_protocol"):
    return cells()[name, row][key]


def off(name, rows):
    """The largest distance from the printed figures, read the paper's way."""
    printed = {row: tables.reported(row, name) for row in rows}
    return max(
        abs(reads(name, row) - figure) for row, figure in printed.items() if figure
    )


def chances(name, ours, theirs):
    """How likely the first row is better by a point, alike, worse by a point."""
    pair = (folds()[name, row] for row in (ours, theirs))
    a, b = (np.array([run[fold] for fold in range(10)]) for run in pair)
    return baycomp.two_on_single(a, b, rope=1)


def measured():
    return [name for name in tables.MEASURED if (name, "diffpool") in cells()]


def flat(name):
    return "graphsage" if name in ("ENZYMES", "DD") else "gcn-mean"


CHAPTER_08 = {
    "PROTEINS: the paper's networks within two points": lambda: (
        off("PROTEINS", [*PRINTED_GAIN, "graphsage"]) < 2
    ),
    "ENZYMES: diffpool within two points, kernels within 1.1": lambda: (
        off("ENZYMES", ["diffpool"]) < 2 and off("ENZYMES", KERNELS) < 1.1
    ),
    "ENZYMES: graphsage is nine points above its figure": lambda: (
        abs(reads("ENZYMES", "graphsage") - 54.25 - 9) < 1
    ),
    "the paper's way reads higher, on the mean": lambda: (
        np.mean([c["paper_protocol"] - c["fair_mean"] for c in cells().values()]) > 1
    ),
    "the stack decides on ENZYMES": lambda: (
        chances("ENZYMES", "graphsage", "gcn-mean")[0] > 0.95
    ),
    "pooling, against a mean, is sure on D&D alone": lambda: (
        [n for n in measured() if chances(n, "diffpool", flat(n))[0] > 0.95] == ["DD"]
    ),
    "no kind of clusters is surely better than another": lambda: all(
        max(chances(name, "diffpool", f"diffpool-{other}")[::2]) < 0.95
        for other in ("random", "det", "hard")
        for name in measured()
        if (name, f"diffpool-{other}") in cells()
    ),
    "nobody can tell SAGE from blind SAGE": lambda: all(
        max(chances(name, "graphsage", "graphsage-blind")[::2]) < 0.95
        for name in measured()
    ),
    "ENZYMES, MUTAG: the second level is one cluster": lambda: all(
        reads(name, "diffpool", "effective_clusters")[1] < 1.2
        for name in ("ENZYMES", "MUTAG")
    ),
}


@pytest.mark.parametrize("sentence", CHAPTER_08)
def test_chapter_08_says(sentence):
    assert CHAPTER_08[sentence]()


# --- chapter 10 ---------------------------------------------------------------------


@cache
def runs(file: str) -> dict:
    found = {}
    for cell in json.loads((RESULTS / file).read_text(encoding="utf-8"))["cells"]:
        found.setdefault((cell["question"], cell["method"]), []).append(cell)
    return found


def short():
    return runs("when_it_helps.json")


def longer():
    return runs("when_it_helps_60.json")


def mean(question, method, of=lambda cell: 100 * cell["accuracy"], source=short):
    return np.mean([of(cell) for cell in source()[question, method]])


def guesses(cells, bound=70):
    return sum(100 * cell["accuracy"] < bound for cell in cells)


def agrees(question, method="1 level"):
    return mean(question, method, lambda cell: cell["agree"])


def stuck(source):
    """Runs on coarse, of those that were trained again, that guess."""
    again = [key for key in longer() if key[0] == "coarse"]
    return sum(guesses(source()[key]) for key in again)


LEARNED = ("1 level", "2 levels", "3 levels", "k = 2", "k = 6", "k = 72", "by ratio")
SAFE = ("gin", "0 levels", "random", "heavy-edge")
EVERYONE = ("gin", "0 levels", "1 level", "random", "heavy-edge")

CHAPTER_10 = {
    "fine: everyone": lambda: min(mean("fine", name) for name in EVERYONE) > 97,
    "coarse: pooled is not ahead of flat": lambda: (
        mean("coarse", "1 level") < mean("coarse", "0 levels") + 1
    ),
    "coarse: six of 21 runs with learned clusters fail": lambda: (
        sum(guesses(short()["coarse", name]) for name in LEARNED) == 6
    ),
    "coarse: none that is flat or has fixed clusters fails": lambda: (
        not any(guesses(short()["coarse", name]) for name in SAFE)
    ),
    "both: learned clusters behind flat": lambda: (
        mean("both", "1 level") < mean("both", "0 levels") - 5
    ),
    "both: random ones less so": lambda: (
        mean("both", "random") > mean("both", "1 level") + 5
    ),
    "coarse, 60 epochs: the same four runs are stuck": lambda: (
        stuck(longer) == stuck(short) == 4
    ),
    "both, 60 epochs: one level as right as flat": lambda: (
        abs(
            mean("both", "0 levels", source=longer)
            - mean("both", "1 level", source=longer)
        )
        < 2
    ),
    "loops, hidden: nobody": lambda: (
        max(mean(*key) for key in short() if key[0] in ("loops", "hidden")) < 60
    ),
    "clusters follow communities that show": lambda: (
        min(agrees(question) for question in ("coarse", "both")) > 0.7
    ),
    "clusters miss communities that do not show": lambda: agrees("hidden") < 0.1,
    "the last of two or three levels has collapsed": lambda: (
        max(
            cell["used"][-1]
            for name in ("2 levels", "3 levels")
            for cell in short()["coarse", name]
        )
        < 2
    ),
    "both: the losses make clusters follow communities": lambda: (
        agrees("both") > agrees("both", "no losses") + 0.2
    ),
    "deck: a guess": lambda: mean("coarse", "deck") < 55,
}


@pytest.mark.parametrize("sentence", CHAPTER_10)
def test_chapter_10_says(sentence):
    assert CHAPTER_10[sentence]()
