"""S_gᵀ·H_g in both ways against NumPy in float64, with their gradients."""

import numpy as np
import pytest
import torch

from dpcore.graphs.csr import offsets
from dpcore.graphs.products import (
    CHUNK,
    Chunks,
    GraphProducts,
    membership,
    tall_product,
)

close = torch.testing.assert_close
SIZES = [[1], [3, 1, 2], [31, 32, 33], [1, 100, 64, 7], [700], [255, 256, 257, 513]]


def chunks(s, h, sizes):
    ptr = offsets(torch.tensor(sizes))
    return Chunks(ptr, ptr.diff()).contract(s, h)


WAYS = [chunks, lambda s, h, sizes: GraphProducts.apply(s, h, sizes)]


def matrix(rows, columns, seed, dtype=torch.float64):
    generator = torch.Generator().manual_seed(seed)
    drawn = torch.randn(rows, columns, generator=generator, dtype=torch.float64)
    return drawn.to(dtype).requires_grad_()


def pieces(values, sizes):
    return np.split(values.detach().double().numpy(), np.cumsum(sizes)[:-1])


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("sizes", SIZES)
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_values_and_gradients_are_those_of_numpy(way, sizes, dtype):
    s, h = matrix(sum(sizes), 3, 0, dtype), matrix(sum(sizes), 2, 1, dtype)
    found, weight = way(s, h, sizes), matrix(len(sizes) * 3, 2, 2, dtype).detach()
    weight = weight.view(len(sizes), 3, 2)
    of_s, of_h = torch.autograd.grad((found * weight).sum(), (s, h))
    exact = weight.double().numpy()
    parts = list(zip(pieces(s, sizes), pieces(h, sizes), exact, strict=True))
    near = dict(rtol=1e-4, atol=1e-4) if dtype == torch.float32 else {}

    def same(ours, theirs):
        close(ours.double(), torch.from_numpy(theirs), **near)

    same(found.detach(), np.stack([s_g.T @ h_g for s_g, h_g, _ in parts]))
    same(of_s, np.concatenate([h_g @ w.T for _, h_g, w in parts]))
    same(of_h, np.concatenate([s_g @ w for s_g, _, w in parts]))
    assert found.dtype == dtype


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("sizes", SIZES)
def test_a_product_with_itself_has_the_gradient_of_numpy(way, sizes):
    s, weight = matrix(sum(sizes), 3, 0), matrix(len(sizes) * 3, 3, 2).detach()
    weight = weight.view(len(sizes), 3, 3)
    (of_s,) = torch.autograd.grad((way(s, s, sizes) * weight).sum(), s)
    parts = zip(pieces(s, sizes), weight.numpy(), strict=True)
    expected = np.concatenate([s_g @ (w + w.T) for s_g, w in parts])
    close(of_s, torch.from_numpy(expected))


@pytest.mark.parametrize("rows", [1, 255, 256, 511, 512, 513, 767, 768, 1000])
def test_a_tall_product_counts_every_row_once(rows):
    s, h = matrix(rows, 3, 0), matrix(rows, 2, 1)
    close(tall_product(s, h), s.T @ h)
    close(tall_product(s, h, block=7), s.T @ h)
    one = torch.ones(rows, 1)
    assert tall_product(one, one).item() == rows


def test_a_tall_product_of_float32_does_not_drift():
    value = torch.full((300_000, 1), 0.1)
    exact = 300_000 * float(value[0].double() ** 2)
    assert tall_product(value, value).item() == pytest.approx(exact, rel=2e-6)


def test_chunks_leave_no_gap_but_at_a_graphs_end():
    sizes = torch.tensor([1, CHUNK, CHUNK + 1, 2 * CHUNK, 5])
    cut = Chunks(offsets(sizes), sizes)
    assert cut.graph.tolist() == [0, 1, 2, 2, 3, 3, 4]
    starts = [0, CHUNK, 2 * CHUNK, 4 * CHUNK, 6 * CHUNK]
    slots = [
        start + i for start, n in zip(starts, sizes, strict=True) for i in range(n)
    ]
    assert cut.slots.tolist() == slots


def test_membership_adds_up_and_hands_back():
    ptr = torch.tensor([0, 2, 3, 6])
    batch = torch.tensor([0, 0, 1, 2, 2, 2])
    of_graphs = membership(ptr, batch)
    assert of_graphs.shape == (3, 6) and not of_graphs.symmetric
    h = torch.arange(12.0).view(6, 2)
    expected = torch.zeros(3, 2).index_add(0, batch, h)
    close(of_graphs @ h, expected)
    close(of_graphs.transposed @ expected, expected[batch])
