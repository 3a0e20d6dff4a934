"""python -m dpcore: parse, run, and turn what goes wrong into one line and a status."""

from __future__ import annotations

import sys
import traceback

from dpcore.experiments.commands import parser
from dpcore.experiments.tables.plan import BadArgument
from dpcore.experiments.tables.schema import DamagedRecord
from dpcore.experiments.tables.split_files import BadSplits
from dpcore.experiments.tables.store import OtherSettings


def main(arguments: list[str] | None = None) -> int:
    """Run one command; returns the exit status: 0, 1 (failed), 2 (bad arguments)."""
    options = parser().parse_args(arguments)
    try:
        return options.command(options)
    except BaseException as error:
        if options.debug:
            traceback.print_exc()
        line, status = told(error)
        print(f"dpcore: {' '.join(line.split())}", file=sys.stderr)
        return status


def told(error: BaseException) -> tuple[str, int]:
    """What to say of an error, and the exit status. Bad arguments and known failures
    have their own types; whatever else comes is a defect of this package."""
    if isinstance(error, BadArgument | BadSplits | OtherSettings):
        return str(error), 2
    if isinstance(error, DamagedRecord | FloatingPointError | OSError):
        return str(error), 1
    from dpcore.data.datasets import DatasetCorrupt, DatasetUnavailable
    from dpcore.experiments.tables import NoCluster  # loaded by now, if one came

    if isinstance(error, DatasetCorrupt | DatasetUnavailable | NoCluster):
        return str(error), 1
    if isinstance(error, KeyboardInterrupt):
        return str(error) or "stopped", 130
    if not isinstance(error, Exception):
        raise error
    kind = f"{type(error).__name__}: {error}"
    return f"a defect of dpcore, not of your arguments: {kind} (--debug shows where)", 1


if __name__ == "__main__":
    sys.exit(main())
