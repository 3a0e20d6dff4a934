"""Every exercise: the stub fails, the solution passes, typical mistakes are named.

What to add for a chapter stands in the docstring of `dpcore.exercises`.
"""

import ast
import json
import re
import runpy
from functools import cache
from pathlib import Path

import nbformat
import numpy as np
import pytest
import torch

import dpcore
import dpcore.teaching.exercises
from dpcore.teaching.exercises import (
    Mistake,
    check,
    evaluate,
    exercise,
    known,
    progress,
)

ROOT = Path(__file__).parents[1]
NOTEBOOKS = sorted((ROOT / "notebooks").glob("[0-9][0-9]_*.ipynb"))
SOLUTION = re.compile(r"<summary>Solution</summary>(.*?)</details>", re.DOTALL)
PYTHON = re.compile(r"```python\n(.*?)```", re.DOTALL)


class Exercise:
    """What a notebook holds of one exercise."""

    def __init__(self, notebook: Path, number: str, name: str, stub: str, space: dict):
        self.notebook, self.number, self.name = notebook, number, name
        self.stub, self.space = stub, space
        self.solutions: list[str] = []
        self.heading = False

    def function(self, source: str):
        space = dict(self.space)
        exec(compile(source, f"<exercise {self.number}>", "exec"), space)
        assert self.name in space, f"{self.number}: defines no {self.name}"
        return space[self.name]


def call_of_check(node: ast.stmt) -> ast.Call | None:
    if not isinstance(node, ast.Expr) or not isinstance(node.value, ast.Call):
        return None
    called = ast.unparse(node.value.func)
    return node.value if called == "dpcore.exercises.check" else None


def read(notebook: Path) -> dict[str, Exercise]:
    """The exercises of a notebook, by number, in order."""
    found: dict[str, Exercise] = {}
    imports, last = ["import torch, numpy as np, dpcore"], None
    headings = set()
    for cell in nbformat.read(notebook, as_version=4).cells:
        if cell.cell_type == "markdown":
            pattern = r"^### Exercise (\d+\.\d+) — \S"
            headings |= set(re.findall(pattern, cell.source, re.MULTILINE))
            for block in SOLUTION.findall(cell.source):
                assert last is not None, f"{notebook.name}: a solution before a check"
                last.solutions += PYTHON.findall(block)
            continue
        if re.search(r"^\s*[%!]", cell.source, re.MULTILINE):
            continue  # the setup cell, or another that is not plain Python
        body = ast.parse(cell.source).body
        kept, calls = [], []
        for node in body:
            if isinstance(node, ast.Import | ast.ImportFrom):
                imports.append(ast.unparse(node))
            call = call_of_check(node)
            calls.append(call) if call else kept.append(node)
        for call in filter(None, calls):
            number, name = call.args[0].value, ast.unparse(call.args[1])
            space: dict = {}
            exec("\n".join(imports), space)
            stub = ast.unparse(ast.Module(kept, []))
            assert number not in found, f"{number} is checked twice"
            last = found[number] = Exercise(notebook, number, name, stub, space)
            last.heading = number in headings
    return found


@cache
def all_exercises() -> dict[str, Exercise]:
    exercises: dict[str, Exercise] = {}
    for notebook in NOTEBOOKS:
        for number, one in read(notebook).items():
            chapter = int(notebook.name[:2])
            assert number.split(".")[0] == str(chapter), f"{number} in {notebook.name}"
            exercises[number] = one
    return exercises


def mistakes() -> dict[str, list[tuple[str, str]]]:
    listed: dict[str, list[tuple[str, str]]] = {}
    for file in sorted((ROOT / "tests" / "mistakes").glob("chapter_[0-9][0-9].py")):
        listed |= runpy.run_path(str(file))["MISTAKES"]
    return listed


def written(number: str) -> bool:
    return any(
        n.name.startswith(f"{int(number.split('.')[0]):02d}_") for n in NOTEBOOKS
    )


NUMBERS = [number for number in known() if written(number)]
CASES = [(number, *case) for number, cases in mistakes().items() for case in cases]


def test_notebooks_and_checkers_hold_the_same_exercises():
    assert list(all_exercises()) == NUMBERS
    for notebook in NOTEBOOKS:
        count = sum(one.notebook == notebook for one in all_exercises().values())
        assert 3 <= count <= 5, f"{notebook.name} has {count} exercises"


@pytest.mark.parametrize("number", NUMBERS)
def test_solution_passes_and_stub_does_not(number):
    one = all_exercises()[number]
    assert one.heading, f"no heading '### Exercise {number} — title' before the stub"
    assert len(one.solutions) == 1, f"{number}: {len(one.solutions)} solutions"
    verdict = evaluate(number, one.function(one.solutions[0]))
    assert verdict.passed, verdict.message
    assert verdict.message.startswith(f"✓ {number} ")
    stub = evaluate(number, one.function(one.stub))
    assert not stub.passed and "returned None" in stub.message, stub.message


@pytest.mark.parametrize("number", NUMBERS)
def test_two_mistakes_at_least_are_named(number):
    assert len(mistakes().get(number, [])) >= 2
    words = [expected for _, expected in mistakes()[number]]
    assert len(set(words)) == len(words), "two mistakes expect the same words"


@pytest.mark.parametrize(("number", "source", "words"), CASES)
def test_mistake_is_named(number, source, words):
    if number in all_exercises():
        function = all_exercises()[number].function(source)
    else:  # the notebook is not there yet: the last function of the source
        space = {"torch": torch, "np": np, "dpcore": dpcore}
        exec(source, space)
        names = [
            n.name for n in ast.parse(source).body if isinstance(n, ast.FunctionDef)
        ]
        function = space[names[-1]]
    verdict = evaluate(number, function)
    assert not verdict.passed
    assert words in verdict.message, verdict.message
    assert "\n" not in verdict.message


# right answers that are not the notebook's own
OTHERS = {
    "9.4": """
def block_loss(edge_index, edge_weight, s, b):
    i, j = edge_index
    a_s = torch.zeros(len(s), s.shape[1]).index_add(0, i, edge_weight[:, None] * s[j])
    pooled, gram = s.T @ a_s, s.T @ s
    last = (b * (gram @ b @ gram)).sum()
    return edge_weight.square().sum() - 2 * (b * pooled).sum() + last
""",
    "5.4": """
def off_diagonal(edge_index, s):
    i, j = edge_index
    ones = torch.ones(len(i))
    a_s = torch.zeros(len(s), s.shape[1]).index_add(0, i, ones[:, None] * s[j])
    everything = (s.T @ s).square().sum() - s.square().sum(1).square().sum()
    return len(i) - 2 * (s * a_s).sum() + everything
""",
    "7.3": """
def by_chance(score, a, b, times):
    return sum(score(a[torch.randperm(len(a))], b) for _ in range(times)) / times
""",
}


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize("number", OTHERS)
def test_another_right_answer_passes_in_either_default_dtype(number, dtype):
    before = torch.get_default_dtype()
    try:
        torch.set_default_dtype(dtype)
        verdict = evaluate(number, all_exercises()[number].function(OTHERS[number]))
    finally:
        torch.set_default_dtype(before)
    assert verdict.passed, verdict.message


@pytest.mark.parametrize("number", NUMBERS)
def test_a_solution_passes_where_float64_is_the_default(number):
    before = torch.get_default_dtype()
    try:
        torch.set_default_dtype(torch.float64)  # as chapters 04 and 05 do
        one = all_exercises()[number]
        verdict = evaluate(number, one.function(one.solutions[0]))
    finally:
        torch.set_default_dtype(before)
    assert verdict.passed, verdict.message


def test_a_reused_shuffle_is_never_taken_for_one_of_both():
    source = """
def by_chance(score, a, b, times):
    order = torch.randperm(len(b))
    return sum(score(a, b[order]) for _ in range(times)) / times
"""
    for seed in range(30):
        torch.manual_seed(seed)
        verdict = evaluate("7.3", all_exercises()["7.3"].function(source))
        assert "always the same order" in verdict.message


# the mechanism


@pytest.fixture
def double(monkeypatch):
    """An exercise 99.1: return a tensor of twice the argument."""
    monkeypatch.setattr("dpcore.teaching.exercises.mechanism._CHECKERS", {})
    known()  # all chapters are loaded already: only what stands below is registered

    @exercise("99.1")
    def checker(function):
        x = torch.tensor([1.0, 2.0])
        want = torch.tensor([2.0, 4.0])
        dpcore.exercises.expect_close(function(x), want, "multiply by 2")

    @exercise("99.2")
    def number(function):
        dpcore.exercises.expect_number(function(), 3.0, "count to three")


@pytest.fixture
def record(tmp_path, monkeypatch):
    path = tmp_path / "folder" / "progress.json"
    monkeypatch.setenv("DPCORE_PROGRESS", str(path))
    return path


@pytest.mark.parametrize(
    ("function", "words"),
    [
        (lambda x: None, "returned None: replace the `...`"),
        (lambda x: ..., "returned ...: replace"),
        (lambda x: x + 1, "at [1] is 3, expected 4: multiply by 2"),
        (lambda x: [2.0, 4.0], "a list, expected a torch tensor"),
        (lambda x: x[:1] * 2, "shape [1], expected [2]"),
        (lambda x: x * float("nan"), "NaN or infinite"),
        (lambda x: x.mul_(2), "changes its argument in place"),
        (lambda x: y, "NameError at `(lambda x: y,"),  # noqa: F821
        (lambda: 1, "keep the arguments as the stub has them"),
        (lambda x: x @ torch.ones(3), "print the shapes just before"),
        (lambda x: {}["a"], "KeyError"),
        (torch.ones(2), "expected your function itself"),
    ],
)
def test_what_goes_wrong_is_one_helpful_line(double, function, words):
    verdict = evaluate("99.1", function)
    assert not verdict.passed and words in verdict.message, verdict.message
    assert verdict.message.startswith("99.1 not yet: ") and "\n" not in verdict.message


def test_right_answers_pass_with_leading_zero_too(double):
    assert evaluate("99.1", lambda x: 2 * x).passed
    assert evaluate("099.1", lambda x: 2 * x).message == "✓ 99.1 right."
    assert evaluate("99.2", lambda: torch.tensor([3])).passed
    assert "expected a number" in evaluate("99.2", lambda: "three").message
    assert "count to three" in evaluate("99.2", lambda: float("nan")).message


@pytest.mark.parametrize("number", ["77.1", "", "1", 1.1, None])
def test_unknown_exercise_lists_the_known_ones(number):
    with pytest.raises(ValueError, match=r"no exercise .*; there are: 1\.1, 1\.2"):
        check(number, lambda: 1)


def test_two_chapters_cannot_own_one_number():
    def stranger(function): ...

    with pytest.raises(ValueError, match="1.1 has a checker in .*chapter_01"):
        exercise("1.1")(stranger)


def test_a_check_leaves_the_random_state_alone(double):
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    evaluate("99.1", lambda x: torch.rand(2))
    assert torch.equal(torch.rand(1), expected)


def test_a_result_that_confuses_the_checker_is_no_traceback(double):
    @exercise("99.3")
    def careless(function):
        return function() + "text"

    @exercise("99.4")
    def talkative(function):
        raise Mistake("one\n  line")

    assert "cannot read your result (TypeError)" in evaluate("99.3", lambda: 1).message
    assert evaluate("99.4", lambda: 1).message == "99.4 not yet: one line"


def test_progress_is_kept_once_and_shown(double, record, capsys):
    check("99.1", lambda x: x)
    assert not record.exists()
    check("99.1", lambda x: 2 * x)
    first = json.loads(record.read_text())["solved"]
    assert list(first) == ["99.1"]
    check("099.1", lambda x: x + x)
    assert json.loads(record.read_text())["solved"] == first
    assert [file.name for file in record.parent.iterdir()] == ["progress.json"]
    capsys.readouterr()
    progress()
    out = capsys.readouterr().out
    assert "chapter 99  ✓ 99.1  · 99.2" in out and f"1 of 2 solved; {record}" in out


@pytest.mark.parametrize("text", ["{half", "[]", '{"solved": [1]}', "\x00"])
def test_damaged_progress_is_reported_and_set_aside(double, record, capsys, text):
    record.parent.mkdir()
    record.write_text(text)
    check("99.1", lambda x: 2 * x)
    out = capsys.readouterr().out
    assert out.startswith("✓ 99.1") and "was damaged" in out
    (aside,) = record.parent.glob("*.damaged-*")
    assert aside.read_text() == text
    assert list(json.loads(record.read_text())["solved"]) == ["99.1"]


def test_progress_that_cannot_be_kept_is_said(double, record, capsys):
    record.parent.write_text("a file where the folder should be")
    check("99.1", lambda x: 2 * x)
    assert "your progress cannot be kept" in capsys.readouterr().out
