"""What a reader sees, and what is remembered: one small file, on this machine only."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

from dpcore.data.datasets import cache_folder
from dpcore.data.files import write_whole
from dpcore.teaching.exercises.mechanism import evaluate, known


def check(number: str, function: Callable[..., Any]) -> None:
    """Check an answer, print one line, and remember what is solved.

    Args:
        number: the exercise, "3.2".
        function: your function itself, not what it returns.

    Raises:
        ValueError: if there is no such exercise; the message lists those there are.

    >>> check("1.1", lambda image, how: None)
    1.1 not yet: returned None: replace the `...` by your code and return the result
    """
    verdict = evaluate(number, function)
    print(verdict.message)
    if not verdict.passed:
        return
    try:
        solved, plain = _read(), number.strip().lstrip("0")
        if plain not in solved:
            _write(solved | {plain: datetime.now().isoformat(timespec="seconds")})
    except OSError as error:
        print(f"(your progress cannot be kept: {error})")


def progress() -> None:
    """Print which exercises are solved, chapter by chapter.

    The record is one JSON file in the cache folder of `dpcore`, or where the
    environment variable ``DPCORE_PROGRESS`` says. It never leaves this machine.

    Raises:
        OSError: if the file is there and cannot be read.
    """
    solved, numbers = _read(), known()
    chapters = list(dict.fromkeys(number.split(".")[0] for number in numbers))
    for chapter in chapters:
        mine = [number for number in numbers if number.split(".")[0] == chapter]
        marks = "  ".join(f"{'✓' if n in solved else '·'} {n}" for n in mine)
        print(f"chapter {int(chapter):02d}  {marks}")
    print(f"{sum(n in solved for n in numbers)} of {len(numbers)} solved; {_path()}")


def _path() -> Path:
    chosen = os.environ.get("DPCORE_PROGRESS")
    if chosen:
        return Path(chosen).expanduser()
    return cache_folder() / "progress.json"


def _read() -> dict[str, str]:
    """What is solved and when; a damaged file is reported and set aside."""
    path = _path()
    try:
        solved = json.loads(path.read_text(encoding="utf-8"))["solved"]
        if not isinstance(solved, dict):
            raise TypeError(f"'solved' is a {type(solved).__name__}")
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError) as error:
        aside = path.with_name(f"{path.name}.damaged-{datetime.now():%Y%m%d-%H%M%S-%f}")
        path.replace(aside)
        print(f"(the progress file was damaged, {error}; it is kept as {aside})")
        return {}
    return solved


def _write(solved: dict[str, str]) -> None:
    path = _path()
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, json.dumps({"solved": solved}, indent=1))
