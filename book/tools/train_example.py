"""The small models that chapter 07 looks into, and the graphs it shows them on.

    python book/tools/train_example.py [PROTEINS PROTEINS-both COLLAB]

Trains DiffPool with 8 clusters, then 3, on one split of PROTEINS and on one of 600
graphs of COLLAB, seed 0, and writes into book/results:

    models/NAME.safetensors   the weights of the epoch that is best on validation
    examples/DATASET.json     graphs of the test part, as graph6 or sparse6 text

so that the chapter needs neither the data sets nor the training. PROTEINS and COLLAB
are trained without the link loss, PROTEINS-both with both losses at weight 1. It takes
about two minutes of processor time. On another machine, or with another torch, the
weights come out a little different.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import NamedTuple

import networkx as nx
import torch
from chapters import ROOT
from torch_geometric.data import Data

import dpcore
from dpcore.data.files import write_whole
from dpcore.training import splits

RESULTS = ROOT / "book" / "results"
LARGEST = 100  # nodes: larger graphs are no pictures
SHAPE = dict(conv="sage", hidden=20, dropout=0.0, max_nodes=24, ratio=1 / 3, levels=2)
SHARP = dict(link_weight=0.0, entropy_weight=0.3)


class Plan(NamedTuple):
    """What a model is trained on, and how."""

    dataset: str
    taken: int | None  # graphs of at most `largest` nodes; None: the whole data set
    largest: int
    folds: int
    epochs: int
    weights: dict  # of the losses
    examples: int  # test graphs that are kept


PLANS = {
    "PROTEINS": Plan("PROTEINS", None, LARGEST, 10, 20, SHARP, 80),
    "PROTEINS-both": Plan("PROTEINS", None, LARGEST, 10, 20, {}, 0),
    "COLLAB": Plan("COLLAB", 600, 60, 5, 40, SHARP, 30),
}


def chosen(plan: Plan) -> tuple[dpcore.GraphDataset, torch.Tensor]:
    """The graphs of the plan, and their numbers in the data set."""
    graphs = dpcore.load_dataset(plan.dataset)
    index = torch.arange(len(graphs))
    if plan.taken is not None:
        small = torch.tensor([graph.num_nodes <= plan.largest for graph in graphs])
        generator = torch.Generator().manual_seed(0)
        order = torch.randperm(int(small.sum()), generator=generator)
        index = index[small][order[: plan.taken]].sort().values
    return graphs[index], index


def train(name: str, results: Path) -> None:
    """Train the model of a plan and write it, with its examples."""
    plan = PLANS[name]
    graphs, index = chosen(plan)
    part = splits(graphs.labels, plan.folds, seed=0)[0]
    sizes = dict(num_features=graphs.num_features, num_classes=graphs.num_classes)
    torch.manual_seed(0)
    model = dpcore.build_model("diffpool", **sizes, **SHAPE, **plan.weights)
    train, validation, test = (graphs[ids] for ids in part.values())
    history = dpcore.fit(model, train, epochs=plan.epochs, validation=validation)
    accuracy = dpcore.evaluate(model, test)
    note = (
        f"{plan.dataset}: trained on {len(train)} graphs, epoch {history.best.epoch} "
        f"of {plan.epochs} chosen on {len(validation)}, accuracy {accuracy:.1%} on "
        f"{len(test)} test graphs ({largest_class(test):.1%} of them of one class)"
    )
    for folder in ("models", "examples"):
        (results / folder).mkdir(parents=True, exist_ok=True)
    dpcore.save_model(results / "models" / f"{name}.safetensors", model, note)
    print(note)
    if plan.examples:
        small = [i for i in part["test"].tolist() if graphs[i].num_nodes <= LARGEST]
        count = min(plan.examples, len(small))  # evenly: the file is sorted by class
        kept = [small[i * len(small) // count] for i in range(count)]
        about = {
            "from": f"{plan.dataset} of the TU Dortmund collection, test graphs",
            "made_by": "python book/tools/train_example.py",
            "graphs": [dict(number=int(index[i]), **as_text(graphs[i])) for i in kept],
        }
        text = json.dumps(about, indent=1)
        path = results / "examples" / f"{plan.dataset}.json"
        write_whole(path, text + "\n")


def largest_class(graphs: dpcore.GraphDataset) -> float:
    """The accuracy of the best constant answer."""
    return int(graphs.labels.bincount().max()) / len(graphs)


def as_text(graph: Data) -> dict:
    """A graph as one line of text: its class, its edges, its node labels if any."""
    nodes = range(graph.num_nodes)
    net = nx.Graph()
    net.add_nodes_from(nodes)
    net.add_edges_from(graph.edge_index.T.tolist())
    record = {"class": int(graph.y)}
    if graph.num_node_features < 10:  # one-hot labels, no degrees
        record["labels"] = "".join(map(str, graph.x.argmax(1).tolist()))
        record["sparse6"] = nx.to_sparse6_bytes(net, nodes, header=False).decode()
    else:
        record["graph6"] = nx.to_graph6_bytes(net, nodes, header=False).decode()
    return {key: v.strip() if isinstance(v, str) else v for key, v in record.items()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(PLANS))
    parser.add_argument("--results", type=Path, default=RESULTS)
    options = parser.parse_args()
    for name in options.names or PLANS:
        if name not in PLANS:
            parser.error(f"{name}: expected {' or '.join(PLANS)}")
        train(name, options.results)


if __name__ == "__main__":
    main()
