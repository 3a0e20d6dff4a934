"""The playground computes what dpcore computes: forward, losses, gradients, training.

Fixtures are made here, with dpcore in float64, and compared in Chromium.
"""

from dataclasses import dataclass, field

import pytest
import torch
from playwright.sync_api import Page
from torch import Tensor, nn

from dpcore import GNN, SparseGraphs, diff_pool
from dpcore.pooling import effective_clusters
from dpcore.teaching.plots.playground import FOLDER

COMPUTING = ("matrix.js", "graph.js", "model.js", "gradients.js")
HIDDEN = 8


@dataclass
class Case:
    """One graph, one model and what is asked of them."""

    name: str
    n: int
    edges: list[tuple[int, int, float]]
    directed: bool = False
    width: int = 3
    clusters: tuple[int, ...] = (3,)
    layers: int = 2
    reduction: str = "rms"
    temperature: float = 1.0
    link_weight: float = 1.0
    entropy_weight: float = 0.5
    x: Tensor | None = None
    steps: int = 3
    seed: int = field(default=0)


def random_case(seed: int) -> Case:
    """Everything varies with the seed: size, directions, weights, loops, layers, k."""
    r = torch.Generator().manual_seed(seed)

    def draw(low, high):
        return int(torch.randint(low, high + 1, (1,), generator=r))

    def number(low, high):
        return low + (high - low) * torch.rand(1, generator=r).item()

    n, directed, weighted = draw(2, 12), draw(0, 1) == 1, draw(0, 1) == 1
    edges = [
        (i, j, number(0.2, 2.0) if weighted else 1.0)
        for i in range(n)
        for j in range(n)
        if (directed or i <= j) and (i != j or draw(0, 3) == 0) and number(0, 1) < 0.35
    ]
    levels = draw(1, 2)
    return Case(
        name=f"random {seed}",
        n=n,
        edges=edges,
        directed=directed,
        width=draw(1, 4),
        clusters=tuple(draw(1, 8) for _ in range(levels)),
        layers=draw(0, 3),
        reduction=("rms", "frobenius")[draw(0, 1)],
        temperature=number(0.3, 3.0),
        link_weight=number(0, 2),
        entropy_weight=number(0, 2),
        seed=seed,
    )


RING = [(i, (i + 1) % 6, 1.0) for i in range(6)]
NAMED = [
    Case("one node", 1, [], clusters=(2,)),
    Case("one node with a loop", 1, [(0, 0, 1.0)], clusters=(2, 2), layers=1),
    Case("no edges", 5, [], clusters=(3, 2)),
    Case("isolated nodes", 6, [(0, 1, 1.0), (1, 2, 1.0)], layers=3),
    Case("more clusters than nodes", 3, [(0, 1, 1.0), (1, 2, 1.0)], clusters=(7,)),
    Case("one cluster", 6, RING, clusters=(1, 1)),
    Case("ones on a ring", 6, RING, x=torch.ones(6, 1), clusters=(3, 2)),
    Case("a directed ring", 6, RING, directed=True, clusters=(4, 2), layers=3),
    Case("loops only", 3, [(i, i, 1.0) for i in range(3)], layers=1),
    Case("duplicates add up", 3, [(0, 1, 1.0), (0, 1, 2.0), (1, 0, 0.5)], layers=2),
    Case("negative weights", 3, [(0, 1, -2.0), (1, 2, 0.5)], layers=2),
    Case("free scores, cold", 6, RING, layers=0, temperature=0.05),
    Case("free scores, two levels", 6, RING, layers=0, clusters=(4, 2)),
    Case("deep and hot", 6, RING, layers=3, temperature=5.0, clusters=(5, 3)),
]
CASES = NAMED + [random_case(seed) for seed in range(40)]
DIFFERENCES = {case.name for case in (*NAMED, *CASES[::4])}
"""By finite differences as well, which take most of the time: they are a second opinion
on what autograd says of every case."""


class Level(nn.Module):
    def __init__(self, rows: int, width: int, k: int, layers: int):
        super().__init__()
        self.assign = self.embed = self.scores = None
        if layers == 0:
            self.scores = nn.Parameter(torch.randn(rows, k))
        else:
            self.assign = GNN(width, HIDDEN, k, layers)
            self.embed = GNN(width, HIDDEN, HIDDEN, layers)
            for bias in (p for name, p in self.named_parameters() if "bias" in name):
                nn.init.normal_(bias, std=0.3)


def model_of(case: Case, width: int) -> list[Level]:
    levels, rows = [], case.n
    for k in case.clusters:
        levels.append(Level(rows, width, k, case.layers))
        rows, width = k, width if case.layers == 0 else HIDDEN
    return levels


def graph_of(case: Case, x: Tensor) -> SparseGraphs:
    both = [(i, j, w) for i, j, w in case.edges]
    if not case.directed:
        both += [(j, i, w) for i, j, w in case.edges if i != j]
    index = torch.tensor([[i, j] for i, j, _ in both], dtype=torch.long).view(-1, 2).T
    weight = torch.tensor([w for *_, w in both], dtype=x.dtype)
    return SparseGraphs.from_edge_index(x, index, edge_weight=weight)


def run(case: Case, graphs, levels: list[Level]):
    outs = []
    for level in levels:
        if level.scores is None:
            z, scores = level.embed(graphs, graphs.x), level.assign(graphs, graphs.x)
        else:
            z = graphs.x
            scores = level.scores if not outs else level.scores.unsqueeze(0)
        outs.append(diff_pool(z, graphs, scores / case.temperature, case.reduction))
        graphs = outs[-1].graphs
    total = case.link_weight * sum(out.link_loss for out in outs)
    return outs, total + case.entropy_weight * sum(out.entropy_loss for out in outs)


def rows_of(levels: list[Level], pick) -> list[list[float]]:
    """What `pick` takes from every parameter, in the order of model.js's rowsOf."""
    rows = []
    for level in levels:
        if level.scores is not None:
            rows += pick(level.scores).tolist()
        else:
            for layer in (*level.assign.layers, *level.embed.layers):
                rows += [*pick(layer.weight).tolist(), pick(layer.bias).tolist()]
    return rows


def parameters_for_the_page(levels: list[Level]) -> list[dict]:
    def stack(gnn):
        return [
            {"weight": one.weight.tolist(), "bias": one.bias.tolist()}
            for one in gnn.layers
        ]

    return [
        {"scores": level.scores.tolist()}
        if level.scores is not None
        else {"assign": stack(level.assign), "embed": stack(level.embed)}
        for level in levels
    ]


def gradient(parameter: Tensor) -> Tensor:
    grad = parameter.grad
    return torch.zeros_like(parameter) if grad is None else grad


def fixture(case: Case) -> dict:
    """What goes into the page, and what dpcore says to it."""
    torch.manual_seed(1000 + case.seed)
    x = torch.randn(case.n, case.width) if case.x is None else case.x.double()
    graphs = graph_of(case, x)
    levels = model_of(case, x.size(1))
    given = parameters_for_the_page(levels)
    outs, total = run(case, graphs, levels)
    probe_x, probe_adj = torch.randn_like(outs[-1].x), torch.randn_like(outs[-1].adj)
    probe = (probe_x * outs[-1].x).sum() + (probe_adj * outs[-1].adj).sum()
    (total + probe).backward()
    gradients = rows_of(levels, gradient)

    parameters = [p for level in levels for p in level.parameters()]
    adam = torch.optim.Adam(parameters, lr=0.05)
    curve = []
    for _ in range(case.steps):
        adam.zero_grad()
        _, loss = run(case, graphs, levels)
        loss.backward()
        adam.step()
        curve.append(loss.item())

    level_graphs = [graphs, *(out.graphs for out in outs[:-1])]
    settings = {
        "temperature": case.temperature,
        "reduction": case.reduction,
        "linkWeight": case.link_weight,
        "entropyWeight": case.entropy_weight,
    }
    sent = {
        "name": case.name,
        "graph": {
            "places": [[0, 0]] * case.n,
            "edges": " ".join(f"{i}-{j}*{w!r}" for i, j, w in case.edges),
            "own": x.tolist(),
            "features": "own",
            "directed": case.directed,
        },
        "model": given,
        "settings": settings,
        "probe": {"x": probe_x[0].tolist(), "adj": probe_adj[0].tolist()},
        "steps": case.steps,
        "differ": case.name in DIFFERENCES,
    }
    expected = {
        "a": graphs.to_dense().tolist(),
        "levels": [
            {
                "s": out.assignment.view(-1, out.assignment.size(-1)).tolist(),
                "adj": out.adj[0].tolist(),
                "coarseX": out.x[0].tolist(),
                "linkLoss": out.link_loss.item(),
                "entropyLoss": out.entropy_loss.item(),
                "inUse": effective_clusters(on, out.assignment).item(),
            }
            for on, out in zip(level_graphs, outs, strict=True)
        ],
        "total": total.item(),
        "gradients": gradients,
        "curve": curve,
        "trained": rows_of(levels, lambda p: p.detach()),
    }
    return {"sent": sent, "expected": expected}


COMPUTE = """({graph, model, settings, probe, steps, differ}) => {
    const P = DiffPoolPlayground;
    const g = P.graph.build(graph);
    const [a, x] = [P.graph.adjacency(g), P.graph.features(g)];
    const run = P.model.forward(model, a, x, settings);
    const gradients = P.model.rowsOf(P.gradients.backward(model, run, settings, probe));
    const differences =
        differ && P.gradients.byDifferences(model, a, x, settings, probe);
    const curve = [], memory = {};
    for (let i = 0; i < steps; i++) {
        const now = P.model.forward(model, a, x, settings);
        curve.push(now.total);
        const back = P.gradients.backward(model, now, settings);
        P.gradients.adam(model, back, memory, 0.05);
    }
    const keep = ({s, adj, coarseX, linkLoss, entropyLoss, inUse}) =>
        ({s, adj, coarseX, linkLoss, entropyLoss, inUse});
    return {a, levels: run.levels.map(keep), total: run.total, gradients, differences,
            curve, trained: P.model.rowsOf(model)};
}"""


@pytest.fixture(scope="module")
def computing(browser) -> Page:
    """An empty page with the files that compute, and nothing else."""
    page = browser.new_page()
    page.set_content("<!doctype html><title>playground</title>")
    for name in COMPUTING:
        page.add_script_tag(path=FOLDER / name)
    yield page
    page.close()


@pytest.fixture
def float64():
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def flat(value) -> list[float]:
    """Every number in nested lists and dictionaries, in order."""
    if isinstance(value, dict):
        value = [value[key] for key in sorted(value)]
    if isinstance(value, list):
        return [number for part in value for number in flat(part)]
    return [float(value)]


def worst(found, expected) -> float:
    found, expected = torch.tensor(flat(found)), torch.tensor(flat(expected))
    assert found.shape == expected.shape
    assert found.isfinite().all()
    return (found - expected).abs().max().item() if found.numel() else 0.0


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_everything_equals_dpcore(computing, float64, case):
    made = fixture(case)
    sent, expected = made["sent"], made["expected"]
    found = computing.evaluate(COMPUTE, sent)
    for name in ("a", "levels", "total", "gradients", "curve", "trained"):
        assert worst(found[name], expected[name]) < 1e-5, f"{case.name}: {name}"
    if sent["differ"]:
        size = max(1.0, torch.tensor(flat(found["gradients"])).abs().max().item())
        assert worst(found["gradients"], found["differences"]) < 1e-5 * size, case.name


def test_the_cases_cover_what_they_say():
    assert len(CASES) >= 40 and len(DIFFERENCES) >= 20
    assert {case.layers for case in CASES} == {0, 1, 2, 3}
    assert {len(case.clusters) for case in CASES} == {1, 2}
    assert {case.reduction for case in CASES} == {"rms", "frobenius"}
    assert any(case.directed for case in CASES)
    assert any(case.clusters[0] > case.n for case in CASES)
    assert any(i == j for case in CASES for i, j, _ in case.edges)
    assert any(w != 1 for case in CASES for *_, w in case.edges)


def test_a_perfect_fit_has_no_gradient(computing, float64):
    """Two pairs with self-loops, a sharp S: the norm is zero and so is its push."""
    edges = [(0, 1, 1.0), (2, 3, 1.0)] + [(i, i, 1.0) for i in range(4)]
    graphs = graph_of(Case("pairs", 4, edges), torch.ones(4, 1))
    scores = [[800.0, -800.0]] * 2 + [[-800.0, 800.0]] * 2
    given = torch.tensor(scores, requires_grad=True)
    out = diff_pool(graphs.x, graphs, given)
    out.link_loss.backward()
    assert out.link_loss.item() == 0 and not given.grad.any()
    found = computing.evaluate(
        COMPUTE,
        {
            "graph": {
                "places": [[0, 0]] * 4,
                "edges": " ".join(f"{i}-{j}" for i, j, _ in edges),
            },
            "model": [{"scores": scores}],
            "settings": {
                "temperature": 1,
                "reduction": "rms",
                "linkWeight": 1,
                "entropyWeight": 0,
            },
            "probe": None,
            "steps": 1,
        },
    )
    assert found["levels"][0]["linkLoss"] == 0
    assert not any(flat(found["gradients"]))


def test_the_predicted_balance_is_chapter_05s(computing):
    band = computing.evaluate("""() => {
        const {graph, model} = DiffPoolPlayground;
        const a = graph.adjacency(graph.preset("groups"));
        return [["rms", 1], ["frobenius", 1], ["rms", 2]].map(
            ([form, weight]) => model.balance(a, 5, weight, form));
    }""")
    rms, frobenius, doubled = band
    assert round(rms["some"], 3) == 0.113 and round(rms["all"], 3) == 0.190
    assert frobenius["all"] == pytest.approx(3.226, abs=1e-3)
    assert doubled["all"] == pytest.approx(2 * rms["all"])


def test_presets_are_the_book_s_graphs(computing):
    presets = computing.evaluate("""() => {
        const {graph} = DiffPoolPlayground;
        return Object.fromEntries(Object.keys(graph.PRESETS).map(name => {
            const g = graph.preset(name);
            return [name, {a: graph.adjacency(g), x: graph.features(g)}];
        }));
    }""")
    mass = {name: sum(map(sum, p["a"])) for name, p in presets.items()}
    assert mass["groups"] == 54 and mass["teams"] == mass["table"] == 36
    assert mass["ring"] == mass["triangles"] == 12
    group = torch.tensor([0] * 4 + [1] * 4 + [2] * 3 + [3] * 3 + [4] * 3)
    a = (group[:, None] == group).float() - torch.eye(17)
    for i, j in [(1, 7), (2, 6), (5, 10), (9, 13), (12, 16), (10, 15)]:
        a[i, j] = a[j, i] = 1
    assert presets["groups"]["a"] == a.tolist()
    for name, index in {"molecule": ("MUTAG", 0), "protein": ("PROTEINS", 89)}.items():
        graph = _real(*index)
        if graph is None:
            continue
        one = SparseGraphs.from_edge_index(graph.x, graph.edge_index)
        assert presets[name]["a"] == one.to_dense().tolist()
        used = graph.x[:, graph.x.any(0)]
        assert presets[name]["x"] == used.tolist()


def _real(name: str, index: int):
    import dpcore

    try:
        return dpcore.load_dataset(name)[index]
    except dpcore.DatasetUnavailable:
        return None


def test_renumbering_moves_rows_and_nothing_else(computing):
    same = computing.evaluate("""() => {
        const {graph, model, matrix} = DiffPoolPlayground;
        const settings = {temperature: 1, reduction: "rms", linkWeight: 1,
                          entropyWeight: 1};
        const before = graph.preset("groups");
        const order = graph.shuffled(17, matrix.random(3));
        const after = graph.permuted(before, order);
        const net = model.create({nodes: 17, width: 17, layers: 2, clusters: [5, 2],
                                  seed: 1});
        const [one, two] = [before, after].map(
            g => model.forward(net, graph.adjacency(g), graph.features(g), settings));
        const far = (a, b) => Math.max(
            ...a.flatMap((row, i) => row.map((v, j) => Math.abs(v - b[i][j]))));
        return [far(one.levels[0].adj, two.levels[0].adj),
                far(order.map(i => one.levels[0].s[i]), two.levels[0].s),
                far(one.levels[0].s, two.levels[0].s), one.total - two.total];
    }""")
    assert same[0] < 1e-12 and same[1] < 1e-12 and abs(same[3]) < 1e-12
    assert same[2] > 1e-3


def test_learning_finds_the_five_groups(computing):
    """Chapter 04's recipe with free scores, from seed 0: link first, then both."""
    s = computing.evaluate("""() => {
        const {graph, model, gradients} = DiffPoolPlayground;
        const g = graph.preset("groups");
        const [a, x] = [graph.adjacency(g), graph.features(g)];
        const net = model.create({nodes: 17, width: 17, layers: 0, clusters: [5],
                                  seed: 0});
        const memory = {};
        let run;
        for (let step = 0; step < 300; step++) {
            const settings = {temperature: 1, reduction: "rms", linkWeight: 1,
                              entropyWeight: step < 150 ? 0 : 0.5};
            run = model.forward(net, a, x, settings);
            gradients.adam(net, gradients.backward(net, run, settings), memory, 0.1);
        }
        return run.levels[0].s;
    }""")
    found = torch.tensor(s).argmax(1).tolist()
    runs = [found[0:4], found[4:8], found[8:11], found[11:14], found[14:17]]
    assert all(len(set(run)) == 1 for run in runs) and len(set(found)) == 5
