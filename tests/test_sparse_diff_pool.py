"""sparse_diff_pool beside PyG's dense operator, in the style of PyG's own tests."""

import ast
from pathlib import Path

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch_geometric.nn import dense_diff_pool
from torch_geometric.utils import to_dense_adj, to_dense_batch

from dpcore.pooling import sparse_diff_pool, sparse_pool


def get_graphs(sizes, num_edges=3, seed=12345):
    """Directed edges with duplicates and self-loops; the last graph has no edges."""
    generator = torch.Generator().manual_seed(seed)
    start, edges = 0, []
    for size in sizes[:-1] or sizes:
        edges.append(
            start + torch.randint(size, (2, num_edges * size), generator=generator)
        )
        start += size
    edge_index = torch.cat(edges, dim=1)
    edge_index = torch.cat([edge_index, edge_index[:, :2]], dim=1)
    num_nodes = sum(sizes)
    x = torch.randn(num_nodes, 3, generator=generator, dtype=torch.double)
    edge_weight = torch.randn(
        edge_index.size(1), generator=generator, dtype=torch.double
    )
    batch = torch.arange(len(sizes)).repeat_interleave(torch.tensor(sizes))
    return x, edge_index, edge_weight, batch


@pytest.mark.parametrize("sizes", [[20], [1], [7, 30, 1, 12], [4, 4]])
@pytest.mark.parametrize("num_clusters", [1, 5, 40])
@pytest.mark.parametrize("normalize", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
def test_sparse_diff_pool(sizes, num_clusters, normalize, weighted):
    x, edge_index, edge_weight, batch = get_graphs(sizes)
    edge_weight = edge_weight if weighted else None
    s = 2 * torch.randn(x.size(0), num_clusters, dtype=torch.double)
    inputs = [x, s] + ([edge_weight] if weighted else [])
    for tensor in inputs:
        tensor.requires_grad_()

    out = sparse_diff_pool(
        x, edge_index, s, batch if len(sizes) > 1 else None, edge_weight, normalize
    )

    dense_x, mask = to_dense_batch(x, batch)
    dense_s, _ = to_dense_batch(s, batch)
    adj = to_dense_adj(edge_index, batch, edge_weight, max_num_nodes=mask.size(1))
    expected = dense_diff_pool(dense_x, adj.double(), dense_s, mask, normalize)

    assert out[0].size() == (len(sizes), num_clusters, 3)
    assert out[1].size() == (len(sizes), num_clusters, num_clusters)
    for got, want in zip(out, expected, strict=True):
        torch.testing.assert_close(got, want, atol=1e-10, rtol=1e-8)
        seed = torch.randn_like(got)
        grads = [
            torch.autograd.grad(
                (value * seed).sum(),
                inputs,
                retain_graph=True,
                allow_unused=True,
                materialize_grads=True,
            )
            for value in (got, want)
        ]
        for grad_got, grad_want in zip(*grads, strict=True):
            torch.testing.assert_close(grad_got, grad_want, atol=1e-8, rtol=1e-6)


def test_sparse_diff_pool_float32():
    own = torch.arange(20).repeat_interleave(100)  # 20 cliques, found
    edge_index = (own[:, None] == own).nonzero().t()
    s = 12 * torch.nn.functional.one_hot(own, 20).float()
    out = sparse_diff_pool(torch.ones(2000, 1), edge_index, s, normalize=False)
    adj = (own[:, None] == own).double()
    soft = torch.softmax(s, dim=-1).double()
    expected = torch.norm(adj - soft @ soft.t())
    torch.testing.assert_close(out[2].double(), expected, rtol=1e-4, atol=0)
    assert {value.dtype for value in out} == {torch.float}


def test_sparse_diff_pool_finite_gradient_at_zero_loss():
    edge_index = torch.tensor([[0, 0, 1, 1], [0, 1, 0, 1]])
    s = torch.tensor([[900.0], [900.0]], dtype=torch.double, requires_grad=True)
    loss = sparse_diff_pool(torch.ones(2, 1).double(), edge_index, s)[2]
    loss.backward()
    assert loss == 0 and s.grad.isfinite().all()
    s = torch.tensor([[900.0, -900.0]] * 2, requires_grad=True)
    _, _, link, ent = sparse_diff_pool(torch.ones(2, 1), edge_index, s)
    (link + ent).backward()
    assert link == 0 and s.grad.isfinite().all()


class Largest(TorchDispatchMode):
    """The elements of the largest tensor that was made."""

    def __init__(self):
        super().__init__()
        self.elements = 0

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        sizes = [t.numel() for t in tree_leaves(out) if isinstance(t, torch.Tensor)]
        self.elements = max([self.elements, *sizes])
        return out


def test_sparse_diff_pool_is_linear_in_edges():
    num_nodes, num_clusters = 50_000, 8
    edge_index = torch.randint(num_nodes, (2, 3 * num_nodes))
    s = torch.randn(num_nodes, num_clusters, requires_grad=True)
    with Largest() as largest:
        out = sparse_diff_pool(torch.randn(num_nodes, 4), edge_index, s)
        (out[0].sum() + out[1].sum() + out[2] + out[3]).backward()
    assert largest.elements <= edge_index.size(1) * num_clusters
    assert s.grad.isfinite().all()


def test_the_file_imports_only_torch_and_pyg():
    source = Path(sparse_pool.__file__).read_text()
    modules = set()
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom):
            modules.add(node.module.split(".")[0])
        if isinstance(node, ast.Import):
            modules |= {alias.name.split(".")[0] for alias in node.names}
    assert modules <= {"__future__", "typing", "torch", "torch_geometric"}
