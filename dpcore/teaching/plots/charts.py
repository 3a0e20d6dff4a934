"""Matrices and training runs as charts."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from dpcore.teaching.plots.style import (
    INK,
    LETTERS,
    PAPER,
    PLAIN,
    SCALE,
    Array,
    array,
    check_shape,
    cluster_color,
    figure_of,
    ink_on,
    new_axes,
    number,
)


def heatmap(
    matrix: Array,
    ax: Axes | None = None,
    *,
    row_label: str = "",
    column_label: str = "",
    title: str | None = None,
    annotate: bool | None = None,
    clusters: str = "",
) -> Figure:
    """Draw a matrix (S, A', SSᵀ, …) as colours, with its values where they fit.

    Args:
        matrix: [r, c]; negative entries switch to a scale that is white at 0.
        ax: the axes to draw into; by default a new figure.
        row_label: what a row is ("node").
        column_label: what a column is ("cluster").
        title: text above the drawing.
        annotate: print the values; by default up to 20 rows and 10 columns.
        clusters: "rows", "columns" or "both": these indices wear cluster colours.

    Raises:
        ValueError: if ``matrix`` is not a matrix or ``clusters`` is another word.
    """
    values = array("matrix", matrix)
    if values.ndim != 2 or values.size == 0:
        raise ValueError(f"matrix: expected [rows, columns], got {values.shape}")
    if clusters not in ("", "rows", "columns", "both"):
        raise ValueError(f"clusters: 'rows', 'columns' or 'both', got {clusters!r}")
    rows, columns = values.shape
    if annotate is None:
        annotate = rows <= 20 and columns <= 10
    cell = 0.42 if annotate else min(0.3, 6 / max(rows, columns))
    ax = new_axes(
        ax, (max(cell * columns, 1.6) + 1, max(cell * rows, 1.4) + 0.9), title
    )
    top = np.abs(values).max() or 1.0
    signed = bool((values < 0).any())
    image = ax.imshow(
        values, "RdBu_r" if signed else "Blues", vmin=-top if signed else 0, vmax=top
    )
    ax.set(xlabel=column_label, ylabel=row_label)
    for axis, size, kind in ((ax.yaxis, rows, "rows"), (ax.xaxis, columns, "columns")):
        axis.set_ticks(range(0, size, 1 if size <= 20 else math.ceil(size / 10)))
        axis.set_tick_params(length=0)
        for tick in axis.get_ticklabels() if clusters in (kind, "both") else []:
            color = cluster_color(int(tick.get_text()))
            tick.set(color=ink_on(color), weight="bold")
            tick.set_bbox({"fc": color, "ec": "none", "boxstyle": "round,pad=0.25"})
    for (i, j), value in np.ndenumerate(values) if annotate else []:
        ground = image.cmap(image.norm(value))[:3]
        box = {"fc": ground, "ec": "none", "boxstyle": "square,pad=0.15"}
        ink: dict[str, Any] = {"color": ink_on(ground), "bbox": box}  # lines may cross
        ink |= {"fontsize": LETTERS, "gid": SCALE}
        ax.text(j, i, number(value), ha="center", va="center", **ink)
    return figure_of(ax)


def tiles(
    values: Array,
    clusters: Array,
    ax: Axes | None = None,
    *,
    title: str | None = None,
) -> Figure:
    """Draw a small grid of numbers, every cell in the colour of its cluster.

    Args:
        values: [r, c] numbers, the pixels of an image say.
        clusters: [r, c] cluster numbers; -1 leaves a cell plain.
        ax: the axes to draw into; by default a new figure.
        title: text above the drawing.

    Raises:
        ValueError: if ``values`` is not a matrix or ``clusters`` has another shape.
    """
    grid, groups = array("values", values), array("clusters", clusters)
    if grid.ndim != 2 or grid.size == 0:
        raise ValueError(f"values: expected [rows, columns], got {grid.shape}")
    check_shape("clusters", groups, grid.shape)
    rows, columns = grid.shape
    ax = new_axes(ax, (0.6 * columns + 0.4, 0.6 * rows + 0.4), title)
    for (i, j), value in np.ndenumerate(grid):
        color = cluster_color(int(groups[i, j])) if groups[i, j] >= 0 else PLAIN
        ax.add_patch(Rectangle((j, rows - 1 - i), 1, 1, fc=color, ec=PAPER, lw=2))
        at = (j + 0.5, rows - 0.5 - i)
        ink: dict[str, Any] = {"color": ink_on(color), "fontsize": 12}
        ax.text(*at, number(value), ha="center", va="center", **ink)
    ax.set(xlim=(0, columns), ylim=(0, rows), aspect="equal")
    ax.axis("off")
    return figure_of(ax)


def curves(history: Sequence[Any], *, title: str | None = None) -> Figure:
    """Draw training curves: the losses, and the validation accuracy if there is one.

    Args:
        history: one record an epoch, as :func:`dpcore.fit` returns; a record is a
            mapping or an object with ``loss``, ``link_loss``, ``entropy_loss`` and
            perhaps ``accuracy`` (0 to 1). What is missing everywhere is not drawn.
        title: text above the drawing.

    Raises:
        ValueError: if ``history`` is empty or has no loss.
    """
    keys = ("loss", "link_loss", "entropy_loss", "accuracy")
    series = {}
    for key in keys:
        values = _series(history, key)
        if values is not None:
            series[key] = values
    if "loss" not in series:
        raise ValueError("history: expected records with a loss, one an epoch")
    panels = 1 + ("accuracy" in series)
    fig = Figure(figsize=(3.6 * panels, 2.9), layout="constrained", facecolor=PAPER)
    axes = fig.subplots(1, panels, squeeze=False)[0]
    epochs = np.arange(1, len(history) + 1)
    names = {"loss": "total", "link_loss": "link prediction", "entropy_loss": "entropy"}
    styles = zip(names.items(), ("-", "--", ":"), strict=True)
    for c, ((key, name), line) in enumerate(styles):
        if key in series:
            color = cluster_color(c)
            axes[0].plot(epochs, series[key], line, color=color, label=name, lw=2)
    axes[0].set(xlabel="epoch", ylabel="training loss", ylim=(0, None))
    axes[0].legend(frameon=False)
    if panels == 2:
        accuracy = 100 * series["accuracy"]
        loss = _series(history, "validation_loss")  # decides among equals, as in fit
        order = -accuracy if loss is None else (loss, -accuracy)
        best = int(np.lexsort(np.atleast_2d(order))[0])  # NaN comes last
        axes[1].plot(epochs, accuracy, color=cluster_color(2), lw=2)
        axes[1].plot(epochs[best], accuracy[best], "o", color=INK)
        axes[1].set(xlabel="epoch", ylabel="validation accuracy, %")
        axes[1].set_title(
            f"best: {accuracy[best]:.1f} % at epoch {epochs[best]}", size=10
        )
    for ax in axes:
        ax.grid(alpha=0.25)
        ax.spines[["top", "right"]].set_visible(False)
    fig.suptitle(title or "", fontsize=11)
    return fig


def confusion(matrix: Array, class_names: Sequence[str]) -> Figure:
    """Draw a confusion matrix: counts, and the share of each true class.

    Args:
        matrix: [C, C] counts, rows the true classes, columns the predicted ones.
        class_names: C names.

    Raises:
        ValueError: if ``matrix`` is not [C, C] for the C names.
    """
    counts, size = array("matrix", matrix), len(class_names)
    check_shape("matrix", counts, (size, size))
    share = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    fig = heatmap(
        share, row_label="true class", column_label="predicted", annotate=False
    )
    fig.set_size_inches(1.2 * size + 1.6, 1.0 * size + 1.2)
    ax = fig.axes[0]
    for (i, j), value in np.ndenumerate(counts):
        text = f"{int(value)}\n{100 * share[i, j]:.0f} %"
        ink = PAPER if share[i, j] > 0.55 else INK
        ax.text(j, i, text, ha="center", va="center", color=ink, fontsize=10)
    ax.set_xticks(range(size), class_names)
    ax.set_yticks(range(size), class_names)
    return fig


def _series(history: Sequence[Any], key: str) -> np.ndarray | None:
    """The values of ``key`` over the epochs, NaN where one is missing."""
    values = [
        record.get(key) if isinstance(record, Mapping) else getattr(record, key, None)
        for record in history
    ]
    if all(value is None for value in values):
        return None
    return np.array([np.nan if value is None else float(value) for value in values])
