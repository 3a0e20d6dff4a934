"""Sphinx extension: the directive `{leaderboard}` puts all measured cells on its page,
fold by fold, and leaderboard.csv beside it.

    python book/tools/leaderboard.py > leaderboard.csv

writes the same file by hand. Both are made from the records in book/results.
"""

from __future__ import annotations

import sys
from pathlib import Path

from docutils import nodes
from docutils.parsers.rst import Directive

from dpcore.experiments.tables import (
    SCHEMA,
    leaderboard,
    leaderboard_csv,
    leaderboard_html,
)

RESULTS = "book/results"
CSV = "leaderboard.csv"


class Leaderboard(Directive):
    """The table, the link to the CSV and what its columns hold."""

    def run(self) -> list[nodes.Node]:
        env = self.state.document.settings.env
        env.note_reread()  # the records may have grown
        rows = leaderboard(Path(env.srcdir) / RESULTS)
        link = f'<a href="{CSV}" download>Download all of it as CSV</a>'
        link = f"<p>{link}. Its columns:</p>"
        table = nodes.raw("", leaderboard_html(rows) + link, format="html")
        return [table, _schema()]


def _schema() -> nodes.definition_list:
    """What every column of the CSV holds; the ten folds as one entry."""
    columns = {name: text for name, text in SCHEMA.items() if "fold_" not in name}
    columns["fold_0 … fold_9"] = SCHEMA["fold_0"].replace("fold 0", "the fold")
    entries = nodes.definition_list()
    for name, text in columns.items():
        term = nodes.term("", "", nodes.literal("", name))
        meaning = nodes.definition("", nodes.paragraph("", text))
        entries += nodes.definition_list_item("", term, meaning)
    return entries


def write_csv(app, error: Exception | None) -> None:
    if error is None and app.builder.format == "html":
        rows = leaderboard(Path(app.srcdir) / RESULTS)
        path = Path(app.outdir) / "book" / CSV
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(leaderboard_csv(rows), encoding="utf-8")


def setup(app) -> dict:
    app.add_directive("leaderboard", Leaderboard)
    app.connect("build-finished", write_csv)
    return {"parallel_read_safe": True, "parallel_write_safe": True}


if __name__ == "__main__":
    sys.stdout.write(leaderboard_csv(leaderboard(RESULTS)))
