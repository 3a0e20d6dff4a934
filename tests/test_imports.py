"""The arrows between the rooms of the house, as pyproject.toml draws them."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import dpcore

ROOT = Path(__file__).parent.parent


def test_imports_run_downwards_only():
    command = Path(sys.executable).with_name("lint-imports")
    run = subprocess.run([command], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout
    assert "0 broken" in run.stdout


def test_the_core_loads_nothing_that_torch_and_pyg_have_not():
    """`import dpcore` loads no package at all; its core none beside these two."""
    script = """
import sys
import dpcore
assert not {"torch", "numpy", "torch_geometric"} & sys.modules.keys()
import torch, torch_geometric
before = {name.split(".")[0] for name in sys.modules}
dpcore.DiffPool, dpcore.load_dataset, dpcore.fit, dpcore.cross_validate
dpcore.build_model("diffpool", num_features=3, num_classes=2)
after = {name.split(".")[0] for name in sys.modules}
print(*sorted(after - before))
"""
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    assert run.stdout.split() == []


def test_type_checkers_read_the_names_that_there_are():
    tree = ast.parse((ROOT / "dpcore" / "__init__.pyi").read_text())
    typed = {
        (name.asname, f"{node.module}.{name.name}")
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for name in node.names
    }
    there = {(name, f"dpcore.{home}.{name}") for name, home in dpcore._HOME.items()}
    there |= {(name, f"dpcore.{home}") for name, home in dpcore._MODULES.items()}
    assert typed == there
    assert {name for name, _ in typed} | {"versions"} >= {*dpcore.__all__}


@pytest.mark.parametrize("name", ["models", "training", "experiments.tables"])
def test_a_lazy_package_says_what_it_has(name):
    """Else the API pages, and whoever presses Tab, miss what was not asked for yet."""
    package = importlib.import_module(f"dpcore.{name}")
    assert {*package.__all__} <= {*dir(package)}
    for asked in package.__all__:
        assert getattr(package, asked) is vars(package)[asked]  # kept
    with pytest.raises(AttributeError, match=f"'dpcore.{name}' has no attribute 'no'"):
        _ = package.no
