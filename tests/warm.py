"""Processes that need not load torch: a server has loaded it once, and forks.

Loading torch and PyG takes four to seven seconds of a processor, a process; a test of
two workers that are killed and started again would do little else.
"""

import multiprocessing
import os
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import forkserver
from multiprocessing.process import BaseProcess
from unittest.mock import patch

from joblib.externals.loky import get_reusable_executor
from joblib.externals.loky.backend import context

CONTEXT = multiprocessing.get_context("forkserver")
CONTEXT.set_forkserver_preload(["dpcore.data.datasets", "made_records"])
_ENVIRONMENT = dict(os.environ)  # of no test


def process(target, *arguments) -> BaseProcess:
    """A process that has begun to call `target`, in the environment of now."""
    _start_server()
    begun = CONTEXT.Process(target=_call, args=(dict(os.environ), target, arguments))
    begun.start()
    return begun


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
    target(*arguments)
