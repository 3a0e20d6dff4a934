"""The pooling operator of DiffPool (Ying et al., 2018), its two losses and its layer.

Exact and never quadratic in the number of nodes: with A sparse,

    ‖A − SSᵀ‖²_F = ‖A‖²_F − 2·tr(SᵀAS) + ‖SᵀS‖²_F

needs O(E·k + n·k²) time and O(E + n·k) memory, and SᵀAS is the coarsened adjacency
that pooling computes anyway.
"""

from dpcore.pooling.operator import (
    REDUCTIONS,
    DiffPool,
    Pooled,
    check_reduction,
    clusters_of_ratio,
    coarsened_attributes,
    diff_pool,
    effective_clusters,
    effective_number,
    entropy_loss,
    lift,
    link_loss,
    shrunk,
)
from dpcore.pooling.sparse_pool import sparse_diff_pool

__all__ = [
    "REDUCTIONS",
    "DiffPool",
    "Pooled",
    "check_reduction",
    "clusters_of_ratio",
    "coarsened_attributes",
    "diff_pool",
    "effective_clusters",
    "effective_number",
    "entropy_loss",
    "lift",
    "link_loss",
    "shrunk",
    "sparse_diff_pool",
]
