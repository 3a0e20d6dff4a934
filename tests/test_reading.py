"""The front page's minutes: what is counted, and what an exercise says of itself."""

from pathlib import Path

import nbformat.v4 as nb
import pytest
import reading


@pytest.fixture
def chapter(tmp_path):
    def chapter(*exercises: str) -> Path:
        words = "# 01 A title\n\n" + "word " * 357
        hidden = "<details>" + "word " * 900 + "an hour</details>"
        words, hidden = words[: -5 * 180], f"{hidden} {'word ' * 180}{hidden}"
        folded = nb.new_code_cell("a = 1\n" * 24, metadata={"tags": ["hide-input"]})
        picture = nb.new_output("display_data", {"text/html": "<figure>"})
        cells = [nb.new_markdown_cell(words + hidden), folded]
        cells += [nb.new_code_cell("a = 1\n\n" * 24, outputs=[picture] * 3)]
        for number, text in enumerate(exercises, 1):
            cells += [nb.new_markdown_cell(f"### Exercise 1.{number} {text}")]
        path = tmp_path / "01_title.ipynb"
        path.write_text(nb.writes(nb.new_notebook(cells=cells)), "utf-8")
        return path

    return chapter


def test_words_open_lines_and_figures_take_time(chapter):
    assert reading.minutes(chapter()) == 2 + 2 + 1


def test_exercises_say_how_long_they_take(chapter):
    path = chapter("Do. Five\nminutes.", "Half an hour.", "Up to an hour.")
    assert reading.exercise_minutes(path) == 5 + 30 + 60
    assert reading.exercise_minutes(chapter("Half an hour.")) == 30
    with pytest.raises(ValueError, match="exercise '1.2 Soon' says no minutes"):
        reading.exercise_minutes(chapter("Ten minutes.", "Soon"))


def test_the_table_adds_up(chapter):
    path = chapter("Twenty minutes.")
    play = path.parent / "play.md"
    play.write_text("# Play\n", "utf-8")
    lines = [f"{path.name} | all of it", f"{play.name} | fun"]
    *_, first, second, last = reading.table(lines, path.parent)
    assert first == "| [01 A title](../01_title.ipynb) | 5 | 20 | all of it |"
    assert second == "| [Play](../play.md) | 20 |  | fun |"
    assert last.startswith("| *together* | 25 | 20 | *0.4 hours, and 0.3 more")
