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
            assert set(methods) <= set(measure_when.METHODS)
            assert question in measure_when.synthetic.QUESTIONS
    batch, _ = measure_when.graphs("coarse", "test", 12, 0, 4)
    for name, own in measure_when.METHODS.values():
        model = measure_when.dpcore.build_model(
            name, num_features=8, num_classes=2, **(measure_when.MODEL | own)
        )
        assert model(batch).logits.shape == torch.Size([4, 2])


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
