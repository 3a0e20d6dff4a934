"""A trained model in one file: its weights, and what it takes to build it again.

The file is in the safetensors format: numbers and text, nothing that runs when it is
opened. Which model it is stands in its metadata under the key "dpcore", as JSON.
"""

from __future__ import annotations

import json
import os
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn

from dpcore.data.files import write_whole
from dpcore.models import build_model
from dpcore.models.output import Classifier

FORMAT = 1
"""Goes up when older versions of dpcore could no longer read the file."""


def save_model(path: str | os.PathLike, model: nn.Module, note: str = "") -> Path:
    """Write a model from :func:`dpcore.build_model` to one safetensors file.

    The file holds the weights, the running statistics, and the name and settings that
    the model was built with. It holds no optimizer: training cannot be resumed. An
    older file of that name is replaced whole or not at all.

    Args:
        path: of the file, in a folder that exists; by custom ``.safetensors``.
        model: as :func:`dpcore.build_model` made it, trained or not.
        note: what a reader should know: the data, the epochs, the names of the
            classes. Comes back as `model.note`.

    Returns:
        The path.

    Raises:
        ValueError: the model was not made by :func:`dpcore.build_model`, or has got
            other weights since than its settings say.
        OSError: the file cannot be written.

    >>> import tempfile
    >>> sizes = dict(num_features=3, num_classes=2, hidden=8)
    >>> model = build_model("diffpool", **sizes)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = save_model(f"{folder}/small.safetensors", model, note="untrained")
    ...     again = load_model(file)
    >>> again.recipe["name"], again.recipe["hidden"], again.note
    ('diffpool', 8, 'untrained')
    """
    recipe = getattr(model, "recipe", None)
    if recipe is None:
        raise ValueError(
            f"model is a {type(model).__name__} without a recipe, expected one from "
            "dpcore.build_model, without gnn=…: its name and settings are saved with "
            "the weights. Of any other model save the state_dict()"
        )
    if not isinstance(note, str):
        raise ValueError(f"note is a {type(note).__name__}, expected a text")
    weights = {key: value.contiguous() for key, value in model.state_dict().items()}
    _check_weights("model", weights, _skeleton(recipe))
    about = json.dumps({"format": FORMAT, "recipe": recipe, "note": note})
    path = Path(path)
    write_whole(path, save(weights, metadata={"dpcore": about}))
    return path


def load_model(path: str | os.PathLike) -> Classifier:
    """Build the model of a file that :func:`save_model` wrote, with its weights.

    Args:
        path: of the file. Safe to load from strangers: no code runs.

    Returns:
        The model on the CPU, in the precision it was saved in and in evaluation mode
        (dropout off); :func:`dpcore.fit` and `model.train()` switch it back. Its name
        and settings are in `model.recipe`, the note in `model.note`.

    Raises:
        OSError: the file is not there or cannot be read.
        ValueError: it is no safetensors file, or holds no model of dpcore, or one of
            a newer dpcore, or weights that do not fit its own settings.
    """
    path = Path(path)
    with path.open("rb"):  # an OSError that names the file, for a folder as well
        pass
    try:
        with safe_open(str(path), framework="pt") as file:
            about = (file.metadata() or {}).get("dpcore")
            weights = {key: file.get_tensor(key) for key in file.keys()}
    except SafetensorError as error:
        raise ValueError(f"{path}: not a whole safetensors file: {error}") from error
    recipe, note = _read(path, about)
    try:
        model = _skeleton(recipe)
    except (TypeError, ValueError) as error:
        raise ValueError(f"{path}: its settings build no model: {error}") from error
    _check_weights(path, weights, model)
    model.load_state_dict(weights, assign=True)
    model.note = note
    return model.eval()


def _read(path: Path, about: str | None) -> tuple[dict, str]:
    """Recipe and note out of the metadata."""
    if about is None:
        raise ValueError(
            f"{path}: holds no model of dpcore, only dpcore.save_model's files do"
        )
    try:
        fields = json.loads(about)
        version, recipe, note = (fields[key] for key in ("format", "recipe", "note"))
        recipe = dict(recipe)
    except (ValueError, KeyError, TypeError) as error:
        raise ValueError(f"{path}: its metadata are damaged: {error!r}") from error
    if version != FORMAT:
        raise ValueError(
            f"{path}: written in format {version}, this dpcore reads {FORMAT}: "
            "install a newer one"
        )
    return recipe, note


def _skeleton(recipe: dict) -> Classifier:
    """The model without memory for its weights; draws no random numbers."""
    with torch.device("meta"):
        return build_model(**recipe)


def _check_weights(
    where: object, weights: dict[str, torch.Tensor], skeleton: nn.Module
) -> None:
    """Refuse weights that are missing, too many, or of another shape or kind."""
    expected = skeleton.state_dict()
    for key in sorted(expected.keys() | weights.keys()):
        came, wanted = (_kind(tensors.get(key)) for tensors in (weights, expected))
        if came != wanted:
            raise ValueError(
                f"{where}: {key} is {came}, its settings ask for {wanted}: the weights "
                "belong to another model"
            )


def _kind(tensor: torch.Tensor | None) -> str:
    if tensor is None:
        return "not there"
    numbers = "floats" if tensor.is_floating_point() else "integers"
    return f"{list(tensor.shape)} {numbers}"
