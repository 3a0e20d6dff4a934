"""The records as long tables: one row a fold, one row an epoch."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterable
from dataclasses import fields
from pathlib import Path

from dpcore.experiments.tables.schema import FoldRecord, to_dict

CURVES = {
    "validation_accuracy": "validation_curve",
    "test_accuracy": "test_curve",
    "training_loss": "loss_curve",
}

KEY = ("dataset", "method", "seed", "splits", "weights_seed", "folds", "fold")

COLUMNS: dict[str, dict[str, str]] = {
    "folds.csv": {
        one.name: one.metadata["about"]
        for one in fields(FoldRecord)
        if one.name not in CURVES.values()
    },
    "epochs.csv": {
        **{name: "as in folds.csv" for name in KEY},
        "number": "of the epoch, or of the kernel's candidate, from 1",
        "validation_accuracy": "on the validation part, in [0, 1]",
        "test_accuracy": "on the test part, in [0, 1]",
        "training_loss": "networks: the training objective, mean over the graphs",
    },
}
"""The columns of both files with their meaning. What a row does not have is an empty
field; lists and objects are JSON in one field."""


def export(records: Iterable[FoldRecord], folder: str | Path) -> tuple[int, int]:
    """Write folds.csv, epochs.csv and their schema, SCHEMA.md, into a folder.

    Returns:
        How many folds and how many epochs.
    """
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    folds = [to_dict(record) for record in records]
    epochs = [line for fold in folds for line in _epochs(fold)]
    for name, lines in (("folds.csv", folds), ("epochs.csv", epochs)):
        _write(folder / name, list(COLUMNS[name]), lines)
    (folder / "SCHEMA.md").write_text(schema(), encoding="utf-8")
    return len(folds), len(epochs)


def schema() -> str:
    """What the columns mean, as Markdown."""
    lines = [
        "An empty field: the row does not have it. Lists and objects are JSON.",
        "",
    ]
    for name, columns in COLUMNS.items():
        lines += [f"# {name}", "", "| column | meaning |", "|---|---|"]
        lines += [f"| `{column}` | {about} |" for column, about in columns.items()]
        lines.append("")
    return "\n".join(lines)


def _epochs(fold: dict) -> Iterable[dict]:
    key = {name: fold.get(name) for name in KEY}
    curves = {name: fold.get(curve, []) for name, curve in CURVES.items()}
    for i in range(len(fold["test_curve"])):
        values = {name: curve[i] for name, curve in curves.items() if i < len(curve)}
        yield {**key, "number": i + 1, **values}


def _write(path: Path, columns: list[str], lines: Iterable[dict]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, extrasaction="ignore")
        writer.writeheader()
        for line in lines:
            writer.writerow({k: _field(v) for k, v in line.items()})


def _field(value: object) -> object:
    return json.dumps(value) if isinstance(value, list | dict) else value
