"""What chapters 05, 07 and 08 and the page of other settings say in words, asked of
the records behind the words.

A key is a sentence's own words, found in the chapter; its value asks the records
whether it is so. A sentence that no longer holds, or no longer stands there, fails
under its own name.
"""

import json
import re
from functools import cache

import chapters
import measure_repairs
import numpy as np
import pytest
import torch
from scipy import stats
from torch.nn import functional as F

import dpcore
from dpcore import SparseGraphs, diff_pool, tables
from dpcore.__main__ import main
from dpcore.data import synthetic
from dpcore.data.expected import EXPECTED
from dpcore.experiments.kernels import ITERATIONS, PENALTIES
from dpcore.experiments.tables import runner
from dpcore.experiments.tables.plan import TRIAL_SHARE
from dpcore.graphs import DenseGraphs
from dpcore.training import splits

RESULTS = tables.find_results()


@cache
def text(stem: str) -> str:
    """The chapter's prose, on one line, without signs of emphasis."""
    book = chapters.read(chapters.ROOT / "notebooks" / f"{stem}.ipynb")
    prose = " ".join(c.source for c in book.cells if c.cell_type == "markdown")
    return re.sub(r"\s+", " ", prose.replace("*", ""))


@cache
def runs() -> dict:
    found = {}
    for record in tables.records(RESULTS, weights_seed=0):
        if (record.seed, record.folds) == (0, 10):
            found.setdefault((record.dataset, record.method), []).append(record)
    return {
        key: sorted(own, key=lambda record: record.fold)
        for key, own in found.items()
        if len(own) == 10
    }


@cache
def cells() -> dict:
    return {
        (cell["dataset"], cell["method"]): cell
        for cell in tables.show(RESULTS, weights_seed=0)
        if (cell["seed"], cell["of"], cell["folds"]) == (0, 10, 10)
    }


def fair(name, row):
    return cells()[name, row]["fair_mean"]


def paper(name, row):
    return cells()[name, row]["paper_protocol"]


QUESTIONS = [
    ("gcn-sum", "mlp"), ("graphsage", "graphsage-blind"),
    ("graphsage-max", "graphsage-blind-max"),
    ("graphsage-sum", "graphsage-blind-sum"), ("diffpool", "mean"),
    ("diffpool", "same"), ("diffpool", "diffpool-random"),
    ("diffpool", "diffpool-det"), ("diffpool", "diffpool-hard"),
    ("diffpool", "diffpool-nolp"), ("diffpool", "diffpool-noentropy"),
    ("diffpool", "blind"), ("gcn-sum", "gcn-mean"), ("graphsage", "gcn-mean"),
]  # fmt: skip
PARTNERS = {
    "gcn": dict(mean="gcn-mean", same="gcn-sum", blind="mlp"),
    "sage": dict(mean="graphsage", same="graphsage-max", blind="graphsage-blind"),
}
DATA = ("PROTEINS", "ENZYMES", "MUTAG", "DD", "COLLAB")


@cache
def asked() -> dict:
    """(data set, ours, theirs) → (mean, sd, p) of the ten differences in points."""
    found = {}
    for name in DATA:
        conv = runs()[name, "diffpool"][0].settings["conv"]
        for ours, theirs in QUESTIONS:
            pair = (name, ours), (name, PARTNERS[conv].get(theirs, theirs))
            if not runs().keys() >= set(pair):
                continue
            found[name, ours, theirs] = against(*pair)
    return found


WITH_EDGES = ("DD", "graphsage-max", "graphsage-blind-max")
BLIND_SUM = ("DD", "graphsage-blind-sum")


def against(ours, theirs):
    """The lead of one cell over another, fold by fold."""
    a, b = (np.array([100 * r.accuracy for r in runs()[key]]) for key in (ours, theirs))
    return corrected(a - b)


def corrected(gaps):
    """Mean, sd and p of the differences of ten folds, or of some of them (Nadeau and
    Bengio, 2003)."""
    mean, sd, n = gaps.mean(), gaps.std(ddof=1), len(gaps)
    t = mean / (sd * (1 / n + 1 / 8) ** 0.5)
    return mean, sd, 2 * stats.t.sf(abs(t), n - 1)


def half(found):
    """What stands after ±."""
    return stats.t.ppf(0.975, 9) * found[1] * (1 / 10 + 1 / 8) ** 0.5


def lead(*key):
    return asked()[key][0]


def survives():
    """How many questions have p < 0.05 after Holm's correction."""
    small = sorted(p for *_, p in asked().values())
    count = 0
    for left, p in zip(range(len(small), 0, -1), small, strict=True):
        if left * p >= 0.05:
            break
        count += 1
    return count


def needed(*names):
    """The leads that would have had p = 0.05."""
    return [half(found) for (name, *_), found in asked().items() if name in names]


def suggest():
    return {key for key, (*_, p) in asked().items() if p < 0.05}


def used(name, row):
    return cells()[name, row]["effective_clusters"]


@cache
def twins(name: str, rounds: int = 8) -> dict:
    """How many graphs have a twin to Weisfeiler and Leman: anywhere, in another fold,
    and one of another class."""
    graphs = dpcore.load_dataset(name)
    fold = np.empty(len(graphs), dtype=int)
    for i, part in enumerate(splits(graphs.labels)):
        fold[part["test"]] = i
    names: dict = {}
    seen = []
    for graph in graphs:
        colour = graph.x.argmax(1).tolist()
        beside = [[] for _ in colour]
        for i, j in graph.edge_index.T.tolist():
            beside[i].append(j)
        for _ in range(rounds):
            own = [(colour[i], tuple(sorted(colour[j] for j in near)))
                   for i, near in enumerate(beside)]  # fmt: skip
            colour = [names.setdefault(key, len(names) + 1000) for key in own]
        seen.append(names.setdefault(tuple(sorted(colour)), len(names) + 1000))
    same = np.array(seen)[:, None] == seen
    labels = graphs.labels.numpy()
    return dict(
        anywhere=(same.sum(1) > 1).sum(),
        elsewhere=(same & (fold[:, None] != fold)).any(1).sum(),
        other=(same & (labels[:, None] != labels)).any(1).sum(),
    )


def off(name, row):
    return abs(paper(name, row) - tables.reported(row, name))


NETWORKS = [*tables.PRINTED_GAIN, "graphsage"]
COLLAB = tables.DATASETS.index("COLLAB")
COLUMN_BEST = [max(tables.TABLE_1, key=lambda row: tables.TABLE_1[row][i] or 0)
               for i in range(5)]  # fmt: skip

CHAPTER_08 = {
    "Three entries of the gain column do not follow from their cells.": lambda: (
        sum(abs(v - tables.gain(k)) > 0.015 for k, v in tables.PRINTED_GAIN.items())
        == 3
    ),
    "DiffPool's accuracy comes out on PROTEINS, read the way the paper reads it, and "
    "three points short on D&D.": lambda: (
        off("PROTEINS", "diffpool") < error_of_two("PROTEINS", "diffpool")
        and off("DD", "diffpool") > 1.5 * error_of_two("DD", "diffpool")
        and round(tables.reported("diffpool", "DD") - paper("DD", "diffpool")) == 3
    ),
    "every network of the paper is within two points of its printed figure": lambda: (
        max(off("PROTEINS", row) for row in NETWORKS) < 2
    ),
    "`diffpool-random`, read that way, has 76.5, more than any network that the paper "
    "prints": lambda: round(paper("PROTEINS", "diffpool-random"), 1) == 76.5 > 76.25,
    "We ask sixty questions.": lambda: len(asked()) == 60,
    "four kernels, read the paper's way, come out within 0.2 points of the "
    "print": lambda: max(off("COLLAB", row) for row in tables.KERNELS) <= 0.2,
    "has 81.1 there for 68.25; between learned clusters, fixed ones (6.6 points apart "
    "in the paper) and none we see no lead": lambda: (
        round(paper("COLLAB", "graphsage"), 1) == 81.1
        and tables.reported("graphsage", "COLLAB") == 68.25
        and round(tables.TABLE_1["diffpool-det"][COLLAB] - 75.48, 1) == 6.6
        and not any(key[:2] == ("COLLAB", "diffpool") for key in suggest())
    ),
    "ours are 80.4, 80.7, 78.5 and 80.9": lambda: (
        [
            round(paper("COLLAB", row), 1)
            for row in ("diffpool", "diffpool-det", "1-wl", "wl-oa")
        ]
        == [80.4, 80.7, 78.5, 80.9]
    ),
    "the networks moved, `graphsage` by 12.8 points, and now nothing is ahead of the "
    "best kernel by half a point. `mlp`, which sees degrees and no edge, has 77.4": (
        lambda: (
            round(off("COLLAB", "graphsage"), 1) == 12.8
            and max(paper(*key) for key in cells() if key[0] == "COLLAB")
            < max(paper("COLLAB", row) for row in tables.KERNELS) + 0.5
            and round(paper("COLLAB", "mlp"), 1) == 77.4
        )
    ),
    "Seventeen rows of COLLAB and all of REDDIT": lambda: (
        len(tables.ROWS) - sum(name == "COLLAB" for name, _ in runs()) == 17
    ),
    "validation rises until the eighth at least": lambda: all(
        np.mean([r.validation_curve for r in own], 0).argmax() >= 7
        for (name, row), own in runs().items()
        if name == "COLLAB" and row not in tables.KERNELS
    ),
    "the first level uses 14 of 15, with rows that are half decided, and the second "
    "level one": lambda: (
        [round(k) for k in used("COLLAB", "diffpool")] == [14, 1]
        and used_most("COLLAB") == 15
        and 0.4
        < cells()["COLLAB", "diffpool"]["entropy_loss"] / np.log([15, 2]).sum()
        < 0.6
    ),
    "One survives the correction for having asked so many: on D&D edges help a network "
    "that reads a maximum": lambda: (
        survives() == 1
        and min(asked(), key=lambda key: asked()[key][2])
        == ("DD", "graphsage-max", "graphsage-blind-max")
    ),
    "Six suggest an answer, one of them against edges.": lambda: (
        len(suggest()) == 6
        and sum(lead(*key) < 0 for key in suggest()) == 1
        and ("ENZYMES", "gcn-sum", "mlp") in suggest()
        and lead("ENZYMES", "gcn-sum", "mlp") < 0
    ),
    "two to six points on PROTEINS and D&D, six to nine on ENZYMES, up to thirteen on "
    "MUTAG, one or two on COLLAB": lambda: (
        [
            round(most(needed(*names)))
            for names in (("PROTEINS", "DD"), ("ENZYMES",))
            for most in (min, max)
        ]
        == [2, 6, 6, 9]
        and round(max(needed("MUTAG"))) == 13
        and {round(lead) for lead in needed("COLLAB")} == {1, 2}
    ),
    "All rows but one lie between 70 and 75. (`graphsage-blind-max`, at 65,": lambda: (
        {key[1] for key in cells() if key[0] == "PROTEINS" and not 70 < fair(*key) < 75}
        == {"graphsage-blind-max"}
        and round(fair("PROTEINS", "graphsage-blind-max")) == 65
    ),
    "7.6 points on D&D, at ten epochs, for a stack that reads a maximum ($p = 0.0001$, "
    "and 0.007 when it has paid; [at more epochs](settings.ipynb) 7.6 again, which "
    "only suggests it); 8.8 on PROTEINS suggest the same": lambda: (
        0.05 < 60 * of_the_star(RESULTS / "longer")[2]
        and of_the_star(RESULTS / "longer")[2] < 0.05
        and round(lead(*WITH_EDGES), 1) == 7.6
        and round(asked()[WITH_EDGES][2], 4) == 0.0001
        and round(60 * asked()[WITH_EDGES][2], 3) == 0.007
        and round(lead("PROTEINS", *WITH_EDGES[1:]), 1) == 8.8
        and ("PROTEINS", *WITH_EDGES[1:]) in suggest()
    ),
    "(9.0 ± 4.5 without dropout, which spoils both rows there: it scales what a "
    "maximum reads)": lambda: (
        [round(float(x), 1) for x in (without_dropout()[0], half(without_dropout()))]
        == [9.0, 4.5]
        and all(
            np.mean([run.test_curve[-1] for run in runs()["PROTEINS", row]]) < 0.61
            and np.mean([run.test_curve[-1] for run in undropped(row)]) > 0.65
            for row in WITH_EDGES[1:]
        )
    ),
    "A sum counts by itself, and there edges bring nothing that we can see, nor where "
    "the readout is a mean.": lambda: (
        not any(
            key in suggest() and lead(*key) > 0 and key[0] != "COLLAB"
            for key in asked()
            if key[1] in ("graphsage-sum", "graphsage", "gcn-sum")
            and key[2] in ("graphsage-blind-sum", "graphsage-blind", "mlp")
        )
    ),
    "(5.3; over the same blind stack with a sum it is 3.2, which tells "
    "nothing)": lambda: (
        round(lead("DD", "diffpool", "blind"), 1) == 5.3
        and ("DD", "diffpool", "blind") in suggest()
        and round(against(("DD", "diffpool"), BLIND_SUM)[0], 1) == 3.2
        and against(("DD", "diffpool"), BLIND_SUM)[2] > 0.05
    ),
    "`diffpool` is at 77.6 for 80.64.": lambda: (
        round(paper("DD", "diffpool"), 1) == 77.6
    ),
    "trained until validation stands still it has 76.8": lambda: (
        round(longer("diffpool")["paper_protocol"], 1) == 76.8
    ),
    "`mlp`, which sees no edge, is level with it": lambda: (
        abs(fair("DD", "mlp") - fair("DD", "diffpool")) < 1
    ),
    "is six points behind `mlp`, which reads a sum": lambda: (
        round(fair("DD", "mlp") - fair("DD", "graphsage")) == 6
    ),
    "20 of 188 have a twin in another fold, all of the same class": lambda: (
        twins("MUTAG") == dict(anywhere=24, elsewhere=20, other=0)
    ),
    "To a network of three layers it is 24.": lambda: (
        twins("MUTAG", 3)["elsewhere"] == 24
    ),
    "63 of 1113 have a twin, 61 in another fold": lambda: (
        twins("PROTEINS") == dict(anywhere=63, elsewhere=61, other=15)
    ),
    "Among the networks it is true": lambda: (
        [
            max((r for r in NETWORKS), key=lambda r: tables.TABLE_1[r][i] or 0)
            for i in range(5)
        ].count("diffpool")
        == 4
    ),
    "Over all rows it is three": lambda: COLUMN_BEST.count("diffpool") == 3,
    "ahead, by 0.18 points": lambda: (
        round(tables.TABLE_1["shortest-path"][4] - tables.TABLE_1["diffpool"][4], 2)
        == 0.18
    ),
    "less than one on the three small data sets. And 0.18 points on PROTEINS is a "
    "tenth of one.": lambda: (
        max(over_rivals(name) for name in ("ENZYMES", "DD", "PROTEINS")) < 1
        and round(0.18 / error_of_two("PROTEINS", "diffpool"), 1) == 0.1
    ),
    "on PROTEINS the entropy loss overtakes it at a weight of 0.021": lambda: (
        used_most("PROTEINS") == 38 and round(balance("PROTEINS", 38), 3) == 0.021
    ),
    "For PROTEINS, `lucky_lead(0.76, 1113, 8)` is about 1.8 points.": lambda: (
        EXPECTED["PROTEINS"]["graphs"] == 1113
        and round(100 * best_of_equals(0.76, 1113, 8), 1) == 1.8
    ),
    "More than five errors on REDDIT-MULTI-12K, two on COLLAB": lambda: (
        [
            round((ours - theirs) / (2e4 * ours * (1 - ours / 100) / n / 100) ** 0.5, 1)
            for ours, theirs, n in ((47.08, 43.49, 11929), (75.48, 73.76, 5000))
        ]
        == [5.6, 2.0]
    ),
    "On PROTEINS the paper's reading adds 0.8 points, where neighbours in Table 1 are "
    "half a point apart; on MUTAG it adds 3.5.": lambda: (
        [round(lost(name), 1) for name in ("PROTEINS", "MUTAG")] == [0.8, 3.5]
        and 0.4 < np.median(np.diff(sorted(at_proteins()))) < 0.7
    ),
    "6.9 points over the mean of the same layers": lambda: (
        round(lead("DD", "diffpool", "mean"), 1) == 6.9
        and {("DD", "diffpool", "mean"), ("DD", "diffpool", "blind")} <= suggest()
    ),
    "by 6.9 points, and the same layers with its own maximum, but no pooling, by 2.5": (
        lambda: (
            round(lead("DD", "diffpool", "same"), 1) == 2.5
            and round(asked()["DD", "diffpool", "same"][2], 2) == 0.17
        )
    ),
    "is worth about five points there": lambda: (
        round(lead("DD", "gcn-sum", "gcn-mean")) == 5
    ),
    "No lead suggests anything, and most are about zero.": lambda: (
        not any(
            key in suggest()
            for key in asked()
            if key[2] in ("diffpool-random", "diffpool-det", "diffpool-hard")
        )
    ),
    "One to three points for the link loss on PROTEINS, D&D and ENZYMES": lambda: (
        [
            round(lead(name, "diffpool", "diffpool-nolp"))
            for name in ("PROTEINS", "DD", "ENZYMES")
        ]
        == [2, 3, 1]
    ),
    "`mlp`, which sees no edge, has 69.8, and no row is ahead of it": lambda: (
        round(fair("ENZYMES", "mlp"), 1) == 69.8
        and max(fair(*key) for key in cells() if key[0] == "ENZYMES")
        == fair("ENZYMES", "mlp")
    ),
    "Errica's blind baseline has 65.2": lambda: (
        tables.ERRICA["ENZYMES", "mlp"][0] == 65.2
    ),
    "`diffpool` has 69.2 for 62.53 and `graphsage` 70.0 for 54.25": lambda: (
        [
            (round(paper("ENZYMES", row), 1), tables.reported(row, "ENZYMES"))
            for row in ("diffpool", "graphsage")
        ]
        == [(69.2, 62.53), (70.0, 54.25)]
    ),
    "On ENZYMES it is 8.0 points behind.": lambda: (
        round(lead("ENZYMES", "gcn-sum", "mlp"), 1) == -8.0
    ),
    "adds nothing that we can see: 80.9 for 81.8, 73.1 for 73.0 on PROTEINS, 68.7 for "
    "67.7 on ENZYMES, 78.2 for 77.4 on D&D, with one level each.": lambda: (
        [round(mean.mean(), 1) for name in WALKED for mean in reader_and_none(name)]
        == [80.9, 81.8, 73.1, 73.0, 68.7, 67.7, 78.2, 77.4]
        and all(
            corrected(walks - none)[2] > 0.6
            for walks, none in map(reader_and_none, WALKED)
        )
    ),
    "On COLLAB, whose labels are degrees, `gcn-sum` is 3.2 points ahead of `mlp` "
    "($p = 0.002$, 0.11 when it has paid).": lambda: (
        round(lead("COLLAB", "gcn-sum", "mlp"), 1) == 3.2
        and sorted(asked(), key=lambda key: asked()[key][2])[1]
        == ("COLLAB", "gcn-sum", "mlp")
        and round(asked()["COLLAB", "gcn-sum", "mlp"][2], 3) == 0.002
        and round(59 * asked()["COLLAB", "gcn-sum", "mlp"][2], 2) == 0.11
    ),
    "34 of 50 and ten of twelve are in use, and the rows of $S$ are sharp. The second "
    "level has one or two.": lambda: (
        [int(used(name, "diffpool")[0]) for name in ("DD", "ENZYMES")] == [34, 10]
        and [used_most(name) for name in ("DD", "ENZYMES")] == [50, 12]
        and [round(used(name, "diffpool")[1]) for name in ("DD", "ENZYMES")] == [2, 1]
        and max(decided(name) for name in ("DD", "ENZYMES")) < 0.12
    ),
    "On PROTEINS the model uses a handful of 38, and its rows are sharp": lambda: (
        used("PROTEINS", "diffpool")[0] < 8
        and used_most("PROTEINS") == 38
        and decided("PROTEINS") < 0.12
    ),
    "on D&D 34 of 50 are in use, a node in one or two of them, on ENZYMES ten of "
    "twelve, and on PROTEINS a handful, or 26 or all 38 at other weights of the "
    "losses": lambda: (
        [
            (int(used(name, "diffpool")[0]), used_most(name))
            for name in ("DD", "ENZYMES")
        ]
        == [(34, 50), (10, 12)]
        and max(decided(name) for name in ("DD", "ENZYMES")) < 0.12
        and 1 < np.exp(cells()["DD", "diffpool"]["entropy_loss"]) < 2
        and weighed(1)["effective_clusters"][0] < 8
        and [round(weighed(w)["effective_clusters"][0]) for w in (0, 0.02, 0.1, "norm")]
        == [38, 38, 26, 38]
    ),
    "after an eighth of the epochs: after one on D&D and COLLAB, which is little "
    "better than a draw, and after ten on ENZYMES": lambda: (
        TRIAL_SHARE == 8
        and {
            max(1, runs()[name, "diffpool"][0].settings["epochs"] // TRIAL_SHARE)
            for name in ("DD", "COLLAB")
        }
        == {1}
        and runs()["ENZYMES", "diffpool"][0].settings["trial_epochs"] == 10
    ),
    "worth up to thirteen points on MUTAG to a network of three layers and five and a "
    "half on PROTEINS": lambda: (
        round(100 * twins("MUTAG", 3)["elsewhere"] / 188) == 13
        and round(100 * twins("PROTEINS")["elsewhere"] / 1113, 1) == 5.5
    ),
    "networks lose 0.3 to 3.5 points, in the mean of a data set": lambda: (
        [round(f(lost(name) for name in DATA), 1) for f in (min, max)] == [0.3, 3.5]
    ),
    "learned ones are nowhere ahead by more than that": lambda: (
        not any(
            key[1:] == ("diffpool", "diffpool-random") and lead(*key) > 0
            for key in suggest()
        )
    ),
    "Errica et al. have less for each of the four networks that both "
    "measured": lambda: (
        [
            row
            for (name, row), (mean, _) in tables.ERRICA.items()
            if name == "COLLAB" and (name, row) in cells() and mean < fair(name, row)
        ]
        == ["mlp", "diffpool", "gin", "graphsage"]
        and not {("COLLAB", "sortpool"), ("COLLAB", "ecc")} & {*cells()}
    ),
    "`mlp` 70.2 for 77.5, `diffpool` 68.9 for 80.0": lambda: (
        [
            (tables.ERRICA["COLLAB", row][0], round(fair("COLLAB", row), 1))
            for row in ("mlp", "diffpool")
        ]
        == [(70.2, 77.5), (68.9, 80.0)]
    ),
    "Of ours only MUTAG's fair means do (84.0, 84.5, 87.3), and read the paper's way "
    "the same runs fall.": lambda: (
        rising() == [("MUTAG", "fair_mean")]
        and [round(fair("MUTAG", row), 1) for row in TABLE_2] == [84.0, 84.5, 87.3]
        and [*map(lambda row: paper("MUTAG", row), TABLE_2)]
        == sorted((paper("MUTAG", row) for row in TABLE_2), reverse=True)
    ),
    "Between 1.6 and 3.4 times the flat row's time for two levels; one level on "
    "Structure2Vec brings 1.55 to 2.9 times its parameters.": lambda: (
        [round(f(seconds_ratios()), 1) for f in (min, max)] == [1.6, 3.4]
        and [round(f(parameters_ratios()), 2) for f in (min, max)] == [1.55, 2.89]
    ),
    "mush, all seven equal, and one cluster above": lambda: (
        used("MUTAG", "diffpool")[0] > 6.9 and used("MUTAG", "diffpool")[1] < 1.2
    ),
    "Without the entropy loss, and with random assignments, the first level is mush.": (
        lambda: all(
            used(name, f"diffpool-{row}")[0] > 0.9 * used_most(name)
            for name in DATA
            for row in ("noentropy", "random")
            if (name, f"diffpool-{row}") in runs()
        )
    ),
}


def error_of_two(name, row):
    """Standard error, in points, of the difference of two accuracies like a printed
    one."""
    share = tables.reported(row, name) / 100
    return 100 * (2 * share * (1 - share) / EXPECTED[name]["graphs"]) ** 0.5


def over_rivals(name):
    """The printed lead of DIFFPOOL over the best network without it, in errors."""
    rows = [row for row in NETWORKS if "diffpool" not in row]
    best = max(tables.reported(row, name) or 0 for row in rows)
    return (tables.reported("diffpool", name) - best) / error_of_two(name, "diffpool")


def best_of_equals(p, n, methods):
    """By how much the luckiest of so many is expected to beat p: ∑ P(best > count)."""
    below = stats.binom.cdf(np.arange(n), n, p) ** methods
    return (1 - below).sum() / n - p


TABLE_2 = ("s2v", "s2v-1diffpool", "s2v-2diffpool")


def rising():
    """Where the measured rows of Table 2 rise with each level."""
    return [
        (name, kind)
        for name in DATA
        for kind in ("fair_mean", "paper_protocol")
        if (name, "s2v") in cells()
        and (of := [cells()[name, row][kind] for row in TABLE_2]) == sorted(of)
    ]


def seconds_ratios():
    for name, flat in (("PROTEINS", "gcn-mean"), ("MUTAG", "gcn-mean"),
                       ("DD", "graphsage")):  # fmt: skip
        ours, theirs = (min(run.seconds for run in runs()[name, row])
                        for row in ("diffpool", flat))  # fmt: skip
        yield ours / theirs


def parameters_ratios():
    for name in DATA:
        if (name, "s2v") in cells():
            one, none = (cells()[name, row]["parameters"] for row in TABLE_2[1::-1])
            yield one / none


def at_proteins():
    """Table 1's column PROTEINS, its networks."""
    return [tables.TABLE_1[row][tables.DATASETS.index("PROTEINS")] for row in NETWORKS]


def lost(name):
    """What the networks' means lose when nobody looks at the test folds."""
    return np.mean([paper(*key) - fair(*key) for key in cells()
                    if key[0] == name and key[1] not in tables.KERNELS])  # fmt: skip


def decided(name):
    """DIFFPOOL's entropy as a share of the most there can be: 0 is a sharp S."""
    of = runs()[name, "diffpool"][0].settings
    ks = dpcore.models.num_clusters(of["max_nodes"], of.get("ratio", 0.25), 2)
    return cells()[name, "diffpool"]["entropy_loss"] / np.log(ks).sum()


def longer(row):
    """A row of D&D, trained until validation stood still for twenty epochs."""
    cell = tables.of_folds([*all_of(RESULTS / "longer")["DD", row, 0].values()])
    assert cell["folds"] == 10
    assert (cell["settings"]["epochs"], cell["settings"]["patience"]) == (100, 20)
    return cell


WALKED = "MUTAG", "PROTEINS", "ENZYMES", "DD"


def reader_and_none(name):
    """The folds of one level with the reader of closed walks, and without it."""
    folder = RESULTS / "one-level"
    assert {
        run.settings["levels"] for run in all_of(folder)[name, "diffpool", 0].values()
    } == {1}
    return kept(RESULTS, name, "diffpool-walks", 0), kept(folder, name, "diffpool", 0)


def undropped(row):
    """The ten folds of a row of PROTEINS trained without dropout."""
    found = all_of(RESULTS / "no-dropout")["PROTEINS", row, 0]
    assert {run.settings["dropout"] for run in found.values()} == {0.0}
    assert {run.settings["dropout"] for run in runs()["PROTEINS", row]} == {0.6}
    return [found[fold] for fold in range(10)]


def without_dropout():
    """What edges are worth there to a stack that reads a maximum."""
    one, other = (np.array([100 * run.accuracy for run in undropped(row)])
                  for row in WITH_EDGES[1:])  # fmt: skip
    return corrected(one - other)


def used_most(name):
    """Clusters that level 1 has."""
    of = runs()[name, "diffpool"][0].settings
    return dpcore.models.num_clusters(of["max_nodes"], of.get("ratio", 0.25), 1)[0]


@pytest.mark.parametrize("sentence", CHAPTER_08)
def test_chapter_08_says(sentence):
    assert sentence in text("08_paper_tables"), "the chapter no longer says so"
    assert CHAPTER_08[sentence]()


def test_chapter_08_is_sure_of_nothing():
    """'Sure' was the word for p < 0.05 before anybody had counted the questions."""
    assert not re.search(r"is sure|are sure|surely", text("08_paper_tables"))


def test_networks_of_enzymes_read_standardised_numbers_and_train_with_patience():
    seen = set()
    for (name, row), own in runs().items():
        if name == "ENZYMES" and row not in tables.KERNELS:
            seen.add(row)
            for record in own:
                kept = [record.settings[key] for key in ("standardize", "patience")]
                assert kept == [18, 50], (row, record.fold)
    assert seen >= {"mlp", "diffpool", "graphsage-max", *NETWORKS}


def test_chapter_02_says_of_enzymes():
    said = text("02_graphs_and_gnns")
    for sentence in ("`mlp` has the highest mean", "is as good as `graphsage` and `di"):
        assert sentence in said
    rows = ("mlp", "graphsage-blind", "gcn-mean", "graphsage", "diffpool")
    mlp, blind, _, sage, pooled = (fair("ENZYMES", row) for row in rows)
    assert mlp == max(fair("ENZYMES", row) for row in rows)
    assert blind > sage and blind > pooled - 1


# --- two levels -----------------------------------------------------------------------


@cache
def pushes() -> dict:
    """Mean size of three losses' gradients on level 1's logits, by protein, and the
    cosine of level 2's link loss with level 1's entropy: the model of chapter 07."""
    path = RESULTS / "models" / "PROTEINS-both.safetensors"
    first, second = dpcore.load_model(path).double().levels
    sizes, cosines = [], []
    for graph in proteins():
        logits = first.assign(graph, graph.x)
        s = logits.softmax(1)
        a, n = graph.to_dense(), graph.num_nodes
        link = (a - s @ s.T).norm() / n
        entropy = torch.special.entr(s).sum(1).mean()
        x = (s.T @ first.embed(graph, graph.x)).unsqueeze(0)
        up = DenseGraphs(x, (s.T @ a @ s).unsqueeze(0))
        above = diff_pool(second.embed(up, x), up, second.assign(up, x)).link_loss
        grads = [torch.autograd.grad(loss, logits, retain_graph=True)[0].flatten()
                 for loss in (link, entropy, above)]  # fmt: skip
        sizes.append(torch.stack([g.norm() for g in grads]))
        cosines.append(F.cosine_similarity(grads[1], grads[2], dim=0))
    link, entropy, above = torch.stack(sizes).mean(0).tolist()
    return dict(link=link, entropy=entropy, above=above,
                cosine=float(torch.stack(cosines).mean()))  # fmt: skip


def proteins():
    import networkx as nx

    path = RESULTS / "examples" / "PROTEINS.json"
    for record in json.loads(path.read_text(encoding="utf-8"))["graphs"]:
        net = nx.from_sparse6_bytes(record["sparse6"].encode())
        x = F.one_hot(torch.tensor([int(c) for c in record["labels"]]), 3).double()
        pairs = torch.tensor(sorted(map(sorted, net.edges))).T
        yield SparseGraphs.from_edge_index(x, torch.cat([pairs, pairs.flip(0)], 1))


def test_level_two_pushes_level_one_harder_than_its_own_losses():
    found = pushes()
    assert found == pytest.approx(
        dict(link=0.005, entropy=0.050, above=0.088, cosine=-0.50), abs=0.003
    )
    said = "almost twice as hard as the"
    assert (
        said in text("07_hierarchies") and 1.6 < found["above"] / found["entropy"] < 2
    )
    times = round(found["above"] / found["link"])
    assert times in (16, 17) and "seventeen times" in text("05_auxiliary_losses")


def test_flat_is_what_level_two_asks_for():
    """With one cluster above, ‖A' − 11ᵀ‖² is ‖A'‖² and what S cannot change."""
    torch.manual_seed(0)
    a = (torch.rand(20, 20) < 0.3).double().triu(1)
    a, k = a + a.T, 4

    def above(s):
        coarse = s.T @ a @ s
        return (coarse - 1).square().sum(), coarse.square().sum()

    for _ in range(5):
        square, own = above(torch.randn(20, k).double().softmax(1))
        torch.testing.assert_close(square, own - 2 * a.sum() + k**2)
        assert own >= above(torch.full((20, k), 1 / k).double())[1] - 1e-9
    s = torch.randn(20, k).double().softmax(1).requires_grad_()
    rest = s.T @ a @ s - 1
    (grad,) = torch.autograd.grad(rest.norm() / k, s)
    torch.testing.assert_close(grad, 2 / (k * rest.norm()) * a @ s @ rest)


@cache
def repairs() -> dict:
    """(data set, repair) → runs, of data sets where every repair has been tried."""
    found = {}
    lines = (RESULTS / "repairs.jsonl").read_text(encoding="utf-8").splitlines()
    for run in map(json.loads, lines):
        found.setdefault((run["dataset"], run["repair"]), []).append(run)
    every = {repair for _, repair in found}
    return {key: own for key, own in found.items()
            if all((key[0], repair) in found for repair in every)}  # fmt: skip


def agree(data, repair):
    return np.mean([run["agree"] for run in repairs()[data, repair]])


def right(data, repair):
    return [run["accuracy"] for run in repairs()[data, repair]]


def partner(of):
    """loops without the diagonal, with clusters that are not learned."""
    lines = (RESULTS / "repairs_partners.jsonl").read_text(encoding="utf-8")
    return [
        run["accuracy"]
        for run in map(json.loads, lines.splitlines())
        if (run["dataset"], run["repair"]) == ("loops", f"no-diagonal, {of}")
    ]


def of_chapter_10(question):
    """Accuracies of all its networks' runs."""
    text = (RESULTS / "when_it_helps.json").read_text(encoding="utf-8")
    cells = [c for c in json.loads(text)["cells"] if c["question"] == question]
    cells = [c for c in cells if c["method"] != "bag of edges"]
    assert len(cells) >= 15
    return [cell["accuracy"] for cell in cells]


def of_mutag(repair, what):
    """Of level 1, in the mean of the ten folds."""
    runs = repairs()["MUTAG", repair]
    assert sorted(run["fold"] for run in runs) == list(range(10))
    return np.mean([run[what][0] for run in runs])


def repaired(name, folds, rows=()):
    """Points by which each repair is ahead of none, as `corrected` tells them."""
    by_fold = {}
    for (data, repair), own in repairs().items():
        if data == name:
            assert sorted(run["fold"] for run in own) == list(range(folds))
            own = sorted(own, key=lambda run: run["fold"])
            by_fold[repair] = np.array([run["accuracy"] for run in own])
    return [
        corrected(100 * (by_fold[repair] - by_fold["none"]))
        for repair in rows or REPAIRED
    ]


def of_proteins(repair, what):
    """Of level 1, in the mean of the folds."""
    return np.mean([run[what][0] for run in repairs()["PROTEINS", repair]])


def at_a_lower_rate():
    """Two levels on coarse, as chapter 10 has them at 0.001, and twice the graphs."""
    path = RESULTS / "when_it_helps_0.001.json"
    record = json.loads(path.read_text("utf-8"))
    assert record["settings"]["train"] == 2 * measure_repairs.COUNTS["train"]
    return [
        cell["accuracy"]
        for cell in record["cells"]
        if (cell["method"], cell["question"]) == ("2 levels", "coarse")
    ]


def mean_entry(name):
    """The mean entry of A' on level 1 of the table's DIFFPOOL."""
    facts = EXPECTED[name]
    return facts["edges"] / facts["graphs"] / used_most(name) ** 2


def hours_of_repairs():
    """Of ten folds of everything, from the seconds of the runs that there are."""
    seconds = [np.mean([run["cpu_seconds"] for run in own])
               for own in repairs().values()]  # fmt: skip
    return 10 * sum(seconds) / 3600


@cache
def wirings_of_loops(fold):
    """How many wirings training has seen in a run of *loops*, and how many test graphs
    have another one. A graph's generator draws them after six permutations."""
    known, _, asked = (
        [wiring_of_loops(3 * fold + part + 10_000, i) for i in range(count)]
        for part, count in enumerate(measure_repairs.COUNTS.values())
    )
    return len({*known}), sum(wiring not in known for wiring in asked)


def wiring_of_loops(seed, i):
    rng = np.random.default_rng([seed, i])
    for _ in range(6):
        rng.permutation(12)
    links = synthetic._links(("ring", "rings")[i // 2 % 2], 12, rng)
    return frozenset(frozenset(map(int, pair)) for pair in links)


def test_wirings_are_those_of_the_graphs():
    for i, graph in enumerate(synthetic.ask("loops", 8, seed=10_000)):
        pairs = graph.community[graph.edge_index].T.tolist()
        found = frozenset(frozenset(pair) for pair in pairs if pair[0] != pair[1])
        assert found == wiring_of_loops(10_000, i)


def never_seen(row):
    """Percent of chapter 12's wirings never seen that a row has right, of 20 seeds."""
    lines = (RESULTS / "when_it_wins.jsonl").read_text(encoding="utf-8").splitlines()
    own = [run["test"] for run in map(json.loads, lines)
           if (run.get("family"), run.get("row")) == ("shown", row)]  # fmt: skip
    assert len(own) == 20
    return round(100 * np.mean(own))


SHOWN = "", " of 24", " of true"
"""Six learned clusters, 24 of them, six true ones."""
COMMUNITIES = [data for data, repair in repairs()
               if data in ("coarse", "loops") and repair == "none"]  # fmt: skip
REPAIRED = ("detached", "normalised", "no-diagonal", "mincut", "dmon")
OTHERS = ("one level", "late entropy")


def of_eight_folds():
    return [lead for name in ("ENZYMES", "PROTEINS") for lead in repaired(name, 8)]


CHAPTER_05 = {
    "level 1 does not find the communities": lambda: all(
        agree(data, "none") < 0.5 for data in COMMUNITIES
    ),
    "Leave level 2 out, and it comes much nearer.": lambda: all(
        agree(data, "one level") > agree(data, "none") + 0.4 for data in COMMUNITIES
    ),
    "brings level 1 nearer than waiting with the entropy does": lambda: all(
        agree(data, repair) > agree(data, "late entropy") > agree(data, "none")
        for data in COMMUNITIES
        for repair in REPAIRED
    ),
    "with $A'$ detached or normalised mush becomes collapse, in the mean of ten folds; "
    "without its diagonal four clusters are in use, and a node is in three.": lambda: (
        of_mutag("none", "a_node") > 6.5
        and of_mutag("detached", "used") < 1.1
        and of_mutag("normalised", "used") < 1.1
        and round(of_mutag("no-diagonal", "used")) == 4
        and round(of_mutag("no-diagonal", "a_node")) == 3
    ),
    "no repair is more than 2.6 points from the plain model, and none of these "
    "differences means anything (the smallest p is 0.3)": lambda: (
        round(max(abs(lead) for lead, *_ in repaired("MUTAG", 10)), 1) == 2.6
        and round(min(p for *_, p in repaired("MUTAG", 10)), 1) == 0.3
    ),
    "Nor on ENZYMES and PROTEINS, in eight folds each: at most 2.5 points, and again "
    "no p below 0.3.": lambda: (
        round(max(abs(lead) for lead, *_ in of_eight_folds()), 1) == 2.5
        and round(min(p for *_, p in of_eight_folds()), 1) == 0.3
    ),
    "(On PROTEINS both controls are two points ahead, with p of 0.04 and 0.05; of "
    "twenty-one such questions chance alone gives one.)": lambda: (
        [(round(lead), round(p, 2)) for lead, _, p in repaired("PROTEINS", 8, OTHERS)]
        == [(2, 0.04), (2, 0.05)]
        and 3 * len(REPAIRED + OTHERS) == 21
    ),
    "each change to $A'$ leaves one cluster, and MinCut and DMoN put every node "
    "everywhere": lambda: (
        2 < of_proteins("none", "used") < 8
        and all(of_proteins(name, "used") < 1.1 for name in REPAIRED[:3])
        and all(of_proteins(name, "a_node") > 37.9 for name in REPAIRED[3:])
    ),
    "Nearer is not more often right. On coarse waiting with the entropy has 94, $A'$ "
    "detached 70;": lambda: (
        [
            round(100 * np.mean(right("coarse", name)))
            for name in ("late entropy", "detached")
        ]
        == [94, 70]
    ),
    "it is 0.81 for MUTAG, whose level 1 is mush, and 0.86 for ENZYMES, whose rows are "
    "sharp": lambda: (
        [round(mean_entry(name), 2) for name in ("MUTAG", "ENZYMES")] == [0.81, 0.86]
        and cells()["MUTAG", "diffpool"]["entropy_loss"] > 0.98 * np.log(7)
        and cells()["ENZYMES", "diffpool"]["entropy_loss"] < 0.2 * np.log(12)
    ),
    "with 38 clusters the entries of $A'$ are small, 0.1 on average": lambda: (
        round(mean_entry("PROTEINS"), 1) == 0.1
    ),
    "Ten folds of five data sets take an hour and a quarter": lambda: (
        1.15 < hours_of_repairs() < 1.35
    ),
    "training has seen 54 to 62 of the 70 wirings of loops. (105 of the thousand test "
    "graphs have another, and are right, too.)": lambda: (
        [
            most(seen for seen, _ in map(wirings_of_loops, range(10)))
            for most in (min, max)
        ]
        == [54, 62]
        and sum(new for _, new in map(wirings_of_loops, range(10))) == 105
        and right("loops", "no-diagonal") == [1.0] * 10
    ),
    "the usual reader without the diagonal guesses or does worse: six learned clusters "
    "have 44, 24 have 47, and true ones 36 (48 after a search of their "
    "own).": lambda: (
        [never_seen(f"no diagonal{of}") for of in (*SHOWN, " of true, tuned")]
        == [44, 47, 36, 48]
    ),
    "chapter 12's usual reader guesses or does worse, with the diagonal and "
    "without": lambda: (
        max(
            never_seen(f"{row}{of}") for row in ("usual", "no diagonal") for of in SHOWN
        )
        < 50
    ),
    "with heavy-edge clusters, which nobody trains, and no diagonal 98 to 100 of 100 "
    "are right in ten runs of ten. (Random ones guess.)": lambda: (
        [f(partner("heavy-edge")) for f in (min, max, len)] == [0.98, 1.0, 10]
        and abs(np.mean(partner("random")) - 0.5) < 0.02
        and len(partner("random")) == 10
    ),
    "trained models leave the mush somewhere between 0.02 and 0.1, and the balance "
    "that you computed from the proteins alone, for one level, is at the lower "
    "end": lambda: (
        0.02 < balance("PROTEINS", 38) < 0.025
        and entropies("PROTEINS", 0.1)
        < 0.6 * np.log([38, 10]).sum()
        < 0.98 * np.log([38, 10]).sum()
        < entropies("PROTEINS", 0.02)
    ),
    "MinCut finds the communities of loops nearly as well, and guesses the class": (
        lambda: (
            0.97 < agree("loops", "mincut") < agree("loops", "no-diagonal")
            and max(right("loops", "mincut")) < 0.55
        )
    ),
    "is right on every test graph, in ten runs of ten; on coarse, too": lambda: all(
        right(data, "no-diagonal") == [1.0] * 10 for data in COMMUNITIES
    ),
    "where the plain two levels have 50 to 93": lambda: (
        [f(right("coarse", "none")) for f in (min, max, len)] == [0.5, 0.93, 10]
    ),
    "All these runs train at 0.005, where classifiers die; at 0.001, and on twice as "
    "many graphs, two levels without any repair end low in none of "
    "[chapter 10](10_when_it_helps.ipynb)'s ten runs.": lambda: (
        measure_repairs.SETTINGS["coarse"]["lr"] == 0.005
        and len(at_a_lower_rate()) == 10
        and min(at_a_lower_rate()) > 0.7
    ),
    "alone, level 1 ends in one": lambda: (
        of_proteins("one level", "used") < 1.1 and of_proteins("none", "used") > 2
    ),
    "at 0.02 it is mush still; five times that weight halves the entropy and leaves 26 "
    "clusters in use": lambda: (
        weighed(0.02)["entropy_loss"] > 0.98 * np.log([38, 10]).sum()
        and abs(weighed(0.1)["entropy_loss"] / weighed(0.02)["entropy_loss"] - 0.5)
        < 0.02
        and round(weighed(0.1)["effective_clusters"][0]) == 26
    ),
    "loops is the question that no network of": lambda: (
        max(right("loops", "none") + of_chapter_10("loops")) < 0.6
    ),
}


@pytest.mark.parametrize("sentence", CHAPTER_05)
def test_chapter_05_says(sentence):
    assert COMMUNITIES and sentence in text("05_auxiliary_losses")
    assert CHAPTER_05[sentence]()


# --- the page of other settings ----------------------------------------------------


@cache
def all_of(folder):
    """(data set, row, seed of the weights) → its folds."""
    found = {}
    for record in tables.records(folder):
        key = record.dataset, record.method, record.weights_seed
        found.setdefault(key, {})[record.fold] = record
    return found


def kept(folder, *key):
    """The ten test accuracies of a cell, in percent, fold by fold."""
    found = all_of(folder)[key]
    return np.array([100 * found[fold].accuracy for fold in range(10)])


WEIGHED = {
    0: (RESULTS, "diffpool-noentropy"),
    0.02: (RESULTS / "weights" / "entropy-0.02", "diffpool"),
    0.1: (RESULTS / "weights" / "entropy-0.1", "diffpool"),
    1: (RESULTS, "diffpool"),
    "norm": (RESULTS / "weights" / "frobenius", "diffpool"),
    "norm, 0": (RESULTS / "weights" / "frobenius-0", "diffpool"),
    "norm, 0.02": (RESULTS / "weights" / "frobenius-0.02", "diffpool"),
    "norm, 0.1": (RESULTS / "weights" / "frobenius-0.1", "diffpool"),
}
"""DIFFPOOL: entropy weight, and whether the link loss is a norm → folder and row."""


@cache
def weighed(weight, name="PROTEINS"):
    """The cell of DIFFPOOL with these weights of the losses."""
    folder, row = WEIGHED[weight]
    cell = tables.of_folds([*all_of(folder)[name, row, 0].values()])
    asked = cell["settings"]
    if str(weight).startswith("norm"):
        own = float(weight[6:]) if weight != "norm" else None
        assert (asked.get("entropy_weight"), asked["reduction"]) == (own, "frobenius")
    elif folder != RESULTS:
        assert (asked["entropy_weight"], asked.get("reduction")) == (weight, None)
    assert cell["folds"] == 10
    return cell


def entropies(name, weight):
    return weighed(weight, name)["entropy_loss"]


def balance(name, k, every=10):
    """The entropy weight of chapter 05's sum, in NumPy: the median graph's."""
    found = []
    for graph in dpcore.load_dataset(name)[::every]:
        matrix = np.full((graph.num_nodes,) * 2, -1 / k)
        matrix[tuple(graph.edge_index.numpy())] += 1
        most = np.linalg.eigvalsh(matrix)[-1]
        found.append(2 * most / (k * np.linalg.norm(matrix)))
    return np.sort(found)[(len(found) - 1) // 2]  # torch takes the lower of two


def folds_of(weight, name):
    folder, row = WEIGHED[weight]
    return kept(folder, name, row, 0)


NORMS = [weight for weight in WEIGHED if str(weight).startswith("norm")]


def tables_stack(name):
    return runs()[name, "diffpool"][0].settings["conv"]


def of_stacks(name):
    """DIFFPOOL with the stack that the tables do not have, and theirs: fair means, how
    far theirs is ahead on validation, and on the test folds."""
    others, own = (all_of(folder)[name, "diffpool", 0].values()
                   for folder in (RESULTS / "stacks", RESULTS))  # fmt: skip
    assert {run.settings["conv"] for run in others} == {"gcn", "sage"} - {
        tables_stack(name)
    }
    best = [np.mean([100 * max(run.validation_curve) for run in some])
            for some in (others, own)]  # fmt: skip
    tested = [kept(folder, name, "diffpool", 0)
              for folder in (RESULTS / "stacks", RESULTS)]  # fmt: skip
    gap = corrected(tested[1] - tested[0])
    return [each.mean() for each in tested], best[1] - best[0], gap


def of_going_on(name, row):
    """What a row gains, fold by fold, over the tables' epochs when it trains until
    validation has stood still for fifty: the same networks, which begin alike."""
    short, long = (all_of(folder)[name, row, 0] for folder in
                   (RESULTS, RESULTS / "longer"))  # fmt: skip
    for fold, run in long.items():
        own, again = short[fold].validation_curve, run.validation_curve
        shared = min(len(own), len(again))
        assert run.chosen == short[fold].chosen and own[:shared] == again[:shared]
        assert (run.settings["patience"], run.settings["epochs"]) == (50, 400)
    return kept(RESULTS / "longer", name, row, 0) - kept(RESULTS, name, row, 0)


def leads_of_weights(name):
    at = {weight: folds_of(weight, name) for weight in WEIGHED}
    random = kept(RESULTS, name, "diffpool-random", 0)
    return [corrected(at[w] - theirs) for theirs in (at[1], random)
            for w in at if at[w] is not theirs]  # fmt: skip


@cache
def by_seed(name):
    """Row → accuracies [seeds, folds]."""
    rows = "diffpool", "diffpool-random", "graphsage", "mlp"
    return {row: np.array([kept(RESULTS, name, row, seed) for seed in range(5)])
            for row in rows}  # fmt: skip


def spread(runs):
    """Standard deviations of a row's folds, and of the seeds of one fold."""
    seeds = runs.var(0, ddof=1).mean()
    return (runs.mean(0).var(ddof=1) - seeds / len(runs)) ** 0.5, seeds**0.5


def of_seeds(name, row, seeds=5):
    """DIFFPOOL's lead over a row in the mean of so many seeds."""
    gaps = (by_seed(name)["diffpool"] - by_seed(name)[row])[:seeds].mean(0)
    return corrected(gaps)


def orders(name):
    """The orders of the rows by their means, a seed each."""
    means = {row: runs.mean(1) for row, runs in by_seed(name).items()}
    return {tuple(sorted(means, key=lambda row: means[row][s])) for s in range(5)}


def leads_of_seeds():
    """From one seed and from five, over every other row, on both data sets."""
    return [of_seeds(name, row, seeds) for name in SEEDED for seeds in (1, 5)
            for row in by_seed(name) if row != "diffpool"]  # fmt: skip


SEEDED = "PROTEINS", "ENZYMES"


OTHER_SETTINGS = {
    "On PROTEINS at 0 and at 0.02 the assignment is mush: all 38 clusters 'in use', "
    "and an entropy of 5.9 where 5.94 is the most there can be.": lambda: (
        all(
            round(weighed(w)["entropy_loss"], 1) == 5.9
            and round(weighed(w)["effective_clusters"][0]) == 38
            for w in (0, 0.02)
        )
        and round(np.log([38, 10]).sum(), 2) == 5.94
    ),
    "At 0.1 half of that is gone, and 26 are in use; at 1 a handful is left, and "
    "sharp. As a norm, which nothing divides by the number of entries, the link loss "
    "brings the mush back, even where the entropy's weight is 1.": lambda: (
        0.48 < weighed(0.1)["entropy_loss"] / np.log([38, 10]).sum() < 0.52
        and round(weighed(0.1)["effective_clusters"][0]) == 26
        and weighed(1)["effective_clusters"][0] < 8
        and weighed(1)["entropy_loss"] < 0.5
        and all(weighed(w)["entropy_loss"] > 5.6 for w in NORMS)
    ),
    "They lie between 73.6 and 75.0.": lambda: (
        [round(f(weighed(w)["fair_mean"] for w in WEIGHED), 1) for f in (min, max)]
        == [73.6, 75.0]
    ),
    "computed for PROTEINS where the two losses balance: at an entropy weight of "
    "0.021.": lambda: (
        used_most("PROTEINS") == 38 and round(balance("PROTEINS", 38), 3) == 0.021
    ),
    "The same sum gives 0.067 for the twelve clusters of ENZYMES.": lambda: (
        weighed(1, "ENZYMES")["settings"]["max_nodes"] // 4 == 12
        and round(balance("ENZYMES", 12), 3) == 0.067
    ),
    "At 0.1, above the balance, all twelve clusters are still in use and the entropy "
    "has lost little.": lambda: (
        round(weighed(0.1, "ENZYMES")["effective_clusters"][0], 1) == 12.0
        and 0.94 < entropies("ENZYMES", 0.1) / entropies("ENZYMES", 0) < 0.96
    ),
    "At 1, ten are in use, and sharp; the norm undoes it here, too. Accuracies lie "
    "between 62.7 and 67.2, and random clusters have 68.0.": lambda: (
        round(weighed(1, "ENZYMES")["effective_clusters"][0]) == 10
        and entropies("ENZYMES", 1) < 0.13 * entropies("ENZYMES", 0)
        and all(entropies("ENZYMES", w) > 0.98 * entropies("ENZYMES", 0) for w in NORMS)
        and [
            round(f(folds_of(w, "ENZYMES").mean() for w in WEIGHED), 1)
            for f in (min, max)
        ]
        == [62.7, 67.2]
        and round(kept(RESULTS, "ENZYMES", "diffpool-random", 0).mean(), 1) == 68.0
    ),
    "None of the thirty leads": lambda: (
        len(leads := [lead for name in SEEDED for lead in leads_of_weights(name)]) == 30
        and all(abs(lead[0]) < half(lead) for lead in leads)
    ),
    "On ENZYMES validation, too, chooses the authors' stack, by nine points.": lambda: (
        8.5 < of_stacks("ENZYMES")[1] < 9.5 and tables_stack("ENZYMES") == "sage"
    ),
    "it would have chosen SAGE, by two and by three points, and the tables would read "
    "73.2 for 74.2 and 79.3 for 80.9: 1.0 ± 3.8 and 1.5 ± 8.1 less.": lambda: (
        [round(-of_stacks(name)[1]) for name in ("PROTEINS", "MUTAG")] == [2, 3]
        and [tables_stack(name) for name in ("PROTEINS", "MUTAG")] == ["gcn", "gcn"]
        and [
            [
                round(float(x), 1)
                for x in (*means, of_stacks(name)[2][0], half(of_stacks(name)[2]))
            ]
            for name in ("PROTEINS", "MUTAG")
            for means in of_stacks(name)[:1]
        ]
        == [[73.2, 74.2, 1.0, 3.8], [79.3, 80.9, 1.5, 8.1]]
    ),
    "With the SAGE stack goes a dropout of 0, as elsewhere in the tables; the deck's "
    "0.6 on PROTEINS goes with GCN.": lambda: (
        [
            run.settings["dropout"]
            for folder in (RESULTS / "stacks", RESULTS)
            for run in all_of(folder)["PROTEINS", "diffpool", 0].values()
        ]
        == [0.0] * 10 + [0.6] * 10
    ),
    "gains `diffpool` 0.4 ± 0.9 on PROTEINS and -0.5 ± 3.2 on MUTAG": lambda: (
        [
            f"{gain[0]:.1f} ± {half(gain):.1f}"
            for gain in (
                corrected(of_going_on(name, "diffpool"))
                for name in ("PROTEINS", "MUTAG")
            )
        ]
        == ["0.4 ± 0.9", "-0.5 ± 3.2"]
    ),
    "and `mlp` 0.6 ± 2.1 on PROTEINS: nothing that ten folds can see.": lambda: (
        round(corrected(of_going_on("PROTEINS", "mlp"))[0], 1) == 0.6
        and round(half(corrected(of_going_on("PROTEINS", "mlp"))), 1) == 2.1
        and all(
            corrected(of_going_on(*key))[2] > 0.05
            for key in (
                ("PROTEINS", "diffpool"),
                ("PROTEINS", "mlp"),
                ("MUTAG", "diffpool"),
            )
        )
    ),
    "On MUTAG `mlp` has as many right in every fold.": lambda: (
        not of_going_on("MUTAG", "mlp").any()
    ),
    "four orders in five seeds on PROTEINS, five on ENZYMES.": lambda: (
        [len(orders(name)) for name in SEEDED] == [4, 5]
    ),
    "On PROTEINS the tables' own seed, 0, happens to be the best of `diffpool`'s: its "
    "means go down to 72.7. Over all five it is 0.7 ± 2.1 behind clusters that are "
    "drawn and never learned, on ENZYMES 0.5 ± 3.8.": lambda: (
        by_seed("PROTEINS")["diffpool"].mean(1).argmax() == 0
        and round(by_seed("PROTEINS")["diffpool"].mean(1).min(), 1) == 72.7
        and [
            (round(found[0], 1), round(half(found), 1))
            for found in (of_seeds(name, "diffpool-random") for name in SEEDED)
        ]
        == [(-0.7, 2.1), (-0.5, 3.8)]
    ),
    "Its lead over `graphsage` shrinks from 3.5 to 2.2 on PROTEINS, and turns on "
    "ENZYMES, from 1.5 to -0.5. None of these differences means anything, from one "
    "seed or from five.": lambda: (
        [round(of_seeds(name, "graphsage", n)[0], 1) for name in SEEDED for n in (1, 5)]
        == [3.5, 2.2, 1.5, -0.5]
        and len(leads_of_seeds()) == 12
        and all(p > 0.05 for *_, p in leads_of_seeds())
    ),
    "On PROTEINS the folds move it more, for every row, two to three times as "
    "far": lambda: all(
        1.9 < folds / seeds < 3.1
        for folds, seeds in map(spread, by_seed("PROTEINS").values())
    ),
    "On ENZYMES a seed moves a fold by four or five points, about as far as the folds "
    "differ (three to six)": lambda: all(
        3 < folds < 6 and 3.9 < seeds < 5.4 and 0.6 < folds / seeds < 1.4
        for folds, seeds in map(spread, by_seed("ENZYMES").values())
    ),
    "the luck of the graphs that a fold tests, 111 here and 60 there": lambda: (
        [EXPECTED[name]["graphs"] // 10 for name in SEEDED] == [111, 60]
    ),
    "Going on past the tenth epoch gains `diffpool` 1.5 ± 2.8 points and `mlp`, which "
    "sees no edge, 1.4 ± 2.4; in half of the folds `diffpool`'s validation is best "
    "within the first ten. Read the paper's way it has 76.8, no more": lambda: (
        [
            (round(gain[0], 1), round(half(gain), 1))
            for gain in map(of_patience, ("diffpool", "mlp"))
        ]
        == [(1.5, 2.8), (1.4, 2.4)]
        and sum(fold.best_epoch <= 10 for fold in longer_folds("diffpool")) == 5
        and round(longer("diffpool")["paper_protocol"], 1)
        == 76.8
        < paper("DD", "diffpool")
    ),
    "are then twelve epochs long and not one, and most folds choose another network": (
        lambda: (
            100 // TRIAL_SHARE == 12
            and max(1, 10 // TRIAL_SHARE) == 1
            and all(same_network(row) < 5 for row in PATIENT)
        )
    ),
    "The lead does not hang on the ten epochs: 7.6 ± 2.7 there, 7.6 ± 4.4 here. The "
    "star does: $p = 0.003$ for that question alone is 0.2 when it has paid for "
    "sixty.": lambda: (
        round(60 * of_the_star(RESULTS / "longer")[2], 1) == 0.2
        and [
            [round(float(x), 1) for x in (lead[0], half(lead))]
            for lead in map(of_the_star, (RESULTS, RESULTS / "longer"))
        ]
        == [[7.6, 2.7], [7.6, 4.4]]
        and round(of_the_star(RESULTS / "longer")[2], 3) == 0.003
    ),
    "With $C$ of 10 or more and at least one round, every entry is above 78.": lambda: (
        one_wl()[1:, -3:].min() > 78
    ),
    "with $C$ fixed at 1 and a round or none (72.4, 74.6)": lambda: (
        PENALTIES[3] == 1 and one_wl()[:2, 3].round(1).tolist() == [72.4, 74.6]
    ),
    "the paper prints 74.02 for `1-WL`, and ours, read alike, has 79.8. On the same "
    "folds `wl-oa` and `shortest-path` agree with their print within a point "
    "(`graphlet` is ahead, too, by 3.4).": lambda: (
        tables.reported("1-wl", "DD") == 74.02
        and round(paper("DD", "1-wl"), 1) == 79.8
        and max(off("DD", row) for row in ("wl-oa", "shortest-path")) < 1
        and round(paper("DD", "graphlet") - tables.reported("graphlet", "DD"), 1) == 3.4
        and tables.reported("diffpool", "DD") - tables.reported("1-wl", "DD") > 6.6
    ),
}


PATIENT = "diffpool", "mlp", "graphsage-max", "graphsage-blind-max"


def longer_folds(row):
    found = all_of(RESULTS / "longer")["DD", row, 0]
    return [found[fold] for fold in range(10)]


def of_patience(row):
    """What a row of D&D gains over its own first ten epochs when it trains until
    validation stands still."""
    longer(row)  # is what it should be
    gains = []
    for run in longer_folds(row):
        first = run.validation_curve[:10]
        ten = run.test_curve[first.index(max(first))]
        gains.append(100 * (run.accuracy - ten))
    return corrected(np.array(gains))


def of_the_star(folder):
    rows = "graphsage-max", "graphsage-blind-max"
    one, other = (kept(folder, "DD", row, 0) for row in rows)
    return corrected(one - other)


def same_network(row):
    """Folds in which the long run chose what the tables chose."""
    short = all_of(RESULTS)["DD", row, 0]
    return sum(run.chosen == short[run.fold].chosen for run in longer_folds(row))


def one_wl():
    """1-WL on D&D, mean of the test folds: [rounds, penalties]."""
    curves = [run.test_curve for run in runs()["DD", "1-wl"]]
    return 100 * np.mean(curves, axis=0).reshape(ITERATIONS + 1, len(PENALTIES))


@pytest.mark.parametrize("sentence", OTHER_SETTINGS)
def test_other_settings_say(sentence):
    assert sentence in text("settings")
    assert OTHER_SETTINGS[sentence]()


@pytest.mark.parametrize(
    "command", re.findall("`(--datasets [^`]+)`", text("settings"))
)
def test_a_command_of_the_page_has_all_its_folds(command, capsys, monkeypatch):
    """What is there is of the command's settings, so nothing is left to measure."""
    monkeypatch.chdir(chapters.ROOT)
    monkeypatch.setattr(runner, "measure", None)  # calling it would fail
    assert main(["tables", "run", *command.split()]) == 0
    told = "".join(capsys.readouterr())
    assert re.search("(^|[^0-9])0 folds measured, [1-9][0-9]* were there", told)
