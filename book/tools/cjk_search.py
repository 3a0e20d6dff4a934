"""Sphinx extension: search finds Korean and Chinese words inside longer ones.

Sphinx's index has one entry for a run of letters, and 簇分配矩阵 is one run: there is
no space between its words. The search page looks for three letters or more inside the
entries, but takes one or two only as a whole entry. So the index gets those as well:
every letter, and every two neighbours, of a run of Hangul or Chinese characters.
"""

from __future__ import annotations

import re

from sphinx.search.en import SearchEnglish

_RUN = re.compile(r"[\u3400-\u9fff\uac00-\ud7a3]+")  # Chinese characters, Hangul


class EnglishAndCJK(SearchEnglish):
    """English as Sphinx has it, and Korean and Chinese by parts of their words.

    >>> EnglishAndCJK({}).split("S, the 簇分配")
    ['S', 'the', '簇分配', '簇', '分', '配', '簇分', '分配']
    """

    def split(self, input: str) -> list[str]:
        parts = []
        for run in _RUN.findall(input):
            parts += [*run, *map("".join, zip(run, run[1:], strict=False))]
        return [*super().split(input), *parts]


def setup(app) -> dict:
    app.add_search_language(EnglishAndCJK)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
