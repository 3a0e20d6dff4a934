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
        assert 50 < point["empty_mb"] <= point["peak_mb"]
    assert record["settings"]["threads"] == 1
