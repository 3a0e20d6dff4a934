"""Splits from a file, as others publish theirs."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import NamedTuple

PARTS = ("train", "validation", "test")


class BadSplits(ValueError):
    """A file of splits cannot be used."""


class SplitFile(NamedTuple):
    """The folds of a file.

    Attributes:
        hash: the first 12 hexadecimal digits of the file's SHA-256, by which records
            name it.
        folds: for every fold the indices of `train`, `validation` and `test`, sorted.
        largest: the highest index.
    """

    hash: str
    folds: list[dict[str, list[int]]]
    largest: int


def read_splits(path: str | Path) -> SplitFile:
    """Folds from a JSON file: a list with an object a fold.

    An object holds `train`, `validation` and `test`, lists of indices from 0. The files
    of the fair re-evaluation (Errica et al., 2020) are read as they are: there a fold
    holds `test` and, in `model_selection`, one object with `train` and `validation`.

    Raises:
        BadSplits: for another content, empty parts, an index twice in a fold, or one
            below 0.
        OSError: for a file that cannot be read.
    """
    data = Path(path).read_bytes()
    try:
        found = json.loads(data)
        folds = [_fold(number, fold) for number, fold in enumerate(found)]
    except (ValueError, TypeError, KeyError, IndexError, AttributeError) as error:
        reason = error if isinstance(error, BadSplits) else f"{error!r}"
        raise BadSplits(
            f"{path}: expected a list of folds, each with lists of indices "
            f"{', '.join(PARTS)}: {reason}"
        ) from error
    if not folds:
        raise BadSplits(f"{path} holds no fold")
    largest = max(part[-1] for fold in folds for part in fold.values())
    return SplitFile(hashlib.sha256(data).hexdigest()[:12], folds, largest)


def _fold(number: int, fold: dict) -> dict[str, list[int]]:
    if "model_selection" in fold:
        if len(fold["model_selection"]) != 1:
            raise BadSplits(f"fold {number} has more than one model_selection")
        fold = fold["model_selection"][0] | {"test": fold["test"]}
    parts = {name: sorted(fold[name]) for name in PARTS}
    together = [index for part in parts.values() for index in part]
    if not all(parts.values()):
        raise BadSplits(f"fold {number} has an empty part")
    if any(type(index) is not int or index < 0 for index in together):
        raise BadSplits(f"fold {number} holds what is no index")
    if len(set(together)) < len(together):
        raise BadSplits(f"fold {number} holds an index twice")
    return parts
