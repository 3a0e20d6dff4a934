"""Training against a plain loop, and the protocol with curves that disagree."""

import copy
import dataclasses
import inspect
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from reference import random_graphs, union
from sklearn.model_selection import StratifiedKFold
from torch import nn
from torch.nn import functional as F

import dpcore
from dpcore.graphs import SparseGraphs
from dpcore.models.output import flat_output
from dpcore.pooling import effective_number
from dpcore.training import (
    History,
    Record,
    choose,
    fitting,
    predict,
    run_fold,
    splits,
    standardized,
    summary,
    validating,
)
from dpcore.training.targets import classes_of, target_of


def labelled(count, seed=0, classes=2, least=3):
    """Directed, weighted graphs of 3 to 7 nodes; the label is in the features."""
    sizes = [least + i % 5 for i in range(count)]
    graphs = union(
        random_graphs(sizes, seed, directed=True, weighted=True, dtype=torch.float32)
    )
    y = (torch.arange(count) * 7 + seed) % classes
    x = graphs.x.clone()
    x[:, 0] += y[graphs.batch].float()
    return dataclasses.replace(graphs, x=x, y=y)


def diffpool(seed=0, **settings):
    torch.manual_seed(seed)
    settings = dict(max_nodes=9, hidden=4, dropout=0.4, levels=2, ratio=0.5) | settings
    return dpcore.build_model("diffpool", num_features=3, num_classes=2, **settings)


def plain_loop(model, graphs, epochs, batch_size, lr, seed, clip, parts=1):
    """What `fit` promises, written out; means are over graphs."""
    adam = torch.optim.Adam(model.parameters(), lr=lr)
    torch.manual_seed(seed)
    records = []
    for _ in range(epochs):
        model.train()
        order = torch.randperm(graphs.num_graphs).tolist()
        sums, right, used = np.zeros(3), 0, 0
        for start in range(0, len(order), batch_size):
            ids = order[start : start + batch_size]
            adam.zero_grad()
            size = -(-len(ids) // parts)
            for first in range(0, len(ids), size):
                part = ids[first : first + size]
                batch = graphs.select(part)
                out = model(batch)
                loss = F.cross_entropy(out.logits, graphs.y[part]) + out.auxiliary
                (loss * len(part) / len(ids)).backward()
                values = [loss.item(), out.link_loss.item(), out.entropy_loss.item()]
                sums += len(part) * np.array(values)
                right += int((out.logits.argmax(1) == graphs.y[part]).sum())
                levels = [s.detach() for s in out.assignments]
                masses = [s.sum(1) if s.dim() == 3 else batch.sum(s) for s in levels]
                shares = [mass / mass.sum(1, keepdim=True) for mass in masses]
                numbers = [float(effective_number(share).sum()) for share in shares]
                used = used + np.array(numbers)
            nn.utils.clip_grad_norm_(model.parameters(), clip)
            adam.step()
        means = sums / len(order)
        clusters = np.atleast_1d(used / len(order))
        records.append((*means, right / len(order), *clusters))
    return np.array(records)


@pytest.mark.parametrize("seed, parts, clip", [(0, 1, 2.0), (5, 1, 0.05), (7, 3, 0.05)])
def test_fit_is_the_plain_loop(seed, parts, clip):
    """11 graphs in batches of 5, a batch in parts of 2, 2 and 1: none are equal."""
    graphs = labelled(11)
    ours, theirs = diffpool(seed=3), diffpool(seed=3)
    ours.eval()  # it is trained all the same
    expected = plain_loop(theirs, graphs, 3, 5, 0.02, seed, clip, parts)
    history = dpcore.fit(
        ours,
        graphs,
        epochs=3,
        batch_size=5,
        lr=0.02,
        seed=seed,
        clip=clip,
        accumulate=parts,
        progress=False,
    )
    names = ("loss", "link_loss", "entropy_loss", "train_accuracy")
    found = [[*(r[n] for n in names), *r.effective_clusters] for r in history]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
    for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
        torch.testing.assert_close(a, b, rtol=1e-3, atol=1e-5)
    assert [r.epoch for r in history] == [1, 2, 3]
    assert all(
        r.clusters == [s.size(-1) for s in ours(graphs).assignments] for r in history
    )


def test_the_defaults_are_those_of_the_docstring():
    graphs = labelled(40)
    torch.manual_seed(1)
    ours = dpcore.build_model("mlp", num_features=3, num_classes=2, hidden=4)
    theirs = copy.deepcopy(ours)
    expected = plain_loop(theirs, graphs, 40, 32, 1e-3, 0, 2.0)
    history = dpcore.fit(ours, graphs, progress=False)
    assert len(history) == 40
    np.testing.assert_allclose([r.loss for r in history], expected[:, 0], rtol=1e-3)


def test_the_random_state_is_the_callers_before_and_after():
    graphs = labelled(6)
    torch.manual_seed(11)
    before = torch.random.get_rng_state()
    split = dict(train=[0, 1, 2, 3], validation=[4], test=[5])
    split = {part: torch.tensor(ids) for part, ids in split.items()}
    run_fold("mlp", graphs, split, epochs=1, seed=4)
    choose("mlp", graphs, split, [{}], epochs=1, seed=4)
    options = dict(folds=3, epochs=1, weights_seed=4, progress=False)
    dpcore.cross_validate("mlp", graphs, **options)
    assert torch.equal(before, torch.random.get_rng_state())


class Scripted(nn.Module):
    """A model whose outputs are told beforehand: in epoch e it is right about the share
    `right[e]` of the graphs it measures, and sure of it by `margin[e]`."""

    def __init__(self, right, margin=None):
        super().__init__()
        self.right, self.margin = right, margin or [1.0] * len(right)
        self.weight = nn.Parameter(torch.zeros(2))
        self.register_buffer("age", torch.zeros(()))

    def forward(self, batch):
        if self.training:
            self.age += 1
            return flat_output(self.weight.expand(batch.num_graphs, 2))
        epoch = int(self.age) - 1
        sign = torch.ones(batch.num_graphs, 1)
        sign[round(self.right[epoch] * batch.num_graphs) :] = -1
        return flat_output(
            self.margin[epoch] * sign * (F.one_hot(batch.y, 2) * 2.0 - 1)
        )


@pytest.mark.parametrize(
    ("right", "margin", "best"),
    [
        ([0.4, 0.8, 0.6, 0.2], None, 2),
        ([0.8, 0.4, 0.6, 0.6], None, 1),  # an early best
        ([0.2, 0.4, 0.6, 0.8], None, 4),
        ([0.4, 0.8, 0.8, 0.8], None, 2),  # the first of equals
        ([0.4, 0.8, 0.8, 0.6], [1, 1, 0.7, 9], 3),  # of equals the lower loss
        ([0.4, 0.8, 0.6, 0.6], [9, 1, 9, 99], 2),  # the accuracy decides, not the loss
        ([0.8, 0.6, 0.4, 0.6], [3, 0.2, 3, 3], 1),  # a lower loss is no better epoch
    ],
)
def test_the_weights_of_the_best_validation_epoch_are_kept(right, margin, best):
    graphs, model = labelled(10), Scripted(right, margin)
    history = dpcore.fit(model, graphs, 4, 10, validation=graphs, progress=False)
    assert [r.accuracy for r in history] == pytest.approx(right)
    assert history.best.epoch == best and int(model.age) == best
    for record, share, sure in zip(history, right, model.margin, strict=True):
        loss = share * np.log1p(np.exp(-2 * sure)) + (1 - share) * np.log1p(
            np.exp(2 * sure)
        )
        assert record.validation_loss == pytest.approx(loss, rel=1e-4)


def test_what_a_callback_does_to_the_model_is_kept_with_its_epoch():
    graphs, model = labelled(10), Scripted([0.4, 0.8, 0.6])
    options = dict(validation=graphs, progress=False)
    dpcore.fit(
        model,
        graphs,
        3,
        10,
        on_epoch=lambda r: model.weight.data.fill_(r.epoch),
        **options,
    )
    assert model.weight.tolist() == [2, 2]


def test_without_validation_the_last_epoch_is_kept():
    graphs, model = labelled(10), Scripted([0.8, 0.4])
    history = dpcore.fit(model, graphs, 2, 10, progress=False)
    assert history.best.epoch == 2 and int(model.age) == 2


CURVES = [  # right on validation, right on test
    ([0.4, 0.8, 0.6, 0.2], [0.2, 0.4, 0.9, 0.6]),
    ([0.8, 0.6, 0.8, 0.4], [0.5, 0.9, 0.1, 0.7]),
    ([0.2, 0.4, 0.4, 0.9], [1.0, 0.3, 0.2, 0.6]),
]


def given_to_fit(args, named):
    """The arguments of a call by name, with the defaults of `fit`."""
    bound = inspect.signature(dpcore.fit).bind(*args, **named)
    bound.apply_defaults()
    return bound.arguments


class Told:
    """Stands for `fit` and `evaluate`: what each epoch of each fold measures."""

    def __init__(self, curves):
        self.curves, self.calls = curves, []

    def fit(self, *args, **named):
        call = given_to_fit(args, named)
        fold, history = len(self.calls), History()
        self.calls.append(call)
        pairs = zip(*self.curves[fold], strict=True)
        for number, (known, tested) in enumerate(pairs):
            self.tested = tested
            loss = [1.0, 2.0, 3.0, 0.5][number]  # the last is lower, and no better
            figures = dict(accuracy=known, validation_loss=loss)
            figures |= dict(loss=10.0 * fold + number, link_loss=0.1 * number)
            figures |= dict(
                entropy_loss=0.2 * number, effective_clusters=[1.0 + number]
            )
            record = Record(epoch=number + 1, clusters=[4], **figures)
            if call["on_epoch"] is not None:
                call["on_epoch"](record)
            history.append(record)
        return history

    def evaluate(self, model, graphs, **_):
        self.evaluated = graphs
        return self.tested


@pytest.fixture
def told(monkeypatch):
    told = Told(CURVES)
    monkeypatch.setattr(validating, "fit", told.fit)
    monkeypatch.setattr(validating, "evaluate", told.evaluate)
    return told


@pytest.mark.parametrize("fold", range(3))
def test_the_test_part_has_no_say_in_the_fair_figure(told, fold):
    told.curves = CURVES[fold:]
    graphs = labelled(9)
    split = splits(graphs.y, 3, seed=1)[fold]
    record = run_fold("mlp", graphs, split, epochs=4, seed=2)
    known, tested = CURVES[fold]
    best = known.index(max(known))
    assert record.best_epoch == best + 1
    assert record.accuracy == tested[best] != max(tested)
    assert record.validation_curve == known and record.test_curve == tested
    assert record.link_loss == pytest.approx(0.1 * best)
    assert record.entropy_loss == pytest.approx(0.2 * best)
    assert record.effective_clusters == [1.0 + best]
    assert record.loss_curve == [0, 1, 2, 3]
    assert torch.equal(told.evaluated.x, graphs.select(split["test"]).x)
    call = told.calls[0]
    for part in ("train", "validation"):
        assert torch.equal(call[part].x, graphs.select(split[part]).x)
    assert record.parameters == sum(p.numel() for p in call["model"].parameters())


def test_a_figure_of_a_fold_is_kept_with_every_digit(told):
    told.curves = [([1 / 3, 0.25], [2 / 7, 1.0])]
    graphs = labelled(9)
    record = run_fold("mlp", graphs, splits(graphs.y, 3)[0], epochs=2, seed=0)
    assert record.accuracy == 2 / 7 and record.test_curve == [2 / 7, 1.0]
    assert record.validation_curve == [1 / 3, 0.25]


def test_both_figures_of_cross_validation(told):
    found = dpcore.cross_validate("mlp", labelled(9), folds=3, epochs=4, progress=False)
    fair = [0.4, 0.5, 0.6]
    assert found.fair_mean == pytest.approx(np.mean(fair))
    assert found.fair_sd == pytest.approx(0.1)  # n - 1 in the denominator
    mean_curve = np.mean([tested for _, tested in CURVES], axis=0)
    assert found.paper_protocol == pytest.approx(mean_curve.max())
    assert found.paper_protocol != pytest.approx(np.mean([max(t) for _, t in CURVES]))
    assert [fold.accuracy for fold in found.folds] == fair


def test_a_single_fold_has_no_spread_and_unequal_curves_are_held():
    one = Record(accuracy=0.7, test_curve=[0.5, 0.7])
    assert summary([one]).fair_sd == 0.0 and summary([one]).fair_mean == 0.7
    longer = Record(accuracy=0.2, test_curve=[0.9, 0.1, 0.1, 0.3])
    assert summary([one, longer]).paper_protocol == pytest.approx(0.7)
    assert summary([longer, one]).paper_protocol == pytest.approx(0.7)
    last = Record(accuracy=0.2, test_curve=[0.1, 0.1, 0.1, 0.9])
    assert summary([one, last]).paper_protocol == pytest.approx(0.8)
    fell = Record(accuracy=0.2, test_curve=[0.9, 0.2])  # what is held is not the best
    assert summary([fell, last]).paper_protocol == pytest.approx(0.55)
    error = SimpleNamespace(
        error=0.3, test_curve=[0.5, 0.3]
    )  # any object, as of tables
    assert summary([error]).fair_mean == summary([error]).paper_protocol == 0.3


def test_a_fold_hands_on_all_it_is_given(told):
    graphs = labelled(9)
    split = splits(graphs.y, 3)[0]
    expected = dict(epochs=6, seed=5, batch_size=7, lr=0.3, patience=4)
    run_fold("mlp", graphs, split, **expected)
    call = told.calls[0]
    assert {name: call[name] for name in expected} == expected and not call["progress"]
    run_fold("mlp", graphs, split, progress=True, **expected)
    assert told.calls[1]["progress"]


def test_what_is_not_given_is_left_to_fit(told):
    graphs = labelled(9)
    split = splits(graphs.y, 3)[0]
    run_fold("mlp", graphs, split, epochs=6, seed=5)
    choose("mlp", graphs, split, [{}], epochs=6, seed=5)
    of_fit = inspect.signature(dpcore.fit).parameters
    usual = {name: of_fit[name].default for name in validating.OF_FIT}
    assert len(told.calls) == 2
    for call in told.calls:
        assert {name: call[name] for name in usual} == usual


def test_a_factory_gets_the_settings_that_are_not_fit_s(told):
    seen = []

    def factory(**settings):
        seen.append(settings)
        return dpcore.build_model("mlp", num_features=3, num_classes=2)

    graphs = labelled(9)
    split = splits(graphs.y, 3)[0]
    run_fold(factory, graphs, split, epochs=4, seed=0, width=5, lr=0.5)
    choose(factory, graphs, split, [dict(width=6)], epochs=4, seed=0, depth=2)
    assert seen == [dict(width=5), dict(width=6, depth=2)]


def test_what_the_data_says_is_a_setting_unless_it_is_given(told):
    graphs = labelled(9)
    split = splits(graphs.y, 3)[0]
    for given in ({}, dict(k=11)):
        run_fold("sortpool", graphs, split, epochs=4, seed=0, **given)
    by_data, by_hand = (call["model"] for call in told.calls)
    of_data = dpcore.models.data_settings("sortpool", graphs)
    assert (by_data.k, by_hand.k) == (of_data["k"], 11) and of_data["k"] != 11


def test_a_flat_model_has_no_figures_of_levels():
    graphs = labelled(9)
    of_levels = {"link_loss", "entropy_loss", "effective_clusters"}
    for row, found in (("mlp", set()), ("diffpool", of_levels)):
        record = run_fold(row, graphs, splits(graphs.y, 3)[0], epochs=1, seed=0)
        assert of_levels & record.keys() == found


@pytest.mark.parametrize("which", ["run_fold", "choose"])
@pytest.mark.parametrize("seed", [0, 3])
@pytest.mark.parametrize("own", [True, False])
def test_a_fold_s_weights_are_its_seed_s(told, which, seed, own):
    sizes = dict(num_features=3, num_classes=2)
    model = "mlp" if own else lambda: dpcore.build_model("mlp", **sizes)
    graphs = labelled(9)
    split = splits(graphs.y, 3)[0]
    torch.manual_seed(77)
    before = torch.random.get_rng_state()
    if which == "run_fold":
        run_fold(model, graphs, split, epochs=4, seed=seed)
    else:
        choose(model, graphs, split, [{}], epochs=4, seed=seed)
    assert torch.equal(before, torch.random.get_rng_state())
    torch.manual_seed(seed)
    again = dpcore.build_model("mlp", **sizes)
    for a, b in zip(
        told.calls[0]["model"].parameters(), again.parameters(), strict=True
    ):
        assert torch.equal(a, b)


def test_the_seeds_of_cross_validation(monkeypatch):
    seen = []

    def fold(name, graphs, split, *, epochs, seed, **settings):
        seen.append((split, epochs, seed, settings))
        assert torch.equal(graphs.x, whole.x)
        return Record(accuracy=0.5, test_curve=[0.5])

    monkeypatch.setattr(validating, "run_fold", fold)
    graphs = whole = labelled(20)
    own = dict(hidden=8, lr=0.1, batch_size=3)
    settings = dict(own, weights_seed=4)
    dpcore.cross_validate("mlp", graphs, 4, 7, seed=6, progress=False, **settings)
    parts = splits(graphs.y, 4, seed=6)
    assert len(seen) == 4
    for (split, epochs, seed, given), part in zip(seen, parts, strict=True):
        assert (epochs, seed) == (7, 4) and own.items() <= given.items()
        assert all(torch.equal(split[name], part[name]) for name in part)


def test_the_defaults_of_cross_validation(monkeypatch):
    seen = []

    def fold(name, graphs, split, *, epochs, seed, **settings):
        seen.append((split, epochs, seed, settings))
        return Record(accuracy=0.5, test_curve=[0.5])

    monkeypatch.setattr(validating, "run_fold", fold)
    graphs = labelled(24)
    dpcore.cross_validate("mlp", graphs, progress=False)
    assert [found[1:] for found in seen] == [(100, 0, dict(task="classification"))] * 10
    for (split, *_), part in zip(seen, splits(graphs.y, 10, 0), strict=True):
        assert torch.equal(split["test"], part["test"])


def test_cross_validation_refuses_before_any_fold_and_hands_on_standardize(monkeypatch):
    seen = []

    def fold(*_, **settings):
        seen.append(settings)
        return Record(accuracy=0.5, test_curve=[0.5])

    monkeypatch.setattr(validating, "run_fold", fold)
    options = dict(folds=3, epochs=1, progress=False)
    with pytest.raises(ValueError, match="ratio"):
        dpcore.cross_validate("mlp", labelled(9), ratio=0.5, **options)
    assert seen == []
    dpcore.cross_validate("mlp", labelled(9), standardize=2, lr=0.5, **options)
    assert [(one["standardize"], one["lr"]) for one in seen] == [(2, 0.5)] * 3


def test_folds_of_unequal_size():
    labels = torch.tensor([0] * 11 + [1] * 6)
    parts = splits(labels, 4, seed=2)
    sizes = [[len(part[p]) for p in ("train", "validation", "test")] for part in parts]
    assert sorted(size[2] for size in sizes) == [4, 4, 4, 5]
    assert all(sum(size) == 17 for size in sizes)
    for i, part in enumerate(parts):
        assert torch.equal(part["validation"], parts[(i + 1) % 4]["test"])
        for ids in part.values():
            assert torch.equal(ids, ids.sort().values)
        both = torch.cat([part["validation"], part["test"]])
        assert torch.equal(
            part["train"], torch.tensor([i for i in range(17) if i not in both])
        )
    assert splits(labels, 3) and splits(labels, 6)
    for folds in (2, 7):
        with pytest.raises(ValueError, match=f"folds is {folds}, expected 3 .* to 6"):
            splits(labels, folds)
    with pytest.raises(ValueError, match="no graph of class 1"):
        splits(torch.tensor([0, 2] * 5), 3)


@pytest.mark.parametrize("counts", [(3, 9, 9), (9, 3, 9), (9, 9, 3)])
def test_the_smallest_class_bounds_the_folds_wherever_it_stands(counts):
    labels = torch.arange(3).repeat_interleave(torch.tensor(counts))
    assert len(splits(labels, 3)) == 3
    with pytest.raises(ValueError, match="folds is 4, expected 3 .* to 3"):
        splits(labels, 4)


def test_the_defaults_of_splits():
    labels = torch.tensor([0, 1] * 20)
    parts, again = splits(labels), splits(labels, 10, 0)
    assert len(parts) == 10
    shuffled = StratifiedKFold(10, shuffle=True, random_state=0).split(labels, labels)
    for a, b, (_, test) in zip(parts, again, shuffled, strict=True):
        assert torch.equal(a["test"], b["test"]) and a["test"].tolist() == [*test]


@pytest.mark.parametrize(
    ("points", "chosen"),
    [
        ([(0.5, 0.1), (0.7, 0.9), (0.6, 0.2)], 1),  # the accuracy, not the loss
        ([(0.7, 0.9), (0.5, 0.1), (0.7, 0.8)], 2),  # among equals the lower loss
        ([(0.7, 0.9), (0.5, 0.1), (0.7, 0.9)], 0),  # then the first
        ([(0.701, 0.8), (0.704, 0.9), (0.5, 0.1)], 1),  # every digit counts
        ([None, (0.1, 5.0), (0.1, 6.0)], 1),
        ([(0.3, 1.0), None, (0.4, 6.0)], 2),
    ],
)
def test_the_choice_among_points_that_disagree(monkeypatch, points, chosen):
    graphs, left, calls = labelled(12), iter(points), []
    split = splits(graphs.y, 3, seed=4)[1]

    def fit(*args, **named):
        calls.append(given_to_fit(args, named))
        point = next(left)
        if point is None:
            raise FloatingPointError
        early = Record(
            epoch=1, clusters=[], accuracy=point[0], validation_loss=point[1]
        )
        return History([early, Record(epoch=2, accuracy=0.0, validation_loss=0.0)])

    monkeypatch.setattr(validating, "fit", fit)
    grid = [dict(hidden=3), dict(hidden=5, lr=0.4), dict(hidden=7)]
    found = choose(
        *("graphsage", graphs, split, grid),
        **dict(epochs=9, seed=8, batch_size=5, dropout=0.3, lr=0.2, hidden=99),
    )
    assert found.chosen == grid[chosen]
    figures = [point or (None, None) for point in points]
    assert [(p["accuracy"], p["loss"]) for p in found.grid] == figures
    assert [{k: p[k] for k in g} for p, g in zip(found.grid, grid, strict=True)] == grid
    assert [call["lr"] for call in calls] == [0.2, 0.4, 0.2]
    for call, point in zip(calls, grid, strict=True):
        assert (call["epochs"], call["batch_size"], call["seed"]) == (9, 5, 8)
        assert torch.equal(call["train"].x, graphs.select(split["train"]).x)
        assert torch.equal(call["validation"].x, graphs.select(split["validation"]).x)
        torch.manual_seed(8)
        again = dpcore.build_model(
            "graphsage",
            num_features=3,
            num_classes=2,
            hidden=point["hidden"],
            dropout=0.3,
        )
        assert str(again) == str(call["model"])
        for a, b in zip(again.parameters(), call["model"].parameters(), strict=True):
            assert torch.equal(a, b)
    assert found.trial_seconds >= 0


@pytest.mark.parametrize("which", ["run_fold", "choose"])
def test_what_is_standardised_is_by_the_training_part_of_that_fold(told, which):
    graphs = labelled(9)
    split = splits(graphs.y, 3, seed=5)[2]
    expected = standardized(graphs, 2, split["train"])
    if which == "run_fold":
        run_fold("mlp", graphs, split, epochs=4, seed=0, standardize=2)
        assert torch.equal(told.evaluated.x, expected.select(split["test"]).x)
    else:
        choose("mlp", graphs, split, [{}], epochs=4, seed=0, standardize=2)
    for part in ("train", "validation"):
        assert torch.equal(told.calls[0][part].x, expected.select(split[part]).x)


def test_standardising_keeps_all_but_the_columns():
    graphs = labelled(4)
    graphs = SparseGraphs.from_edge_index(
        graphs.x,
        graphs.edge_index,
        graphs.batch,
        torch.rand(graphs.edge_index.size(1)) + 0.5,
        graphs.y,
        torch.rand(graphs.edge_index.size(1), 2),
    )
    train, before = torch.tensor([0, 2]), graphs.x.clone()
    found = standardized(graphs, 2, train)
    assert torch.equal(graphs.x, before)  # the caller's stay
    seen = graphs.select(train).x.double().numpy()
    x = graphs.x.double().numpy()
    expected = (x - seen.mean(0)) / seen.std(0)
    np.testing.assert_allclose(found.x[:, :2], expected[:, :2], rtol=1e-5, atol=1e-6)
    assert (
        torch.equal(found.x[:, 2], graphs.x[:, 2]) and found.x.dtype == graphs.x.dtype
    )
    for name in ("edge_index", "edge_weight", "edge_attr", "y", "batch"):
        assert torch.equal(getattr(found, name), getattr(graphs, name)), name
    # A column whose mean is many deviations from 0, one of tiny deviation, one whose
    # values come again, and a graph far from the training part.
    far = torch.where(graphs.batch == 1, 100.0, 1.0).unsqueeze(1)
    for moved in (3e5 + graphs.x, 1e-7 * graphs.x, graphs.x.round(), far * graphs.x):
        x = moved.double().numpy()
        seen = x[[g in (0, 2) for g in graphs.batch]]
        expected = (x - seen.mean(0)) / seen.std(0)
        found = standardized(dataclasses.replace(graphs, x=moved), 2, train).x
        np.testing.assert_allclose(found[:, :2], expected[:, :2], rtol=1e-4, atol=1e-5)
    constant = graphs.x.clone()
    constant[:, 0] = 4.0
    flat = SparseGraphs.from_edge_index(constant, graphs.edge_index, graphs.batch)
    assert torch.equal(standardized(flat, 1, train).x[:, 0], torch.zeros(len(constant)))
    assert standardized(flat, 3, train).x.shape == flat.x.shape
    for wrong in (-1, 4):
        with pytest.raises(
            ValueError, match=f"standardize is {wrong}, expected 0 to 3"
        ):
            standardized(flat, wrong, train)


def history_of(*pairs):
    numbered = enumerate(pairs, start=1)
    return History(
        Record(epoch=i, accuracy=a, validation_loss=v) for i, (a, v) in numbered
    )


@pytest.mark.parametrize(
    ("pairs", "last"),
    [
        ([(0.5, 1.0)], 1),
        ([(0.5, 1.0), (0.5, 1.0), (0.4, 1.2)], 1),  # equal is no progress
        ([(0.5, 1.0), (0.4, 0.9), (0.4, 0.95)], 2),  # the loss alone
        ([(0.5, 1.0), (0.6, 1.1), (0.55, 1.05)], 2),  # the accuracy alone
        ([(0.5, 1.0), (0.9, 2.0), (0.6, 1.5), (0.7, 1.4)], 2),  # not against the last
        ([(0.0, 1.0), (0.0, 2.0)], 1),
    ],
)
def test_progress_is_against_all_epochs_before(pairs, last):
    assert history_of(*pairs).last_progress == last


@pytest.mark.parametrize(("patience", "epochs"), [(1, 3), (2, 6), (3, 7), (None, 8)])
def test_patience_counts_epochs_without_progress(patience, epochs):
    right = [0.4, 0.6, 0.6, 0.7, 0.5, 0.7, 0.3, 0.2]
    graphs, model = labelled(10), Scripted(right)
    history = dpcore.fit(
        model, graphs, 8, 10, validation=graphs, progress=False, patience=patience
    )
    assert len(history) == epochs
    with pytest.raises(ValueError, match="patience needs validation"):
        dpcore.fit(model, graphs, 1, patience=2, progress=False)


def test_a_lower_loss_is_progress_though_the_best_epoch_is_long_past():
    graphs = labelled(10)
    model = Scripted([0.8, 0.6, 0.6, 0.6, 0.6], [9.0, 1.0, 0.9, 0.8, 0.7])
    options = dict(validation=graphs, progress=False, patience=2)
    history = dpcore.fit(model, graphs, 5, 10, **options)
    assert len(history) == 5 and history.best.epoch == 1


class Diverging(nn.Module):
    """Its second weight, or its auxiliary loss, is not finite; all else is."""

    def __init__(self, which):
        super().__init__()
        self.which, self.weight = which, nn.Parameter(torch.zeros(2))
        self.spare = nn.Parameter(torch.zeros(2))

    def forward(self, batch):
        out = flat_output(self.weight.expand(batch.num_graphs, 2))
        if self.which in ("nan", "inf"):  # the weight's value
            self.spare.data[1] = float(self.which)
            return out
        return out._replace(auxiliary=torch.tensor(float("inf")))


@pytest.mark.parametrize("which", ["nan", "inf", "loss"])
def test_a_weight_or_a_loss_that_is_not_finite_is_divergence(which):
    with pytest.raises(FloatingPointError, match=r"in epoch 1: .*lower lr \(0.125\)"):
        dpcore.fit(Diverging(which), labelled(6), epochs=1, lr=0.125, progress=False)


def test_divergence_names_its_epoch():
    def spoil(record):
        if record.epoch == 2:
            next(model.parameters()).data[0] = float("nan")

    graphs, model = labelled(6), diffpool()
    with pytest.raises(FloatingPointError, match="diverged in epoch 3: "):
        dpcore.fit(model, graphs, epochs=5, progress=False, on_epoch=spoil)


def test_errors_say_what_was_found(monkeypatch):
    def diverged(*_, **__):
        raise FloatingPointError("loss is nan")

    graphs = labelled(6)
    for y, said in (([0, 1, 2, 3, 1, 0], "0 to 3"), ([0, 1, -2, 0, 1, 0], "-2 to 1")):
        wrong = dataclasses.replace(graphs, y=torch.tensor(y))
        with pytest.raises(ValueError, match=f"labels run from {said}, .* = 2$"):
            dpcore.evaluate(diffpool(), wrong)
    words = r"got outputs \[6, 2\] and torch.float32: num_classes=1"
    with pytest.raises(ValueError, match=words):
        dpcore.evaluate(diffpool(), numbered(6), task="regression")
    with pytest.raises(ValueError, match="no graph of class 1:"):  # the first of two
        splits(torch.tensor([0, 3] * 5), 3)
    with pytest.raises(AttributeError, match="no 'accuracy' here, only epoch, error$"):
        Record(epoch=1, error=0.5).accuracy  # noqa: B018
    monkeypatch.setattr(validating, "fit", diverged)
    nine = labelled(9)
    with pytest.raises(FloatingPointError, match="diverged at all 2 grid points"):
        choose("mlp", nine, splits(nine.y, 3)[0], [{}, dict(lr=9)], epochs=1, seed=0)


def test_collapse_is_below_one_and_a_half_and_not_of_a_single_cluster():
    record = Record(clusters=[4, 4, 1, 2], effective_clusters=[1.55, 1.45, 1.0, 1.25])
    with pytest.warns(UserWarning) as found:
        fitting._warn_of_collapse(record)
    said = [str(one.message)[:17] for one in found]
    assert said == ["level 2 uses 1.4 ", "level 4 uses 1.2 "]


@pytest.mark.parametrize("call", ["fit", "evaluate", "predict"])
def test_graphs_go_where_the_model_is(monkeypatch, call):
    """Labels too: what is measured against them lies beside the outputs."""
    sent, graphs = [], labelled(6)

    class There(SparseGraphs):
        def to(self, device):
            sent.append(str(device))
            return self

        def select(self, ids):
            assert sent, "not sent to the model's device"
            return super().select(ids)

    here = There(
        **{f.name: getattr(graphs, f.name) for f in dataclasses.fields(graphs)}
    )
    model = dpcore.build_model("mlp", num_features=3, num_classes=2)
    if call == "fit":
        dpcore.fit(model, here, 1, validation=here, progress=False)
        assert len(sent) == 3  # both, and once more to measure
    else:
        {"evaluate": dpcore.evaluate, "predict": predict}[call](model, here)
        assert len(sent) == {"evaluate": 2, "predict": 1}[call]
    assert {*sent} == {"cpu"}


def test_prediction_asks_for_no_labels():
    graphs, model = labelled(5), diffpool()
    without = dataclasses.replace(graphs, y=None)
    torch.testing.assert_close(predict(model, without), predict(model, graphs))


@pytest.mark.parametrize(
    "name", ["epochs", "batch_size", "lr", "accumulate", "patience"]
)
def test_zero_and_less_are_refused(name):
    graphs = labelled(4)
    for value in (0, -1):
        with pytest.raises(
            ValueError, match=f"{name} is {value}, expected more than 0"
        ):
            dpcore.fit(diffpool(), graphs, validation=graphs, **{name: value})


@pytest.mark.parametrize("part", ["train", "validation"])
def test_graphs_without_labels_are_named_whatever_holds_them(part):
    graphs = labelled(6)
    without = dataclasses.replace(graphs, y=None)
    parts = dict(train=graphs, validation=graphs) | {part: without}
    with pytest.raises(ValueError, match=f"^{part} has no labels"):
        dpcore.fit(diffpool(), **parts, epochs=1, progress=False)
    with pytest.raises(ValueError, match="^graphs has no labels"):
        dpcore.evaluate(diffpool(), without)


def test_an_unknown_task_is_refused_and_not_taken_for_another():
    graphs = labelled(6)
    words = "task is 'regresion', expected classification or regression"
    with pytest.raises(ValueError, match=words):
        dpcore.fit(diffpool(), graphs, task="regresion")
    with pytest.raises(ValueError, match=words):
        dpcore.evaluate(diffpool(), graphs, task="regresion")


@pytest.mark.parametrize("kind", [torch.float16, torch.float32, torch.float64])
def test_numbers_of_any_width_are_no_classes(kind):
    numbers = dataclasses.replace(labelled(6), y=torch.zeros(6, dtype=kind))
    with pytest.raises(ValueError, match='say task="regression"'):
        dpcore.fit(diffpool(), numbers, epochs=1, progress=False)


def test_labels_beyond_the_classes_are_refused_in_training_and_in_measuring():
    graphs = labelled(6)
    wrong = dataclasses.replace(graphs, y=torch.tensor([0, 1, 2, 0, 1, 0]))
    negative = dataclasses.replace(graphs, y=torch.tensor([0, 1, -1, 0, 1, 0]))
    for bad in (wrong, negative):
        with pytest.raises(ValueError, match="labels run from .* num_classes = 2"):
            dpcore.fit(diffpool(), bad, epochs=1, progress=False)
        with pytest.raises(ValueError, match="labels run from"):
            dpcore.fit(diffpool(), graphs, epochs=1, validation=bad, progress=False)
        with pytest.raises(ValueError, match="labels run from"):
            dpcore.evaluate(diffpool(), bad)


def test_prediction_leaves_the_mode_and_has_no_dropout_and_no_gradient():
    graphs, model = labelled(7), diffpool(dropout=0.9)
    whole = predict(model, graphs)
    assert not whole.requires_grad and model.training
    for size in (1, 3, 7):
        torch.testing.assert_close(predict(model, graphs, size), whole)
    model.eval()
    predict(model, graphs)
    assert not model.training


def numbered(count):
    """Graphs whose label is a number."""
    graphs = labelled(count)
    return dataclasses.replace(graphs, y=torch.linspace(-1.0, 2.0, count))


def test_of_a_regression_less_is_better_everywhere(monkeypatch):
    """Of epochs, of grid points, and in the paper's way."""
    history = History(
        Record(epoch=i, clusters=[], error=error, validation_loss=loss)
        for i, (error, loss) in enumerate([(0.9, 0.1), (0.3, 0.8), (0.3, 0.7)], start=1)
    )
    assert history.best.epoch == 3 and history.last_progress == 2
    errors = iter([0.9, 0.2, 0.5])

    def fit(*args, **named):
        call = given_to_fit(args, named)
        assert call["task"] == "regression"
        assert call["model"](call["train"]).logits.size(1) == 1
        return History(
            [Record(epoch=1, clusters=[], error=next(errors), validation_loss=1)]
        )

    monkeypatch.setattr(validating, "fit", fit)
    graphs = numbered(12)
    split = splits(torch.zeros(12, dtype=torch.long), 3)[0]
    grid = [dict(hidden=2), dict(hidden=3), dict(hidden=4)]
    found = choose("mlp", graphs, split, grid, epochs=1, seed=0, task="regression")
    assert found.chosen == grid[1] and [p["error"] for p in found.grid] == [
        0.9,
        0.2,
        0.5,
    ]
    folds = [
        Record(error=0.5, test_curve=[0.9, 0.5, 0.4]),
        Record(error=0.7, test_curve=[0.1, 0.7, 1.0]),
    ]
    both = summary(folds)
    assert both.fair_mean == pytest.approx(0.6)
    assert both.paper_protocol == pytest.approx(0.5)  # mean curve .5 .6 .7


def test_cross_validation_of_numbers(monkeypatch):
    seen = []

    def fold(model, graphs, split, *, task, **settings):
        seen.append((split, task))
        return Record(error=0.5, test_curve=[0.5])

    monkeypatch.setattr(validating, "run_fold", fold)
    options = dict(folds=4, seed=3, task="regression", progress=False)
    dpcore.cross_validate("mlp", numbered(18), **options)
    parts = splits(torch.zeros(18, dtype=torch.long), 4, seed=3)
    assert [task for _, task in seen] == ["regression"] * 4
    for (split, _), part in zip(seen, parts, strict=True):
        assert torch.equal(split["test"], part["test"])


def test_a_class_is_right_if_it_is_the_likeliest_and_there_may_be_one_alone():
    target = target_of("classification")
    logits = torch.tensor([[0.1, 0.3, 0.2], [0.2, 0.3, 0.4]])
    assert target.of_graphs(logits, torch.tensor([2, 2])).tolist() == [False, True]
    assert classes_of(target, torch.zeros(3, dtype=torch.long)) == 1


def test_errors_of_a_regression_by_hand():
    """The mean absolute error, in any batches, while training and after."""
    graphs = numbered(7)
    torch.manual_seed(2)
    model = dpcore.build_model("mlp", num_features=3, num_classes=1, dropout=0.0)
    outputs = predict(model, graphs).view(-1)
    expected = float((outputs - graphs.y).abs().mean())
    for size in (1, 3, 128):
        error = dpcore.evaluate(model, graphs, size, task="regression")
        assert error == pytest.approx(expected, rel=1e-5)
    options = dict(epochs=1, batch_size=7, progress=False, task="regression")
    first = dpcore.fit(model, graphs, validation=graphs, **options)[0]
    assert "accuracy" not in first and "train_accuracy" not in first
    outputs = predict(model, graphs).view(-1)
    after = float((outputs - graphs.y).abs().mean())
    assert first.error == pytest.approx(after, rel=1e-5)
    assert first.validation_loss == pytest.approx(after, rel=1e-5)


class Clock(nn.Module):
    """A model by whose clock a training batch takes a second, any other ten."""

    def __init__(self):
        super().__init__()
        self.weight, self.now = nn.Parameter(torch.zeros(2)), 1000.0

    def perf_counter(self):
        return self.now

    def forward(self, batch):
        self.now += 1.0 if self.training else 10.0
        return flat_output(self.weight.expand(batch.num_graphs, 2))


def test_the_seconds_of_an_epoch_are_those_of_training_alone(monkeypatch):
    graphs, clock = labelled(7), Clock()
    monkeypatch.setattr(fitting, "time", clock)
    history = dpcore.fit(clock, graphs, 2, 3, validation=graphs, progress=False)
    assert [record.seconds for record in history] == [3.0, 3.0]


@pytest.mark.parametrize("progress", [True, False])
def test_a_bar_is_shown_if_asked_for(capsys, progress):
    graphs = labelled(5)
    dpcore.fit(diffpool(), graphs, 2, validation=graphs, progress=progress)
    shown = capsys.readouterr().err
    if progress:
        assert "2/2" in shown and "entropy_loss=" in shown and " accuracy=" in shown
    else:
        assert shown == ""


def test_the_bar_tells_of_the_last_epoch(monkeypatch):
    shown = []

    class Bar(fitting.tqdm):
        def set_postfix(self, figures):
            shown.append(figures)

    monkeypatch.setattr(fitting, "tqdm", Bar)
    graphs = labelled(9)
    history = dpcore.fit(
        diffpool(), graphs, 4, validation=graphs, progress=False, lr=0.3
    )
    assert [one["loss"] for one in shown] == [f"{epoch.loss:.3f}" for epoch in history]
    assert len({one["loss"] for one in shown}) == 4


def test_the_loss_of_validation_is_that_of_all_its_graphs():
    """131 of them: measuring takes 128 at a time."""
    graphs, model = labelled(131), diffpool(dropout=0.0)
    (epoch,) = dpcore.fit(model, graphs, 1, validation=graphs, progress=False)
    expected = F.cross_entropy(predict(model, graphs), graphs.y)
    assert epoch.validation_loss == pytest.approx(float(expected), rel=1e-5)


def test_shares_are_those_of_double_precision():
    graphs, model = labelled(7), Scripted([3 / 7])
    model.train()(graphs)
    assert dpcore.evaluate(model, graphs) == 3 / 7


def test_the_batch_size_of_measuring_is_handed_on():
    class Counting(nn.Module):
        def __init__(self):
            super().__init__()
            self.weight, self.seen = nn.Parameter(torch.zeros(2)), []

        def forward(self, batch):
            self.seen.append(batch.num_graphs)
            return flat_output(self.weight.expand(batch.num_graphs, 2))

    model = Counting()
    dpcore.evaluate(model, labelled(7), 3)
    assert model.seen == [3, 3, 1]


@pytest.mark.parametrize("which", ["run_fold", "choose"])
def test_every_setting_of_fit_reaches_it(told, which):
    graphs = labelled(9)
    split = splits(graphs.y, 3)[0]
    expected = dict(batch_size=3, lr=0.5, clip=0.7, accumulate=2, patience=3)
    if which == "run_fold":
        run_fold("mlp", graphs, split, epochs=4, seed=0, **expected)
    else:
        choose("mlp", graphs, split, [{}], epochs=4, seed=0, **expected)
    assert {name: told.calls[0][name] for name in expected} == expected


def test_the_seconds_of_the_trials_are_those_of_all_points(monkeypatch, told):
    """By a clock that ten seconds pass on in every trial."""
    clock = SimpleNamespace(now=1000.0)
    clock.perf_counter = lambda: clock.now

    def fit(*args, **named):
        clock.now += 10.0
        return told.fit(*args, **named)

    monkeypatch.setattr(validating, "fit", fit)
    monkeypatch.setattr(validating, "time", clock)
    graphs = labelled(9)
    split = splits(graphs.y, 3)[0]
    grid = [dict(hidden=4), dict(hidden=5), dict(hidden=6)]
    assert choose("mlp", graphs, split, grid, epochs=4, seed=0).trial_seconds == 30.0
    told.calls.clear()
    assert run_fold("mlp", graphs, split, epochs=4, seed=0).seconds == 10.0


def test_what_is_counted_of_a_model_is_what_it_learns(told):
    """Not the running statistics of BatchNorm."""
    graphs = labelled(9)
    record = run_fold("gin", graphs, splits(graphs.y, 3)[0], epochs=4, seed=0)
    model = told.calls[0]["model"]
    assert list(model.buffers())
    assert record.parameters == sum(p.numel() for p in model.parameters())


def test_a_setting_of_fit_that_is_zero_reaches_it():
    graphs = labelled(9)
    split = splits(graphs.y, 3)[0]
    with pytest.raises(ValueError, match="patience is 0, expected more than 0"):
        run_fold("mlp", graphs, split, epochs=1, seed=0, patience=0)


@pytest.mark.parametrize("progress", [True, False])
def test_folds_have_a_bar_if_asked_for(told, capsys, progress):
    dpcore.cross_validate("mlp", labelled(9), 3, epochs=4, progress=progress)
    assert ("mlp: 100%" in capsys.readouterr().err) == progress


def test_a_run_that_patience_ends_keeps_its_best_weights():
    graphs, model = labelled(10), Scripted([0.4, 0.8, 0.6, 0.6, 0.2])
    options = dict(validation=graphs, progress=False, patience=2)
    assert len(dpcore.fit(model, graphs, 5, 10, **options)) == 4
    assert int(model.age) == 2


def test_the_usual_settings_of_training():
    parameters = inspect.signature(dpcore.fit).parameters.values()
    usual = {p.name: p.default for p in parameters if p.default is not p.empty}
    assert usual == dict(
        epochs=40,
        batch_size=32,
        lr=1e-3,
        seed=0,
        validation=None,
        progress=True,
        clip=2.0,
        accumulate=1,
        on_epoch=None,
        patience=None,
        task="classification",
    )


def test_a_point_that_cannot_be_is_refused_and_not_passed_over():
    graphs = labelled(9)
    split = splits(graphs.y, 3)[0]
    with pytest.raises(ValueError, match="batch_size is 0, expected more than 0"):
        choose("mlp", graphs, split, [dict(batch_size=0), {}], epochs=1, seed=0)


def test_a_fold_of_numbers_by_the_name_of_a_row():
    graphs = numbered(9)
    split = splits(torch.zeros(9, dtype=torch.long), 3)[0]
    record = run_fold("mlp", graphs, split, epochs=1, seed=0, task="regression")
    assert "accuracy" not in record and record.error == record.test_curve[0] > 0


def test_what_the_data_says_is_said_of_all_of_it(told, monkeypatch):
    seen, graphs = [], labelled(9)

    def of_data(name, graphs):
        seen.append(graphs.num_graphs)
        return {}

    monkeypatch.setattr(dpcore.models, "data_settings", of_data)
    split = splits(graphs.y, 3)[0]
    run_fold("mlp", graphs, split, epochs=4, seed=0)
    choose("mlp", graphs, split, [{}], epochs=4, seed=0)
    assert seen == [9, 9]


def test_every_digit_of_an_accuracy_decides_which_epoch_is_best():
    """Two thousandths are two graphs of a thousand, not a tie that the loss breaks."""
    shares = enumerate([0.501, 0.504, 0.502], start=1)
    history = History(
        Record(epoch=i, accuracy=share, validation_loss=share) for i, share in shares
    )
    assert history.best.epoch == 2
    errors = enumerate([0.304, 0.301, 0.303], start=1)
    history = History(
        Record(epoch=i, error=error, validation_loss=1 - error) for i, error in errors
    )
    assert history.best.epoch == 2
