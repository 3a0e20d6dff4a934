"""What has been measured: one dictionary a cell, and the paper's tables as text."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from dpcore.experiments.tables.paper import DATASETS, TABLE_1, TABLE_2, reported
from dpcore.experiments.tables.plan import CONTROLS, MEASURED
from dpcore.experiments.tables.store import failures, records
from dpcore.training import Record, summary


def show(results: str | Path = "book/results") -> list[dict]:
    """One dictionary a cell that was tried, accuracies in percent.

    Keys: `method`, `dataset`, `seed`, `of` (folds of the split), `folds` (finished),
    `fair_mean`, `fair_sd`, `paper_protocol`, `reported` (the paper's figure or None),
    `epochs`, `parameters` (mean over the folds, which choose their widths), `seconds`
    (a fold, without the trials of the grid), `link_loss`, `entropy_loss`,
    `effective_clusters`, and `failed`: a list of `fold` and `reason`. Without any
    finished fold what is measured is None.

    Folds of one cell that were measured with other settings than most are left out:
    so it is while a cell is being measured anew.
    """
    cells: dict[tuple, tuple[list[Record], list[Record]]] = {}
    for kind, found in enumerate((records(results), failures(results))):
        for record in found:
            key = (record.dataset, record.method, record.seed, record.folds)
            cells.setdefault(key, ([], []))[kind].append(record)
    return [_cell(*cells[key]) for key in sorted(cells)]


def _cell(folds: list[Record], failed: list[Record]) -> dict:
    first, folds = (folds or failed)[0], _alike(folds)
    cell = dict(
        method=first.method,
        dataset=first.dataset,
        seed=first.seed,
        of=first.folds,
        folds=len(folds),
        reported=reported(first.method, first.dataset),
        failed=[dict(fold=record.fold, reason=record.reason) for record in failed],
    )
    if not folds:
        return cell | dict.fromkeys(FIGURES)
    both, parameters = summary(folds), _mean([fold.parameters for fold in folds])
    levels = zip(*(fold.effective_clusters for fold in folds), strict=True)
    return cell | dict(
        fair_mean=round(100 * both.fair_mean, 2),
        fair_sd=round(100 * both.fair_sd, 2),
        paper_protocol=round(100 * both.paper_protocol, 2),
        epochs=len(folds[0].test_curve),
        parameters=round(parameters),
        seconds=round(_mean([fold.seconds for fold in folds]), 1),
        link_loss=round(_mean([fold.link_loss for fold in folds]), 4),
        entropy_loss=round(_mean([fold.entropy_loss for fold in folds]), 4),
        effective_clusters=[round(_mean(level), 2) for level in levels],
    )


FIGURES = (
    "fair_mean fair_sd paper_protocol epochs parameters seconds link_loss "
    "entropy_loss effective_clusters"
).split()


def _alike(folds: list[Record]) -> list[Record]:
    """The folds that were measured with the settings of most of them."""
    settings = [json.dumps(fold.settings, sort_keys=True) for fold in folds]
    most = Counter(settings).most_common(1)[0][0] if folds else None
    return [fold for fold, own in zip(folds, settings, strict=True) if own == most]


def as_text(cells: list[dict]) -> Iterator[str]:
    """Both tables of the paper with our figures beside the printed ones, in lines.

    A block a data set: the rows of Table 1 and the controls, then Table 2. A data set
    in parentheses is not in the paper's table.
    """
    for seed, of in sorted({(cell["seed"], cell["of"]) for cell in cells}):
        ours = {
            (cell["method"], cell["dataset"]): cell
            for cell in cells
            if (cell["seed"], cell["of"]) == (seed, of)
        }
        measured = {dataset for _, dataset in ours}
        yield f"Accuracy in %, {of} folds, seed {seed}. fair: mean ± sd over the folds."
        more = sorted(measured - {*DATASETS, *MEASURED})
        for dataset in [*dict.fromkeys([*MEASURED, *DATASETS]), *more]:
            if dataset in measured or dataset in DATASETS:
                others = [m for m, d in ours if d == dataset and m not in TABLE_2]
                rows = [*TABLE_1, *CONTROLS, *sorted(others)]
                title = dataset if dataset in DATASETS else f"({dataset})"
                yield from _block(f"Table 1, {title}", dataset, rows, ours)
        for dataset in dict.fromkeys([*MEASURED, *DATASETS]):
            printed = any(reported(row, dataset) for row in TABLE_2)
            if printed or any((row, dataset) in ours for row in TABLE_2):
                title = dataset if printed else f"({dataset})"
                yield from _block(f"Table 2, {title}", dataset, TABLE_2, ours)


LAYOUT = "{:<18} {:>6} {:>12} {:>13} {:>6} {:>11} {:>8}"


def _block(title: str, dataset: str, rows, ours: dict) -> Iterator[str]:
    yield from ("", title)
    heading = ("", "paper", "paper's way", "fair", "folds", "parameters", "seconds")
    yield LAYOUT.format(*heading)
    for row in dict.fromkeys(rows):
        yield _line(row, dataset, ours.get((row, dataset))).rstrip()


def _line(row: str, dataset: str, cell: dict | None) -> str:
    printed = reported(row, dataset)
    start = f"{row:<18} {'–' if printed is None else f'{printed:.2f}':>6} "
    if cell is None:
        return start + f"{'not measured':>12}"
    reason = f"failed: {cell['failed'][0]['reason']}" if cell["failed"] else ""
    if not cell["folds"]:
        return start + "  " + reason
    fair = f"{cell['fair_mean']:.1f} ± {cell['fair_sd']:.1f}"
    figures = (f"{cell['paper_protocol']:.1f}", fair, f"{cell['folds']}/{cell['of']}")
    cost = (f"{cell['parameters']:,}", f"{cell['seconds']:.1f}")
    return LAYOUT.format(*start.split(), *figures, *cost) + f"  {reason}"


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)
