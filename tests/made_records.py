"""Records and measurements for tests, made without any training."""

import os
import signal
import time

from dpcore.experiments.tables.fold import Outcome
from dpcore.experiments.tables.schema import FoldRecord

MADE = dict(commit="0123456789ab", versions={"python": "3"})


def record_of(task, accuracy=0.5, **changes):
    """A whole record of a task; its test curve has its maximum elsewhere."""
    curve = [accuracy / 2, accuracy, min(1.0, accuracy + 0.25)]
    own = dict(
        settings=task.settings,
        accuracy=accuracy,
        validation_curve=[0.25, 0.75, 0.5],
        test_curve=curve,
        seconds=2.0,
    )
    if task.grid is None:
        own |= dict(best_candidate=2, chosen=dict(C=1.0), accuracy_of_train=0.5)
        own |= dict(support_vectors=3, gram_seconds=0.5)
    else:
        points = [dict(point, accuracy=0.5, loss=0.7) for point in task.grid]
        own |= dict(best_epoch=2, chosen=task.grid[0], grid=points, trial_seconds=1.0)
        own |= dict(loss_curve=[0.7, 0.6, 0.5], parameters=100)
    return FoldRecord(**task.key, **MADE, **own | changes)


def fake(accuracies):
    """A measurement in the place of the real one: fold → accuracy."""
    return lambda task: Outcome(record=record_of(task, accuracies[task.fold]))


def dies_at_fold_1(folder, number, task):
    """A measurement for a process of its own: that of fold 1 is killed."""
    if task.fold == 1:
        while len(list(folder.rglob("*of4.json"))) < 3:  # then it is this one's fault
            time.sleep(0.01)
        os.kill(os.getpid(), signal.SIGKILL)
    return number, Outcome(record=record_of(task))
