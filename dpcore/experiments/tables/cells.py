"""What has been measured: one dictionary a cell, and the paper's tables as text."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from dpcore.data.expected import EXPECTED, majority
from dpcore.experiments.tables.errica import ERRICA
from dpcore.experiments.tables.paper import DATASETS, TABLE_1, TABLE_2, reported
from dpcore.experiments.tables.plan import CONTROLS, PLANNED, is_row, plan
from dpcore.experiments.tables.schema import Failure, FoldRecord
from dpcore.experiments.tables.store import failures, records
from dpcore.training import summary


def show(
    results: str | Path | None = None, *, weights_seed: int | None = None
) -> list[dict]:
    """One dictionary a cell that was tried, accuracies in percent.

    Keys: `method`, `dataset`, `seed` (of the splits) or `splits` (their file's hash),
    `weights_seed`, `of` (folds of the split), `folds` (finished), `fair_mean`,
    `fair_sd`, `paper_protocol`, `reported` (the paper's figure or None), `errica` (the
    fair mean that Errica et al. (2020) print, or None), `majority` (what a constant
    answer reaches), `settings` (those of the folds), `differs` (what
    of them is not the plan's, by name: theirs and the plan's), `left_out` (folds of
    other settings), `epochs` (at most), `parameters` (mean over the folds, which choose
    their widths), `seconds` (a fold, without the trials of the grid), `link_loss`,
    `entropy_loss`, `effective_clusters`, and `failed`: a list of `fold` and `reason`.
    What a row does not have, and what is measured of a cell without any finished fold,
    is None.

    Folds of one cell that were measured with other settings than most are left out:
    so it is while a cell is being measured anew.

    Args:
        results: see :func:`dpcore.experiments.tables.store.records`.
        weights_seed: see there. What failed is told of every seed.
    """
    cells: dict[tuple, tuple[list, list]] = {}
    failed = [] if results is None else failures(results)
    both: tuple[Iterable[FoldRecord | Failure], ...] = (
        records(results, weights_seed=weights_seed),
        failed,
    )
    for kind, found in enumerate(both):
        for record in found:
            seed = -1 if record.weights_seed is None else record.weights_seed
            split = str(record.split)
            key = (record.dataset, record.method, split, seed, record.folds)
            cells.setdefault(key, ([], []))[kind].append(record)
    return [_cell(*cells[key]) for key in sorted(cells)]


def of_folds(folds: Sequence[FoldRecord], failed: Sequence[Failure] = ()) -> dict:
    """The dictionary of one cell, see :func:`show`."""
    return _cell(list(folds), list(failed))


def _cell(every: list[FoldRecord], failed: list[Failure]) -> dict:
    first, folds = (every or failed)[0], _alike(every)
    share = majority(first.dataset)
    cell = dict(
        method=first.method,
        dataset=first.dataset,
        seed=first.seed,
        splits=first.splits,
        weights_seed=first.weights_seed,
        of=first.folds,
        folds=len(folds),
        left_out=len(every) - len(folds),
        reported=reported(first.method, first.dataset),
        errica=ERRICA.get((first.dataset, first.method), (None,))[0],
        majority=None if share is None else round(100 * share, 2),
        failed=[dict(fold=record.fold, reason=record.reason) for record in failed],
    )
    if not folds:
        return cell | dict.fromkeys(FIGURES)
    both = summary(folds)
    return cell | dict(
        settings=folds[0].settings,
        differs=_differs(folds[0]),
        fair_mean=round(100 * both.fair_mean, 2),
        fair_sd=round(100 * both.fair_sd, 2),
        paper_protocol=round(100 * both.paper_protocol, 2),
        epochs=folds[0].settings.get("epochs"),
        parameters=_mean(folds, "parameters", 0),
        seconds=_mean(folds, "seconds", 1),
        link_loss=_mean(folds, "link_loss", 4),
        entropy_loss=_mean(folds, "entropy_loss", 4),
        effective_clusters=_levels(folds),
    )


FIGURES = (
    "settings differs fair_mean fair_sd paper_protocol epochs parameters seconds "
    "link_loss entropy_loss effective_clusters"
).split()


def _alike(folds: list[FoldRecord]) -> list[FoldRecord]:
    """The folds that were measured with the settings and the grid of most of them."""
    asked = [_settings_and_grid(fold) for fold in folds]
    most = Counter(asked).most_common(1)[0][0] if folds else None
    return [fold for fold, own in zip(folds, asked, strict=True) if own == most]


def _settings_and_grid(fold: FoldRecord) -> str:
    points = [sorted({**p, "accuracy": 0, "loss": 0}.items()) for p in fold.grid or []]
    return json.dumps([fold.settings, points], sort_keys=True)


def _differs(fold: FoldRecord) -> dict[str, tuple]:
    """What a fold was made with, and what the plan says now, where they differ."""
    if not is_row(fold.method) or fold.dataset not in EXPECTED:
        return {}
    (task, *_) = plan([fold.method], [fold.dataset], folds=3)
    own = task._replace(**{name: getattr(fold, name) for name in task.key})
    return own.differences(fold)


def _mean(folds: Sequence[FoldRecord], name: str, digits: int) -> float | None:
    values = [getattr(fold, name) for fold in folds]
    if None in values:
        return None
    mean = sum(values) / len(values)
    return round(mean, digits) if digits else round(mean)


def _levels(folds: Sequence[FoldRecord]) -> list[float] | None:
    if any(fold.effective_clusters is None for fold in folds):
        return None
    levels = zip(*(fold.effective_clusters for fold in folds), strict=True)
    return [round(sum(level) / len(level), 2) for level in levels]


def as_text(cells: list[dict]) -> Iterator[str]:
    """Both tables of the paper with our figures beside the printed ones, in lines.

    A block a data set that was measured: its rows of Table 1 and the controls, then
    those of Table 2, then the names of the paper's rows that are missing. A data set in
    parentheses is not in the paper's table. Each reading stands beside the figure that
    was read that way: the paper's beside the paper's, and beside our fair mean that of
    Errica et al. (2020), who published the files of their splits.
    """
    groups: dict[tuple, dict] = {}
    for cell in cells:
        split = cell["seed"] if cell["splits"] is None else cell["splits"]
        ours = groups.setdefault((str(split), cell["of"]), {})
        ours.setdefault((cell["method"], cell["dataset"]), []).append(cell)
    for (split, of), ours in sorted(groups.items()):
        yield f"Accuracy in %, {of} folds, splits {split}. fair: mean ± sd over folds."
        if any(cell["errica"] for found in ours.values() for cell in found):
            yield "Errica: the fair mean of Errica et al. (2020), over their ten folds."
        measured = {dataset for _, dataset in ours}
        for dataset in dict.fromkeys([*PLANNED, *DATASETS, *sorted(measured)]):
            if dataset in measured:
                yield from _blocks(dataset, ours)


LAYOUT = "{:<20} {:>6} {:>12} {:>6} {:>13} {:>6} {:>10} {:>8}"
HEADING = (
    *("", "paper", "paper's way", "Errica", "fair"),
    *("folds", "parameters", "seconds"),
)


def _blocks(dataset: str, ours: dict) -> Iterator[str]:
    others = sorted(m for m, d in ours if d == dataset and m not in TABLE_2)
    share = majority(dataset)
    floor = "" if share is None else f"; largest class {100 * share:.1f}"
    for number, rows in ((1, [*TABLE_1, *CONTROLS, *others]), (2, TABLE_2)):
        rows = list(dict.fromkeys(rows))
        found = [cell for row in rows for cell in ours.get((row, dataset), [])]
        if not found:
            continue
        printed = any(reported(row, dataset) for row in rows)
        title = dataset if printed else f"({dataset})"
        yield from ("", f"Table {number}, {title}{floor}")
        yield LAYOUT.format(*HEADING)
        yield from (_line(cell).rstrip() for cell in found)
        absent = [r for r in rows if reported(r, dataset) and (r, dataset) not in ours]
        if absent:
            yield f"not measured: {', '.join(absent)}"
        yield from _notes(found)


def _line(cell: dict) -> str:
    printed = cell["reported"]
    seed = cell["weights_seed"] or 0
    mark = f" w{seed}" if seed else ""
    mark += "*" if cell["folds"] and cell["differs"] else ""
    start = (cell["method"] + mark, "–" if printed is None else f"{printed:.2f}")
    theirs = "–" if cell["errica"] is None else f"{cell['errica']:.1f}"
    reason = f"failed: {cell['failed'][0]['reason']}" if cell["failed"] else ""
    if not cell["folds"]:
        return "{:<20} {:>6}   {}".format(*start, reason)
    fair = f"{cell['fair_mean']:.1f} ± {cell['fair_sd']:.1f}"
    figures = (f"{cell['paper_protocol']:.1f}", theirs, fair)
    size = "–" if cell["parameters"] is None else f"{cell['parameters']:,}"
    rest = (f"{cell['folds']}/{cell['of']}", size, f"{cell['seconds']:.1f}")
    line = LAYOUT.format(*start, *figures, *rest)
    return f"{line}  {reason}"


def _notes(cells: list[dict]) -> Iterator[str]:
    """A line for every set of settings that is not the plan's."""
    notes: dict[str, list[str]] = {}
    for cell in cells:
        if cell["folds"] and cell["differs"]:
            pairs = cell["differs"].items()
            words = ", ".join(f"{k} {_short(v[0])} ({_short(v[1])})" for k, v in pairs)
            notes.setdefault(words, []).append(cell["method"])
        if cell["left_out"]:
            yield (
                f"{cell['method']}: {cell['left_out']} folds of other settings are "
                "left out"
            )
    for words, rows in notes.items():
        yield f"* made with other settings than the plan's (in parentheses): {words}: "
        yield f"  {', '.join(rows)}"


def _short(value: object) -> str:
    return "none" if value is None else json.dumps(value).replace('"', "")
