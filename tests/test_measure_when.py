"""The measurement behind chapter 10: every cell once, kept, never mixed."""

import json
import sys

import measure_when
import pytest
import torch

SMALL = dict(train=8, validation=4, test=8, larger=4, epochs=1, batch_size=4, lr=0.005)


@pytest.fixture
def run(tmp_path, monkeypatch):
    monkeypatch.setattr(measure_when, "SETTINGS", SMALL)
    measure_when.graphs.cache_clear()
    output = tmp_path / "new" / "when.json"

    def run(*options):
        arguments = ["measure_when.py", "--output", str(output), *options]
        monkeypatch.setattr(sys, "argv", arguments)
        measure_when.main()
        return json.loads(output.read_text())

    yield run
    measure_when.graphs.cache_clear()


def keys(record):
    return [(c["method"], c["question"], c["seed"]) for c in record["cells"]]


def test_what_is_measured_is_not_measured_again(run, monkeypatch):
    one = ["--methods", "mlp", "1 level", "--questions", "coarse", "--seeds"]
    first = run(*one, "1")
    assert keys(first) == [("1 level", "coarse", 0), ("mlp", "coarse", 0)]
    measured, honest = [], measure_when.measure
    monkeypatch.setattr(
        measure_when,
        "measure",
        lambda *cell: measured.append(cell[:3]) or honest(*cell),
    )
    second = run(*one, "2")
    assert measured == [("1 level", "coarse", 1), ("mlp", "coarse", 1)]
    assert second["cells"][:2] == first["cells"]
    pooled, mlp = second["cells"][:2]
    assert mlp["accuracy"] == 0.5 and "agree" not in mlp  # all its inputs are equal
    assert 0 <= mlp["alive"] <= 32 and 0 < pooled["alive"] <= 32
    assert set(pooled["larger"]) == {"24", "48"}
    assert 1 <= pooled["used"][0] <= 18 and -0.2 < pooled["agree"] <= 1


def test_cells_of_other_settings_are_refused(run):
    one = ["--methods", "gin", "--questions", "hidden", "--seeds", "1"]
    before = run(*one)
    with pytest.raises(SystemExit, match="was measured with .*'epochs': 1"):
        run(*one, "--epochs", "2")
    assert run(*one) == before


def test_a_stopped_run_keeps_its_cells(run, monkeypatch):
    honest, count = measure_when.measure, []

    def stopped(*cell):
        count.append(cell)
        if len(count) == 2:
            raise KeyboardInterrupt
        return honest(*cell)

    monkeypatch.setattr(measure_when, "measure", stopped)
    both = ["--methods", "gin", "0 levels", "--questions", "coarse", "--seeds", "1"]
    with pytest.raises(KeyboardInterrupt):
        run(*both)
    monkeypatch.setattr(measure_when, "measure", honest)
    assert keys(run(*both)) == [("gin", "coarse", 0), ("0 levels", "coarse", 0)]


def test_no_graph_serves_twice(run):
    def edges(part, seed, size=12):
        batch, _ = measure_when.graphs("coarse", part, size, seed, 4)
        return batch.edge_index.tolist()

    drawn = [
        edges(part, seed) for part in ("train", "validation", "test") for seed in (0, 1)
    ]
    drawn += [edges("larger", seed, 24) for seed in (0, 1)]
    assert all(a != b for i, a in enumerate(drawn) for b in drawn[:i])


def test_training_ends_when_validation_is_solved(run, monkeypatch):
    def solved(model, train, epochs, *rest, on_epoch, **settings):
        for accuracy in (0.5, 1.0, 0.5):
            on_epoch({"accuracy": accuracy, "train_accuracy": 0.75})

    monkeypatch.setattr(measure_when.dpcore, "fit", solved)
    record = run("--methods", "mlp", "--questions", "coarse", "--seeds", "1")
    assert record["cells"][0]["epochs"] == 2


def test_two_seeds_of_the_main_plan_come_first():
    plans = {id(measure_when.PLAN): "main", id(measure_when.FURTHER): "further"}
    order = [(plans[id(plan)], seed) for plan, seed in measure_when.turns(3)]
    main, further = [("main", s) for s in range(3)], [("further", s) for s in range(3)]
    assert order == [*main[:2], further[0], main[2], *further[1:]]


def test_every_method_of_the_plan_can_be_built():
    for plan in (measure_when.PLAN, measure_when.FURTHER):
        for question, methods in plan.items():
            assert set(methods) <= set(measure_when.BY_NAME)
            assert question in measure_when.synthetic.QUESTIONS
    batch, _ = measure_when.graphs("coarse", "test", 12, 0, 4)
    for method in [*measure_when.METHODS, *measure_when.TABLES]:
        model = measure_when.build(method, measure_when.synthetic.QUESTIONS["coarse"])
        assert model(batch).logits.shape == torch.Size([4, 2])


def test_a_changed_method_differs_in_one_thing():
    def built(method):
        torch.manual_seed(0)
        return measure_when.build(method, measure_when.synthetic.QUESTIONS["coarse"])

    plain = built("2 levels")
    heads = {"leaky": torch.nn.LeakyReLU, "tanh": torch.nn.Tanh, "sharp": torch.nn.ReLU}
    for how, head in heads.items():
        model = built(f"2 levels, {how}")
        assert type(model.head[1]) is head
        for (name, a), b in zip(
            plain.named_parameters(), model.parameters(), strict=True
        ):
            sharper = how == "sharp" and name.startswith("levels.0.assign.join")
            assert torch.equal(b, a * 10 if sharper else a)


def test_a_bag_of_edges_counts_them_by_their_ends(run):
    batch, _ = measure_when.graphs("both", "test", 12, 0, 4)
    i, j = batch.edge_index
    for graph, bag in enumerate(measure_when.edge_bag(batch)):
        expected = torch.zeros(8, 8)
        for u, v in zip(i.tolist(), j.tolist(), strict=True):
            if batch.batch[u] == graph:
                expected += torch.outer(batch.x[u], batch.x[v])
        assert bag.tolist() == expected.flatten().tolist()
    one = ["--questions", "fine", "--seeds", "1", "--methods"]
    (cell,) = run(*one, "bag of edges")["cells"]
    assert set(cell) == {"method", "question", "seed", "accuracy", "cpu_seconds"}


def test_a_machine_is_chosen_on_validation(monkeypatch):
    class Machine:
        def __init__(self, C, gamma):  # noqa: N803
            self.best = (C, gamma) == (10, 0.01)

        def fit(self, x, y):
            assert y == "train"

        def score(self, x, y):
            return {"validation": 0.5 + self.best / 4, "test": 0.5 - self.best / 8}[y]

    monkeypatch.setattr(measure_when, "SVC", Machine)
    monkeypatch.setattr(measure_when, "make_pipeline", lambda scale, svm: svm)
    monkeypatch.setattr(measure_when, "edge_bag", lambda graphs: graphs.y)

    class Of:
        def __init__(self, y):
            self.y = y

    parts = {name: Of(name) for name in ("train", "validation", "test")}
    assert measure_when.machine(parts) == {"accuracy": 0.375}


def test_units_are_counted_after_the_last_epoch(run, monkeypatch):
    build = measure_when.dpcore.build_model

    def with_dead_units(*arguments, **settings):
        model = build(*arguments, **settings)
        with torch.no_grad():
            model.head[0].weight[:20] = 0
            model.head[0].bias[:20] = -1
            model.head[0].weight[20:] = 0
            model.head[0].bias[20:] = 1
        return model

    monkeypatch.setattr(measure_when.dpcore, "build_model", with_dead_units)
    one = ["--methods", "gin", "--questions", "coarse", "--seeds", "1", "--lr", "1e-9"]
    (cell,) = run(*one)["cells"]
    assert cell["alive"] == 12


def test_the_units_are_those_of_the_last_epoch_not_of_the_best(run, monkeypatch):
    def fit(model, *_, on_epoch, **__):
        def leave(count):
            with torch.no_grad():
                model.head[0].weight.zero_()
                model.head[0].bias.fill_(-1)[:count] = 1
            model.head(torch.ones(1, model.head[0].in_features))

        for count in (20, 7):
            leave(count)
            on_epoch(dict(accuracy=0.5, train_accuracy=0.5))
        leave(20)  # the weights of the best epoch come back

    monkeypatch.setattr(measure_when.dpcore, "fit", fit)
    one = ["--methods", "gin", "--questions", "coarse", "--seeds", "1"]
    (cell,) = run(*one)["cells"]
    assert (cell["alive"], cell["epochs"]) == (7, 2)


@pytest.mark.parametrize("method", ["0 levels", "random", "by ratio", "no losses"])
def test_how_a_cell_is_trained_and_judged(run, monkeypatch, method):
    """Parts of unlike sizes, so that each is known by its number of graphs."""
    fits, judged, read, made = [], [], [], []
    build = measure_when.dpcore.build_model

    def fit(*given, progress, on_epoch):
        fits.append(given)
        for right in (0.75, 0.5):
            on_epoch(dict(accuracy=0.5, train_accuracy=right))

    def evaluate(model, graphs):
        judged.append(graphs)
        return graphs.num_graphs / 1000

    def kept(*given, **settings):
        made.append((settings, build(*given, **settings)))
        return made[-1][1]

    monkeypatch.setattr(measure_when.dpcore, "fit", fit)
    monkeypatch.setattr(measure_when.dpcore, "evaluate", evaluate)
    monkeypatch.setattr(measure_when.dpcore, "build_model", kept)
    clusters = lambda model, *of: read.append(of) or {}  # noqa: E731
    monkeypatch.setattr(measure_when, "clusters", clusters)
    own = dict(train=8, validation=4, test=12, larger=4, epochs=7, batch_size=3, lr=0.5)
    record = measure_when.measure(method, "coarse", 5, own)
    ((model, train, *rest, validation),) = fits
    assert rest == [7, 3, 0.5, 5] and model is made[0][1]
    for part, number, count in ((train, 0, 8), (validation, 1, 4), (judged[0], 2, 12)):
        seed = 6000 + 100 * number + 12
        expected, communities = measure_when.drawn("coarse", count, 12, seed)
        assert torch.equal(part.edge_index, expected.edge_index)
    assert record["accuracy"] == 0.012
    assert record["larger"] == {24: 0.004, 48: 0.004}
    assert [part.num_nodes for part in judged[1:]] == [4 * 6 * n for n in (24, 48)]
    ((graphs, known),) = read
    assert graphs is judged[0] and all(map(torch.equal, known, communities))
    assert (record["epochs"], record["train_accuracy"]) == (2, 0.5)
    settings = made[0][0]
    sizes = dict(num_features=8, num_classes=2, hidden=32, dropout=0.0, conv="sage")
    more = {
        "0 levels": dict(levels=0, max_nodes=72),
        "random": dict(levels=1, max_nodes=72),
        "by ratio": dict(levels=1, max_nodes=288, per_graph=True),
        "no losses": dict(levels=1, max_nodes=72, link_weight=0.0, entropy_weight=0.0),
    }[method]
    assert settings == sizes | more
    name = measure_when.METHODS[method][0]
    torch.manual_seed(5)
    again = build(name, **settings)
    assert all(map(torch.equal, model.parameters(), again.parameters()))


def test_k_is_all_of_the_nodes_that_a_method_names():
    expected = ("diffpool", dict(conv="sage", levels=1, ratio=1.0, max_nodes=6))
    assert measure_when.METHODS["k = 6"] == expected


def test_a_unit_is_alive_that_answers_to_any_graph_of_the_last_batch(run, monkeypatch):
    def fit(model, *_, on_epoch, **__):
        head = model.head
        with torch.no_grad():
            head[0].weight.zero_()
            head[0].bias.fill_(-1)[:5] = 1
            head[0].weight[:9, 0] = 2
        width = head[0].in_features
        head(torch.ones(2, width))  # 9 answer, but to an earlier batch
        head(torch.stack([torch.zeros(width), torch.ones(width) / 4]))
        head[0].weight.data[5:7, 0] = 8
        head(torch.stack([torch.zeros(width), torch.ones(width) / 4]))
        on_epoch(dict(accuracy=0.5, train_accuracy=0.5))

    monkeypatch.setattr(measure_when.dpcore, "fit", fit)
    one = ["--methods", "gin", "--questions", "coarse", "--seeds", "1"]
    (cell,) = run(*one)["cells"]
    assert cell["alive"] == 7  # five to both graphs, two to one of them


def test_training_goes_on_though_all_training_graphs_are_right(run, monkeypatch):
    def fit(*_, on_epoch, **__):
        for _ in range(3):
            on_epoch({"accuracy": 0.5, "train_accuracy": 1.0})

    monkeypatch.setattr(measure_when.dpcore, "fit", fit)
    record = run("--methods", "mlp", "--questions", "coarse", "--seeds", "1")
    assert record["cells"][0]["epochs"] == 3


def test_options_are_settings_and_every_seed_is_measured(run, monkeypatch):
    asked = []

    def measure(method, question, seed, settings):
        asked.append((seed, settings["lr"], settings["train"]))
        return dict(method=method, question=question, seed=seed)

    monkeypatch.setattr(measure_when, "measure", measure)
    one = ["--methods", "gin", "--questions", "coarse", "--lr", "0.25", "--train", "4"]
    run(*one, "--seeds", "2")
    for _ in "12":  # the second time nothing is left
        run(*one, "--seeds", "5")
    assert asked == [(seed, 0.25, 4) for seed in range(5)]


def test_clusters_of_every_level_and_all_graphs():
    """Two graphs of two nodes; level 1 finds the communities of the second alone."""
    batch = torch.tensor([0, 0, 1, 1])
    graphs = measure_when.SparseGraphs.from_edge_index(
        torch.ones(4, 1), torch.empty(2, 0, dtype=torch.long), batch
    )
    first = torch.eye(3)[[0, 0, 1, 2]]
    above = torch.stack([torch.eye(2)[[0, 0, 0]], torch.eye(2)[[0, 1, 0]]])
    expected = float(torch.special.entr(torch.tensor([2 / 3, 1 / 3])).sum().exp())

    class Model(torch.nn.Module):
        def forward(self, graphs):
            return measure_when.dpcore.models.Output(
                None, None, None, None, [first, above]
            )

    found = measure_when.clusters(Model(), graphs, [torch.arange(2)] * 2)
    assert found["used"] == [1.5, round((1 + expected) / 2, 2)]
    assert found["agree"] == 0.5
