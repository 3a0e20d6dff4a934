"""Sphinx extension: a folded cell says what is in it.

'code' three times in a row tells a reader nothing, and the theme's label 'Toggle hidden
content' tells a screen reader less.
"""

from __future__ import annotations

import ast
import re

from chapters import is_setup_cell, statements
from docutils import nodes
from myst_nb.sphinx_ import (
    HideCodeCellNode,
    depart_HideCellInput,
    visit_HideCellInput,
)

FIGURE = re.compile(r"<figcaption><strong>(Figure [\d.]+)\.")
SUMMARY = '<summary aria-label="Toggle hidden content">\n'


def name(source: str, page: str, prints: bool) -> str:
    """What a folded cell is called, by its code, its HTML and whether it prints.

    >>> name("import torch", "", False)
    'code: imports'
    >>> name("def draw(ax):\\n    pass\\n\\ndraw(1)", "", False)
    'code: draw()'
    >>> name("plot(x)", '<figcaption><strong>Figure 3.2.</strong>', False)
    'code of Figure 3.2'
    >>> name("for n in a:\\n    print(n)", "", True)
    'code of this output'
    >>> name("x, y = 1, 2\\nz = x", "", False)
    'code: x, y, z'
    """
    if is_setup_cell(source):
        return "code: install and import dpcore"
    figure = FIGURE.search(page)
    if figure:
        return f"code of {figure[1]}"
    if prints or page:
        return "code of this output"
    body = statements(source)
    made = [f"{s.name}()" for s in body if isinstance(s, ast.FunctionDef)]
    if not made:
        targets = [t for s in body if isinstance(s, ast.Assign) for t in s.targets]
        made = [n.id for t in targets for n in ast.walk(t) if isinstance(n, ast.Name)]
    if any(isinstance(s, (ast.Import, ast.ImportFrom)) for s in body):
        made = ["imports"]
    return "code" + (": " + ", ".join(dict.fromkeys(made)) if made else "")


def name_folds(app, doctree: nodes.document, docname: str) -> None:
    for cell in doctree.findall(nodes.container):  # a fold does not know its parent
        fold = next(cell.findall(HideCodeCellNode), None)
        if cell.get("nb_element") != "cell_code" or fold is None:
            continue
        source = next(fold.findall(nodes.literal_block)).astext()
        page = "".join(raw.astext() for raw in cell.findall(nodes.raw))
        prints = sum(1 for _ in cell.findall(nodes.literal_block)) > 1
        fold["prompt_show"] = fold["prompt_hide"] = name(source, page, prints)


def visit(self, node: HideCodeCellNode) -> None:
    """MyST-NB's, without the label that hides the name from screen readers."""
    visit_HideCellInput(self, node)
    self.body[self.body.index(SUMMARY, -4)] = "<summary>\n"


def setup(app) -> dict:
    app.add_node(HideCodeCellNode, override=True, html=(visit, depart_HideCellInput))
    app.connect("doctree-resolved", name_folds, priority=950)  # figures have numbers
    return {"parallel_read_safe": True, "parallel_write_safe": True}
