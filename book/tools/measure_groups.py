"""Do clusters find functional groups? MUTAG's NO₂ groups and rings, and the clusters of
DiffPool's first level, for the page on the sources' claims: book/results/groups.json.

    python book/tools/measure_groups.py

In each of ten folds a model is trained on the training part, its epoch chosen on
validation, and its clusters are looked at on the test part. A group counts as together
where all its atoms have the same likeliest cluster, and as found where that cluster
holds no other atom. Beside the learned assignments stand heavy-edge clusters, random
ones, and the learned clusters dealt out anew among a molecule's atoms: as many clusters
of the same sizes, without a place. A fold is in the file before the next begins, and
what is there is not measured again. Some three minutes of processor time.
"""

from __future__ import annotations

import argparse
import json
import warnings
from pathlib import Path

import networkx as nx
import torch
from chapters import ROOT
from tqdm import tqdm

import dpcore
from dpcore.assignments import HeavyEdge, Random
from dpcore.data.files import write_whole
from dpcore.graphs import SparseGraphs
from dpcore.training import as_batch, splits

RESULT = ROOT / "book" / "results" / "groups.json"
CLUSTERS, EPOCHS, DEALS = 7, 60, 50
LEARNED = {
    "both losses": dict(conv="gcn"),
    "entropy loss alone": dict(conv="sage", link_weight=0.0, entropy_weight=0.3),
    "no losses": dict(conv="sage", link_weight=0.0, entropy_weight=0.0),
}
"""Name in the file: settings of DiffPool with one level of seven clusters."""

CARBON, NITROGEN, OXYGEN = 0, 1, 2


def nitro_groups(x: torch.Tensor, edge_index: torch.Tensor) -> list[set[int]]:
    """Every NO₂: a nitrogen with two oxygens that have no other neighbour.

    >>> x = torch.eye(7)[[CARBON, NITROGEN, OXYGEN, OXYGEN]]
    >>> edges = torch.tensor([[0, 1, 1, 2, 1, 3], [1, 0, 2, 1, 3, 1]])
    >>> nitro_groups(x, edges)
    [{1, 2, 3}]
    """
    atom, near = x.argmax(1).tolist(), _neighbours(x, edge_index)
    groups = []
    for i, own in enumerate(near):
        ends = {j for j in own if atom[j] == OXYGEN and len(near[j]) == 1}
        if atom[i] == NITROGEN and len(ends) == 2:
            groups.append({i, *ends})
    return groups


def rings(x: torch.Tensor, edge_index: torch.Tensor) -> list[set[int]]:
    """The smallest rings, of five or six atoms.

    >>> one_way = torch.tensor([[0, 1, 2, 3, 4], [1, 2, 3, 4, 0]])
    >>> rings(torch.eye(7)[[CARBON] * 5], torch.cat([one_way, one_way.flip(0)], 1))
    [{0, 1, 2, 3, 4}]
    """
    graph = nx.Graph(edge_index.T.tolist())
    graph.add_nodes_from(range(len(x)))
    found = nx.minimum_cycle_basis(graph)
    return sorted(({*ring} for ring in found if len(ring) in (5, 6)), key=sorted)


def _neighbours(x: torch.Tensor, edge_index: torch.Tensor) -> list[set[int]]:
    near: list[set[int]] = [set() for _ in range(len(x))]
    for i, j in edge_index.T.tolist():
        near[i].add(j)
    return near


def counted(groups: list[set[int]], cluster: list[int]) -> tuple[int, int]:
    """How many groups are together, and how many of these have a cluster of their own.

    >>> counted([{0, 1}, {2, 3}], [5, 5, 6, 6]), counted([{0, 1}], [5, 5, 5])
    ((2, 2), (1, 0))
    """
    together = found = 0
    for group in groups:
        own = {cluster[i] for i in group}
        together += len(own) == 1
        found += len(own) == 1 and sum(c in own for c in cluster) == len(group)
    return together, found


def figures(graphs: list, clusters: list[torch.Tensor]) -> dict[str, list[float]]:
    """Of NO₂ groups and of rings: how many there are, together, found; and together
    when the molecule's clusters are dealt out anew among its atoms, on average."""
    generator = torch.Generator().manual_seed(0)
    out = {}
    for name, find in (("NO2", nitro_groups), ("rings", rings)):
        total = torch.zeros(4, dtype=torch.double)
        for graph, cluster in zip(graphs, clusters, strict=True):
            groups = find(graph.x, graph.edge_index)
            total[0] += len(groups)
            total[1:3] += torch.tensor(counted(groups, cluster.tolist()))
            for _ in range(DEALS):
                dealt = cluster[torch.randperm(len(cluster), generator=generator)]
                total[3] += counted(groups, dealt.tolist())[0] / DEALS
        out[name] = [round(value, 4) for value in total.tolist()]
    return out


def likeliest(batch: SparseGraphs, logits: torch.Tensor) -> list[torch.Tensor]:
    """The likeliest cluster of every node, graph by graph."""
    return list(logits.argmax(1).split(batch.sizes.tolist()))


def measure(fold: int) -> dict:
    """All assignments on one fold."""
    graphs = dpcore.load_dataset("MUTAG")
    whole = as_batch("graphs", graphs)
    split = splits(whole.y, 10, 0)[fold]
    train, validation, test = (whole.select(part) for part in split.values())
    molecules = [graphs[int(i)] for i in split["test"]]
    record: dict = dict(fold=fold)
    for name, settings in LEARNED.items():
        with torch.random.fork_rng():
            torch.manual_seed(0)
            model = dpcore.build_model(
                "diffpool",
                num_features=graphs.num_features,
                num_classes=2,
                max_nodes=CLUSTERS,
                ratio=1.0,
                levels=1,
                hidden=32,
                dropout=0.0,
                **settings,
            )
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="level . uses")
            history = dpcore.fit(
                model, train, EPOCHS, lr=5e-3, validation=validation, progress=False
            )
        with torch.no_grad():
            s = model.eval()(test).assignments[0]
        record[name] = figures(molecules, likeliest(test, s))
        record[name]["nodes' clusters"] = round(
            float(torch.special.entr(s).sum(1).exp().mean()), 3
        )
        record[name]["accuracy"] = round(dpcore.evaluate(model, test), 4)
        record[name]["epoch"] = history.best.epoch
    for name, given in (
        ("heavy-edge", HeavyEdge([CLUSTERS], 1.0)),
        ("random", Random([CLUSTERS])),
    ):
        record[name] = figures(molecules, likeliest(test, given(test)[0]))
    return record


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--folds", type=int, default=10)
    parser.add_argument("--output", type=Path, default=RESULT)
    options = parser.parse_args()
    torch.set_num_threads(1)
    output: Path = options.output
    done = json.loads(output.read_text()) if output.exists() else []
    for fold in tqdm(range(options.folds), unit="fold"):
        if any(record["fold"] == fold for record in done):
            continue
        done.append(measure(fold))
        lines = ",\n".join(json.dumps(record) for record in done)
        write_whole(output, f"[\n{lines}\n]\n")


if __name__ == "__main__":
    main()
