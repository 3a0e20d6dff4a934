"""DiffPool (Ying et al., 2018): exact, sparse at level 0, with the tables around it."""

from dpcore.graphs import DenseGraphs, SparseGraphs
from dpcore.layers import GNN
from dpcore.pooling import DiffPool, Pooled, diff_pool

__version__ = "0.1.0"

__all__ = ["GNN", "DenseGraphs", "DiffPool", "Pooled", "SparseGraphs", "diff_pool"]
