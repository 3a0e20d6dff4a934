"""What somebody does who knows PyG and nothing of dpcore: his layers, his loader, his
compiler, his precision, with dpcore.DiffPool in the middle."""

import pytest
import torch
from torch import nn
from torch.nn import functional as F
from torch_geometric.loader import DataLoader
from torch_geometric.nn import BatchNorm, SAGEConv, dense_diff_pool, global_mean_pool
from torch_geometric.utils import to_dense_adj, to_dense_batch

import dpcore


class Net(nn.Module):
    """His model: two convolutions, a pooling, and what he knows from elsewhere."""

    def __init__(self, gnn=None):
        super().__init__()
        self.conv = SAGEConv(7, 16)
        self.norm = BatchNorm(16)
        self.pool = dpcore.DiffPool(16, 16, num_clusters=5, gnn=gnn)
        self.top = dpcore.DiffPool(16, 16, num_clusters=2)
        self.lin = nn.Linear(32, 2)

    def forward(self, x, edge_index, batch):
        x = self.norm(self.conv(x, edge_index)).relu()
        pooled = self.pool(x, edge_index, batch)
        top = self.top(pooled.graphs)
        h = torch.cat([global_mean_pool(x, batch), top.x.mean(1)], dim=1)
        return self.lin(h), pooled.link_loss + pooled.entropy_loss + top.link_loss


@pytest.fixture(scope="module")
def graphs():
    return list(dpcore.load_dataset("MUTAG"))


def loss_of(net, data):
    logits, auxiliary = net(data.x, data.edge_index, data.batch)
    return F.cross_entropy(logits, data.y) + 0.1 * auxiliary


def step(net, forward, data):
    """The loss and all gradients."""
    net.zero_grad()
    loss = loss_of(forward, data)
    loss.backward()
    return [loss.detach(), *(p.grad.clone() for p in net.parameters())]


def test_it_learns_in_an_ordinary_loop(graphs):
    torch.manual_seed(0)
    net = Net(gnn=SAGEConv)
    optimizer = torch.optim.Adam(net.parameters(), lr=0.01)
    losses = []
    for _ in range(4):
        for data in DataLoader(graphs, batch_size=64, shuffle=True):
            optimizer.zero_grad()
            loss = loss_of(net, data)
            loss.backward()
            optimizer.step()
            losses.append(float(loss.detach()))
    assert sum(losses[-3:]) < 0.9 * sum(losses[:3])


@pytest.mark.parametrize("gnn", [None, SAGEConv])
def test_a_compiled_net_gives_the_same_values_and_gradients(graphs, gnn):
    torch.manual_seed(0)
    net = Net(gnn)
    compiled = torch.compile(net, backend="aot_eager")  # inductor takes minutes
    for data in DataLoader(graphs[:32], batch_size=16):
        expected = step(net, net, data)
        for got, want in zip(step(net, compiled, data), expected, strict=True):
            torch.testing.assert_close(got, want)


@pytest.mark.parametrize("name", ["diffpool", "diffpool-det", "gin", "sortpool", "ecc"])
def test_a_compiled_model_gives_the_same_logits(graphs, name):
    model = dpcore.build_model(name, num_features=7, num_classes=2).eval()
    data = next(iter(DataLoader(graphs[:8], batch_size=8)))
    compiled = torch.compile(model, backend="aot_eager")
    torch.testing.assert_close(compiled(data).logits, model(data).logits)


@pytest.mark.parametrize("gnn", [None, SAGEConv])
def test_autocast_in_bfloat16_is_close_to_float32(graphs, gnn):
    torch.manual_seed(0)
    net = Net(gnn)
    data = next(iter(DataLoader(graphs, batch_size=32)))
    expected = step(net, net, data)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        logits, _ = net(data.x, data.edge_index, data.batch)
        got = step(net, net, data)  # its backward pass under autocast, too
    assert logits.dtype == torch.bfloat16
    for value, want in zip(got, expected, strict=True):
        assert (value - want).norm() <= 0.05 * want.norm() + 1e-3


@pytest.mark.parametrize("name", dpcore.models.MODELS)
def test_every_model_runs_under_autocast(graphs, name):
    data = next(iter(DataLoader(graphs[:16], batch_size=16)))
    model = dpcore.build_model(name, num_features=7, num_classes=2, max_nodes=28)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = model(data)
        (F.cross_entropy(out.logits, data.y) + out.auxiliary).backward()
    assert all(p.grad.isfinite().all() for p in model.parameters())


def test_a_large_graph_under_autocast():
    torch.manual_seed(0)
    layer = dpcore.DiffPool(4, 8, 6)
    x, edges = torch.randn(400, 4), torch.randint(400, (2, 1600))
    expected = layer(x, edges)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        out = layer(x, edges)
        out.link_loss.backward()
    assert out.link_loss.dtype == torch.float32
    torch.testing.assert_close(out.link_loss, expected.link_loss, rtol=0.02, atol=0)


class PyGsExample(nn.Module):
    """The pooling of PyG's examples/proteins_diff_pool.py, one level."""

    def __init__(self, sparse):
        super().__init__()
        self.pool, self.embed = SAGEConv(7, 5), SAGEConv(7, 16)
        self.lin, self.sparse = nn.Linear(16, 2), sparse

    def forward(self, x, edge_index, batch):
        s, z = self.pool(x, edge_index), self.embed(x, edge_index)
        if self.sparse:
            x, adj, link, ent = dpcore.sparse_diff_pool(z, edge_index, s, batch)
        else:
            z, mask = to_dense_batch(z, batch)
            s, adj = to_dense_batch(s, batch)[0], to_dense_adj(edge_index, batch)
            x, adj, link, ent = dense_diff_pool(z, adj, s, mask)
        return self.lin((adj @ x).mean(1)), link + ent


def test_sparse_diff_pool_in_place_of_pygs_call_changes_no_number(graphs):
    torch.manual_seed(0)
    theirs = PyGsExample(sparse=False)
    ours = PyGsExample(sparse=True)
    ours.load_state_dict(theirs.state_dict())
    for data in DataLoader(graphs[:60], batch_size=20):
        expected = step(theirs, theirs, data)
        for got, want in zip(step(ours, ours, data), expected, strict=True):
            torch.testing.assert_close(got, want, atol=1e-5, rtol=1e-4)
