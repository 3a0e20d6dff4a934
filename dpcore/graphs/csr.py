"""A constant sparse matrix whose product with a dense one is differentiable."""

from __future__ import annotations

import warnings

import torch
from torch import Tensor

# torch announces once a process that CSR is 'in beta'; its products are stable here.
with warnings.catch_warnings():
    warnings.filterwarnings("ignore", message="Sparse CSR tensor support")
    torch.sparse_csr_tensor([0, 1], [0], [1.0], (1, 1), check_invariants=False)


class Csr:
    """A sparse matrix [rows, columns] in compressed rows, with its transpose.

    It is data, not a parameter: products with it pass gradients to the dense factor
    only. The transpose is kept because the gradient of M·H is Mᵀ·G; a symmetric
    matrix is its own transpose and is stored once.

    >>> matrix = Csr.from_coo(torch.tensor([[0, 1], [2, 0]]), torch.ones(2), (2, 3))
    >>> (matrix @ torch.tensor([[1.0], [2.0], [3.0]])).tolist()
    [[3.0], [1.0]]
    """

    def __init__(self, crow: Tensor, col: Tensor, value: Tensor, num_columns: int):
        self.crow, self.col, self.value = crow, col, value
        self.shape = (crow.numel() - 1, num_columns)
        self.transposed: Csr = self
        self._tensors: dict[torch.dtype, Tensor] = {}

    @classmethod
    def from_coo(cls, index: Tensor, value: Tensor, shape: tuple[int, int]) -> Csr:
        """From entries index [2, E], value [E] in any order; duplicates add up."""
        coo = _coalesced(index, value, shape)
        matrix = cls._from_sorted(coo.indices(), coo.values(), shape)
        flipped = _coalesced(coo.indices().flip(0), coo.values(), shape[::-1])
        if not (
            shape[0] == shape[1]
            and torch.equal(coo.indices(), flipped.indices())
            and torch.equal(coo.values(), flipped.values())
        ):
            matrix.link(
                cls._from_sorted(flipped.indices(), flipped.values(), shape[::-1])
            )
        return matrix

    @classmethod
    def _from_sorted(cls, index: Tensor, value: Tensor, shape: tuple[int, int]) -> Csr:
        per_row = torch.bincount(index[0], minlength=shape[0])
        return cls(offsets(per_row), index[1], value, shape[1])

    def link(self, transposed: Csr) -> Csr:
        """Record `transposed` as this matrix's transpose, and the reverse."""
        self.transposed, transposed.transposed = transposed, self
        return self

    @property
    def symmetric(self) -> bool:
        return self.transposed is self

    @property
    def row(self) -> Tensor:
        """The row of every entry, [E]."""
        rows = torch.arange(self.shape[0], device=self.col.device)
        return rows.repeat_interleave(self.crow.diff())

    def tensor(self, dtype: torch.dtype) -> Tensor:
        """The matrix as a torch CSR tensor of the given dtype (kept for reuse)."""
        if dtype not in self._tensors:
            self._tensors[dtype] = torch.sparse_csr_tensor(
                self.crow,
                self.col,
                self.value.to(dtype),
                self.shape,
                check_invariants=False,
            )
        return self._tensors[dtype]

    def scaled(self, left: Tensor, right: Tensor) -> Csr:
        """diag(left) · M · diag(right), for left [rows] and right [columns]."""
        scaled = self._scaled(left, right)
        if self.symmetric and left is right:
            return scaled
        return scaled.link(self.transposed._scaled(right, left))

    def _scaled(self, left: Tensor, right: Tensor) -> Csr:
        value = self.value * (left[self.row] * right[self.col])
        return Csr(self.crow, self.col, value, self.shape[1])

    def diagonal_blocks(self, nodes: Pieces) -> Csr:
        """The block-diagonal matrix of the blocks that own these runs of nodes."""
        blocks = self._blocks(nodes)
        if self.symmetric:
            return blocks
        return blocks.link(self.transposed._blocks(nodes))

    def entries(self, nodes: Pieces) -> Pieces:
        """Where the entries in the rows of these runs of nodes stand."""
        start = self.crow[nodes.start]
        return Pieces(start, self.crow[nodes.start + nodes.sizes] - start)

    def _blocks(self, nodes: Pieces) -> Csr:
        entries = self.entries(nodes)
        col = self.col[entries.index] - nodes.shift.repeat_interleave(entries.sizes)
        per_row = self.crow.diff()[nodes.index]
        return Csr(offsets(per_row), col, self.value[entries.index], len(nodes.index))

    def to(self, device: torch.device | str) -> Csr:
        """The same matrix on another device."""
        moved = self._to(device)
        return moved if self.symmetric else moved.link(self.transposed._to(device))

    def _to(self, device: torch.device | str) -> Csr:
        parts = (self.crow, self.col, self.value)
        return Csr(*(part.to(device) for part in parts), self.shape[1])

    def __matmul__(self, dense: Tensor) -> Tensor:
        return _Product.apply(dense, self)


class _Product(torch.autograd.Function):
    """M·H for dense H [columns, d]; the gradient with respect to H is Mᵀ·G."""

    @staticmethod
    def forward(ctx, dense: Tensor, matrix: Csr) -> Tensor:
        ctx.matrix = matrix
        return matrix.tensor(dense.dtype) @ dense

    @staticmethod
    def backward(ctx, gradient: Tensor):
        return _Product.apply(gradient.contiguous(), ctx.matrix.transposed), None


class Pieces:
    """Where chosen runs of a longer sequence stand once they are laid end to end.

    `start` and `sizes` [B] describe the runs; `index` [sum of sizes] picks them out;
    `shift` [B] is old position minus new position of each run.

    >>> Pieces(torch.tensor([4, 0]), torch.tensor([2, 3])).index.tolist()
    [4, 5, 0, 1, 2]
    """

    def __init__(self, start: Tensor, sizes: Tensor):
        self.start, self.sizes = start, sizes
        self.ptr = offsets(sizes)
        self.shift = start - self.ptr[:-1]
        self.index = torch.arange(int(self.ptr[-1]), device=start.device)
        self.index += self.shift.repeat_interleave(sizes)


def _coalesced(index: Tensor, value: Tensor, shape: tuple[int, int]) -> Tensor:
    return torch.sparse_coo_tensor(
        index, value, shape, check_invariants=False
    ).coalesce()


def offsets(sizes: Tensor) -> Tensor:
    """[0, s_0, s_0 + s_1, …]: where each of consecutive runs begins, and the end.

    >>> offsets(torch.tensor([2, 3])).tolist()
    [0, 2, 5]
    """
    return torch.cat([sizes.new_zeros(1), sizes.cumsum(0)])
