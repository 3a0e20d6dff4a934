"""Training: reproducible, honest about folds and protocols, plain about errors."""

import numpy as np
import pytest
import torch
import warm
from torch_geometric.data import Data

import dpcore
from dpcore.training import (
    History,
    Record,
    choose,
    predict,
    run_fold,
    splits,
    summary,
    validating,
)


@pytest.fixture(scope="module")
def graphs():
    """60 graphs, rings (class 0) and stars (class 1) of 4 to 9 nodes."""
    data = []
    for i in range(60):
        n, label = 4 + i % 6, i % 2
        nodes = torch.arange(n)
        ends = torch.stack([nodes, (nodes + 1) % n])
        if label:
            ends = torch.stack([torch.zeros(n - 1, dtype=torch.long), nodes[1:]])
        edges = torch.cat([ends, ends.flip(0)], dim=1)
        degree = torch.bincount(edges[0], minlength=n).clamp(max=3)
        x = torch.nn.functional.one_hot(degree, 4).float()
        data.append(Data(x=x, edge_index=edges, y=torch.tensor([label])))
    return data


def small_model(seed=0, **settings):
    torch.manual_seed(seed)
    settings = {"max_nodes": 9, "hidden": 16, "dropout": 0.2, **settings}
    return dpcore.build_model("diffpool", num_features=4, num_classes=2, **settings)


def test_it_learns_to_tell_rings_from_stars(graphs):
    model = small_model(dropout=0.0)
    history = dpcore.fit(model, graphs[:40], epochs=25, lr=1e-2, progress=False)
    assert dpcore.evaluate(model, graphs[40:]) == 1.0
    assert history[-1].loss < history[0].loss


def test_progress_is_of_validation_alone():
    with pytest.raises(ValueError, match="last_progress is of validation"):
        History([Record(epoch=1, loss=1.0)]).last_progress  # noqa: B018


def test_a_record_an_epoch_with_all_figures(graphs):
    model = small_model()
    history = dpcore.fit(
        model, graphs[:40], epochs=3, validation=graphs[40:], progress=False
    )
    assert [record["epoch"] for record in history] == [1, 2, 3]
    last = history[-1]
    for name in ("loss", "link_loss", "entropy_loss", "seconds", "accuracy"):
        assert np.isfinite(last[name]) and getattr(last, name) == last[name]
    assert [1 <= k <= 3 for k in last.effective_clusters] == [True, True]
    with pytest.raises(AttributeError, match="no 'nope' here"):
        last.nope  # noqa: B018


def test_the_loss_is_cross_entropy_plus_both_losses(graphs):
    model = small_model(dropout=0.0)
    out = model(dpcore.SparseGraphs.from_data_list(graphs))
    labels = torch.tensor([int(graph.y) for graph in graphs])
    expected = torch.nn.functional.cross_entropy(out.logits, labels)
    expected = expected + out.link_loss + out.entropy_loss
    first = dpcore.fit(model, graphs, epochs=1, batch_size=60, progress=False)[0]
    assert first.loss == pytest.approx(float(expected), rel=1e-5)


def test_the_same_seed_gives_the_same_run_and_leaves_the_global_state(graphs):
    runs = []
    for seed in (3, 3, 4):
        model = small_model()
        state = torch.random.get_rng_state()
        history = dpcore.fit(model, graphs, epochs=2, seed=seed, progress=False)
        assert torch.equal(state, torch.random.get_rng_state())
        runs.append([record.loss for record in history])
    assert runs[0] == runs[1] != runs[2]


def test_with_validation_the_best_epoch_is_kept(graphs):
    model = small_model()
    seen = []

    def remember(record):
        seen.append({k: v.clone() for k, v in model.state_dict().items()})

    history = dpcore.fit(
        model,
        graphs[:40],
        epochs=6,
        validation=graphs[40:],
        progress=False,
        on_epoch=remember,
    )
    best = seen[history.best.epoch - 1]
    assert all(torch.equal(v, best[k]) for k, v in model.state_dict().items())
    assert dpcore.evaluate(model, graphs[40:]) == history.best.accuracy


def test_ties_go_to_the_lower_validation_loss():
    history = History(
        Record(epoch=i, accuracy=a, validation_loss=v)
        for i, (a, v) in enumerate([(0.5, 0.1), (0.8, 0.7), (0.8, 0.6), (0.7, 0.2)])
    )
    assert history.best.epoch == 2


def test_evaluate_counts_by_hand_and_does_not_depend_on_the_batch_size(graphs):
    model = small_model()
    labels = torch.tensor([int(graph.y) for graph in graphs])
    model.eval()
    with torch.no_grad():
        alone = [
            model(dpcore.SparseGraphs.from_data_list([graph])).logits.argmax()
            for graph in graphs
        ]
    expected = float((torch.stack(alone) == labels).double().mean())
    model.train()
    for batch_size in (1, 7, 128):
        assert dpcore.evaluate(model, graphs, batch_size) == pytest.approx(expected)
    assert model.training  # left as it was
    assert predict(model, graphs).shape == (60, 2)


def test_folds_partition_the_data_and_keep_the_classes():
    labels = torch.tensor([0] * 60 + [1] * 40)  # ordered by class, as PROTEINS is
    parts = splits(labels, folds=10, seed=0)
    tests = torch.cat([part["test"] for part in parts])
    assert sorted(tests.tolist()) == list(range(100))
    for i, part in enumerate(parts):
        together = torch.cat(list(part.values()))
        assert sorted(together.tolist()) == list(range(100))
        assert torch.equal(part["validation"], parts[(i + 1) % 10]["test"])
        assert labels[part["test"]].bincount().tolist() == [6, 4]
    again = splits(labels, folds=10, seed=0)
    assert torch.equal(parts[3]["test"], again[3]["test"])
    assert not torch.equal(parts[3]["test"], splits(labels, 10, seed=1)[3]["test"])


def test_both_protocols_from_the_same_curves():
    folds = [
        Record(accuracy=0.6, test_curve=[0.5, 0.6, 0.7]),
        Record(accuracy=0.8, test_curve=[0.9, 0.8, 0.6]),
    ]
    both = summary(folds)
    assert both.fair_mean == pytest.approx(0.7)
    assert both.fair_sd == pytest.approx(np.std([0.6, 0.8], ddof=1))
    assert both.paper_protocol == pytest.approx(0.7)  # mean curve .7 .7 .65


def test_the_fold_reports_the_test_accuracy_of_the_best_validation_epoch(graphs):
    batch = dpcore.SparseGraphs.from_data_list(graphs)
    split = splits(batch.y, folds=3)[0]
    settings = {"max_nodes": 9, "hidden": 8}
    fold = run_fold("diffpool", batch, split, epochs=4, seed=0, **settings)
    chosen = max(fold.validation_curve)
    assert fold.validation_curve[fold.best_epoch - 1] == chosen
    assert fold.accuracy == fold.test_curve[fold.best_epoch - 1]


def test_the_choice_is_the_best_on_validation_and_never_sees_the_test_part(graphs):
    batch = dpcore.SparseGraphs.from_data_list(graphs)
    split = splits(batch.y, folds=3)[0]
    seen = {part: split[part] for part in ("train", "validation")}
    grid = [dict(hidden=2, lr=1e-5), dict(hidden=16, lr=2e-2), dict(hidden=4, lr=1e-5)]
    settings = dict(epochs=8, seed=0, max_nodes=9, dropout=0.0)
    found = choose("diffpool", batch, seen, grid, **settings)
    assert found.chosen == grid[1]
    assert [dict(p, accuracy=0, loss=0) for p in grid] == [
        dict(p, accuracy=0, loss=0) for p in found.grid
    ]
    best = max(point["accuracy"] for point in found.grid)
    assert found.grid[1]["accuracy"] == best > found.grid[0]["accuracy"]
    alone = run_fold("diffpool", batch, split, **settings, **grid[1])
    assert max(alone.validation_curve) == best  # the same training, chosen or not


def test_equal_accuracies_are_told_apart_by_the_loss(graphs, monkeypatch):
    losses = iter([0.5, 0.3, 0.4])

    def fit(*_, **__):
        return History([Record(accuracy=0.7, validation_loss=next(losses))])

    monkeypatch.setattr(validating, "fit", fit)
    batch = dpcore.SparseGraphs.from_data_list(graphs)
    grid = [dict(hidden=2), dict(hidden=3), dict(hidden=4)]
    split = splits(batch.y, folds=3)[0]
    assert choose("mlp", batch, split, grid, epochs=1, seed=0).chosen == grid[1]


def test_a_point_that_diverges_is_not_chosen(graphs):
    batch = dpcore.SparseGraphs.from_data_list(graphs)
    split = splits(batch.y, folds=3)[0]
    bad, good = dict(hidden=8, lr=1e30), dict(hidden=8, lr=1e-3)
    settings = dict(epochs=10, seed=0, max_nodes=9)
    found = choose("diffpool", batch, split, [bad, good], **settings)
    assert found.chosen == good and found.grid[0]["accuracy"] is None
    with pytest.raises(FloatingPointError, match="diverged at all 1 grid points"):
        choose("diffpool", batch, split, [bad], **settings)


def test_cross_validation_is_the_same_with_one_and_with_two_workers(graphs):
    settings = dict(folds=3, epochs=2, seed=0, progress=False, max_nodes=9, hidden=8)
    one = dpcore.cross_validate("diffpool", graphs, jobs=1, **settings)
    with warm.joblib_pools():
        two = dpcore.cross_validate("diffpool", graphs, jobs=2, **settings)
    assert [f.test_curve for f in one.folds] == [f.test_curve for f in two.folds]
    assert 0 <= one.fair_mean <= one.paper_protocol + 0.5 and one.paper_protocol <= 1


def test_errors_name_the_argument(graphs):
    model = small_model()
    unlabelled = [Data(x=g.x, edge_index=g.edge_index) for g in graphs[:4]]
    with pytest.raises(ValueError, match="train has no labels"):
        dpcore.fit(model, unlabelled)
    with pytest.raises(ValueError, match="validation has no labels"):
        dpcore.fit(model, graphs, validation=unlabelled)
    with pytest.raises(ValueError, match="epochs is 0"):
        dpcore.fit(model, graphs, epochs=0)
    with pytest.raises(ValueError, match="graphs: graphs is empty"):
        dpcore.evaluate(model, [])
    with pytest.raises(ValueError, match="folds is 2, expected 3"):
        dpcore.cross_validate("mlp", graphs, folds=2)
    wrong = [Data(x=g.x, edge_index=g.edge_index, y=g.y + 2) for g in graphs[:4]]
    with pytest.raises(ValueError, match="num_classes = 2"):
        dpcore.fit(model, wrong, progress=False)


def test_a_run_that_diverges_is_said_so(graphs):
    with pytest.raises(
        FloatingPointError, match=r"diverged in epoch .* lower lr \(1e\+30\)"
    ):
        dpcore.fit(small_model(), graphs, epochs=30, lr=1e30, progress=False)


def test_a_batch_in_parts_takes_the_same_steps(graphs):
    runs = []
    for accumulate in (1, 4):
        model = small_model(dropout=0.0)
        history = dpcore.fit(
            model, graphs, 3, batch_size=20, accumulate=accumulate, progress=False
        )
        weights = torch.cat([p.detach().view(-1) for p in model.parameters()])
        runs.append((weights, [record.loss for record in history]))
    torch.testing.assert_close(runs[0][0], runs[1][0], atol=1e-5, rtol=1e-4)
    assert runs[0][1] == pytest.approx(runs[1][1], rel=1e-4)


def test_collapsed_assignments_are_said_so(graphs):
    model = small_model(dropout=0.0)
    level = model.levels[0].assign
    level.forward = lambda graphs, h: torch.tensor([50.0, 0, 0]) + 0 * h[:, :1]
    with pytest.warns(UserWarning, match="level 1 uses 1.0 of its 3 clusters"):
        history = dpcore.fit(model, graphs, epochs=1, progress=False)
    assert history[0].clusters == [3, 1]
    assert history[0].effective_clusters[0] == pytest.approx(1.0, abs=1e-3)


def test_the_warning_is_about_the_epoch_whose_weights_are_kept(graphs):
    """The first epoch is collapsed and the best on validation; the last is neither."""
    model, epochs = small_model(dropout=0.0), iter([50.0, 0.0])

    def step(record):
        record["accuracy"] = 1.0 if record.epoch == 1 else 0.0
        height["now"] = next(epochs, 0.0)

    height = {"now": next(epochs)}
    level = model.levels[0].assign
    level.forward = lambda g, h: torch.tensor([height["now"], 0, 0]) + 0 * h[:, :1]
    with pytest.warns(UserWarning, match="level 1 uses 1.0 of its 3 clusters"):
        history = dpcore.fit(
            model, graphs, epochs=2, validation=graphs, progress=False, on_epoch=step
        )
    assert history.best.epoch == 1
    assert history[1].effective_clusters[0] == pytest.approx(3)


def test_classes_with_a_gap_are_refused():
    with pytest.raises(ValueError, match="no graph of class 0: number the classes"):
        splits(torch.tensor([1, 2] * 10), folds=5)


def test_a_regression_learns_the_number_of_nodes(graphs):
    """Trained on and judged by the mean absolute error, in the labels' unit."""
    data = [Data(x=g.x, edge_index=g.edge_index, y=g.x.sum().view(1)) for g in graphs]

    def model():
        return dpcore.build_model(
            "mlp", num_features=4, num_classes=1, hidden=16, dropout=0.0
        )

    torch.manual_seed(0)
    own = model()
    history = dpcore.fit(
        own,
        data[:40],
        epochs=40,
        lr=1e-2,
        validation=data[40:],
        progress=False,
        task="regression",
    )
    assert "accuracy" not in history[-1] and history.best.error == min(
        epoch.error for epoch in history
    )
    truth = torch.tensor([float(g.y) for g in data[40:]])
    off = float((predict(own, data[40:]).view(-1) - truth).abs().mean())
    assert off == pytest.approx(history.best.error, rel=1e-5) and off < 0.5
    assert dpcore.evaluate(own, data[40:], task="regression") == pytest.approx(off)
    both = dpcore.cross_validate(
        model, data, folds=3, epochs=3, task="regression", progress=False
    )
    errors = [fold.error for fold in both.folds]
    assert both.fair_mean == pytest.approx(np.mean(errors))
    curve = np.mean([fold.test_curve for fold in both.folds], axis=0)
    assert both.paper_protocol == pytest.approx(curve.min())
    with pytest.raises(ValueError, match='say task="regression"'):
        dpcore.fit(own, data, progress=False)
    with pytest.raises(ValueError, match="float labels"):
        dpcore.fit(own, graphs, progress=False, task="regression")
