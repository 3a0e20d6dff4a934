"""The rules that every notebook of the book keeps, and how nbval treats real data."""

import json
import os
import re
import statistics
import subprocess
import sys
from pathlib import Path

import chapters
import execute
import nbformat
import predictions
import pytest
import yaml
from bs4 import BeautifulSoup

import dpcore

ROOT = chapters.ROOT
PATHS = chapters.paths()
LIMIT_SECONDS = 120
# MyST's own syntax, which Jupyter, Colab and GitHub show raw.
MYST = re.compile(
    r"^ *(```+|:::+) *\{"  # a directive
    r"|(?<!`)\{[\w:+-]+\}`(?=[^`\s])"  # a role
    r"|^\([\w-]+\)=$",  # a label
    re.MULTILINE,
)

every_notebook = pytest.mark.parametrize("path", PATHS, ids=lambda path: path.stem)
every_chapter = pytest.mark.parametrize(
    "path", [p for p in PATHS if chapters.is_chapter(p)], ids=lambda path: path.stem
)


def lines(cell) -> int:
    return sum(bool(line.strip()) for line in cell.source.splitlines())


def prints_text(cell) -> bool:
    """Whether a reader sees text under the cell: a stream, or a value without image."""
    return any(
        out.output_type == "stream"
        or "text/plain" in out.get("data", {})
        and not {"text/html", "image/png"} & set(out.data)
        for out in cell.outputs
    )


def markdown(book) -> list[str]:
    return [cell.source for cell in book.cells if cell.cell_type == "markdown"]


def test_the_book_has_exactly_these_notebooks():
    toc = yaml.safe_load((ROOT / "_toc.yml").read_text())
    files = [chapter["file"] for part in toc["parts"] for chapter in part["chapters"]]
    listed = [f for f in files if f.startswith("notebooks/")]
    assert sorted(listed) == [f"notebooks/{path.stem}" for path in PATHS]
    numbers = [path.stem[:2] for path in PATHS if chapters.is_chapter(path)]
    assert [name[10:12] for name in listed[: len(numbers)]] == numbers
    assert numbers == sorted(set(numbers)) and len(numbers) >= 12


@every_notebook
def test_it_begins_with_a_title_and_the_setup_cell(path):
    book = chapters.read(path)
    assert re.match(r"# \S", book.cells[0].source)
    first = chapters.code_cells(book)[0]
    assert first.source == chapters.setup_cell(chapters.address())


@every_notebook
def test_its_text_is_plain_markdown(path):
    for source in markdown(chapters.read(path)):
        without_code = re.sub(r"^```(?!\{).*?^```", "", source, flags=re.M | re.S)
        found = MYST.search(without_code)
        assert not found, f"MyST syntax in a notebook: {found[0]!r}"


@every_notebook
def test_no_formula_shows_its_backslash(path):
    """MathJax prints what stands in a \\text as it is; \\mathtt knows an underscore."""
    for source in markdown(chapters.read(path)):
        assert not re.search(r"\\text\{[^}]*\\_", source), "write \\mathtt{a\\_name}"


@pytest.mark.parametrize(
    "text", ["```{note}\nx\n```", "see {ref}`x`", ":::{tip}\nx\n:::", "(label)=\n# T"]
)
def test_the_rule_knows_myst_syntax(text):
    assert MYST.search(text)
    assert not MYST.search("```python\nx = {'a': 1}\n```\n$\\frac{a}{b}$ `{x}`")


@every_notebook
def test_it_is_committed_as_it_ran(path):
    cells = chapters.code_cells(chapters.read(path))
    assert [c.execution_count for c in cells] == list(range(1, len(cells) + 1))
    errors = [o.ename for c in cells for o in c.outputs if o.output_type == "error"]
    assert not errors
    assert not [o.text for c in cells for o in c.outputs if o.get("name") == "stderr"]
    printed = json.dumps([c.outputs for c in cells])
    assert "fallback" not in printed.lower()
    assert not re.search(r"(?<![\w.])-0\.0+(?![\d.e])", printed), "-0.0: write :z.1f"
    assert not re.search(r"(?<![\w.])/(work|root|home|Users|tmp)/", printed)


@every_notebook
def test_its_cells_are_short_and_explained(path):
    book = chapters.read(path)
    sizes = [lines(cell) for cell in chapters.code_cells(book)]
    assert statistics.median(sizes) <= 8
    assert max(sizes) <= 25
    assert len(markdown(book)) >= len(sizes)
    wide = [
        line
        for cell in chapters.code_cells(book)[1:]
        for line in cell.source.splitlines()
        if len(line) > 78
    ]
    assert not wide


@every_notebook
def test_most_of_what_it_prints_is_compared(path):
    cells = chapters.code_cells(chapters.read(path))[1:]
    printing = [cell for cell in cells if prints_text(cell)]
    compared = [cell for cell in printing if chapters.COMPARED in chapters.tags(cell)]
    assert len(compared) >= 0.6 * len(printing)


@every_notebook
def test_machinery_is_folded_in_the_page(path):
    setup, *rest = chapters.code_cells(chapters.read(path))
    assert "hide-cell" in chapters.tags(setup)
    for cell in rest:
        rich = any("text/html" in out.get("data", {}) for out in cell.outputs)
        imports = cell.source.startswith(("import ", "from ")) and not cell.outputs
        folded = chapters.FOLDED & set(chapters.tags(cell))
        assert folded or not (rich or imports), cell.source
        assert "NBVAL" not in cell.source, "nbval reads the tag, not a comment"
        assert set(chapters.tags(cell)) <= chapters.TAGS


@every_notebook
def test_its_pictures_have_descriptions(path):
    for cell in chapters.code_cells(chapters.read(path)):
        for out in cell.outputs:
            data = out.get("data", {})
            assert not {"image/png", "image/svg+xml"} & set(data), "use plots.show"
            page = BeautifulSoup("".join(data.get("text/html", "")), "html.parser")
            for image in page.find_all("img"):
                assert len(image.get("alt", "")) >= 20, "a picture without description"


@every_notebook
def test_its_pictures_are_drawn_for_the_night_too(path):
    for cell in chapters.code_cells(chapters.read(path)):
        for out in cell.outputs:
            page = "".join(out.get("data", {}).get("text/html", ""))
            images = BeautifulSoup(page, "html.parser").find_all("img")
            dark = ["by-night" in image.get("class", []) for image in images]
            assert dark == [False, True] * (len(images) // 2)


@every_chapter
def test_every_exercise_has_stub_hint_and_solution(path):
    book = chapters.read(path)
    text = "\n".join(cell.source for cell in book.cells)
    titles = re.findall(r"^### Exercise (\d+\.\d+) ", text, re.MULTILINE)
    assert 3 <= len(titles) <= 5
    for title, rest in zip(
        titles, re.split(r"^### Exercise ", text, flags=re.M)[1:], strict=True
    ):
        assert rest.startswith(title) and int(title.split(".")[0]) == int(path.stem[:2])
        assert "# your code" in rest, f"{title} has no stub"
        assert f'check("{title}", ' in rest, f"{title} is not checked"
        for summary in ("Hint", "Solution"):
            assert f"<summary>{summary}</summary>" in rest, f"{title}: no {summary}"
        solution = rest[rest.index("<summary>Solution</summary>") :]
        assert len(re.findall(r"^```python$", solution, re.MULTILINE)) == 1


@every_chapter
def test_it_asks_before_it_shows(path):
    asked = predictions.of_notebook(path)
    chapter = int(path.stem[:2])
    assert [one.number for one in asked] == [
        f"{chapter}.{i}" for i in range(1, len(asked) + 1)
    ]
    assert 3 <= len(asked) <= 5
    for one in asked:
        if one.choices:
            others = {str(i) for i in range(1, len(one.choices) + 1)} - {one.right}
            assert set(one.wrong) == others, f"{one.number}: a reason for each"
        else:
            assert re.fullmatch(r"[\d.]+( ± [\d.]+)?", one.right)
            assert one.right not in one.wrong and len(one.wrong) >= 2
        assert all(len(reason) > 15 for reason in one.wrong.values())


RIGHT_FORM = """\
**Prediction 1.1.** How
many?

1. one
2. two

<details><summary>Answer</summary>

**2.** Two.

- **1:** No.

</details>"""


def test_the_form_of_a_prediction():
    one = predictions.parse(RIGHT_FORM)
    assert one.question == "How many?" and one.choices == ("one", "two")
    assert one.right == "2" and one.wrong == {"1": "No."}
    number = RIGHT_FORM.replace("1. one\n2. two\n\n", "").replace(
        "**2.**", "**2 ± 1.**"
    )
    assert predictions.parse(number).right == "2 ± 1"
    assert predictions.parse("Text.") is None
    for broken in ("<summary>Hint", "**Prediction 1.1:**", "**2** Two"):
        wrong = RIGHT_FORM.replace(broken.replace("Hint", "Answer"), broken)
        wrong = wrong.replace("1.1.**", "1.1:**") if "1.1:" in broken else wrong
        wrong = wrong.replace("**2.** Two", broken) if "Two" in broken else wrong
        with pytest.raises(ValueError, match="not the form of a prediction"):
            predictions.parse(wrong)


def test_the_status_page_is_the_same_from_a_run_and_from_its_kept_record():
    run = execute.load_records()["claims"]
    turned = run | {"datasets": dict(reversed(run["datasets"].items()))}
    assert len(turned["datasets"]) > 1 and turned == run
    page = execute.status_page({"claims": turned})
    assert page == execute.status_page({"claims": run})


def test_the_status_page_tells_of_every_notebook():
    records = execute.load_records()
    assert sorted(records) == [path.stem for path in PATHS]
    assert (ROOT / "book" / "status.md").read_text() == execute.status_page(records)
    for name, run in records.items():
        assert run["seconds"] <= LIMIT_SECONDS, f"{name} took {run['seconds']} s"
        assert all(run["datasets"].values()), f"{name}: made on fallback data"
        named = chapters.named_datasets(chapters.read(ROOT / f"notebooks/{name}.ipynb"))
        assert sorted(run["datasets"]) == sorted(named)


# --- real data ---------------------------------------------------------------------

# Stands in for dpcore, so that a run does not have to import torch.
DATA_HERE = """
import sys, types

class DatasetUnavailable(Exception): pass

def load_dataset(name):
    if name == "GONE":
        raise DatasetUnavailable(name + " is not here")
    if name == "BROKEN":
        raise ValueError("BROKEN is corrupt")

package = types.ModuleType("dpcore")
package.load_dataset, package.DatasetUnavailable = load_dataset, DatasetUnavailable
sys.modules["dpcore"] = package
"""


def run_nbval(folder: Path, books: dict[str, list[tuple]], options=()) -> str:
    """nbval over small notebooks with our conftest; pytest's whole output.

    Each cell is (source, committed text, tags). The data set GONE cannot be loaded,
    BROKEN is corrupt; all others are there.
    """
    for name, cells in books.items():
        book = nbformat.v4.new_notebook()
        for number, (source, text, tags) in enumerate(cells, start=1):
            cell = nbformat.v4.new_code_cell(source, execution_count=number)
            cell.metadata.tags = tags
            if text:
                cell.outputs = [
                    nbformat.v4.new_output("stream", name="stdout", text=text)
                ]
            book.cells.append(cell)
        nbformat.write(book, folder / f"{name}.ipynb")
    (folder / "data_here.py").write_text(DATA_HERE)
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-v", "-p", "data_here", "-p", "conftest"]
        + ["--nbval-lax", "-c", "/dev/null", "--rootdir", str(folder)]
        + [*(f"{name}.ipynb" for name in books), *options],
        cwd=folder,
        env={
            **os.environ,
            "PYTHONPATH": f"{folder}:{ROOT}:{ROOT / 'book' / 'tools'}",
        },
        capture_output=True,
        text=True,
    )
    return result.stdout + result.stderr


COMPARED = [chapters.COMPARED]
TAG = [chapters.COMPARED, chapters.REAL_DATA]


def loads(*names: str) -> tuple:
    calls = [f'load_dataset(\n    "{name}")' for name in names]
    return "\n".join(["def load_dataset(name): ...", *calls]), "", []


def prints(committed: str, tags=TAG) -> tuple:
    return "print(188)", f"{committed}\n", tags


BOOKS = {
    "real": [loads("PROTEINS"), prints("1113"), prints("188")],
    "gone": [loads("GONE"), prints("1"), ("1 / 0", "", TAG), prints("1", COMPARED)],
    "one_of_two": [loads("PROTEINS", "GONE"), prints("1")],
    "corrupt": [loads("BROKEN"), prints("188")],
    "nameless": [prints("188")],
    "own": [("import os; print(os.environ['OMP_NUM_THREADS'])", "1\n", COMPARED)],
}
TELL = """def pytest_terminal_summary(terminalreporter, config):
    terminalreporter.write_line(f"limit {config.option.nbval_cell_timeout}")
"""


@pytest.fixture(scope="module")
def said(tmp_path_factory) -> str:
    """One run over them all: most of a run is starting it."""
    folder = tmp_path_factory.mktemp("small")
    (folder / "tell.py").write_text(TELL)
    return run_nbval(folder, BOOKS, ["-p", "tell"])


@pytest.fixture(scope="module")
def outcomes(said) -> dict[str, list[str]]:
    """Of every notebook, PASSED, FAILED or ERROR for each of its cells."""
    found = re.findall(r"^(\w+)::ipynb::Cell \d+ ([A-Z]+)", said, re.MULTILINE)
    return {name: [out for book, out in found if book == name] for name in BOOKS}


def test_with_the_real_data_a_wrong_output_fails(outcomes):
    assert outcomes["real"] == ["PASSED", "FAILED", "PASSED"]


def test_on_the_fallback_it_is_executed_but_not_compared(said, outcomes):
    """Errors, and cells without the tag, still count."""
    assert outcomes["gone"] == ["PASSED", "PASSED", "FAILED", "FAILED"]
    assert "gone.ipynb: no real GONE; 2 cells executed, their output not" in said
    assert "real.ipynb: no real" not in said


def test_one_missing_data_set_of_two_is_enough(said, outcomes):
    assert outcomes["one_of_two"] == ["PASSED", "PASSED"]
    assert "one_of_two.ipynb: no real GONE; 1 cells executed" in said


def test_corrupt_data_is_an_error_not_a_fallback(said, outcomes):
    assert outcomes["corrupt"] == ["PASSED", "ERROR"]
    assert "BROKEN is corrupt" in said


def test_a_real_data_cell_must_name_its_data(said, outcomes):
    assert outcomes["nameless"] == ["ERROR"]
    assert 'nameless.ipynb: a real-data cell, but no load_dataset("NAME")' in said


def test_the_time_limit_and_the_threads_are_the_projects_own(said, outcomes):
    assert "limit 600" in said and outcomes["own"] == ["PASSED"]


def test_a_cell_has_a_time_limit_that_fails_with_its_name(tmp_path):
    cells = [("import time", "", []), ("time.sleep(600)", "", []), ("1", "", [])]
    options = ["--nbval-cell-timeout=3", "-rf"]
    out = run_nbval(tmp_path, {"slow": cells}, options)
    assert "1 failed" in out, out
    assert "FAILED slow.ipynb::Cell 1" in out
    assert "Timeout of 3 seconds exceeded" in out


def test_only_unavailable_counts_as_not_there(monkeypatch):
    def raises(error):
        def load_dataset(name):
            raise error

        chapters.is_available.cache_clear()
        monkeypatch.setattr(dpcore, "load_dataset", load_dataset, raising=False)

    try:
        raises(dpcore.DatasetUnavailable("nothing answered"))
        assert not chapters.is_available("PROTEINS")
        raises(dpcore.DatasetCorrupt("half an archive"))
        with pytest.raises(dpcore.DatasetCorrupt):
            chapters.is_available("PROTEINS")
    finally:
        chapters.is_available.cache_clear()


# --- make execute -------------------------------------------------------------------


def small_notebook(folder: Path, *sources: str) -> Path:
    book = nbformat.v4.new_notebook(
        cells=[nbformat.v4.new_code_cell(source) for source in sources],
        metadata={"kernelspec": {"name": "python3", "display_name": "Python 3"}},
    )
    path = folder / "01_small.ipynb"
    nbformat.write(book, path)
    return path


TWICE = "import time\nprint(42, flush=True)\ntime.sleep(0.5)\nprint(43)"
"""Prints in two parts, as all cells do on a busy machine."""


def test_execute_writes_outputs_and_measures(tmp_path):
    path = small_notebook(tmp_path, "big = bytearray(300 * 2**20)", TWICE)
    run = execute.execute(path)
    book = chapters.read(path)
    assert [cell.execution_count for cell in book.cells] == [1, 2]
    (printed,) = book.cells[1].outputs
    assert printed.text == "42\n43\n"
    assert run["peak_mib"] > 300 and 0 < run["seconds"] < 60
    assert run["datasets"] == {} and run["packages"]["torch"]


def test_a_notebook_that_fails_keeps_its_outputs(tmp_path, monkeypatch, capsys):
    path = small_notebook(tmp_path, "print(1)", "1 / 0")
    before = path.read_bytes()
    monkeypatch.setattr(execute, "paths", lambda: [path])
    monkeypatch.setattr(execute, "RESULTS", tmp_path / "execution.json")
    monkeypatch.setattr(execute, "STATUS", tmp_path / "status.md")
    monkeypatch.setattr(sys, "argv", ["execute"])
    assert execute.main() == 1
    assert path.read_bytes() == before
    assert "01_small failed" in capsys.readouterr().out
    assert [p.name for p in tmp_path.iterdir()] == ["01_small.ipynb"]


@pytest.mark.parametrize("busy, seconds", [(True, 7.0), (False, 0.5)])
def test_a_busy_machine_leaves_the_seconds_as_they_were(
    tmp_path, monkeypatch, busy, seconds
):
    one = dict(peak_mib=1, date="2026-11-29", python="3", packages={}, machine="m")
    before = one | dict(seconds=7.0, datasets={"MUTAG": True})
    results = tmp_path / "execution.json"
    results.write_text(json.dumps({"01_small": before}))
    monkeypatch.setattr(execute, "paths", lambda: [tmp_path / "01_small.ipynb"])
    monkeypatch.setattr(
        execute, "execute", lambda path: one | dict(seconds=0.5, datasets={})
    )
    monkeypatch.setattr(execute, "RESULTS", results)
    monkeypatch.setattr(execute, "STATUS", tmp_path / "status.md")
    load = 1.5 * os.cpu_count() if busy else 0.0
    monkeypatch.setattr(os, "getloadavg", lambda: (load, 0.0, 0.0))
    monkeypatch.setattr(sys, "argv", ["execute"])
    assert execute.main() == 0
    after = json.loads(results.read_text())["01_small"]
    assert after["seconds"] == seconds and after["datasets"] == {}
