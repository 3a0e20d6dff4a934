"""Training takes as many threads as its batches keep busy, and puts them back."""

import pytest
import torch
from torch import nn

import dpcore
from dpcore.training import fitting, validating
from dpcore.training import threads as policy
from dpcore.training.threads import NODES_A_THREAD, threads, useful_threads


def graphs_of(*sizes):
    nodes, batch = sum(sizes), torch.arange(len(sizes))
    return dpcore.SparseGraphs.from_edge_index(
        torch.ones(nodes, 1),
        torch.zeros(2, 0, dtype=torch.long),
        batch.repeat_interleave(torch.tensor(sizes)),
        y=batch % 2,
    )


@pytest.fixture(autouse=True)
def two_threads():
    with threads(2):
        yield


@pytest.mark.parametrize(
    ("sizes", "batch_size", "expected"),
    [
        ([40] * 40, 32, 1),
        ([8191], 32, 1),
        ([8192], 32, 2),
        ([NODES_A_THREAD] * 4, 2, 2),  # what counts is the batch, not the data set
        ([NODES_A_THREAD] * 4, 1, 1),
        ([NODES_A_THREAD // 2, 3 * NODES_A_THREAD], 1, 1),  # of the average batch
        ([8 * NODES_A_THREAD], 32, 2),  # never more than torch is set to
    ],
)
def test_threads_follow_the_nodes_of_a_batch(sizes, batch_size, expected):
    assert useful_threads(graphs_of(*sizes), batch_size) == expected


def test_threads_are_put_back_after_an_exception():
    with pytest.raises(ValueError), threads(5):
        assert torch.get_num_threads() == 5
        raise ValueError
    assert torch.get_num_threads() == 2


class Watching(nn.Module):
    """A model that notes how many threads it is called with."""

    def __init__(self, fails=False):
        super().__init__()
        self.inner = dpcore.build_model("mlp", num_features=1, num_classes=2)
        self.seen, self.fails = [], fails

    def forward(self, batch):
        self.seen.append(torch.get_num_threads())
        if self.fails:
            raise ValueError("no")
        return self.inner(batch)


@pytest.mark.parametrize(("least", "expected"), [(10, 2), (20, 1)])
def test_fit_and_evaluate_take_them_and_put_them_back(monkeypatch, least, expected):
    monkeypatch.setattr(policy, "NODES_A_THREAD", least)
    graphs, model = graphs_of(*[10] * 6), Watching()
    dpcore.fit(model, graphs, epochs=1, batch_size=2, validation=graphs, progress=False)
    *training, measured = model.seen
    assert training == [expected] * 3 and measured == expected
    assert torch.get_num_threads() == 2
    model.seen.clear()
    dpcore.evaluate(model, graphs, batch_size=2)
    assert model.seen == [expected] * 3 and torch.get_num_threads() == 2


def test_the_parts_of_an_accumulated_batch_count(monkeypatch):
    monkeypatch.setattr(policy, "NODES_A_THREAD", 10)
    graphs, model = graphs_of(*[10] * 6), Watching()
    dpcore.fit(model, graphs, epochs=1, batch_size=2, accumulate=2, progress=False)
    assert model.seen == [1] * 6
    model.seen.clear()  # the larger part of three graphs is two
    dpcore.fit(model, graphs, epochs=1, batch_size=3, accumulate=2, progress=False)
    assert model.seen == [2] * 4


@pytest.mark.parametrize("call", [dpcore.fit, dpcore.evaluate])
def test_a_failure_leaves_the_setting_as_it_was(call):
    with pytest.raises(ValueError, match="no"):
        call(Watching(fails=True), graphs_of(3, 4))
    assert torch.get_num_threads() == 2


@pytest.mark.parametrize(("jobs", "expected"), [(1, 2), (2, 1), (-1, 1)])
def test_folds_side_by_side_have_one_thread_each(monkeypatch, jobs, expected):
    def fold(*_, **__):
        return fitting.Record(accuracy=torch.get_num_threads(), test_curve=[0.0])

    class InThisProcess:  # workers would not see what is patched here
        def __init__(self, n_jobs, return_as):
            assert n_jobs == jobs and return_as == "generator"  # in their order

        def __call__(self, tasks):
            return [function(*args, **named) for function, args, named in tasks]

    monkeypatch.setattr("joblib.Parallel", InThisProcess)
    monkeypatch.setattr(validating, "run_fold", fold)
    graphs = graphs_of(*[3] * 8)
    found = dpcore.cross_validate("mlp", graphs, folds=3, jobs=jobs, progress=False)
    assert [one.accuracy for one in found.folds] == [expected] * 3
    assert torch.get_num_threads() == 2
