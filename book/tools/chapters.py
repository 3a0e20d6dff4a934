"""What the tools and the tests of the book agree on about notebooks."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import nbformat
import yaml

ROOT = Path(__file__).resolve().parents[2]
REAL_DATA = "real-data"  # tag of a cell whose output depends on the real data
COMPARED = "nbval-check-output"  # tag of a cell whose output nbval compares
FOLDED = {"hide-cell", "hide-input"}  # tags of cells that the page folds: machinery
TAGS = {REAL_DATA, COMPARED, *FOLDED}

_ADDRESS = re.compile(r'^REPOSITORY = "(.*)"', re.MULTILINE)
_LOADED = re.compile(r"""load_dataset\(\s*["']([\w&-]+)["']""")


def paths(root: Path = ROOT) -> list[Path]:
    """The notebooks in the order of the book: the chapters, then those that have no
    number, the errata and the rivals."""
    return sorted((root / "notebooks").glob("*.ipynb"))


def is_chapter(path: Path) -> bool:
    """Whether it has a number, and so exercises; others have neither."""
    return path.stem[:2].isdigit()


def read(path: Path) -> nbformat.NotebookNode:
    return nbformat.read(path, as_version=4)


def address(root: Path = ROOT) -> str:
    """The publisher's address as _config.yml has it; "" before it is set."""
    config = yaml.safe_load((root / "_config.yml").read_text(encoding="utf-8"))
    return config["sphinx"]["config"]["book_address"]


def setup_cell(url: str = "") -> str:
    """The first code cell of every notebook, for a book that lives at `url`."""
    text = Path(__file__).with_name("setup_cell.py").read_text(encoding="utf-8")
    return _ADDRESS.sub(lambda _: f'REPOSITORY = "{url}"', text, count=1).rstrip("\n")


def is_setup_cell(source: str) -> bool:
    """Whether `source` is the setup cell, whatever address it holds."""
    found = _ADDRESS.search(source)
    return found is not None and source.rstrip("\n") == setup_cell(found[1])


def code_cells(notebook: nbformat.NotebookNode) -> list[nbformat.NotebookNode]:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def statements(source: str) -> list[ast.stmt]:
    """Those of a cell; lines that only a notebook understands are left out."""
    return ast.parse(re.sub(r"(?m)^ *[%!].*", "", source)).body


def tags(cell: nbformat.NotebookNode) -> list[str]:
    return cell.metadata.get("tags", [])


def named_datasets(notebook: nbformat.NotebookNode) -> list[str]:
    """The data sets that its code asks for: every `load_dataset("NAME"`."""
    names = [n for c in code_cells(notebook) for n in _LOADED.findall(c.source)]
    return list(dict.fromkeys(names))


@cache
def is_available(dataset: str) -> bool:
    """Whether the real data set loads here; asked once a session for each name."""
    import dpcore

    try:
        dpcore.load_dataset(dataset)
    except dpcore.DatasetUnavailable:
        return False
    return True
