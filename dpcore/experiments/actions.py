"""What the commands do: figures on standard output, a result line at the end.

What loads torch is imported where it is used: tables are shown without it.
"""

from __future__ import annotations

import argparse
import json
import sys

from tqdm import tqdm

from dpcore.experiments import tables
from dpcore.experiments.tables.plan import Task
from dpcore.experiments.tables.schema import FoldRecord


def data(options: argparse.Namespace) -> int:
    from dpcore.data.datasets import describe, load_dataset

    facts = describe(load_dataset(options.dataset, fallback=options.fallback))
    if options.json:
        print(json.dumps(facts))
        return 0
    for name, value in facts.items():
        print(f"{name.replace('_', ' '):16} {value}")
    print(f"{facts['name']}: {facts['graphs']} graphs, from the {facts['source']}")
    return 0


def train(options: argparse.Namespace) -> int:
    from dpcore.experiments.tables.runner import on_this_machine

    tasks: list[Task] = options.tasks
    folds: list[FoldRecord] = []
    progress = sys.stderr.isatty() or not options.json
    outcomes = on_this_machine(tasks, lambda task: True, options.jobs)
    try:
        with tqdm(total=len(tasks), disable=not progress, unit="fold") as bar:
            for task, outcome in outcomes:
                if outcome.record is None:
                    reason = outcome.unavailable or outcome.failed
                    return failed(f"{task}: {reason}", 1)
                folds.append(outcome.record)
                bar.update()
    except KeyboardInterrupt as stop:
        raise tables.Stopped(
            f"stopped after {len(folds)} of {len(tasks)} folds: nothing is kept, since "
            "only `tables run` writes folds down"
        ) from stop
    folds.sort(key=lambda fold: fold.fold)
    cell = tables.of_folds(folds)
    accuracies = [round(100 * fold.accuracy, 2) for fold in folds]
    if options.settings or options.splits or len(folds) != 10:
        cell["reported"] = None  # not as the tables are measured: no comparison
    if options.settings or len(folds) != 10:
        cell["errica"] = None  # their splits come as a file
    if options.json:
        print(json.dumps(cell | dict(accuracies=accuracies)))
    else:
        print("\n".join(_lines(cell)))
    return 0


def _lines(cell: dict) -> list[str]:
    size = f"{cell['folds']} folds, splits {cell['splits'] or cell['seed']}"
    if cell["epochs"] is not None:
        size += f", weights {cell['weights_seed']}, up to {cell['epochs']} epochs"
    optimistic = "optimistic"
    if cell["reported"] is not None:
        optimistic += f"; the paper reports {cell['reported']}"
    fair = "fair" if cell["errica"] is None else f"fair; Errica et al. {cell['errica']}"
    majority = "unknown" if cell["majority"] is None else cell["majority"]
    name = f"{cell['method']} on {cell['dataset']}"
    return [
        f"{name}, {size}; accuracy in %",
        f"  largest class    {majority}",
        f"  paper's protocol {cell['paper_protocol']} ({optimistic})",
        f"{name}: {cell['fair_mean']} ± {cell['fair_sd']} % ({fair})",
    ]


def tables_run(options: argparse.Namespace) -> int:
    report = tables.fill(
        options.tasks,
        jobs=options.jobs,
        results=options.results,
        scheduler=options.scheduler,
        replace=options.replace,
    )
    for line in report.failures:
        failed(line, 1)
    for path in report.aside:
        failed(f"another process wrote other settings meanwhile; ours is {path}", 1)
    there = f"{report.there} were there" if report.there else "none was there"
    bad = f"{len(report.failures)} not measured, " if report.failures else ""
    print(f"{report.measured} folds measured, {bad}{there}; records: {options.results}")
    return 1 if report.failures or report.aside else 0


def tables_show(options: argparse.Namespace) -> int:
    cells = tables.show(options.results)
    if options.json:
        print(json.dumps(cells))
        return 0
    if not cells:
        return _no_records(options)
    print("\n".join(tables.as_text(cells)))
    folds = sum(cell["folds"] for cell in cells)
    where = options.results or "the book's records"
    print(f"\n{len(cells)} cells, {folds} folds: {where}")
    return 0


def _no_records(options: argparse.Namespace) -> int:
    return failed(
        f"no records under {options.results}: `dpcore tables run` makes them, "
        "--results DIR names another folder",
        1,
    )


def tables_export(options: argparse.Namespace) -> int:
    folds, epochs = tables.export(tables.records(options.results), options.csv)
    if not folds:
        return _no_records(options)
    print(f"{folds} folds, {epochs} epochs: {options.csv}/folds.csv, epochs.csv")
    return 0


def bench(options: argparse.Namespace) -> int:
    from dpcore.experiments import bench

    if options.list:
        for name, row in bench.ROWS.items():
            print(f"{name:16} {bench.summary(row)}")
        print(f"{len(bench.ROWS)} rows")
        return 0
    unknown = [name for name in options.only or [] if name not in bench.ROWS]
    if unknown:
        raise tables.BadArgument(
            f"only names {unknown[0]!r}, expected some of {', '.join(bench.ROWS)}"
        )
    results, failures = bench.run(
        options.only,
        progress=sys.stderr.isatty() or not options.json,
        show=None if options.json else tqdm.write,
    )
    for failure in failures:
        failed(failure, 1)
    if options.json:
        print(json.dumps([result.as_dict() for result in results]))
    else:
        print(f"{len(results)} figures, {len(failures)} rows failed")
    return 1 if failures else 0


def failed(reason: object, status: int) -> int:
    """Say in one line what failed; hands the status on."""
    line = " ".join(str(reason).split())
    print(f"dpcore: {line}", file=sys.stderr)
    return status
