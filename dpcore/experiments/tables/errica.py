"""What Errica et al. (2020) print, 'A Fair Comparison of Graph Neural Networks for
Graph Classification': mean and standard deviation over ten test folds, in percent.

Own implementations, a search for every model inside the training folds. Their "mlp" is
the structure-blind baseline, their "sortpool" DGCNN; COLLAB with degrees as features.
"""

from __future__ import annotations

_ROWS = ("mlp", "sortpool", "diffpool", "ecc", "gin", "graphsage")
_PRINTED = {
    "PROTEINS": "75.8±3.7 72.9±3.5 73.7±3.5 72.3±3.4 73.3±4.0 73.0±4.5",
    "ENZYMES": "65.2±6.4 38.9±5.7 59.5±5.6 29.5±8.2 59.6±4.5 58.2±6.0",
    "DD": "78.4±4.5 76.6±4.3 75.0±3.5 72.6±4.1 75.3±2.9 72.9±2.0",
    "COLLAB": "70.2±1.5 71.2±1.9 68.9±2.0 – 75.6±2.3 73.9±1.7",
}


def _pair(cell: str) -> tuple[float, float]:
    mean, deviation = cell.split("±")
    return float(mean), float(deviation)


ERRICA: dict[tuple[str, str], tuple[float, float]] = {
    (dataset, row): _pair(cell)
    for dataset, cells in _PRINTED.items()
    for row, cell in zip(_ROWS, cells.split(), strict=True)
    if cell != "–"
}
"""(data set, row) → (mean, standard deviation)."""
