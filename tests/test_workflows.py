"""The workflows follow GitHub's schema, and run what a reader runs: make."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def validate(*files: Path) -> subprocess.CompletedProcess:
    """Against the schema that check-jsonschema ships: no network is needed."""
    return subprocess.run(
        [sys.executable, "-m", "check_jsonschema"]
        + ["--builtin-schema", "vendor.github-workflows", *map(str, files)],
        capture_output=True,
        text=True,
    )


def commands(workflow: Path) -> str:
    jobs = yaml.safe_load(workflow.read_text())["jobs"]
    return "\n".join(s.get("run", "") for job in jobs.values() for s in job["steps"])


def test_the_citation_follows_its_schema_and_the_packages_version():
    checked = [sys.executable, "-m", "check_jsonschema", "--builtin-schema"]
    checked += ["vendor.citation-file-format", str(ROOT / "CITATION.cff")]
    result = subprocess.run(checked, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text())["version"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert cited == project["version"]


def test_the_workflows_follow_the_schema():
    assert [w.name for w in WORKFLOWS] == ["ci.yml", "pages.yml"]
    result = validate(*WORKFLOWS)
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize(
    "old, new",
    [
        ("runs-on:", "runs_on:"),
        ("steps:", "step:"),
        ("timeout-minutes: 45", "timeout-minutes: soon"),
    ],
)
def test_a_broken_workflow_is_refused(tmp_path, old, new):
    text = WORKFLOWS[0].read_text()
    assert old in text
    broken = tmp_path / "ci.yml"
    broken.write_text(text.replace(old, new, 1))
    result = validate(broken)
    assert result.returncode == 1, result.stdout + result.stderr


def test_ci_runs_the_make_commands_on_both_systems_and_every_week():
    workflow = yaml.safe_load(WORKFLOWS[0].read_text())
    matrix = workflow["jobs"]["book"]["strategy"]["matrix"]
    assert matrix["os"] == ["ubuntu-latest", "macos-latest"]
    assert matrix["python"] == ["3.11", "3.13"]
    triggers = workflow[True]  # YAML reads the key `on` as true
    assert {"push", "pull_request", "schedule"} <= set(triggers)
    run = commands(WORKFLOWS[0])
    assert all(f"make {what}" in run for what in ("lint", "book", "test"))


def test_ci_builds_the_wheel_and_tries_the_oldest_packages():
    jobs = yaml.safe_load(WORKFLOWS[0].read_text())["jobs"]
    assert set(jobs) == {"book", "package"}
    steps = "\n".join(step.get("run", "") for step in jobs["package"]["steps"])
    assert "python -m build" in steps
    assert jobs["package"]["strategy"]["matrix"]["resolution"] == [
        "highest",
        "lowest-direct",
    ]
    assert "--resolution ${{ matrix.resolution }}" in steps


@pytest.mark.parametrize("workflow", WORKFLOWS, ids=lambda path: path.name)
def test_torch_is_the_pinned_one_and_comes_first(workflow):
    run = commands(workflow)
    assert run.index("grep '^torch=='") < run.index("make book")
    pins = (ROOT / "requirements.txt").read_text().splitlines()
    assert [p for p in pins if "==" in p][0].startswith("torch==")
