"""The paper's tables as data, and our own measurements beside them.

A measurement is a grid: method × data set × fold. Every finished fold is one JSON file
under the results folder, written whole before the next fold starts; a run that was
killed goes on with what is missing. What is asked for here is loaded when it is first
asked for: names and settings are refused without torch.
"""

from __future__ import annotations

from typing import Any

from dpcore.lazy import load

_HOME = {
    "board": (
        *("PROTOCOLS", "SCHEMA", "Comparison"),
        *("leaderboard", "leaderboard_csv", "leaderboard_html"),
    ),
    "errica": ("ERRICA",),
    "cells": ("as_text", "of_folds", "show"),
    "long_tables": ("COLUMNS", "export"),
    "packed": ("carried", "pack"),
    "paper": (
        *("DATASETS", "KERNELS", "PRINTED_GAIN", "TABLE_1", "TABLE_2"),
        *("gain", "reported"),
    ),
    "plan": (
        *("CONTROLS", "GRID", "PLANNED", "ROWS", "SETTINGS"),
        *("BadArgument", "Task", "is_row"),
    ),
    "runner": ("NoCluster", "Report", "Stopped", "fill", "run"),
    "schema": ("DamagedRecord", "Failure", "FoldRecord", "to_dict"),
    "split_files": ("BadSplits", "SplitFile", "read_splits"),
    "store": ("CannotWrite", "OtherSettings", "failures", "find_results", "records"),
}
"""The names of every module."""

_MODULE = {name: module for module, names in _HOME.items() for name in names}

__all__ = sorted(_MODULE)  # noqa: PLE0605


def __getattr__(name: str) -> Any:
    return load(__name__, _MODULE, name)


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
