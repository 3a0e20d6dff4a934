"""Sphinx extension: under its title, every chapter says what its run took.

The figures are those of book/results/execution.json, which `make execute` writes.
"""

from __future__ import annotations

import json
from pathlib import Path

from docutils import nodes
from reading import minutes

RESULTS = "book/results/execution.json"
CHAPTERS = "notebooks/"
NOT_YET = "Not measured yet."


def sentence(run: dict | None) -> str:
    """What a record of `make execute` says, for the reader of its chapter.

    >>> sentence(None)
    'Not measured yet.'
    """
    if run is None:
        return NOT_YET
    names = [
        name + " (fallback)" * (not real) for name, real in run["datasets"].items()
    ]
    packages = ", ".join(f"{name} {v}" for name, v in sorted(run["packages"].items()))
    told = (
        f"Measured on {run['date']}: {run['seconds']:.0f} s and {run['peak_mib']} MiB "
        f"at its peak, on {run['machine']}, with Python {run['python']}, {packages}. "
    )
    if not names:
        return told + "It needs no data set."
    listed = " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
    return told + (
        f"The outputs on this page were made with {listed}; "
        "without this data, what you run yourself prints other figures."
    )


def add_line(app, doctree: nodes.document) -> None:
    env = app.env
    if not env.docname.startswith(CHAPTERS):
        return
    results = Path(app.srcdir) / RESULTS
    env.note_dependency(str(results))
    records = json.loads(results.read_text("utf-8")) if results.exists() else {}
    run = records.get(env.docname.removeprefix(CHAPTERS))
    count = minutes(Path(env.doc2path(env.docname)))
    told = f"About {count} minute{'s' if count > 1 else ''} to read. "
    line = nodes.paragraph("", told + sentence(run), classes=["measured"])
    title = next(doctree.findall(nodes.title))
    title.parent.insert(title.parent.index(title) + 1, line)


def setup(app) -> dict:
    app.connect("doctree-read", add_line)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
