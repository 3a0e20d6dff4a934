"""Graph classifiers by name: DiffPool, its variants, and the models beside it.

The rows are plain data (:mod:`dpcore.models.rows`); their classes are loaded when they
are first asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from dpcore.lazy import load
from dpcore.models.rows import (
    MODELS,
    Row,
    accepted_settings,
    check_settings,
    data_settings,
    fixed_settings,
)

if TYPE_CHECKING:  # the table below once more, as editors and type checkers read it
    from dpcore.models.diffpool import DiffPoolClassifier, num_clusters
    from dpcore.models.ecc import ECCClassifier
    from dpcore.models.flat import FlatClassifier
    from dpcore.models.gin import GINClassifier
    from dpcore.models.output import Classifier, Output
    from dpcore.models.patchysan import PatchySanClassifier
    from dpcore.models.set2set import Set2SetClassifier
    from dpcore.models.sortpool import SortPoolClassifier

__all__ = [
    "MODELS",
    "DiffPoolClassifier",
    "ECCClassifier",
    "FlatClassifier",
    "GINClassifier",
    "Output",
    "PatchySanClassifier",
    "Row",
    "Set2SetClassifier",
    "SortPoolClassifier",
    "accepted_settings",
    "build_model",
    "data_settings",
    "fixed_settings",
    "num_clusters",
]

_HOME = {
    "DiffPoolClassifier": "diffpool",
    "ECCClassifier": "ecc",
    "FlatClassifier": "flat",
    "GINClassifier": "gin",
    "Output": "output",
    "PatchySanClassifier": "patchysan",
    "Set2SetClassifier": "set2set",
    "SortPoolClassifier": "sortpool",
    "num_clusters": "diffpool",
}
"""The module of every class."""


def __getattr__(name: str) -> Any:
    return load(__name__, _HOME, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def build_model(
    name: str,
    *,
    num_features: int,
    num_classes: int,
    max_nodes: int = 150,
    hidden: int = 64,
    dropout: float = 0.6,
    **settings: Any,
) -> Classifier:
    """A graph classifier by its name in the tables.

    Args:
        name: diffpool; diffpool-nolp (no link prediction loss); diffpool-noentropy;
            diffpool-hard (every node wholly in its likeliest cluster); diffpool-walks
            (one level; the closed walks of A' are read as well); diffpool-det
            (heavy-edge clusters), diffpool-random (random ones), the last two not
            learned and without losses; s2v (Structure2Vec), s2v-1diffpool and
            s2v-2diffpool (Structure2Vec as the GNNs of one or two levels);
            gcn-mean, gcn-max, gcn-sum (flat readouts of the same GNN); graphsage (SAGE
            layers, mean readout); ecc (edges with labels, a matrix for each); set2set
            (SAGE layers, a readout that attends);
            sortpool (nodes sorted by what was learned, then 1-D convolutions);
            patchysan (nodes in a canonical order, then 1-D convolutions); gin (sums
            over neighbours and over nodes); mlp (structure-blind: sum readout of single
            nodes); graphsage-max, graphsage-sum (other readouts); graphsage-blind,
            -blind-max, -blind-sum (the three on graphs without edges).
        num_features, num_classes: of the data set.
        max_nodes: sets the number of clusters, ceil(ratio · max_nodes), as the authors'
            own two options do. It limits nothing: larger graphs work as well, no node
            is dropped. 150 as in the slide deck.
        hidden: width of every layer; 64 as in the slide deck.
        dropout: after every convolution; 0.6 as in the slide deck.
        settings: ratio=0.25, levels=2 and per_graph=False (DiffPool only; True gives
            a graph of n nodes ceil(ratio · n) clusters, so that a small graph shrinks
            as much as a large one); num_layers=3; conv="gcn" or
            "sage"; self_loops="add" (DiffPool only; "replace" for the deck's own);
            gnn (DiffPool only): a PyG convolution in place of dpcore's stack, as in
            :class:`dpcore.DiffPool`, and assign_gnn, one for the assignments alone.

    Returns:
        The model; called with a batch, a PyG `Data` or PyG's tensors. Its `recipe`
        holds these arguments, for :func:`dpcore.save_model`; without one if it has a
        gnn, which no file can hold.

    Raises:
        ValueError: for an unknown name, or a setting that this model does not have.

    >>> model = build_model("diffpool", num_features=3, num_classes=2)
    >>> [level.assign.layers[-1].weight.size(1) for level in model.levels]
    [38, 10]
    """
    check_settings(name, settings)
    for argument, value in (
        ("num_features", num_features),
        ("num_classes", num_classes),
        ("max_nodes", max_nodes),
        ("hidden", hidden),
    ):
        if value < 1:
            raise ValueError(f"{argument} is {value}, expected at least 1")
    sizes: dict[str, Any] = dict(num_features=num_features, num_classes=num_classes)
    sizes |= dict(max_nodes=max_nodes, hidden=hidden, dropout=dropout)
    model = MODELS[name].build(**sizes, **settings)
    if not {"gnn", "assign_gnn"} & settings.keys():
        model.recipe = {"name": name, **sizes, **settings}
    return model
