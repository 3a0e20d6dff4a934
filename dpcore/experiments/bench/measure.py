"""How a row is measured: sizes, medians of sides that take turns, and a result."""

from __future__ import annotations

import math
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, TypedDict

from dpcore.experiments.versions import versions_of

Tick = Callable[[str], None]
"""Called with what is being done right now: the progress bar shows it."""


@dataclass
class Sizes:
    """How much is measured. The defaults are the benchmark; tests take less."""

    repeats: int = 5
    operator_repeats: int = 11
    batch_size: int = 32
    proteins_nodes: int = 150
    dd_nodes: int = 500
    dd_batches: int = 4
    clusters: int = 64
    dense_nodes: int = 10_000
    large_nodes: tuple[int, int] = (100_000, 1_000_000)
    huge_nodes: int = 10_000_000
    folds: int = 10
    epochs: int = 2
    accuracy_nodes: tuple[int, ...] = (300, 1000, 3000)


class NotInstalled(RuntimeError):
    """A row's package is missing."""


@dataclass
class Result:
    """One line of the benchmark.

    Attributes:
        name: the row.
        measure: which of its figures: time, memory, growth, error.
        ours_seconds: median.
        theirs_seconds: median.
        ours_peak_mb: peak memory of a fresh process, in MB (1e6 bytes), above what it
            held after its imports.
        theirs_peak_mb: the same of theirs.
        figure: what is held against the target, as `measure` says: a time or memory
            is theirs ÷ ours, or GB where it has no other side; growth; an error.
        target: the figure to reach.
        at_least: from which side: whether more is better.
        threads: of torch, on both sides.
        sizes: what was measured: graphs, nodes, clusters, …
        note: how to read it, or why nothing was measured.
    """

    name: str
    measure: str = "time"
    ours_seconds: float | None = None
    theirs_seconds: float | None = None
    ours_peak_mb: float | None = None
    theirs_peak_mb: float | None = None
    figure: float | None = None
    target: float | None = None
    at_least: bool = True
    threads: int | None = None
    sizes: dict[str, Any] = field(default_factory=dict)
    note: str = ""

    @property
    def met(self) -> bool | None:
        """Whether the target is reached; None without a figure or a target."""
        if self.figure is None or self.target is None:
            return None
        if self.at_least:
            return self.figure >= self.target
        return self.figure <= self.target

    def as_dict(self) -> dict[str, Any]:
        """All of it and the versions, fit for JSON."""
        figure = self.figure
        if figure is not None and not math.isfinite(figure):
            figure = None  # JSON has no infinity; `met` says that it failed
        made_with = versions_of("dpcore", "torch", "torch-geometric", "numpy")
        made_with |= {"machine": platform.machine()}
        return dict(asdict(self), figure=figure, met=self.met, versions=made_with)


def alternate(
    sides: Mapping[str, Callable[[], float]],
    repeats: int,
    tick: Tick,
    warm: bool = False,
) -> dict[str, float]:
    """The median of what each side returns, its seconds; the sides take turns.

    Args:
        warm: whether all sides have run before; otherwise the first turn is not
            counted.

    >>> ticks = iter([9.0, 3.0, 1.0, 2.0])
    >>> alternate({"a": lambda: next(ticks)}, 3, lambda text: None)
    {'a': 2.0}
    """
    runs: dict[str, list[float]] = {name: [] for name in sides}
    for turn in range(1 if warm else 0, repeats + 1):
        for name, side in sides.items():
            tick(f"{name} {turn}/{repeats}")
            seconds = side()
            if turn:
                runs[name].append(seconds)
    return {name: statistics.median(values) for name, values in runs.items()}


def timed(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


class Times(TypedDict):
    """The figures of a :class:`Result` that two sides have."""

    ours_seconds: float
    theirs_seconds: float
    figure: float


def times(times: Mapping[str, float]) -> Times:
    return Times(
        ours_seconds=times["ours"],
        theirs_seconds=times["theirs"],
        figure=times["theirs"] / times["ours"],
    )
