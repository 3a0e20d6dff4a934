"""The measured records as one compressed file, which an installed package carries."""

from __future__ import annotations

import json
import lzma
from collections.abc import Iterator
from pathlib import Path

from dpcore.experiments.tables.schema import (
    RECORDS,
    FoldRecord,
    from_text,
    read,
    to_dict,
)

FILE = Path(__file__).with_name("records.jsonl.xz")
"""One record a line. It is made when the package is built, from book/results, and is no
part of the repository."""


def pack(results: str | Path, target: str | Path) -> int:
    """Write all records of a folder into one file; returns how many.

    Raises:
        DamagedRecord: for a record that cannot be read.
    """
    paths = sorted(Path(results).glob(f"*/*/{RECORDS}"))
    lines = [json.dumps(to_dict(read(path))) + "\n" for path in paths]
    Path(target).write_bytes(lzma.compress("".join(lines).encode(), preset=9))
    return len(lines)


def carried(file: Path | None = None) -> Iterator[FoldRecord]:
    """The records that this package carries, or those in another such file.

    Raises:
        FileNotFoundError: when it carries none; says how to get them.
    """
    file = FILE if file is None else file
    if not file.exists():
        raise FileNotFoundError(
            "no measured records here: clone the book's repository and run this inside "
            "it, or make your own with `dpcore tables run`"
        )
    for line in lzma.decompress(file.read_bytes()).decode().splitlines():
        yield from_text(line, FoldRecord, str(file))
