"""What chapter 10 says in words, asked of the records behind the words.

A sentence that no longer holds fails here under its own name; the chapter is then to
be written anew. Records grow, sentences do not.
"""

import json
from functools import cache

import numpy as np
import pytest

from dpcore import tables

RESULTS = tables.find_results()


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
    "loops, hidden: no network": lambda: (
        max(
            mean(question, method)
            for question, method in short()
            if question in ("loops", "hidden") and method != "bag of edges"
        )
        < 60
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
