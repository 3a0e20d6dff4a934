"""nbval: cells tagged `real-data` are compared only where the real data was loaded.

On a machine without it the notebooks run on their fallback data: every cell is still
executed, but what a `real-data` cell prints cannot be what was committed.
"""

from __future__ import annotations

import chapters
import pytest

collect_ignore = ["book/tools/setup_cell.py"]  # a notebook cell, no module

_NOT_COMPARED = pytest.StashKey[dict]()


def pytest_configure(config: pytest.Config) -> None:
    config.stash[_NOT_COMPARED] = {}


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
