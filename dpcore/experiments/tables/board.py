"""The measured cells fold by fold: rows, CSV, and the tables of the book's pages.

The tables are plain HTML that reads without any script; `book/_static/tables.js` sorts
and filters them where it is loaded.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import Any

import numpy as np

from dpcore.experiments.tables.cells import _alike, _mean
from dpcore.experiments.tables.errica import ERRICA
from dpcore.experiments.tables.paper import DATASETS, TABLE_1, TABLE_2, reported
from dpcore.experiments.tables.plan import CONTROLS, PLANNED
from dpcore.experiments.tables.schema import FoldRecord
from dpcore.experiments.tables.store import records

PROTOCOLS = ("fair", "the paper's way")
"""The two readings of one set of runs, see :func:`leaderboard`."""

SCHEMA = {
    "dataset": "name of the data set",
    "method": "name of the row, as dpcore.build_model or dpcore.kernels takes it",
    "protocol": "fair: every fold at the epoch that its validation part chose; "
    "the paper's way: all folds at the epoch where their mean is highest",
    "mean": "mean test accuracy over the folds, percent",
    "sd": "standard deviation over the folds (n − 1), points",
    "printed": "what Ying et al. (2018) print, percent; empty where they print nothing",
    "epochs": "most epochs that a fold was trained; for kernels: settings tried",
    "parameters": "mean number of parameters; folds choose their widths; "
    "empty for kernels",
    **{f"fold_{i}": f"test accuracy of fold {i}, percent" for i in range(10)},
}
"""The columns of the leaderboard's CSV and what they hold."""


def leaderboard(results: str | Path = "book/results") -> list[dict]:
    """Both readings of every cell of which all ten folds of both seeds 0 are measured.

    Returns:
        A dictionary a data set, row and protocol, with the keys of SCHEMA, numbers
        unrounded, in the order of the tables.
    """
    cells: dict[tuple[str, str], list[FoldRecord]] = {}
    for record in records(results, weights_seed=0):
        if (record.seed, record.folds) == (0, 10):
            cells.setdefault((record.dataset, record.method), []).append(record)
    rows = []
    for (dataset, method), found in cells.items():
        folds = sorted(_alike(found), key=lambda record: record.fold)
        if len(folds) == 10:
            rows += _both(dataset, method, folds)
    return sorted(rows, key=lambda row: _place(row["dataset"], row["method"]))


def _both(dataset: str, method: str, folds: list[FoldRecord]) -> list[dict]:
    longest = max(len(fold.test_curve) for fold in folds)
    held = [
        f.test_curve + f.test_curve[-1:] * (longest - len(f.test_curve)) for f in folds
    ]
    curves = np.array(held)  # a fold that stopped early keeps its last value
    highest = curves.mean(0).argmax()
    read = ([fold.accuracy for fold in folds], curves[:, highest])
    same = dict(
        printed=reported(method, dataset),
        epochs=longest,
        parameters=_mean(folds, "parameters", 0),
    )
    rows = []
    for protocol, accuracies in zip(PROTOCOLS, read, strict=True):
        percent = 100 * np.array(accuracies)
        row: dict[str, Any] = dict(dataset=dataset, method=method, protocol=protocol)
        row |= dict(mean=float(percent.mean()), sd=float(percent.std(ddof=1)), **same)
        row |= {f"fold_{i}": value for i, value in enumerate(percent.tolist())}
        rows.append(row)
    return rows


def _place(dataset: str, method: str) -> tuple:
    datasets = [*dict.fromkeys([*PLANNED, *DATASETS])]
    known = [*TABLE_1, *TABLE_2, *CONTROLS]
    return _index(datasets, dataset), _index(known, method)


def _index(known: Sequence[str], name: str) -> tuple[int, str]:
    return (known.index(name), "") if name in known else (len(known), name)


def leaderboard_csv(rows: Iterable[dict]) -> str:
    """The leaderboard as CSV: a line a row, the columns of SCHEMA, two decimals."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(SCHEMA)
    for row in rows:
        values = (row[name] for name in SCHEMA)
        writer.writerow(f"{v:.2f}" if isinstance(v, float) else v for v in values)
    return text.getvalue()


def leaderboard_html(rows: Sequence[dict]) -> str:
    """The leaderboard as a table: a row a cell and protocol, every fold visible."""
    best: dict[tuple[str, str], float] = {}
    for row in rows:
        key = row["dataset"], row["protocol"]
        best[key] = max(best.get(key, 0.0), round(row["mean"], 1))
    body = []
    for row in rows:
        first = round(row["mean"], 1) == best[row["dataset"], row["protocol"]]
        facts = {name: row[name] for name in ("dataset", "method", "protocol")}
        cells = [f"<td>{escape(text)}</td>" for text in facts.values()]
        cells.append(f"<td{BEST * first}>{row['mean']:.1f}</td>")
        printed = row["printed"]
        figures = [f"{row['sd']:.1f}", f"{printed:.2f}" if printed else "–"]
        size = row["parameters"]
        figures.append("–" if size is None else f"{size:,}")
        figures += [f"{row[f'fold_{i}']:.1f}" for i in range(10)]
        cells += [f"<td>{figure}</td>" for figure in figures]
        del facts["method"]
        body.append((facts, cells))
    names = ["data set", "method", "protocol", "mean", "sd", "printed", "parameters"]
    head = [*names, *(f"f{i}" for i in range(10))]
    return _table(head, body, 3, dict(dataset="PROTEINS", protocol=PROTOCOLS[0]))


BEST = ' class="best"'
FIGURE_SPACE = "\u2007"  # as wide as a digit: decimals stay under each other


class Comparison:
    """Ours and theirs, a row a method and a column a data set; shows itself in a
    notebook. Only the fair reading is visible where no script adds the filters.

    Args:
        results: the folder of the records.
    """

    def __init__(self, results: str | Path = "book/results"):
        board = leaderboard(results)
        self.datasets = list(
            dict.fromkeys([*(row["dataset"] for row in board), *DATASETS])
        )
        methods = list(dict.fromkeys(row["method"] for row in board))
        methods.sort(key=lambda method: _place("", method)[1])
        cells: dict[tuple[str, str, str], tuple] = {}
        for row in board:
            folds = " ".join(f"{row[f'fold_{i}']:.1f}" for i in range(10))
            key = row["protocol"], row["method"], row["dataset"]
            cells[key] = row["mean"], row["sd"], f"folds: {folds}"
        for method in methods:
            for dataset in self.datasets:
                if printed := reported(method, dataset):
                    cells["the paper prints", method, dataset] = printed, None, ""
        for (dataset, method), (mean, sd) in ERRICA.items():
            cells["Errica et al.", method, dataset] = mean, sd, ""
        self.rows = [  # (protocol, method, a cell or None for every data set)
            (
                protocol,
                method,
                [cells.get((protocol, method, d)) for d in self.datasets],
            )
            for protocol in dict.fromkeys(key[0] for key in cells)
            for method in methods
        ]
        self.rows = [row for row in self.rows if any(row[2])]

    def __repr__(self) -> str:
        lines = [["fair", *self.datasets]]
        for protocol, method, cells in self.rows:
            if protocol == PROTOCOLS[0]:
                lines.append([method, *map(_plain, cells)])
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        rows = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in lines)
        return "\n".join(rows)

    def _repr_html_(self) -> str:
        best: dict[tuple[str, int], float] = {}
        for protocol, _, cells in self.rows:
            for i, cell in enumerate(cells):
                key = protocol, i
                best[key] = max(best.get(key, 0.0), round(cell[0], 2) if cell else 0.0)
        body = []
        for protocol, method, cells in self.rows:
            cells_of_row = [f"<td>{escape(method)}</td>"]
            for i, cell in enumerate(cells):
                first = cell is not None and round(cell[0], 2) == best[protocol, i]
                title = f' title="{cell[2]}"' if cell and cell[2] else ""
                text = _plain(cell).replace("±  ", "± " + FIGURE_SPACE)
                cells_of_row.append(f"<td{BEST * first}{title}>{text}</td>")
            body.append((dict(protocol=protocol), cells_of_row))
        head = ["method", *self.datasets]
        return _table(head, body, 1, dict(protocol=PROTOCOLS[0]), columns=True)


def _plain(cell: tuple | None) -> str:
    if cell is None:
        return "–"
    mean, sd, _ = cell
    return f"{mean:.2f}" if sd is None else f"{mean:.1f} ± {sd:4.1f}"


def _table(
    head: Sequence[str],
    body: Sequence[tuple[dict[str, str], Sequence[str]]],
    words: int,
    shown: dict[str, str],
    columns: bool = False,
) -> str:
    """A table for tables.js. Rows carry what they are filtered by; those that `shown`
    leaves out are hidden. `columns`: the columns after the first are data sets."""
    names = "".join(f'<th scope="col">{escape(name)}</th>' for name in head)
    lines = []
    for facts, cells in body:
        data = "".join(f' data-{key}="{escape(v)}"' for key, v in facts.items())
        hidden = any(facts[key] != value for key, value in shown.items())
        lines.append(f"<tr{data}{' hidden' * hidden}>{''.join(cells)}</tr>")
    own = "".join(f' data-show-{key}="{escape(v)}"' for key, v in shown.items())
    own += ' data-columns="dataset"' * columns
    return (
        f'<div class="dp-board" tabindex="0" data-words="{words}"{own}>'
        f'<table class="dataframe"><thead><tr>{names}</tr></thead>'
        f"<tbody>{''.join(lines)}</tbody></table></div>"
    )
