"""The publisher's address: stored once, copied everywhere, or nothing changes."""

import json
import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace

import book_address
import chapters
import measured
import publish_url
import pytest
from bs4 import BeautifulSoup

ROOT = chapters.ROOT
GITHUB = "https://github.com/you/diffpool-book"


def write_notebook(path: Path, source: str, **more) -> None:
    cell = dict(cell_type="code", id="a", metadata={}, outputs=[], execution_count=None)
    text = dict(cell_type="markdown", id="b", metadata={}, source=["# Graph – 그래프"])
    book = dict(
        cells=[text, cell | {"source": source.splitlines(keepends=True)}],
        metadata={
            "kernelspec": {"name": "python3", "display_name": "Python 3"},
            "language_info": {"name": "python"},
        },
        nbformat=4,
        nbformat_minor=5,
    )
    content = json.dumps(book | more, indent=1, ensure_ascii=False) + "\n"
    path.write_text(content, encoding="utf-8")


@pytest.fixture
def project(tmp_path):
    """The files that hold the address, with two small notebooks."""
    for name in ("_config.yml", "README.md", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path / name)
    (tmp_path / "notebooks").mkdir()
    for name in ("01_one", "02_two"):
        write_notebook(tmp_path / f"notebooks/{name}.ipynb", chapters.setup_cell())
    publish_url.main([""], tmp_path)
    return tmp_path


def contents(project: Path) -> dict[str, bytes]:
    return {
        str(p.relative_to(project)): p.read_bytes()
        for p in sorted(project.rglob("*"))
        if p.is_file()
    }


def first_cells(project: Path) -> list[str]:
    books = map(chapters.read, chapters.paths(project))
    return [chapters.code_cells(book)[0].source for book in books]


def test_an_address_reaches_config_notebooks_and_readme(project):
    assert publish_url.main([GITHUB], project) == 0
    assert chapters.address(project) == GITHUB
    assert first_cells(project) == [chapters.setup_cell(GITHUB)] * 2
    readme = (project / "README.md").read_text()
    assert (
        "https://colab.research.google.com/github/you/diffpool-book/blob/main/"
        "notebooks/01_one.ipynb" in readme
    )
    assert (project / "_config.yml").read_text().count(GITHUB) == 1


def test_an_index_gets_absolute_links_and_the_projects_address(project):
    relative = re.compile(r"\]\((?!https?:|#)[^)]*\)")
    before = (project / "README.md").read_text()
    assert relative.search(before)
    assert publish_url.main([GITHUB], project) == 0
    readme = (project / "README.md").read_text()
    assert not relative.search(readme)
    assert f"({GITHUB}/raw/main/book/_static/coarsened.png)" in readme
    assert f"({GITHUB}/blob/main/.github/workflows/ci.yml)" in readme
    urls = tomllib.loads((project / "pyproject.toml").read_text())["project"]["urls"]
    assert urls == {"Homepage": GITHUB, "Repository": GITHUB}
    publish_url.main(["https://gitlab.com/other/place"], project)
    assert publish_url.main([""], project) == 0
    assert (project / "README.md").read_text() == before
    urls = tomllib.loads((project / "pyproject.toml").read_text())["project"]["urls"]
    assert urls == {}


def test_twice_is_once_and_empty_takes_all_out(project):
    before = contents(project)
    publish_url.main([GITHUB], project)
    once = contents(project)
    assert once != before
    publish_url.main([GITHUB], project)
    assert contents(project) == once
    publish_url.main(["https://gitlab.com/other/place"], project)
    assert not any(GITHUB.encode() in text for text in contents(project).values())
    publish_url.main([""], project)
    assert contents(project) == before


def test_a_local_clone_is_an_address_without_colab(project):
    assert publish_url.main(["file:///srv/books/diffpool"], project) == 0
    assert first_cells(project)[0].count('"file:///srv/books/diffpool"') == 1
    assert "colab.research" not in (project / "README.md").read_text()
    assert "file:///srv/books/diffpool/" not in (project / "README.md").read_text()
    metadata = tomllib.loads((project / "pyproject.toml").read_text())
    assert metadata["project"]["urls"] == {}  # setuptools refuses a file's address


@pytest.mark.parametrize(
    "url",
    [
        "github.com/you/book",
        "http://github.com/you/book",
        "git@github.com:you/book.git",
        "https://github.com/you",
        "https://github.com/you/book/tree/main",
        'https://example.org/a"; import os; "',
        "https://example.org/a b",
        "https://example.org/a\nb",
        "file://relative/path/../x y",
        "javascript:alert(1)",
    ],
)
def test_what_is_no_address_changes_nothing(project, url, capsys):
    before = contents(project)
    assert publish_url.main([url], project) == 2
    assert contents(project) == before
    message = capsys.readouterr().err
    assert message.startswith("nothing changed: expected ") and message.count("\n") == 1


def test_a_notebook_without_the_setup_cell_stops_everything(project, capsys):
    write_notebook(project / "notebooks/02_two.ipynb", "print('hello')")
    before = contents(project)
    assert publish_url.main([GITHUB], project) == 2
    assert contents(project) == before
    assert "02_two.ipynb" in capsys.readouterr().err


def test_a_write_that_fails_puts_everything_back(project, monkeypatch, capsys):
    before = contents(project)
    replace = os.replace

    def fails_at_the_second_notebook(source, target):
        if Path(target).name == "02_two.ipynb":
            raise OSError("disk full")
        replace(source, target)

    monkeypatch.setattr(os, "replace", fails_at_the_second_notebook)
    assert publish_url.main([GITHUB], project) == 1
    assert contents(project) == before
    assert "disk full" in capsys.readouterr().err


def test_the_repository_is_consistent():
    """Whatever the address is now, every place has it, for every notebook there is."""
    assert publish_url.changes(ROOT, chapters.address()) == {}


def built_page(folder: Path, address: str) -> BeautifulSoup:
    """A book of one notebook, with our own configuration and this address."""
    config = (ROOT / "_config.yml").read_text()
    config = config.replace("book/tools", str(ROOT / "book" / "tools"))
    (folder / "_config.yml").write_text(publish_url.new_config(config, address))
    (folder / "_toc.yml").write_text("format: jb-book\nroot: notebooks/01_one\n")
    for name in ("book/_static", "book/references.bib", "dpcore/teaching/plots/static"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).symlink_to(ROOT / name)
    (folder / "notebooks").mkdir()
    write_notebook(folder / "notebooks/01_one.ipynb", chapters.setup_cell(address))
    built = subprocess.run(
        [Path(sys.executable).with_name("jupyter-book"), "build", "-W", folder],
        capture_output=True,
        text=True,
    )
    assert built.returncode == 0, built.stdout + built.stderr
    page = folder / "_build/html/notebooks/01_one.html"
    return BeautifulSoup(page.read_text(encoding="utf-8"), "html.parser")


@pytest.mark.parametrize(
    "address, repository, colab",
    [
        (GITHUB, True, True),
        ("https://gitlab.com/you/book", True, False),
        ("file:///srv/books/diffpool", False, False),
        ("", False, False),
    ],
)
def test_the_address_decides_the_buttons(address, repository, colab):
    config = SimpleNamespace(book_address=address, html_theme_options={"home": True})
    book_address.set_buttons(None, config)
    options = config.html_theme_options
    assert options["home"] and options["use_repository_button"] == repository
    assert options["repository_url"] == (address if repository else "")
    expected = {"colab_url": "https://colab.research.google.com"} if colab else {}
    assert options["launch_buttons"] == expected


def test_buttons_appear_with_the_address(tmp_path):
    page = built_page(tmp_path, GITHUB)
    links = [a["href"] for a in page.find_all("a", href=True)]
    on_colab = (
        "https://colab.research.google.com/github/you/diffpool-book/blob/main/"
        "notebooks/01_one.ipynb"
    )
    assert GITHUB in links and on_colab in links
    assert any(link.endswith(".ipynb") for link in links)  # the download button
    told = page.select_one("p.measured").get_text()
    assert told == f"About 1 minute to read. {measured.NOT_YET}"
