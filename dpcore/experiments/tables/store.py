"""Records on disk: written whole, read with suspicion, one file a fold."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from dpcore.training import Record

RECORDS = "seed*-fold*of*[0-9].json"
FAILED = "seed*-fold*of*.failed.json"


class DamagedRecord(ValueError):
    """A record on disk cannot be read; the others are untouched."""


class CannotWrite(OSError):
    """A record cannot be written: a full disk, or a folder that is none of ours."""


def write_record(path: Path, record: dict) -> None:
    """Write a record whole: to a temporary file beside it, then renamed.

    Raises:
        CannotWrite: names the file and the reason; nothing half-written stays.
    """
    try:
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
    except OSError as error:
        raise _cannot_write(path, error) from error


def check_writable(results: Path) -> None:
    """Refuse a folder that takes no records, before an hour is spent on the first."""
    try:
        results.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=results):
            pass
    except OSError as error:
        raise _cannot_write(results, error) from error


def _cannot_write(path: Path, error: OSError) -> CannotWrite:
    return CannotWrite(
        f"cannot write {path}: {error.strerror or error}. The records that are there "
        "are whole: make room, or name a folder that can be written, and run again"
    )


def read_record(path: Path) -> Record:
    """One record; :class:`DamagedRecord` if the file does not hold one."""
    return _read(path, ("accuracy", "test_curve", "settings"))


def _read(path: Path, needed: tuple[str, ...]) -> Record:
    try:
        record = Record(json.loads(path.read_text(encoding="utf-8")))
        for name in needed:
            record[name]
        return record
    except (ValueError, KeyError, TypeError) as error:
        raise DamagedRecord(
            f"{path} is not a whole record ({error!r}): delete it and run again"
        ) from error


def records(results: str | Path = "book/results") -> Iterator[Record]:
    """All records under a results folder, in a fixed order."""
    for path in sorted(Path(results).glob(f"*/*/{RECORDS}")):
        yield read_record(path)


def failures(results: str | Path = "book/results") -> Iterator[Record]:
    """The folds that could not be measured, each with its `reason`."""
    for path in sorted(Path(results).glob(f"*/*/{FAILED}")):
        yield _read(path, ("method", "dataset", "fold", "folds", "seed", "reason"))


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


def _rounded(value):
    """Six digits are more than any accuracy deserves, and keep the records small."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, dict):
        return {key: _rounded(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_rounded(part) for part in value]
    return value
