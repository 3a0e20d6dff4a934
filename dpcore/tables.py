"""The paper's tables as data, and our own measurements beside them.

A measurement is a grid: method × data set × fold. Every finished fold is one JSON file
under the results folder, written whole before the next fold starts; a run that was
killed goes on with what is missing.
"""

from __future__ import annotations

import json
import os
import platform
import tempfile
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from pathlib import Path

from joblib import Parallel, delayed
from tqdm import tqdm

from dpcore.datasets import load_dataset
from dpcore.models import MODELS, fixed_settings
from dpcore.training import Record, as_batch, run_fold, single_threaded, splits, summary

DATASETS = ("ENZYMES", "DD", "REDDIT-MULTI-12K", "COLLAB", "PROTEINS")

TABLE_1 = {
    "graphlet": (41.03, 74.85, 21.73, 64.66, 72.91),
    "shortest-path": (42.32, 78.86, 36.93, 59.10, 76.43),
    "1-wl": (53.43, 74.02, 39.03, 78.61, 73.76),
    "wl-oa": (60.13, 79.04, 44.38, 80.74, 75.26),
    "patchysan": (None, 76.27, 41.32, 72.60, 75.00),
    "graphsage": (54.25, 75.42, 42.24, 68.25, 70.48),
    "ecc": (53.50, 74.10, 41.73, 67.79, 72.65),
    "set2set": (60.15, 78.12, 43.49, 71.75, 74.29),
    "sortpool": (57.12, 79.37, 41.82, 73.76, 75.54),
    "diffpool-det": (58.33, 75.47, 46.18, 82.13, 75.62),
    "diffpool-nolp": (61.95, 79.98, 46.65, 75.58, 76.22),
    "diffpool": (62.53, 80.64, 47.08, 75.48, 76.25),
}
"""Table 1 of Ying et al. (2018): accuracy in percent, in the order of DATASETS."""

KERNELS = ("graphlet", "shortest-path", "1-wl", "wl-oa")

PRINTED_GAIN = {
    "patchysan": 4.17,
    "ecc": 0.11,
    "set2set": 3.32,
    "sortpool": 3.39,
    "diffpool-det": 5.42,
    "diffpool-nolp": 5.95,
    "diffpool": 6.27,
}
"""The last column of Table 1: mean gain over GRAPHSAGE in points, as printed."""

TABLE_2 = {
    "s2v": {"ENZYMES": 61.10, "DD": 78.92},
    "s2v-1diffpool": {"ENZYMES": 62.86, "DD": 80.75},
    "s2v-2diffpool": {"ENZYMES": 63.33, "DD": 82.07},
}
"""Table 2 of Ying et al. (2018): Structure2Vec with DiffPool, accuracy in percent."""

SETTINGS: dict[str, dict] = {
    "PROTEINS": dict(max_nodes=150, conv="gcn", dropout=0.6, epochs=100),
    "ENZYMES": dict(
        max_nodes=48, conv="sage", dropout=0.0, epochs=150, attributes=True
    ),
}
"""How each data set is trained here; the first answer for others is PROTEINS'."""

RECORDS = "seed*-fold*of*.json"


class DamagedRecord(ValueError):
    """A record on disk cannot be read; the others are untouched."""


def reported(method: str, dataset: str) -> float | None:
    """The paper's accuracy in percent, or None where it prints none.

    >>> reported("diffpool", "PROTEINS"), reported("mlp", "PROTEINS")
    (76.25, None)
    """
    if method in TABLE_2:
        return TABLE_2[method].get(dataset)
    if method in TABLE_1 and dataset in DATASETS:
        return TABLE_1[method][DATASETS.index(dataset)]
    return None


def gain(method: str, baseline: str = "graphsage") -> float:
    """Mean gain in points over the data sets that both rows of Table 1 have.

    >>> round(gain("diffpool"), 2), round(gain("patchysan"), 2)
    (6.27, 2.2)
    """
    pairs = zip(TABLE_1[method], TABLE_1[baseline], strict=True)
    gains = [ours - theirs for ours, theirs in pairs if ours is not None]
    return sum(gains) / len(gains)


def run(
    rows: Sequence[str],
    datasets: Sequence[str],
    folds: int = 10,
    epochs: int | None = None,
    seed: int = 0,
    jobs: int = 1,
    results: str | Path = "book/results",
    progress: bool = True,
) -> list[str]:
    """Measure what is missing of a grid; returns a line for every fold that failed.

    Args:
        rows: names for :func:`dpcore.build_model`.
        datasets: names for :func:`dpcore.load_dataset`.
        folds, seed: of the splits, which are the same for every row.
        epochs: of every fold; None for the number in `SETTINGS`.
        jobs: folds side by side, each in a single-threaded process.
        results: folder of the records.

    Raises:
        ValueError: for an unknown row.
        DatasetUnavailable, DatasetCorrupt: see :func:`dpcore.load_dataset`.
        DamagedRecord: for a record that cannot be read.
    """
    for row in rows:
        if row not in MODELS:
            raise ValueError(f"rows names {row!r}, expected {', '.join(MODELS)}")
    results = Path(results)
    failures, tasks = [], []
    for dataset in datasets:
        settings = dict(SETTINGS.get(dataset, SETTINGS["PROTEINS"]))
        graphs = load_dataset(dataset, attributes=settings.pop("attributes", False))
        batch = as_batch(dataset, graphs)
        if epochs is not None:
            settings["epochs"] = epochs
        parts = splits(batch.y, folds, seed)
        for row in rows:
            fixed = fixed_settings(row)
            own = {k: v for k, v in settings.items() if k not in fixed}
            for fold, split in enumerate(parts):
                path = results / dataset / row / f"seed{seed}-fold{fold}of{folds}.json"
                if not _finished(path, own):
                    key = dict(method=row, dataset=dataset, fold=fold, folds=folds)
                    tasks.append((path, key, batch, split, seed, own))
    done = Parallel(n_jobs=jobs, return_as="generator_unordered")(
        delayed(_measure_fold)(*task) for task in tasks
    )
    for failure in tqdm(done, total=len(tasks), disable=not progress, unit="fold"):
        if failure:
            failures.append(failure)
    return failures


def _finished(path: Path, settings: dict) -> bool:
    return path.exists() and read_record(path)["settings"] == settings


def _measure_fold(path, key, batch, split, seed, settings) -> str | None:
    """Train one fold and write its record; a failure comes back as a line."""
    try:
        result = single_threaded(
            run_fold, key["method"], batch, split, seed=seed, **settings
        )
    except (FloatingPointError, MemoryError, RuntimeError, ValueError) as error:
        return f"{key['method']} {key['dataset']} fold {key['fold']}: {error}"
    write_record(
        path, dict(key, seed=seed, settings=settings, **result, versions=_versions())
    )
    return None


def write_record(path: Path, record: dict) -> None:
    """Write a record whole: to a temporary file beside it, then renamed."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, suffix=".part")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            json.dump(_rounded(record), file, indent=1)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(temporary, 0o644)
        os.replace(temporary, path)
    except BaseException:
        os.unlink(temporary)
        raise


def read_record(path: Path) -> Record:
    """One record; :class:`DamagedRecord` if the file does not hold one."""
    try:
        record = Record(json.loads(path.read_text(encoding="utf-8")))
        record["accuracy"], record["test_curve"], record["settings"]
        return record
    except (ValueError, KeyError, TypeError) as error:
        raise DamagedRecord(
            f"{path} is not a whole record ({error!r}): delete it and run again"
        ) from error


def find_results(start: str | Path = ".") -> Path:
    """The folder of the measured records, wherever a notebook runs.

    Looks for `book/results` in `start` and the folders above it, then in the folders
    inside `start` (a fresh clone), then beside the package (an installed checkout).

    Raises:
        FileNotFoundError: when there are no records; says how to get them.

    >>> find_results("nowhere/at/all").parts[-2:]  # beside the package
    ('book', 'results')
    """
    start = Path(start).resolve()
    places = [start, *start.parents]
    if start.is_dir():
        places += sorted(path for path in start.iterdir() if path.is_dir())
    for place in [*places, Path(__file__).parents[1]]:
        results = place / "book" / "results"
        if next(results.glob(f"*/*/{RECORDS}"), None) is not None:
            return results
    raise FileNotFoundError(
        f"no measured records: no book/results in {start}, above it or in its folders. "
        "They come with the book's repository: clone it here and run this again, or "
        "make your own with `python -m dpcore tables run`"
    )


def records(results: str | Path = "book/results") -> Iterator[Record]:
    """All records under a results folder, in a fixed order."""
    for path in sorted(Path(results).glob(f"*/*/{RECORDS}")):
        yield read_record(path)


def show(results: str | Path = "book/results") -> list[dict]:
    """One dictionary a measured cell, accuracies in percent.

    Keys: `method`, `dataset`, `seed`, `folds` (finished), `fair_mean`, `fair_sd`,
    `paper_protocol`, `reported` (the paper's figure or None), `epochs`, `parameters`,
    `seconds` (a fold), `link_loss`, `entropy_loss`, `effective_clusters`.
    """
    cells: dict[tuple, list[Record]] = {}
    for record in records(results):
        key = (record.dataset, record.method, record.seed, record.folds)
        cells.setdefault(key, []).append(record)
    return [_cell(folds) for folds in cells.values()]


def _cell(folds: list[Record]) -> dict:
    first, both = folds[0], summary(folds)
    levels = zip(*(fold.effective_clusters for fold in folds), strict=True)
    return dict(
        method=first.method,
        dataset=first.dataset,
        seed=first.seed,
        folds=len(folds),
        fair_mean=round(100 * both.fair_mean, 2),
        fair_sd=round(100 * both.fair_sd, 2),
        paper_protocol=round(100 * both.paper_protocol, 2),
        reported=reported(first.method, first.dataset),
        epochs=len(first.test_curve),
        parameters=first.parameters,
        seconds=round(_mean([fold.seconds for fold in folds]), 1),
        link_loss=round(_mean([fold.link_loss for fold in folds]), 4),
        entropy_loss=round(_mean([fold.entropy_loss for fold in folds]), 4),
        effective_clusters=[round(_mean(level), 2) for level in levels],
    )


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _rounded(value):
    """Six digits are more than any accuracy deserves, and keep the records small."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, dict):
        return {key: _rounded(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(part) for part in value]
    return value


def _versions() -> dict[str, str]:
    packages = {name: version(name) for name in ("torch", "torch-geometric", "numpy")}
    return {"python": platform.python_version(), **packages}
