"""What a batch of graphs can be asked, in either form.

`SparseGraphs` holds level 0 of a batch: a disjoint union, one block-diagonal sparse
matrix, never padded to n×n. `DenseGraphs` holds a batch after pooling: every graph has
the same k clusters, so [B, k, d] and [B, k, k] waste nothing. Layers, the pooling
operator and the losses use only what both share and are written once.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple, Protocol

from torch import Tensor


class EdgeList(NamedTuple):
    """The edges of a batch in PyG's words; its nodes are numbered through all graphs,
    and rows that are no nodes have no number.

    Attributes:
        edge_index: row and column of every entry of A, [2, E].
        edge_weight: the entries, [E].
        edge_attr: their attributes [E, a], or None.
        batch: the graph of every node, [N].
    """

    edge_index: Tensor
    edge_weight: Tensor
    edge_attr: Tensor | None
    batch: Tensor


class Graphs(Protocol):
    """A batch of B graphs with one row a node: [N, …] in the sparse form, where all
    graphs' nodes follow each other, [B, k, …] in the dense one."""

    @property
    def x(self) -> Tensor:
        """Node features, [N, f] or [B, k, f]."""
        ...

    @property
    def sizes(self) -> Tensor:
        """Nodes of every graph, [B]."""
        ...

    @property
    def mask(self) -> Tensor | None:
        """True for the rows that are nodes, [B, k]; None where all are."""
        ...

    @property
    def edge_attr(self) -> Tensor | None:
        """Attributes of the edges, [E, a] or [B, k, k, a], or None."""
        ...

    @property
    def num_graphs(self) -> int:
        """Graphs of the batch, B."""
        ...

    @property
    def num_nodes(self) -> int:
        """Nodes of all graphs together."""
        ...

    def edge_list(self) -> EdgeList:
        """The edges, as PyG has them."""
        ...

    def propagate(self, h: Tensor) -> Tensor:
        """A·H: every node adds up its neighbours' rows."""
        ...

    def propagate_attributes(self, h: Tensor) -> Iterator[Tensor]:
        """(A ∘ E_r)·H for every attribute r of the edges, E_r its values; nothing where
        the edges have none."""
        ...

    def contract(self, s: Tensor, h: Tensor) -> Tensor:
        """S_gᵀ·H_g for every graph g, [B, k, d]."""
        ...

    def sum(self, h: Tensor) -> Tensor:
        """The sum over the nodes of every graph, [B, …]."""
        ...

    def max(self, h: Tensor) -> Tensor:
        """The largest value of each column over the nodes of every graph, [B, d]."""
        ...

    def mean(self, h: Tensor) -> Tensor:
        """The mean over the nodes of every graph, [B, …]."""
        ...

    def of_nodes(self, of_graphs: Tensor) -> Tensor:
        """What is known of a graph, [B, …], for each of its nodes."""
        ...

    def only_nodes(self, h: Tensor, fill: float = 0.0) -> Tensor:
        """H with the rows that are no nodes set to `fill`."""
        ...

    def squared_norm(self) -> Tensor:
        """‖A_g‖²_F of every graph, [B], in float64."""
        ...

    def normalized(self, self_loops: str = "add") -> Graphs:
        """The same graphs with D̃^−½ Ã D̃^−½ for their adjacency."""
        ...

    def averaged(self) -> Graphs:
        """The same graphs with D⁻¹ A for their adjacency."""
        ...
