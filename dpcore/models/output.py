"""What every classifier returns, and the head that they share."""

from __future__ import annotations

from typing import Any, NamedTuple

from torch import Tensor, nn


class Output(NamedTuple):
    """What every model returns for a batch of B graphs.

    Attributes:
        logits: class scores [B, C], before any softmax.
        link_loss: scalar, added up over the levels, unweighted; zero for flat models.
        entropy_loss: likewise, in nats.
        auxiliary: the scalar that training adds to the cross-entropy: both losses
            times the model's weights.
        assignments: S of every level, finest first; empty for flat models.
    """

    logits: Tensor
    link_loss: Tensor
    entropy_loss: Tensor
    auxiliary: Tensor
    assignments: list[Tensor]


class Classifier(nn.Module):
    """What :func:`dpcore.build_model` makes: called with a batch, a PyG `Data` or PyG's
    tensors, a module of this kind returns an :class:`Output`.

    Attributes:
        recipe: the arguments of `build_model` that made it, where a file can hold them.
        note: of the file that it was loaded from.
    """

    recipe: dict[str, Any]
    note: str


def classifier_head(width: int, hidden: int, num_classes: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(width, hidden), nn.ReLU(), nn.Linear(hidden, num_classes)
    )


def flat_output(logits: Tensor) -> Output:
    """The output of a model without levels: no losses, no assignments."""
    zero = logits.new_zeros(())
    return Output(logits, zero, zero, zero, [])
