"""A constant on the pages of the API: the beginning of its value, and no page of it."""

from typing import NamedTuple

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


def test_fields_of_a_named_tuple_are_not_told_twice():
    class Pair(NamedTuple):
        left: int

        def turned(self):
            """The other way round."""

    assert short_values.skip(None, "class", "left", Pair.left, False, None)
    assert short_values.skip(None, "class", "turned", Pair.turned, False, None) is None


def test_a_value_is_cut_only_if_it_is_too_long_and_closed_as_it_was_opened():
    whole = "x" * short_values.LONGEST
    assert short_values.short(whole) == whole
    assert short_values.short(whole + "y") == f"{whole}, …"
    assert short_values.short(f"frozenset({{{'1, ' * 40}2}})").endswith("1, …")
