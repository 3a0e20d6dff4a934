"""One fold, measured where the work is done: in a process of this machine, or on a
cluster's worker. Nothing is written here; the outcome goes back to whoever asked."""

from __future__ import annotations

import functools
import platform
import threading
import traceback
import warnings
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

from dpcore.data.datasets import DatasetCorrupt, DatasetUnavailable, load_dataset
from dpcore.experiments.tables.plan import OF_THE_DATA, Task
from dpcore.training import as_batch, choose, run_fold, single_threaded, splits


class Outcome(NamedTuple):
    """Exactly one of the three is there.

    Attributes:
        record: what was measured.
        failed: why this fold could not be measured.
        unavailable: why no fold of this data set can be measured.
    """

    record: dict | None = None
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
    key = dict(method=task.method, dataset=task.dataset, fold=task.fold)
    key |= dict(folds=task.folds, seed=task.seed, settings=task.settings)
    return Outcome(record=dict(key, **result, versions=_versions()))


def _reason(error: Exception) -> str:
    """What went wrong and where: the last line of our own that was reached."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [frame for frame in frames if "dpcore" in frame.filename] or frames
    place = f"{Path(own[-1].filename).name}, line {own[-1].lineno}"
    return f"{type(error).__name__}: {' '.join(str(error).split())} ({place})"


def _measure(task: Task) -> dict:
    if task.grid is None:
        from dpcore.experiments import kernels

        graphs = _load(task.dataset, as_one_batch=False)
        split = splits(graphs.labels, task.folds, task.seed)[task.fold]
        return kernels.run_fold(task.method, graphs, split, seed=task.seed)
    settings = dict(task.settings)
    epochs, trial_epochs = settings.pop("epochs"), settings.pop("trial_epochs")
    patience = settings.pop("patience", None)
    options = {k: settings.pop(k) for k in OF_THE_DATA & settings.keys()}
    graphs = _load(task.dataset, as_one_batch=True, **options)
    split = splits(graphs.y, task.folds, task.seed)[task.fold]
    own = (task.method, graphs, split)
    found = choose(*own, task.grid, epochs=trial_epochs, seed=task.seed, **settings)
    settings.update(found.chosen)
    return found | run_fold(
        *own, epochs=epochs, seed=task.seed, patience=patience, **settings
    )


@functools.lru_cache(maxsize=1)
def _load(dataset: str, as_one_batch: bool, **options: bool):
    """The data, once a process: tasks come data set by data set, so one is enough."""
    graphs = load_dataset(dataset, **options)
    return as_batch(dataset, graphs) if as_one_batch else graphs


def _versions() -> dict[str, str]:
    packages = {name: version(name) for name in ("torch", "torch-geometric", "numpy")}
    return {"python": platform.python_version(), **packages}
