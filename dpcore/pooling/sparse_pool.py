import torch
from torch import Tensor
from torch_geometric.utils import coalesce, to_dense_batch


def sparse_diff_pool(
    x: Tensor,
    edge_index: Tensor,
    s: Tensor,
    batch: Tensor | None = None,
    edge_weight: Tensor | None = None,
    normalize: bool = True,
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    r"""The differentiable pooling operator from the `"Hierarchical Graph
    Representation Learning with Differentiable Pooling"
    <https://arxiv.org/abs/1806.08804>`_ paper for sparse graphs.

    .. math::
        \mathbf{X}^{\prime} &= {\mathrm{softmax}(\mathbf{S})}^{\top} \cdot
        \mathbf{X}

        \mathbf{A}^{\prime} &= {\mathrm{softmax}(\mathbf{S})}^{\top} \cdot
        \mathbf{A} \cdot \mathrm{softmax}(\mathbf{S})

    Returns what :func:`torch_geometric.nn.dense.dense_diff_pool` returns for
    the same graphs in dense form (see
    :func:`~torch_geometric.utils.to_dense_batch` and
    :func:`~torch_geometric.utils.to_dense_adj`), but never builds an
    :math:`N \times N` matrix, since

    .. math::
        {\| \mathbf{A} - \mathbf{S} \mathbf{S}^{\top} \|}^2_F =
        {\| \mathbf{A} \|}^2_F
        - 2 \, \mathrm{tr}(\mathbf{S}^{\top} \mathbf{A} \mathbf{S})
        + {\| \mathbf{S}^{\top} \mathbf{S} \|}^2_F.

    The cost is linear in the number of edges and (padded) nodes. The three
    terms nearly cancel for a good clustering and are therefore added up in
    double precision.

    Args:
        x (torch.Tensor): Node features
            :math:`\mathbf{X} \in \mathbb{R}^{N \times F}`.
        edge_index (torch.Tensor): The edge indices. Duplicated edges add up.
        s (torch.Tensor): Assignment scores
            :math:`\mathbf{S} \in \mathbb{R}^{N \times C}` with number of
            clusters :math:`C`. The softmax does not have to be applied
            before-hand, since it is executed within this method.
        batch (torch.Tensor, optional): The batch vector, sorted, which assigns
            each node to a specific graph. (default: :obj:`None`)
        edge_weight (torch.Tensor, optional): One-dimensional edge weights.
            (default: :obj:`None`)
        normalize (bool, optional): If set to :obj:`False`, the link
            prediction loss is not divided by the number of entries of the
            dense adjacency tensor. (default: :obj:`True`)

    Shapes:
        - **output:** pooled features :math:`(B, C, F)`, coarsened adjacency
          :math:`(B, C, C)`, link prediction loss and entropy loss (scalars)

    :rtype: (:class:`torch.Tensor`, :class:`torch.Tensor`,
        :class:`torch.Tensor`, :class:`torch.Tensor`)
    """
    s = torch.softmax(s, dim=-1)

    weight = s.new_ones(edge_index.size(1)) if edge_weight is None else edge_weight
    # In any case `double`: a norm near zero is a difference of large numbers.
    edge_index, weight = coalesce(
        edge_index, weight.double(), num_nodes=s.size(0), reduce="sum"
    )
    row, col = edge_index
    wide = s.double()
    propagated = torch.zeros_like(wide).index_add(
        0, row, weight.unsqueeze(-1) * wide[col]
    )  # A S

    padded, mask = to_dense_batch(wide, batch)  # [B, N_max, C]
    out = to_dense_batch(s, batch)[0].transpose(1, 2) @ to_dense_batch(x, batch)[0]
    out_adj = padded.transpose(1, 2) @ to_dense_batch(propagated, batch)[0]

    gram = padded.transpose(1, 2) @ padded
    trace = out_adj.diagonal(dim1=1, dim2=2).sum()
    positive = weight.square().sum() + gram.square().sum()
    square = positive - 2 * trace
    # The norm has no derivative at zero, and rounding may take it below:
    above = square > 8 * torch.finfo(square.dtype).eps * positive
    link_loss = torch.where(above, square, 1.0).sqrt() * above
    if normalize:
        link_loss = link_loss / (mask.size(0) * mask.size(1) ** 2)

    ent_loss = (-s * torch.log(s + 1e-15)).sum() / mask.numel()

    return out, out_adj.to(s.dtype), link_loss.to(s.dtype), ent_loss
