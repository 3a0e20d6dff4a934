"""Level 0 of a batch: a disjoint union, one block-diagonal sparse matrix."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

import torch
from torch import Tensor

from dpcore.graphs.checks import (
    check_features,
    checked_batch,
    checked_edges,
    is_integer,
)
from dpcore.graphs.collate import collated, summed_over_duplicates
from dpcore.graphs.csr import Csr, Pieces, offsets
from dpcore.graphs.degrees import over_degrees
from dpcore.graphs.dense import check_self_loops
from dpcore.graphs.products import LARGE, Chunks, GraphProducts, membership
from dpcore.graphs.verbs import EdgeList


@dataclass(frozen=True, eq=False, repr=False)
class SparseGraphs:
    """B graphs with N nodes in all as one disjoint union.

    Build one with :meth:`from_data_list` or :meth:`from_edge_index`. It cannot be
    changed afterwards, so that nothing computed from it and kept can be out of date.

    Attributes:
        x: node features [N, f].
        adjacency: the block-diagonal matrix A [N, N]; A[i, j] is the weight of the
            edge from i to j, duplicates added up.
        ptr: first node of every graph and the end, [B + 1].
        y: graph labels [B], or None.
        attributes: of the entries of A [E, a], or None; read them as `edge_attr`.
        source: what these graphs were selected from, if anything: what is computed
            once is computed there and cut out.

    >>> x = torch.eye(3)
    >>> edges = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])
    >>> path = SparseGraphs.from_edge_index(x, edges)
    >>> path.propagate(x)
    tensor([[0., 1., 0.],
            [1., 0., 1.],
            [0., 1., 0.]])
    """

    x: Tensor
    adjacency: Csr
    ptr: Tensor
    y: Tensor | None = None
    attributes: Tensor | None = None
    source: Source | None = None

    @classmethod
    def from_edge_index(
        cls,
        x: Tensor,
        edge_index: Tensor,
        batch: Tensor | None = None,
        edge_weight: Tensor | None = None,
        y: Tensor | None = None,
        edge_attr: Tensor | None = None,
    ) -> SparseGraphs:
        """From PyG's own tensors.

        Args:
            x: node features [N, f], finite floats.
            edge_index: [2, E], integers in 0 … N-1; an undirected edge stands twice.
                Duplicates add up and self-loops count, as in an adjacency matrix.
            batch: the graph of every node [N], non-decreasing, no number left out;
                None for a single graph.
            edge_weight: [E] finite floats, 1 where None. Constants of the data: a
                weight that requires a gradient is refused, since it would get none.
            y: labels [B].
            edge_attr: attributes of the edges [E, a], such as one-hot bond types;
                those of duplicates add up.

        Raises:
            ValueError: naming the argument, what came and what was expected.
        """
        check_features(x)
        nodes = x.size(0)
        batch = checked_batch(batch, x)
        weight = checked_edges(edge_index, edge_weight, batch, x)
        sizes = torch.bincount(batch)
        if y is not None and y.numel() != sizes.numel():
            raise ValueError(f"y has {y.numel()} labels for {sizes.numel()} graphs")
        if edge_attr is not None:
            edge_attr = summed_over_duplicates(edge_index, edge_attr, nodes)
        return cls(
            x,
            Csr.from_coo(edge_index, weight, (nodes, nodes)),
            offsets(sizes),
            None if y is None else y.view(-1),
            edge_attr,
        )

    @classmethod
    def from_data_list(cls, graphs: Sequence) -> SparseGraphs:
        """From PyG `Data` objects with `x` and `edge_index`; `edge_weight`, `edge_attr`
        and `y` are used where they are set: for all graphs or for none.

        Raises:
            ValueError: for an empty list, a graph without nodes or features, and all
                that :meth:`from_edge_index` refuses.
        """
        return cls.from_edge_index(**collated(graphs))

    @property
    def num_graphs(self) -> int:
        return self.ptr.numel() - 1

    @property
    def num_nodes(self) -> int:
        return self.x.size(0)

    @property
    def labels(self) -> Tensor:
        """`y`, of graphs that have labels.

        Raises:
            ValueError: for graphs without.
        """
        if self.y is None:
            raise ValueError("the graphs have no labels: every graph needs data.y")
        return self.y

    @property
    def sizes(self) -> Tensor:
        """Nodes of every graph, [B]."""
        return self._sizes

    @cached_property
    def batch(self) -> Tensor:
        """The graph of every node, [N]."""
        graphs = torch.arange(self.num_graphs, device=self.ptr.device)
        return graphs.repeat_interleave(self.sizes, output_size=self.num_nodes)

    @property
    def edge_index(self) -> Tensor:
        """Row and column of every entry of A, sorted, [2, E]."""
        return torch.stack([self.adjacency.row, self.adjacency.col])

    @property
    def edge_weight(self) -> Tensor:
        """The entries of A, in the order of `edge_index`, [E]."""
        return self.adjacency.value

    @property
    def edge_attr(self) -> Tensor | None:
        """The edges' attributes in the order of `edge_index`, [E, a], or None.

        Raises:
            ValueError: for normalised graphs with self-loops that the graphs did not
                have: no attributes are known of them.
        """
        found = self._attributes
        if found is not None and len(found) != len(self.edge_weight):
            raise ValueError(
                "the self-loops that normalized() adds have no attributes: read "
                "edge_attr of the graphs themselves"
            )
        return found

    @cached_property
    def _attributes(self) -> Tensor | None:
        """`edge_attr`, or a tensor of another length where it is to be refused."""
        if self.source is None:
            return self.attributes
        whole, nodes = self.source
        found = whole._attributes
        if found is None:
            return self.attributes
        if len(found) != len(whole.edge_weight):
            return found[:0]
        return found[whole.adjacency.entries(nodes).index]

    def edge_list(self) -> EdgeList:
        """The edges as PyG has them; see `EdgeList`."""
        return EdgeList(self.edge_index, self.edge_weight, self.edge_attr, self.batch)

    def computed_once(
        self, key: str, compute: Callable[[SparseGraphs], Tensor]
    ) -> Tensor:
        """A tensor with a row a node, [N, …], that only the graphs decide: computed
        once for a whole data set and cut out for the batches selected from it.

        Args:
            key: its name, parameters of the computation included.
            compute: gets these graphs; a node's row must depend on its own graph only.
        """
        if key not in self._kept:
            if self.source is None:
                self._kept[key] = compute(self)
            else:
                whole, nodes = self.source
                self._kept[key] = whole.computed_once(key, compute)[nodes.index]
        return self._kept[key]

    @property
    def mask(self) -> Tensor | None:
        """Always None, since every row is a node; see `DenseGraphs.mask`."""
        return None

    def propagate(self, h: Tensor) -> Tensor:
        """A·H for H [N, d]: every node adds up its neighbours' rows. In a directed
        graph these are the nodes that its edges lead to, as in PyG's dense layers."""
        self._check_rows("h", h)
        return self.adjacency @ h

    def propagate_attributes(self, h: Tensor) -> Iterator[Tensor]:
        """(A ∘ E_r)·H for every attribute r of the edges; see `Graphs`."""
        if self.edge_attr is not None:
            row, col = self.edge_index
            for attribute in self.edge_attr.unbind(-1):
                mass = (self.edge_weight * attribute).to(h.dtype).unsqueeze(1)
                yield torch.zeros_like(h).index_add(0, row, mass * h[col])

    def contract(self, s: Tensor, h: Tensor) -> Tensor:
        """S_gᵀ·H_g for every graph g: S [N, k], H [N, d] → [B, k, d].

        Small graphs are cut into chunks of equal length, the chunks are multiplied in
        one batched product and added up: no loop over graphs, and a graph's result
        does not depend on the sizes of the others. Large graphs are multiplied one by
        one, without a copy: the loop no longer shows beside the products.
        """
        self._check_rows("s", s)
        self._check_rows("h", h)
        if self.num_nodes >= LARGE * self.num_graphs:
            return GraphProducts.apply(s, h, self.sizes.tolist())
        return self._chunks.contract(s, h)

    def sum(self, h: Tensor) -> Tensor:
        """The sum of H's rows over the nodes of every graph: [N, …] → [B, …]."""
        self._check_rows("h", h)
        if self.num_graphs == 1:  # torch adds up a column in pairs: no drift
            return h.sum(0, keepdim=True)
        total = self._membership @ h.reshape(self.num_nodes, -1)
        return total.view(self.num_graphs, *h.shape[1:])

    def max(self, h: Tensor) -> Tensor:
        """The largest value of each column over the nodes of every graph, [B, d]."""
        self._check_rows("h", h)
        index = self.batch.unsqueeze(1).expand_as(h)
        lowest = h.new_full((self.num_graphs, h.size(1)), -torch.inf)
        return lowest.scatter_reduce(0, index, h, "amax", include_self=False)

    def mean(self, h: Tensor) -> Tensor:
        """The mean of H's rows over the nodes of every graph: [N, …] → [B, …]."""
        total = self.sum(h)
        return total / self.sizes.view(-1, *[1] * (total.dim() - 1)).to(h.dtype)

    def of_nodes(self, of_graphs: Tensor) -> Tensor:
        """What is known of a graph, for each of its nodes: [B, …] → [N, …]."""
        return of_graphs[self.batch]

    def only_nodes(self, h: Tensor, fill: float = 0.0) -> Tensor:
        """H as it is: here every row is a node."""
        return h

    @cached_property
    def _squared_norm(self) -> Tensor:
        if self.source is not None:
            whole, nodes = self.source
            return whole._squared_norm[whole.batch[nodes.start]]
        squares = self.adjacency.value.double().square()
        per_graph = squares.new_zeros(self.num_graphs)
        return per_graph.index_add(0, self.batch[self.adjacency.row], squares)

    def squared_norm(self) -> Tensor:
        """‖A_g‖²_F of every graph, [B], in float64."""
        return self._squared_norm

    def normalized(self, self_loops: str = "add") -> SparseGraphs:
        """The same graphs with D̃^−½ Ã D̃^−½ for adjacency (Kipf and Welling, 2017).

        Ã = A + I for "add"; "replace" sets the diagonal of A to 1, as PyG's
        `DenseGCNConv` does. D̃ holds the row sums of Ã; a node whose row sum is not
        positive (negative weights) sends and receives nothing. Computed once.
        """
        check_self_loops(self_loops)
        return self._form(self_loops)

    def averaged(self) -> SparseGraphs:
        """The same graphs with D⁻¹ A for adjacency: propagating takes the mean over
        the neighbours, weighted by the edges; zero where there are none."""
        return self._form("mean")

    def select(self, graphs: Tensor | Sequence[int]) -> SparseGraphs:
        """The batch of the graphs with these indices [b], in this order.

        Normalised forms are made once for the whole and cut out for the batch: a data
        set is prepared once and its batches cost no more than copying.
        """
        graphs = torch.as_tensor(graphs, device=self.ptr.device)
        if graphs.numel() == 0:
            raise ValueError("graphs is empty: a batch needs at least one graph")
        if graphs.dim() != 1 or not is_integer(graphs):
            raise ValueError(
                f"graphs has shape {list(graphs.shape)} and dtype {graphs.dtype}, "
                "expected [b] integers (of a mask: mask.nonzero().view(-1))"
            )
        if int(graphs.min()) < 0 or int(graphs.max()) >= self.num_graphs:
            raise ValueError(f"graphs holds an index outside 0 … {self.num_graphs - 1}")
        nodes = Pieces(self.ptr[graphs], self.sizes[graphs])
        y = None if self.y is None else self.y[graphs]
        blocks = self.adjacency.diagonal_blocks(nodes)
        source = Source(self, nodes)
        return SparseGraphs(self.x[nodes.index], blocks, nodes.ptr, y, source=source)

    def to_dense(self, graph: int = 0) -> Tensor:
        """A_g [n_g, n_g] of one graph: for small examples and tests."""
        if not 0 <= graph < self.num_graphs:
            raise ValueError(f"graph is {graph}, expected 0 … {self.num_graphs - 1}")
        index, weight = self.edge_index, self.adjacency.value
        inside = self.batch[index[0]] == graph
        size, start = int(self.sizes[graph]), int(self.ptr[graph])
        dense = weight.new_zeros(size, size)
        dense[tuple(index[:, inside] - start)] = weight[inside]
        return dense

    def to(self, device: torch.device | str) -> SparseGraphs:
        """The same graphs on another device, with all that is known of them; these
        graphs themselves where they are there already."""
        x = self.x.to(device)
        if x is self.x:  # torch's own word for it: "cuda" may be "cuda:0" or another
            return self

        def moved(tensor: Tensor | None) -> Tensor | None:
            return None if tensor is None else tensor.to(device)

        adjacency, ptr = self.adjacency.to(device), self.ptr.to(device)
        graphs = SparseGraphs(x, adjacency, ptr, moved(self.y), moved(self._attributes))
        graphs._kept.update({key: kept.to(device) for key, kept in self._kept.items()})
        return graphs

    def __getstate__(self) -> dict[str, Any]:
        """What a copy and a pickle hold: these graphs, not what they were selected
        from, and nothing that can be computed again at no great cost."""
        state = dict(x=self.x, adjacency=self.adjacency, ptr=self.ptr, y=self.y)
        return state | dict(attributes=self._attributes, source=None, _kept=self._kept)

    def __repr__(self) -> str:
        return (
            f"SparseGraphs(graphs={self.num_graphs}, nodes={self.num_nodes}, "
            f"edges={self.adjacency.col.numel()}, features={self.x.size(1)})"
        )

    def _form(self, kind: str) -> SparseGraphs:
        """The graphs with a normalised adjacency, cut out of the source's if any."""
        if kind not in self._forms:
            if self.source is None:
                form = replace(self, adjacency=over_degrees(self.adjacency, kind))
            else:
                whole, nodes = self.source
                whole = whole._form(kind)
                form = replace(
                    self,
                    adjacency=whole.adjacency.diagonal_blocks(nodes),
                    source=Source(whole, nodes),
                )
            self._forms[kind] = form
        return self._forms[kind]

    def _check_rows(self, name: str, h: Tensor) -> None:
        if h.size(0) != self.num_nodes:
            raise ValueError(
                f"{name} has {h.size(0)} rows, expected one for each of the "
                f"{self.num_nodes} nodes"
            )

    @cached_property
    def _sizes(self) -> Tensor:
        return self.ptr.diff()

    @cached_property
    def _forms(self) -> dict[str, SparseGraphs]:
        return {}

    @cached_property
    def _kept(self) -> dict[str, Tensor]:
        """The results of `computed_once`."""
        return {}

    @cached_property
    def _membership(self) -> Csr:
        return membership(self.ptr, self.batch)

    @cached_property
    def _chunks(self) -> Chunks:
        return Chunks(self.ptr, self.sizes)


class Source(NamedTuple):
    """Graphs, and where those that were selected stand among their nodes."""

    whole: SparseGraphs
    nodes: Pieces
