"""When learned clusters win: accuracies for chapter 12.

    python book/tools/measure_wins.py

Graphs are those of dpcore.data.wirings. A cell is a family, a row and a seed, which
decides the split of the wirings, the graphs, the weights and the order of the batches.
All networks are trained alike on one thread: Adam, batches of 40, at most 24 epochs,
ended early when all validation graphs are right; the epoch is the one with most
validation graphs right, then with the lower loss. The wirings of the training,
validation and test parts are three sets without a common member; "seen" is the accuracy
on fresh graphs of training wirings. SVMs and flat networks choose their settings on
validation in every cell; where S is learned, they are fixed (POOLED). The rows of the
group "tuned" are everybody's turn alike: twenty settings (SEARCH, POOLED_SEARCH) are
tried on seed 0, by validation alone.

All GROUPS of rows take about two and a half hours of processor time. Within a group
all cells of a seed come before those of the next, so that a file cut short can be used;
a finished cell is in the file before the next begins, and is not measured again.
"""

from __future__ import annotations

import argparse
import itertools
import json
import time
import warnings
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from chapters import ROOT
from communities import agreement
from sklearn.cluster import KMeans, SpectralClustering
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.svm import SVC
from torch import Tensor, nn
from torch.nn import functional as F
from wins_networks import HIDDEN, HOPS, Given, build
from wins_rows import (
    FAMILIES,
    FIRST,
    FIXED,
    GROUPS,
    LARGE,
    LARGER,
    LARGER_ROWS,
    POOLED,
    POOLED_SEARCH,
    RATES,
    SEARCH,
    SEARCHED,
    STARTED,
    STARTS,
    SVMS,
    TRUE,
    TUNED,
    learns_s,
)

import dpcore
from dpcore.assignments import heavy_edge
from dpcore.data import wirings
from dpcore.graphs import SparseGraphs
from dpcore.models.walks import READERS

RESULT = ROOT / "book" / "results" / "when_it_wins.jsonl"
SETTINGS = dict(
    train=300, validation=60, test=120, seen=60, larger=30, epochs=24, batch_size=40
)


class Part(NamedTuple):
    """Graphs of one size: averages over 0 … 3 steps [B, n, f], A [B, n, n], classes,
    communities [B, n], and the same as a sparse batch."""

    x: Tensor
    adj: Tensor
    y: Tensor
    community: Tensor
    sparse: SparseGraphs


@lru_cache(maxsize=12)
def part(family: str, name: str, size: int, seed: int, count: int) -> Part:
    """The graphs of a part; no two parts, seeds or sizes share one."""
    names = ("train", "validation", "test", "seen", "larger")
    own = 1000 * (seed + 1) + 100 * names.index(name) + size
    split = wirings.wirings(seed)
    kinds = {"seen": split.train, "larger": split.test}
    data = wirings.draw(
        kinds.get(name) or getattr(split, name),
        count,
        size=size,
        seed=own,
        **FAMILIES[family],
    )
    adj = torch.zeros(count, 6 * size, 6 * size)
    for one, graph in zip(adj, data, strict=True):
        one[tuple(graph.edge_index)] = 1
    steps = [torch.stack([graph.x for graph in data])]
    for _ in range(HOPS):
        steps.append(adj @ steps[-1] / wirings.DEGREE)
    return Part(
        torch.cat(steps, -1),
        adj,
        torch.cat([graph.y for graph in data]),
        torch.stack([graph.community for graph in data]),
        SparseGraphs.from_data_list(data),
    )


def train(model: nn.Module, parts: dict, setting: dict, settings: dict, seed: int):
    """Train; the weights of the best epoch stay. Where a gradient is not finite (of
    eigenvalues which meet), training ends there, and the record says "stopped"."""
    x, adj, y, *_ = parts["train"]
    optimizer = torch.optim.Adam(model.parameters(), lr=setting["lr"])
    order = torch.Generator().manual_seed(seed)
    best, kept, epochs, stopped = (-1.0, 0.0), None, 0, False
    while epochs < settings["epochs"] and not stopped:
        epochs += 1
        model.train()
        mixed = torch.randperm(len(y), generator=order)
        for i in mixed.split(settings["batch_size"]):
            scores, (link, entropy), _ = model(x[i], adj[i])
            loss = F.cross_entropy(scores, y[i])
            loss = loss + setting.get("link", 0) * link
            loss = loss + setting.get("entropy", 0) * entropy
            optimizer.zero_grad()
            loss.backward()
            norm = nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            if stopped := not norm.isfinite():
                break
            optimizer.step()
        right, loss, _ = test(model, parts["validation"])
        if (right, -loss) > best:
            best = right, -loss
            kept = {k: v.clone() for k, v in model.state_dict().items()}
        if right == 1:
            break
    model.load_state_dict(kept)
    record = dict(epochs=epochs, validation=round(best[0], 4))
    record |= dict(stopped=True) if stopped else {}
    for name in parts:
        if name not in ("validation",):
            right, _, s = test(model, parts[name])
            record[name] = round(right, 4)
            if name == "test" and s is not None:
                record |= clusters(s, parts[name].community)
    record["parameters"] = sum(p.numel() for p in model.parameters())
    return record


@torch.no_grad()
def test(model: nn.Module, of: Part) -> tuple[float, float, Tensor | None]:
    model.eval()
    scores, _, s = model(of.x, of.adj)
    right = (scores.argmax(1) == of.y).float().mean().item()
    return right, F.cross_entropy(scores, of.y).item(), s


def clusters(s: Tensor, community: Tensor) -> dict:
    """Clusters in use (effectively) and agreement with the communities."""
    used = torch.special.entr(s.mean(1)).sum(-1).exp().mean()
    node = torch.special.entr(s).sum(-1).exp().mean()
    agree = agreement(community[:40], s[:40].flatten(0, 1))
    return {
        "used": round(used.item(), 2),
        "a_node": round(node.item(), 2),
        "agree": round(agree, 3),
    }


def fixed_assignment(row: str, of: Part, seed: int, features: int, k: int = 6):
    """One-hot (or drawn) S [B, n, k] of the rows that learn none."""
    if row == "true":
        return F.one_hot(of.community, 6).float()
    if row.startswith("random"):
        k = 24 if row == "random of 24" else k
        draws = torch.Generator().manual_seed(seed)
        return torch.randn(*of.community.shape, k, generator=draws).softmax(-1)
    if row == "spectral":
        found = SpectralClustering(
            6, affinity="precomputed", assign_labels="cluster_qr"
        )
        ids = torch.from_numpy(np.stack([found.fit_predict(adj) for adj in of.adj]))
        return F.one_hot(ids.long(), 6).float()
    if row.startswith("heavy-edge"):
        k = 24 if row == "heavy-edge of 24" else k
        ids = heavy_edge(of.sparse, [k])[:, 0]
        return F.one_hot(ids, k).float().view(*of.community.shape, k)
    kind = of.x[..., : 4 if features == 4 else 3].argmax(-1)  # a colour
    if row == "kinds":  # every combination of tags
        kind = (kind * 2 + of.x[..., 3:5].argmax(-1)) * 6 + of.x[..., 5:11].argmax(-1)
    found = {"colours": 4 if features == 4 else 3, "kinds": 36}[row]
    return F.one_hot(kind, found).float()


def k_means(parts: dict, seed: int) -> dict[str, Tensor]:
    """S of all parts: k-means, k = 6, on the averages of training nodes."""
    x = parts["train"].x.flatten(0, 1)
    mean, scale = x.mean(0), x.std(0) + 1e-6
    fitted = KMeans(6, n_init=3, random_state=seed).fit(((x - mean) / scale).numpy())
    return {
        name: F.one_hot(
            torch.from_numpy(
                fitted.predict(((of.x.flatten(0, 1) - mean) / scale).numpy())
            ).long(),
            6,
        )
        .float()
        .view(*of.community.shape, 6)
        for name, of in parts.items()
    }


def refinements(parts: dict, features: int, rounds: int) -> dict[str, np.ndarray]:
    """1-WL: how often every kind of neighbourhood occurs, up to `rounds`, rows of
    length 1; kinds that no training graph has are left out."""
    names: dict = {}
    columns: dict[str, list] = {}
    for name, of in parts.items():
        x = of.x[..., :features].flatten(0, 1)
        kind = [names.setdefault(tuple(row), len(names)) for row in x.round().tolist()]
        near = of.sparse.edge_index[1][of.sparse.edge_index[0].argsort()]
        near = near.view(-1, wirings.DEGREE).tolist()
        columns[name] = [kind]
        for _ in range(rounds):
            around = [
                (k, *sorted(kind[v] for v in own))
                for k, own in zip(kind, near, strict=True)
            ]
            kind = [names.setdefault(key, len(names)) for key in around]
            columns[name].append(kind)
    known = sorted({k for kinds in columns["train"] for k in kinds})
    place = {k: i for i, k in enumerate(known)}
    tables = {}
    for name, of in parts.items():
        table = np.zeros((len(of.y), len(known)), dtype=np.float32)
        size = of.adj.size(1)
        for kinds in columns[name]:
            for node, k in enumerate(kinds):
                if k in place:
                    table[node // size, place[k]] += 1
        tables[name] = table / np.linalg.norm(table, axis=1, keepdims=True)
    return tables


def edge_bag(of: Part, features: int) -> np.ndarray:
    x = of.x[..., :features]
    return (x.mT @ of.adj @ x).flatten(1).numpy()


def raw(of: Part) -> np.ndarray:
    """All eigenvalues of the normalised adjacency, largest first."""
    return torch.linalg.eigvalsh(of.adj / wirings.DEGREE).flip(1).numpy()


def raw_walks(of: Part) -> np.ndarray:
    """tr Nᵖ, p = 2 … 10, of the raw graph."""
    n = of.adj / wirings.DEGREE
    powers = [n @ n]
    for _ in range(3, 11):
        powers.append(powers[-1] @ n)
    return torch.stack([p.diagonal(dim1=1, dim2=2).sum(1) for p in powers], 1).numpy()


def raw_cycles(of: Part) -> np.ndarray:
    """The same without the walks that go round no cycle: those of a tree, as many at
    every node. A random graph has about as many short cycles at every size."""
    return raw_walks(of) - of.adj.size(1) * tree_walks(10)[2:]


def tree_walks(longest: int) -> np.ndarray:
    """How likely a walk on an infinite tree of degree DEGREE is where it began, after 0
    … `longest` steps."""
    depth = np.zeros(longest + 2)
    depth[0], found = 1, []
    for _ in range(longest + 1):
        found.append(depth[0])
        down = depth * (1 - 1 / wirings.DEGREE)
        down[0] = depth[0]
        up = (depth - down)[1:]
        depth = np.append(up, 0) + np.append(0, down[:-1])
    return np.array(found, dtype=np.float32)


TRACES = {"raw walks": raw_walks, "raw cycles": raw_cycles}


def svm(row: str, parts: dict, features: int) -> dict:
    """The best of a grid on validation: at least nine settings for every row."""
    views: list[tuple[str, dict]] = []
    if row == "raw spectrum":
        values = {name: raw(of) for name, of in parts.items()}
        for some in (6, 12, 24, 72):
            kept = {
                name: np.concatenate([v[:, : some // 2], v[:, -(some // 2) :]], 1)
                for name, v in values.items()
            }
            views.append((f"{some} eigenvalues", kept))
        views.append(("6 largest", {n: v[:, :6] for n, v in values.items()}))
    elif row in TRACES:
        views.append(("2 to 10", {n: TRACES[row](of) for n, of in parts.items()}))
    elif row == "bag of edges":
        views.append(("", {n: edge_bag(of, features) for n, of in parts.items()}))
    else:
        for rounds in (1, 2, 3):
            tables = refinements(parts, features, rounds)
            kernel = {n: v @ tables["train"].T for n, v in tables.items()}
            views.append((f"{rounds} rounds", kernel))
    found = []
    for (name, view), c in itertools.product(views, (0.1, 1, 10, 100)):
        for gamma in ("scale", 0.01) if row != "1-wl" else ("scale",):
            kernel = "precomputed" if row == "1-wl" else "rbf"
            scale = [StandardScaler()] if row != "1-wl" else []
            model = make_pipeline(*scale, SVC(C=c, gamma=gamma, kernel=kernel))
            model.fit(view["train"], parts["train"].y)
            right = model.score(view["validation"], parts["validation"].y)
            found.append((right, name, c, gamma, model, view))
    right, name, c, gamma, model, view = max(found, key=lambda one: one[0])
    record = dict(validation=round(right, 4), setting=f"{name}, C {c}, gamma {gamma}")
    for of in parts:
        if of != "validation":
            record[of] = round(model.score(view[of], parts[of].y), 4)
    return record


def all_parts(
    family: str, row: str, seed: int, settings: dict, large: bool = False
) -> dict[str, Part]:
    names = ("train", "validation", "test", "seen")
    parts = {n: part(family, n, 12, seed, settings[n]) for n in names}
    mean, scale = parts["train"].x.mean((0, 1)), parts["train"].x.std((0, 1)) + 1e-6
    if large or (family == "shown" and row in LARGER_ROWS):
        for size in LARGER:
            parts[str(size)] = part(family, "larger", size, seed, settings["larger"])
    if row in (*SVMS, *FIXED):
        return parts
    parts = {n: of._replace(x=(of.x - mean) / scale) for n, of in parts.items()}
    if row.endswith(TRUE):
        parts = {
            n: of._replace(x=torch.cat([of.x, F.one_hot(of.community, 6)], -1))
            for n, of in parts.items()
        }
    return parts


def _features(family: str) -> str:
    return FAMILIES[family].get("features", "blends")


def measure(
    family: str, row: str, seed: int, settings: dict, tuned: dict | None = None
) -> dict:
    """One cell. `tuned`: the setting of a row that was searched for before."""
    start = time.process_time()
    features = wirings.FEATURES[_features(family)]
    once = row.removesuffix(LARGE).removesuffix(SEARCHED).removesuffix(TUNED)
    what = once.removesuffix(STARTED)
    parts = all_parts(family, what, seed, settings, large=row.endswith(LARGE))
    starts = [seed + 100 * i for i in range(STARTS if what != once else 1)]
    if what in SVMS:
        own = svm(what, parts, features)
    elif what in FIXED:
        own = fixed(what, parts, features, starts, settings)
    else:
        search = POOLED_SEARCH if learns_s(what) else SEARCH
        tried = search if row.endswith(SEARCHED) else [tuned] if tuned else None
        own = learned(what, family, parts, features, starts, settings, tried)
    own["cpu_seconds"] = round(time.process_time() - start, 1)
    return dict(family=family, row=row, seed=seed) | own


def fixed(row: str, parts: dict, features: int, starts: list[int], settings: dict):
    """The walks of A' under an S that is not learned, into a classifier."""
    if row == "k-means":
        s = k_means(parts, starts[0])
    else:
        s = {
            n: fixed_assignment(row, of, starts[0], features) for n, of in parts.items()
        }
    read = {
        name: of._replace(x=READERS["walks"][0](s[name].mT @ of.adj @ s[name]))
        for name, of in parts.items()
    }
    runs = []
    for start in starts:
        torch.manual_seed(start)
        runs.append(train(Given(6), read, dict(lr=0.01), settings, start))
    return best_of(runs) | clusters(s["test"], parts["test"].community)


def learned(
    row: str,
    family: str,
    parts: dict,
    features: int,
    starts: list[int],
    settings: dict,
    tried: list[dict] | None = None,
):
    """A network, under each of its settings and from each start."""
    settings_of = [POOLED[family]]
    if not learns_s(row):
        settings_of = [dict(lr=rate) for rate in RATES]
    elif row.startswith("no losses"):
        settings_of = [dict(lr=0.01)]
    runs = []
    for setting, start in itertools.product(tried or settings_of, starts):
        torch.manual_seed(start)
        model = build(row, features, setting.get("hidden", HIDDEN))
        runs.append(train(model, parts, setting, settings, start))
        runs[-1]["setting"] = setting
    best = best_of(runs)
    if tried and len(tried) > 1:
        best = best | {"tried": [(run["setting"], run["validation"]) for run in runs]}
    return best


def best_of(runs: list[dict]) -> dict:
    """The run with most validation graphs right, the first of several."""
    return max(runs, key=lambda run: run["validation"])


def load(path: Path) -> list[dict]:
    if not path.exists():
        return []
    lines = path.read_text(encoding="utf-8").splitlines()
    return [json.loads(line) for line in lines]


def append(path: Path, record: dict) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(record) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--output", type=Path, default=RESULT)
    parser.add_argument("--seeds", type=int, default=20, help="how many (20)")
    parser.add_argument("--groups", nargs="+", choices=GROUPS, default=[*GROUPS])
    parser.add_argument("--rows", nargs="+", help="only these rows of the groups")
    options = parser.parse_args()
    torch.set_num_threads(1)
    warnings.filterwarnings("ignore")
    if not load(options.output):
        append(options.output, dict(SETTINGS, versions=dpcore.versions()))
    done = {
        (r.get("family"), r.get("row"), r["seed"]) for r in load(options.output)[1:]
    }
    for family, row, seed in cells(options):
        if (family, row, seed) not in done:
            tuned = setting_of(options.output, family, row)
            record = measure(family, row, seed, SETTINGS, tuned)
            append(options.output, record)
            print(record, flush=True)


def cells(options: argparse.Namespace) -> Iterator[tuple[str, str, int]]:
    """What is asked for: family, row and seed."""
    for name in options.groups:
        plan = [(f, row) for f, row in GROUPS[name] if row in (options.rows or [row])]
        if name == "tuned":
            yield from ((family, row + SEARCHED, 0) for family, row in plan)
            plan = [(family, row + TUNED) for family, row in plan]
        first = FIRST.get(name, 1)
        for seed in range(first, first + options.seeds):
            yield from ((*cell, seed) for cell in plan)


def setting_of(path: Path, family: str, row: str) -> dict | None:
    """What the search of a row found, from its record."""
    once = row.removesuffix(LARGE)
    if not once.endswith(TUNED):
        return None
    searched = family, once.removesuffix(TUNED).removesuffix(STARTED) + SEARCHED
    found = [r for r in load(path)[1:] if (r["family"], r["row"]) == searched]
    return found[0]["setting"]


if __name__ == "__main__":
    main()
