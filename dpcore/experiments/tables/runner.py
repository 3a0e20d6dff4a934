"""Fill a grid: hand out what is missing, write every fold as it comes back."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from itertools import islice
from pathlib import Path
from uuid import uuid4

from joblib import Parallel, delayed
from joblib.externals.loky.process_executor import TerminatedWorkerError
from tqdm import tqdm

from dpcore.experiments.tables.fold import Outcome, measure
from dpcore.experiments.tables.pace import Pace
from dpcore.experiments.tables.plan import Task, plan
from dpcore.experiments.tables.store import check_writable, read_record, write_record

SCHEDULER_SECONDS = 8
"""How long a silent scheduler, and one without workers, is waited for."""

Measured = Iterator[tuple[Task, Outcome]]


class NoCluster(RuntimeError):
    """The scheduler cannot be used, or was lost."""


def run(
    rows: Sequence[str],
    datasets: Sequence[str],
    folds: int = 10,
    epochs: int | None = None,
    seed: int = 0,
    jobs: int = 1,
    results: str | Path = "book/results",
    progress: bool = True,
    scheduler: str | None = None,
) -> list[str]:
    """Measure what is missing of a grid; returns a line for everything that failed.

    A fold that fails does not stop the others: its reason stands beside the records,
    and the next run tries it again. A data set that cannot be had is left out.

    Args:
        rows: names for :func:`dpcore.build_model`, or of kernels.
        datasets: names for :func:`dpcore.load_dataset`.
        folds, seed: of the splits, which are the same for every row.
        epochs: of every fold; None for the number in `SETTINGS`.
        jobs: folds side by side, each in a single-threaded process of this machine.
        results: folder of the records.
        progress: show a progress bar over the whole grid, with the time left.
        scheduler: address of a Dask scheduler, tcp://HOST:PORT, whose workers measure
            the folds in place of this machine. Each loads the data itself, as its own
            `DPCORE_DATA` and `DPCORE_MIRROR` say.

    Raises:
        ValueError: for an unknown row or data set, or an impossible number of folds.
        DamagedRecord: for a record that cannot be read.
        CannotWrite: for a folder that takes no records, or a full disk.
        NoCluster: no scheduler at that address, no workers, or no Dask here.
    """
    results, pace, missing = Path(results), Pace(), []
    for task in plan(rows, datasets, folds, epochs, seed):
        path = task.path(results)
        record = read_record(path) if path.exists() else None
        if record is not None and task.made(record):
            pace.took(task, record)
        else:
            pace.waiting[task.cell] += 1
            missing.append(task)
    if not missing:
        return []
    check_writable(results)
    unavailable: set[str] = set()
    lines = []

    def wanted(task: Task) -> bool:
        return task.dataset not in unavailable

    with ExitStack() as stack:
        if scheduler is None:
            outcomes, workers = _on_this_machine(missing, wanted, jobs), jobs
        else:
            client = stack.enter_context(_client(scheduler))
            outcomes, workers = _on_cluster(missing, wanted, client), _threads(client)
        stack.enter_context(closing(outcomes))
        bar = stack.enter_context(_bar(len(missing), progress))
        for task, outcome in outcomes:
            if outcome.unavailable is not None:
                if wanted(task):
                    lines.append(f"{task.dataset}: not measured: {outcome.unavailable}")
                unavailable.add(task.dataset)
                pace.forget(task.dataset)
                bar.total = bar.n + pace.waiting.total()
                continue
            if outcome.record is not None:
                write_record(task.path(results), outcome.record)
                task.path(results, ".failed.json").unlink(missing_ok=True)
                pace.took(task, outcome.record)
            else:
                why = dict(task._asdict(), reason=outcome.failed)
                write_record(task.path(results, ".failed.json"), why)
                lines.append(f"{task}: {outcome.failed}")
            pace.waiting[task.cell] -= 1
            bar.set_description_str(pace.text(workers), refresh=False)
            bar.update()
    return lines


def _bar(folds: int, progress: bool) -> tqdm:
    """A bar whose estimate knows that the rows differ in cost."""
    layout = "{n}/{total} folds |{bar}| {elapsed} passed, {desc} left"
    return tqdm(total=folds, disable=not progress, bar_format=layout, desc="?")


def _on_this_machine(
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

    tasks, running = filter(wanted, tasks), {}

    def submit() -> list:
        """As much as keeps all workers busy, and no more: so a data set that proves
        unavailable costs little, and records come in the order of their worth."""
        new = list(islice(tasks, max(0, 2 * _threads(client) - len(running))))
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
