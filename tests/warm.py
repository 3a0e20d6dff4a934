"""Processes that need not load torch: a server has loaded it once, and forks.

Loading torch and PyG takes four to seven seconds of a processor, a process; a test of
two workers that are killed and started again would do little else.
"""

import multiprocessing
from collections.abc import Iterator
from contextlib import contextmanager

from joblib.externals.loky import get_reusable_executor
from joblib.externals.loky.backend import context

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(
    ["dpcore.data.datasets", "dpcore.models", "made_records"]
)


@contextmanager
def joblib_pools() -> Iterator[None]:
    """joblib's workers come from that server; workers of before and after do not."""
    get_reusable_executor().shutdown()
    context.set_start_method("forkserver", force=True)
    try:
        yield
    finally:
        get_reusable_executor().shutdown()
        context.set_start_method(None, force=True)
