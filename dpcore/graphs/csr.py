"""A constant sparse matrix whose product with a dense one is differentiable."""

from __future__ import annotations

import warnings
from collections.abc import Callable

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
    matrix is its own transpose and is stored once. Neither of the two holds the other,
    so that memory is free as soon as the last one is gone.

    >>> matrix = Csr.from_coo(torch.tensor([[0, 1], [2, 0]]), torch.ones(2), (2, 3))
    >>> (matrix @ torch.tensor([[1.0], [2.0], [3.0]])).tolist()
    [[3.0], [1.0]]
    """

    def __init__(self, rows: Rows, rows_of_transpose: Rows | None = None):
        """From the matrix and its transpose, which is None for a symmetric matrix."""
        self._rows = rows
        self._columns = rows if rows_of_transpose is None else rows_of_transpose

    @classmethod
    def from_coo(cls, index: Tensor, value: Tensor, shape: tuple[int, int]) -> Csr:
        """From entries index [2, E], value [E] in any order; duplicates add up."""
        coo = _coalesced(index, value, shape)
        # Without detach() they would be views that keep the whole of it alive.
        (row, col), value = coo.indices().detach(), coo.values().detach()
        row_of_transpose, order = torch.sort(col, stable=True)  # in order of the rows
        symmetric = (
            shape[0] == shape[1]
            and torch.equal(row, row_of_transpose)
            and torch.equal(col, row[order])
            and torch.equal(value, value[order])
        )
        if symmetric:
            del row_of_transpose, order  # as large as what is made now
            return cls(Rows.from_sorted(row, col, value, shape))
        turned = (shape[1], shape[0])
        columns = Rows.from_sorted(row_of_transpose, row[order], value[order], turned)
        return cls(Rows.from_sorted(row, col, value, shape), columns)

    @property
    def transposed(self) -> Csr:
        """Mᵀ, which shares this matrix's memory."""
        return self if self.symmetric else Csr(self._columns, self._rows)

    @property
    def symmetric(self) -> bool:
        return self._columns is self._rows

    @property
    def shape(self) -> tuple[int, int]:
        return self._rows.shape

    @property
    def crow(self) -> Tensor:
        """Where every row's entries begin, and the end, [rows + 1]."""
        return self._rows.crow

    @property
    def col(self) -> Tensor:
        """The column of every entry, row by row, [E]."""
        return self._rows.col

    @property
    def value(self) -> Tensor:
        """The entries, row by row, [E]."""
        return self._rows.value

    @property
    def row(self) -> Tensor:
        """The row of every entry, [E]."""
        return self._rows.row

    def block(self, start: int, end: int, dtype: torch.dtype) -> Tensor:
        """Rows start … end - 1 as a torch CSR tensor that shares this memory."""
        return self._rows.block(start, end, dtype)

    def scaled(self, left: Tensor, right: Tensor) -> Csr:
        """diag(left) · M · diag(right), for left [rows] and right [columns]."""
        scaled = self._rows.scaled(left, right)
        if self.symmetric and left is right:
            return Csr(scaled)
        return Csr(scaled, self._columns.scaled(right, left))

    def diagonal_blocks(self, nodes: Pieces) -> Csr:
        """The block-diagonal matrix of the blocks that own these runs of nodes."""
        return self._both(lambda rows: rows.blocks(nodes))

    def entries(self, nodes: Pieces) -> Pieces:
        """Where the entries in the rows of these runs of nodes stand."""
        return self._rows.entries(nodes)

    def to(self, device: torch.device | str) -> Csr:
        """The same matrix on another device."""
        return self._both(lambda rows: rows.to(device))

    def _both(self, change: Callable[[Rows], Rows]) -> Csr:
        rows = change(self._rows)
        return Csr(rows) if self.symmetric else Csr(rows, change(self._columns))

    def __matmul__(self, dense: Tensor) -> Tensor:
        if dense.dtype in (torch.bfloat16, torch.float16):  # autocast: no such products
            dense = dense.float()
        return _Product.apply(dense, self._rows, self._columns)


class Rows:
    """One matrix in compressed rows: `crow` [rows + 1], `col` and `value` [E]."""

    def __init__(self, crow: Tensor, col: Tensor, value: Tensor, num_columns: int):
        self.crow, self.col, self.value = crow, col, value
        self.shape = (crow.numel() - 1, num_columns)
        self._tensors: dict[torch.dtype, Tensor] = {}

    @classmethod
    def from_sorted(
        cls, row: Tensor, col: Tensor, value: Tensor, shape: tuple[int, int]
    ) -> Rows:
        """From entries sorted by row and column, without duplicates, [E] each."""
        per_row = torch.bincount(row, minlength=shape[0])
        col = col.clone()  # a view would keep the rows' numbers alive
        return cls(offsets(per_row), col, value, shape[1])

    @property
    def row(self) -> Tensor:
        rows = torch.arange(self.shape[0], device=self.col.device)
        return rows.repeat_interleave(self.crow.diff(), output_size=len(self.col))

    def tensor(self, dtype: torch.dtype) -> Tensor:
        """The matrix as a torch CSR tensor of the given dtype (kept for reuse)."""
        if dtype not in self._tensors:
            self._tensors[dtype] = _csr_tensor(
                self.crow, self.col, self.value.to(dtype), self.shape[1]
            )
        return self._tensors[dtype]

    def block(self, start: int, end: int, dtype: torch.dtype) -> Tensor:
        crow = self.crow[start : end + 1]
        first, last = int(crow[0]), int(crow[-1])
        value = self.value[first:last].to(dtype)
        return _csr_tensor(crow - first, self.col[first:last], value, self.shape[1])

    def scaled(self, left: Tensor, right: Tensor) -> Rows:
        value = self.value * (left[self.row] * right[self.col])
        return Rows(self.crow, self.col, value, self.shape[1])

    def blocks(self, nodes: Pieces) -> Rows:
        entries = self.entries(nodes)
        col = self.col[entries.index]
        col -= nodes.shift.repeat_interleave(entries.sizes, output_size=len(col))
        per_row = self.crow.diff()[nodes.index]
        return Rows(offsets(per_row), col, self.value[entries.index], len(nodes.index))

    def entries(self, nodes: Pieces) -> Pieces:
        start = self.crow[nodes.start]
        return Pieces(start, self.crow[nodes.start + nodes.sizes] - start)

    def to(self, device: torch.device | str) -> Rows:
        crow, col, value = (
            part.to(device) for part in (self.crow, self.col, self.value)
        )
        return Rows(crow, col, value, self.shape[1])

    def __getstate__(self) -> dict:
        """Without the kept tensors, which can be made again and not be copied."""
        return self.__dict__ | {"_tensors": {}}


class _Product(torch.autograd.Function):
    """M·H for dense H [columns, d]; the gradient with respect to H is Mᵀ·G."""

    @staticmethod
    def forward(ctx, dense: Tensor, rows: Rows, columns: Rows) -> Tensor:
        ctx.rows, ctx.columns = rows, columns
        device = dense.device.type
        if torch.is_autocast_enabled(device):  # it would cast, to what has no product
            with torch.autocast(device, enabled=False):
                return rows.tensor(dense.dtype) @ dense
        return rows.tensor(dense.dtype) @ dense

    @staticmethod
    def backward(ctx, gradient: Tensor):
        product = _Product.apply(gradient.contiguous(), ctx.columns, ctx.rows)
        return product, None, None


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
        length = int(self.ptr[-1])
        self.index = torch.arange(length, device=start.device)
        self.index += self.shift.repeat_interleave(sizes, output_size=length)


def _csr_tensor(crow: Tensor, col: Tensor, value: Tensor, num_columns: int) -> Tensor:
    shape = (crow.numel() - 1, num_columns)
    return torch.sparse_csr_tensor(crow, col, value, shape, check_invariants=False)


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
