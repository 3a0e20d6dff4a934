"""DiffPool (Ying et al., 2018): exact, sparse at level 0, with the tables around it."""

from dpcore.graphs import DenseGraphs, SparseGraphs
from dpcore.layers import GNN
from dpcore.models import build_model
from dpcore.pooling import DiffPool, Pooled, diff_pool
from dpcore.training import cross_validate, evaluate, fit

__version__ = "0.1.0"

__all__ = [
    "GNN",
    "DenseGraphs",
    "DiffPool",
    "Pooled",
    "SparseGraphs",
    "build_model",
    "cross_validate",
    "diff_pool",
    "evaluate",
    "fit",
]
