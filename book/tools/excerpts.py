"""Sphinx extension: what search shows under a hit, in a book that is a plain folder.

Sphinx's own excerpts fetch the pages that were found, which a browser forbids for
files. So the text of every section is written once, into _static/excerpts.js, which
only the search page loads; book/_static/search_hits.js picks the section of a hit.
"""

from __future__ import annotations

import json
import re
from pathlib import Path

from docutils import nodes

FILE = "excerpts.js"
SHOWN = (nodes.paragraph, nodes.term)  # not code, not formulas alone


def sections(doctree: nodes.document) -> list[list[str]]:
    """The id, the title and the text of every section, subsections not included."""
    found = []
    for section in doctree.findall(nodes.section):
        title = _text(next(section.findall(nodes.title)))
        text = [
            " ".join(_text(node).split())
            for node in section.findall(lambda node: isinstance(node, SHOWN))
            if _section_of(node) is section
        ]
        found.append([section["ids"][0], title, " ".join(text)])
    return found


def _text(node: nodes.Node) -> str:
    """A formula is shown if it reads without being typeset."""
    parts = []
    for text in node.findall(nodes.Text):
        part = text.astext()
        if isinstance(text.parent, nodes.math):
            for raw, shown in ((r"^\top", "ᵀ"), ("^2", "²"), ("^*", "*"), ("'", "′")):
                part = part.replace(raw, shown)
            part = "…" if re.search(r"[\\{}]", part) else part
        parts.append(part)
    return "".join(parts)


def _section_of(node: nodes.Node) -> nodes.Node:
    while not isinstance(node, nodes.section | nodes.document):
        node = node.parent
    return node


def write(app, error: Exception | None) -> None:
    if error or app.builder.format != "html":
        return
    names = sorted(app.env.found_docs)
    pages = {name: sections(app.env.get_doctree(name)) for name in names}
    text = f"window.bookExcerpts = {json.dumps(pages, ensure_ascii=False)};\n"
    (Path(app.outdir) / "_static" / FILE).write_text(text, encoding="utf-8")


def load(app, page: str, template: str, context: dict, doctree) -> None:
    if page == "search":
        app.add_js_file(FILE)
        app.add_js_file("search_hits.js")


def setup(app) -> dict:
    app.connect("build-finished", write)
    app.connect("html-page-context", load)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
