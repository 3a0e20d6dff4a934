"""The variants of DiffPool and Structure2Vec: each against its equations, graph by
graph, in float64."""

from dataclasses import replace
from functools import partial

import numpy as np
import pytest
import torch
from reference import dense, random_graphs, union
from torch.nn import functional as F

import dpcore
from dpcore.assignments import heavy_edge
from dpcore.graphs import DenseGraphs
from dpcore.models import DiffPoolClassifier
from dpcore.models.s2v import S2V

close = torch.testing.assert_close
hard_pool = partial(dpcore.diff_pool, hard=True)
VARIANTS = ["diffpool-det", "diffpool-random", "diffpool-hard"]
S2V_ROWS = ["s2v", "s2v-1diffpool", "s2v-2diffpool"]


def loud(model):
    """In float64, with biases that a row which is no node could not hide."""
    generator = torch.Generator().manual_seed(7)
    for parameter in model.parameters():
        if parameter.dim() == 1:
            torch.nn.init.normal_(parameter, generator=generator)
    return model.double().eval()


def build(name, seed=0, **settings):
    torch.manual_seed(seed)
    sizes = dict(num_features=3, num_classes=2, max_nodes=40, hidden=8, dropout=0.0)
    return loud(dpcore.build_model(name, **{**sizes, **settings}))


def link_of(adj, s):
    """sqrt(‖A − SSᵀ‖² / n²) by the formula, one graph."""
    return float(np.linalg.norm(adj - s @ s.T)) / len(adj)


# hard assignments


def hard_by_hand(graph, logits):
    """Everything that hard_pool gives, for one graph, in NumPy."""
    x, adj, logits = graph[0].numpy(), graph[1].numpy(), logits.detach().numpy()
    s = np.eye(logits.shape[1])[logits.argmax(1)]
    soft = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    entropy = -(soft * np.log(soft)).sum(1).mean()
    return s, s.T @ x, s.T @ adj @ s, link_of(adj, s), entropy


@pytest.mark.parametrize("form", ["sparse", "dense"])
def test_hard_pooling_is_pooling_with_the_one_hot_argmax(form):
    graphs = random_graphs([9, 9, 9], seed=1, directed=True, weighted=True)
    logits = torch.randn(27, 4, dtype=torch.float64)
    if form == "sparse":
        batch, given = union(graphs), logits
    else:
        batch = DenseGraphs(
            torch.stack([x for x, _ in graphs]), torch.stack([a for _, a in graphs])
        )
        given = logits.view(3, 9, 4)
    out = hard_pool(batch.x, batch, given)
    expected = [hard_by_hand(*g) for g in zip(graphs, logits.split(9), strict=True)]
    s, x, adj, link, entropy = (
        torch.from_numpy(np.stack(parts)) for parts in zip(*expected, strict=True)
    )
    assert torch.equal(out.assignment.view(3, 9, 4), s)
    close(out.x, x)
    close(out.adj, adj)
    close(out.link_loss, link.mean())
    close(out.entropy_loss, entropy.mean())


def test_hard_pooling_in_float32_where_the_link_loss_cancels():
    """Two cliques, found: A differs from SSᵀ in the diagonal alone."""
    clique = torch.ones(40, 40) - torch.eye(40)
    adj = torch.block_diag(clique, clique)
    logits = torch.eye(2).repeat_interleave(40, 0)
    out = hard_pool(torch.ones(80, 1), union([(torch.ones(80, 1), adj)]), logits)
    close(out.link_loss, torch.tensor(80**0.5 / 80))
    assert out.link_loss.dtype == torch.float32


def test_hard_gradients_are_those_of_the_softmax():
    """By finite differences of the surrogate one-hot + softmax(l) − softmax(l₀)."""
    (x, adj) = random_graphs([7], seed=2, weighted=True)[0]
    logits = torch.randn(7, 3, dtype=torch.float64, requires_grad=True)
    z = torch.randn(7, 2, dtype=torch.float64)
    weigh_x, weigh_adj = torch.randn(3, 2).double(), torch.randn(3, 3).double()
    start = torch.softmax(logits.detach(), 1)
    one_hot = torch.eye(3, dtype=torch.float64)[logits.detach().argmax(1)]

    def surrogate(values):
        soft = torch.softmax(values, 1)
        s = one_hot + soft - start
        link = torch.linalg.norm(adj - s @ s.T) / 7
        entropy = -(soft * soft.log()).sum(1).mean()
        coarse = (weigh_x * (s.T @ z)).sum() + (weigh_adj * (s.T @ adj @ s)).sum()
        return float(coarse + 2 * link + 3 * entropy)

    out = hard_pool(z, union([(x, adj)]), logits)
    coarse = (weigh_x * out.x).sum() + (weigh_adj * out.adj).sum()
    total = coarse + 2 * out.link_loss + 3 * out.entropy_loss
    close(total.item(), surrogate(logits.detach()))
    total.backward()
    numeric = torch.zeros(7, 3, dtype=torch.float64)
    for i, j in np.ndindex(7, 3):
        step = torch.zeros(7, 3, dtype=torch.float64)
        step[i, j] = 1e-6
        ends = [surrogate(logits.detach() + sign * step) for sign in (1, -1)]
        numeric[i, j] = (ends[0] - ends[1]) / 2e-6
    close(logits.grad, numeric, atol=1e-6, rtol=1e-5)
    assert logits.grad.abs().min() > 1e-6


def test_closed_clusters_stay_closed_to_hard_assignments():
    graphs = random_graphs([6, 8], seed=3)
    logits = torch.randn(14, 5, dtype=torch.float64)
    logits[:, 4] = 9  # the likeliest, were it open
    out = hard_pool(
        torch.ones(14, 2).double(), union(graphs), logits, clusters=torch.tensor([2, 5])
    )
    assert torch.equal(out.assignment[:6].argmax(1), logits[:6, :2].argmax(1))
    assert (out.assignment[6:].argmax(1) == 4).all()
    alone = hard_pool(
        torch.ones(6, 2).double(), union(graphs[:1]), logits[:6, :2].contiguous()
    )
    close(out.adj[0, :2, :2], alone.adj[0])
    level = out.graphs
    second = hard_pool(level.x, level, torch.randn(2, 5, 3, dtype=torch.float64))
    assert not second.assignment[0, 2:].any()  # rows that are no nodes


# the rows


@pytest.mark.parametrize("conv", ["gcn", "sage"])
@pytest.mark.parametrize("name", VARIANTS)
def test_a_model_is_its_equations_graph_by_graph(name, conv):
    """Level by level in dense form, for every graph without the batch, with clusters
    that the graph has and no others."""
    graphs = random_graphs([4, 30, 1, 60], seed=5)
    batch = union(graphs)
    model = build(name, conv=conv)  # 10 and 3 clusters
    out = model(batch)
    ids = heavy_edge(batch, [10, 3]).split([4, 30, 1, 60])
    links, entropies = [], []
    for g, graph in enumerate(graphs):
        level, parts, n = dense(graph), [], len(graph[0])
        given = None if model.given is None else model.given(batch.select([g]))
        links.append(0.0)
        entropies.append(0.0)
        for i, k in enumerate([10, 3]):
            z = model.levels[i].embed(level, level.x)
            parts.append(z.amax(1))
            if name == "diffpool-det":
                used = int(ids[g][:, i].max()) + 1
                assert used == min(n, k)
                s = torch.zeros(level.x.size(1), used, dtype=torch.float64)
                below = torch.arange(n) if i == 0 else ids[g][:, 0]
                s[below, ids[g][:, i]] = 1
            elif name == "diffpool-random":
                s = torch.softmax(given[i].view(-1, k), -1)
                entropies[-1] += float(torch.special.entr(s).sum(1).mean())
            else:
                logits = model.levels[i].assign(level, level.x)[0]
                s = torch.eye(k, dtype=torch.float64)[logits.argmax(1)]
                soft = torch.softmax(logits, -1)
                entropies[-1] += float(torch.special.entr(soft).sum(1).mean())
            links[-1] += link_of(level.adj[0].detach().numpy(), s.detach().numpy())
            level = DenseGraphs((s.T @ z[0])[None], (s.T @ level.adj[0] @ s)[None])
        z = model.last(level, level.x)
        parts = [*parts, z.amax(1)] if conv == "sage" else [z.mean(1)]
        close(out.logits[g], model.head(torch.cat(parts, 1))[0])
    assert out.logits.std() > 1e-3
    close(out.link_loss.item(), float(np.mean(links)))
    close(out.entropy_loss.item(), float(np.mean(entropies)), atol=1e-12, rtol=1e-9)


@pytest.mark.parametrize("name", ["diffpool-det", "diffpool-random"])
def test_what_is_not_learned_has_no_parameters_no_gradient_and_no_loss(name):
    graphs = union(random_graphs([12, 20, 8, 15], seed=6, dtype=torch.float32))
    graphs = replace(graphs, y=torch.tensor([0, 1, 0, 1]))
    model = build(name).float()
    assert all(level.assign is None for level in model.levels)
    before = model(graphs)
    assert before.auxiliary == 0 and not before.assignments[0].requires_grad
    weights = [p.clone() for p in model.parameters()]
    dpcore.fit(model, graphs, epochs=3, lr=0.05, progress=False)
    assert all(
        not torch.equal(a, b) for a, b in zip(weights, model.parameters(), strict=True)
    )
    after = model.eval()(graphs)
    for one, other in zip(before.assignments, after.assignments, strict=True):
        assert torch.equal(one, other)


def test_random_rows_follow_the_seed():
    graphs = union(random_graphs([12, 20], seed=6))
    runs = [build("diffpool-random", seed=seed)(graphs) for seed in (0, 0, 1)]
    assert torch.equal(runs[0].logits, runs[1].logits)
    for level in range(2):
        first, other = runs[0].assignments[level], runs[2].assignments[level]
        assert (first - other).abs().max() > 0.1


IN_ORDER = ["diffpool-det", "diffpool-hard", "s2v-1diffpool", "s2v-2diffpool"]


@pytest.mark.parametrize(
    ("name", "per_graph"),
    [("s2v", False), *((name, own) for name in IN_ORDER for own in (False, True))],
)
def test_neither_node_order_nor_company_reach_the_logits(name, per_graph):
    graphs = random_graphs([7, 25, 1, 60], seed=8)
    model = build(name, **({"per_graph": True} if per_graph else {}))
    together = model(union(graphs))
    assert together.logits.std() > 1e-3
    shuffled = []
    for x, adj in graphs:
        order = torch.randperm(len(x), generator=torch.Generator().manual_seed(3))
        shuffled.append((x[order], adj[order][:, order]))
    for g, graph in enumerate(shuffled):
        close(model(union([graph])).logits[0], together.logits[g])
    if per_graph:
        assert not together.assignments[0][:7, 2:].any()  # ceil(7 / 4) clusters


# Structure2Vec


def s2v_by_hand(module, x, adj):
    """The rounds node by node in NumPy, BatchNorm by its running statistics."""
    weights = {name: p.detach().numpy() for name, p in module.state_dict().items()}
    own = x @ weights["own.weight"].T + weights["own.bias"]
    mu = np.maximum(own, 0)
    for t in range(len(module.norms)):
        total = np.zeros_like(mu)
        for v, row in enumerate(adj):
            for u in row.nonzero()[0]:
                share = row[u] / row.sum() if module.average else row[u]
                total[v] += share * mu[u]
        mu = own + total @ weights["neighbours.weight"].T
        norm = {k.split(".")[-1]: w for k, w in weights.items() if f"norms.{t}" in k}
        mu = (mu - norm["running_mean"]) / np.sqrt(norm["running_var"] + 1e-5)
        mu = np.maximum(mu * norm["weight"] + norm["bias"], 0)
    return np.maximum(mu @ weights["out.weight"].T + weights["out.bias"], 0)


@pytest.mark.parametrize("average", [False, True])
def test_s2v_is_its_equations(average):
    torch.manual_seed(0)
    graphs = random_graphs([6, 11], seed=9, weighted=True, loops=True, directed=True)
    module = loud(S2V(3, 5, 4, num_layers=3, average=average))
    for norm in module.norms:
        torch.nn.init.uniform_(norm.running_mean)
        torch.nn.init.uniform_(norm.running_var, 0.5, 2.0)
    batch = union(graphs)
    out = module(batch, batch.x)
    for got, graph in zip(out.split([6, 11]), graphs, strict=True):
        expected = torch.from_numpy(s2v_by_hand(module, *(t.numpy() for t in graph)))
        assert 0.1 < (expected > 0).double().mean() < 1
        close(got, expected)
        close(module(dense(graph), graph[0][None])[0], expected)


def test_s2v_shares_its_weights_among_rounds_and_norms_real_nodes_only():
    count = [sum(p.numel() for p in S2V(3, 5, 4, n).parameters()) for n in (1, 2)]
    assert count[1] - count[0] == 2 * 5  # the scale and shift of one BatchNorm
    (x, adj) = random_graphs([6], seed=2)[0]
    torch.manual_seed(0)
    module = S2V(3, 5, 4, average=True).double().train()
    expected = module(dense((x, adj)), x[None])
    padded = DenseGraphs(
        torch.cat([x, torch.full((3, 3), 50.0)])[None],
        F.pad(adj, (0, 3, 0, 3))[None],
        torch.tensor([6]),
    )
    close(module(padded, padded.x)[:, :6], expected)


def test_s2v_reads_out_the_sum_and_averages_above_the_nodes():
    graphs = union(random_graphs([6, 11], seed=9))
    flat = build("s2v")
    z = flat.last(graphs, graphs.x)
    close(flat(graphs).logits[1], flat.head(z[6:].sum(0)))
    assert flat(graphs).assignments == [] and flat(graphs).auxiliary == 0
    assert not flat.last.average
    pooled = build("s2v-2diffpool")
    averages = [[level.embed.average, level.assign.average] for level in pooled.levels]
    assert averages == [[False] * 2, [True] * 2] and pooled.last.average
    assert [s.size(-1) for s in pooled(graphs).assignments] == [10, 3]
    assert [s.size(-1) for s in build("s2v-1diffpool")(graphs).assignments] == [10]


# the link loss as the paper prints it


@pytest.mark.parametrize("settings", [{}, dict(repair="detached", assignments="hard")])
def test_the_paper_s_norm_is_that_of_every_level_of_every_graph(settings):
    graphs = random_graphs([9, 12, 5], seed=1, directed=True, weighted=True)
    batch = union(graphs)
    model = build("diffpool", conv="sage", reduction="frobenius", **settings)
    out = model(batch)
    by_hand = []
    parts = out.assignments[0].split([9, 12, 5])
    for (_, adj), part in zip(graphs, parts, strict=True):
        adj, s = adj.numpy(), part.detach().numpy()
        by_hand.append(np.linalg.norm(adj - s @ s.T))
        s2 = out.assignments[1][len(by_hand) - 1].detach().numpy()
        by_hand[-1] += np.linalg.norm(s.T @ adj @ s - s2 @ s2.T)
    close(out.link_loss.item(), np.mean(by_hand))
    usual = build("diffpool", conv="sage", **settings)(batch)
    close(out.logits, usual.logits)  # the loss is all that changes
    assert out.link_loss > 5 * usual.link_loss


# settings


@pytest.mark.parametrize(
    ("name", "settings", "message"),
    [
        ("diffpool-det", {"link_weight": 1.0}, "does not take link_weight"),
        ("diffpool-random", {"levels": 0}, "there is no level"),
        ("diffpool-det", {"levels": 0}, "there is no level"),
        ("diffpool-hard", {"dropout": 1.0}, "dropout is 1.0"),
        ("diffpool", {"assignments": "soft"}, "assignments is 'soft', expected learn"),
        ("diffpool", {"reduction": "mean"}, "reduction is 'mean', expected one of rms"),
        ("diffpool-nolp", {"reduction": "frobenius"}, "does not take .*reduction"),
        ("s2v", {"reduction": "frobenius"}, "does not take .*reduction"),
        ("s2v", {"num_layers": 0}, "num_layers is 0"),
        ("s2v", {"ratio": 0.5}, "s2v does not take ratio"),
        ("s2v-1diffpool", {"conv": "gcn"}, "does not take conv"),
        ("s2v-1diffpool", {"levels": 2}, "does not take levels"),
    ],
)
def test_settings_that_a_row_does_not_have_are_refused(name, settings, message):
    sizes = dict(num_features=3, num_classes=2)
    with pytest.raises(ValueError, match=message):
        dpcore.build_model(name, **sizes, **settings)


def test_impossible_clusters_are_refused():
    with pytest.raises(ValueError, match=r"clusters is \[4, 0\]"):
        DiffPoolClassifier(3, 2, clusters=[4, 0])
    with pytest.raises(ValueError, match="ratio is 0.0"):
        DiffPoolClassifier(3, 2, clusters=[4, 2], ratio=0.0)


@pytest.mark.parametrize("name", [*VARIANTS, *S2V_ROWS])
def test_every_row_learns_rings_from_stars(name):
    ring, star = torch.roll(torch.eye(6), 1, 1), torch.zeros(6, 6)
    star[0, 1:] = 1.0
    both = [a + a.T for a in (ring, star)]
    degrees = torch.tensor([1.0, 2.0, 5.0])  # one-hot
    found = [((a.sum(1, keepdim=True) == degrees).float(), a) for a in both]
    graphs = union(found * 4)
    graphs = replace(graphs, y=torch.tensor([0, 1] * 4))
    torch.manual_seed(0)
    model = dpcore.build_model(
        name, num_features=3, num_classes=2, max_nodes=6, hidden=16, dropout=0.0
    )
    history = dpcore.fit(model, graphs, 15, 8, 0.02, progress=False)
    assert history[-1].train_accuracy == 1
