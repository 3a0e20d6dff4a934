"""What goes to a package index: a wheel that works alone, an sdist whose tests run."""

import json
import os
import re
import site
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from email.parser import Parser
from importlib.metadata import distributions
from pathlib import Path

import pytest
from environments import environment, link_all_but_dpcore, pretend

ROOT = Path(__file__).resolve().parents[1]

NOT_ON_COLAB = {"igraph", "grakel"}

EXAMPLE = """
import dpcore, torch
layer = dpcore.DiffPool(in_channels=3, hidden_channels=8, num_clusters=2)
print(list(layer(torch.rand(4, 3), torch.tensor([[0, 1, 2], [1, 0, 3]])).x.shape))
print(dpcore.__file__)
"""


def run(*command, cwd: Path, **environment) -> subprocess.CompletedProcess:
    clean = {k: v for k, v in os.environ.items() if not k.startswith("PYTHON")}
    return subprocess.run(
        list(map(str, command)),
        cwd=cwd,
        env=clean | environment,
        capture_output=True,
        text=True,
    )


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Path:
    """The folder with the sdist and the wheel that was built out of it."""
    folder = tmp_path_factory.mktemp("dist")
    done = run(
        sys.executable, "-m", "build", "-q", "--no-isolation", "-o", folder, cwd=ROOT
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def installed(built, tmp_path_factory) -> Path:
    """An environment with the wheel and its dependencies, and no other dpcore."""
    folder = tmp_path_factory.mktemp("empty")
    venv.create(folder, with_pip=False, symlinks=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    (packages / "dependencies.pth").write_text(site.getsitepackages()[0] + "\n")
    (wheel,) = built.glob("*.whl")
    done = run(
        *(folder / "bin" / "python", "-m", "pip", "install", "-q", "--no-deps"),
        *("--no-index", "--ignore-installed", wheel),
        cwd=folder,
    )
    assert done.returncode == 0, done.stderr
    return folder


def test_the_wheel_says_who_what_and_under_which_licence(built):
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        (metadata,) = (name for name in names if name.endswith("/METADATA"))
        about = Parser().parsestr(archive.read(metadata).decode())
    assert about["Name"] == "dpcore" and about["License-Expression"] == "MIT"
    assert about["Author"] and about["Keywords"] and about["Summary"]
    assert "Typing :: Typed" in about.get_all("Classifier")
    assert "A book in Jupyter notebooks" in about.get_payload()
    tops = {name.split("/")[0] for name in names}
    assert tops == {"dpcore", metadata.split("/")[0]}
    assert "dpcore/py.typed" in names


def test_everything_of_the_package_that_git_has_is_in_the_wheel(built):
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if name.startswith("dpcore/")}
    here = {
        str(path.relative_to(ROOT))
        for path in (ROOT / "dpcore").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    records = "dpcore/experiments/tables/records.jsonl.xz"  # made by the build
    assert packed == here | {records}


def test_an_installed_wheel_pools_a_graph_and_shows_the_tables(installed, tmp_path):
    done = run(installed / "bin" / "python", "-c", EXAMPLE, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    shape, where = done.stdout.splitlines()
    assert shape == "[1, 2, 8]" and Path(where).is_relative_to(installed)
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    said = run(installed / "bin" / "dpcore", "--version", cwd=tmp_path)
    assert (said.returncode, said.stdout) == (0, f"dpcore {version}\n"), said.stderr
    tables = run(installed / "bin" / "dpcore", "tables", "show", cwd=tmp_path)
    assert tables.returncode == 0, tables.stderr
    assert re.search(r"^diffpool +76\.25 +\d", tables.stdout, re.MULTILINE)


def test_the_tests_of_the_sdist_run(built, tmp_path):
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        archive.extractall(tmp_path, filter="data")
    (project,) = tmp_path.iterdir()
    for needed in ("notebooks", "book/results", "Makefile", "requirements.txt"):
        assert (project / needed).exists(), needed
    done = run(
        *(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider"),
        "tests/test_sparse.py",
        cwd=project,
        PYTHONPATH=str(project),
    )
    assert done.returncode == 0, done.stdout[-3000:]
    assert re.search(r"\d+ passed", done.stdout)


@pytest.mark.parametrize(
    ("missing", "ask", "message"),
    [
        ("matplotlib", "dpcore.plots", "dpcore.plots needs matplotlib: pip install"),
        (
            "igraph",
            "dpcore.build_model('patchysan', num_features=1, num_classes=2)",
            "patchysan needs igraph: pip install 'dpcore[experiments]'",
        ),
    ],
)
def test_what_only_some_of_it_needs_is_asked_for_by_name(missing, ask, message):
    script = f"import sys; sys.modules[{missing!r}] = None; import dpcore; {ask}"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True
    )
    assert done.returncode == 1 and message in done.stderr.splitlines()[-1]


def test_versions_leave_no_advice_for_the_next_import():
    script = """
import sys, types, warnings
import IPython
IPython.get_ipython = lambda: types.SimpleNamespace(config={"IPKernelApp": 1})
warnings.simplefilter("error")
import dpcore
dpcore.versions()
print("tqdm.auto" in sys.modules, "torch" in sys.modules)
"""
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True
    )
    assert done.stdout == "True False\n", done.stderr


# As on Colab, where much is installed already: what pip would change, by dry runs.


def would_install(python: Path, built: Path, folder: Path) -> dict[str, str]:
    """Names and versions of what pip would install with dpcore, by a dry run."""
    (wheel,) = built.glob("*.whl")
    report = folder / "report.json"
    dry = ("install", "-q", "--dry-run", "--report", report)
    done = run(python, "-m", "pip", *dry, f"{wheel}[book]", cwd=folder)
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(report.read_text("utf-8"))["install"]
    return {p["metadata"]["name"].lower(): p["metadata"]["version"] for p in told}


def lower_bounds() -> dict[str, str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    extras = project["optional-dependencies"]
    lines = [*project["dependencies"], *extras["experiments"], *extras["book"]]
    found = [re.match(r"([\w-]+)>=([\d.]+)", line) for line in lines]
    return dict(match.groups() for match in found if match)


def test_nothing_changes_its_version_where_igraph_and_grakel_are_missing(
    built, tmp_path
):
    python = environment(tmp_path, lambda f: link_all_but_dpcore(f, NOT_ON_COLAB))
    installed = {d.metadata["Name"].lower() for d in distributions()} - NOT_ON_COLAB
    new = set(would_install(python, built, tmp_path)) - {"dpcore"}
    assert new and new & installed == set()


def test_the_oldest_supported_versions_stay(built, tmp_path):
    oldest = {n: v for n, v in lower_bounds().items() if n not in NOT_ON_COLAB}
    python = environment(tmp_path, pretend(oldest))
    new = would_install(python, built, tmp_path)
    assert "dpcore" in new and set(new) & set(oldest) == set()


def test_the_dry_run_tells_of_a_change(built, tmp_path):
    too_old = lower_bounds() | {"tqdm": "4.65"}
    python = environment(tmp_path, pretend(too_old))
    assert "tqdm" in would_install(python, built, tmp_path)
