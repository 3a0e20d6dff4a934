"""Sphinx extension: the directive `reading` makes a table of chapters with the minutes
that they take to read, from lines `file | what you have at the end`.

A file that is not there yet is left out. Minutes are counted, not measured on readers:
180 words a minute, five seconds a line of code that the page does not fold, a third of
a minute a figure; exercises and folded answers come on top.
"""

from __future__ import annotations

import re
from pathlib import Path

from chapters import FOLDED, ROOT, code_cells, read, tags
from docutils import nodes
from docutils.parsers.rst import Directive
from docutils.statemachine import StringList

WORDS_A_MINUTE, LINES_A_MINUTE, FIGURES_A_MINUTE = 180, 12, 3
PLAY = 20  # minutes with the playground, which has nothing to count


def minutes(path: Path) -> int:
    """How long a chapter takes to read, without its exercises."""
    book = read(path)
    text = " ".join(c.source for c in book.cells if c.cell_type == "markdown")
    text = re.sub(r"<details>.*?</details>", "", text, flags=re.DOTALL)
    shown = [c for c in code_cells(book) if not FOLDED & set(tags(c))]
    code = sum(bool(line.strip()) for c in shown for line in c.source.splitlines())
    pictures = sum(
        "text/html" in out.get("data", {})
        for c in code_cells(book)
        for out in c.outputs
    )
    spent = len(text.split()) / WORDS_A_MINUTE + code / LINES_A_MINUTE
    return round(spent + pictures / FIGURES_A_MINUTE)


def title(path: Path) -> str:
    text = (
        path.read_text("utf-8") if path.suffix == ".md" else read(path).cells[0].source
    )
    return re.search(r"^# (.+)$", text, re.MULTILINE)[1]


def table(lines: list[str], root: Path = ROOT) -> list[str]:
    """The table in Markdown, as a page of the folder book/ has it."""
    rows, total = [], 0
    for line in lines:
        name, gives = (part.strip() for part in line.split("|", 1))
        path = root / name
        if not path.exists():
            continue
        spent = minutes(path) if path.suffix == ".ipynb" else PLAY
        total += spent
        rows.append(f"| [{title(path)}](../{name}) | {spent} | {gives} |")
    hours = f"{total / 60:.1f} hours" if total >= 90 else f"{total} minutes"
    head = ["| chapter | minutes | what you have at the end |", "|---|---:|---|"]
    return [*head, *rows, f"| *together* | {total} | *{hours}, without exercises* |"]


class Reading(Directive):
    has_content = True

    def run(self) -> list[nodes.Node]:
        env = self.state.document.settings.env
        env.note_reread()  # chapters may have grown
        box = nodes.container(classes=["reading"])
        text = StringList(table(list(self.content)), env.docname)
        self.state.nested_parse(text, self.content_offset, box)
        return [box]


def setup(app) -> dict:
    app.add_directive("reading", Reading)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
