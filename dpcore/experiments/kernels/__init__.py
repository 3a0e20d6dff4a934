"""Graph kernels with a support vector machine: four rows of the paper's Table 1.

Each kernel here counts parts of a graph, φ(G), and compares the counts of two graphs::

    graphlet        sets of three nodes, with their labels, connected or not
    shortest-path   pairs of nodes: both labels and the distance between them
    1-wl            colours of the Weisfeiler-Lehman refinement, iterations 0 … h
    wl-oa           the same colours, matched one to one

    K(G, G') = φ(G)·φ(G') / √(φ(G)·φ(G)  φ(G')·φ(G'))

So a kernel matrix is one sparse product ΦΦᵀ, exact and the same at every run. It holds
for the optimal assignment too: its kernel Σ_c min(φ_c(G), φ_c(G')) is the product of
rows that write every count c as c ones. GraKeL computes the same matrices; the tests
compare them, and nothing here needs it.

Node labels are the columns of a one-hot `x`. Where `x` is the one-hot degree, which
`load_dataset` gives data sets without labels, all nodes count as alike: the degree is
structure, which the kernels see for themselves. Edges are taken as undirected and
simple: directions, weights, self-loops, duplicates and attributes are not read.
"""

from dpcore.experiments.kernels.counting import (
    ITERATIONS,
    SOURCES,
    assignments,
    graphlets,
    shortest_paths,
    subtrees,
    wl_colours,
)
from dpcore.experiments.kernels.folds import PENALTIES, svm_fold
from dpcore.experiments.kernels.labelled import LabelledGraphs
from dpcore.experiments.kernels.matrices import KERNELS, gram

__all__ = [
    "ITERATIONS",
    "KERNELS",
    "PENALTIES",
    "SOURCES",
    "LabelledGraphs",
    "assignments",
    "gram",
    "graphlets",
    "svm_fold",
    "shortest_paths",
    "subtrees",
    "wl_colours",
]
