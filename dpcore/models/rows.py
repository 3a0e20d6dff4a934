"""The rows of the tables as plain data: what each is built by, takes, fixes and reads
off the data.

Nothing here needs torch: a row's class is imported when a model of it is built, so that
a name or a setting can be refused at once.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dpcore.graphs import SparseGraphs
    from dpcore.models.output import Classifier


@dataclass(frozen=True)
class Row:
    """How the model of one row is built.

    Attributes:
        builder: "module:name" below `dpcore.models`, a class or a function that takes
            the sizes of the data and the settings.
        takes: the settings that a caller may pass to it.
        fixes: the settings that the row's name decides.
        from_data: the settings that a data set decides, each with the function of its
            `SparseGraphs`, "module:name": sizes and widths, nothing that labels decide.
        has_clusters: whether the builder asks for `max_nodes`.
    """

    builder: str
    takes: frozenset[str]
    fixes: dict[str, Any] = field(default_factory=dict)
    from_data: dict[str, str] = field(default_factory=dict)
    has_clusters: bool = False

    def build(self, **settings: Any) -> Classifier:
        """The model: `num_features`, `num_classes`, and settings that the row takes."""
        if not self.has_clusters:
            settings.pop("max_nodes", None)
        return _find(self.builder)(**settings, **self.fixes)

    def read(self, graphs: SparseGraphs) -> dict[str, Any]:
        """The settings that these graphs decide."""
        return {name: _find(place)(graphs) for name, place in self.from_data.items()}


def _find(place: str) -> Any:
    module, name = place.split(":")
    try:
        return getattr(import_module(f"dpcore.models.{module}"), name)
    except ModuleNotFoundError as error:
        if error.name != "igraph":
            raise
        raise ModuleNotFoundError(
            f"{module} needs igraph: pip install 'dpcore[experiments]'", name="igraph"
        ) from error


OF_ALL = frozenset({"max_nodes", "hidden", "dropout"})
"""Settings that every row is given; one without clusters has no use for max_nodes."""

_STACK = OF_ALL | {"num_layers"}
_DIFFPOOL = _STACK | set(
    "ratio levels per_graph conv self_loops assignments repair "
    "link_weight entropy_weight reduction".split()
)


_NO_LOSSES: dict[str, Any] = dict(link_weight=0.0, entropy_weight=0.0)
_S2V: dict[str, Any] = dict(conv="s2v", self_loops="add")


def _diffpool(**fixes: Any) -> Row:
    takes = _DIFFPOOL - fixes.keys()
    if fixes.get("conv") != "s2v":
        takes |= {"gnn", "assign_gnn"}
    if fixes.get("link_weight") == 0:
        takes -= {"reduction"}
    return Row("diffpool:of_ratio", takes, fixes, has_clusters=True)


def _flat(conv: str, readout: str) -> Row:
    return Row("flat:FlatClassifier", _STACK, dict(conv=conv, readout=readout))


MODELS: dict[str, Row] = {
    "diffpool": _diffpool(),
    "diffpool-nolp": _diffpool(link_weight=0.0),
    "diffpool-noentropy": _diffpool(entropy_weight=0.0),
    "diffpool-det": _diffpool(assignments="heavy-edge", **_NO_LOSSES),
    "diffpool-random": _diffpool(assignments="random", **_NO_LOSSES),
    "diffpool-hard": _diffpool(assignments="hard"),
    "diffpool-walks": Row(
        "walks:of_ratio",
        _STACK | set("ratio conv assignments link_weight entropy_weight".split()),
        dict(reader="walks", readout=True),
        has_clusters=True,
    ),
    "s2v": _diffpool(levels=0, ratio=1.0, **_S2V, **_NO_LOSSES),
    "s2v-1diffpool": _diffpool(levels=1, **_S2V),
    "s2v-2diffpool": _diffpool(levels=2, **_S2V),
    "gcn-mean": _flat("gcn", "mean"),
    "gcn-max": _flat("gcn", "max"),
    "gcn-sum": _flat("gcn", "sum"),
    "gin": Row("gin:GINClassifier", _STACK),
    "graphsage": _flat("sage", "mean"),
    "ecc": Row(
        "ecc:ECCClassifier",
        _STACK | {"edge_features"},
        from_data={"edge_features": "ecc:edge_width"},
    ),
    "set2set": Row("set2set:Set2SetClassifier", _STACK | {"steps"}, dict(conv="sage")),
    "sortpool": Row(
        "sortpool:SortPoolClassifier",
        _STACK | {"k"},
        from_data={"k": "sortpool:kept_nodes"},
    ),
    "patchysan": Row(
        "patchysan:PatchySanClassifier",
        OF_ALL | {"width", "field"},
        from_data={"width": "patchysan:sequence_width"},
    ),
    "mlp": _flat("none", "sum"),
    "graphsage-max": _flat("sage", "max"),
    "graphsage-sum": _flat("sage", "sum"),
    "graphsage-blind": _flat("sage-none", "mean"),
    "graphsage-blind-max": _flat("sage-none", "max"),
    "graphsage-blind-sum": _flat("sage-none", "sum"),
}
"""Every graph classifier by its name in the tables."""


def data_settings(name: str, graphs: SparseGraphs) -> dict[str, Any]:
    """The settings for :func:`dpcore.build_model` that follow from a data set's graphs,
    where the row has any.

    >>> import torch, dpcore
    >>> x, edges = torch.ones(25, 1), torch.empty(2, 0, dtype=torch.long)
    >>> graphs = dpcore.SparseGraphs.from_edge_index(x, edges)
    >>> data_settings("sortpool", graphs), data_settings("gin", graphs)
    ({'k': 25}, {})
    """
    return MODELS[name].read(graphs)


def fixed_settings(name: str) -> set[str]:
    """The settings that a model's name decides, so that none may be passed.

    >>> sorted(fixed_settings("mlp")), sorted(fixed_settings("diffpool"))
    (['conv', 'readout'], [])
    """
    return set(MODELS[name].fixes)


def accepted_settings(name: str) -> set[str]:
    """The settings that a model takes beside the sizes of the data.

    >>> sorted(accepted_settings("mlp"))
    ['dropout', 'hidden', 'max_nodes', 'num_layers']
    """
    return set(MODELS[name].takes)


def check_settings(name: str, settings: dict[str, Any]) -> None:
    """Refuse a name that is no row's, and settings that its row does not take.

    Raises:
        ValueError: saying which, and what there is.
    """
    if name not in MODELS:
        raise ValueError(f"name is {name!r}, expected one of {', '.join(MODELS)}")
    row = MODELS[name]
    fixed = sorted(row.fixes.keys() & settings.keys())
    if fixed:
        raise ValueError(f"{name} does not take {', '.join(fixed)}: its name fixes it")
    unknown = sorted(settings.keys() - row.takes)
    if unknown:
        raise ValueError(
            f"{name} does not take these settings: {', '.join(unknown)}; it takes "
            f"{', '.join(sorted(row.takes))}"
        )
