"""What a measured fold is: one schema, checked when a record is written and read."""

from __future__ import annotations

import json
import math
import types
import typing
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

RECORDS = "*-fold*of*[0-9].json"
FAILED = "*-fold*of*.failed.json"


class DamagedRecord(ValueError):
    """A record on disk cannot be read; the others are untouched."""


def _about(text: str, **default: Any) -> Any:
    return field(metadata={"about": text}, **default)


def _absent(text: str) -> Any:
    """A field that not every row has: None here, and not in the file."""
    return _about(text, default=None)


@dataclass(frozen=True, kw_only=True)
class FoldRecord:
    """One measured fold. What its row does not have is None, and absent in the file:
    a kernel has no weights and no epochs, a flat network no clusters.

    Its fields, with their meaning and unit, are the columns of `tables export`, too.
    """

    method: str = _about("row of the tables")
    dataset: str = _about("data set")
    fold: int = _about("number of the fold, from 0; it is the test part")
    folds: int = _about("folds of the split")
    seed: int | None = _absent("seed of the splits")
    splits: str | None = _absent("in place of a seed: the file of the splits, by hash")
    weights_seed: int | None = _absent("networks: seed of weights, shuffling, dropout")
    commit: str = _about(
        "of dpcore; '-dirty' with changes; outside a clone the version"
    )
    settings: dict = _about("what the row was given")
    grid: list | None = _absent("networks: points tried, each judged on validation")
    chosen: dict = _about("the point, or the kernel's candidate, best on validation")
    accuracy: float = _about("on the test part, where validation is best, in [0, 1]")
    validation_curve: list = _about("accuracy an epoch (of a kernel: a candidate)")
    test_curve: list = _about("the same on the test part, for the paper's protocol")
    seconds: float = _about("of the fold, trials of the grid not included")
    versions: dict = _about("of Python and of the packages that compute")
    best_epoch: int | None = _absent("networks: epoch of the accuracy, from 1")
    loss_curve: list | None = _absent("networks: training objective an epoch")
    parameters: int | None = _absent("networks: weights that are learned")
    trial_seconds: float | None = _absent("networks: of all trials of the grid")
    link_loss: float | None = _absent("with levels: at the best epoch, unweighted")
    entropy_loss: float | None = _absent("with levels: in nats, likewise unweighted")
    effective_clusters: list | None = _absent("with levels: clusters in use, a level")
    best_candidate: int | None = _absent("kernels: number of the chosen, from 1")
    accuracy_of_train: float | None = _absent(
        "kernels: of the machine without validation"
    )
    support_vectors: int | None = _absent("kernels: of the chosen machine")
    gram_seconds: float | None = _absent("kernels: of the kernel matrices")

    def __post_init__(self) -> None:
        check(self)
        if (self.seed is None) == (self.splits is None):
            raise ValueError("seed, splits: expected one of the two")
        for name in ("validation_curve", "test_curve"):
            _check_shares(name, getattr(self, name))
        _check_shares("accuracy", [self.accuracy])
        numbers = (self.best_epoch, self.best_candidate)
        given = [number for number in numbers if number is not None]
        if len(given) != 1:
            raise ValueError("best_epoch, best_candidate: expected one of the two")
        best, curve = given[0], self.test_curve
        if len(self.validation_curve) != len(curve) or not 1 <= best <= len(curve):
            raise ValueError(
                f"the best is number {best}, but the curves have "
                f"{len(self.validation_curve)} and {len(curve)} points"
            )
        if not math.isclose(curve[best - 1], self.accuracy, rel_tol=1e-5):
            raise ValueError(
                f"accuracy is {self.accuracy}, but number {best} of test_curve is "
                f"{curve[best - 1]}"
            )

    @property
    def split(self) -> int | str | None:
        """The seed of the splits, or their file's hash."""
        return self.splits if self.seed is None else self.seed


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A fold that could not be measured, and why."""

    method: str
    dataset: str
    fold: int
    folds: int
    seed: int | None = None
    splits: str | None = None
    weights_seed: int | None = None
    reason: str

    def __post_init__(self) -> None:
        check(self)

    @property
    def split(self) -> int | str | None:
        """As of a :class:`FoldRecord`."""
        return self.splits if self.seed is None else self.seed


def check(record: FoldRecord | Failure) -> None:
    """Every field has its type.

    Raises:
        ValueError: names the field, what came and what was expected.
    """
    hints = typing.get_type_hints(type(record))
    for one in fields(record):
        value, expected = getattr(record, one.name), _types(hints[one.name])
        if type(value) is int and float in expected:
            continue
        if type(value) not in expected:
            names = " or ".join(kind.__name__ for kind in expected)
            raise ValueError(f"{one.name} is {value!r}, expected {names}")


def _types(hint: Any) -> tuple[type, ...]:
    union = isinstance(hint, types.UnionType)
    return typing.get_args(hint) if union else (hint,)


def _check_shares(name: str, values: list) -> None:
    for value in values:
        if type(value) not in (int, float) or not 0 <= value <= 1:
            raise ValueError(f"{name} holds {value!r}, expected shares in [0, 1]")


def to_dict(record: FoldRecord | Failure) -> dict:
    """The record's fields in their order, without what its row does not have."""
    pairs = ((one.name, getattr(record, one.name)) for one in fields(record))
    return {name: rounded(value) for name, value in pairs if value is not None}


def to_text(record: FoldRecord | Failure) -> str:
    """The record as JSON, one line a field."""
    lines = (f" {json.dumps(k)}: {json.dumps(v)}" for k, v in to_dict(record).items())
    return "{\n" + ",\n".join(lines) + "\n}\n"


def from_text(text: str, kind: type, where: str) -> Any:
    """A record from its JSON.

    Args:
        kind: :class:`FoldRecord` or :class:`Failure`.
        where: the file, for the error.

    Raises:
        DamagedRecord: for a text that is not a whole record of this schema.
    """
    try:
        found = json.loads(text)
        if not isinstance(found, dict):
            raise TypeError(f"a {type(found).__name__} in the place of an object")
        return kind(**found)
    except (ValueError, TypeError) as error:
        reason = str(error).replace(f"{kind.__name__}.__init__() ", "")
        raise DamagedRecord(
            f"{where} is not a whole record ({reason}): move it away and run again"
        ) from error


def read(path: Path, kind: type = FoldRecord) -> Any:
    """The record in a file; :class:`DamagedRecord` if it does not hold one."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise DamagedRecord(f"{path} is no text: move it away and run again") from error
    return from_text(text, kind, str(path))


def rounded(value: Any) -> Any:
    """Six digits are more than any accuracy deserves, and keep the records small."""
    if isinstance(value, float):
        return float(f"{value:.6g}")
    if isinstance(value, dict):
        return {key: rounded(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(part) for part in value]
    return value
