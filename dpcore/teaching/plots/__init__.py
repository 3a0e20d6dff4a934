"""Pictures: one visual language for every chapter.

A cluster keeps its colour in every figure, on every level and page. Every
function returns a matplotlib ``Figure`` that pyplot does not know of, so nothing
leaks from one cell to the next; :func:`show` and :func:`player` put figures on the
page with a description for those who cannot see them.

>>> from dpcore import plots
>>> fig = plots.heatmap([[1.0, 0.0], [0.5, 0.5]], row_label="node")
>>> type(fig).__name__
'Figure'
"""

from dpcore.teaching.plots.charts import confusion, curves, heatmap, tiles
from dpcore.teaching.plots.drawing import coarse, graph
from dpcore.teaching.plots.levels import hierarchy, hierarchy_html, level_colors
from dpcore.teaching.plots.page import (
    figure_html,
    player,
    player_html,
    show,
    table,
    table_html,
)
from dpcore.teaching.plots.places import layout
from dpcore.teaching.plots.playground import playground, playground_html
from dpcore.teaching.plots.style import CLUSTER_COLORS, cluster_color

__all__ = [
    "CLUSTER_COLORS",
    "cluster_color",
    "coarse",
    "confusion",
    "curves",
    "figure_html",
    "graph",
    "heatmap",
    "hierarchy",
    "hierarchy_html",
    "layout",
    "level_colors",
    "player",
    "player_html",
    "playground",
    "playground_html",
    "show",
    "table",
    "table_html",
    "tiles",
]
