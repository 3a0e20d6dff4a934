"""The commands: python -m dpcore data | train | tables run | tables show | bench."""

from __future__ import annotations

import argparse
import json
import os
import sys
from typing import NoReturn

from tqdm import tqdm

from dpcore.data.datasets import (
    DatasetCorrupt,
    DatasetUnavailable,
    describe,
    load_dataset,
)
from dpcore.experiments import bench, tables
from dpcore.models import MODELS
from dpcore.training import cross_validate


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line; exit status 2."""

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (--help lists what there is)\n")


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit status: 0, 1 (failed), 2 (bad arguments)."""
    options = _parser().parse_args(arguments)
    try:
        return options.command(options)
    except DatasetCorrupt as error:
        return _failed(error, 1)
    except ValueError as error:
        return _failed(error, 1 if isinstance(error, tables.DamagedRecord) else 2)
    except (
        DatasetUnavailable,
        FloatingPointError,
        OSError,
        tables.NoCluster,
    ) as error:
        return _failed(error, 1)
    except KeyboardInterrupt:
        return _failed("stopped", 130)


def _failed(reason: object, status: int) -> int:
    line = " ".join(str(reason).split())
    print(f"dpcore: {line}", file=sys.stderr)
    return status


def _data(options: argparse.Namespace) -> int:
    facts = describe(load_dataset(options.dataset, fallback=options.fallback))
    if options.json:
        print(json.dumps(facts))
    else:
        for name, value in facts.items():
            print(f"{name.replace('_', ' '):16} {value}")
    return 0


def _train(options: argparse.Namespace) -> int:
    graphs = load_dataset(
        options.dataset, fallback=options.fallback, attributes=options.attributes
    )
    settings = dict(batch_size=options.batch_size, lr=options.lr)
    settings.update(hidden=options.hidden, dropout=options.dropout)
    if options.conv is not None:
        settings["conv"] = options.conv
    result = cross_validate(
        options.model,
        graphs,
        folds=options.folds,
        epochs=options.epochs,
        seed=options.seed,
        jobs=options.jobs,
        progress=sys.stderr.isatty() or not options.json,
        **settings,
    )
    figures = dict(
        method=options.model,
        dataset=graphs.name,
        folds=options.folds,
        epochs=options.epochs,
        seed=options.seed,
        fair_mean=round(100 * result.fair_mean, 2),
        fair_sd=round(100 * result.fair_sd, 2),
        paper_protocol=round(100 * result.paper_protocol, 2),
        reported=tables.reported(options.model, graphs.name),
        accuracies=[round(100 * fold.accuracy, 2) for fold in result.folds],
    )
    if options.json:
        print(json.dumps(figures))
    else:
        _print_figures(figures)
    return 0


def _print_figures(figures: dict) -> None:
    name = f"{figures['method']} on {figures['dataset']}, {figures['folds']} folds"
    print(f"{name}, {figures['epochs']} epochs, seed {figures['seed']}; accuracy in %")
    print(f"  fair             {figures['fair_mean']} ± {figures['fair_sd']}")
    print(f"  paper's protocol {figures['paper_protocol']} (optimistic)")
    if figures["reported"] is not None:
        print(f"  paper reports    {figures['reported']}")


def _tables_run(options: argparse.Namespace) -> int:
    failures = tables.run(
        options.rows.split(","),
        options.datasets.split(","),
        folds=options.folds,
        epochs=options.epochs,
        seed=options.seed,
        jobs=options.jobs,
        results=options.results,
        scheduler=options.scheduler,
    )
    for failure in failures:
        _failed(failure, 1)
    return 1 if failures else 0


def _tables_show(options: argparse.Namespace) -> int:
    cells = tables.show(options.results)
    if options.json:
        print(json.dumps(cells))
        return 0
    if not cells:
        return _failed(
            f"no records under {options.results}: `dpcore tables run` makes them, "
            "--results DIR names another folder",
            1,
        )
    print("\n".join(tables.as_text(cells)))
    return 0


def _bench(options: argparse.Namespace) -> int:
    if options.list:
        for name, row in bench.ROWS.items():
            print(f"{name:16} {bench.summary(row)}")
        return 0
    results, failures = bench.run(
        options.only.split(",") if options.only else None,
        progress=sys.stderr.isatty() or not options.json,
        show=None if options.json else tqdm.write,
    )
    if options.json:
        print(json.dumps([result.as_dict() for result in results]))
    for failure in failures:
        _failed(failure, 1)
    return 1 if failures else 0


def _parser() -> Parser:
    parser = Parser(prog="dpcore", description=__doc__)
    parser.add_argument("--version", action="version", version=f"dpcore {_version()}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    data = commands.add_parser("data", help="load a data set and describe it")
    _add_dataset(data)
    data.set_defaults(command=_data)

    train = commands.add_parser("train", help="cross-validate one model on a data set")
    _add_dataset(train)
    names = ", ".join(MODELS)
    train.add_argument(
        "--model", default="diffpool", choices=MODELS, metavar="NAME", help=names
    )
    train.add_argument("--batch-size", type=_positive, default=32)
    train.add_argument("--lr", type=float, default=1e-3)
    train.add_argument("--hidden", type=_positive, default=64)
    train.add_argument("--dropout", type=float, default=0.6)
    train.add_argument("--conv", choices=("gcn", "sage"), help="of a DiffPool model")
    train.add_argument(
        "--attributes", action="store_true", help="use the node attributes as well"
    )
    _add_grid(train, epochs=40)
    train.set_defaults(command=_train)

    parent = commands.add_parser("tables", help="measure and show the paper's tables")
    actions = parent.add_subparsers(required=True, metavar="ACTION")
    run = actions.add_parser("run", help="measure what is missing of a grid")
    run.add_argument(
        "--rows",
        default=",".join(tables.ROWS),
        metavar="NAME,…",
        help="default: all, in the order of their worth: %(default)s",
    )
    run.add_argument(
        "--datasets",
        default=",".join(tables.MEASURED),
        metavar="NAME,…",
        help="in the order in which they are measured (default: %(default)s)",
    )
    run.add_argument(
        "--results",
        default="book/results",
        metavar="DIR",
        help="folder of the records, one file a fold (default: %(default)s)",
    )
    run.add_argument(
        "--scheduler",
        metavar="tcp://HOST:PORT",
        help="a Dask scheduler whose workers measure the folds; each loads the data "
        "itself, by its own DPCORE_DATA and DPCORE_MIRROR",
    )
    _add_grid(run, epochs=None)
    run.set_defaults(command=_tables_run)
    show = actions.add_parser("show", help="print what has been measured")
    show.add_argument("--results", default="book/results", metavar="DIR")
    show.add_argument("--json", action="store_true", help="print figures as JSON")
    show.set_defaults(command=_tables_show)

    measure = commands.add_parser(
        "bench", help="time and memory beside the usual way, on this machine"
    )
    measure.add_argument("--only", metavar="NAME,…", help="only these rows")
    measure.add_argument("--list", action="store_true", help="name the rows and stop")
    measure.add_argument("--json", action="store_true", help="print figures as JSON")
    measure.set_defaults(command=_bench)
    return parser


def _version() -> str:
    from importlib.metadata import version

    return version("dpcore")


def _add_dataset(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("dataset", help="MUTAG, ENZYMES, PROTEINS, DD, …")
    parser.add_argument("--fallback", help="data set to use where that is unavailable")
    parser.add_argument("--json", action="store_true", help="print figures as JSON")


def _add_grid(parser: argparse.ArgumentParser, epochs: int | None) -> None:
    parser.add_argument("--folds", type=_positive, default=10)
    parser.add_argument("--epochs", type=_positive, default=epochs)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--jobs",
        type=_positive,
        default=os.cpu_count(),
        help="folds side by side, each single-threaded (default: one a core)",
    )


def _positive(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not at least 1")
    return value


if __name__ == "__main__":
    sys.exit(main())
