"""A grid on a cluster: a real scheduler and two workers on the loopback interface."""

import os
import signal
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module

import pytest
import warm
from distributed import Client

from dpcore import tables
from dpcore.__main__ import main
from dpcore.experiments.tables import runner

GRID = dict(rows=["gcn-sum", "mlp"], datasets=["MUTAG"], folds=5, epochs=2)
SECONDS = 600  # far more than a machine under load takes to start Python


def contents(results):
    """Every record without what differs from run to run."""
    return [
        {k: v for k, v in tables.to_dict(record).items() if "seconds" not in k}
        for record in tables.records(results)
    ]


def wait_for(condition):
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.01)


def serve(module, arguments, log):
    """A command line of Dask's, in a process of its own."""
    with open(log, "w") as file:
        for stream in (1, 2):
            os.dup2(file.fileno(), stream)
    os.chdir(log.parent)
    import_module(f"distributed.cli.{module}").main(arguments)


@pytest.fixture
def cluster(tmp_path):
    """The scheduler's address and the processes of two workers."""
    file, processes = tmp_path / "scheduler.json", []
    shared = ["--host=127.0.0.1", "--no-dashboard", f"--scheduler-file={file}"]

    def start(module, *options):
        log = tmp_path / f"{len(processes)}.log"
        processes.append(warm.process(serve, module, [*shared, *options], log))
        return processes[-1]

    try:
        start("dask_scheduler", "--port=0")
        options = ("--no-nanny", "--nthreads=1")
        workers = [start("dask_worker", *options) for _ in range(2)]
        wait_for(file.exists)
        with Client(scheduler_file=str(file), timeout=SECONDS) as client:
            client.wait_for_workers(2, timeout=SECONDS)
            address = client.scheduler.address
        yield address, workers
    finally:
        for process in processes:
            process.kill()
            process.join()


def test_a_worker_killed_in_the_middle_loses_nothing(cluster, tmp_path):
    address, workers = cluster
    on_cluster, here = tmp_path / "cluster", tmp_path / "here"
    options = dict(GRID, results=on_cluster, scheduler=address, progress=False)
    with ThreadPoolExecutor() as thread:
        run = thread.submit(tables.run, **options)
        wait_for(lambda: run.done() or list(on_cluster.rglob("*of5.json")))
        os.kill(workers[0].pid, signal.SIGKILL)
        assert len(list(on_cluster.rglob("*of5.json"))) < 10
        assert run.result(SECONDS).failures == ()
    assert tables.run(**GRID, results=here, jobs=1, progress=False).failures == ()
    assert contents(on_cluster) == contents(here) and len(contents(here)) == 10


def run(capsys, *options):
    arguments = ["tables", "run", "--rows=mlp", "--datasets=MUTAG", "--folds=3"]
    status = main([*arguments, *options])
    out, err = capsys.readouterr()
    assert out == "" and err.count("\n") == 1 and "Traceback" not in err
    return status, err


def test_no_scheduler_is_said_within_ten_seconds(capsys, tmp_path, monkeypatch):
    assert runner.SCHEDULER_SECONDS <= 10
    monkeypatch.setattr(runner, "SCHEDULER_SECONDS", 0.5)
    options = (f"--results={tmp_path}", "--scheduler=tcp://127.0.0.1:9")
    status, err = run(capsys, *options)
    assert status == 1 and "no scheduler answers at tcp://127.0.0.1:9" in err


def test_without_dask_it_says_what_to_install(capsys, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    options = (f"--results={tmp_path}", "--scheduler=tcp://127.0.0.1:9")
    status, err = run(capsys, *options)
    assert status == 1 and "pip install 'dpcore[cluster]'" in err
