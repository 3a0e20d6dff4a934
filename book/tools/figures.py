"""Sphinx extension: every figure of a notebook gets a number and a caption.

The caption is the figure's own description, the `alt` that its cell hands to
`plots.show`, `plots.player` or `plots.hierarchy`: one source for those who see it and
for those who do not.
"""

from __future__ import annotations

import html
import re

from bs4 import BeautifulSoup
from docutils import nodes

NOTEBOOKS = "notebooks/"


def description(page: str) -> str | None:
    """What the HTML of a cell's output shows, or None where it is no figure.

    >>> description('<img alt="a ring" src="">')
    'a ring'
    >>> description("<table><tr><td>1</td></tr></table>")
    """
    soup = BeautifulSoup(page, "html.parser")
    moving = soup.select_one(".dpcore-player, .dpcore-levels")
    if moving:
        return moving["aria-label"]
    image = soup.find("img", alt=True)
    return image["alt"] if image else None


def with_caption(page: str, number: str, told: str) -> str:
    """The figure on its own ground, with its number and what to see in it.

    The sentence is hidden from screen readers, which have read it at the image.
    """
    told += "" if told.endswith((".", "?", "!")) else "."
    anchor = "figure-" + number.replace(".", "-")
    return (
        f'<figure class="chapter-figure" id="{anchor}"><div class="ground">{page}</div>'
        f"<figcaption><strong>Figure {number}.</strong> "
        f'<span aria-hidden="true">{html.escape(told)}</span></figcaption></figure>'
    )


def number_figures(app, doctree: nodes.document, docname: str) -> None:
    if not docname.startswith(NOTEBOOKS):
        return
    chapter = re.match(NOTEBOOKS + r"(\d\d)_", docname)
    first = f"{int(chapter[1])}." if chapter else ""
    count = 0
    for raw in list(doctree.findall(nodes.raw)):
        inside = isinstance(raw.parent, nodes.container)
        told = description(raw.astext()) if inside and raw["format"] == "html" else None
        if told is None:
            continue
        count += 1
        page = with_caption(raw.astext(), f"{first}{count}", told)
        raw.replace_self(nodes.raw("", page, format="html", classes=raw["classes"]))


def setup(app) -> dict:
    app.connect("doctree-resolved", number_figures, priority=900)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
