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


_TOX21 = "AhR AR AR-LBD ARE aromatase ATAD5 ER ER-LBD HSE MMP p53 PPAR-gamma".split()
_PARTS = ("training", "testing", "evaluation")

COLLECTION = (
    "AIDS BZR BZR_MD COX2 COX2_MD DHFR DHFR_MD ER_MD FRANKENSTEIN MCF-7 MCF-7H MOLT-4 "
    "MOLT-4H Mutagenicity NCI1 NCI109 NCI-H23 NCI-H23H OVCAR-8 OVCAR-8H P388 P388H "
    "PC-3 PC-3H PTC_FM PTC_FR PTC_MM PTC_MR SF-295 SF-295H SN12C SN12CH SW-620 SW-620H "
    "UACC257 UACC257H Yeast YeastH KKI OHSU Peking_1 COIL-DEL COIL-RAG Cuneiform "
    "Fingerprint FIRSTMM_DB Letter-high Letter-low Letter-med MSRC_9 MSRC_21 MSRC_21C "
    "dblp_ct1 dblp_ct2 DBLP_v1 deezer_ego_nets facebook_ct1 facebook_ct2 "
    "github_stargazers highschool_ct1 highschool_ct2 IMDB-MULTI infectious_ct1 "
    "infectious_ct2 mit_ct1 mit_ct2 REDDIT-MULTI-5K reddit_threads tumblr_ct1 "
    "tumblr_ct2 twitch_egos TWITTER-Real-Graph-Partial COLORS-3 SYNTHETIC SYNTHETICnew "
    "Synthie TRIANGLES PROTEINS_full"
).split() + [f"Tox21_{name}_{part}" for name in _TOX21 for part in _PARTS]
"""The other classification data sets of the TU Dortmund collection: loaded by their
names, and compared with what they contained when they were first loaded."""


def known_name(name: str) -> str:
    """The name of a data set of the collection, in whatever case it came; "D&D" is DD.

    Raises:
        ValueError: for a name that is none of them.

    >>> known_name("proteins"), known_name("D&D"), known_name("nci1")
    ('PROTEINS', 'DD', 'NCI1')
    """
    names = {known.upper(): known for known in (*EXPECTED, *COLLECTION)}
    found = names.get({"D&D": "DD"}.get(str(name).upper(), str(name).upper()))
    if found is None:
        raise ValueError(
            f"unknown data set {name!r}; known: {', '.join(EXPECTED)} and the other "
            f"{len(COLLECTION)} of dpcore.data.expected.COLLECTION, such as NCI1"
        )
    return found


def majority(name: str) -> float | None:
    """The share of the largest class, which a constant answer reaches; None where the
    counts are not known.

    >>> round(majority("PROTEINS"), 4)
    0.5957
    """
    counts = EXPECTED[name].get("label_counts") if name in EXPECTED else None
    return max(counts) / sum(counts) if counts else None
