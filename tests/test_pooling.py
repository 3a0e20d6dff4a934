"""diff_pool against PyG's dense operator, NumPy and finite differences."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from reference import dense, random_graphs, union
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch_geometric.data import Batch, Data
from torch_geometric.loader import DataLoader
from torch_geometric.nn import GCNConv, dense_diff_pool

from dpcore.graphs import DenseGraphs, SparseGraphs
from dpcore.layers import RowNorm
from dpcore.models import DiffPoolClassifier, build_model
from dpcore.pooling import DiffPool, clusters_of_ratio, diff_pool, effective_clusters

close = torch.testing.assert_close
many_sizes = st.lists(st.integers(1, 40), min_size=1, max_size=4)


def inputs(batch, k=4, d=3, seed=1, scale=1.0):
    generator = torch.Generator().manual_seed(seed)
    z = torch.randn(batch.num_nodes, d, generator=generator, dtype=torch.float64)
    logits = torch.randn(batch.num_nodes, k, generator=generator, dtype=torch.float64)
    z, logits = z.to(batch.x.dtype), (scale * logits).to(batch.x.dtype)
    return z.requires_grad_(), logits.requires_grad_()


def losses(out):
    return torch.stack([out.link_loss, out.entropy_loss])


def numpy_losses(adj, logits):
    """Both losses of one graph, from their definitions, in float64."""
    logits = np.asarray(logits, dtype=np.float64)
    s = np.exp(logits - logits.max(1, keepdims=True))
    s /= s.sum(1, keepdims=True)
    residual = np.asarray(adj, dtype=np.float64) - s @ s.T
    entropy = -(s * np.log(np.where(s > 0, s, 1))).sum(1).mean()
    return np.sqrt((residual**2).mean()), entropy


def cliques(sizes):
    """Cliques with self-loops, their edges, and the clique of every node."""
    own = torch.arange(len(sizes)).repeat_interleave(torch.tensor(sizes))
    return (own[:, None] == own).nonzero().T, own


# --- the same numbers as others ---


@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("k", [1, 5, 40])
def test_one_graph_gives_what_pygs_dense_operator_gives_and_its_gradients(dtype, k):
    n = 33
    graph = random_graphs([n], dtype=dtype, directed=True, weighted=True, loops=True)[0]
    batch = union([graph])
    z, logits = inputs(batch, k)
    ours = diff_pool(z, batch, logits)
    x, adj, link, entropy = dense_diff_pool(z, graph[1], logits)
    theirs = (x, adj, link * n, entropy)  # PyG: norm / n², here: norm / n
    names = ("x", "adj", "link_loss", "entropy_loss")
    for name, expected in zip(names, theirs, strict=True):
        got = getattr(ours, name)
        close(got, expected, msg=lambda text, name=name: f"{name}: {text}")
        weight = torch.randn_like(got)
        for source in (z, logits):
            grads = [
                torch.autograd.grad(
                    (value * weight).sum(), source, retain_graph=True, allow_unused=True
                )[0]
                for value in (got, expected)
            ]
            if grads[1] is None:
                assert grads[0] is None
            else:
                close(*grads, msg=lambda text, name=name: f"{name} gradient: {text}")
    literal = diff_pool(z, batch, logits, reduction="frobenius").link_loss
    close(literal, dense_diff_pool(z, graph[1], logits, normalize=False)[2])
    assert ours.assignment.dtype == dtype and ours.link_loss.dtype == dtype


@settings(max_examples=20, deadline=None)
@given(many_sizes, st.integers(1, 9), st.booleans(), st.integers(0, 99))
def test_losses_are_the_mean_over_graphs_of_their_definitions(sizes, k, directed, seed):
    graphs = random_graphs(sizes, seed, directed=directed, weighted=True, loops=True)
    batch = union(graphs)
    z, logits = inputs(batch, k, scale=3.0)
    parts = [
        numpy_losses(adj, part)
        for (_, adj), part in zip(graphs, logits.detach().split(sizes), strict=True)
    ]
    expected = torch.from_numpy(np.mean(parts, axis=0))
    close(losses(diff_pool(z, batch, logits)), expected)


@settings(max_examples=20, deadline=None)
@given(many_sizes, st.integers(1, 9), st.integers(0, 99))
def test_rows_of_s_add_up_to_one_and_edge_mass_is_kept(sizes, k, seed):
    graphs = random_graphs(sizes, seed, directed=True, weighted=True)
    batch = union(graphs)
    z, logits = inputs(batch, k)
    out = diff_pool(z, batch, logits)
    close(out.assignment.sum(1), torch.ones(batch.num_nodes, dtype=torch.float64))
    mass = torch.stack([adj.sum() for _, adj in graphs])
    close(out.adj.sum((1, 2)), mass)
    close(out.x.sum(1), batch.sum(z))  # SᵀZ keeps the sum of the rows of Z


@settings(max_examples=10, deadline=None)
@given(many_sizes, st.integers(1, 5), st.integers(0, 99))
def test_a_union_gives_what_separate_calls_give(sizes, k, seed):
    graphs = random_graphs(sizes, seed)
    batch = union(graphs)
    z, logits = inputs(batch, k)
    out = diff_pool(z, batch, logits)
    apart = [
        diff_pool(z_g, union([graph]), logits_g)
        for graph, z_g, logits_g in zip(
            graphs, z.split(sizes), logits.split(sizes), strict=True
        )
    ]
    close(out.x, torch.cat([one.x for one in apart]))
    close(out.adj, torch.cat([one.adj for one in apart]))
    close(losses(out), torch.stack([losses(one) for one in apart]).mean(0))


def test_sparse_and_dense_form_give_the_same():
    graph = random_graphs([12], directed=True, weighted=True, loops=True)[0]
    z, logits = inputs(union([graph]))
    ours = diff_pool(z, union([graph]), logits)
    other = diff_pool(z.unsqueeze(0), dense(graph), logits.unsqueeze(0))
    for name in ("x", "adj", "link_loss", "entropy_loss"):
        close(getattr(ours, name), getattr(other, name))
    close(ours.assignment, other.assignment[0])


# --- what no result may depend on ---


def float32_losses(graphs, logits):
    batch = union(graphs)
    return losses(diff_pool(batch.x, batch, torch.cat(logits)))


def test_padding_company_and_order_of_graphs_change_no_loss():
    sizes = [30, 150, 1, 65]
    graphs = random_graphs(sizes, dtype=torch.float32)
    logits = [torch.randn(n, 6) for n in sizes]
    alone = torch.stack(
        [float32_losses([g], [s]) for g, s in zip(graphs, logits, strict=True)]
    )
    for company in ([0, 1], [0, 2, 3], [3, 2, 1, 0], [0] * 16, [0, 0, 1]):
        together = float32_losses(
            [graphs[i] for i in company], [logits[i] for i in company]
        )
        close(together, alone[company].mean(0), atol=1e-6, rtol=0)
    x, adj = graphs[0]
    padded, mask = torch.zeros(1, 150, 150), torch.zeros(1, 150, dtype=torch.bool)
    padded[0, :30, :30], mask[0, :30] = adj, True
    features, scores = torch.zeros(1, 150, 3), torch.zeros(1, 150, 6)
    features[0, :30], scores[0, :30] = x, logits[0]
    tight = dense_diff_pool(x, adj, logits[0])[2:]
    wide = dense_diff_pool(features, padded, scores, mask)[2:]
    close(tight[0] / wide[0], torch.tensor(25.0))  # what PyG's padding does
    close(tight[1] / wide[1], torch.tensor(5.0))


@settings(max_examples=10, deadline=None)
@given(st.integers(1, 60), st.integers(0, 99))
def test_node_order_changes_nothing(size, seed):
    x, adj = random_graphs([size], seed, dtype=torch.float32, directed=True)[0]
    order = torch.randperm(size, generator=torch.Generator().manual_seed(seed))
    z, logits = inputs(union([(x, adj)]))
    ours = diff_pool(z, union([(x, adj)]), logits)
    moved = union([(x[order], adj[order][:, order])])
    other = diff_pool(z[order], moved, logits[order])
    close(losses(ours), losses(other), atol=1e-6, rtol=0)
    close(ours.x, other.x, atol=1e-4, rtol=1e-5)
    close(ours.adj, other.adj, atol=1e-4, rtol=1e-5)
    close(ours.assignment[order], other.assignment)


# --- edge cases and gradients ---


def test_gradients_are_those_of_finite_differences():
    batch = union(random_graphs([3, 5], directed=True, weighted=True, loops=True))
    z, logits = inputs(batch, k=3, d=2)

    def function(z, logits):
        out = diff_pool(z, batch, logits)
        return out.x, out.adj, out.link_loss, out.entropy_loss

    assert torch.autograd.gradcheck(function, (z, logits))


def test_gradients_reach_the_first_level_through_the_second():
    batch = union(random_graphs([4, 3], weighted=True))
    z, logits = inputs(batch, k=3, d=2)
    second = torch.randn(2, 3, 2, dtype=torch.float64)

    def function(z, logits):
        first = diff_pool(z, batch, logits)
        out = diff_pool(first.x, first.graphs, second + first.x)
        return out.x, out.adj, out.link_loss, out.entropy_loss

    assert torch.autograd.gradcheck(function, (z, logits))


@pytest.mark.parametrize("reduction", ["rms", "frobenius"])
@pytest.mark.parametrize("dtype", [torch.float64, torch.float32])
@pytest.mark.parametrize("scale", [1000.0, torch.inf])
def test_a_perfect_clustering_has_no_loss_and_finite_gradients(reduction, dtype, scale):
    edges, own = cliques([3, 1, 5])
    batch = SparseGraphs.from_edge_index(torch.ones(9, 2, dtype=dtype), edges)
    one_hot = torch.nn.functional.one_hot(own, 4)
    logits = torch.where(one_hot == 1, 0.0, -scale).to(dtype).requires_grad_()
    z = batch.x.clone().requires_grad_()
    out = diff_pool(z, batch, logits, reduction)
    assert out.link_loss.item() == 0 and out.entropy_loss.item() == 0
    assert out.adj[0].tolist() == torch.diag(torch.tensor([9.0, 1, 25, 0])).tolist()
    (out.x.sum() + out.adj.sum() + losses(out).sum()).backward()
    assert logits.grad.isfinite().all() and z.grad.isfinite().all()


def test_zero_loss_at_the_second_level_has_finite_gradients():
    adj = torch.eye(3).unsqueeze(0).requires_grad_()
    logits = (200 * torch.eye(3)).unsqueeze(0).requires_grad_()
    out = diff_pool(torch.ones(1, 3, 1), DenseGraphs(torch.ones(1, 3, 1), adj), logits)
    assert out.link_loss.item() == 0
    losses(out).sum().backward()
    assert adj.grad.isfinite().all() and logits.grad.isfinite().all()


@pytest.mark.parametrize("scale", [0.0, 1e-30, 30.0, 100.0, 1e4, 1e30])
def test_gradients_are_finite_whatever_the_logits(scale):
    batch = union(random_graphs([1, 7, 33], dtype=torch.float32))
    z, logits = inputs(batch, k=9, scale=scale)
    out = diff_pool(z, batch, logits)
    second = diff_pool(out.x, out.graphs.averaged(), scale * out.x.tanh())
    (losses(out).sum() + losses(second).sum() + second.x.sum()).backward()
    assert losses(out).isfinite().all() and losses(second).isfinite().all()
    assert logits.grad.isfinite().all() and z.grad.isfinite().all()


def test_a_closed_cluster_gets_nothing():
    batch = union(random_graphs([5]))
    z, logits = inputs(batch, k=3)
    closed = logits.detach().clone()
    closed[:, 1] = -torch.inf
    closed.requires_grad_()
    out = diff_pool(z, batch, closed)
    two = diff_pool(z, batch, closed[:, [0, 2]])
    assert (out.assignment[:, 1] == 0).all() and (out.adj[0, 1] == 0).all()
    close(losses(out), losses(two))
    close(out.x[:, [0, 2]], two.x)
    grads = [torch.autograd.grad(losses(o).sum(), closed)[0] for o in (out, two)]
    close(*grads)


def test_no_edges_a_single_node_and_more_clusters_than_nodes():
    x = torch.ones(3, 1, dtype=torch.float64)
    edges = torch.zeros(2, 0, dtype=torch.long)
    batch = SparseGraphs.from_edge_index(x, edges, torch.tensor([0, 1, 1]))
    logits = torch.zeros(3, 8, dtype=torch.float64, requires_grad=True)
    out = diff_pool(x, batch, logits)
    assert out.x.shape == (2, 8, 1) and (out.adj == 0).all()
    assert out.link_loss.item() == pytest.approx(1 / 8)  # every entry of SSᵀ
    assert out.entropy_loss.item() == pytest.approx(np.log(8))
    losses(out).sum().backward()
    assert logits.grad.isfinite().all()


@pytest.mark.parametrize("sizes", [[31, 32, 33], [64, 65, 1], [32], [32, 32]])
def test_sizes_around_the_length_of_a_chunk(sizes):
    graphs = random_graphs(sizes)
    batch = union(graphs)
    z, logits = inputs(batch)
    out = diff_pool(z, batch, logits)
    for g, (z_g, logits_g) in enumerate(
        zip(z.split(sizes), logits.split(sizes), strict=True)
    ):
        s = logits_g.softmax(1)
        close(out.x[g], s.T @ z_g)
        close(out.adj[g], s.T @ graphs[g][1] @ s)


# --- precision, memory, number of operations ---


@pytest.mark.parametrize(("n", "k"), [(2000, 20), (3000, 5)])
@pytest.mark.parametrize("sharpness", [0.0, 5.0, 9.0, 12.0])
def test_float32_losses_cancel_nothing(n, k, sharpness):
    """Up to a clustering whose residual is 1e-4 of the norm of A."""
    generator = torch.Generator().manual_seed(0)
    edges, own = cliques([n // k] * k)
    batch = SparseGraphs.from_edge_index(torch.ones(n, 1), edges)
    noise = torch.randn(n, k, generator=generator) * 0.1
    logits = sharpness * torch.nn.functional.one_hot(own, k) + noise
    out = diff_pool(batch.x, batch, logits)
    s = logits.double().softmax(1)
    expected = (batch.to_dense().double() - s @ s.T).square().mean().sqrt()
    assert out.link_loss.dtype == torch.float32
    close(out.link_loss.double(), expected, rtol=1e-5, atol=0)
    entropy = torch.special.entr(s).sum(1).mean()
    close(out.entropy_loss.double(), entropy, rtol=1e-5, atol=0)


class Watch(TorchDispatchMode):
    """Counts operations and remembers the largest tensor that one of them made."""

    def __init__(self):
        super().__init__()
        self.count, self.largest = 0, 0

    def __torch_dispatch__(self, function, types, args=(), kwargs=None):
        out = function(*args, **(kwargs or {}))
        self.count += 1
        for leaf in tree_leaves(out):
            if isinstance(leaf, torch.Tensor):
                self.largest = max(self.largest, leaf.numel() if _strided(leaf) else 0)
        return out


def _strided(tensor):
    return tensor.layout == torch.strided


def test_a_graph_of_200_000_nodes_makes_no_large_tensor():
    n, k = 200_000, 8
    source = torch.arange(n).repeat(2)
    edges = torch.stack([source, torch.randint(0, n, (2 * n,))])
    edges = torch.cat([edges, edges.flip(0)], dim=1)
    logits = torch.zeros(n, k, requires_grad=True)
    z = torch.ones(n, 4, requires_grad=True)
    with Watch() as watch:
        batch = SparseGraphs.from_edge_index(torch.ones(n, 1), edges)
        out = diff_pool(z, batch, logits)
        (out.x.sum() + losses(out).sum()).backward()
    assert n * k <= watch.largest <= 3 * edges.numel()
    close(out.entropy_loss, torch.tensor(8.0).log(), rtol=1e-6, atol=0)
    assert logits.grad.isfinite().all() and z.grad.isfinite().all()


def operations(num_graphs, size):
    batch = union(random_graphs([size + g % 2 for g in range(num_graphs)]))
    torch.manual_seed(0)
    layer = DiffPool(3, 4, 2).double()
    batch.edge_index  # noqa: B018
    with Watch() as watch:
        out = layer(batch)
        (out.x.sum() + losses(out).sum()).backward()
    return watch.count


@pytest.mark.parametrize("size", [3, 40])
def test_the_number_of_operations_does_not_grow_with_the_graphs(size):
    assert operations(4, size) == operations(64, size) > 50


# --- the layer ---


def data_list(sizes=(3, 8, 33)):
    graphs = random_graphs(list(sizes), dtype=torch.float32)
    return [Data(x=x, edge_index=adj.nonzero().T) for x, adj in graphs]


def test_the_layer_takes_a_batch_or_pygs_tensors():
    torch.manual_seed(0)
    layer = DiffPool(3, 8, 4)
    pyg = Batch.from_data_list(data_list())
    ours = layer(SparseGraphs.from_data_list(data_list()))
    other = layer(pyg.x, pyg.edge_index, pyg.batch)
    for name in ("x", "adj", "assignment", "link_loss", "entropy_loss"):
        close(getattr(ours, name), getattr(other, name))
    assert ours.graphs.x is ours.x and ours.graphs.adj is ours.adj


def test_the_layer_uses_edge_weights():
    torch.manual_seed(0)
    layer = DiffPool(3, 8, 2)
    pyg = Batch.from_data_list(data_list())
    weight = torch.full((pyg.num_edges,), 2.0)
    out = layer(pyg.x, pyg.edge_index, pyg.batch, weight)
    close(out.adj.sum(), weight.sum())


@pytest.mark.parametrize("conv", ["gcn", "sage"])
def test_the_layer_trains_inside_a_pyg_model(conv):
    torch.manual_seed(0)
    first, layer = GCNConv(3, 8), DiffPool(8, 8, 4, conv=conv)
    for batch in DataLoader(data_list((3, 8, 33, 2)), batch_size=2):
        first.zero_grad(), layer.zero_grad()
        h = first(batch.x, batch.edge_index).relu()
        out = layer(h, batch.edge_index, batch.batch)
        (out.x.square().sum() + losses(out).sum()).backward()
        assert out.x.shape == (2, 4, 8)
        for module in (first, layer.embed, layer.assign):
            assert any(p.grad.abs().sum() > 0 for p in module.parameters())
        for parameter in [*first.parameters(), *layer.parameters()]:
            assert parameter.grad.isfinite().all()


def test_reduction_of_the_layer_reaches_the_loss():
    batch = union(random_graphs([6], dtype=torch.float32))
    layer = DiffPool(3, 4, 2)
    rms = layer(batch).link_loss
    layer.reduction = "frobenius"
    close(layer(batch).link_loss, 6 * rms)
    assert DiffPool(3, 4, 2, reduction="frobenius").reduction == "frobenius"


def test_effective_clusters_counts_clusters_that_hold_mass():
    batch = SparseGraphs.from_edge_index(
        torch.ones(6, 1), torch.zeros(2, 0).long(), torch.tensor([0, 0, 0, 1, 1, 1])
    )
    s = torch.eye(3).repeat(2, 1)
    s[3:] = torch.tensor([1.0, 0, 0])
    close(effective_clusters(batch, s), torch.tensor([3.0, 1.0]))


BATCH = union(random_graphs([3, 2], dtype=torch.float32))
Z, LOGITS = torch.ones(5, 2), torch.ones(5, 3)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (dict(z=Z[:4]), r"z has shape \[4, 2\], expected \[5, ≥ 1\]"),
        (dict(z=Z[:, :0]), r"z has shape \[5, 0\]"),
        (dict(z=Z[:, 0]), r"z has shape \[5\]"),
        (dict(z=Z.long()), "z has dtype torch.int64"),
        (dict(z=Z * torch.nan), "z holds NaN"),
        (dict(z=Z * torch.inf), "z holds NaN or infinite"),
        (dict(logits=LOGITS[:4]), r"logits has shape \[4, 3\]"),
        (dict(logits=LOGITS[:, :0]), r"logits has shape \[5, 0\]"),
        (dict(logits=LOGITS.long()), "logits has dtype torch.int64"),
        (dict(logits=LOGITS * torch.tensor([1, torch.nan, 1])), "logits holds NaN"),
        (dict(logits=LOGITS * torch.tensor([1, torch.inf, 1])), r"logits .* \+inf"),
        (dict(logits=-LOGITS * torch.inf), "logits closes every cluster"),
        (dict(reduction="mean"), "reduction is 'mean', expected one of rms, frob"),
    ],
)
def test_what_diff_pool_refuses(arguments, message):
    with pytest.raises(ValueError, match=message):
        diff_pool(**{"z": Z, "graphs": BATCH, "logits": LOGITS, **arguments})


def test_the_second_level_wants_three_dimensions():
    coarse = DenseGraphs(torch.ones(2, 3, 2), torch.ones(2, 3, 3))
    with pytest.raises(ValueError, match=r"logits has .* expected \[2, 3, ≥ 1\]"):
        diff_pool(coarse.x, coarse, torch.ones(6, 2))


def test_what_the_layer_refuses():
    with pytest.raises(ValueError, match="num_clusters is 0"):
        DiffPool(3, 8, 0)
    with pytest.raises(ValueError, match="edge_index is missing"):
        DiffPool(3, 8, 2)(torch.ones(3, 3))


def test_float32_does_not_drift_on_a_long_graph():
    torch.manual_seed(0)
    n, k = 200_000, 3
    ring = torch.arange(n)
    edges = torch.stack([ring, (ring + 1) % n])
    batch = SparseGraphs.from_edge_index(
        torch.ones(n, 1), torch.cat([edges, edges.flip(0)], dim=1)
    )
    z, logits = torch.rand(n, 2), torch.randn(n, k)
    found = diff_pool(z, batch, logits)
    s = logits.double().softmax(1)
    close(found.x[0].double(), s.T @ z.double(), rtol=1e-6, atol=0)
    following = s[ring.roll(-1)] + s[ring.roll(1)]
    close(found.adj[0].double(), s.T @ following, rtol=1e-6, atol=0)
    square = 2 * n - 2 * (s * following).sum() + (s.T @ s).square().sum()
    close(found.link_loss.double(), square.sqrt() / n, rtol=1e-6, atol=0)
    close(batch.mean(z)[0].double(), z.double().mean(0), rtol=1e-6, atol=0)


def test_a_nan_in_a_coarsened_adjacency_is_not_a_loss_of_zero():
    adj = torch.ones(1, 3, 3)
    adj[0, 1, 2] = torch.nan
    out = diff_pool(
        torch.ones(1, 3, 2), DenseGraphs(torch.ones(1, 3, 1), adj), torch.randn(1, 3, 2)
    )
    assert out.link_loss.isnan()


def masked_levels(name="diffpool", conv="gcn", **settings):
    """A model whose clusters follow the size of each graph, with loud biases: rows
    that are no nodes would be heard."""
    torch.manual_seed(0)
    model = build_model(
        name,
        num_features=3,
        num_classes=2,
        max_nodes=40,
        conv=conv,
        dropout=0.0,
        hidden=8,
        per_graph=True,
        **settings,
    )
    for parameter in model.parameters():
        if parameter.dim() == 1:
            torch.nn.init.normal_(parameter)
    return model.double()


@pytest.mark.parametrize("conv", ["gcn", "sage"])
def test_clusters_by_ratio_leave_no_trace_of_the_closed_ones(conv):
    """A small graph beside a large one, both pooled by ratio, gives what a model with
    just its own number of clusters gives for the small graph alone."""
    both = union(random_graphs([8, 40], seed=3))
    model = masked_levels(conv=conv).eval()  # 10 and 3 clusters; the small one: 2, 1
    out = model(both)

    own = DiffPoolClassifier(
        3, 2, clusters=(2, 1), hidden=8, conv=conv, dropout=0.0
    ).double()
    weights = model.state_dict()
    for key, weight in own.state_dict().items():  # the first columns of the last layer
        cut = tuple(slice(n) for n in weight.shape)
        weights[key] = weights[key][cut].clone()
    own.load_state_dict(weights)
    expected = own.eval()(both.select([0]))
    torch.testing.assert_close(out.logits[:1], expected.logits)
    torch.testing.assert_close(out.assignments[0][:8, :2], expected.assignments[0])
    assert not out.assignments[0][:8, 2:].any()
    assert not out.assignments[1][0, 2:].any()  # rows that are no nodes
    separate = model(both.select([0])), model(both.select([1]))
    for loss in ("link_loss", "entropy_loss"):
        mean = sum(getattr(part, loss) for part in separate) / 2
        torch.testing.assert_close(getattr(out, loss), mean)
    trained, expected_too = (
        model.train()(both.select([0])),
        own.train()(both.select([0])),
    )
    torch.testing.assert_close(trained.logits, expected_too.logits)


def test_training_statistics_of_coarse_levels_count_nodes_only():
    """BatchNorm over [B, k, d] with a mask sees what it sees of the nodes alone."""
    h = torch.randn(2, 4, 3, dtype=torch.float64)
    mask = torch.tensor([[True] * 4, [True, False, False, False]])
    norm, plain = RowNorm(3).double(), torch.nn.BatchNorm1d(3).double()
    out = norm(h, mask)
    torch.testing.assert_close(out[mask], plain(h[mask]))
    torch.testing.assert_close(norm.running_var, plain.running_var)
    assert not out[~mask].any()


def test_a_ratio_gives_each_graph_its_share():
    sizes = torch.tensor([1, 8, 10, 30, 1000])
    graphs = SimpleNamespace(sizes=sizes)
    assert clusters_of_ratio(graphs, 0.1, most=20).tolist() == [1, 1, 1, 3, 20]
    assert clusters_of_ratio(graphs, 0.25, most=20).tolist() == [1, 2, 3, 8, 20]


@pytest.mark.parametrize(
    ("clusters", "message"),
    [
        (torch.tensor([1, 4]), "clusters runs from 1 to 4, expected 1 … 3"),
        (torch.tensor([0, 1]), "clusters runs from 0 to 1, expected 1 … 3"),
        (torch.tensor([1]), r"clusters has shape \[1\]"),
        (torch.tensor([1.0, 2.0]), "dtype torch.float32"),
    ],
)
def test_impossible_numbers_of_clusters_are_refused(clusters, message):
    graphs = DenseGraphs(torch.ones(2, 5, 1), torch.ones(2, 5, 5))
    with pytest.raises(ValueError, match=message):
        diff_pool(graphs.x, graphs, torch.zeros(2, 5, 3), clusters=clusters)


@pytest.mark.parametrize("ratio", [0.0, -0.5, 1.5])
def test_impossible_ratios_are_refused(ratio):
    with pytest.raises(ValueError, match="ratio is .*, expected 0 < ratio ≤ 1"):
        DiffPool(3, 8, 2, ratio=ratio)
