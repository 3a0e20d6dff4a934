"""A constant on the pages of the API: the beginning of its value, and no page of it."""

import short_values
from docutils import nodes
from docutils.utils import new_document
from sphinx import addnodes


def test_long_values_are_cut_at_a_comma_and_types_are_left():
    page = new_document("page")
    for parts in ([" = ", f"{{{'1: 2, ' * 40}}}"], [" = ", "{1: 2}"], [": ", "x" * 99]):
        page += addnodes.desc_annotation("", "", *map(nodes.Text, parts))
    short_values.shorten(None, page)
    long, brief, kind = (node.astext() for node in page.children)
    assert len(long) < 80 and long.startswith(" = {1: 2, 1: 2, ")
    assert long.endswith("1: 2, … }")
    assert (brief, kind) == (" = {1: 2}", ": " + "x" * 99)
