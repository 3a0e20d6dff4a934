"""DiffPool (Ying et al., 2018): exact, sparse at level 0, with the tables around it."""

import platform
import warnings
from importlib.metadata import version

# PyG imports tqdm.auto, which wants ipywidgets; every notebook would begin with it.
warnings.filterwarnings("ignore", message="IProgress not found")

from dpcore import exercises, plots, tables
from dpcore.datasets import (
    DatasetCorrupt,
    DatasetUnavailable,
    GraphDataset,
    load_dataset,
)
from dpcore.graphs import DenseGraphs, SparseGraphs
from dpcore.layers import GNN
from dpcore.models import build_model
from dpcore.pooling import DiffPool, Pooled, diff_pool
from dpcore.saved import load_model, save_model
from dpcore.training import cross_validate, evaluate, fit

__version__ = version("dpcore")

__all__ = [
    "GNN",
    "DatasetCorrupt",
    "DatasetUnavailable",
    "DenseGraphs",
    "DiffPool",
    "GraphDataset",
    "Pooled",
    "SparseGraphs",
    "build_model",
    "cross_validate",
    "diff_pool",
    "evaluate",
    "exercises",
    "fit",
    "load_dataset",
    "load_model",
    "plots",
    "save_model",
    "tables",
    "versions",
]


def versions() -> str:
    """One line: dpcore, Python, torch and torch-geometric, as installed."""
    packages = ("torch", "torch-geometric")
    others = [f"{name} {version(name)}" for name in packages]
    python = f"Python {platform.python_version()}"
    return " · ".join([f"dpcore {__version__}", python, *others])
