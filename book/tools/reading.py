"""Sphinx extension: the directive `reading` makes a table of chapters with the minutes
that they take to read, and those of their exercises, from lines
`file | what you have at the end`.

Minutes are counted, not measured on readers: 180 words a minute, five seconds a line
of code that the page does not fold, a third of a minute a figure. Each exercise says
itself how long it should take.
"""

from __future__ import annotations

import re
from pathlib import Path

from chapters import FOLDED, ROOT, code_cells, read, tags
from docutils import nodes
from docutils.parsers.rst import Directive
from docutils.statemachine import StringList
from nbformat import NotebookNode

WORDS_A_MINUTE, LINES_A_MINUTE, FIGURES_A_MINUTE = 180, 12, 3
PLAY = 20  # minutes with the playground, which has nothing to count

NUMBERS = {"Five": 5, "Ten": 10, "Fifteen": 15, "Twenty": 20}
SAID = re.compile(rf"({'|'.join(NUMBERS)})\s+minutes|(Half\s+an\s+hour)|(an\s+hour)")


def unfolded(book: NotebookNode) -> str:
    """What a chapter says, without hints, solutions and answers."""
    text = " ".join(c.source for c in book.cells if c.cell_type == "markdown")
    return re.sub(r"<details>.*?</details>", "", text, flags=re.DOTALL)


def exercise_minutes(path: Path) -> int:
    """How long a chapter's exercises take, by what each of them says."""
    spent = 0
    for exercise in unfolded(read(path)).split("### Exercise ")[1:]:
        said = SAID.search(exercise)
        if said is None:
            raise ValueError(f"{path.name}: exercise {exercise[:40]!r} says no minutes")
        spent += NUMBERS[said[1]] if said[1] else 30 if said[2] else 60
    return spent


def minutes(path: Path) -> int:
    """How long a chapter takes to read, without its exercises."""
    book = read(path)
    text = unfolded(book)
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
    rows, total, more = [], 0, 0
    for line in lines:
        name, gives = (part.strip() for part in line.split("|", 1))
        path = root / name
        chapter = path.suffix == ".ipynb"
        spent = minutes(path) if chapter else PLAY
        extra = exercise_minutes(path) if chapter else 0
        total, more = total + spent, more + extra
        rows.append(
            f"| [{title(path)}](../{name}) | {spent} | {extra or ''} | {gives} |"
        )
    hours = f"*{total / 60:.1f} hours, and {more / 60:.1f} more for all exercises*"
    return [
        "| chapter | minutes | exercises | what you have at the end |",
        "|---|---:|---:|---|",
        *rows,
        f"| *together* | {total} | {more} | {hours} |",
    ]


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
