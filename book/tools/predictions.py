"""Predictions: a question before a result, in a form that Jupyter, the page and the
tests read alike. As a Sphinx extension it lists them all with the directive
`predictions`; book/_static/predictions.js makes them answerable in the page.

A prediction is one markdown cell:

    **Prediction 1.1.** The question, in one paragraph.

    1. a choice
    2. another one

    <details><summary>Answer</summary>

    **2.** Why this one is right.

    - **1:** Why this one is not.

    </details>

Every choice that is wrong has its reason. A question without choices asks for a number:
its answer is the number, `**6.**` or `**2.16 ± 0.2.**`, and the list names the numbers
that people say instead, each with the reason.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from chapters import ROOT, paths, read
from docutils import nodes
from docutils.parsers.rst import Directive

_FORM = re.compile(
    r"\*\*Prediction (?P<number>\d+\.\d+)\.\*\* (?P<question>.+?)\n\n"
    r"(?P<choices>(?:\d\. .+\n(?:   .+\n)*)*)\n*"
    r"<details><summary>Answer</summary>\n\n"
    r"\*\*(?P<right>[^*]+)\.\*\* (?P<why>.+?)\n\n"
    r"(?P<wrong>(?:- \*\*[^*]+:\*\* .+\n)+)\n"
    r"</details>\n*",
    re.DOTALL,
)


@dataclass(frozen=True)
class Prediction:
    """One question: `choices` is empty where it asks for a number."""

    number: str
    question: str
    choices: tuple[str, ...]
    right: str
    wrong: dict[str, str]


def parse(source: str) -> Prediction | None:
    """The prediction that a markdown cell holds, or None.

    Raises:
        ValueError: if it begins like one and has another form.

    >>> parse("Only text.")
    """
    if not source.startswith("**Prediction "):
        return None
    found = _FORM.fullmatch(source + "\n")
    if not found:
        raise ValueError(f"not the form of a prediction: {source[:60]!r} …")
    choices = re.findall(r"^\d\. (.+)$", found["choices"], re.MULTILINE)
    wrong = dict(re.findall(r"^- \*\*([^*]+):\*\* (.+)$", found["wrong"], re.MULTILINE))
    question = " ".join(found["question"].split())
    return Prediction(found["number"], question, tuple(choices), found["right"], wrong)


def of_notebook(path: Path) -> list[Prediction]:
    cells = [cell.source for cell in read(path).cells if cell.cell_type == "markdown"]
    return list(filter(None, map(parse, cells)))


class Listing(Directive):
    """All predictions, a list a chapter, with the places where they stand."""

    def run(self) -> list[nodes.Node]:
        env, found = self.state.document.settings.env, []
        for path in paths(ROOT):
            env.note_dependency(str(path))
            asked = of_notebook(path)
            if not asked:
                continue
            title = read(path).cells[0].source.split("\n")[0].removeprefix("# ")
            found.append(nodes.rubric("", title))
            rows = nodes.bullet_list(classes=["predictions"])
            for one in asked:
                place = f"../notebooks/{path.stem}.html#{_anchor(one.number)}"
                link = nodes.reference("", one.number, refuri=place)
                text = nodes.paragraph("", "", link, nodes.Text(" "))
                text += list(_inline(one.question))
                rows += nodes.list_item("", text, ids=[f"asked-{_anchor(one.number)}"])
            found.append(rows)
        return found


def _anchor(number: str) -> str:
    return f"prediction-{number.replace('.', '-')}"


def _inline(text: str) -> Iterator[nodes.Node]:
    """One line of Markdown with formulas, code and emphasis, no more."""
    kinds = {"$": nodes.math, "`": nodes.literal, "*": nodes.emphasis}
    for part in re.split(r"(\$[^$]+\$|`[^`]+`|\*[^*]+\*)", text):
        if part[:1] in kinds and part.endswith(part[0]) and len(part) > 2:
            yield kinds[part[0]]("", part[1:-1])
        elif part:
            yield nodes.Text(part)


def add_anchors(app, doctree: nodes.document) -> None:
    """A place to link to at every prediction of a chapter."""
    for paragraph in doctree.findall(nodes.paragraph):
        found = re.match(r"Prediction (\d+\.\d+)\. ", paragraph.astext())
        if found and paragraph.next_node(nodes.strong):
            paragraph["ids"].append(_anchor(found[1]))


def setup(app) -> dict:
    app.add_directive("predictions", Listing)
    app.connect("doctree-read", add_anchors)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
