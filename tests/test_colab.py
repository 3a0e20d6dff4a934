"""As on Colab: torch and torch-geometric are there, `dpcore` and the repository not.

An environment that has all of this one's packages but `dpcore`; a repository at a
file:// address; an empty folder. `make colab` runs every notebook whole there, each
installing `dpcore` anew. `make test` has no time for that twice: it runs the setup
cell, which all notebooks share, and after it what any of them imports.
"""

import ast
import json
import os
import shutil
import subprocess
from pathlib import Path

import chapters
import nbformat
import publish_url
import pytest
from environments import environment, link_all_but_dpcore, run
from nbclient import NotebookClient

ROOT = chapters.ROOT
WHOLE = os.environ.get("DPCORE_COLAB") == "whole"


@pytest.fixture(scope="session")
def repository(tmp_path_factory) -> Path:
    """This working tree, published at its own file:// address."""
    clone = tmp_path_factory.mktemp("published") / "book"
    listed = run("git", "ls-files", "-co", "--exclude-standard", "-z", cwd=ROOT).stdout
    for name in listed.rstrip("\0").split("\0"):
        if (ROOT / name).is_file():
            (clone / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, clone / name)
    assert publish_url.main([clone.as_uri()], clone) == 0
    git = ("git", "-C", clone, "-c", "user.name=a", "-c", "user.email=a@example.org")
    run("git", "init", "-q", clone)
    run(*git, "add", ".")
    run(*git, "commit", "-q", "-m", "published")
    return clone


@pytest.fixture(scope="session")
def colab(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("colab")
    python = environment(folder, link_all_but_dpcore)
    there = "from importlib.util import find_spec as found\n"
    there += "assert found('torch') and found('torch_geometric')\nimport dpcore"
    done = subprocess.run(
        [python, "-c", there], cwd=folder, capture_output=True, text=True
    )
    found = f"finds dpcore, PYTHONPATH is {os.environ.get('PYTHONPATH')!r}"
    assert "No module named 'dpcore'" in done.stderr, found
    return python


def imports_of(notebooks: list[nbformat.NotebookNode]) -> str:
    """All their import statements, as one cell."""
    found = []
    for cell in (c for book in notebooks for c in chapters.code_cells(book)[1:]):
        body = chapters.statements(cell.source)
        for node in (one for statement in body for one in ast.walk(statement)):
            if isinstance(node, ast.Import | ast.ImportFrom):
                found.append(ast.unparse(node))
    return "\n".join(dict.fromkeys(found))


@pytest.fixture
def kernel(colab, tmp_path, monkeypatch) -> str:
    """The name of a kernel that runs in the environment."""
    spec = tmp_path / "jupyter" / "kernels" / "colab"
    spec.mkdir(parents=True)
    argv = [str(colab), "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    content = {"argv": argv, "display_name": "Colab", "language": "python"}
    (spec / "kernel.json").write_text(json.dumps(content))
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path / "jupyter"))
    monkeypatch.delenv("PYTHONPATH", raising=False)
    if not WHOLE:  # build with what is there: `no` and 0, as pip reads it
        monkeypatch.setenv("PIP_NO_BUILD_ISOLATION", "0")
    return "colab"


NAMES = [path.name for path in chapters.paths()]


@pytest.mark.parametrize("name", NAMES if WHOLE else NAMES[:1])
def test_a_notebook_runs_from_an_empty_folder(
    colab, repository, kernel, tmp_path, name
):
    notebook = chapters.read(repository / "notebooks" / name)
    setup = chapters.code_cells(notebook)[0]
    assert repository.as_uri() in setup.source
    if WHOLE:
        run(colab, "-m", "pip", "uninstall", "-q", "-y", "dpcore", cwd=tmp_path)
    else:
        where = "import dpcore; print(dpcore.__file__)"
        notebook.cells = [
            setup,
            nbformat.v4.new_code_cell(
                imports_of([chapters.read(path) for path in chapters.paths()])
            ),
            nbformat.v4.new_code_cell(where),
        ]
    empty = tmp_path / "empty"
    empty.mkdir()
    NotebookClient(
        notebook,
        kernel_name=kernel,
        timeout=600,
        resources={"metadata": {"path": str(empty)}},
    ).execute()
    printed = "".join(out.get("text", "") for out in setup.outputs)
    assert "dpcore 0." in printed and "torch-geometric" in printed
    if not WHOLE:
        assert str(colab.parents[1]) in notebook.cells[-1].outputs[0].text
