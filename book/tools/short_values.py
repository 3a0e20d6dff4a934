"""Sphinx extension: in the API a constant shows the beginning of its value, and the
fields of a named tuple stand once, with what they mean, and not again as `Alias for`.

A table of sixty numbers is read where it is used, not in a line of a signature.
"""

from __future__ import annotations

from docutils import nodes
from sphinx import addnodes

LONGEST = 72
ENDS = {"{": "}", "[": "]", "(": ")"}


def short(value: str) -> str:
    """The value, or its beginning, up to a comma, and its end.

    >>> short("(1, 2)")
    '(1, 2)'
    >>> short("[" + "10, " * 40 + "10]")[-11:]
    '10, 10, … ]'
    """
    if len(value) <= LONGEST:
        return value
    start = value[:LONGEST].rpartition(", ")[0] or value[:LONGEST]
    return f"{start}, … {ENDS.get(value[0], '')}".rstrip()


def shorten(app, doctree: nodes.document) -> None:
    for annotation in doctree.findall(addnodes.desc_annotation):
        *_, value = annotation.children or [None]
        if annotation.astext().startswith(" = ") and isinstance(value, nodes.Text):
            annotation.replace(value, nodes.Text(short(value.astext())))


def skip(app, what, name, member, skipped, options) -> bool | None:
    alias = str(getattr(member, "__doc__", "")).startswith("Alias for field number")
    return True if alias else None


def setup(app) -> dict:
    app.connect("doctree-read", shorten)
    app.connect("autodoc-skip-member", skip)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
