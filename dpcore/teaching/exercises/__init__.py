"""Exercises that answer back: what is wrong, and where to look.

In a notebook, a reader writes a function and hands it over::

    dpcore.exercises.check("3.2", coarsen)
    # 3.2 not yet: your rows do not sum to 1: softmax over clusters, dim=-1
    # ✓ 3.2 edge mass is conserved

How to add a chapter's exercises:

1. ``dpcore/teaching/exercises/chapter_NN.py``: one plain function an exercise, under
   ``@exercise("3.2")``. It gets the reader's function, calls it on inputs of its own
   and raises ``Mistake("what is wrong: where to look")``, or returns a line of praise
   or None. What the reader's function raises, a forgotten return and an argument
   changed in place are reported without you. Compute the expected answer in another
   way than the solution does. Name the typical mistakes: compute what each would
   give and hand them to `expect_close` or `expect_number` as ``mistakes``. Give
   inputs on which a careless answer shows: an empty last group, a value of 0, an
   order that is not sorted, the default dtype.
2. The notebook, per exercise: a markdown cell ``### Exercise 3.2 — title``, a code cell
   with the stub (body ``...  # your code``) and ``dpcore.exercises.check("3.2", f)``,
   a markdown cell with the hint and, in ``<details><summary>Solution</summary>``, one
   ```python block that defines the same function and uses only its arguments and
   what the notebook's import lines bring in.
3. ``tests/mistakes/chapter_NN.py``: ``MISTAKES = {"3.2": [(source, words), ...]}``,
   at least two an exercise: the source of a wrong function (same name) and words
   that the message must contain. ``tests/test_exercises.py`` does the rest.

The mechanism itself is in :mod:`dpcore.teaching.exercises.mechanism`, what a reader
has solved in :mod:`dpcore.teaching.exercises.record`.
"""

from dpcore.teaching.exercises.mechanism import (
    Mistake,
    Verdict,
    case,
    entropy,
    evaluate,
    exercise,
    expect_close,
    expect_number,
    expect_pair,
    expect_tensor,
    known,
)
from dpcore.teaching.exercises.record import check, progress

__all__ = [
    "Mistake",
    "Verdict",
    "case",
    "check",
    "entropy",
    "evaluate",
    "exercise",
    "expect_close",
    "expect_number",
    "expect_pair",
    "expect_tensor",
    "known",
    "progress",
]
