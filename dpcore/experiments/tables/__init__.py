"""The paper's tables as data, and our own measurements beside them.

A measurement is a grid: method × data set × fold. Every finished fold is one JSON file
under the results folder, written whole before the next fold starts; a run that was
killed goes on with what is missing.
"""

from dpcore.experiments.tables.board import (
    PROTOCOLS,
    SCHEMA,
    Comparison,
    leaderboard,
    leaderboard_csv,
    leaderboard_html,
)
from dpcore.experiments.tables.cells import as_text, show
from dpcore.experiments.tables.errica import ERRICA
from dpcore.experiments.tables.paper import (
    DATASETS,
    KERNELS,
    PRINTED_GAIN,
    TABLE_1,
    TABLE_2,
    gain,
    reported,
)
from dpcore.experiments.tables.plan import (
    CONTROLS,
    GRID,
    MEASURED,
    ROWS,
    SETTINGS,
    is_row,
)
from dpcore.experiments.tables.runner import NoCluster, run
from dpcore.experiments.tables.store import (
    CannotWrite,
    DamagedRecord,
    failures,
    find_results,
    read_record,
    records,
    write_record,
)

__all__ = [
    "CONTROLS",
    "DATASETS",
    "ERRICA",
    "GRID",
    "KERNELS",
    "MEASURED",
    "PRINTED_GAIN",
    "PROTOCOLS",
    "ROWS",
    "SCHEMA",
    "SETTINGS",
    "TABLE_1",
    "TABLE_2",
    "CannotWrite",
    "Comparison",
    "DamagedRecord",
    "NoCluster",
    "as_text",
    "failures",
    "find_results",
    "gain",
    "is_row",
    "leaderboard",
    "leaderboard_csv",
    "leaderboard_html",
    "read_record",
    "records",
    "reported",
    "run",
    "show",
    "write_record",
]
