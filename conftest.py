"""What holds for tests and notebooks alike: one thread a process, since they run side
by side; and for nbval: a time limit for every cell, and cells tagged `real-data` are
compared only where the real data was loaded.

On a machine without it the notebooks run on their fallback data: every cell is still
executed, but what a `real-data` cell prints cannot be what was committed.
"""

from __future__ import annotations

import gc
import os

import chapters
import pytest

collect_ignore = ["book/tools/setup_cell.py"]  # a notebook cell, no module

CELL_SECONDS = 600
"""nbval's limit for a cell, in place of its own 2000: five times what a whole notebook
may take on a quiet machine."""

# Read when torch is first loaded: here, in the workers of pytest-xdist and in kernels.
for library in ("OMP", "MKL", "OPENBLAS"):
    os.environ[f"{library}_NUM_THREADS"] = "1"

_NOT_COMPARED = pytest.StashKey[dict]()


def pytest_configure(config: pytest.Config) -> None:
    if getattr(config.option, "nbval_cell_timeout", None) == 2000:
        config.option.nbval_cell_timeout = CELL_SECONDS
    if hasattr(config, "workerinput"):  # of pytest-xdist: notebooks one after another
        import warm
        from jupyter_client.provisioning import local_provisioner

        local_provisioner.launch_kernel = warm.launcher(local_provisioner.launch_kernel)
    config.stash[_NOT_COMPARED] = {}


def pytest_collection_finish() -> None:
    gc.collect()
    gc.freeze()  # two million objects that stay: a collection need not look at them


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    cell = getattr(item, "cell", None)  # only nbval's items have one
    if cell is None or chapters.REAL_DATA not in chapters.tags(cell):
        return
    names = chapters.named_datasets(item.parent.nb)
    if not names:
        pytest.fail(f'{item.path.name}: a real-data cell, but no load_dataset("NAME")')
    missing = [name for name in names if not chapters.is_available(name)]
    if missing and item.options["check"]:
        item.options["check"] = False
        cells = item.config.stash[_NOT_COMPARED]
        key = f"{item.path.name}: no real {', '.join(missing)}"
        cells[key] = cells.get(key, 0) + 1


def pytest_terminal_summary(terminalreporter, config: pytest.Config) -> None:
    for reason, cells in config.stash[_NOT_COMPARED].items():
        terminalreporter.write_line(
            f"{reason}; {cells} cells executed, their output not compared"
        )
