"""A batch of graphs in two forms with the same verbs: sparse before pooling, dense
after it."""

from dpcore.graphs.dense import DenseGraphs
from dpcore.graphs.inputs import as_graphs, as_sparse_graphs
from dpcore.graphs.sparse import SparseGraphs
from dpcore.graphs.verbs import Graphs

__all__ = ["DenseGraphs", "Graphs", "SparseGraphs", "as_graphs", "as_sparse_graphs"]
