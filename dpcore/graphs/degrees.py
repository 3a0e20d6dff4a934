"""An adjacency divided by its degrees: what convolutions and means propagate with."""

from __future__ import annotations

import torch
from torch import Tensor

from dpcore.graphs.csr import Csr
from dpcore.graphs.dense import inverse_power


def over_degrees(adjacency: Csr, kind: str) -> Csr:
    """D⁻¹ A for "mean"; D̃^−½ Ã D̃^−½ for "add" and "replace"."""
    if kind == "mean":
        scale = inverse_power(_row_sums(adjacency), 1.0)
        return adjacency.scaled(scale, torch.ones_like(scale))
    row, col, weight = adjacency.row, adjacency.col, adjacency.value
    if kind == "replace":
        keep = row != col
        row, col, weight = row[keep], col[keep], weight[keep]
    loop = torch.arange(adjacency.shape[0], device=row.device)
    index = torch.stack([torch.cat([row, loop]), torch.cat([col, loop])])
    weight = torch.cat([weight, weight.new_ones(len(loop))])
    with_loops = Csr.from_coo(index, weight, adjacency.shape)
    scale = inverse_power(_row_sums(with_loops), 0.5)
    return with_loops.scaled(scale, scale)


def _row_sums(matrix: Csr) -> Tensor:
    total = matrix.value.new_zeros(matrix.shape[0])
    return total.index_add(0, matrix.row, matrix.value)
