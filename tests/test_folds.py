"""What a folded cell is called, and which spaces of a page do not break."""

import pytest
from docutils import nodes
from docutils.utils import new_document
from folds import name
from ties import NO_BREAK, tie, tied


@pytest.mark.parametrize(
    "source, page, prints, called",
    [
        ("import torch\nA = 1", "", False, "code: imports"),
        ("def f():\n    pass\n\ndef g():\n    pass", "", False, "code: f(), g()"),
        ("a, b = 1, 2\nb = a", "", False, "code: a, b"),
        ("f()", "", True, "code of this output"),
        ("f()", "<table></table>", False, "code of this output"),
        ("%pip install x\nprint", "", False, "code"),
        (
            "def f():\n    pass\nf()",
            "<figcaption><strong>Figure 7.11.</strong>",
            True,
            "code of Figure 7.11",
        ),
    ],
)
def test_a_fold_says_what_is_in_it(source, page, prints, called):
    assert name(source, page, prints) == called


def test_the_setup_cell_says_so():
    from chapters import setup_cell

    told = "code: install and import dpcore"
    assert name(setup_cell("https://example.org/book"), "", True) == told


@pytest.mark.parametrize(
    "text, shown",
    [
        ("in 28 s, at 735 MiB", "in 28~s, at 735~MiB"),
        ("3 ± 1 points", "3~±~1~points"),
        ("100 % of n × n", "100~% of n~×~n"),
        ("10 000 nodes in 3 sets", "10~000~nodes in 3 sets"),
        ("see chapter 08 and Figure 3.2", "see chapter~08 and Figure~3.2"),
        ("2 smiles, 4 single", "2 smiles, 4 single"),
    ],
)
def test_what_belongs_to_a_number_stays_with_it(text, shown):
    assert tied(text) == shown.replace("~", NO_BREAK)


def test_a_linked_number_is_tied_and_code_is_not():
    page = new_document("page")
    paragraph = nodes.paragraph()
    paragraph += [
        nodes.Text("read chapter "),
        nodes.reference("", "08", refuri="08.html"),
        nodes.Text(" or the entry "),
        nodes.literal("", "5 s"),
    ]
    page += paragraph
    tie(None, page, "page")
    read, _, entry, code = (node.astext() for node in paragraph.children)
    assert read == f"read chapter{NO_BREAK}"
    assert (entry, code) == (" or the entry ", "5 s")
