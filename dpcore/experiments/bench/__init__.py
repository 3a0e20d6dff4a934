"""What dpcore costs beside the usual way, measured on this machine in one run.

Both sides of a row do the same work, which is checked first; they take turns, so that
noise hits both; each time is the median of at least five, after a warm-up.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tqdm import tqdm

from dpcore.data.datasets import DatasetUnavailable
from dpcore.experiments.bench import peers
from dpcore.experiments.bench.measure import NotInstalled, Result, Sizes
from dpcore.experiments.bench.rows import ON_REQUEST, ROWS


def run(
    only: Sequence[str] | None = None,
    sizes: Sizes | None = None,
    progress: bool = True,
    show: Callable[[str], None] | None = None,
) -> tuple[list[Result], list[str]]:
    """Measure the rows; returns the results and what failed, one line each.

    Args:
        only: names out of `ROWS`; None for all but `ON_REQUEST`. A row that cannot be
            measured here (no data, package not installed) is a failure only if it was
            asked for by name.
        progress: show a progress bar.
        show: called with the heading, and with every line as soon as it is known.

    Raises:
        ValueError: for an unknown name.
    """
    names = [name for name in ROWS if name not in ON_REQUEST]
    names = names if only is None else list(only)
    unknown = [name for name in names if name not in ROWS]
    if unknown:
        raise ValueError(
            f"unknown row {', '.join(map(repr, unknown))}, expected some of "
            f"{', '.join(ROWS)}"
        )
    if show is not None:
        show(HEADING)
    results: list[Result] = []
    failures: list[str] = []
    with tqdm(total=len(names), disable=not progress, unit="row") as bar:
        for name in names:
            bar.set_description(name)
            try:
                found = ROWS[name](sizes or Sizes(), bar.set_postfix_str)
            except (DatasetUnavailable, NotInstalled) as error:
                reason = str(error).splitlines()[0]
                found = [Result(name, note=f"not measured: {reason}")]
                if only is not None:
                    failures.append(f"{name}: {reason}")
            except peers.Unequal as error:
                found = [Result(name, note=f"refused: {error}")]
                failures.append(f"{name}: {error}")
            except RuntimeError as error:  # torch's word for too little memory
                reason = str(error).splitlines()[0]
                found = [Result(name, note=f"failed: {reason}")]
                failures.append(f"{name}: {reason}")
            results += found
            bar.update()
            if show is not None:
                for result in found:
                    show(line(result))
    return results, failures


def summary(row: Callable) -> str:
    """What a row of `ROWS` measures, in a line."""
    return (getattr(row, "func", row).__doc__ or "").splitlines()[0]


LAYOUT = "{:<26} {:>7} {:>10} {:>10} {:>9} {:>9} {:>9} {:>9} {:>7}"
HEADING = LAYOUT.format(
    "row", "threads", "theirs", "ours", "their MB", "our MB", "figure", "target", "met"
)


def line(result: Result) -> str:
    """A result as one line of the table, its note below it."""

    def number(value: float | None, layout: str) -> str:
        return "–" if value is None else format(value, layout)

    sign = "≥" if result.at_least else "≤"
    target = "–" if result.target is None else f"{sign} {result.target:g}"
    text = LAYOUT.format(
        f"{result.name} {result.measure}",
        number(result.threads, "d"),
        number(result.theirs_seconds, ".4f"),
        number(result.ours_seconds, ".4f"),
        number(result.theirs_peak_mb, ".0f"),
        number(result.ours_peak_mb, ".0f"),
        number(result.figure, ".3g"),
        target,
        {True: "yes", False: "NO", None: "–"}[result.met],
    )
    return f"{text}\n  {result.note}" if result.note else text
