"""As on Colab: torch and torch-geometric are there, `dpcore` and the repository not.

An environment that has all of this one's packages but `dpcore`; a repository at a
file:// address; an empty folder. `make colab` runs every notebook whole there, each
installing `dpcore` anew. `make test` has no time for that twice: it runs the setup
cell, which all notebooks share, and after it what any of them imports.
"""

import ast
import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
from importlib.metadata import distributions
from pathlib import Path

import chapters
import nbformat
import publish_url
import pytest
from nbclient import NotebookClient

ROOT = chapters.ROOT
WHOLE = os.environ.get("DPCORE_COLAB") == "whole"
NOT_ON_COLAB = {"igraph", "grakel"}


def run(*command, **options) -> subprocess.CompletedProcess:
    done = subprocess.run(
        [str(part) for part in command], capture_output=True, text=True, **options
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


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


def environment(folder: Path, fill) -> Path:
    """The Python of a new environment, with what `fill` puts into its packages."""
    venv.create(folder / "env", with_pip=False)
    python = folder / "env" / "bin" / "python"
    (folder / "packages").mkdir()
    fill(folder / "packages")
    own = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))")
    path = Path(own.stdout.strip()) / "there.pth"
    path.write_text(f"{folder / 'packages'}\n")
    return python


def link_all_but_dpcore(folder: Path, without: frozenset | set = frozenset()) -> None:
    for kind in ("purelib", "platlib"):
        for entry in Path(sysconfig.get_path(kind)).iterdir():
            name = re.split(r"[-.]", entry.name.lower())[0]
            if "dpcore" not in entry.name and name not in without:
                if not (folder / entry.name).exists():
                    (folder / entry.name).symlink_to(entry)


@pytest.fixture(scope="session")
def colab(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("colab")
    python = environment(folder, link_all_but_dpcore)
    there = "from importlib.util import find_spec as found\n"
    there += "assert found('torch') and found('torch_geometric')\nimport dpcore"
    done = subprocess.run(
        [python, "-c", there], cwd=folder, capture_output=True, text=True
    )
    assert "No module named 'dpcore'" in done.stderr
    return python


@pytest.fixture(scope="session")
def wheel(repository, tmp_path_factory) -> Path:
    """What is published, built once for all dry runs."""
    folder = tmp_path_factory.mktemp("wheel")
    build = ("wheel", "-q", "--no-deps", "--no-build-isolation", "-w", folder)
    run(sys.executable, "-m", "pip", *build, repository)
    (built,) = folder.glob("dpcore-*.whl")
    return built


def would_install(python: Path, wheel: Path, folder: Path) -> dict[str, str]:
    """Names and versions of what pip would install with dpcore, by a dry run."""
    report = folder / "report.json"
    dry = ("install", "-q", "--dry-run", "--report", report)
    run(python, "-m", "pip", *dry, f"{wheel}[book]", cwd=folder)
    told = json.loads(report.read_text("utf-8"))["install"]
    return {p["metadata"]["name"].lower(): p["metadata"]["version"] for p in told}


def lower_bounds() -> dict[str, str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    lines = [*project["dependencies"], *extras["experiments"], *extras["book"]]
    found = [re.match(r"([\w-]+)>=([\d.]+)", line) for line in lines]
    return dict(match.groups() for match in found if match)


def pretend(versions: dict[str, str]):
    """Fills an environment with packages that are there in name only; and with pip."""

    def fill(folder: Path) -> None:
        (folder / "pip").symlink_to(Path(sysconfig.get_path("purelib")) / "pip")
        for name, version in versions.items():
            info = folder / f"{name.replace('-', '_')}-{version}.dist-info"
            info.mkdir()
            metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n"
            (info / "METADATA").write_text(metadata)
            (info / "INSTALLER").write_text("pip\n")

    return fill


def test_nothing_changes_its_version_where_igraph_and_grakel_are_missing(
    wheel, tmp_path
):
    python = environment(tmp_path, lambda f: link_all_but_dpcore(f, NOT_ON_COLAB))
    installed = {d.metadata["Name"].lower() for d in distributions()} - NOT_ON_COLAB
    new = set(would_install(python, wheel, tmp_path)) - {"dpcore"}
    assert new and new & installed == set()


def test_the_oldest_supported_versions_stay(wheel, tmp_path):
    oldest = {n: v for n, v in lower_bounds().items() if n not in NOT_ON_COLAB}
    python = environment(tmp_path, pretend(oldest))
    new = would_install(python, wheel, tmp_path)
    assert "dpcore" in new and set(new) & set(oldest) == set()


def test_the_dry_run_tells_of_a_change(wheel, tmp_path):
    too_old = lower_bounds() | {"tqdm": "4.65"}
    python = environment(tmp_path, pretend(too_old))
    assert "tqdm" in would_install(python, wheel, tmp_path)


def imports_of(notebooks: list[nbformat.NotebookNode]) -> str:
    """All their import statements, as one cell."""
    found = []
    for cell in (c for book in notebooks for c in chapters.code_cells(book)[1:]):
        for node in ast.walk(ast.parse(re.sub(r"(?m)^ *[%!].*", "", cell.source))):
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
