"""The benchmark: unequal sides are refused, figures mean what they say."""

import io
import json
import platform
import subprocess
import sys
from contextlib import nullcontext, redirect_stdout
from types import SimpleNamespace
from unittest.mock import patch

import pytest
import torch
import warm
from torch_geometric.loader import DataLoader, DenseDataLoader
from torch_geometric.utils import to_dense_adj, to_dense_batch

import dpcore
from dpcore.__main__ import main
from dpcore.experiments import bench
from dpcore.experiments.bench import (
    epochs,
    measure,
    operators,
    peers,
    rows,
    sparse_peer,
)
from dpcore.experiments.bench.measure import Result, Sizes
from dpcore.graphs import SparseGraphs
from dpcore.training import Record
from dpcore.training.threads import useful_threads

TINY = Sizes(
    repeats=1,
    operator_repeats=1,
    batch_size=8,
    proteins_nodes=28,
    dd_nodes=18,
    dd_batches=2,
    clusters=4,
    dense_nodes=60,
    large_nodes=(40, 80),
    huge_nodes=160,
    folds=3,
    epochs=1,
    accuracy_nodes=(40,),
)


@pytest.fixture
def mutag(monkeypatch):
    """MUTAG in place of the larger data sets."""
    graphs = dpcore.load_dataset("MUTAG")[:60]
    for module in (epochs, rows):
        monkeypatch.setattr(module, "load_dataset", lambda name: graphs)
    return graphs


def silent(text):
    pass


def check(model, deck, graphs, limit=28):
    batch = SparseGraphs.from_data_list(graphs)
    peers.check_models(model, deck, batch, peers.to_dense(graphs, limit))


# --- equality ---


def test_the_dense_deck_equals_ours(mutag):
    model = epochs._deck_model(7, 2, 28)
    check(model, peers.DenseDeck(model), mutag[:12])
    assert model.training


@pytest.mark.parametrize("level", [0, 1])
@pytest.mark.parametrize("part", ["embed", "assign"])
def test_a_perturbed_weight_is_refused(mutag, part, level):
    model = epochs._deck_model(7, 2, 28)
    deck = peers.DenseDeck(model)
    getattr(deck, part)[level].convs[1].lin.weight.data += 0.1
    with pytest.raises(peers.Unequal, match="differ by .* not timed"):
        check(model, deck, mutag[:12])


@pytest.mark.parametrize("key", ["link_loss", "entropy_loss"])
def test_a_loss_alone_that_differs_is_refused(mutag, key):
    model = epochs._deck_model(7, 2, 28)
    deck = peers.DenseDeck(model)
    forward = model.forward

    def changed(batch):
        out = forward(batch)
        return out._replace(**{key: getattr(out, key) * 1.001})

    model.forward = changed
    with pytest.raises(peers.Unequal, match=key.replace("_", " ")):
        check(model, deck, mutag[:12])


def test_differences_are_relative_to_the_largest_value():
    ours, theirs = torch.tensor([100.0005, 0.0]), torch.tensor([100.0, 0.0])
    assert peers.expect_equal("x", ours, theirs) == pytest.approx(5e-6, rel=0.1)
    for other in ([100.002, 0.0], [100.0, 0.002], [float("nan"), 0.0]):
        with pytest.raises(peers.Unequal, match="^x: "):
            peers.expect_equal("x", torch.tensor(other), theirs)
    with pytest.raises(peers.Unequal, match="shape"):
        peers.expect_equal("x", torch.zeros(1), torch.zeros(2))


@pytest.mark.parametrize("factor", [1.0, 1.001])
@pytest.mark.parametrize("which", range(4))
def test_the_operators_are_compared_in_every_part(monkeypatch, which, factor):
    pool = operators._pool_ours

    def scaled(*inputs):
        out = list(pool(*inputs))
        out[which] = out[which] * factor
        return out

    monkeypatch.setattr(operators, "_pool_ours", scaled)
    if factor == 1:
        operators.check_operator("pyg", 50, 4)
    else:
        with pytest.raises(peers.Unequal):
            operators.check_operator("pyg", 50, 4)


def test_a_refused_row_is_not_timed_and_fails(mutag, monkeypatch, capsys):
    monkeypatch.setattr(epochs, "alternate", None)  # would fail if called
    take = peers.DenseDeck.__init__

    def wrong(self, model):
        take(self, model)
        self.last.convs[0].lin.weight.data += 0.1

    monkeypatch.setattr(peers.DenseDeck, "__init__", wrong)
    found, failures = bench.run(["epoch-proteins"], TINY, progress=False)
    assert len(found) == 1 and found[0].figure is None and found[0].met is None
    assert "refused: logits" in found[0].note
    assert len(failures) == 1 and "logits" in failures[0]


# --- every row, tiny ---

MEASURES = {
    "epoch-proteins": ["time", "time"],
    "profile-proteins": ["products"],
    "epoch-dd": ["time"],
    "operator-10k": ["time", "memory"],
    "operator-1m": ["growth, 4 kB", "growth, 2 MB", "memory"],
    "operator-10m": ["memory"],
    "cv-proteins": ["time"],
    "busy-neighbour": ["time"],
    "density-collab": ["time"],
    "accuracy": ["loss", "gradient"],
    "epoch-tgp": ["time", "time", "time"],
    "operator-tgp": ["time"],
    "operator-dgl": ["time"],
}
PARTS = ("epoch-proteins-tgp", "epoch-dd-tgp")


def stand_in_for_tgp(monkeypatch) -> None:
    """torch-geometric-pool is rarely installed: what we use of it, in PyG's words."""

    def reduce(x, so, batch=None, return_batched=False):
        s, x = by_graph(so.s, batch), by_graph(x, batch)
        return s.transpose(1, 2) @ x, None

    def by_graph(rows, batch):
        return rows if rows.dim() == 3 else to_dense_batch(rows, batch)[0]

    def matrices(adj, batch, like):
        return adj if adj.dim() == 3 else to_dense_adj(adj, batch).to(like)

    def connect(edge_index, so, batch=None, edge_weight=None):
        assert edge_weight is None or edge_weight.dtype == so.s.dtype
        s = by_graph(so.s, batch)
        return s.transpose(1, 2) @ matrices(edge_index, batch, s) @ s, None

    def link(s, adj, batch=None):
        s = by_graph(s, batch)
        adj = matrices(adj, batch, s)
        entries = adj.numel() if batch is None else batch.bincount().square().sum()
        return torch.linalg.norm(adj - s @ s.transpose(1, 2)) / entries

    def entropy(s, count=None):
        return torch.special.entr(s).sum() / (count or len(s))

    losses = SimpleNamespace(
        link_pred_loss=link,
        sparse_link_pred_loss=link,
        entropy_loss=entropy,
        unbatched_entropy_loss=entropy,
    )
    options = dict(remove_self_loops=False, degree_norm=False, adj_transpose=False)

    def dense_connect(**given):
        assert given == options  # A' as the paper has it
        return connect

    for name, module in {
        "tgp": SimpleNamespace(__spec__=True),
        "tgp.utils": SimpleNamespace(losses=losses),
        "tgp.connect": SimpleNamespace(DenseConnect=dense_connect),
        "tgp.reduce": SimpleNamespace(BaseReduce=lambda: reduce),
        "tgp.select": SimpleNamespace(SelectOutput=SimpleNamespace),
    }.items():
        monkeypatch.setitem(sys.modules, name, module)


def test_the_sparse_deck_equals_ours(mutag, monkeypatch):
    stand_in_for_tgp(monkeypatch)
    model = epochs._deck_model(7, 2, 28)
    deck = sparse_peer.SparseDeck(model)
    sparse_peer.check_models(model, deck, mutag[:12])
    assert model.training and deck.training
    assert len(list(deck.parameters())) == len(list(model.parameters()))


@pytest.mark.parametrize("part", ["embed", "assign", "embed2", "assign2", "last"])
def test_a_perturbed_weight_of_the_sparse_deck_is_refused(mutag, monkeypatch, part):
    stand_in_for_tgp(monkeypatch)
    model = epochs._deck_model(7, 2, 28)
    deck = sparse_peer.SparseDeck(model)
    getattr(deck, part).convs[1].lin.weight.data += 0.1
    with pytest.raises(peers.Unequal, match="differ by .* not timed"):
        sparse_peer.check_models(model, deck, mutag[:12])


def test_the_sparse_deck_is_trained_like_the_dense_one(mutag, monkeypatch):
    """The same graphs in the same order, of one size, where padding adds nothing."""
    stand_in_for_tgp(monkeypatch)
    graphs = [g for g in mutag if g.num_nodes == mutag[0].num_nodes]
    model = epochs._deck_model(7, 2, 28)
    model.eval()
    size = mutag[0].num_nodes
    losses, weights = [], []
    for deck, loader in (
        (sparse_peer.SparseDeck(model), DataLoader(graphs, len(graphs))),
        (
            peers.DenseDeck(model),
            DenseDataLoader(peers.to_dense(graphs, size), len(graphs)),
        ),
    ):
        for gnn in deck.modules():
            if hasattr(gnn, "dropout"):
                gnn.dropout = 0.0
        optimizer = torch.optim.SGD(deck.parameters(), lr=0.1)
        losses.append(peers.train_epoch(deck, loader, optimizer))
        weights.append(deck.head(torch.ones(1, 64)))
    assert losses[0] == pytest.approx(losses[1], rel=1e-5)
    assert torch.allclose(*weights, atol=1e-5)


@pytest.mark.parametrize("name", bench.ROWS)
def test_every_row_runs(mutag, name, monkeypatch):
    if name in ("operator-tgp", "operator-dgl"):  # rarely installed: PyG stands in
        monkeypatch.setattr(rows.importlib.util, "find_spec", lambda side: True)
        monkeypatch.setattr(rows, "Operator", as_pyg)
        monkeypatch.setattr(operators, "Operator", as_pyg)
    if name == "epoch-tgp":
        stand_in_for_tgp(monkeypatch)
    if name.startswith("operator"):  # each would start processes
        monkeypatch.setattr(rows, "peak_memory", lambda *_: (1.0, 1.0))
        monkeypatch.setattr(rows, "growth", lambda *_: [0.1, 1.0])
    if name == "busy-neighbour":  # threads that wait are what it measures, elsewhere
        monkeypatch.setattr(rows.os, "cpu_count", lambda: 1)
    lines = []
    with warm.joblib_pools() if name.startswith("cv") else nullcontext():
        found, failures = bench.run([name], TINY, progress=False, show=lines.append)
    assert failures == [] and len(lines) == 1 + len(found)
    assert [result.measure for result in found] == MEASURES[name]
    for result in found:
        assert result.name in (name, *PARTS) and result.figure > 0 and result.sizes
        figures = json.loads(json.dumps(result.as_dict()))
        made_with = figures["versions"]
        assert made_with["torch"] == torch.__version__
        assert made_with["machine"] == platform.machine()
        assert {"python", "dpcore", "torch-geometric", "numpy"} < made_with.keys()
        if result.measure == "time":
            ratio = result.theirs_seconds / result.ours_seconds
            assert result.figure == pytest.approx(ratio)
        if result.target is not None:
            assert figures["met"] in (True, False)


def test_the_neighbour_is_busy_and_ends_with_the_block():
    with patch.object(rows.subprocess, "Popen", wraps=subprocess.Popen) as start:
        with pytest.raises(ValueError), rows.busy_process():
            (command,) = start.call_args.args
            raise ValueError
    assert "while True" in command[-1]


def test_beside_the_neighbour_one_side_takes_all_threads(mutag, monkeypatch):
    seen = []

    def noted(model, batch, *_, **__):
        seen.append(useful_threads(batch, 8))
        return [Record(seconds=1.0)]

    monkeypatch.setattr(rows, "fit", noted)
    monkeypatch.setattr(rows.os, "cpu_count", lambda: 3)
    rows.busy_neighbour(TINY, silent)
    assert seen == [3, 1] * 3  # theirs, ours: a warm-up, quiet, busy


def as_pyg(side, *shape):
    return Operator("ours" if side == "ours" else "pyg", *shape)


Operator = operators.Operator


def test_accuracy_is_that_of_the_operator(monkeypatch):
    loss, gradient = operators.link_errors(60, 9.0)
    assert 0 <= loss < 1e-5 and 0 <= gradient < 1e-4

    def coarse(*inputs):  # a link loss that is 1 % off
        out = dpcore.diff_pool(*inputs)
        return out._replace(link_loss=out.link_loss * 1.01)

    monkeypatch.setattr(operators, "diff_pool", coarse)
    assert operators.link_errors(60, 9.0) == pytest.approx([0.01, 0.01], rel=1e-2)


def test_an_epoch_of_a_sample_is_scaled_to_the_whole(mutag, monkeypatch):
    seconds = dict(theirs=3.0, ours=1.0)
    monkeypatch.setattr(epochs, "_epochs", lambda *_: dict(seconds))
    (result,) = epochs.epoch_dd(TINY, silent)
    kept = [g for g in mutag if g.num_nodes <= 18]
    sample = epochs._sample(mutag, 16)
    assert len(sample) == 16 and len(kept) < len(mutag)
    assert result.theirs_seconds == pytest.approx(3 * len(kept) / 16)
    nodes = [sum(g.num_nodes for g in part) for part in (mutag, sample)]
    assert result.ours_seconds == pytest.approx(nodes[0] / nodes[1])
    assert result.sizes["graphs"] == 60 and result.sizes["sampled"] == 16


def test_epochs_beside_tgp_are_of_the_graphs_and_threads_that_they_say(
    mutag, monkeypatch
):
    stand_in_for_tgp(monkeypatch)
    seen = []

    def noted(graphs, limit, *_):
        seen.append((len(graphs), limit, torch.get_num_threads()))
        return dict(theirs=3.0, ours=1.0)

    monkeypatch.setattr(epochs, "_sparse_epochs", noted)
    results = epochs.epoch_tgp(TINY, silent)
    train = len(epochs._train_part(28, silent))
    assert train < sum(g.num_nodes <= 28 for g in mutag)
    assert seen == [(train, 28, 2), (train, 28, 1), (16, 18, 2)]
    assert [result.threads for result in results] == [2, 1, 2]
    sample = epochs._sample(mutag, 16)
    nodes = [sum(g.num_nodes for g in part) for part in (mutag, sample)]
    whole = nodes[0] / nodes[1]
    for result, scale in zip(results, (1, 1, whole), strict=True):
        assert result.theirs_seconds == pytest.approx(3 * scale)
        assert result.ours_seconds == pytest.approx(scale)


def test_a_sample_covers_all_sizes(mutag):
    sizes = [g.num_nodes for g in epochs._sample(mutag, 10)]
    everything = sorted(g.num_nodes for g in mutag)
    assert sizes == sorted(sizes) and len(sizes) == 10
    assert abs(sum(sizes) / 10 - sum(everything) / 60) < 1
    assert len(epochs._sample(mutag, 1000)) == 60


def test_memory_is_that_of_the_work():
    peak, base = operators.peak_memory("pyg", 3000, 4)
    matrix = 4 * 3000**2 / 1e6
    assert base > 50 and 2 * matrix < peak < 12 * matrix


def test_growth_is_measured_in_a_process_that_asks_for_its_pages(monkeypatch):
    asked = []

    def here(command, env, **options):  # what the process would do and print
        asked.append(env["THP_MEM_ALLOC_ENABLE"])
        with redirect_stdout(io.StringIO()) as printed:
            exec(command[-1], {})
        return subprocess.CompletedProcess(command, 0, printed.getvalue(), "")

    monkeypatch.setattr(operators.subprocess, "run", here)
    monkeypatch.setattr(torch, "set_num_threads", asked.append)
    seconds = operators.growth((40, 80), 4, 3, large_pages=True)
    assert len(seconds) == 2 and min(seconds) > 0 and asked == ["1", 2]


def test_a_process_that_fails_is_named(monkeypatch):
    failed = subprocess.CompletedProcess(
        [], 1, "", "Traceback\nMemoryError: all gone\n"
    )
    monkeypatch.setattr(operators.subprocess, "run", lambda *_, **__: failed)
    with pytest.raises(RuntimeError, match=r"report_peak\('pyg', 9, 4\): MemoryError"):
        operators.peak_memory("pyg", 9, 4)


def test_memory_ratios(monkeypatch):
    peaks = dict(pyg=(600.0, 200.0), ours=(100.0, 200.0))
    monkeypatch.setattr(rows, "peak_memory", lambda side, *_: peaks[side])
    monkeypatch.setattr(rows, "growth", lambda *_: [0.1, 1.2])
    memory = rows.operator_dense(TINY, silent)[1]
    assert memory.figure == 6 and memory.met and memory.theirs_peak_mb == 600
    assert "whole processes 800 and 300 MB" in memory.note
    *grown, memory = rows.operator_large(TINY, silent)
    assert all(g.figure == pytest.approx(12) and g.ours_seconds == 1.2 for g in grown)
    assert memory.figure == 0.3 and memory.met  # GB, imports included
    peaks["ours"] = (2400.0, 200.0)
    assert not rows.operator_large(TINY, silent)[-1].met
    (huge,) = rows.operator_huge(TINY, silent)
    assert huge.figure == 2.6 and huge.met and huge.sizes["nodes"] == 160


def test_the_largest_row_is_measured_only_when_asked_for(monkeypatch):
    asked = []
    for name in bench.ROWS:
        row = lambda sizes, tick, name=name: asked.append(name) or []  # noqa: E731
        monkeypatch.setitem(bench.ROWS, name, row)
    bench.run(progress=False)
    assert asked == [name for name in bench.ROWS if name != "operator-10m"]
    bench.run(["operator-10m"], progress=False)
    assert asked[-1] == "operator-10m"


def test_the_sizes_that_are_asked_for_reach_the_row(monkeypatch):
    seen = []
    row = lambda sizes, tick: seen.append(sizes) or []  # noqa: E731
    monkeypatch.setitem(bench.ROWS, "accuracy", row)
    for sizes in (TINY, None):
        bench.run(["accuracy"], sizes, progress=False)
    assert seen == [TINY, Sizes()] != [Sizes(), Sizes()]


# --- arithmetic and table ---


def test_met():
    assert Result("a", figure=10.0, target=10).met is True
    assert Result("a", figure=9.9, target=10).met is False
    assert Result("a", figure=9.9, target=10, at_least=False).met is True
    assert Result("a", figure=10.0, target=10, at_least=False).met is True
    assert Result("a", figure=float("inf"), target=10, at_least=False).met is False
    assert Result("a", figure=3.0).met is None and Result("a", target=3).met is None


def test_infinity_stays_out_of_json():
    found = Result("a", figure=float("inf"), target=1, at_least=False).as_dict()
    assert found["figure"] is None and found["met"] is False


def test_sides_take_turns_and_the_first_turn_is_not_counted():
    calls = []

    def side(name, values):
        values = iter(values)
        return lambda: calls.append(name) or next(values)

    sides = dict(a=side("a", [99, 1, 5, 3]), b=side("b", [99, 2, 2, 8]))
    assert measure.alternate(sides, 3, silent) == dict(a=3, b=2)
    assert calls == ["a", "b"] * 4
    sides = dict(a=side("a", [1, 5, 3]))
    assert measure.alternate(sides, 3, silent, warm=True) == dict(a=3)
    figures = measure.times(dict(ours=0.5, theirs=2.0))
    assert figures == dict(ours_seconds=0.5, theirs_seconds=2.0, figure=4.0)


def test_a_line_of_the_table():
    result = Result(
        "row", "time", 0.5, 2.0, figure=4.0, target=10, threads=2, note="so"
    )
    first, second = bench.line(result).split("\n")
    assert "row time" in first and "2.0000" in first and "0.5000" in first
    assert "≥ 10" in first and "NO" in first and second == "  so"
    assert len(first) == len(bench.HEADING)
    assert first.split()[2:5] == ["2", "2.0000", "0.5000"]  # theirs, then ours
    peaks = dict(ours_peak_mb=512.4, theirs_peak_mb=2048.6, figure=4.0, target=2)
    figures = bench.line(Result("row", "memory", **peaks, at_least=False)).split()
    assert figures[2:] == "– – – 2049 512 4 ≤ 2 NO".split()
    met = bench.line(Result("row", "memory", **peaks, at_least=True))
    assert met.split()[-1] == "yes"
    without_target = bench.line(Result("row", "time", 0.5, 2.0, figure=4.0))
    assert without_target.split()[-3:] == ["4", "–", "–"]  # neither met nor missed


# --- the command ---


def test_the_command_prints_json(capsys, monkeypatch):
    small = lambda sizes, tick: [Result("accuracy", "loss", figure=1.0, target=2)]  # noqa: E731
    monkeypatch.setitem(bench.ROWS, "accuracy", small)
    assert main(["bench", "--json", "--only=accuracy"]) == 0
    out, err = capsys.readouterr()
    (figures,) = json.loads(out)
    names = ("name", "ours_seconds", "theirs_seconds", "ours_peak_mb", "theirs_peak_mb")
    for name in (*names, "figure", "target", "met", "threads", "sizes", "versions"):
        assert name in figures
    assert figures["met"] is False and err == ""
    assert main(["bench", "--only=accuracy"]) == 0
    out, err = capsys.readouterr()
    assert "row" in out and "NO" in out and "1/1" in err


def test_the_command_lists_the_rows(capsys):
    assert main(["bench", "--list"]) == 0
    *lines, last = capsys.readouterr().out.splitlines()
    assert [text.split()[0] for text in lines] == list(bench.ROWS)
    assert last == f"{len(bench.ROWS)} rows"
    assert all(len(text.split()) > 4 for text in lines)


def test_an_unknown_row(capsys):
    assert main(["bench", "--only=nope"]) == 2
    out, err = capsys.readouterr()
    assert out == "" and "'nope'" in err and err.count("\n") == 1


def test_what_cannot_be_measured_fails_only_where_it_was_asked_for(capsys, monkeypatch):
    def nowhere(name):
        raise dpcore.DatasetUnavailable(f"{name}: no network\n  1. …")

    for module in (epochs, rows):
        monkeypatch.setattr(module, "load_dataset", nowhere)
    kept = {n: bench.ROWS[n] for n in ("epoch-dd", "operator-dgl")}
    monkeypatch.setattr(rows.importlib.util, "find_spec", lambda side: None)
    monkeypatch.setattr(bench, "ROWS", kept)
    assert main(["bench"]) == 0
    out, _ = capsys.readouterr()
    assert "not measured: DD: no network" in out
    assert "not measured: not installed: pip install dgl" in out
    for name in kept:
        assert main(["bench", "--json", f"--only={name}"]) == 1
        out, err = capsys.readouterr()
        assert name in err and json.loads(out)[0]["figure"] is None
