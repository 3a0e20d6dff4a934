"""Graph classifiers by name: DiffPool, its variants, and the models beside it."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import partial

from torch import Tensor, nn

from dpcore.graphs import SparseGraphs
from dpcore.models.diffpool import DiffPoolClassifier, num_clusters
from dpcore.models.ecc import ECCClassifier
from dpcore.models.flat import FlatClassifier
from dpcore.models.gin import GINClassifier
from dpcore.models.output import Output
from dpcore.models.patchysan import PatchySanClassifier, sequence_width
from dpcore.models.set2set import Set2SetClassifier
from dpcore.models.sortpool import SortPoolClassifier, kept_nodes

__all__ = [
    "MODELS",
    "DiffPoolClassifier",
    "ECCClassifier",
    "FlatClassifier",
    "GINClassifier",
    "Output",
    "PatchySanClassifier",
    "Set2SetClassifier",
    "SortPoolClassifier",
    "accepted_settings",
    "build_model",
    "data_settings",
    "fixed_settings",
    "num_clusters",
]


def _diffpool(
    max_nodes: int,
    ratio: float = 0.25,
    levels: int = 2,
    per_graph: bool = False,
    **settings,
) -> DiffPoolClassifier:
    clusters = num_clusters(max_nodes, ratio, levels)
    own = ratio if per_graph else None
    return DiffPoolClassifier(clusters=clusters, ratio=own, **settings)


def _flat(max_nodes: int, **settings) -> FlatClassifier:
    return FlatClassifier(**settings)


def _of_any_size(model: type[nn.Module]) -> Callable[..., nn.Module]:
    """A builder of a model that does not ask how large graphs are."""

    def build(max_nodes: int, **settings) -> nn.Module:
        return model(**settings)

    build.__annotations__["return"] = model
    return build


_NO_LOSSES = dict(link_weight=0.0, entropy_weight=0.0)
_S2V = dict(conv="s2v", self_loops="add")

MODELS: dict[str, Callable[..., nn.Module]] = {
    "diffpool": _diffpool,
    "diffpool-nolp": partial(_diffpool, link_weight=0.0),
    "diffpool-noentropy": partial(_diffpool, entropy_weight=0.0),
    "diffpool-det": partial(_diffpool, assignments="heavy-edge", **_NO_LOSSES),
    "diffpool-random": partial(_diffpool, assignments="random", **_NO_LOSSES),
    "diffpool-hard": partial(_diffpool, assignments="hard"),
    "s2v": partial(_diffpool, levels=0, ratio=1.0, **_S2V, **_NO_LOSSES),
    "s2v-1diffpool": partial(_diffpool, levels=1, **_S2V),
    "s2v-2diffpool": partial(_diffpool, levels=2, **_S2V),
    "gcn-mean": partial(_flat, conv="gcn", readout="mean"),
    "gcn-max": partial(_flat, conv="gcn", readout="max"),
    "gcn-sum": partial(_flat, conv="gcn", readout="sum"),
    "gin": _of_any_size(GINClassifier),
    "graphsage": partial(_flat, conv="sage", readout="mean"),
    "ecc": _of_any_size(ECCClassifier),
    "set2set": partial(_of_any_size(Set2SetClassifier), conv="sage"),
    "sortpool": _of_any_size(SortPoolClassifier),
    "patchysan": _of_any_size(PatchySanClassifier),
    "mlp": partial(_flat, conv="none", readout="sum"),
    "graphsage-max": partial(_flat, conv="sage", readout="max"),
    "graphsage-sum": partial(_flat, conv="sage", readout="sum"),
    "graphsage-blind": partial(_flat, conv="sage-none", readout="mean"),
    "graphsage-blind-max": partial(_flat, conv="sage-none", readout="max"),
    "graphsage-blind-sum": partial(_flat, conv="sage-none", readout="sum"),
}


def _width(attributes: Tensor | None) -> int:
    return 0 if attributes is None else attributes.size(1)


FROM_DATA: dict[str, Callable[[SparseGraphs], dict]] = {
    "ecc": lambda graphs: {"edge_features": _width(graphs.edge_attr)},
    "patchysan": lambda graphs: {"width": sequence_width(graphs.sizes)},
    "sortpool": lambda graphs: {"k": kept_nodes(graphs.sizes)},
}
"""Settings that a row takes from its data set."""


def data_settings(name: str, graphs: SparseGraphs) -> dict:
    """The settings for :func:`build_model` that follow from a data set's graphs, where
    the row has any: sizes and widths, nothing that labels decide.

    >>> import torch
    >>> x, edges = torch.ones(25, 1), torch.empty(2, 0, dtype=torch.long)
    >>> data_settings("sortpool", SparseGraphs.from_edge_index(x, edges))
    {'k': 25}
    """
    return FROM_DATA[name](graphs) if name in FROM_DATA else {}


def fixed_settings(name: str) -> set[str]:
    """The settings that a model's name decides, so that none may be passed.

    >>> sorted(fixed_settings("mlp")), sorted(fixed_settings("diffpool"))
    (['conv', 'readout'], [])
    """
    return set(getattr(MODELS[name], "keywords", {}))


def accepted_settings(name: str) -> set[str]:
    """The settings that a model takes beside the sizes of the data.

    They are the arguments of its factory and, where the factory hands the others on,
    those of the class that it is annotated to return; less what the name fixes.

    >>> accepted_settings("mlp") - {"max_nodes"} == {"hidden", "num_layers", "dropout"}
    True
    """
    factory = getattr(MODELS[name], "func", MODELS[name])
    signature = inspect.signature(factory, eval_str=True)
    parameters = list(signature.parameters.values())
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        made = inspect.signature(signature.return_annotation)
        parameters += made.parameters.values()
    names = {p.name for p in parameters if p.kind is not p.VAR_KEYWORD}
    return names - fixed_settings(name) - {"num_features", "num_classes"}


def build_model(
    name: str,
    *,
    num_features: int,
    num_classes: int,
    max_nodes: int = 150,
    hidden: int = 64,
    dropout: float = 0.6,
    **settings,
) -> nn.Module:
    """A graph classifier by its name in the tables.

    Args:
        name: diffpool; diffpool-nolp (no link prediction loss); diffpool-noentropy;
            diffpool-hard (every node wholly in its likeliest cluster), diffpool-det
            (heavy-edge clusters), diffpool-random (random ones), the last two not
            learned and without losses; s2v (Structure2Vec), s2v-1diffpool and
            s2v-2diffpool (Structure2Vec as the GNNs of one or two levels);
            gcn-mean, gcn-max, gcn-sum (flat readouts of the same GNN); graphsage (SAGE
            layers, mean readout); ecc (edges with labels, a matrix for each); set2set
            (SAGE layers, a readout that attends);
            sortpool (nodes sorted by what was learned, then 1-D convolutions);
            patchysan (nodes in a canonical order, then 1-D convolutions); gin (sums
            over neighbours and over nodes); mlp (structure-blind: sum readout of single
            nodes); graphsage-blind (graphsage on graphs without edges).
        num_features, num_classes: of the data set.
        max_nodes: sets the number of clusters, ceil(ratio · max_nodes); larger graphs
            work as well, no node is dropped. 150 as in the slide deck.
        hidden: width of every layer; 64 as in the slide deck.
        dropout: after every convolution; 0.6 as in the slide deck.
        settings: ratio=0.25, levels=2 and per_graph=False (DiffPool only; True gives
            a graph of n nodes ceil(ratio · n) clusters, so that a small graph shrinks
            as much as a large one); num_layers=3; conv="gcn" or
            "sage"; self_loops="add" (DiffPool only; "replace" for the deck's own).

    Returns:
        The model; its `recipe` holds these arguments, for :func:`dpcore.save_model`.

    Raises:
        ValueError: for an unknown name, or a setting that this model does not have.

    >>> model = build_model("diffpool", num_features=3, num_classes=2)
    >>> [level.assign.layers[-1].weight.size(1) for level in model.levels]
    [38, 10]
    """
    if name not in MODELS:
        raise ValueError(f"name is {name!r}, expected one of {', '.join(MODELS)}")
    for argument, value in (
        ("num_features", num_features),
        ("num_classes", num_classes),
        ("max_nodes", max_nodes),
        ("hidden", hidden),
    ):
        if value < 1:
            raise ValueError(f"{argument} is {value}, expected at least 1")
    fixed = fixed_settings(name) & settings.keys()
    if fixed:
        raise ValueError(f"{name} does not take {', '.join(fixed)}: its name fixes it")
    sizes = dict(num_features=num_features, num_classes=num_classes)
    settings = (
        dict(sizes, max_nodes=max_nodes, hidden=hidden, dropout=dropout) | settings
    )
    try:
        model = MODELS[name](**settings)
    except TypeError as error:
        raise ValueError(f"{name} does not take these settings: {error}") from error
    model.recipe = {"name": name, **settings}
    return model
