"""Sentences with a number in chapters 01, 03, 04, 11 and 13, which measure little and
count much, asked of float64 NumPy, networkx, the data and what the cells printed.

A key is a sentence's own words, found on the page or in what a drawing says of itself;
its value asks whether it is so, as in test_claims_tables.py.
"""

import ast
import math
import random
import re
from functools import cache

import chapters
import networkx as nx
import numpy as np
import pytest
import torch
from scipy.special import softmax
from sklearn.metrics import (
    adjusted_mutual_info_score,
    balanced_accuracy_score,
    recall_score,
)
from test_claims_chapters import (
    MUTAG,
    PROTEINS,
    code,
    descended,
    entropy,
    error,
    graph_of_04,
    numbers,
    printed,
    root_mean_square,
    trained,
)
from test_claims_tables import asked, text
from torch.nn import functional as F
from torch_geometric.nn import DenseGCNConv

import dpcore
from dpcore import SparseGraphs, diff_pool
from dpcore.experiments.kernels import gram
from dpcore.training import splits


@cache
def described(stem: str) -> str:
    """What a chapter's drawings say of themselves."""
    book = chapters.read(chapters.ROOT / "notebooks" / f"{stem}.ipynb")
    shown = (o.get("data", {}) for c in chapters.code_cells(book) for o in c.outputs)
    return " ".join(o["text/plain"] for o in shown if "text/html" in o)


def given(stem, name):
    """The list or dictionary, written out, by which a cell gives the name its value."""
    for line in chapters.statements(code(stem)):
        if isinstance(line, ast.Assign) and ast.unparse(line.targets[0]) == name:
            for node in ast.walk(line.value):
                try:
                    value = ast.literal_eval(node)
                except (ValueError, TypeError):
                    continue
                if isinstance(value, list | dict):
                    return value
    raise LookupError(name)


def written(stem):
    """The functions and classes of a chapter's cells."""
    lines = chapters.statements(code(stem))
    return [x for x in lines if isinstance(x, ast.FunctionDef | ast.ClassDef)]


def rows(stem, *names):
    """How many lines each of them has."""
    lines = code(stem).splitlines()
    return [sum(map(bool, lines[x.lineno - 1 : x.end_lineno]))
            for x in written(stem) if x.name in names]  # fmt: skip


@cache
def of_cells(stem):
    """The same, ready to be called."""
    space = {"torch": torch, "nn": torch.nn, "F": F, "random": random}
    exec(compile(ast.Module(written(stem), []), stem, "exec"), space)
    return space


def same(a, b):
    return np.allclose(a, b, rtol=0, atol=1e-12)


def wired(net):
    """A graph's adjacency matrix."""
    return nx.to_numpy_array(net, nodelist=range(len(net)))


def normalised(a):
    """D̃^-½ (A + I) D̃^-½."""
    a = a + np.eye(len(a))
    scale = a.sum(1) ** -0.5
    return scale[:, None] * a * scale


def gcn(a, x, widths=(8, 8, 2), seed=0):
    """A stack of GCN layers with weights by lot."""
    rng = np.random.default_rng(seed)
    for width in widths:
        x = normalised(a) @ x @ rng.normal(size=(x.shape[1], width))
        x = np.maximum(x + rng.normal(size=width), 0)
    return x


# --- chapter 01 -----------------------------------------------------------------------

C01 = "01_pooling_intro"
BAGS = given(C01, "bags")
IMAGE = np.array(given(C01, "image"))
WINDOWS = IMAGE.reshape(2, 2, 2, 2)  # row of a window, row in it, and columns
OF_WINDOWS = np.kron(np.kron(np.eye(2), [[1], [1]]), np.kron(np.eye(2), [[1], [1]]))
PAIRS = [("a", "b"), ("a", "c"), ("b", "c")]


def told(*readouts):
    """The pairs of bags that one of the readouts tells apart."""
    return [(p, q) for p, q in PAIRS
            if any(read(BAGS[p]) != read(BAGS[q]) for read in readouts)]  # fmt: skip


@cache
def net(name):
    """Ring, triangles, meet or table."""
    mates = [(i, j) for i in range(12) for j in range(i) if i // 3 == j // 3]
    return nx.Graph(given(C01, name) + mates * (name in ("meet", "table")))


NETS = ("ring", "triangles", "meet", "table")
OTHER = {name: given(C01, name) for name in NETS[2:]}  # contacts between teams


def degrees(name):
    return {d for _, d in net(name).degree}


@cache
def heard(name, seed=0):
    """What a GCN makes of equal features."""
    return gcn(wired(net(name)), np.ones((len(net(name)), 1)), seed=seed)


def all_alike(*names):
    """Whether all nodes of these graphs get one row, whatever the weights."""
    found = [np.vstack([heard(name, seed) for name in names]) for seed in range(10)]
    return all(same(z, z[0]) for z in found) and np.ptp(found) > 1


def contacts(name):
    """Between teams: A' by counting."""
    found = np.zeros((4, 4), int)
    for i, j in net(name).edges:
        found[i // 3, j // 3] += 1
        found[j // 3, i // 3] += 1
    return found


def beside(name):
    """What stands off the diagonal in the first row and, sorted, in every row."""
    off = [np.delete(row, i).tolist() for i, row in enumerate(contacts(name))]
    return [sorted(row) for row in off]


def told_by(kernel, names=NETS[:2]):
    """Whether a kernel tells one ring of six from two triangles, or two other nets."""
    edges = [torch.tensor(wired(net(name))).nonzero().T for name in names]
    n = len(net(names[0]))
    both = torch.cat([edges[0], edges[1] + n], 1)
    owner = torch.arange(2).repeat_interleave(n)
    graphs = SparseGraphs.from_edge_index(torch.ones(2 * n, 1), both, owner)
    k = np.asarray(gram(kernel, graphs))
    return k[0, 0] + k[1, 1] - 2 * k[0, 1] > 1e-9


def regular(degree, size):
    """How many connected graphs of so many nodes, all of one degree, there are."""
    return sum(
        len(g) == size and {d for _, d in g.degree} == {degree} and nx.is_connected(g)
        for g in nx.graph_atlas_g()[1:]
    )


def triangles(graph):
    return sum(nx.triangles(graph).values()) // 3


def look_alikes():
    return nx.circular_ladder_graph(3), nx.complete_bipartite_graph(3, 3)


CHAPTER_01 = {
    "Sixteen numbers became four. Check one by hand: the window at the top left holds "
    "2, 2, 9, 4. Its maximum is 9, its mean is $17 / 4 = 4.25$.": lambda: (
        (IMAGE.size, WINDOWS.max((1, 3)).size) == (16, 4)
        and IMAGE[:2, :2].ravel().tolist() == [2, 2, 9, 4]
        and max(2, 2, 9, 4) == 9
        and sum((2, 2, 9, 4)) == 17
        and 17 / 4 == 4.25
    ),
    "Max pooling gives 9 7 / 8 6, mean pooling 4.25 4.25 / 4.25 3.5": lambda: (
        WINDOWS.max((1, 3)).tolist() == [[9, 7], [8, 6]]
        and WINDOWS.mean((1, 3)).tolist() == [[4.25, 4.25], [4.25, 3.5]]
    ),
    "one pixel of the small image stands for four of the large one. After two poolings "
    "it stands for sixteen.": lambda: (
        WINDOWS.swapaxes(1, 2)[0, 0].size == 4
        and same(WINDOWS.mean((1, 3)).mean(), IMAGE.sum() / 16)
    ),
    "three of the four windows give 4.25, and you would never guess how different they "
    "are inside": lambda: (
        (WINDOWS.mean((1, 3)) == 4.25).sum() == 3
        and len({tuple(sorted(w.ravel())) for w in WINDOWS.swapaxes(1, 2)[0]}) == 2
    ),
    "Put the 16 pixels in one column $X$ and write down which window each belongs to: "
    "a matrix $S$ of 16 rows (pixels) and 4 columns (windows), with a single 1 in each "
    "row.": lambda: numbers(C01, "S ") == [16, 4, 16, 1],
    "Divided by 4 it is mean pooling.": lambda: (
        numbers(C01, "SᵀX / 4 =") == WINDOWS.mean((1, 3)).ravel().tolist()
    ),
    "The same four means.": lambda: same(
        IMAGE.ravel() @ OF_WINDOWS / 4, WINDOWS.mean((1, 3)).ravel()
    ),
    "a path of four nodes with the features 2, 4, 6, 8, pool it, and pool it again "
    "after giving the nodes other numbers": lambda: (
        given(C01, "features") == [2, 4, 6, 8]
    ),
    "The same graph, two different answers: windows of node numbers are useless. The "
    "mean over all nodes does not care about the order.": lambda: (
        [(2 + 4) / 2, (6 + 8) / 2] != [(2 + 6) / 2, (4 + 8) / 2]
        and [numbers(C01, f"pairs [{n}")[-1] for n in (3, 4)] == [5, 5]
        and np.mean([2, 4, 6, 8]) == 5
    ),
    "Three bags of numbers: a holds 1 and 3, b holds 2 and 2, c holds 1, 3, 1 and 3.": (
        lambda: list(BAGS.values()) == [[1, 3], [2, 2], [1, 3, 1, 3]]
    ),
    "3. The sum is 4 for a and 8 for c. They differ in nothing but how many there are, "
    "and only a sum counts.": lambda: (
        (sum(BAGS["a"]), sum(BAGS["c"])) == (4, 8)
        and BAGS["a"] * 2 == BAGS["c"]
        and ("a", "c") in told(sum)
        and ("a", "c") not in told(np.mean, max)
    ),
    "1: c is a twice, and a mean does not notice repetition: 2 and 2.": lambda: (
        [np.mean(BAGS[bag]) for bag in "ac"] == [2, 2]
    ),
    "2: The largest member of both is 3": lambda: (
        [max(BAGS[bag]) for bag in "ac"] == [3, 3]
    ),
    "4: One of them grows when all members are repeated.": lambda: (
        [read(BAGS["a"] * 2) > read(BAGS["a"]) for read in (np.mean, max, sum)]
        == [False, False, True]
    ),
    "The mean cannot tell any of the three apart, the max confuses a with c, the sum "
    "confuses a with b. All three together separate these bags.": lambda: (
        [told(read) for read in (np.mean, max, sum)]
        == [[], [PAIRS[0], PAIRS[2]], [PAIRS[1], PAIRS[2]]]
        and told(np.mean, max, sum) == PAIRS
    ),
    "These two graphs have six nodes each, every node has two neighbours": lambda: (
        [(len(net(name)), degrees(name)) for name in NETS[:2]] == [(6, {2})] * 2
    ),
    "Left a ring of six nodes, right two separate triangles.": lambda: (
        nx.is_isomorphic(net("ring"), nx.cycle_graph(6))
        and [len(x) for x in nx.connected_components(net("triangles"))] == [3, 3]
    ),
    "one graph hangs together, the other falls in two": lambda: (
        [nx.number_connected_components(net(name)) for name in NETS[:2]] == [1, 2]
    ),
    "of three layers has let the nodes talk to their neighbours. Its weights are "
    "random; the reason below holds for all weights.": lambda: (
        len(dpcore.GNN(1, 8, 2).layers) == 3 and all_alike(*NETS[:2])
    ),
    "A ring of six, and two triangles: six nodes each, two neighbours each, all "
    "features 1.": lambda: (
        [(len(net(name)), degrees(name)) for name in NETS[:2]] == [(6, {2})] * 2
        and all(
            numbers(C01, f"{name:9} features")[:3] == [1, 1, 6] for name in NETS[:2]
        )
    ),
    "3. Not a digit. Every node looks at two nodes that look at two nodes, in both "
    "graphs, so all twelve compute the same number.": lambda: all_alike(*NETS[:2]),
    "4: Equal inputs and the same weights at every node give equal outputs, for any "
    "weights": lambda: all_alike("ring") and all_alike("table"),
    "Not a digit differs. Why?": lambda: (
        numbers(C01, "ring      features") == numbers(C01, "triangles features")
    ),
    "every node gets the same number, in every layer, whatever the weights. Six equal "
    "numbers have the same mean, max and sum.": lambda: all(
        same(read(heard("ring", seed), 0), read(heard("triangles", seed), 0))
        for read in (np.mean, np.max, np.sum)
        for seed in range(10)
    ),
    "On graphs where all nodes look alike it never gets started.": lambda: (
        not told_by("1-wl") and not told_by("1-wl", NETS[2:])
    ),
    "Four teams of three. Everybody knows their two team mates and exactly one person "
    "from outside.": lambda: all(
        sorted(sum(OTHER[name], ())) == list(range(12))
        and all(i // 3 != j // 3 for i, j in OTHER[name])
        and net(name).number_of_edges() == 4 * 3 + 6
        for name in OTHER
    ),
    "In the first graph every team has a contact to every other; in the second the "
    "teams sit around a table, and contacts alternate between double and "
    "single.": lambda: (
        beside("meet") == [[1, 1, 1]] * 4
        and beside("table") == [[0, 1, 2]] * 4
        and [contacts("table")[i, (i + 1) % 4] for i in range(4)] == [2, 1, 2, 1]
    ),
    "Two graphs of twelve nodes in four coloured teams of three. Left each team is "
    "linked to all others, right the teams form a ring.": lambda: (
        [len(net(name)) for name in OTHER] == [12, 12]
        and (contacts("meet") > 0).all()
        and nx.is_isomorphic(
            nx.Graph([(i // 3, j // 3) for i, j in OTHER["table"]]), nx.cycle_graph(4)
        )
    ),
    "Same number of nodes, same number of edges, same degrees, even the same number of "
    "triangles.": lambda: (
        len({(len(g), g.number_of_edges(), triangles(g)) for g in map(net, OTHER)}) == 1
        and degrees("meet") == degrees("table") == {3}
        and not nx.is_isomorphic(net("meet"), net("table"))
    ),
    "Equal, down to the very digits of the ring: to this network, read with a mean, "
    "all four graphs are the same thing. (A sum would at least tell 6 nodes from "
    "12.)": (
        lambda: (
            all_alike(*NETS)
            and same(2 * heard("ring").sum(0), heard("table").sum(0))
            and numbers(C01, "ring      features")[3:5]
            == numbers(C01, "meet  degrees")[1:]
            == numbers(C01, "table degrees")[1:]
        )
    ),
    "6. Three friendships, and each stands in $A$ twice, once from either end.": (
        lambda: (
            wired(nx.complete_graph(3)).sum()
            == 2 * nx.complete_graph(3).number_of_edges()
            == 6
        )
    ),
    "3: Three friendships it is; but an undirected edge has two entries in "
    "$A$.": lambda: (
        nx.complete_graph(3).number_of_edges() == 3
        and wired(nx.Graph([(0, 1)])).sum() == 2
    ),
    "9: Three times three pairs includes everybody with himself, and $A$ has zeros "
    "there.": lambda: (
        wired(nx.complete_graph(3)).size == 9
        and not wired(nx.complete_graph(3)).trace()
    ),
    "Two different matrices at last.": lambda: (
        contacts("meet") != contacts("table")
    ).any(),
    "always 1 on the left, 2, 1 or none at the table. On the diagonal stands 6: three "
    "friendships inside a team, each counted from both ends": lambda: (
        beside("meet") == [[1, 1, 1]] * 4
        and beside("table") == [[0, 1, 2]] * 4
        and all((contacts(name).diagonal() == 6).all() for name in OTHER)
    ),
    "Twelve nodes move together into four team nodes; then the contacts appear as "
    "numbers: left all 1, right 2 and 1 in turn.": lambda: (
        beside("meet") == [[1, 1, 1]] * 4
        and [contacts("table")[i, (i + 1) % 4] for i in range(4)] == [2, 1, 2, 1]
    ),
    "3. It cannot tell two nodes apart, so it cannot send them to different teams.": (
        lambda: all_alike("meet") and all_alike("table")
    ),
    "Every node gets the same row, and the two coarse graphs are equal "
    "again.": lambda: (
        all_alike(*OTHER)
        and "meet  rows of S equal: True" in printed(C01)
        and "table rows of S equal: True" in printed(C01)
        and numbers(C01, "meet  rows") == numbers(C01, "table rows")
    ),
    "| 17 nodes, 5 clusters, and a film of clusters appearing |": lambda: (
        (len(GROUP), len(set(GROUP.tolist()))) == (17, 5)
    ),
    "| sparse against dense, from 100 nodes to a million |": lambda: (
        min(given("09_cost_and_scale", "took")) == 100
        and "n = 1,000,000:" in printed("09_cost_and_scale")
    ),
    "Three more slices give the other corners.": lambda: same(
        np.stack([IMAGE[i::2, j::2] for i in (0, 1) for j in (0, 1)]).max(0),
        WINDOWS.max((1, 3)),
    ),
    "Axes 1 and 3 are the position inside a window, 0 and 2 say which "
    "window.": lambda: same(WINDOWS[0, :, 1, :], IMAGE[:2, 2:]),
    "If every node has two neighbours, a connected graph is a ring, and there is only "
    "one of each size. Take three neighbours and six nodes": lambda: (
        [regular(2, size) for size in range(3, 8)] == [1] * 5
        and [regular(3, size) for size in (4, 5, 6)] == [1, 0, 2]
    ),
    "The prism has two triangles, houses and wells have none. The four teams of this "
    "chapter would do as well.": lambda: (
        [triangles(g) for g in look_alikes()] == [2, 0]
        and all(nx.is_connected(net(name)) for name in OTHER)
        and not nx.is_isomorphic(net("meet"), net("table"))
    ),
}


# --- chapter 03 -----------------------------------------------------------------------

C03 = "03_assignment_math"
SIX = nx.Graph(given(C03, "pairs"))
A = wired(SIX)
HARD = np.array(given(C03, "S"))
Z = np.array(given(C03, "Z"))
LEAN = np.array(given(C03, "logits"))  # the scores of "Why soft, and not argmax"


def shared(p):
    """The hard assignment, but node 2 has p of itself in cluster 0."""
    s = HARD.copy()
    s[2] = p, 1 - p
    return s


HALF = shared(0.5)


def coarse(s, a=A):
    return s.T @ a @ s


def one_edge(i, j):
    a = np.zeros((6, 6))
    a[i, j] = a[j, i] = 1
    return a


def dealt():
    """A cell of A' in each row, an edge in each column: both directions, as listed."""
    pairs = given(C03, "pairs")
    edges = pairs + [(j, i) for i, j in pairs]
    return np.array([np.outer(HALF[i], HALF[j]).ravel() for i, j in edges]).T


def paths():
    """Both triangles without their outer edge."""
    return wired(nx.Graph([e for e in SIX.edges if e not in ((0, 1), (4, 5))]))


def set_to_one(a):
    """What PyG's DenseGCNConv does, by hand: with its own weights, after it."""
    torch.manual_seed(0)
    conv, x = DenseGCNConv(2, 4).double(), Z if len(a) == 6 else HARD.T @ Z
    theirs = conv(torch.tensor(x), torch.tensor(a))[0].detach().numpy()
    own = a - np.diag(a.diagonal())  # and normalised() puts ones there
    mine = normalised(own) @ x @ conv.lin.weight.detach().numpy().T
    return theirs, mine


def random_one(seed=0, n=50, k=7):
    """A weighted graph, features and a soft assignment."""
    rng = np.random.default_rng(seed)
    a, z = rng.random((n, n)), rng.normal(size=(n, 3))
    return a, z, softmax(rng.normal(size=(n, k)), 1)


def renumbered(seed):
    """P of the chapter's cell if the seed is its own, 13."""
    torch.manual_seed(seed)
    return np.eye(6)[torch.randperm(6)]


def pooled(a, x, seed=0):
    """S, X' and A' of a whole layer, two GCNs."""
    z, s = gcn(a, x, (8, 8, 4), seed), softmax(gcn(a, x, (8, 8, 2), seed + 1), 1)
    return s, s.T @ z, coarse(s, a)


def moved(seed):
    """Which of S, PS, X', A' a new numbering leaves alone."""
    p, x = renumbered(seed), np.random.default_rng(seed).normal(size=(6, 3))
    (s, *small), (s_new, *small_new) = pooled(A, x), pooled(p @ A @ p.T, p @ x)
    return [same(s, s_new), same(p @ s, s_new), *map(same, small, small_new)]


def rows_of_s(conv="gcn"):
    """Of the six nodes with features by lot, and with equal ones."""
    torch.manual_seed(3)
    edges = torch.tensor(A).nonzero().T
    layer = dpcore.DiffPool(3, 8, 2, conv=conv).eval()
    graphs = (SparseGraphs.from_edge_index(x, edges)
              for x in (torch.randn(6, 3), torch.ones(6, 3)))  # fmt: skip
    return [layer(graph).assignment.detach().numpy() for graph in graphs]


def between(scores):
    return coarse(softmax(scores, 1))[0, 1]


def slope():
    """Of A'_01 by every score: finite differences."""
    found = np.zeros_like(LEAN)
    for at in np.ndindex(*LEAN.shape):
        step = np.zeros_like(LEAN)
        step[at] = 1e-5
        found[at] = (between(LEAN + step) - between(LEAN - step)) / 2e-5
    return found


def staircase(t, hard=False):
    """The mass between, with the advantage t of cluster 0 at node 2."""
    return coarse(shared(float(t > 0) if hard else 1 / (1 + np.exp(-t))))[0, 1]


def steepness(hard=False):
    """Where, and how the curve of the figure falls; leaving out the step itself."""
    t = np.linspace(-8, 8, 322)  # 0 is not among them
    fall = np.diff([staircase(at, hard) for at in t]) / np.diff(t)
    return (t[1:] + t[:-1]) / 2, fall


@cache
def sides():
    """Keys, queries and values of the chapter, and its S over clusters and nodes."""
    torch.manual_seed(0)
    h, w = torch.randn(6, 8).double().numpy(), torch.randn(8, 2).double().numpy()
    scores = h @ w / math.sqrt(8)
    return h, w, softmax(scores, 1), softmax(scores, 0)


def attention(queries, keys, values):
    pull = queries @ keys.T / math.sqrt(keys.shape[1])
    return softmax(pull, 1) @ values


def largest_of_propagate(k=3):
    """Entries of the largest tensor that A S of a graph of edges ever makes."""
    from torch.utils._python_dispatch import TorchDispatchMode

    sizes = []

    class Watch(TorchDispatchMode):
        def __torch_dispatch__(self, call, types, args=(), kwargs=None):
            out = call(*args, **(kwargs or {}))
            sizes.extend(t.numel() for t in [out] if isinstance(t, torch.Tensor))
            return out

    edges = torch.tensor(wired(nx.complete_graph(30))).nonzero().T
    graph = SparseGraphs.from_edge_index(torch.ones(30, 1), edges)
    s = torch.ones(30, k)
    graph.contract(s, graph.propagate(s))  # what is made once and kept
    with Watch():
        graph.contract(s, graph.propagate(s))
    return max(sizes), edges.shape[1]


CHAPTER_03 = {
    "Two triangles, 0 1 2 and 3 4 5, joined by the edge 2–3.": lambda: (
        {(0, 1), (0, 2), (1, 2), (3, 4), (3, 5), (4, 5), (2, 3)} == set(SIX.edges)
    ),
    "lists the seven edges, each in both directions": lambda: (
        SIX.number_of_edges() == 7 and dealt().shape[1] == 14 == A.sum()
    ),
    "Six nodes, three features; embeddings of width 4; shares in two clusters.": (
        lambda: numbers(C03, "X ") == [6, 3, 6, 4, 6, 2]
    ),
    "each node says its own number plus one, and the number 1": lambda: (
        Z.tolist() == [[i + 1, 1] for i in range(6)]
    ),
    "S = \\begin{pmatrix} 1&0\\\\ 1&0\\\\ 1&0\\\\ 0&1\\\\ 0&1\\\\ 0&1 "
    "\\end{pmatrix}": lambda: HARD.tolist() == [[1, 0]] * 3 + [[0, 1]] * 3,
    "For cluster 0 the shares are 1, 1, 1, 0, 0, 0: $$ (1,1) + (2,1) + (3,1) = (6, 3), "
    "$$ and for cluster 1 it is nodes 3, 4 and 5 that count: $$ (4,1) + (5,1) + (6,1) "
    "= (15, 3). $$": lambda: (
        HARD[:, 0].tolist() == [1, 1, 1, 0, 0, 0]
        and HARD[:, 1].nonzero()[0].tolist() == [3, 4, 5]
        and (HARD.T @ Z).tolist() == [[6, 3], [15, 3]]
    ),
    "Look at the second column: a 1 at every node comes out as the size of the "
    "cluster.": lambda: (
        same((HALF.T @ Z)[:, 1], HALF.sum(0)) and same((HARD.T @ Z)[:, 1], [3, 3])
    ),
    "Node 2 has the neighbours 0, 1 (cluster 0) and 3 (cluster 1), so its row is $(2, "
    "1)$.": lambda: (
        sorted(SIX[2]) == [0, 1, 3]
        and HARD[[0, 1, 3], 0].tolist() == [1, 1, 0]
        and (A @ HARD)[2].tolist() == [2, 1]
    ),
    "AS = \\begin{pmatrix} 2&0\\\\ 2&0\\\\ 2&1\\\\ 1&2\\\\ 0&2\\\\ 0&2 "
    "\\end{pmatrix}": lambda: (
        (A @ HARD).tolist() == [[2, 0], [2, 0], [2, 1], [1, 2], [0, 2], [0, 2]]
    ),
    "A' = \\begin{pmatrix} 2+2+2 & 0+0+1\\\\ 1+0+0 & 2+2+2 \\end{pmatrix} = "
    "\\begin{pmatrix} 6&1\\\\ 1&6 \\end{pmatrix}": lambda: (
        [(A @ HARD)[at, c].tolist() for at in ([0, 1, 2], [3, 4, 5]) for c in (0, 1)]
        == [[2, 2, 2], [0, 0, 1], [1, 0, 0], [2, 2, 2]]
        and coarse(HARD).tolist() == [[6, 1], [1, 6]]
    ),
    "Off the diagonal stands 1: the single edge between the triangles. On the diagonal "
    "stands 6: three edges inside each triangle, each counted from both of its "
    "ends.": lambda: (
        [SIX.subgraph(half).number_of_edges() for half in ((0, 1, 2), (3, 4, 5))]
        == [3, 3]
        and nx.cut_size(SIX, {0, 1, 2}) == 1
        and coarse(HARD).ravel().tolist() == [2 * 3, 1, 1, 2 * 3]
    ),
    "two discs with 6 inside, joined by a line of 1.": lambda: (
        coarse(HARD).ravel().tolist() == [6, 1, 1, 6]
    ),
    "AS = \\begin{pmatrix} 1.5&0.5\\\\ 1.5&0.5\\\\ 2&1\\\\ 0.5&2.5\\\\ 0&2\\\\ 0&2 "
    "\\end{pmatrix}": lambda: (
        (A @ HALF).tolist()
        == [[1.5, 0.5], [1.5, 0.5], [2, 1], [0.5, 2.5], [0, 2], [0, 2]]
    ),
    "A'_{00} &= 1.5 + 1.5 + \\tfrac12 \\cdot 2 = 4\\\\ A'_{01} &= 0.5 + 0.5 + "
    "\\tfrac12 \\cdot 1 = 1.5": lambda: (
        (HALF[:, :1] * (A @ HALF))[:3].T.tolist()
        == [[1.5, 1.5, 0.5 * 2], [0.5, 0.5, 0.5 * 1]]
        and coarse(HALF)[0].tolist() == [4, 1.5]
    ),
    "Before, $A'$ was 6, 1, 1, 6; now $A'_{00} = 4$ and $A'_{01} = 1.5$.": lambda: (
        coarse(HARD).ravel().tolist() == [6, 1, 1, 6]
        and coarse(HALF)[0].tolist() == [4, 1.5]
    ),
    "7. Edge mass is conserved: $14 - 4 - 1.5 - 1.5 = 7$. Half of the edge 2–3 now "
    "lies inside cluster 1, and an edge inside counts from both ends.": lambda: (
        coarse(HALF)[1, 1] == A.sum() - 4 - 1.5 - 1.5 == 7 == 6 + 2 * HALF[2, 1]
    ),
    "6: Nobody has left cluster 1, but half a node has come, with its edge to node "
    "3.": lambda: (
        (HALF[3:] == HARD[3:]).all() and HALF[2, 1] == 0.5 and coarse(HALF)[1, 1] > 6
    ),
    "6.5: Half the edge 2–3, yes; but inside a cluster it counts from both of its "
    "ends.": lambda: (
        coarse(HARD)[1, 1] + 0.5
        == 6.5
        < coarse(HARD)[1, 1] + 2 * 0.5
        == coarse(HALF)[1, 1]
    ),
    "8: Only half of node 2 has moved. With all of it the edge 2–3 would add 2.": (
        lambda: coarse(shared(0))[1, 1] == 8 == coarse(HARD)[1, 1] + 2
    ),
    "The coarse graph has 4 and 7 inside its discs and a line of weight 1.5.": lambda: (
        coarse(HALF).tolist() == [[4, 1.5], [1.5, 7]]
    ),
    "sizes are now 2.5 and 3.5. The link between the clusters grew from 1 to 1.5, "
    "because the triangle 0, 1, 2 is partly cut.": lambda: (
        HALF.sum(0).tolist() == [2.5, 3.5]
        and coarse(HARD)[0, 1] == 1
        and coarse(HALF)[0, 1] == 1.5
        and coarse(HALF, one_edge(0, 2) + one_edge(1, 2))[0, 1] == 1
        and coarse(HALF, one_edge(2, 3))[0, 1] == 0.5
    ),
    "a column for each of the fourteen edges, a row for each of the four "
    "cells": lambda: dealt().shape == (4, 14),
    "Each edge's 1 in one cell, or in two halves if node 2 is an end of it. The rows "
    "add up to 4, 1.5, 1.5 and 7.": lambda: (
        {tuple(column[column > 0]) for column in dealt().T} == {(1,), (0.5, 0.5)}
        and ((dealt() == 0.5).any(0) == (dealt().max(0) < 1)).all()
        and (dealt() == 0.5).any(0).sum() == 2 * len(SIX[2])
        and dealt().sum(1).tolist() == [4, 1.5, 1.5, 7]
    ),
    "Down a column: edge 0→1 stays inside cluster 0; edge 0→2 is half inside, half on "
    "its way to cluster 1. Every column adds up to 1, the weight of its "
    "edge.": lambda: (
        given(C03, "pairs")[:2] == [(0, 1), (0, 2)]
        and dealt().T[:2].tolist() == [[1, 0, 0, 0], [0.5, 0.5, 0, 0]]
        and (dealt().sum(0) == 1).all()
    ),
    "Along a row: add up the first, $1 + 0.5 + 0.5 + 1 + 0.5 + 0.5$, and there is "
    "$A'_{00} = 4$ again.": lambda: (
        dealt()[0][dealt()[0] > 0].tolist() == [1, 0.5, 0.5, 1, 0.5, 0.5]
        and dealt()[0].sum() == 4
    ),
    "`dpcore` takes an even cheaper way: first $AS$, then $S^\\top$ times "
    "it.": lambda: (
        14 * 2 + 6 * 2**2 < 14 * 2**2  # multiplications: E k + n k², and E k²
    ),
    "An undirected edge counts twice, once from each end.": lambda: (
        coarse(HARD, one_edge(3, 4)).tolist() == [[0, 0], [0, 2]]
    ),
    "Eleven fourteenths of all edges, on the diagonal.": lambda: (
        (coarse(HALF).trace(), coarse(HALF).sum()) == (11, 14)
        and numbers(C03, "inside:") == [11, 14]
    ),
    "The two small graphs differ in their diagonal and nowhere else.": lambda: (
        (coarse(HARD) - coarse(HARD, paths())).tolist() == [[2, 0], [0, 2]]
    ),
    "2. The formula says $A + I$. `DenseGCNConv` sets the diagonal to 1, and what "
    "stood there is gone.": lambda: all(
        np.allclose(*set_to_one(coarse(HARD, a))) for a in (A, paths())
    ),
    "3: Adding 1 to both keeps 4 and 6 apart, as 5 and 7.": lambda: (
        [(coarse(HARD, a) + np.eye(2))[0, 0] for a in (paths(), A)] == [5, 7]
    ),
    "`DenseGCNConv` sees no difference: it sets the diagonal to 1, where the formula "
    "$\\tilde A = A + I$ adds 1.": lambda: (
        same(*(set_to_one(coarse(HARD, a))[0] for a in (A, paths())))
        and not same(normalised(coarse(HARD)), normalised(coarse(HARD, paths())))
    ),
    "On a graph without self-loops these are the same thing.": lambda: (
        not A.trace() and np.allclose(*set_to_one(A))
    ),
    "$6 + 1 + 1 + 6 = 14$ and $4 + 1.5 + 1.5 + 7 = 14$, and the graph has 14 entries "
    "equal to 1": lambda: (
        coarse(HARD).sum() == coarse(HALF).sum() == (A == 1).sum() == 14
    ),
    "Edge mass is conserved, for every $S$, however soft or silly. The same line gives "
    "two more: $\\mathbf 1^\\top X' = \\mathbf 1^\\top Z$": lambda: all(
        np.isclose(coarse(s, a).sum(), a.sum())
        and np.allclose((s.T @ z).sum(0), z.sum(0))
        and np.allclose(coarse(s, a).sum(1), s.T @ a.sum(1))
        for a, z, s in map(random_one, range(5))
    ),
    "the mass of a large graph lands on few clusters, so entries of $A'$ can be "
    "large": lambda: (
        numbers(C03, "edge mass")[0] == numbers(C03, "edge mass")[1]
        and coarse(random_one()[2], random_one()[0]).min() > 10 > random_one()[0].max()
    ),
    "2. $(PS)^\\top (PAP^\\top)(PS) = S^\\top A S$: the two permutations meet in the "
    "middle and cancel.": lambda: moved(13)[3] and moved(14)[3],
    "The rows of $S$ have moved with the nodes, and the small graph has not "
    "noticed.": lambda: [moved(13), moved(14)] == [[False, True, True, True]] * 2,
    "rows that stayed in place would leave us with $S^\\top P A P^\\top S$, which is "
    "another matrix": lambda: (
        not same(coarse(HALF, renumbered(13) @ A @ renumbered(13).T), coarse(HALF))
    ),
    "The mirror image of our graph swaps 0 with 5, 1 with 4, 2 with 3. If all features "
    "are equal, no GNN can tell a node from its mirror image": lambda: (
        same(A, A[::-1, ::-1])
        and all(
            same(z, z[::-1])
            for z in (gcn(A, np.ones((6, 1)), seed=i) for i in range(20))
        )
        and same(rows_of_s()[1].round(6), rows_of_s()[1][::-1].round(6))
    ),
    "Nodes 0 and 1 have different random features. Each is joined to the other and to "
    "node 2, and to nobody else.": lambda: (
        [sorted(SIX[node]) for node in (0, 1)] == [[1, 2], [0, 2]]
    ),
    "2. With self-loops both add up the same three nodes, 0, 1 and 2, with the same "
    "weights. From the first layer on they are twins.": lambda: (
        same(*normalised(A)[:2])
        and normalised(A)[0].nonzero()[0].tolist() == [0, 1, 2]
        and all(
            same(*gcn(A, np.random.default_rng(i).normal(size=(6, 3)), (8,), i)[:2])
            for i in range(20)
        )
    ),
    "Nodes 0 and 1 have different features and still share a row, because a GCN layer "
    "with self-loops adds up the same three nodes, 0, 1 and 2, for both.": lambda: (
        sorted([0, *SIX[0]]) == sorted([1, *SIX[1]]) == [0, 1, 2]
        and np.ptp(rows_of_s()[0][:2], 0).max() < 1e-6
        and np.ptp(rows_of_s()[0], 0).max() > 1e-3
    ),
    "Such twins can never be pulled apart. Where that is wanted, fine; where not, take "
    "a layer that looks at the node itself apart from its neighbours "
    '(`conv="sage"`).': (
        lambda: (
            np.ptp(rows_of_s()[0][:2], 0).max() < 1e-6
            and np.ptp(rows_of_s("sage")[0][:2], 0).max() > 1e-3
        )
    ),
    "raises the first score of node 2 and lowers its second: go to cluster 0, where "
    "two of your three neighbours are. The others are told to stay where they "
    "lean.": lambda: (
        slope()[2, 0] < 0 < slope()[2, 1]
        and [int(HARD[j, 0]) for j in sorted(SIX[2])] == [1, 1, 0]
        and (np.sign(-slope()) * (LEAN * 2 - 2) >= 0)[[0, 1, 3, 4, 5]].all()
        and slope().round(2).ravel().tolist()
        == [float(n) for n in re.findall(r"-?0\.\d\d00", printed(C03))[:12]]
    ),
    "With the share $p = 1/(1+e^{-t})$ of node 2 in cluster 0 it is $2(1-p) + p = 2 - "
    "p$: two edges to the left triangle, one to the right.": lambda: all(
        same(staircase(t), 2 - 1 / (1 + math.exp(-t))) for t in (-3, 0, 0.7, 5)
    ),
    "Left: with softmax the loss falls smoothly from 2 to 1, with argmax in one step "
    "at 0. Right: the slope, −0.25 at 0 with softmax": lambda: (
        [round(staircase(t), 2) for t in (-8, 8)] == [2, 1]
        and [staircase(t, hard=True) for t in (-8, -0.01, 0.01, 8)] == [2, 2, 1, 1]
        and abs(steepness()[1].min() + 0.25) < 1e-4
    ),
    "A staircase has slope 0 wherever it has a slope.": lambda: (
        (steepness(hard=True)[1] == 0).sum() == 321 - 1
    ),
    "The soft curve has a slope everywhere; it is steepest, −¼, where the node is "
    "undecided, and fades as the node makes up its mind.": lambda: (
        (steepness()[1] < 0).all()
        and abs(steepness()[0][steepness()[1].argmin()]) < 1e-9
        and (np.diff(steepness()[1][steepness()[0] >= 0]) > 0).all()
    ),
    "this loss alone has a lazy answer, all nodes in one cluster": lambda: (
        coarse(np.eye(2)[[0] * 6])[0, 1] == 0 == A.min()
    ),
    "(Attention divides the scores by $\\sqrt 8$, the square root of the width; so do "
    "we.)": lambda: same(sides()[3].T @ Z, attention(sides()[1].T, sides()[0], Z)),
    "Both turn six rows into two": lambda: (
        [(s.T @ Z).shape for s in sides()[2:]] == [(2, 2)] * 2
    ),
    "In attention each cluster has one unit of interest and spreads it over the nodes. "
    "In DiffPool each node has one unit of itself": lambda: (
        same(sides()[3].sum(0), 1) and same(sides()[2].sum(1), 1)
    ),
    "The same scores, normalised over clusters: every row adds up to 1; and over "
    "nodes: every column does.": lambda: (
        same(sides()[2].sum(1), 1) and same(sides()[3].sum(0), 1)
    ),
    "| $X'_c$ is | a sum, the cluster's size shows | a mean, the size is gone "
    "|": lambda: (
        same(sides()[2].T @ np.ones(6), sides()[2].sum(0))
        and np.ptp(sides()[2].sum(0)) > 1
        and same(sides()[3].T @ np.ones(6), 1)
    ),
    "2. 1.16 of 14 here.": lambda: (
        round(coarse(sides()[3]).sum(), 2) == 1.16 and A.sum() == 14
    ),
    "Now the columns do, and a node can give almost nothing.": lambda: (
        sides()[3].sum(1).min() < 0.1 < 1 < sides()[3].sum(1).max()
    ),
    "| edge mass | conserved | not conserved |": lambda: (
        same(coarse(sides()[2]).sum(), 14) and coarse(sides()[3]).sum() < 2
    ),
    "a path of four nodes side by side, as one graph with two parts: ten nodes, one "
    "big $A$ with two blocks": lambda: (
        numbers(C03, "SparseGraphs(") == [2, 10, 2 * (7 + 3), 3, 6, 4]
    ),
    "From 6 and 4 nodes came 2 clusters each": lambda: (
        numbers(C03, "contract(S, Z)") == [2, 2, 3]
    ),
    "does it on 17 nodes and lets you watch the assignment learn": lambda: (
        len(GROUP) == 17
    ),
    "Memory: one k × k square for each edge. `dpcore` needs only k numbers for each "
    "node": lambda: largest_of_propagate()[0] < 3 * 30 + 10 < largest_of_propagate()[1],
    "the column of ones is now 1 for every cluster": lambda: same(
        (HALF.T @ Z / HALF.sum(0)[:, None])[:, 1], 1
    ),
}


# --- chapter 04 -----------------------------------------------------------------------

C04 = "04_toy_coarsening"
GROUP, A17 = (tensor.numpy() for tensor in graph_of_04())
SEVENTEEN = nx.from_numpy_array(A17)
KNOWN = np.eye(5)[GROUP]
EVEN = np.full((17, 5), 1 / 5)
AT_ONCE = 0.5, 0.1  # the entropy's weights, from the start
IN_USE, A_NODE, AGREES = range(3)


def in_use(s):
    return entropy(torch.tensor(s).mean(0)[None]).exp().item()


def a_node(s):
    return entropy(torch.tensor(s)).exp().item()


def three_numbers(s):
    return [in_use(s), a_node(s), adjusted_mutual_info_score(GROUP, s.argmax(1))]


def link(s, a=A17):
    return root_mean_square(torch.tensor(a), torch.tensor(s)).item()


def link_of_dpcore(s):
    edges = torch.tensor(A17).nonzero().T
    graph = SparseGraphs.from_edge_index(torch.ones(17, 1).double(), edges)
    return diff_pool(graph.x, graph, torch.tensor(s).log()).link_loss.item()


def entries_untrained():
    """A' as the chapter prints it."""
    after = printed(C04).split("A'  [5, 5]")[1]
    return np.array(re.findall(r"\d+\.\d*", after)[:25], float).reshape(5, 5)


def bridges():
    return [(i, j) for i, j in SEVENTEEN.edges if GROUP[i] != GROUP[j]]


def inside(s, a=A17):
    """The share of the edge mass on the diagonal."""
    return coarse(s, a).trace() / a.sum()


def wrong(s):
    """Entries of A and SSᵀ that differ: all, and those on the diagonal."""
    differs = s @ s.T != A17
    return differs.sum(), differs.trace()


def untrained(make):
    """How far clusters of a network, or by lot, agree with the groups; twenty means."""
    return np.mean([three_numbers(make(seed))[AGREES] for seed in range(20)])


def by_network(seed):
    return gcn(A17, np.eye(17), (8, 8, 5), seed)


def by_lot(seed):
    return np.random.default_rng(seed).random((17, 5))


@cache
def film():
    """The run of the chapter's film, again."""
    torch.manual_seed(0)
    start = 0.1 * torch.randn(1, 17, 5, dtype=torch.double)
    frames = descended(torch.tensor(A17), start, 0.5, wait=150, steps=300)
    return [frame[0].numpy() for frame in frames]


def across():
    """Of the nodes with a bridge, in how many the largest thin slice has the colour of
    a group across, at step 150."""
    s = film()[150]
    colour = (KNOWN.T @ s).argmax(1)  # of each group
    ends = sorted({i for pair in bridges() for i in pair})
    return np.mean(
        [
            s[i].argsort()[-2]
            in {colour[GROUP[j]] for j in SEVENTEEN[i] if GROUP[j] != GROUP[i]}
            for i in ends
        ]
    )


@cache
def other_way(link, loops, starts=20):
    """First and last assignments without the link loss, or with it alone on A + I."""
    torch.manual_seed(7)
    a = torch.tensor(A17 + loops * np.eye(17))
    start = 0.1 * torch.randn(starts, 17, 5, dtype=torch.double)
    ends = descended(a, start, 1 - link, link=link)
    return [ends[i].numpy() for i in (0, -1)]


def recipe(name):
    """What the table of recipes has: found, agrees, in use, a node."""
    return numbers(C04, f"{name:18}")


def groups_found(weight):
    """In how many of 50 own starts the clusters are the groups; clusters a node."""
    own = [three_numbers(s) for s in trained(weight).numpy()]
    return np.mean([n[AGREES] > 0.999 for n in own]), np.mean([n[A_NODE] for n in own])


def together():
    """Both losses of two copies in one batch, and the mean of each copy's own."""
    alone, two = torch.tensor(A17), torch.block_diag(*[torch.tensor(A17)] * 2)
    s = torch.tensor(np.vstack([by_lot(0), by_lot(1)])).softmax(1)
    losses = []
    for a, own in ((two, s), (alone, s[:17]), (alone, s[17:])):
        batch = torch.arange(len(a) // 17).repeat_interleave(17)
        ones = torch.ones(len(a), 1).double()
        graph = SparseGraphs.from_edge_index(ones, a.nonzero().T, batch)
        out = diff_pool(ones, graph, own.log())
        losses.append([out.link_loss.item(), out.entropy_loss.item()])
    return losses[0], np.mean(losses[1:], 0)


def passed(p):
    """The most that a step of a score can move the shares p of a row."""
    return abs(np.diag(p) - np.outer(p, p)).max()


HAIR = np.array([1e-6, 0, 0, 0, 0])


def after_a_step(scores):
    """Shares after the scores have gone down their entropy."""
    p = softmax(scores)
    return softmax(scores + p * (np.log(p) - p @ np.log(p)))


UPPER = coarse(KNOWN, A17)


@cache
def splits_above():
    """Link loss one level up of every sharp split in two."""
    sharp = (tuple(map(int, f"{i:05b}")) for i in range(2**5))
    return {split: link(np.eye(2)[list(split)], UPPER) for split in sharp}


def halves():
    return splits_above()[0, 0, 1, 1, 1]


def beyond():
    """What no S can remove: entries of A' above 1."""
    return np.sqrt((np.maximum(UPPER - 1, 0) ** 2).mean())


def halves_found():
    torch.manual_seed(0)
    start = 0.1 * torch.randn(100, 5, 2, dtype=torch.double)
    end = descended(torch.tensor(UPPER), start, 0.5, wait=150, steps=300)[-1].argmax(2)
    return sum(len({*s[:2]}) == len({*s[2:]}) == 1 and s[0] != s[2]
               for s in end.tolist())  # fmt: skip


def wrong_in_ring(cluster):
    s = np.eye(6)[list(cluster)]
    return (s @ s.T != wired(nx.cycle_graph(6))).sum()


def kinds_of_wrong(cluster):
    """Bridges, missing edges inside and the diagonal: their entries, and all wrong."""
    pairs = [(i, j) for i in range(17) for j in range(17) if i != j]
    together = [cluster[i] == cluster[j] for i, j in pairs]
    joined = [A17[i, j] == 1 for i, j in pairs]
    apart = sum(j and not t for t, j in zip(together, joined, strict=True))
    missing = sum(t and not j for t, j in zip(together, joined, strict=True))
    s = np.eye(5)[cluster]
    return apart + missing + 17, (s @ s.T != A17).sum()


@cache
def collapsed():
    """Clusters in use, seed by seed, of the GCN that goes down its entropy alone."""
    found, before = [], torch.get_default_dtype()
    torch.set_default_dtype(torch.double)  # as in the chapter: the same weights by lot
    try:
        edges = torch.tensor(A17).nonzero().T
        graph = SparseGraphs.from_edge_index(torch.eye(17), edges)
        for seed in range(10):
            torch.manual_seed(seed)
            net = dpcore.GNN(17, 8, 5)
            adam = torch.optim.Adam(net.parameters(), lr=0.03)
            for _ in range(60):
                adam.zero_grad()
                entropy(net(graph, graph.x).softmax(1)).backward()
                adam.step()
            found.append(in_use(net(graph, graph.x).softmax(1).detach().numpy()))
    finally:
        torch.set_default_dtype(before)
    return found


def dead_and_found():
    """Seed by seed, of the GCN."""
    return (numbers(C04, "           dead clusters"),
            numbers(C04, "gcn, seed by seed: found"))  # fmt: skip


CHAPTER_04 = {
    "You take one small graph all the way down: 17 nodes, 5 clusters, 2, 1.": lambda: (
        A17.shape == (17, 17)
        and [numbers(C04, f"{k} nodes: mass")[0] for k in (5, 2, 1)] == [54] * 3
    ),
    "two of four nodes, three of three. Inside a group everyone is linked to everyone. "
    "Six bridges join the groups.": lambda: (
        np.bincount(GROUP).tolist() == [4, 4, 3, 3, 3]
        and same(UPPER.diagonal(), [12, 12, 6, 6, 6])
        and len(bridges()) == 6
        and sorted(given(C04, "bridges")) == sorted(bridges())
    ),
    "The mass is 54, twice 27, because every edge stands in $A$ twice. Each node's "
    "feature is its own number, one-hot: $X$ is the 17×17 identity": lambda: (
        A17.sum() == 54 == 2 * SEVENTEEN.number_of_edges()
        and numbers(C04, "A [17, 17]") == [54]
        and SEVENTEEN.number_of_edges() == 27
    ),
    "Five groups of 4, 4, 3, 3 and 3 nodes in a circle, one colour each; six edges "
    "join the groups.": lambda: (
        np.bincount(GROUP).tolist() == [4, 4, 3, 3, 3] and len(bridges()) == 6
    ),
    "Groups 0 and 1 share two bridges; groups 2, 3 and 4 form a triangle; a single "
    "bridge joins these two halves.": lambda: (
        UPPER[0, 1] == 2
        and same(UPPER[2:, 2:], np.ones((3, 3)) + 5 * np.eye(3))
        and UPPER[:2, 2:].sum() == 1
    ),
    "2.16 ± 0.2. 54 in $5 \\times 5 = 25$ entries, and none is special.": lambda: (
        54 / 25 == 2.16
        and abs(entries_untrained() - 2.16).max() < 0.2
        and round(entries_untrained().sum()) == 54
    ),
    "10.8: 54 over 5 is a whole row of $A'$. There are 25 entries.": lambda: (
        54 / 5 == 10.8 and abs(entries_untrained().sum(1) - 10.8).max() < 0.6
    ),
    "$Z$ [17, 8], $S$ [17, 5], $A'$ [5, 5]: the deck's shapes.": lambda: (
        [numbers(C04, name) for name in ("z ", "s  ", "A' ")]
        == [[17, 8], [17, 5], [5, 5]]
    ),
    "But look at the numbers in $A'$. They are all about the same.": lambda: (
        np.ptp(entries_untrained()) < 0.11 * 2.16
    ),
    "Each of the 17 nodes is a pie of five nearly equal slices. In the coarse graph "
    "all five clusters and all ten links look the same.": lambda: (
        numbers(C04, "untrained   in use")[A_NODE] == 5
        and len(np.triu_indices(5, 1)[0]) == 10
    ),
    "If it were exactly uniform, each of the 25 entries of $A'$ would be $54 / 25 = "
    "2.16$.": lambda: same(coarse(EVEN, A17), 2.16) and coarse(EVEN, A17).size == 25,
    "5 if all clusters hold the same number of nodes, 1 if one cluster holds "
    "everything.": lambda: same(
        [in_use(s) for s in (np.eye(5), np.eye(5)[[2] * 17])], [5, 1]
    ),
    "5 if every node is spread over all clusters, 1 if every node has made up its "
    "mind.": lambda: same([three_numbers(s)[A_NODE] for s in (EVEN, KNOWN)], [5, 1]),
    "2. Five. The average row is uniform, and that is all that this number looks "
    "at.": lambda: (
        numbers(C04, "untrained   in use")[IN_USE] == 5
        and same(three_numbers(EVEN)[IN_USE], 5)
    ),
    "Both rows use about five clusters. Only the second number tells them apart: five "
    "clusters a node is mush, one is a decision.": lambda: (
        [round(n, 2) for n in three_numbers(KNOWN)]
        == numbers(C04, "the groups  in use")
        == [4.95, 1, 1]
        and numbers(C04, "untrained   in use")[:2] == [5, 5]
    ),
    "1 if the clusters are the groups (whatever they are called), about 0 if they "
    "agree no more than chance would have it": lambda: (
        three_numbers(KNOWN[:, [3, 1, 4, 0, 2]])[AGREES] == pytest.approx(1)
        and abs(untrained(by_lot)) < 0.1
    ),
    "That it is 0.43 before any training is no accident": lambda: (
        numbers(C04, "untrained   in use")[AGREES] == 0.43
        and untrained(by_network) > 0.15 > 0.05 > untrained(by_lot)
    ),
    "so the mass stays 54 at every level: $25 \\times 2.16 = 4 \\times 13.5 = "
    "54$": lambda: (
        25 * 2.16 == 4 * 13.5 == 54
        and all(same(coarse(np.full((17, k), 1 / k), A17), 54 / k**2) for k in (5, 2))
        and [numbers(C04, f"{k} nodes: mass")[0] for k in (5, 2, 1)] == [54] * 3
    ),
    "It moves onto the diagonal: none of it at first, a fifth, half, all.": lambda: (
        [0, *(inside(np.full((17, k), 1 / k)) for k in (5, 2, 1))]
        == pytest.approx([A17.trace(), 1 / 5, 1 / 2, 1])
        and [numbers(C04, f"{k} nodes: mass")[1] for k in (5, 2, 1)] == [0.2, 0.5, 1]
    ),
    "The last $X$ is one row of 8 numbers.": lambda: (
        numbers(C04, "x of the last level") == [1, 1, 8]
    ),
    "Four drawings: 17 nodes, then 5, 2 and 1. The entries grow as the nodes get "
    "fewer: 2.16, 13.5, "
    "54.": lambda: [54 / k**2 for k in (5, 2, 1)] == [2.16, 13.5, 54],
    "12 on the diagonal: six edges inside a group of four, from both ends. 2 in row 0, "
    "column 1: the two bridges between groups 0 and 1. Zeros: groups that share no "
    "edge.": lambda: (
        SEVENTEEN.subgraph(range(4)).number_of_edges() == 6
        and UPPER[0, 0] == 12
        and UPPER[0, 1] == 2
        and {(g, h) for g, h in zip(*np.where(UPPER == 0), strict=True) if g < h}
        == {(g, h) for g in range(5) for h in range(g + 1, 5)}
        - {tuple(sorted((GROUP[i], GROUP[j]))) for i, j in bridges()}
    ),
    "(`dpcore` divides the norm by $n$: the root mean square of an entry, comparable "
    "between graphs.)": lambda: (
        link_of_dpcore(KNOWN)
        == pytest.approx(np.linalg.norm(A17 - KNOWN @ KNOWN.T) / 17)
        and link(KNOWN) == pytest.approx(link_of_dpcore(KNOWN))
    ),
    "A: five blocks with an empty diagonal, and a few dots, the bridges. SSᵀ "
    "untrained: evenly faint. SSᵀ of the groups: five full blocks.": lambda: (
        A17.trace() == 0
        and (KNOWN @ KNOWN.T).sum() == (np.bincount(GROUP) ** 2).sum()
        and same(EVEN @ EVEN.T, 1 / 5)
    ),
    "Two things differ: the bridges are missing, and the diagonal is full": lambda: (
        wrong(KNOWN) == (2 * len(bridges()) + 17, 17)
        and (KNOWN @ KNOWN.T).trace() == 17
    ),
    "The groups win on both. And note: 17 of their 29 wrong entries are the diagonal. "
    "No sharp $S$ can avoid those": lambda: (
        wrong(KNOWN) == (29, 17)
        and [round(link(s), 3) for s in (EVEN, KNOWN)] == [0.390, 0.317]
        and numbers(C04, "untrained   link") == [0.390, round(math.log(5), 3)]
        and numbers(C04, "the groups  link") == [0.317, 0]
        and {wrong(np.eye(5)[by_lot(i).argmax(1)])[1] for i in range(20)} == {17}
    ),
    "Within about thirty steps every group takes a colour.": lambda: (
        three_numbers(film()[30])[AGREES] > 0.999
        and three_numbers(film()[15])[AGREES] < 0.999
    ),
    "thin slices of other colours stay, and where a node has a bridge they often have "
    "the colour of the group across": lambda: across() > 0.5,
    "From step 150 on the entropy loss cuts them off, and every node "
    "decides.": lambda: (
        all(
            [abs(round(n, 2)) for n in three_numbers(film()[t])]
            == numbers(C04, f"step {t} ")
            for t in (0, 150, 300)
        )
        and three_numbers(film()[150])[A_NODE] > 1.6
        and film()[300].max(1).min() > 0.98
    ),
    "The clusters are the groups, and nobody said which groups there are. (The same 17 "
    "nodes train in": lambda: three_numbers(film()[300])[AGREES] > 0.999,
    "right five clusters with 12, 12, 6, 6 and 6 inside, joined by thin links of 1 and "
    "one of 2.": lambda: (
        sorted(coarse(film()[300], A17).diagonal().round()) == [6, 6, 6, 12, 12]
        and sorted(coarse(film()[300], A17)[np.triu_indices(5, 1)].round())
        == [0] * 5 + [1] * 4 + [2]
    ),
    "A graph's losses do not depend on its neighbours in the batch, so these are a "
    "hundred separate trainings in one run.": lambda: same(*together()),
    "Six recipes. In the last": lambda: (
        len(re.findall(r"(?m)^.{18} +\d+( +\d\.\d\d){3}$", printed(C04))) == 6 + 3
    ),
    "2. Each node goes to whichever cluster chance had put ahead.": lambda: (
        (other_way(0, 0)[0].argmax(2) == other_way(0, 0)[1].argmax(2)).mean() > 0.95
    ),
    "3: Free scores cannot agree on one.": lambda: (
        recipe("entropy only")[2] > 4 and in_use(other_way(0, 0)[1][0]) > 4
    ),
    "4: Only at the exactly uniform point. A hair beside it the richest share "
    "grows.": lambda: (
        same(after_a_step(np.zeros(5)), 1 / 5)
        and after_a_step(HAIR)[0] > 1.1 * softmax(HAIR)[0] - 0.1 / 5
    ),
    "Entropy alone makes every node decide for whichever cluster was ahead by chance. "
    "Read `a node` and you think it works; read `agrees` and it is noise.": lambda: (
        recipe("entropy only")[::3] == [0, 1]
        and recipe("entropy only")[1] < 0.05
        and three_numbers(other_way(0, 0)[1][0])[A_NODE] < 1.05
    ),
    "Both at once is too hasty at weight 0.5": lambda: (
        recipe("both at once, 0.5")[0] == 0 == groups_found(0.5)[0]
    ),
    "a row that has decided passes next to no gradient through its softmax": lambda: (
        max(map(passed, film()[300])) < 0.02 < 0.1 < min(map(passed, film()[0]))
    ),
    "At 0.1 most starts succeed.": lambda: (
        recipe("both at once, 0.1")[0] == 87 and groups_found(0.1)[0] > 0.5
    ),
    "(The paper's norm is not divided by $n$; with equal weights that is as if the "
    "entropy had $1/17 \\approx 0.06$ here.)": lambda: (
        np.linalg.norm(A17 - KNOWN @ KNOWN.T) == pytest.approx(17 * link(KNOWN))
        and round(1 / 17, 2) == 0.06
    ),
    "Link alone finds the groups every time and stays soft, at 1.67 clusters a "
    "node.": lambda: (
        recipe("link only         ") == [100, 1, 4.96, 1.67]
        and groups_found(0)[0] == 1
        and abs(groups_found(0)[1] - 1.67) < 0.02
    ),
    "With self-loops it is 1.24: much of the softness came from the empty diagonal of "
    "$A$.": lambda: (
        recipe("link only, A + I")[3] == 1.24
        and abs(np.mean([three_numbers(s)[A_NODE] for s in other_way(1, 1)[1]]) - 1.24)
        < 0.02
        and 0.24 < 0.67 / 2
    ),
    "Link, then entropy has both: the right groups, and decided.": lambda: (
        recipe("link, then 0.5")[::3] == [100, 1]
    ),
    "2. 0.266 against 0.317. A sharp $SS^\\top$ has a 1 everywhere on the diagonal, "
    "where $A$ has 0. Softness makes that mistake smaller.": lambda: (
        all(abs(link(s) - 0.266) < 0.003 for s in trained(0).numpy())
        and round(link(KNOWN), 3) == 0.317
        and numbers(C04, "link only       link") == [0.266]
        and numbers(C04, "link, then 0.5  link") == [0.317]
    ),
    "1: It has 29 wrong entries, 17 of them on the diagonal, each wrong by a whole "
    "1.": lambda: wrong(KNOWN) == (29, 17) and same(link(KNOWN), math.sqrt(29) / 17),
    "3: Look at the diagonal: $\\lVert S_i \\rVert^2$ is 1 for a sharp row, less for a "
    "soft one.": lambda: (
        same((KNOWN**2).sum(1), 1) and (film()[150] ** 2).sum(1).max() < 1
    ),
    "The soft answer fits $A$ better.": lambda: (
        link(trained(0)[0].numpy()) < link(KNOWN)
    ),
    "Two stacks, ten seeds each; two hundred steps will do, and sixty for the entropy "
    "alone.": lambda: (
        code(C04).count("for seed in range(10)]") == 3
        and "steps=201" in code(C04)
        and "steps=61" in code(C04)
    ),
    "2. 1.1 clusters in use: a collapse.": lambda: (
        round(numbers(C04, "gcn, entropy only ")[2], 1) == 1.1
    ),
    "- `sage` does what the free logits did.": lambda: (
        recipe("sage")[:2] == [10, 1] and recipe("sage")[3] == 1
    ),
    "`gcn` fails on six of ten seeds, precisely those with dead clusters": lambda: (
        dead_and_found()[1].count(0) == 6
        and [dead > 0 for dead in dead_and_found()[0]]
        == [not found for found in dead_and_found()[1]]
    ),
    "everybody in one cluster on nine seeds, in two on the tenth, 1.10 in "
    "use": lambda: (
        sorted(round(n, 2) for n in collapsed()) == [1] * 9 + [2]
        and round(np.mean(collapsed()), 2) == 1.10
    ),
    "there are only $2^5$ sharp assignments, so try them all": lambda: (
        len(splits_above()) == 2**5
    ),
    "The halves are the best. But how narrow: from best to worst it is 2.5 %. The "
    "entries of $A'$ go up to 12, those of $SS^\\top$ never above 1. So 3.572 is out "
    "of reach whatever $S$ does": lambda: (
        halves() == min(splits_above().values())
        and round(100 * max(splits_above().values()) / halves() - 100, 1) == 2.5
        and UPPER.max() == 12
        and round(beyond(), 3) == 3.572 == numbers(C04, "out of reach")[0]
    ),
    "Fourteen. On the first level the link loss was a guide, one level up it hardly "
    "speaks.": lambda: halves_found() == 14 == numbers(C04, "found the halves:")[0],
    "A sharp $SS^\\top$ is full blocks, and our groups are full blocks. A ring of six "
    "atoms is not, and the link loss would rather cut it up": lambda: (
        wrong_in_ring([0] * 6) > wrong_in_ring([0, 0, 1, 1, 2, 2])
    ),
    "Three kinds of entries are wrong: bridges, missing edges inside a cluster, and "
    "the diagonal.": lambda: all(
        len(set(kinds_of_wrong(by_lot(i).argmax(1)))) == 1 for i in range(5)
    ),
    "$S_2^\\top (S_1^\\top A S_1) S_2 = (S_1 S_2)^\\top A\\, (S_1 S_2)$": lambda: same(
        coarse(two := by_lot(1)[:5, :2], coarse(one := by_lot(0), A17)),
        coarse(one @ two, A17),
    ),
    "$6! = 720$ renamings are few": lambda: math.factorial(6) == 720,
}


# --- chapter 11 -----------------------------------------------------------------------

C11 = "11_your_own_graphs"
ROWS_OF_11 = ("mlp", "gcn-mean", "diffpool-random", "diffpool")


@cache
def world(count=200, **how):
    """The chapter's clubs: (club, person) → language, friendships, club → split."""
    people, friends, labels = of_cells(C11)["clubs_as_tables"](count, **how)
    return {(g, p): kind for g, p, kind in people}, friends, dict(labels)


def alike(only=None, **how):
    """Of the friendships in mixed and in split clubs: those within a language."""
    language, friends, split = world(**how)
    kinds = ([], [])
    for g, a, b in friends:
        if only in (None, g):
            kinds[split[g]].append(language[g, a] == language[g, b])
    return kinds


def of_members(what):
    """In mixed and in split clubs: the share of one language, or friends a member."""
    language, _, split = world()
    own = [[kind for (g, _), kind in language.items() if split[g] == s] for s in (0, 1)]
    if what == "language":
        return [kinds.count("en") / len(kinds) for kinds in own]
    return [2 * len(f) / len(kinds) for f, kinds in zip(alike(), own, strict=True)]


def of_degree_2():
    """How many members of degree 2 the teams without and with hubs have."""
    found = ([], [])
    for i in range(150):
        n = 12 + i % 9
        team = (nx.barabasi_albert_graph(n, 2, seed=i) if i % 2
                else nx.watts_strogatz_graph(n, 4, 0.3, seed=i))  # fmt: skip
        found[i % 2].append(sum(d == 2 for _, d in team.degree))
    return found


@cache
def molecules():
    return dpcore.load_dataset("MUTAG", edge_labels=True)


def atoms():
    """Of the smallest, the middle and the largest molecule."""
    sizes = sorted(graph.num_nodes for graph in molecules())
    return [sizes[0], sizes[len(sizes) // 2], sizes[-1]]


def accuracies(row):
    """Mean and spread that the chapter prints of five folds."""
    return numbers(C11, f"{row:16}")


def offer(**how):
    """k, in use, undecided in percent."""
    return numbers(C11, f"{how!s:35}")


def rare(count, seed):
    """Labels of the harder world."""
    return np.array([*world(count, share=0.1, inside=0.62, seed=seed)[2].values()])


def evenly(labels):
    return of_cells(C11)["evenly"](torch.tensor(labels))


def always_0(labels):
    """Accuracy and balanced accuracy, in percent."""
    answer = np.zeros_like(labels)
    both = (labels == answer).mean(), balanced_accuracy_score(labels, answer)
    return [100 * n for n in both]


def confusion():
    """Right and of how many, mixed and split: as its drawing says."""
    said = re.search(r"training, (\d+) of (\d+) mixed .* (\d+) of (\d+) split",
                     described(C11))  # fmt: skip
    return [int(n) for n in said.groups()]


def seeds(what):
    return [float(n) for n in re.findall(rf"(?m)^accuracy .*{what} +(\d\.\d+)",
                                         printed(C11))]  # fmt: skip


def one_row(seed, k=4):
    """In use and a node, of an assignment with equal rows and of one without."""
    s = softmax(np.random.default_rng(seed).normal(size=(9, k)), 1)
    return [(in_use(x), a_node(x)) for x in (s[:1].repeat(9, 0), s)]


def mean_of_kinds(seed):
    rng = np.random.default_rng(seed)
    kinds, weight = np.eye(4)[rng.integers(4, size=7)], rng.random(7)
    return (weight @ kinds / weight.sum()).sum()


def lifted(seed=0):
    _, x, s = random_one(seed, n=6, k=2)
    pooled = torch.tensor(s.T @ x)
    return dpcore.lift(pooled[None], torch.tensor(s)).numpy(), s @ pooled.numpy()


def any_size():
    """Clusters of a molecule that is larger than max_nodes."""
    model = dpcore.build_model("diffpool", num_features=7, num_classes=2, max_nodes=10,
                               levels=1, ratio=0.5)  # fmt: skip
    large = max(molecules(), key=lambda graph: graph.num_nodes)
    out = model.eval()(SparseGraphs.from_data_list([large]))
    return list(out.assignments[0].shape), list(out.logits.shape)


CHAPTER_11 = {
    "trained, evaluated, saved and loaded again, in twenty lines": lambda: (
        sum(rows(C11, "from_tables", "learn")) == 20
    ),
    "Eleven lines and nine: twenty.": lambda: (
        rows(C11, "from_tables", "learn") == [11, 9]
    ),
    "each member speaks one of two languages. In half of the clubs, friendships do not "
    "care about language. The other half is split: most friends share one.": lambda: (
        len(set(world()[0].values())) == 2
        and [list(world()[2].values()).count(s) for s in (0, 1)] == [100, 100]
        and abs(np.mean(alike()[0]) - 0.5) < 0.05
        and np.mean(alike()[1]) > 0.75
        and all(np.mean(alike(f"club{g}")[1]) > 0.5 for g in range(100))
    ),
    "Every class gets the same mix of languages, and nearly as many friends.": lambda: (
        np.ptp(of_members("language")) < 0.01 and np.ptp(of_members("friends")) < 0.15
    ),
    "Three files lie in the folder.": lambda: len(given(C11, "heads")) == 3,
    "names instead of numbers, every friendship once": lambda: (
        len({(g, *sorted((a, b))) for g, a, b in world()[1]}) == len(world()[1])
    ),
    "half of the clubs are split, so guessing gives 50 %": lambda: (
        np.mean([*world()[2].values()]) == 0.5
    ),
    "In `dpcore` an edge that stands twice counts twice": lambda: (
        SparseGraphs.from_edge_index(
            torch.ones(2, 1), torch.tensor([[0, 1, 0], [1, 0, 1]])
        )
        .to_dense()
        .tolist()
        == [[0, 2], [1, 0]]
    ),
    "Ten people, two languages, and friends only within each:": lambda: (
        f"x=[10, 2], edge_index=[2, {2 * 2 * math.comb(5, 2)}]" in printed(C11)
    ),
    "One split of 200 graphs leaves 40 for the test, where one graph is 2.5 "
    "points.": lambda: (
        len(world()[2]) == 200
        and len(splits(torch.tensor([*world()[2].values()]), folds=5)[0]["test"]) == 40
        and 100 / 40 == 2.5
    ),
    "- `mlp` guesses, as it must": lambda: (
        abs(accuracies("mlp")[0] - 50) < accuracies("mlp")[1]
    ),
    "The other three see the edges and are all far above it.": lambda: (
        min(accuracies(row)[0] for row in ROWS_OF_11[1:])
        > accuracies("mlp")[0] + 5 * accuracies("mlp")[1]
    ),
    "here the answer is no: a flat mean does it": lambda: (
        accuracies("diffpool")[0] - accuracies("gcn-mean")[0]
        < accuracies("gcn-mean")[1] / 2
    ),
    "2. PyG keeps it as `data.weight`.": lambda: (
        "weight=[2]" in printed(C11) and numbers(C11, "tensor([") == [1, 1]
    ),
    "the weight was 3, and the batch has ones": lambda: (
        "weight=3.0" in code(C11)
        and printed(C11).index("tensor([1., 1.])")
        < printed(C11).index("tensor([3., 3.])")
    ),
    "no team without hubs has more than two, no team with hubs fewer than "
    "four": lambda: (max(of_degree_2()[0]), min(of_degree_2()[1])) == (2, 4),
    "Nine lines of `learn`, unchanged.": lambda: rows(C11, "learn") == [9],
    "We take MUTAG's 188 molecules apart": lambda: MUTAG["graphs"] == 188,
    "Two thirds of the molecules are of class 1, so two thirds is the mark to beat. "
    "With 38 test graphs a point or two mean nothing": lambda: (
        round(3 * MUTAG["label_counts"][1] / 188, 1) == 2
        and len(splits(molecules().labels, folds=5)[0]["test"]) == 38
        and error(2 / 3, 38) > 3 * 2
    ),
    "Three sources, three models.": lambda: (
        len(re.findall(r"(?m)^\w+\.safetensors .* note:", printed(C11))) == 3
    ),
    "But the data set finds three classes, one of them empty, because it counts up to "
    "the highest label.": lambda: (
        "20 graphs, 3 classes, 1 features) [0, 10, 10]" in printed(C11)
        and np.bincount([1 + i % 2 for i in range(20)]).tolist() == [0, 10, 10]
    ),
    "$k = \\lceil \\text{ratio} \\cdot \\mathtt{max\\_nodes} \\rceil$ clusters, each "
    "further level the same share of that": lambda: all(
        dpcore.models.num_clusters(most, ratio, 2)
        == [k := math.ceil(ratio * most), math.ceil(ratio * k)]
        for most in (28, 126, 150)
        for ratio in (0.1, 0.25, 0.5)
    ),
    "Graphs above `max_nodes` work too, none is dropped.": lambda: (
        any_size() == ([28, 5], [1, 2])
    ),
    "Molecules of 10, 18 and 28 atoms, ratio 0.25": lambda: atoms() == [10, 18, 28],
    "3. $\\lceil 0.25 \\cdot 10 \\rceil = 3$. Without `per_graph` all of them get 7, a "
    "quarter of the largest.": lambda: (
        math.ceil(0.25 * atoms()[0]) == 3
        and dpcore.models.num_clusters(28, 0.25, 1) == [7]
        and 28 / 4 == 7
        and numbers(C11, "ratio 0.25:")[2:] == [math.ceil(n / 4) for n in atoms()]
    ),
    "2: 2.5 is rounded up: a graph of one node must not get none.": lambda: (
        0.25 * atoms()[0] == 2.5 and math.ceil(0.25 * 1) == 1
    ),
    "At ratio 0.25 the smallest molecule has 10 atoms for 7 clusters": lambda: (
        atoms()[0] == 10 and dpcore.models.num_clusters(28, 0.25, 1) == [7]
    ),
    "At 0.1 a second level has one cluster": lambda: (
        dpcore.models.num_clusters(28, 0.1, 2)[1] == 1
    ),
    "(With `per_graph=True` a small graph cannot reach $\\log k$, so that share is too "
    "low.)": lambda: math.log(math.ceil(0.25 * atoms()[0])) < math.log(7),
    "how many are in use on average ([chapter 06](06_proteins_training.ipynb) "
    "introduced them). Four offers:": lambda: (
        len(re.findall(r"(?m)^{'ratio'.* in use ", printed(C11))) == 4
    ),
    "the offer was too large. Twenty-one clusters cost time and are not taken up.": (
        lambda: (
            offer(ratio=0.75)[0] == 21 == math.ceil(0.75 * 28)
            and offer(ratio=0.75)[1] < 21 / 5
            and offer(ratio=0.75)[2] < 5
        )
    ),
    "only one club in ten is split, and less clearly so. We make the world, so we can "
    "afford a test set of a thousand.": lambda: (
        [rare(*of).mean() for of in ((300, 0), (100, 1), (1000, 2))] == [0.1] * 3
        and np.mean(alike()[1]) - 0.1
        > np.mean(alike(count=1000, share=0.1, inside=0.62, seed=2)[1])
        > 0.55
    ),
    "Ninety percent! Shall we celebrate?": lambda: (
        "accuracy 90.0%" in printed(C11).splitlines()
    ),
    'Nine graphs of ten are of class 0. A "model" that always says 0 has an accuracy '
    "of 90 %.": lambda: (
        (rare(1000, 2) == 0).mean() == 0.9 and always_0(rare(1000, 2))[0] == 90
    ),
    "0: Its recall of class 1 is 0, but that of class 0 is 1.": lambda: (
        [recall_score(rare(1000, 2), [0] * 1000, pos_label=c) for c in (1, 0)] == [0, 1]
    ),
    "50. The mean of both recalls: 100 % of class 0, 0 % of class 1.": lambda: (
        always_0(rare(1000, 2))[1] == 50 == (100 + 0) / 2
    ),
    "90: That is the plain accuracy, in which the large class counts nine "
    "times.": lambda: (
        always_0(rare(1000, 2))[0] == 90
        and (rare(1000, 2) == 0).sum() == 9 * (rare(1000, 2) == 1).sum()
    ),
    "10: That is the share of class 1.": lambda: 100 * rare(1000, 2).mean() == 10,
    "the matrix is that of no model at all. Accuracy hides it, since nine of ten are "
    "not split; balanced accuracy is at 50 %, where guessing is": lambda: (
        printed(C11).count("balanced accuracy 50.0%\n[[900   0]\n [100   0]]") == 2
    ),
    "Repeat its graphs until both classes are equally long.": lambda: (
        np.bincount(rare(300, 0)[evenly(rare(300, 0))]).tolist() == [270, 270]
    ),
    'On the plain ones "always 0" has 90 % and may win. On the repeated ones accuracy '
    "is balanced accuracy.": lambda: (
        always_0(rare(100, 1))[0] == 90
        and always_0(rare(100, 1)[evenly(rare(100, 1))]) == [50, 50]
        and all(
            np.isclose(
                balanced_accuracy_score(rare(100, 1), answer),
                (answer == rare(100, 1))[evenly(rare(100, 1))].mean(),
            )
            for answer in np.random.default_rng(0).integers(2, size=(5, 100))
        )
    ),
    "With the rare class repeated in training, 810 of 900 mixed clubs and 53 of 100 "
    "split ones got the right answer.": lambda: (
        confusion()[1::2] == np.bincount(rare(1000, 2)).tolist()
    ),
    "Accuracy fell, and the model got better: it finds split clubs now, at the price "
    "of false alarms.": lambda: (
        (confusion()[0] + confusion()[2]) / 1000 < 0.9
        and (confusion()[0] / 900 + confusion()[2] / 100) / 2 > 0.6
        and confusion()[0] < 900
    ),
    "As many clusters a node as in use altogether: that can only be if all nodes have "
    "the same row.": lambda: (
        len(set(numbers(C11, "in use ")[:2])) == 1
        and all(
            same(*one_row(i)[0]) and np.diff(one_row(i)[1]) < -0.01 for i in range(20)
        )
    ),
    "The model is right about most clubs": lambda: (
        numbers(C11, "GraphDataset('clubs', 200 graphs")[-1] >= 90
    ),
    "Three seeds:": lambda: (
        len(seeds("in use")) == 3 and "for seed in range(3)" in code(C11)
    ),
    "Now there are clusters to read.": lambda: (
        max(seeds("a node")) == 1 and min(seeds("agree")) > 0.8
    ),
    "In the mixed club there are no two groups of friends": lambda: (
        world()[2]["club150"] == 0 and abs(np.mean(alike("club150")[0]) - 0.5) < 0.15
    ),
    "Same meaning of all four results, same normalisation": lambda: (
        re.findall(r"(?m)^(\w+) +\[.*\] True$", printed(C11))
        == ["x", "adj", "link", "entropy"]
    ),
    "MUTAG's bonds have four kinds.": lambda: (
        {len(row) for g in molecules() for row in g.edge_attr.tolist()} == {4}
        and all((g.edge_attr.sum(1) == 1).all() for g in molecules())
        and len({int(c) for g in molecules() for c in g.edge_attr.argmax(1)}) == 4
    ),
    "1. A mean of one-hot rows: each row adds up to 1, and so does every mean of "
    "them.": lambda: all(same(mean_of_kinds(i), 1) for i in range(5)),
    "0.25: That would be one kind's share if all four were equally frequent": lambda: (
        np.eye(4).mean(0).tolist() == [0.25] * 4
    ),
    "`dpcore.lift(x, S)` is $S X'$, so every node gets the mean of its clusters' rows, "
    "weighted by its row of $S$.": lambda: same(*lifted()),
    "One level down and up again is the smallest U-Net. Ten lines:": lambda: (
        rows(C11, "UNet") == [10]
    ),
    "We know the side of four of its 34 members.": lambda: (
        len(given(C11, "known")) == 4 and len(nx.karate_club_graph()) == 34
    ),
    "Thirty of the 34 labels are hidden": lambda: 34 - len(given(C11, "known")) == 30,
    "3. more than 85 %": lambda: "more than 85 % right: True" in printed(C11),
    "A label reaches a member's neighbours through two convolutions": lambda: (
        code(C11).split("class UNet")[1].split("def forward")[0].count("SAGEConv(") == 2
    ),
    "With a hundred graphs the spread over the folds swallows nearly every "
    "difference.": lambda: (
        np.mean([abs(lead) < error(0.75, 10) for lead, *_ in asked().values()]) > 0.9
    ),
    "Above, the clubs did not miss them either.": lambda: (
        accuracies("diffpool")[0] - accuracies("diffpool-random")[0]
        < accuracies("diffpool-random")[1] / 2
    ),
    "can tell one ring of six from two triangles if all nodes have the same "
    "features": lambda: not told_by("1-wl") and all_alike(*NETS[:2]),
    "The shortest-path and graphlet kernels can.": lambda: (
        told_by("shortest-path") and told_by("graphlet")
    ),
    "because on a computer $0.14 \\cdot 50$ is a hair more than 7": lambda: (
        7 < 0.14 * 50 < 7 + 1e-12
        and int(dpcore.pooling.operator.shrunk(torch.tensor([50]), 0.14, 99)) == 7
    ),
    "A constant in each row changes nothing, so `logits - counts.log()` is as "
    "good.": lambda: same(
        softmax(Z[:3] - np.log(np.array([270, 30]) / 300), 1),
        softmax(Z[:3] - np.log([270, 30]), 1),
    ),
}


# --- chapter 13 -----------------------------------------------------------------------

C13 = "13_from_scratch"
PATH = wired(nx.path_graph(3))
DEFINED = ("normalised", "GCN", "pool", "losses", "Level", "DiffPool")


@cache
def real():
    return dpcore.load_dataset("PROTEINS")


def sizes():
    return [graph.num_nodes for graph in real()]


def of_first_three(what):
    """Nodes or directed edges."""
    count = {"nodes": lambda g: g.num_nodes, "edges": lambda g: g.edge_index.shape[1]}
    return [count[what](graph) for graph in list(real())[:3]]


def air(order, size=32):
    """The share of all boxes that belongs to no graph."""
    parts = [order[i : i + size] for i in range(0, len(order), size)]
    boxes = sum(len(part) * max(part) ** 2 for part in parts)
    return 1 - sum(n**2 for n in order) / boxes


def mixed():
    return random.Random(0).sample(sizes(), len(sizes()))


def boxed(to=5, masked=False):
    """X', A' and both losses of the path in a box with empty rows, biases in both."""
    a = np.zeros((to, to))
    a[:3, :3] = PATH
    x = np.zeros((to, 3))
    x[:3] = np.eye(3)
    z, s = gcn(a, x, (8, 4), 1), softmax(gcn(a, x, (8, 2), 2), 1)
    if masked:
        s[3:] = 0
    h = -(s * np.log(s + 1e-15)).sum(1)
    return s.T @ z, coarse(s, a), np.sqrt(((a - s @ s.T) ** 2).sum()) / 3, h.sum() / 3


def unmasked_losses(epochs=6):
    """Epoch by epoch, of the chapter's own model when it forgets the mask."""
    space = of_cells.__wrapped__(C13)  # one that may be changed
    space["pool"] = space["pool_without_mask"]
    small = [g for g in real() if g.num_nodes <= 25][:64]
    boxes = [space["box"](small[:32]), space["box"](small[32:])]
    torch.manual_seed(0)
    model = space["DiffPool"](real().num_features, 2, clusters=(8, 3))
    adam = torch.optim.Adam(model.parameters(), lr=1e-3)
    return [space["train_epoch"](model, adam, boxes)[0] for _ in range(epochs)]


def milliseconds():
    """n → the three times that the chapter prints."""
    found = re.findall(r"(?m)^ *(\d+) +(\d+\.\d+) +(\d+\.\d+) +(\d+\.\d+)$",
                       printed(C13))  # fmt: skip
    return {int(n): [float(t) for t in times] for n, *times in found}


def slower(which):
    """From 500 nodes on: the time of twice the nodes over that of the nodes."""
    took = milliseconds()
    return [took[2 * n][which] / took[n][which] for n in (500, 1000)]


def of_the_test():
    """Accuracy, its error and the larger class, in percent."""
    return numbers(C13, "test ")


def both_norms(seed=0):
    """‖A − SSᵀ‖² with and without a matrix of n by n."""
    a, _, s = random_one(seed)
    a = a + a.T
    short = (a**2).sum() - 2 * coarse(s, a).trace() + ((s.T @ s) ** 2).sum()
    return ((a - s @ s.T) ** 2).sum(), short


CHAPTER_13 = {
    "they must agree to five digits": lambda: (
        len(re.findall(r"agree to 1e-5: True", printed(C13))) == 3
    ),
    "the first three join node 0 to the nodes 11, 22 and 32. An undirected edge stands "
    "twice, once in each direction.": lambda: (
        list(real())[0].edge_index[:, :4].tolist()[0][:4] == [0, 0, 0, 1]
        and list(real())[0].edge_index[1, :3].tolist() == [11, 22, 32]
        and all(
            set(zip(*g.edge_index.tolist(), strict=True))
            == set(zip(*g.edge_index.flip(0).tolist(), strict=True))
            for g in list(real())[:20]
        )
    ),
    "A node is one of three kinds of protein building block, written as a one in one "
    "of three columns.": lambda: (
        {g.x.shape[1] for g in real()} == {3}
        and all((g.x.sort(1).values == torch.tensor([0.0, 0, 1])).all() for g in real())
    ),
    "which grows with the square of the largest graph, nearly everything": lambda: (
        sum(of_first_three("edges")) / (3 * max(of_first_three("nodes")) ** 2) < 0.06
        and numbers(C13, "rows of X that are nodes:")
        == [round(100 * sum(of_first_three("nodes")) / (3 * 42))]
        and numbers(C13, "entries of A that are edges:")
        == [round(100 * sum(of_first_three("edges")) / (3 * 42**2), 1)]
    ),
    "Three lines normalise, one line is the layer.": lambda: (
        rows(C13, "normalised") == [1 + 3]
        and code(C13).split("class GCN")[1].split("class Level")[0].count("A @ (H") == 1
    ),
    "The middle node of this path has degree 3 (two neighbours and itself), the outer "
    "ones 2: $1/3$ in the middle, $1/2$ at the ends, $1/\\sqrt 6 = 0.408$ "
    "between.": lambda: (
        (PATH + np.eye(3)).sum(1).tolist() == [2, 3, 2]
        and same(normalised(PATH).diagonal(), [1 / 2, 1 / 3, 1 / 2])
        and same(normalised(PATH)[0, 1], 1 / math.sqrt(6))
        and round(1 / math.sqrt(6), 3) == 0.408
    ),
    "Now a stack of three layers:": lambda: (
        len(of_cells(C13)["GCN"](3, 8, 8, 4).layers) == 3
    ),
    "1: Zero scores are equal scores, and equal scores make equal shares, not "
    "none.": lambda: softmax(np.zeros(2)).tolist() == [0.5, 0.5],
    "3: NaN would come from a row of $-\\infty$; an empty row has the bias for a "
    "score.": lambda: (
        torch.full((2,), -torch.inf).softmax(0).isnan().all()
        and not np.isnan(boxed()[0]).any()
    ),
    "Three nodes became two clusters, and the four directed edges of the path are all "
    "still there": lambda: (
        PATH.sum() == 4
        and same(boxed(3)[1].sum(), 4)
        and boxed(3)[1].shape == (2, 2)
        and numbers(C13, "edge mass") == [4, 4]
    ),
    "An undecided node with two clusters has entropy $\\log 2$; ours is close to "
    "that": lambda: (
        numbers(C13, "link ")[2] == round(math.log(2), 4)
        and numbers(C13, "link ")[1] > 0.95 * math.log(2)
    ),
    "The slide deck pools twice, to 38 and to 10 clusters": lambda: (
        dpcore.models.num_clusters(150, 0.25, 2) == [38, 10]
        and "clusters=(38, 10)" in code(C13)
    ),
    "takes the mean over its ten nodes, and classifies with two linear layers. So do "
    "we, with half its width.": lambda: (
        "hidden=32" in code(C13)
        and code("06_proteins_training").count("Linear(64, ") == 2
        and sum(
            isinstance(x, torch.nn.Linear) for x in of_cells(C13)["DiffPool"](3, 2).head
        )
        == 2
    ),
    "`normalised`, `GCN`, `pool`, `losses`, `Level` and `DiffPool` are some fifty "
    "lines together": lambda: abs(sum(rows(C13, *DEFINED)) - 50) <= 5,
    "the same graph alone, and in a box with a much larger one": lambda: (
        numbers(C13, "nodes 20 and ") == [max(sizes())]
        and 20 in sizes()
        and max(sizes()) > 20 * 20
    ),
    "3. No error and no warning, and a loss that falls as it should.": lambda: all(
        np.diff(unmasked_losses()) < 0
    ),
    "1: $A'$ indeed does not notice. But $X' = S^\\top Z$ has no edges in "
    "it.": lambda: (
        same(boxed(3)[1], boxed(5)[1]) and not same(boxed(3)[0], boxed(5)[0])
    ),
    "2: The box has the same shape with and without a mask.": lambda: (
        [x.shape for x in boxed()[:2]] == [x.shape for x in boxed(masked=True)[:2]]
    ),
    "But a protein's scores now depend on the size of the largest protein in its "
    "batch.": lambda: (
        not same(boxed(5)[0], boxed(9)[0])
        and numbers(C13, "scores moved by ")[0] > 1e-3
        and all(
            same(a, b)
            for a, b in zip(boxed(5, masked=True), boxed(9, masked=True), strict=True)
        )
    ),
    "And the losses count rows that do not exist.": lambda: (
        boxed(9)[2] > boxed(5)[2] > boxed(3)[2]
        and boxed(9)[3] > boxed(5)[3] > boxed(3)[3]
    ),
    "Three parts: train, validation, test. One split is no result; chapter 06 does "
    "ten": lambda: (
        [int(n) for n in re.search(r"(?m)^(\d+) (\d+) (\d+)$", printed(C13)).groups()]
        == [PROTEINS["graphs"] - 2 * 111, 111, 111]
        and PROTEINS["graphs"] // 10 == 111
    ),
    "Batches of similar sizes waste less air": lambda: (
        air(sorted(sizes())) < air(mixed()) - 0.2
    ),
    "The number after ± is the standard error of a share counted on so few graphs. One "
    "split says no more than that: somewhere in the seventies, and better than "
    "guessing.": lambda: (
        round(error(of_the_test()[0] / 100, 111), 1) == of_the_test()[1]
        and 70 <= of_the_test()[0] - of_the_test()[1] < of_the_test()[0] < 80
        and of_the_test()[0] > of_the_test()[2] + 3 * of_the_test()[1]
    ),
    "Time the pieces on one random graph with six neighbours a node, twice as large "
    "each time.": lambda: (
        [*milliseconds()] == [250 * 2**i for i in range(4)] and "< 6 / n" in code(C13)
    ),
    "4. All $n^2$ of them, zeros too. The edges only double.": lambda: (
        {(2 * n) ** 2 / n**2 for n in milliseconds()} == {4}
        and {6 * 2 * n / (6 * n) for n in milliseconds()} == {2}
    ),
    "8: That is $A$ times $A$; $H$ has 32 columns, whatever $n$ is.": lambda: (
        {(2 * n) ** 3 / n**3 for n in milliseconds()} == {8}
        and "torch.rand(1, n, 32)" in code(C13)
    ),
    "From 500 nodes on, twice the nodes take about four times as long": lambda: all(
        3 < ratio < 5.5 for which in (0, 1) for ratio in slower(which)
    ),
    "all but six in $n$ of those pairs are zeros": lambda: (
        abs((np.random.default_rng(0).random((1000, 1000)) < 6 / 1000).sum() / 1000 - 6)
        < 0.3
    ),
    "The last column holds several $n \\times n$ matrices at once; when they are "
    "large, it leaps by far more than four.": lambda: max(slower(2)) > 2 * 4,
    "$\\lVert A - SS^\\top\\rVert^2 =$ $\\lVert A\\rVert^2 - "
    "2\\operatorname{tr}(S^\\top A S)$ $+ \\lVert S^\\top S\\rVert^2$.": lambda: (
        np.allclose(*both_norms(), rtol=1e-12)
    ),
    "A batch of $b$ graphs, the largest with $n$ nodes, has $b \\cdot n^2$ "
    "entries.": lambda: (
        of_cells(C13)["box"](real()[:3])[1].numel()
        == 3 * max(of_first_three("nodes")) ** 2
    ),
    "Three traps of padded batches.": lambda: (
        len(re.findall(r"### Exercise 13\.\d", text(C13))) == 3
    ),
}


# --------------------------------------------------------------------------------------

SAID = {
    C01: CHAPTER_01,
    C03: CHAPTER_03,
    C04: CHAPTER_04,
    C11: CHAPTER_11,
    C13: CHAPTER_13,
}


@pytest.mark.parametrize(
    ("chapter", "sentence"), [(stem, one) for stem, own in SAID.items() for one in own]
)
def test_it_says(chapter, sentence):
    page = f"{text(chapter)} {described(chapter)}"
    assert sentence in page, "the chapter no longer says so"
    assert SAID[chapter][sentence]()
