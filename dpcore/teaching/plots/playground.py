"""The page that computes, with a graph of the reader's own.

The page is the book's `book/playground`: the same HTML, style sheet and scripts, which
lie beside this module as files and are copied into the book when it is built.
"""

from __future__ import annotations

import base64
import html
from pathlib import Path
from urllib.parse import urlencode

import numpy as np
from torch_geometric.data import Data

from dpcore.graphs import SparseGraphs
from dpcore.teaching.plots.places import layout
from dpcore.teaching.plots.style import Array, array, check_shape

FOLDER = Path(__file__).parent / "static" / "playground"
SCRIPTS = tuple(
    f"{name}.js"
    for name in (
        "matrix graph model gradients state draw view hands challenges save "
        "controls page start"
    ).split()
)
"""In the order in which they are loaded: each uses only what stands before it."""

MOST_NODES, MOST_CLUSTERS, MOST_FEATURES = 60, 8, 64

PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>DiffPool playground</title>
<style>@STYLE@</style>
<style>body {margin: 0 auto; padding: 1rem; max-width: 72rem;
 font-family: system-ui, sans-serif; background: #fff}
h1 {margin: 0 0 .5rem; font-size: 1.2rem}
html[data-theme="dark"] {color-scheme: dark; --pst-color-background: #14181e;
 --pst-color-text-base: #ced6dd; --pst-color-text-muted: #9ca4af;
 --pst-color-border: #48566b; --pst-color-primary: #6fb3f2}
html[data-theme="dark"] body {background: #14181e; color: #ced6dd}</style>
<script>const night = matchMedia("(prefers-color-scheme: dark)");
document.documentElement.dataset.theme = night.matches ? "dark" : "light";</script>
</head><body><main><h1>DiffPool playground</h1>
@BODY@
</main>@SCRIPTS@</body></html>
"""


def playground(graph: SparseGraphs | Data, s: Array | None = None) -> None:
    """Open the playground on a graph of your own, in the notebook.

    Edit the graph, pull S, train in the page: nothing needs the network, and nothing
    comes back into the notebook but what you save as JSON.

    Args:
        graph: one graph of at most 60 nodes, as PyG's `Data` or as `SparseGraphs`. Its
            features are taken along where there are at most 64 a node.
        s: an assignment S [n, k] to begin with, k at most 8, rows that add up to 1;
            None: small random scores for two clusters.

    Raises:
        ValueError: for several graphs in one batch, too many nodes, clusters or
            features, and an S that is none.
    """
    from IPython.display import display

    page = html.escape(playground_html(graph, s))
    frame = (
        f'<iframe srcdoc="{page}" title="DiffPool playground" '
        'style="width:100%;height:1100px;border:0"></iframe>'
    )
    text = "The DiffPool playground: it needs a page that runs JavaScript."
    display({"text/html": frame, "text/plain": text}, raw=True)


def playground_html(graph: SparseGraphs | Data, s: Array | None = None) -> str:
    """The whole page of :func:`playground` as one HTML document, to save or to send.

    >>> import torch
    >>> pair = Data(x=torch.ones(2, 1), edge_index=torch.tensor([[0, 1], [1, 0]]))
    >>> page = playground_html(pair, torch.eye(2))
    >>> page[:15], "http" in page.replace("http://www.w3.org/2000/svg", "")
    ('<!doctype html>', False)
    """
    state = html.escape(link_state(graph, s))
    body = (FOLDER / "playground.html").read_text("utf-8")
    body = body.replace("data-playground", f'data-playground data-state="{state}"', 1)
    scripts = [(FOLDER / name).read_text("utf-8") for name in SCRIPTS]
    fields = {
        "STYLE": (FOLDER / "playground.css").read_text("utf-8"),
        "BODY": body,
        "SCRIPTS": "".join(f"<script>\n{script}</script>\n" for script in scripts),
    }
    page = PAGE
    for name, value in fields.items():
        page = page.replace(f"@{name}@", value)
    return page


def link_state(graph: SparseGraphs | Data, s: Array | None = None) -> str:
    """What stands after the # of a link to the book's page `book/playground`.

    >>> import torch
    >>> pair = Data(x=torch.ones(2, 1), edge_index=torch.tensor([[0, 1], [1, 0]]))
    >>> link_state(pair)
    'graph=own&places=1.0%2C0.0+-1.0%2C0.0&edges=0-1*1&features=ones'
    """
    one = graph if isinstance(graph, SparseGraphs) else _one(graph)
    if one.num_graphs != 1:
        raise ValueError(f"graph is a batch of {one.num_graphs}, expected one graph")
    n = one.num_nodes
    if n > MOST_NODES:
        raise ValueError(f"graph has {n} nodes, the playground takes {MOST_NODES}")
    a = one.to_dense().double().numpy()
    directed = not np.array_equal(a, a.T)
    rows, columns = np.nonzero(a if directed else np.triu(a))
    places = layout(np.stack([rows, columns]), n).round(3) + 0.0  # and no -0.0
    fields = {
        "graph": "own",
        "places": " ".join(f"{x},{y}" for x, y in places.tolist()),
        "edges": " ".join(
            f"{i}-{j}*{a[i, j]:g}"
            for i, j in zip(rows.tolist(), columns.tolist(), strict=True)
        ),
        **_features(one.x.double().numpy()),
    }
    if directed:
        fields["directed"] = "1"
    if s is not None:
        fields |= _assignment(array("s", s), n)
    return urlencode(fields, safe="*")


def _one(graph: Data) -> SparseGraphs:
    if not isinstance(graph, Data):
        raise ValueError(
            f"graph is a {type(graph).__name__}, expected SparseGraphs or PyG's Data"
        )
    return SparseGraphs.from_data_list([graph])


def _features(x: np.ndarray) -> dict[str, str]:
    if x.shape[1] > MOST_FEATURES:
        raise ValueError(
            f"graph has {x.shape[1]} features a node, the playground takes "
            f"{MOST_FEATURES}: set graph.x to fewer"
        )
    if np.array_equal(x, np.ones((len(x), 1))):
        return {"features": "ones"}
    if np.array_equal(x, np.eye(len(x))):
        return {"features": "onehot"}
    own = " ".join(",".join(f"{value:.6g}" for value in row) for row in x)
    return {"features": "own", "own": own}


def _assignment(s: np.ndarray, n: int) -> dict[str, str]:
    """Free scores log S, as the page reads them: float32, base64 of the address."""
    k = s.shape[1] if s.ndim == 2 else 0
    check_shape("s", s, (n, k))
    if not 1 <= k <= MOST_CLUSTERS:
        raise ValueError(f"s has {k} clusters, expected 1 to {MOST_CLUSTERS}")
    if s.min() < 0 or not np.allclose(s.sum(1), 1, atol=1e-3):
        raise ValueError("s is no assignment: every row must be ≥ 0 and add up to 1")
    scores = np.log(np.maximum(s, 1e-6)).astype("<f4")
    learned = base64.urlsafe_b64encode(scores.tobytes()).decode().rstrip("=")
    return {"k": str(k), "layers": "0", "hand": "1", "step": "0", "learned": learned}
