"""Fill a grid: hand out what is missing, write every fold as it comes back."""

from __future__ import annotations

import logging
from collections.abc import Callable, Generator, Sequence
from contextlib import ExitStack, closing
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple
from uuid import uuid4

from joblib import Parallel, delayed
from joblib.externals.loky.process_executor import TerminatedWorkerError
from tqdm import tqdm

from dpcore.experiments.tables.fold import Outcome, measure
from dpcore.experiments.tables.pace import Pace
from dpcore.experiments.tables.plan import Task, plan
from dpcore.experiments.tables.schema import read
from dpcore.experiments.tables.split_files import SplitFile
from dpcore.experiments.tables.store import (
    check_writable,
    missing,
    save,
    save_failure,
)

SCHEDULER_SECONDS = 8
"""How long a silent scheduler, and one without workers, is waited for."""

Measured = Generator[tuple[Task, Outcome], None, None]


class NoCluster(RuntimeError):
    """The scheduler cannot be used, or was lost."""


class Report(NamedTuple):
    """What a run did.

    Attributes:
        measured: folds finished now.
        there: folds that had been measured before.
        failures: a line for everything that failed.
        aside: records that went aside, since another process put one of other settings
            in their place meanwhile.
    """

    measured: int = 0
    there: int = 0
    failures: tuple[str, ...] = ()
    aside: tuple[Path, ...] = ()


class Stopped(KeyboardInterrupt):
    """A run was interrupted; its text says what was kept."""


def run(
    rows: Sequence[str],
    datasets: Sequence[str],
    folds: int = 10,
    seed: int = 0,
    weights_seed: int = 0,
    splits: SplitFile | None = None,
    jobs: int = 1,
    results: str | Path = "book/results",
    progress: bool = True,
    scheduler: str | None = None,
    replace: bool = False,
    **settings,
) -> Report:
    """Measure what is missing of a grid.

    A fold that fails does not stop the others: its reason stands beside the records,
    and the next run tries it again. A data set that cannot be had is left out. Nothing
    that has been measured is overwritten.

    Args:
        rows: names for :func:`dpcore.build_model`, or of kernels.
        datasets: names for :func:`dpcore.load_dataset`.
        folds, seed: of the splits, which are the same for every row.
        weights_seed: of weights, shuffling and dropout.
        splits: in place of folds and seed, see `read_splits`.
        jobs: folds side by side, each in a single-threaded process of this machine.
        results: folder of the records.
        progress: show a progress bar over the whole grid, with the time left.
        scheduler: address of a Dask scheduler, `tcp://HOST:PORT`, whose workers
            measure the folds in place of this machine. Each loads the data itself, as
            its own `DPCORE_DATA` and `DPCORE_MIRROR` say.
        replace: records of other settings are moved to the folder `replaced` in
            `results`, each when the new one is finished; else they are refused.
        settings: in place of those in `SETTINGS`, such as epochs=5.

    Raises:
        BadArgument: see :func:`dpcore.experiments.tables.plan.plan`.
        OtherSettings: for records of other settings, unless `replace`. Nothing has
            been done then.
        DamagedRecord: for a record that cannot be read.
        CannotWrite: for a folder that takes no records, or a full disk.
        NoCluster: no scheduler at that address, no workers, or no Dask here.
        Stopped: for an interrupt; every finished fold is kept.
    """
    tasks = plan(rows, datasets, folds, seed, weights_seed, splits, **settings)
    return fill(tasks, jobs, results, progress, scheduler, replace)


def fill(
    tasks: list[Task],
    jobs: int = 1,
    results: str | Path = "book/results",
    progress: bool = True,
    scheduler: str | None = None,
    replace: bool = False,
) -> Report:
    """Measure what is missing of these tasks; all as in :func:`run`."""
    results, pace = Path(results), Pace()
    left = missing(results, tasks, replace)
    report = Report(there=len(tasks) - len(left))
    if not left:
        return report
    check_writable(results)
    for task in left:
        pace.waiting[task.cell] += 1
    for task in tasks:
        if task not in left:
            pace.learn(task, read(task.path(results)))
    unavailable: set[str] = set()

    def wanted(task: Task) -> bool:
        return task.dataset not in unavailable

    try:
        with ExitStack() as stack:
            if scheduler is None:
                outcomes, workers = on_this_machine(left, wanted, jobs), jobs
            else:
                client = stack.enter_context(_client(scheduler))
                outcomes, workers = _on_cluster(left, wanted, client), _threads(client)
            stack.enter_context(closing(outcomes))
            bar = stack.enter_context(_bar(len(left), progress))
            for task, outcome in outcomes:
                if outcome.unavailable is not None:
                    if wanted(task):
                        reason = f"{task.dataset}: not measured: {outcome.unavailable}"
                        report = _failed(report, reason)
                    unavailable.add(task.dataset)
                    pace.forget(task.dataset)
                    bar.total = bar.n + pace.waiting.total()
                    continue
                if outcome.record is not None:
                    path = save(results, task, outcome.record, replace)
                    report = report._replace(measured=report.measured + 1)
                    if path != task.path(results):
                        report = report._replace(aside=(*report.aside, path))
                    pace.learn(task, outcome.record)
                elif outcome.failed is not None:
                    save_failure(results, task, outcome.failed)
                    report = _failed(report, f"{task}: {outcome.failed}")
                pace.waiting[task.cell] -= 1
                bar.set_description_str(pace.text(workers), refresh=False)
                bar.update()
    except KeyboardInterrupt as stop:
        raise Stopped(
            f"stopped: {report.measured} folds were finished and are kept in {results}"
            f", {report.there} were there; run again for what is missing"
        ) from stop
    return report


def _failed(report: Report, line: str) -> Report:
    return report._replace(failures=(*report.failures, line))


def _bar(folds: int, progress: bool) -> tqdm:
    """A bar whose estimate knows that the rows differ in cost."""
    layout = "{n}/{total} folds |{bar}| {elapsed} passed, {desc} left"
    return tqdm(total=folds, disable=not progress, bar_format=layout, desc="?")


def on_this_machine(
    tasks: list[Task], wanted: Callable[[Task], bool], jobs: int
) -> Measured:
    """Measure with joblib. A process that is killed, for memory say, takes its pool
    with it: a new pool goes on with the rest. If not even one fold came between two
    such ends, the first in line is given up."""
    left = dict(enumerate(tasks))
    while left:
        came = False
        pool = Parallel(n_jobs=jobs, batch_size=1, return_as="generator_unordered")
        calls = ((n, task) for n, task in list(left.items()) if wanted(task))
        try:
            for number, outcome in pool(delayed(_numbered)(*call) for call in calls):
                came = True
                yield left.pop(number), outcome
            return
        except TerminatedWorkerError:
            left = {n: task for n, task in left.items() if wanted(task)}
            if left and not came:
                task = left.pop(next(iter(left)))
                yield task, Outcome(failed="its process was killed: out of memory?")


def _numbered(number: int, task: Task) -> tuple[int, Outcome]:
    return number, measure(task)


def _client(address: str):
    """A client of a Dask scheduler that has workers."""
    try:
        from distributed import Client
    except ImportError as error:
        raise NoCluster(
            "--scheduler needs Dask: pip install 'dpcore[cluster]'"
        ) from error
    # Dask logs a lost scheduler with tracebacks; here it is one line.
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL + 1)
    try:
        client = Client(address, timeout=SCHEDULER_SECONDS, set_as_default=False)
    except (OSError, ValueError) as error:
        raise NoCluster(f"no scheduler answers at {address}: {error}") from error
    try:
        client.wait_for_workers(1, timeout=SCHEDULER_SECONDS)
    except TimeoutError as error:
        client.close()
        raise NoCluster(
            f"the scheduler at {address} has no workers: start some with "
            f"`dask worker {address} --nthreads 1`"
        ) from error
    return client


def _threads(client) -> int:
    return sum(client.nthreads().values())


def _on_cluster(tasks: list[Task], wanted: Callable[[Task], bool], client) -> Measured:
    """Measure on a cluster's workers.

    Dask itself, not joblib's Dask backend: that one waits for ever once a fold has
    brought down so many workers that Dask gives it up, and runs everything here if
    the cluster has a single thread.
    """
    from distributed import as_completed

    waiting = filter(wanted, tasks)
    running: dict[Any, Task] = {}

    def submit() -> list:
        """As much as keeps all workers busy, and no more: so a data set that proves
        unavailable costs little, and records come in the order of their worth."""
        new = list(islice(waiting, max(0, 2 * _threads(client) - len(running))))
        keys = [f"{task}-{uuid4().hex}".replace(" ", "-") for task in new]
        futures = [
            client.submit(measure, task, key=key, pure=False)
            for task, key in zip(new, keys, strict=True)
        ]
        running.update(zip(futures, new, strict=True))
        return futures

    finished = as_completed(submit(), loop=client.loop)
    try:
        for future in finished:
            task = running.pop(future)
            if future.status == "finished":
                yield task, future.result()
            elif future.status == "error":
                reason = " ".join(str(future.exception()).split())
                yield task, Outcome(failed=f"on the cluster: {reason}")
            else:
                raise NoCluster("the scheduler was lost: run again for what is missing")
            finished.update(submit())
    finally:
        client.cancel(list(running))
