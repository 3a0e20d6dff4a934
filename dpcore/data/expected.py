"""What each known data set must contain: plain data; a name is refused at once."""

from __future__ import annotations

from typing import Any


def _expect(
    labels, nodes, sizes, edges, node_labels, attributes, edge_labels=0
) -> dict[str, Any]:
    facts = {"graphs": sum(labels), "classes": len(labels), "label_counts": labels}
    facts |= dict(zip(("min_nodes", "median_nodes", "max_nodes"), sizes, strict=True))
    facts |= {"nodes": nodes, "edges": edges}
    facts |= {"node_labels": node_labels, "attributes": attributes}
    return facts | {"edge_labels": edge_labels}


EXPECTED: dict[str, dict[str, Any]] = {
    "MUTAG": _expect([63, 125], 3371, (10, 17, 28), 7442, 7, 0, 4),
    "ENZYMES": _expect([100] * 6, 19580, (2, 32, 126), 74564, 3, 18),
    "PROTEINS": _expect([663, 450], 43471, (4, 26, 620), 162088, 3, 1),
    "DD": _expect([691, 487], 334925, (30, 241, 5748), 1686092, 89, 0),
    "IMDB-BINARY": _expect([500, 500], 19773, (12, 17, 136), 193062, 0, 0),
    "COLLAB": _expect([2600, 775, 1625], 372474, (32, 52, 492), 24572158, 0, 0),
    "REDDIT-BINARY": _expect([1000, 1000], 859254, (6, 304, 3782), 1991016, 0, 0),
    # Of this one only these are known, so only these are compared.
    "REDDIT-MULTI-12K": dict(
        graphs=11929, classes=11, node_labels=0, attributes=0, edge_labels=0
    ),
}
"""What each data set must contain: the keys of `dpcore.data.datasets.describe`, then
the numbers of different node labels, node attributes and different edge labels."""


def known_name(name: str) -> str:
    """The name of a known data set, in whatever case it came; "D&D" is DD.

    Raises:
        ValueError: for a name that is none of them.

    >>> known_name("proteins"), known_name("D&D")
    ('PROTEINS', 'DD')
    """
    found = {"D&D": "DD"}.get(str(name).upper(), str(name).upper())
    if found not in EXPECTED:
        raise ValueError(f"unknown data set {name!r}; known: {', '.join(EXPECTED)}")
    return found


def majority(name: str) -> float | None:
    """The share of the largest class, which a constant answer reaches; None where the
    counts are not known.

    >>> round(majority("PROTEINS"), 4)
    0.5957
    """
    counts = EXPECTED[name].get("label_counts") if name in EXPECTED else None
    return max(counts) / sum(counts) if counts else None
