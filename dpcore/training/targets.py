"""What a model predicts, and how well: a class, or a number."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

from torch import Tensor
from torch.nn import functional as F


class Target(NamedTuple):
    """One kind of label.

    Attributes:
        figure: the figure's name in every record: "accuracy" or "error".
        sign: +1 where more is better, -1 where less is.
        loss: of outputs [B, C] and labels [B], a scalar.
        of_graphs: of the same two, the figure of every graph [B]; a mean over graphs
            is the figure of them all.
    """

    figure: str
    sign: int
    loss: Callable[[Tensor, Tensor], Tensor]
    of_graphs: Callable[[Tensor, Tensor], Tensor]

    def score(self, record: dict[str, Any]) -> float:
        """The record's figure, such that more is better."""
        return self.sign * record[self.figure]


def _right(logits: Tensor, y: Tensor) -> Tensor:
    return logits.argmax(1) == y


def _off(outputs: Tensor, y: Tensor) -> Tensor:
    return (outputs.view(-1) - y).abs()


def _mean_off(outputs: Tensor, y: Tensor) -> Tensor:
    return _off(outputs, y).mean()


TARGETS = {
    "classification": Target("accuracy", +1, F.cross_entropy, _right),
    "regression": Target("error", -1, _mean_off, _off),
}
"""By the name of the task. A regression is trained on what it is judged by, the mean
absolute error: outputs [B, 1], labels [B] floats."""


def target_of(task: str) -> Target:
    """The target of a task's name.

    Raises:
        ValueError: for an unknown one.

    >>> target_of("regression").figure
    'error'
    """
    if task not in TARGETS:
        raise ValueError(f"task is {task!r}, expected {' or '.join(TARGETS)}")
    return TARGETS[task]


def check_outputs(target: Target, outputs: Tensor, y: Tensor) -> None:
    """Outputs and labels go together.

    Raises:
        ValueError: for labels beyond the model's classes, a regression's model with
            more than one output, or labels of the wrong kind.
    """
    if target.figure == "error":
        if outputs.size(1) != 1 or not y.is_floating_point():
            raise ValueError(
                f"a regression has outputs [B, 1] and float labels, got outputs "
                f"{list(outputs.shape)} and {y.dtype}: num_classes=1, y as floats"
            )
    elif y.is_floating_point():
        raise ValueError(
            f"labels have dtype {y.dtype}, expected classes as integers; for numbers "
            'say task="regression"'
        )
    elif int(y.max()) >= outputs.size(1) or int(y.min()) < 0:
        raise ValueError(
            f"labels run from {int(y.min())} to {int(y.max())}, but the model has "
            f"num_classes = {outputs.size(1)}"
        )


def classes_of(target: Target, y: Tensor) -> int:
    """Outputs that a model of these labels needs: a regression has one.

    >>> import torch
    >>> classes_of(target_of("classification"), torch.tensor([0, 2]))
    3
    """
    return 1 if target.figure == "error" else int(y.max()) + 1
