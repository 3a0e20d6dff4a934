"""Names of a package that are loaded, and torch with them, when they are asked for."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any


def load(package: str, home: Mapping[str, str], name: str) -> Any:
    """What a package's `__getattr__` (PEP 562) finds under a name, and keeps.

    Args:
        package: the package's full name.
        home: the module, inside the package, of every name that it hands on.
        name: what was asked for.

    Raises:
        AttributeError: for a name that is not in `home`.

    >>> load("dpcore.training", {"summary": "protocols"}, "summary").__name__
    'summary'
    """
    if name not in home:
        raise AttributeError(f"module {package!r} has no attribute {name!r}")
    found = getattr(import_module(f"{package}.{home[name]}"), name)
    setattr(sys.modules[package], name, found)  # next time Python finds it itself
    return found
