"""What Ying et al. (2018) print: Table 1, Table 2 and the gain column."""

from __future__ import annotations

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
"""Accuracy in percent, in the order of DATASETS (Table 1 of Ying et al., 2018)."""

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
"""The last column of Table 1, mean gain over GRAPHSAGE in points, as printed."""

TABLE_2 = {
    "s2v": {"ENZYMES": 61.10, "DD": 78.92},
    "s2v-1diffpool": {"ENZYMES": 62.86, "DD": 80.75},
    "s2v-2diffpool": {"ENZYMES": 63.33, "DD": 82.07},
}
"""Structure2Vec with DiffPool, accuracy in percent, Table 2 of Ying et al. (2018)."""


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
    both = ((o, t) for o, t in pairs if o is not None and t is not None)
    gains = [ours - theirs for ours, theirs in both]
    return sum(gains) / len(gains)
