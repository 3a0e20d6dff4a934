"""The rows that time a training epoch of the slide deck's model."""

from __future__ import annotations

import importlib.util
import warnings
from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch_geometric.loader import DataLoader, DenseDataLoader

from dpcore.data.datasets import load_dataset
from dpcore.experiments.bench import peers, sparse_peer
from dpcore.experiments.bench.measure import (
    NotInstalled,
    Result,
    Sizes,
    Tick,
    alternate,
    timed,
    times,
)
from dpcore.graphs import SparseGraphs
from dpcore.models import build_model
from dpcore.training import fit
from dpcore.training.threads import threads


def epoch_proteins(sizes: Sizes, tick: Tick) -> list[Result]:
    """A training epoch on PROTEINS up to 150 nodes: PyG dense ÷ dpcore."""
    limit = sizes.proteins_nodes
    train = _train_part(limit, tick)
    results = []
    for count in (2, 1):
        with threads(count):
            seconds = _epochs(train, train, limit, sizes, tick)
        results.append(
            Result(
                "epoch-proteins",
                **times(seconds),
                target=10,
                threads=count,
                sizes=dict(graphs=len(train), max_nodes=limit),
                note="ToDense before the clock starts; collating and batching inside",
            )
        )
    return results


def _train_part(limit: int, tick: Tick) -> list:
    """Eight tenths of the graphs of PROTEINS up to `limit` nodes."""
    tick("loading")
    graphs = [g for g in load_dataset("PROTEINS") if g.num_nodes <= limit]
    order = torch.randperm(len(graphs), generator=torch.Generator().manual_seed(0))
    return [graphs[i] for i in order[: len(graphs) - 2 * ((len(graphs) + 9) // 10)]]


def epoch_tgp(sizes: Sizes, tick: Tick) -> list[Result]:
    """A training epoch on PROTEINS and D&D: torch-geometric-pool sparse ÷ dpcore."""
    if importlib.util.find_spec(sparse_peer.NAME) is None:
        raise NotInstalled(f"not installed: pip install {sparse_peer.PACKAGE}")
    proteins = _train_part(sizes.proteins_nodes, tick)
    everything = load_dataset("DD")
    sampled = _sample(everything, sizes.dd_batches * sizes.batch_size)
    nodes = sum(g.num_nodes for g in everything)
    whole = nodes / sum(g.num_nodes for g in sampled)
    results = []
    for name, graphs, limit, count, scale in (
        ("epoch-proteins-tgp", proteins, sizes.proteins_nodes, 2, 1.0),
        ("epoch-proteins-tgp", proteins, sizes.proteins_nodes, 1, 1.0),
        ("epoch-dd-tgp", sampled, sizes.dd_nodes, 2, whole),
    ):
        with threads(count):
            seconds = _sparse_epochs(graphs, limit, sizes, tick)
        seconds = {side: scale * value for side, value in seconds.items()}
        results.append(
            Result(
                name,
                **times(seconds),
                threads=count,
                sizes=dict(graphs=len(graphs), max_nodes=limit),
                note="the same graphs on both sides"
                + (", scaled by nodes to the whole epoch" if scale != 1 else ""),
            )
        )
    return results


PRODUCTS = ("aten::mm", "aten::bmm", "aten::addmm")


def profile_proteins(sizes: Sizes, tick: Tick) -> list[Result]:
    """Where our step on PROTEINS goes: the share of matrix products, and the calls."""
    limit = sizes.proteins_nodes
    tick("loading")
    graphs = [g for g in load_dataset("PROTEINS") if g.num_nodes <= limit]
    model = _deck_model(graphs[0].num_features, 2, limit)
    epoch = partial(fit, model, SparseGraphs.from_data_list(graphs), epochs=1)
    tick("profiling")
    with warnings.catch_warnings(), threads(1):
        warnings.filterwarnings("ignore", message=".*collapsed")
        epoch(batch_size=sizes.batch_size, progress=False)
        with torch.profiler.profile() as profile:
            epoch(batch_size=sizes.batch_size, progress=False)
    events = profile.key_averages()
    spent = {event.key: event.self_cpu_time_total for event in events}
    calls = sum(event.count for event in events if event.key.startswith("aten::"))
    calls //= -(-len(graphs) // sizes.batch_size)
    share = sum(spent.get(key, 0.0) for key in PRODUCTS) / sum(spent.values())
    return [
        Result(
            "profile-proteins",
            "products",
            figure=share,
            threads=1,
            sizes=dict(graphs=len(graphs), calls_a_step=calls),
            note="figure: the share of matrix products in the time of all operators; "
            f"{calls} calls of PyTorch operators a step; the whole takes "
            f"{1 / share:.2f} times as long as its matrix products",
        )
    ]


def epoch_dd(sizes: Sizes, tick: Tick) -> list[Result]:
    """A training epoch on D&D: PyG dense up to 500 nodes ÷ dpcore on all graphs."""
    limit = sizes.dd_nodes
    tick("loading")
    everything = load_dataset("DD")
    kept = [g for g in everything if g.num_nodes <= limit]
    wanted = sizes.dd_batches * sizes.batch_size
    ours, theirs = _sample(everything, wanted), _sample(kept, wanted)
    with threads(2):
        seconds = _epochs(ours, theirs, limit, sizes, tick)
    # PyG's cost follows the graphs, all padded to one size; ours follows the nodes.
    seconds["theirs"] *= len(kept) / len(theirs)
    nodes = sum(g.num_nodes for g in everything)
    seconds["ours"] *= nodes / sum(g.num_nodes for g in ours)
    return [
        Result(
            "epoch-dd",
            **times(seconds),
            target=6,
            threads=2,
            sizes=dict(
                graphs=len(everything),
                their_graphs=len(kept),
                sampled=len(ours),
                their_sampled=len(theirs),
                max_nodes=limit,
            ),
            note=f"{len(ours)} graphs of all sizes timed on ours, {len(theirs)} on "
            f"theirs; scaled by nodes and by graphs to whole epochs ({len(everything)} "
            f"and {len(kept)} graphs)",
        )
    ]


def _epochs(ours, theirs, limit: int, sizes: Sizes, tick: Tick) -> dict[str, float]:
    """Seconds of an epoch of the deck's model over these graphs, both ways."""
    classes = 1 + max(int(g.y) for g in ours)
    model = _deck_model(ours[0].num_features, classes, limit)
    tick("to dense")
    dense = peers.to_dense(theirs, limit)
    deck = peers.DenseDeck(model)
    tick("equal?")
    some = range(0, len(theirs), max(1, len(theirs) // 8))
    batch = SparseGraphs.from_data_list([theirs[i] for i in some])
    peers.check_models(model, deck, batch, [dense[i] for i in some])
    loader = DenseDataLoader(dense, sizes.batch_size, shuffle=True)
    optimizer = torch.optim.Adam(deck.parameters(), lr=1e-3)
    epoch = partial(peers.train_epoch, deck, loader, optimizer)
    return _beside_ours(epoch, model, ours, sizes, tick)


def _sparse_epochs(
    graphs: list, limit: int, sizes: Sizes, tick: Tick
) -> dict[str, float]:
    """The same beside torch-geometric-pool, which needs no padding."""
    classes = 1 + max(int(g.y) for g in graphs)
    model = _deck_model(graphs[0].num_features, classes, limit)
    deck = sparse_peer.SparseDeck(model)
    tick("equal?")
    sparse_peer.check_models(model, deck, graphs[:: max(1, len(graphs) // 8)])
    loader = DataLoader(graphs, sizes.batch_size, shuffle=True)
    optimizer = torch.optim.Adam(deck.parameters(), lr=1e-3)
    epoch = partial(peers.train_epoch, deck, loader, optimizer)
    return _beside_ours(epoch, model, graphs, sizes, tick)


def _beside_ours(
    theirs: Callable[[], float],
    model: torch.nn.Module,
    graphs,
    sizes: Sizes,
    tick: Tick,
) -> dict[str, float]:
    """Seconds of an epoch of theirs and of `model` over `graphs`, which take turns."""
    batch = SparseGraphs.from_data_list(graphs)
    epoch = partial(fit, model, batch, epochs=1, batch_size=sizes.batch_size)
    with warnings.catch_warnings():  # fit warns of a collapse: of no interest here
        warnings.filterwarnings("ignore", message=".*collapsed")
        return alternate(
            dict(
                theirs=lambda: timed(theirs),
                ours=lambda: epoch(progress=False)[0].seconds,
            ),
            sizes.repeats,
            tick,
        )


def _deck_model(features: int, classes: int, max_nodes: int) -> torch.nn.Module:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = build_model(
            "diffpool",
            num_features=features,
            num_classes=classes,
            max_nodes=max_nodes,
            self_loops="replace",
        )
        for parameter in model.parameters():
            if parameter.dim() == 1:  # a bias of zero would not show in the check
                torch.nn.init.normal_(parameter, std=0.3)
    return model


def _sample(graphs: Sequence, count: int) -> list:
    """`count` graphs evenly spread over the sizes."""
    ranked = sorted(graphs, key=lambda graph: graph.num_nodes)
    step = max(1.0, len(ranked) / count)
    return [ranked[int((i + 0.5) * step)] for i in range(min(count, len(ranked)))]
