"""The sparse matrix against dense ones in float64, and its gradients."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from dpcore.graphs.csr import Csr, Pieces, offsets


def random_coo(rows, columns, entries, seed):
    """Entries with duplicates in any order, and the dense matrix they add up to."""
    generator = torch.Generator().manual_seed(seed)
    index = torch.stack(
        [
            torch.randint(0, rows, (entries,), generator=generator),
            torch.randint(0, columns, (entries,), generator=generator),
        ]
    )
    value = torch.randn(entries, generator=generator, dtype=torch.float64)
    dense = torch.zeros(rows, columns, dtype=torch.float64)
    for (i, j), weight in zip(index.T.tolist(), value.tolist(), strict=True):
        dense[i, j] += weight
    return index, value, dense


def to_dense(matrix):
    dense = torch.zeros(matrix.shape, dtype=matrix.value.dtype)
    dense[matrix.row, matrix.col] = matrix.value
    return dense


sizes = st.integers(1, 6)


@settings(max_examples=25, deadline=None)
@given(sizes, sizes, st.integers(0, 20), st.integers(0, 99))
def test_product_and_transpose_are_those_of_the_dense_matrix(rows, columns, e, seed):
    index, value, dense = random_coo(rows, columns, e, seed)
    matrix = Csr.from_coo(index, value, (rows, columns))
    assert matrix.shape == (rows, columns)
    torch.testing.assert_close(to_dense(matrix), dense)
    torch.testing.assert_close(to_dense(matrix.transposed), dense.T.contiguous())
    assert matrix.transposed.transposed.col is matrix.col
    h = torch.randn(columns, 3, dtype=torch.float64)
    torch.testing.assert_close(matrix @ h, dense @ h)


def test_duplicates_in_either_order_keep_a_matrix_symmetric():
    index = torch.tensor([[0, 1, 0, 1, 1], [1, 0, 1, 0, 1]])
    matrix = Csr.from_coo(index, torch.tensor([1.0, 4, 4, 1, 2]), (2, 2))
    assert matrix.symmetric
    assert to_dense(matrix).tolist() == [[0, 5], [5, 2]]


def test_a_pattern_that_is_symmetric_with_other_values_is_not_symmetric():
    index = torch.tensor([[0, 1], [1, 0]])
    matrix = Csr.from_coo(index, torch.tensor([1.0, 2.0]), (2, 2))
    assert not matrix.symmetric
    assert to_dense(matrix.transposed).tolist() == [[0, 2], [1, 0]]
    assert not Csr.from_coo(index, torch.tensor([1.0, 1.000001]), (2, 2)).symmetric
    cycle = torch.tensor([[0, 1, 2], [1, 2, 0]])  # as many edges in as out
    assert not Csr.from_coo(cycle, torch.ones(3), (3, 3)).symmetric


@pytest.mark.parametrize("shape", [(4, 4), (3, 5)])
def test_gradient_of_a_product_is_that_of_finite_differences(shape):
    index, value, _ = random_coo(*shape, 9, seed=1)
    matrix = Csr.from_coo(index, value, shape)
    h = torch.randn(shape[1], 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda h: matrix @ h, h)
    assert torch.autograd.gradgradcheck(lambda h: matrix @ h, h)


def test_product_takes_views_and_both_float_types():
    index, value, dense = random_coo(4, 4, 9, seed=2)
    matrix = Csr.from_coo(index, value, (4, 4))
    for dtype in (torch.float64, torch.float32):
        view = torch.randn(3, 4, dtype=dtype).T
        torch.testing.assert_close(matrix @ view, dense.to(dtype) @ view)


@settings(max_examples=15, deadline=None)
@given(sizes, sizes, st.integers(0, 20), st.integers(0, 99))
def test_scaled_multiplies_rows_and_columns(rows, columns, entries, seed):
    index, value, dense = random_coo(rows, columns, entries, seed)
    left = torch.randn(rows, dtype=torch.float64)
    right = torch.randn(columns, dtype=torch.float64)
    scaled = Csr.from_coo(index, value, (rows, columns)).scaled(left, right)
    expected = left[:, None] * dense * right
    torch.testing.assert_close(to_dense(scaled), expected)
    torch.testing.assert_close(to_dense(scaled.transposed), expected.T.contiguous())


def test_a_symmetric_matrix_scaled_on_both_sides_alike_stays_symmetric():
    matrix = Csr.from_coo(torch.tensor([[0, 1], [1, 0]]), torch.ones(2), (2, 2))
    scale = torch.tensor([2.0, 3.0])
    assert matrix.scaled(scale, scale).symmetric
    assert not matrix.scaled(scale, torch.ones(2)).symmetric


def test_diagonal_blocks_are_cut_with_their_transposes():
    blocks = [random_coo(n, n, 2 * n, seed=n)[2] for n in (2, 3, 1)]
    whole = torch.block_diag(*blocks)
    index = whole.nonzero().T
    matrix = Csr.from_coo(index, whole[tuple(index)], (6, 6))
    cut = matrix.diagonal_blocks(
        Pieces(torch.tensor([5, 2, 5]), torch.tensor([1, 3, 1]))
    )
    expected = torch.block_diag(blocks[2], blocks[1], blocks[2])
    torch.testing.assert_close(to_dense(cut), expected)
    torch.testing.assert_close(to_dense(cut.transposed), expected.T.contiguous())


def test_moving_keeps_matrix_and_transpose():
    index, value, dense = random_coo(3, 4, 7, seed=4)
    moved = Csr.from_coo(index, value, (3, 4)).to("cpu")
    torch.testing.assert_close(to_dense(moved), dense)
    torch.testing.assert_close(to_dense(moved.transposed), dense.T.contiguous())


@settings(max_examples=20, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 5)), min_size=1))
def test_pieces_lay_runs_end_to_end(runs):
    start, length = torch.tensor(runs).T
    pieces = Pieces(start, length)
    assert pieces.index.tolist() == [i for s, n in runs for i in range(s, s + n)]
    assert pieces.ptr.tolist() == [0, *length.cumsum(0).tolist()]
    assert offsets(length).tolist() == pieces.ptr.tolist()
