"""Where the graphs come from: one function that finds a TU data set and checks it.

Sources, in this order: the cache, the mirror, the official server, and, for MUTAG,
the copy that the ``grakel`` wheel ships. Whatever comes is compared with `EXPECTED`
before anybody sees it, and enters the cache whole or not at all.

MUTAG is the compounds of Debnath et al. (1991), taken from cdb.ics.uci.edu and made
into graphs, says its README. grakel's licence is BSD; the data in it state no licence
of their own, which is why dpcore reads that copy and carries none.
"""

from __future__ import annotations

import importlib.util
import operator
import os
import sys
import warnings
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, SupportsIndex, overload

import torch
import torch.nn.functional as F
from torch import Tensor
from torch_geometric.data import Data
from torch_geometric.datasets import TUDataset
from torch_geometric.utils import degree

from dpcore.data.archives import (
    DatasetCorrupt,
    NoAnswer,
    NotHere,
    check_as_first,
    count,
    fetch,
    install,
    read_cached,
    read_folder,
)
from dpcore.data.expected import EXPECTED, known_name

__all__ = [
    "EXPECTED",
    "DatasetCorrupt",
    "DatasetUnavailable",
    "GraphDataset",
    "cache_folder",
    "describe",
    "load_dataset",
]

MAX_DEGREE = 63
"""Degrees above this share the last column of the degree features.

Without a cap REDDIT-BINARY would need thousands of columns. With it every data set
has the same 64, enough for 99.9 % of the nodes of IMDB-BINARY and 71 % of COLLAB's.
"""

MIRROR_SECONDS, SERVER_SECONDS = 5.0, 9.0
"""How long a silent mirror and a silent server are waited for: together under 15 s."""


class DatasetUnavailable(RuntimeError):
    """No source had the data set. The first line of the text says what was tried and
    why it failed, the lines below it are the three ways out."""


class GraphDataset(Sequence):
    """A sequence of `torch_geometric.data.Data`, each a graph with one label.

    An int gives a graph; a slice, a list or LongTensor of indices, or a bool mask
    gives a GraphDataset with the same name, classes and features. Graphs are shared
    between a data set and its parts, as in a list.

    Args:
        graphs: `Data` objects, each with a class number as its `y`.
        name: what the data set is called.
        num_classes: default: the highest label plus one.
        num_features: columns of `x`; default: those of the first graph.
        source: "cache", "mirror", "server", "grakel"; "memory" for your own graphs.

    Attributes:
        labels: LongTensor [len], the class of each graph.

    Raises:
        ValueError: a graph does not have exactly one label.

    >>> from torch_geometric.data import Data
    >>> graphs = [Data(x=torch.ones(n, 2), y=torch.tensor([n % 2])) for n in (3, 4, 5)]
    >>> GraphDataset(graphs, name="tiny")
    GraphDataset('tiny', 3 graphs, 2 classes, 2 features)
    >>> GraphDataset(graphs)[[0, 2]].labels
    tensor([1, 1])
    """

    def __init__(
        self,
        graphs: Iterable[Data],
        name: str = "graphs",
        num_classes: int | None = None,
        num_features: int | None = None,
        source: str = "memory",
    ) -> None:
        self._graphs = list(graphs)
        self.name, self.source = name, source
        labels = [
            _label(f"graphs[{i}].y", graph.y) for i, graph in enumerate(self._graphs)
        ]
        self.labels = torch.cat(labels) if labels else torch.empty(0, dtype=torch.long)
        if num_classes is None:
            num_classes = int(self.labels.max()) + 1 if labels else 0
        if num_features is None:
            num_features = self._graphs[0].num_node_features if labels else 0
        self.num_classes, self.num_features = num_classes, num_features

    def __len__(self) -> int:
        return len(self._graphs)

    @overload
    def __getitem__(self, index: SupportsIndex) -> Data: ...

    @overload
    def __getitem__(self, index: slice | Tensor | Sequence[int]) -> GraphDataset: ...

    def __getitem__(self, index: Any) -> Data | GraphDataset:
        if isinstance(index, slice):
            chosen = self._graphs[index]
        elif hasattr(index, "__len__") and getattr(index, "ndim", 1) != 0:
            chosen = [self._graphs[i] for i in self._positions(index)]
        else:
            return self._graphs[operator.index(index)]
        return GraphDataset(
            chosen, self.name, self.num_classes, self.num_features, self.source
        )

    def _positions(self, index: Any) -> list[int]:
        index = torch.as_tensor(index)
        if index.dim() != 1:
            raise IndexError(f"index: expected one dimension, got {list(index.shape)}")
        if index.dtype == torch.bool:
            if len(index) != len(self):
                raise IndexError(f"mask: expected {len(self)} values, got {len(index)}")
            index = index.nonzero().flatten()
        if index.is_floating_point() and len(index):
            raise IndexError(f"index: expected integers or bools, got {index.dtype}")
        return index.tolist()

    def __repr__(self) -> str:
        return (
            f"GraphDataset({self.name!r}, {len(self)} graphs, {self.num_classes} "
            f"classes, {self.num_features} features)"
        )


def _label(name: str, y: Any) -> Tensor:
    """The one label of a graph, [1]."""
    if not isinstance(y, Tensor) or y.numel() != 1:
        came = f"shape {list(y.shape)}" if isinstance(y, Tensor) else str(y).lower()
        raise ValueError(f"{name}: expected one label, got {came}")
    return y.view(1).long()


def load_dataset(
    name: str,
    fallback: str | None = None,
    *,
    attributes: bool = False,
    edge_labels: bool = False,
) -> GraphDataset:
    """Find a graph classification data set of the TU Dortmund collection.

    Looks in the cache (`$DPCORE_DATA`, else `cache_folder`), then in the mirror
    (`$DPCORE_MIRROR`: a folder, a ``file://`` or an http(s) address that holds
    NAME.zip), then asks the official server (the address in PyG's `TUDataset.url`),
    and last, for MUTAG, takes the copy inside the installed `grakel`. An archive
    NAME.zip that you put into the cache folder yourself is used too.

    Each graph has `x` [nodes, features] (float32), `edge_index` [2, edges] (int64,
    both directions, without self-loops and duplicates, as PyG reads it) and `y` [1].
    `x` is the one-hot node label; data sets without node labels get the one-hot
    degree instead, 64 columns, see `MAX_DEGREE`.

    Args:
        name: of the collection, in any case: one of `EXPECTED`, or any other, such as
            "NCI1", of which dpcore does not know what it must contain: it is compared
            with what it contained when it was first loaded. "D&D" is DD. PROTEINS has
            one attribute a node (and three node labels); PROTEINS_full the same graphs
            with 29: published figures for "PROTEINS" are of either.
        fallback: this data set is loaded instead, with a UserWarning, where `name`
            is nowhere to be had. Default: none, so that no figure is ever made on
            other data than you asked for.
        attributes: put the continuous node attributes before the one-hot columns,
            where PyG's `TUDataset(use_node_attr=True)` has them. Default False:
            most data sets have none.
        edge_labels: put the edge labels, one-hot, into `edge_attr` [edges, labels]:
            of the known data sets only MUTAG has any. Default False: few models read
            them, and PyG's `ToDense` makes a 4-dimensional adjacency of them.

    Raises:
        ValueError: unknown name, or attributes or edge labels of a data set that has
            none.
        DatasetUnavailable: no source has it. A silent network costs under 15 s.
        DatasetCorrupt: what came is damaged or is not this data set. No other source
            is tried then, and no fallback taken.

    >>> graphs = load_dataset("MUTAG")
    >>> graphs
    GraphDataset('MUTAG', 188 graphs, 2 classes, 7 features)
    >>> graphs[0]
    Data(x=[17, 7], edge_index=[2, 38], y=[1])
    """
    name = known_name(name)
    fallback = name if fallback is None else known_name(fallback)
    if attributes and EXPECTED.get(name, {}).get("attributes") == 0:
        raise ValueError(f"attributes: {name} has no node attributes")
    if edge_labels and EXPECTED.get(name, {}).get("edge_labels") == 0:
        raise ValueError(f"edge_labels: {name} has no edge labels")
    down: set[str] = set()
    try:
        return _load(name, attributes, edge_labels, down)
    except DatasetUnavailable as error:
        if fallback == name:
            raise
        reason = str(error).splitlines()[0]
        keep = attributes and bool(EXPECTED.get(fallback, {}).get("attributes"))
        dataset = _load(fallback, keep, edge_labels, down)
    without = " without node attributes" if attributes and not keep else ""
    warnings.warn(
        f"using {fallback}{without} in place of {name}: {reason}", stacklevel=2
    )
    return dataset


def describe(dataset: GraphDataset) -> dict[str, Any]:
    """Count what a data set contains: plain ints, lists and texts, fit for JSON.

    `edges` counts directed edges: an undirected edge is two. `median_nodes` is the
    lower median, so that it is a size that occurs.

    Raises:
        ValueError: the data set is empty.

    >>> describe(load_dataset("MUTAG"))["label_counts"]
    [63, 125]
    """
    if not len(dataset):
        raise ValueError("dataset: expected at least one graph, got none")
    sizes = torch.tensor([graph.num_nodes for graph in dataset])
    edges = sum(graph.num_edges for graph in dataset)
    facts = count(sizes, edges, dataset.labels, dataset.num_classes)
    origin = {"features": dataset.num_features, "source": dataset.source}
    return {"name": dataset.name, **facts, **origin}


def cache_folder() -> Path:
    """The folder of the cache: `$DPCORE_DATA`, else the platform's per-user place."""
    if os.environ.get("DPCORE_DATA"):
        return Path(os.environ["DPCORE_DATA"]).expanduser()
    if sys.platform == "win32":
        base = os.environ.get("LOCALAPPDATA") or Path.home() / "AppData/Local"
    elif sys.platform == "darwin":
        base = Path.home() / "Library/Caches"
    else:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "dpcore"


def _load(
    name: str, attributes: bool, edge_labels: bool, down: set[str]
) -> GraphDataset:
    """Ask one source after the other. `down` collects the addresses without answer."""
    cache, mirror = cache_folder(), os.environ.get("DPCORE_MIRROR")
    installed = cache / f"{name}.v2.pt"
    steps = [
        ("cache", lambda: read_cached(installed, name)),
        ("cache", lambda: fetch(str(cache), name, 0)),
        ("mirror", lambda: _from_address(mirror, name, MIRROR_SECONDS, down)),
        ("server", lambda: _from_address(TUDataset.url, name, SERVER_SECONDS, down)),
    ]
    if name == "MUTAG":
        steps.append(("grakel", lambda: _from_grakel(name)))
    tried = []
    for source, find in steps:
        try:
            tensors = find()
        except NotHere as reason:
            tried.append(f"{source}: {reason}")
            continue
        if name not in EXPECTED:
            check_as_first(tensors, name, cache / f"{name}.seen.json")
        if find is not steps[0][1]:
            install(tensors, installed)
        return _build(tensors, name, attributes, edge_labels, source)
    third = 'take MUTAG instead: fallback="MUTAG" (in commands: --fallback MUTAG)'
    if name == "MUTAG":
        third = "pip install 'dpcore[book]': its grakel ships a copy of MUTAG"
    raise DatasetUnavailable(
        f"{name} could not be loaded ({'; '.join(tried)})\n"
        f"  1. set DPCORE_MIRROR to a folder or an address that holds {name}.zip, or\n"
        f"  2. put {name}.zip into {cache}, or\n"
        f"  3. {third}"
    )


def _from_address(
    base: str | None, name: str, seconds: float, down: set[str]
) -> dict[str, Tensor]:
    if not base:
        raise NotHere("DPCORE_MIRROR is not set")
    if base in down:
        raise NotHere(f"{base}: gave no answer a moment ago")
    try:
        return fetch(base, name, seconds)
    except NoAnswer:
        down.add(base)
        raise


def _from_grakel(name: str) -> dict[str, Tensor]:
    spec = importlib.util.find_spec("grakel")  # finds it without importing it
    if spec is None or not spec.submodule_search_locations:
        raise NotHere("not installed")
    folder = Path(spec.submodule_search_locations[0]) / "tests" / "data" / name
    if not folder.is_dir():
        raise NotHere(f"{folder}: no such folder")
    return read_folder(folder, name, str(folder))


def _build(
    tensors: dict[str, Tensor],
    name: str,
    attributes: bool,
    edge_labels: bool,
    source: str,
) -> GraphDataset:
    sizes = tensors["sizes"].tolist()
    counts = tensors["edge_counts"].tolist()
    edges = tensors["edge_index"].long().split(counts, dim=1)
    if "node_labels" in tensors:
        columns = int(tensors["node_labels"].max()) + 1
        hot = list(tensors["node_labels"].split(sizes))
    else:
        columns, pairs = MAX_DEGREE + 1, zip(edges, sizes, strict=True)
        hot = [degree(e[0], n, torch.long).clamp(max=MAX_DEGREE) for e, n in pairs]
    for kind, wanted in (("attributes", attributes), ("edge_labels", edge_labels)):
        if wanted and kind not in tensors and name not in EXPECTED:
            raise ValueError(f"{kind}: {name} has no {kind.replace('_', ' ')}")
    features = [F.one_hot(values, columns).float() for values in hot]
    if attributes:
        parts = zip(tensors["attributes"].split(sizes), features, strict=True)
        features = [torch.cat(part, dim=1) for part in parts]
    # Clones: a view would drag the whole data set along when one graph is pickled.
    rows = zip(features, edges, tensors["y"].split(1), strict=True)
    graphs = [Data(x=x, edge_index=e.clone(), y=y.clone()) for x, e, y in rows]
    if edge_labels and "edge_labels" in tensors:
        of_edges = F.one_hot(tensors["edge_labels"])
        parts = of_edges.float().split(counts)
        for graph, edge_attr in zip(graphs, parts, strict=True):
            graph.edge_attr = edge_attr.clone()
    return GraphDataset(graphs, name, int(tensors["y"].max()) + 1, source=source)
