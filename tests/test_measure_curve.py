"""The measurement behind chapter 09's curves: equal first, then timed."""

import json
import sys
from types import SimpleNamespace

import measure_curve
import pytest

from dpcore.experiments.bench import peers


def test_unequal_ways_are_not_timed(tmp_path, monkeypatch):
    honest = peers.pool_pyg

    def half_the_loss(z, adj, logits):
        x, small, link, entropy = honest(z, adj, logits)
        return x, small, link / 2, entropy

    output = tmp_path / "curve.json"
    monkeypatch.setattr(peers, "pool_pyg", half_the_loss)
    monkeypatch.setattr(sys, "argv", ["measure_curve.py", "--output", str(output)])
    with pytest.raises(peers.Unequal, match="link loss"):
        measure_curve.main()
    assert not output.exists()


def test_every_point_is_measured_and_written(tmp_path, monkeypatch, capsys):
    def here(command, **options):
        """The point's own process, without the seconds that starting Python takes."""
        assert command[0] == sys.executable and options["check"]
        with monkeypatch.context() as patched:
            patched.setattr(sys, "argv", command[1:])
            measure_curve.main()
        return SimpleNamespace(stdout=capsys.readouterr().out)

    monkeypatch.setattr(measure_curve.subprocess, "run", here)
    output = tmp_path / "new" / "curve.json"
    options = ["--largest", "100", "--threads", "1", "--output", str(output)]
    monkeypatch.setattr(sys, "argv", ["measure_curve.py", *options])
    measure_curve.main()
    record = json.loads(output.read_text())
    assert [(p["way"], p["nodes"]) for p in record["points"]] == [
        ("dense", 100),
        ("sparse", 100),
    ]
    for point in record["points"]:
        assert 0 < point["seconds"] < 60
        # Both are of this one process here, and the kernel counts pages in batches.
        assert 50 < point["empty_mb"] <= point["peak_mb"] + 5
    assert record["settings"]["threads"] == 1


@pytest.mark.parametrize(
    ("way", "side", "runs"), [("dense", "pyg", 9), ("sparse", "ours", 9)]
)
def test_a_point_is_the_median_of_runs_after_a_first(monkeypatch, way, side, runs):
    """The first step takes 9 s, the others 0.05 to 0.07 s: nine are half a second."""
    asked, clock, steps = [], [0.0], []

    class Operator:
        def __init__(self, *given):
            asked.append(given)

        def step(self):
            steps.append(9.0 if not steps else (0.07, 0.06, 0.05)[len(steps) % 3])
            clock[0] += steps[-1]

    memory = {"VmRSS": iter([100.4]), "VmHWM": iter([900.6])}  # each is read once
    threads = []
    monkeypatch.setattr(measure_curve.operators, "Operator", Operator)
    monkeypatch.setattr(
        measure_curve.operators,
        "memory",
        lambda name: (asked.append(name), next(memory[name]))[1],
    )
    monkeypatch.setattr(measure_curve.torch, "set_num_threads", threads.append)
    monkeypatch.setattr(measure_curve.time, "process_time", lambda: clock[0])
    point = measure_curve.measure(way, 100, 3)
    assert asked == ["VmRSS", (side, 100, 64), "VmHWM"] and threads == [3]
    assert len(steps) == runs + 1
    assert point == dict(way=way, nodes=100, seconds=0.06, peak_mb=901, empty_mb=100)
    monkeypatch.setattr(measure_curve, "SPAN", 0.01)
    memory |= {"VmRSS": iter([1]), "VmHWM": iter([1])}
    steps[1:] = []
    assert measure_curve.measure(way, 100, 1)["seconds"] == 0.06
    assert len(steps) == 1 + 1 + measure_curve.RUNS


def test_every_process_gets_the_threads_that_the_file_says(tmp_path, monkeypatch):
    commands, output = [], tmp_path / "curve.json"

    def elsewhere(command, **_):
        commands.append(command)
        return SimpleNamespace(stdout="{}")

    monkeypatch.setattr(measure_curve.operators, "check_operator", lambda *_: None)
    monkeypatch.setattr(measure_curve.subprocess, "run", elsewhere)
    options = ["--largest", "100", "--threads", "7", "--output", str(output)]
    monkeypatch.setattr(sys, "argv", ["measure_curve.py", *options])
    measure_curve.main()
    assert json.loads(output.read_text())["settings"]["threads"] == 7
    assert [command[2:4] for command in commands] == [["--threads", "7"]] * 2
