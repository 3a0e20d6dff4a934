"""What a measurement was made with."""

from __future__ import annotations

import platform
from importlib.metadata import version


def versions_of(*packages: str) -> dict[str, str]:
    """Python's version and those of the packages, as installed.

    >>> list(versions_of("torch"))
    ['python', 'torch']
    """
    return {"python": platform.python_version()} | {p: version(p) for p in packages}
