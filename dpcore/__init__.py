"""DiffPool (Ying et al., 2018): exact, sparse at level 0, with the tables around it.

The public names stand here and are loaded when they are first asked for, so that
importing this package costs next to nothing. Editors and type checkers read them in
`__init__.pyi`.
"""

from __future__ import annotations

import warnings
from importlib import import_module
from typing import Any

_HOME = {
    "DatasetCorrupt": "data.datasets",
    "DatasetUnavailable": "data.datasets",
    "GraphDataset": "data.datasets",
    "load_dataset": "data.datasets",
    "DenseGraphs": "graphs",
    "SparseGraphs": "graphs",
    "GNN": "layers",
    "build_model": "models",
    "DiffPool": "pooling",
    "Pooled": "pooling",
    "diff_pool": "pooling",
    "lift": "pooling",
    "sparse_diff_pool": "pooling",
    "load_model": "saved",
    "save_model": "saved",
    "cross_validate": "training",
    "evaluate": "training",
    "fit": "training",
}
"""The module of every public name."""

_MODULES = {
    "exercises": "teaching.exercises",
    "plots": "teaching.plots",
    "synthetic": "data.synthetic",
    "tables": "experiments.tables",
} | {name: name for name in ("graphs", "layers", "models", "pooling", "training")}
"""Modules that are asked for as `dpcore.name`, and where they are."""

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
    "lift",
    "load_dataset",
    "load_model",
    "plots",
    "save_model",
    "sparse_diff_pool",
    "tables",
    "versions",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version("dpcore")
    if name not in _HOME and name not in _MODULES:
        raise AttributeError(f"module 'dpcore' has no attribute {name!r}")
    with warnings.catch_warnings():
        # PyG imports tqdm.auto, which wants ipywidgets: a notebook would begin with it.
        warnings.filterwarnings("ignore", message="IProgress not found")
        home = _MODULES.get(name) or _HOME[name]
        try:
            module = import_module(f"dpcore.{home}")
        except ModuleNotFoundError as error:
            raise _without_extra(error, f"dpcore.{name}") from error
    found = module if name in _MODULES else getattr(module, name)
    globals()[name] = found  # the next time Python finds it without asking
    return found


def _without_extra(error: ModuleNotFoundError, what: str) -> ModuleNotFoundError:
    """What to install where a package is missing that only some of dpcore needs."""
    package = (error.name or "dpcore").split(".")[0]
    if package == "dpcore":
        return error
    return ModuleNotFoundError(
        f"{what} needs {package}: pip install 'dpcore[book]'", name=error.name
    )


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def versions() -> str:
    """One line: dpcore, Python, torch and torch-geometric, as installed.

    Every chapter begins with it, so it loads tqdm without its advice to install
    ipywidgets, which would else stand under the chapter's first import of PyG.
    """
    import platform
    from importlib.metadata import version

    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="IProgress not found")
        import_module("tqdm.auto")
    names = ("dpcore", "torch", "torch-geometric")
    own, *others = [f"{name} {version(name)}" for name in names]
    return " · ".join([own, f"Python {platform.python_version()}", *others])
