"""Processes that need not load torch: a server has loaded it once, and forks.

Loading torch and PyG takes four to seven seconds of a processor, a process; a test of
two workers that are killed and started again would do little else.
"""

import gc
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from multiprocessing import forkserver
from multiprocessing.process import BaseProcess
from pathlib import Path
from unittest.mock import patch

from joblib.externals.loky import get_reusable_executor
from joblib.externals.loky.backend import context

ROOT = Path(__file__).resolve().parents[1]
CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(
    ["dpcore.teaching.plots", "dpcore.models", "sklearn.metrics", "ipykernel.kernelapp"]
)
# The server has that of no test, and what a kernel sets before it loads matplotlib.
_ENVIRONMENT = os.environ | {"MPLBACKEND": "module://matplotlib_inline.backend_inline"}


def process(target, *arguments) -> BaseProcess:
    """A process that has begun to call `target`, in the environment of now."""
    _start_server()
    begun = CONTEXT.Process(target=_call, args=(dict(os.environ), target, arguments))
    begun.start()
    return begun


def launcher(cold: Callable) -> Callable:
    """Launches this environment's kernels from the server, and others by `cold`."""

    def launch(command: list[str], **options):
        warm = Path(command[0]) == Path(sys.executable)
        return Kernel(command, **options) if warm else cold(command, **options)

    return launch


class Kernel:
    """A notebook's kernel, for jupyter_client in place of the Popen of its command."""

    stdin = stdout = stderr = None

    def __init__(self, command: list[str], env: dict, cwd: str | None = None, **_):
        connection = command[command.index("-f") :]
        self._process = process(_serve_kernel, connection, env, cwd)
        self.pid = self._process.pid
        while os.getpgid(self.pid) != self.pid:  # signals go to a kernel's own group
            time.sleep(0.01)

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self) -> int:
        self._process.join()
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        os.kill(self.pid, number)

    def terminate(self) -> None:
        self._process.terminate()

    def kill(self) -> None:
        self._process.kill()


def _serve_kernel(arguments: list[str], environment: dict, folder: str | None) -> None:
    from ipykernel.kernelapp import launch_new_instance

    os.setsid()
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    os.environ.update(environment)
    os.chdir(folder or ".")
    asked = os.environ.get("PYTHONPATH", "").split(os.pathsep)
    own = {str(ROOT / part) for part in ("", "tests", "book/tools")} - {*asked}
    sys.path[:] = ["", *(entry for entry in sys.path if entry not in own)]
    launch_new_instance(argv=arguments)


@contextmanager
def joblib_pools() -> Iterator[None]:
    """joblib's workers come from the server; workers of before and after do not."""
    get_reusable_executor().shutdown()
    _start_server()
    context.set_start_method("forkserver", force=True)
    try:
        yield
    finally:
        get_reusable_executor().shutdown()
        context.set_start_method(None, force=True)


def _start_server() -> None:
    with patch.dict(os.environ, _ENVIRONMENT, clear=True):
        forkserver.ensure_running()


def _call(environment: dict, target, arguments: tuple) -> None:
    os.environ.clear()
    os.environ.update(environment)
    gc.freeze()  # what the server has loaded is not garbage: not looked through again
    target(*arguments)
