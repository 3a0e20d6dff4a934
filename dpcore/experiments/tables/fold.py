"""One fold, measured where the work is done: in a process of this machine, or on a
cluster's worker. Nothing is written here; the outcome goes back to whoever asked."""

from __future__ import annotations

import functools
import subprocess
import threading
import traceback
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from dpcore.data.datasets import DatasetCorrupt, DatasetUnavailable, load_dataset
from dpcore.experiments.tables.plan import OF_THE_DATA, Task
from dpcore.experiments.tables.schema import FoldRecord
from dpcore.experiments.versions import versions_of
from dpcore.training import as_batch, choose, run_fold, single_threaded, splits


class Outcome(NamedTuple):
    """Exactly one of the three is there.

    Attributes:
        record: what was measured.
        failed: why this fold could not be measured.
        unavailable: why no fold of this data set can be measured.
    """

    record: FoldRecord | None = None
    failed: str | None = None
    unavailable: str | None = None


_ONE_AT_A_TIME = threading.Lock()  # torch's random state is one a process, not a thread


def measure(task: Task) -> Outcome:
    """Measure one fold, on one thread; whatever goes wrong comes back as a reason."""
    with _ONE_AT_A_TIME, warnings.catch_warnings():
        # Collapsed levels are in the record; on the progress bar they are noise.
        warnings.filterwarnings("ignore", message="level . uses", category=UserWarning)
        try:
            result = single_threaded(_measure, task)
        except (DatasetCorrupt, DatasetUnavailable) as error:
            return Outcome(unavailable=str(error).splitlines()[0])
        except Exception as error:  # any: the other folds go on, this one is reported
            return Outcome(failed=_reason(error))
    record = FoldRecord(
        **task.key,
        settings=task.settings,
        commit=commit(),
        versions=versions_of("torch", "torch-geometric", "numpy"),
        **result,
    )
    return Outcome(record=record)


def _reason(error: Exception) -> str:
    """What went wrong and where: the last line of our own that was reached."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "dpcore" in frame.filename] or frames
    place = f"{Path(own[-1].filename).name}, line {own[-1].lineno}"
    return f"{type(error).__name__}: {' '.join(str(error).split())} ({place})"


def _measure(task: Task) -> dict:
    settings = dict(task.settings)
    if task.grid is None:
        from dpcore.experiments import kernels

        graphs = _load(task.dataset, as_one_batch=False)
        split = _split(task, graphs.labels)
        return kernels.svm_fold(task.method, graphs, split, penalties=settings["C"])
    epochs, trial_epochs = settings.pop("epochs"), settings.pop("trial_epochs")
    options = {k: settings.pop(k) for k in OF_THE_DATA & settings.keys()}
    graphs = _load(task.dataset, as_one_batch=True, **options)
    row, split = task.method, _split(task, graphs.labels)
    settings["seed"] = task.weights_seed
    found = choose(row, graphs, split, task.grid, epochs=trial_epochs, **settings)
    settings.update(found.chosen)
    return found | run_fold(row, graphs, split, epochs=epochs, **settings)


def _split(task: Task, labels: Tensor) -> dict[str, Tensor]:
    if task.split is not None:
        return {name: torch.tensor(part) for name, part in task.split.items()}
    assert task.seed is not None  # a task has a split or a seed
    return splits(labels, task.folds, task.seed)[task.fold]


@functools.lru_cache(maxsize=1)
def _load(dataset: str, as_one_batch: bool, **options: Any) -> Any:
    """The data, once a process: tasks come data set by data set, so one is enough."""
    graphs = load_dataset(dataset, **options)
    return as_batch(dataset, graphs) if as_one_batch else graphs


@functools.cache
def commit() -> str:
    """The commit of the `dpcore` that runs, with "-dirty" where files were changed;
    outside a clone its version."""
    home = Path(__file__).parents[3]
    if (home / ".git").exists():
        ask = ["git", "-C", str(home), "describe", "--always", "--dirty", "--abbrev=12"]
        ask.append("--exclude=*")  # no tags: they move
        try:
            answer = subprocess.run(ask, capture_output=True, text=True, check=True)
            return answer.stdout.strip()
        except (OSError, subprocess.CalledProcessError):  # no git, or not ours to read
            pass
    return version("dpcore")
