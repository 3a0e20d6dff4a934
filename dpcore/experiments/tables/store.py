"""Records on disk: written whole, read with suspicion, one file a fold.

What has been measured is never overwritten: a record of other settings is moved aside
first. All writing happens under one lock a folder, so that two processes lose nothing,
and a process that is killed leaves either the old file or the new one.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock

from dpcore.data.files import PARTS, write_whole
from dpcore.experiments.tables.packed import carried
from dpcore.experiments.tables.plan import Task
from dpcore.experiments.tables.schema import (
    FAILED,
    RECORDS,
    DamagedRecord,
    Failure,
    FoldRecord,
    read,
    to_text,
)

ASIDE = "replaced"
"""The folder, beside those of the data sets, for records that others replaced."""


class CannotWrite(OSError):
    """A record cannot be written: a full disk, or a folder that is none of ours."""


class OtherSettings(ValueError):
    """Records of other settings lie where new ones would be written."""


@contextmanager
def _locked(results: Path) -> Iterator[None]:
    """Nobody else writes into this folder meanwhile. What is refused is CannotWrite."""
    try:
        results.mkdir(parents=True, exist_ok=True)
        with FileLock(results / ".lock"):
            yield
    except OSError as error:
        raise CannotWrite(
            f"cannot write {error.filename or results}: {error.strerror or error}. The "
            "records that are there are whole: make room, or name a folder that can be "
            "written, and run again"
        ) from error


def check_writable(results: Path) -> None:
    """Refuse a folder that takes no records, before an hour is spent on the first.
    Sweeps up what killed processes left half-written."""
    with _locked(results):
        for left in results.rglob(PARTS):
            left.unlink()
        with tempfile.TemporaryFile(dir=results):
            pass


def save(results: Path, task: Task, record: FoldRecord, replace: bool = False) -> Path:
    """Write a finished fold whole, and take away why it once failed.

    Where another process has put a record of other settings meanwhile, that one stays
    and this one goes aside; with `replace` it is the other way round. A record of the
    same settings stays as it is.

    Returns:
        Where the record is.

    Raises:
        CannotWrite: names the file and the reason; nothing half-written stays.
    """
    path = task.path(results)
    with _locked(results):
        if path.exists() and _same(path, task):
            return path
        if path.exists():
            aside = _free(results / ASIDE / path.relative_to(results))
            if replace:
                _write(aside, path.read_text(encoding="utf-8"))
            else:
                path = aside
        _write(path, to_text(record))
        task.path(results, ".failed.json").unlink(missing_ok=True)
    return path


def _same(path: Path, task: Task) -> bool:
    try:
        return not task.differences(read(path))
    except DamagedRecord:
        return False


def save_failure(results: Path, task: Task, reason: str) -> None:
    """Write why a fold could not be measured."""
    with _locked(results):
        failure = Failure(**task.key, reason=reason)
        _write(task.path(results, ".failed.json"), to_text(failure))


def _free(path: Path) -> Path:
    """The path with the first number that no file has."""
    number = 1
    while (found := path.with_name(f"{path.stem}.{number}{path.suffix}")).exists():
        number += 1
    return found


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, text)


def missing(results: Path, tasks: list[Task], replace: bool = False) -> list[Task]:
    """The tasks without a record, in their order.

    Raises:
        OtherSettings: for records of other settings, unless they may be replaced.
        DamagedRecord: for a record that cannot be read.
    """
    left, others = [], []
    for task in tasks:
        path = task.path(results)
        differences = task.differences(read(path)) if path.exists() else {}
        if differences or not path.exists():
            left.append(task)
        if differences:
            others.append((task, differences))
    if others and not replace:
        task, differences = others[0]
        name, (there, asked) = next(iter(differences.items()))
        folder = task.path(results).parent
        raise OtherSettings(
            f"{len(others)} of {len(tasks)} folds were measured with other settings, "
            f"such as those in {folder} ({name}: {there} there, {asked} here): "
            f"--replace moves them to {results / ASIDE} as new ones come, "
            "--results DIR leaves them alone"
        )
    return left


def records(
    results: str | Path | None = None, *, weights_seed: int | None = None
) -> Iterator[FoldRecord]:
    """The records under a results folder, in a fixed order.

    Args:
        results: None stands for the measured records of the book: the folder that
            :func:`find_results` finds, else those that the package carries.
        weights_seed: those of this seed of the weights alone, and the kernels, which
            have no weights. The tables' is 0; None (default) gives all seeds.

    Raises:
        DamagedRecord: for a record that cannot be read.
        FileNotFoundError: where None finds none; says how to get them.
    """
    for record in _all_records(results):
        if weights_seed is None or record.weights_seed in (weights_seed, None):
            yield record


def _all_records(results: str | Path | None) -> Iterator[FoldRecord]:
    if results is None:
        try:
            results = find_results()
        except FileNotFoundError:
            yield from carried()
            return
    for path in sorted(Path(results).glob(f"*/*/{RECORDS}")):
        yield read(path)


def failures(results: str | Path) -> Iterator[Failure]:
    """The folds that could not be measured, each with its `reason`."""
    for path in sorted(Path(results).glob(f"*/*/{FAILED}")):
        yield read(path, Failure)


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
    for place in [*places, Path(__file__).parents[3]]:
        results = place / "book" / "results"
        if next(results.glob(f"*/*/{RECORDS}"), None) is not None:
            return results
    raise FileNotFoundError(
        f"no measured records: no book/results in {start}, above it or in its folders. "
        "They come with the book's repository: clone it here and run this again, or "
        "make your own with `python -m dpcore tables run`"
    )
