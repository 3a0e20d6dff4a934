"""Attributes on one scale, by the training part's statistics alone."""

from __future__ import annotations

from torch import Tensor

from dpcore.graphs import SparseGraphs


def standardized(graphs: SparseGraphs, columns: int, train: Tensor) -> SparseGraphs:
    """The same graphs; the first columns of `x` have mean 0 and sd 1 on `train`.

    Mean and standard deviation (n in the denominator) are taken over the nodes of the
    graphs `train`: nothing of the other graphs enters them. A column that is constant
    there is centred and not scaled. The other columns, such as one-hot labels, stay.

    Args:
        graphs: the whole data set.
        columns: how many columns are attributes; they come first in `x`, as in
            :func:`dpcore.load_dataset`. 0 hands back the graphs.
        train: indices of the training graphs.

    Raises:
        ValueError: for a number of columns that `x` does not have.

    >>> import torch
    >>> x, edges = torch.tensor([[1.0, 1], [3, 0]]), torch.empty(2, 0).long()
    >>> pair = SparseGraphs.from_edge_index(x, edges)
    >>> standardized(pair, 1, torch.tensor([0])).x.tolist()
    [[-1.0, 1.0], [1.0, 0.0]]
    """
    if not 0 <= columns <= graphs.x.size(1):
        raise ValueError(
            f"standardize is {columns}, expected 0 to {graphs.x.size(1)}, the columns "
            "of x"
        )
    if columns == 0:
        return graphs
    seen = graphs.select(train).x[:, :columns].double()
    deviation = seen.std(0, correction=0)
    deviation[deviation == 0] = 1.0
    x = graphs.x.clone()
    x[:, :columns] = ((x[:, :columns].double() - seen.mean(0)) / deviation).to(x)
    return SparseGraphs.from_edge_index(
        x,
        graphs.edge_index,
        graphs.batch,
        graphs.edge_weight,
        graphs.y,
        graphs.edge_attr,
    )
