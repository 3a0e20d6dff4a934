"""Files that are there whole or not at all."""

from __future__ import annotations

import os
import uuid
from pathlib import Path

PARTS = ".*.part"
"""The pattern of what a killed process leaves beside the file that it was writing."""


def write_whole(path: Path, content: str | bytes) -> None:
    """Put a file in its place by renaming it: nobody ever reads half of it.

    It is written under a name of its own in the same folder, and is on the disk before
    the name changes. Whatever goes wrong, the file that stood there stays.

    Args:
        path: of the file.
        content: text is written as UTF-8.

    Raises:
        OSError: it cannot be written, or the folder is not there.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write_whole(Path(folder) / "a.txt", "whole")
    ...     [file.name for file in Path(folder).iterdir()]
    ['a.txt']
    """
    part = path.with_name(f".{path.name}.{uuid.uuid4().hex}.part")
    try:
        with part.open("xb") as file:
            file.write(content.encode("utf-8") if isinstance(content, str) else content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)
