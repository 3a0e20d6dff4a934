"""How long a grid still takes, told from what its finished folds took."""

from __future__ import annotations

from collections import Counter, defaultdict

from tqdm import tqdm

from dpcore.data.expected import EXPECTED
from dpcore.experiments.tables.plan import SETTINGS, Task
from dpcore.experiments.tables.schema import FoldRecord


class Pace:
    """Seconds of finished folds, and what they say about the waiting ones.

    A cell's own mean decides; before it has one, that of its row on other data sets,
    then that of all rows, each scaled by the work that a fold is: (nodes + edges) ×
    epochs. Rough, but it knows that a fold of D&D is not one of MUTAG.
    """

    def __init__(self) -> None:
        self.waiting: Counter[tuple[str, str]] = Counter()
        self._seconds: dict[tuple[str, str], list[float]] = defaultdict(list)

    def learn(self, task: Task, record: FoldRecord) -> None:
        """A fold is finished."""
        seconds = record.seconds + (record.trial_seconds or 0.0)
        self._seconds[task.cell].append(seconds)

    def forget(self, dataset: str) -> None:
        """No fold of this data set will come."""
        for cell in [cell for cell in self.waiting if cell[1] == dataset]:
            del self.waiting[cell]

    def seconds_left(self, workers: int) -> float | None:
        """None before the first fold is finished."""
        if not self._seconds:
            return None
        return sum(n * self._expected(c) for c, n in self.waiting.items()) / workers

    def text(self, workers: int) -> str:
        seconds = self.seconds_left(workers)
        return "?" if seconds is None else f"about {tqdm.format_interval(seconds)}"

    def _expected(self, cell: tuple[str, str]) -> float:
        if cell in self._seconds:
            return _mean(self._seconds[cell])
        same_row = [known for known in self._seconds if known[0] == cell[0]]
        rates = [
            second / _work(known[1])
            for known in same_row or self._seconds
            for second in self._seconds[known]
        ]
        return _mean(rates) * _work(cell[1])


def _work(dataset: str) -> float:
    facts = EXPECTED[dataset]
    size = facts.get("nodes", 400 * facts["graphs"]) + facts.get("edges", 0)
    return size * SETTINGS.get(dataset, SETTINGS["PROTEINS"])["epochs"]


def _mean(values: list[float]) -> float:
    return sum(values) / len(values)
