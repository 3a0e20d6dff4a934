"""Sphinx extension: a line never ends between a number and what it belongs to, as
'28 s', '100 %', '10 000', 'n × n' and 'chapter 08'."""

from __future__ import annotations

import re

from docutils import nodes

NO_BREAK = "\N{NO-BREAK SPACE}"
UNITS = "s|ms|µs|GB|MB|kB|GiB|MiB|KiB|px|nats?|points?|percent|nodes|cores|minutes"
NAMES = "[Cc]hapters?|[Ff]igures?|Tables?|entry|erratum|issue|[Ee]xercise|[Ss]tep|sd"
TIED = re.compile(
    rf"(?<=\d) (?=(?:{UNITS})\b|%|\d{{3}}\b)"
    rf"|(?<=\w) (?=[×±=<>≈] ?[−\w])|(?<=\w [×±=<>≈]) (?=[−\w])"
    rf"|\b(?:{NAMES}) (?=\d)"
)
LAST = re.compile(rf"\b(?:{NAMES}) $")
VERBATIM = (nodes.literal, nodes.math, nodes.FixedTextElement)


def tied(text: str) -> str:
    """The text with spaces that do not break.

    >>> tied("28 s and 735 MiB, chapter 08").replace(NO_BREAK, "~")
    '28~s and 735~MiB, chapter~08'
    >>> tied("100 % of 10 000 n × n boxes, 3 ± 1").replace(NO_BREAK, "~")
    '100~% of 10~000 n~×~n boxes, 3~±~1'
    >>> tied("Fisher's exact test: p = 0.001").replace(NO_BREAK, "~")
    "Fisher's exact test: p~=~0.001"
    """
    return TIED.sub(lambda found: found[0].replace(" ", NO_BREAK), text)


def tie(app, doctree: nodes.document, docname: str) -> None:
    for text in list(doctree.findall(nodes.Text)):
        if isinstance(text.parent, VERBATIM):
            continue
        new = tied(text)
        after = text.next_node(nodes.reference, descend=False, siblings=True)
        if LAST.search(new) and after is not None and after.astext()[:1].isdigit():
            new = new[:-1] + NO_BREAK
        if new != text:
            text.parent.replace(text, nodes.Text(new))


def setup(app) -> dict:
    app.connect("doctree-resolved", tie, priority=950)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
