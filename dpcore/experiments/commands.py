"""What the commands are called and take. Nothing here needs torch: a bad argument is
refused at once, and what a command does is loaded when it runs."""

from __future__ import annotations

import argparse
import os
from collections.abc import Callable
from importlib import import_module
from typing import Any, NoReturn

from dpcore.data.expected import EXPECTED, known_name
from dpcore.experiments.tables.paper import KERNELS
from dpcore.experiments.tables.plan import PLANNED, ROWS, Task, plan
from dpcore.experiments.tables.split_files import read_splits
from dpcore.models import MODELS

DESCRIPTION = (
    "The commands: python -m dpcore "
    "data | train | tables run | tables show | tables export | bench."
)


class Parser(argparse.ArgumentParser):
    """An argument parser whose errors are one line; exit status 2."""

    def __init__(self, **options: Any) -> None:
        super().__init__(allow_abbrev=False, **options)

    def error(self, message: str) -> NoReturn:
        self.exit(2, f"{self.prog}: {message} (--help lists what there is)\n")


def parser() -> Parser:
    """The parser of all commands; `command` of what it parses does the work."""
    top = Parser(prog="dpcore", description=DESCRIPTION)
    top.add_argument("--version", action="version", version=f"dpcore {_version()}")
    commands = top.add_subparsers(required=True, metavar="COMMAND")

    data = commands.add_parser("data", help="load a data set and describe it")
    _add_dataset(data)
    data.add_argument("--fallback", help="data set to use where that is unavailable")
    data.add_argument("--json", action="store_true", help="print figures as JSON")
    _runs(data, "data")

    train = commands.add_parser(
        "train",
        help="cross-validate one row on a data set",
        description="Measures a row as `tables run` does, with the same plan: data, "
        "splits, settings and grid. A setting that you give is no longer chosen. "
        "Nothing is kept.",
    )
    _add_dataset(train)
    train.add_argument("--model", default="diffpool", metavar="NAME", help=_rows())
    train.add_argument("--json", action="store_true", help="print figures as JSON")
    _add_folds(train)
    _add_settings(train)
    _runs(train, "train")

    parent = commands.add_parser("tables", help="measure and show the paper's tables")
    actions = parent.add_subparsers(required=True, metavar="ACTION")
    run = actions.add_parser("run", help="measure what is missing of a grid")
    run.add_argument(
        "--rows",
        type=_names,
        default=",".join(ROWS),
        metavar="NAME,…",
        help="default: all, in the order of their worth: %(default)s",
    )
    run.add_argument(
        "--datasets",
        type=_names,
        default=",".join(PLANNED),
        metavar="NAME,…",
        help="in the order in which they are measured (default: %(default)s)",
    )
    _add_results(run, "book/results")
    run.add_argument(
        "--replace",
        action="store_true",
        help="records of other settings are moved to DIR/replaced as new ones come; "
        "without it they are refused",
    )
    run.add_argument(
        "--scheduler",
        metavar="tcp://HOST:PORT",
        help="a Dask scheduler whose workers measure the folds; each loads the data "
        "itself, by its own DPCORE_DATA and DPCORE_MIRROR",
    )
    _add_folds(run)
    _add_settings(run)
    _runs(run, "tables_run")
    show = actions.add_parser("show", help="print what has been measured")
    _add_results(show, None)
    show.add_argument("--json", action="store_true", help="print figures as JSON")
    _runs(show, "tables_show")
    export = actions.add_parser(
        "export",
        help="write every fold and every epoch as long tables",
        description="Writes folds.csv, epochs.csv and SCHEMA.md, which says what each "
        "column means.",
    )
    _add_results(export, None)
    export.add_argument(
        "--csv", required=True, metavar="DIR", help="folder to write to"
    )
    _runs(export, "tables_export")

    bench = commands.add_parser(
        "bench", help="time and memory beside the usual way, on this machine"
    )
    bench.add_argument("--only", type=_names, metavar="NAME,…", help="only these rows")
    bench.add_argument("--list", action="store_true", help="name the rows and stop")
    bench.add_argument("--json", action="store_true", help="print figures as JSON")
    _runs(bench, "bench")
    return top


def _runs(parser: Parser, action: str) -> None:
    """The command does what a function of `actions` does, loaded when it is called."""

    def command(options: argparse.Namespace) -> int:
        if action == "train":
            options.tasks = _tasks(options, [options.model], [options.dataset])
        elif action == "tables_run":
            options.tasks = _tasks(options, options.rows, options.datasets)
        actions = import_module("dpcore.experiments.actions")
        return getattr(actions, action)(options)

    parser.add_argument(
        "--debug", action="store_true", help="show the traceback of what fails"
    )
    parser.set_defaults(command=command)


def _tasks(
    options: argparse.Namespace, rows: list[str], datasets: list[str]
) -> list[Task]:
    """What is to be measured; bad arguments are refused here, without torch. The
    settings that were given stand in `options.settings`."""
    splits = None if options.splits is None else read_splits(options.splits)
    options.settings = {k: v for k, v in vars(options).items() if k in SETTINGS}
    return plan(
        rows,
        datasets,
        folds=options.folds,
        seed=options.splits_seed,
        weights_seed=options.weights_seed,
        splits=splits,
        **options.settings,
    )


def _rows() -> str:
    return ", ".join([*MODELS, *KERNELS]) + " (default: %(default)s)"


def _add_dataset(parser: Parser) -> None:
    known = ", ".join(EXPECTED)
    parser.add_argument("dataset", type=_dataset, help=known)


def _add_results(parser: Parser, default: str | None) -> None:
    where = default or "the book's records, else those that the package carries"
    parser.add_argument(
        "--results",
        default=default,
        metavar="DIR",
        help=f"folder of the records, one file a fold (default: {where})",
    )


def _add_folds(parser: Parser) -> None:
    parser.add_argument("--folds", type=_positive, default=10)
    parser.add_argument(
        "--splits",
        metavar="FILE",
        help="in place of --folds and --splits-seed: a JSON list of folds, each with "
        "lists of indices train, validation, test; the files of Errica et al. (2020) "
        "as they are: their fair mean stands beside ours wherever they print one",
    )
    parser.add_argument("--splits-seed", type=int, default=0, metavar="N")
    parser.add_argument(
        "--weights-seed",
        type=int,
        default=0,
        metavar="N",
        help="of weights, shuffling and dropout",
    )
    parser.add_argument(
        "--jobs",
        type=_positive,
        default=os.cpu_count(),
        help="folds side by side, each single-threaded (default: one a core)",
    )


def _add_settings(parser: Parser) -> None:
    group = parser.add_argument_group(
        "settings", "default: those of the plan for the data set and the row"
    )
    for name, (kind, about) in SETTINGS.items():
        flag = "--" + name.replace("num_", "").replace("_", "-")
        options: dict[str, Any] = dict(dest=name, default=argparse.SUPPRESS, help=about)
        if kind is bool:
            group.add_argument(flag, action=argparse.BooleanOptionalAction, **options)
        else:
            words = isinstance(kind, tuple)
            of = dict(choices=kind) if words else dict(type=kind, metavar="N")
            group.add_argument(flag, **of, **options)


def _number(least: float, whole: bool = False) -> Callable[[str], Any]:
    def number(text: str) -> Any:
        value = int(text) if whole else float(text)
        if not value >= least:
            raise argparse.ArgumentTypeError(f"{text} is not at least {least:g}")
        return value

    return number


_positive, _count, _weight = _number(1, whole=True), _number(0, whole=True), _number(0)

SETTINGS: dict[str, tuple[Any, str]] = {
    "attributes": (bool, "use the node attributes as well"),
    "edge_labels": (bool, "use the edge labels (ecc)"),
    "standardize": (_count, "standardise so many first columns on the training part"),
    "epochs": (_positive, "at most"),
    "trial_epochs": (_positive, "of a trial of the grid"),
    "patience": (_positive, "end after so many epochs without progress on validation"),
    "batch_size": (_positive, "graphs a step (32)"),
    "lr": (float, "learning rate of Adam"),
    "clip": (_weight, "largest norm of the gradient (2)"),
    "accumulate": (_positive, "parts that a batch is cut into (1)"),
    "max_nodes": (_positive, "of which the clusters are a share"),
    "ratio": (float, "that share, a level (0.25)"),
    "levels": (_count, "of DiffPool (2)"),
    "per_graph": (bool, "clusters by each graph's own size"),
    "conv": (("gcn", "sage"), "of a DiffPool model"),
    "num_layers": (_positive, "convolutions a GNN"),
    "hidden": (_positive, "width of every layer"),
    "dropout": (_weight, "after every convolution"),
    "self_loops": (
        ("add", "replace"),
        "on a coarse graph's diagonal, see dpcore.layers.GCNLayer",
    ),
    "assignments": (
        ("learned", "hard", "heavy-edge", "random"),
        "see dpcore.models.DiffPoolClassifier",
    ),
    "repair": (
        ("detached", "normalised", "no-diagonal", "mincut", "dmon"),
        "of the second level, see dpcore.models.repairs",
    ),
    "link_weight": (_weight, "of the link prediction loss (1)"),
    "reduction": (
        ("rms", "frobenius"),
        "of the link loss: a root mean square, or the norm as the paper has it (rms)",
    ),
    "entropy_weight": (_weight, "of the entropy loss (1)"),
    "steps": (_positive, "of set2set's readout"),
}
"""The settings that are options, by their names in the plan: type or words, and
meaning. The words stand here as well as beside what they choose, which loads torch; a
test compares them."""


def _version() -> str:
    from importlib.metadata import version

    return version("dpcore")


def _names(text: str) -> list[str]:
    return [name for name in text.split(",") if name]


def _dataset(text: str) -> str:
    try:
        return known_name(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(str(error)) from error
