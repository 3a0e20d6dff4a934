"""Figures say what they should: shapes, shares, colours, words; the player plays."""

import base64
import io
import json
import re
from pathlib import Path

import matplotlib.pyplot as plt
import networkx as nx
import numpy as np
import pytest
import torch
from bs4 import BeautifulSoup
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.colors import to_hex, to_rgba
from matplotlib.figure import Figure
from matplotlib.patches import Circle
from matplotlib.transforms import Bbox
from PIL import Image

from dpcore import plots, tables
from dpcore.teaching.plots.page import PLAYER_LIMIT
from dpcore.teaching.plots.places import _crossings, node_radius
from dpcore.teaching.plots.style import PAPER
from dpcore.training import History, Record

PATH = torch.tensor([[0, 1, 1, 2], [1, 0, 2, 1]])  # 0 - 1 - 2, both directions


def texts(fig: Figure) -> list[str]:
    return [text.get_text() for text in fig.axes[0].texts]


def small_figure(step: int = 0) -> Figure:
    fig = Figure(figsize=(5, 1))
    fig.subplots().plot([0, step])
    return fig


# graphs


def test_pie_fractions_and_colours_are_the_memberships():
    shares = torch.tensor([[0.5, 0.25, 0.25], [0.0, 1.0, 0.0], [0.1, 0.2, 0.7]])
    fig = plots.graph(PATH, shares)
    drawn = torch.zeros(3, 3)
    for wedge in filter(lambda patch: patch.get_gid(), fig.axes[0].patches):
        node, cluster = map(int, re.findall(r"\d+", wedge.get_gid()))
        drawn[node, cluster] = (wedge.theta2 - wedge.theta1) / 360
        color = plots.CLUSTER_COLORS[cluster].lower()
        assert to_hex(wedge.get_facecolor()) == color
    assert torch.allclose(drawn, shares, atol=1e-6)


def test_an_edge_is_drawn_once_and_as_wide_as_its_weight():
    fig = plots.graph(PATH, weights=[1.0, 1.0, 4.0, 2.0])
    thin, thick = (line.get_linewidth() for line in fig.axes[0].lines)
    assert thick == pytest.approx(0.4 + 1.4) and thin == pytest.approx(0.4 + 1.4 / 4)


def test_self_loop_isolated_node_and_labels():
    fig = plots.graph([[0, 1], [1, 1]], num_nodes=4, labels=list("abcd"))
    assert len(fig.axes[0].lines) == 1
    assert len(fig.axes[0].patches) == 5  # four nodes and the loop
    assert texts(fig) == list("abcd")
    assert texts(plots.graph(PATH)) == ["0", "1", "2"]
    assert texts(plots.graph(PATH, labels=[])) == []


def test_graph_without_edges_or_nodes():
    empty = torch.zeros(2, 0, dtype=torch.long)
    assert len(plots.graph(empty, num_nodes=1).axes[0].patches) == 1
    assert len(plots.graph(empty).axes[0].patches) == 0


def test_layout_is_deterministic_and_keeps_components_apart():
    triangles = [[0, 1, 2, 3, 4, 5], [1, 2, 0, 4, 5, 3]]
    first, again = plots.layout(triangles, 6), plots.layout(triangles, 6)
    assert np.array_equal(first, again)
    assert np.abs(first).max() == pytest.approx(1)
    assert first[:3, 0].max() < first[3:, 0].min()
    large = torch.stack([torch.arange(249), torch.arange(1, 250)])
    assert np.array_equal(plots.layout(large, 250, 1), plots.layout(large, 250, 1))
    assert not np.allclose(plots.layout(large, 250, 1), plots.layout(large, 250, 2))


def test_layout_of_many_components_fills_rows():
    pairs = torch.arange(24).view(12, 2).T
    place = plots.layout(pairs, 26)  # the last two nodes are alone
    distance = np.linalg.norm(place[:, None] - place[None], axis=-1)
    assert (distance + np.eye(26)).min() > 0.05
    assert np.ptp(place[:, 1]) > 0.5


@pytest.mark.parametrize(
    "kind", ["path", "star", "clique", "protein", "lonely", "pairs"]
)
def test_no_nodes_of_a_layout_overlap(kind):
    rng = np.random.default_rng(0)
    chain = np.stack([np.arange(45), np.arange(1, 46)])
    edges, n = {
        "path": (chain, 46),
        "star": (np.stack([np.zeros(20, int), np.arange(1, 21)]), 21),
        "clique": (np.array([(i, j) for i in range(12) for j in range(i)]).T, 12),
        "protein": (np.concatenate([chain, rng.integers(0, 46, (2, 40))], 1), 46),
        "lonely": (np.zeros((2, 0), int), 9),
        "pairs": (np.arange(20).reshape(2, 10), 20),
    }[kind]
    place = plots.layout(edges, n)
    gaps = np.linalg.norm(place[:, None] - place, axis=-1) + 9 * np.eye(n)
    assert np.abs(place).max() <= 1 + 1e-6
    assert gaps.min() >= 2 * node_radius(n) * 0.97


def test_layout_prefers_fewer_crossings():
    links = [(0, 3), (1, 4), (5, 6), (7, 9), (8, 10), (11, 2)]  # four teams in a ring
    mates = [(i, j) for i in range(12) for j in range(i) if i // 3 == j // 3]
    net = nx.Graph(mates + links)
    place = plots.layout(np.array(mates + links).T, 12)
    assert _crossings(net, dict(enumerate(place))) == 0
    square = {0: (0, 0), 1: (1, 1), 2: (1, 0), 3: (0, 1)}
    cross = {node: np.array(at, dtype=float) for node, at in square.items()}
    assert _crossings(nx.Graph([(0, 1), (2, 3), (0, 2)]), cross) == 1


def test_coarse_shows_inside_and_between():
    fig = plots.coarse([[4.0, 1.5], [0.5, 6.0]], labels=["left", "right"])
    assert texts(fig) == ["1", "4", "left", "6", "right"]
    small, large = fig.axes[0].patches
    assert small.radius < large.radius
    color = plots.CLUSTER_COLORS[1].lower()
    assert to_hex(large.get_facecolor()) == color


def test_coarse_leaves_out_faint_lines_and_takes_one_cluster():
    faint = plots.coarse([[10.0, 0.05], [0.05, 10.0]])
    assert len(faint.axes[0].lines) == 0
    assert texts(plots.coarse([[30.0]])) == ["30", "0"]


# charts


def test_heatmap_prints_values_and_wears_cluster_colours():
    fig = plots.heatmap(
        [[1.0, 0.25]], row_label="node", column_label="cluster", clusters="columns"
    )
    ax = fig.axes[0]
    assert texts(fig) == ["1", "0.25"]
    for number, value in zip(ax.texts, (1.0, 0.25), strict=True):  # lines may cross
        ground = number.get_bbox_patch().get_facecolor()
        assert ground == tuple(ax.images[0].to_rgba(value))
    assert (ax.get_ylabel(), ax.get_xlabel()) == ("node", "cluster")
    boxes = [tick.get_bbox_patch() for tick in ax.get_xticklabels()]
    drawn = [to_hex(box.get_facecolor()) for box in boxes]
    assert drawn == [color.lower() for color in plots.CLUSTER_COLORS[:2]]
    assert ax.get_yticklabels()[0].get_bbox_patch() is None


def test_heatmap_of_signed_values_is_centred_at_zero():
    image = plots.heatmap([[-2.0, 1.0]]).axes[0].images[0]
    assert image.get_clim() == (-2.0, 2.0)
    assert texts(plots.heatmap(np.ones((30, 3)))) == []


def test_tiles_wear_the_colour_of_their_cluster():
    fig = plots.tiles([[2.0, 7.0], [4.25, 0.5]], [[0, 1], [2, -1]])
    assert texts(fig) == ["2", "7", "4.25", "0.50"]
    first, _, third, plain = fig.axes[0].patches
    assert to_hex(first.get_facecolor()) == plots.CLUSTER_COLORS[0].lower()
    assert to_hex(third.get_facecolor()) == plots.CLUSTER_COLORS[2].lower()
    assert first.get_y() > third.get_y()  # the first row is above
    assert to_hex(plain.get_facecolor()) not in map(str.lower, plots.CLUSTER_COLORS)


def test_curves_draw_what_the_history_holds():
    epochs = [
        {"loss": 1.0 / e, "link_loss": 0.2, "entropy_loss": None, "accuracy": a}
        for e, a in ((1, 0.5), (2, 0.75), (3, 0.625))
    ]
    losses, accuracy = plots.curves(epochs).axes
    names = [line.get_label() for line in losses.lines]
    assert names == ["total", "link prediction"]
    assert np.allclose(losses.lines[0].get_ydata(), [1, 1 / 2, 1 / 3])
    assert accuracy.get_title() == "best: 75.0 % at epoch 2"
    epochs[0]["accuracy"] = None
    epochs[2]["accuracy"] = 0.75
    assert "epoch 2" in plots.curves(epochs).axes[1].get_title()
    for epoch, loss in zip(epochs, (0.1, 0.7, 0.6), strict=True):
        epoch["validation_loss"] = loss
    assert "epoch 3" in plots.curves(epochs).axes[1].get_title()

    class Record:
        loss = 0.5

    assert len(plots.curves([Record()]).axes) == 1


@pytest.mark.parametrize("seed", range(20))
def test_curves_mark_the_epoch_whose_weights_fit_keeps(seed):
    """The rule stands twice, since pictures may not import training."""
    rng = np.random.default_rng(seed)
    names = ("loss", "accuracy", "validation_loss")
    values = rng.integers(0, 3, (8, 3)) / 4  # many equals
    history = History(
        Record(zip(names, row, strict=True), epoch=epoch)
        for epoch, row in enumerate(values.tolist(), 1)
    )
    title = plots.curves(history).axes[1].get_title()
    assert title.endswith(f"at epoch {history.best.epoch}")


def test_confusion_counts_and_shares():
    fig = plots.confusion([[3, 1], [0, 0]], ["enzyme", "other"])
    assert texts(fig) == ["3\n75 %", "1\n25 %", "0\n0 %", "0\n0 %"]
    ticks = [tick.get_text() for tick in fig.axes[0].get_yticklabels()]
    assert ticks == ["enzyme", "other"]


@pytest.mark.parametrize(
    ("call", "argument"),
    [
        (lambda: plots.graph([[0, 1, 2]]), "edge_index"),
        (lambda: plots.graph([[0], [5]], num_nodes=3), "edge_index"),
        (lambda: plots.graph(PATH, [[1.0], [1.0]]), "edge_index"),
        (lambda: plots.graph(PATH, [[1.0], [1.0], [0.4]]), "assignment"),
        (lambda: plots.graph(PATH, [1.0, 1.0, 1.0]), "assignment"),
        (lambda: plots.graph(PATH, [[1.0]] * 3, num_nodes=4), "assignment"),
        (lambda: plots.graph(PATH, positions=np.zeros((3, 3))), "positions"),
        (lambda: plots.graph(PATH, weights=[1.0]), "weights"),
        (lambda: plots.graph(PATH, labels=["a"]), "labels"),
        (lambda: plots.graph(PATH, num_nodes=3, weights=[float("nan")] * 4), "weights"),
        (lambda: plots.coarse([[1.0, 2.0]]), "adj"),
        (lambda: plots.coarse([[1.0]], labels=["a", "b"]), "labels"),
        (lambda: plots.coarse([[1.0]], positions=[[0, 0], [1, 1]]), "positions"),
        (lambda: plots.heatmap([1.0, 2.0]), "matrix"),
        (lambda: plots.heatmap([["a"]]), "matrix"),
        (lambda: plots.heatmap([[1.0]], clusters="row"), "clusters"),
        (lambda: plots.tiles([1.0], [0]), "values"),
        (lambda: plots.tiles([[1.0]], [0]), "clusters"),
        (lambda: plots.curves([]), "history"),
        (lambda: plots.confusion([[1, 2]], ["a", "b"]), "matrix"),
        (lambda: plots.show(small_figure(), ""), "alt"),
        (lambda: plots.player([], "film"), "frames"),
        (lambda: plots.player(small_figure, "film"), "count"),
        (lambda: plots.player([small_figure()], "film", ["a", "b"]), "captions"),
    ],
)
def test_wrong_arguments_are_named(call, argument):
    with pytest.raises(ValueError, match=f"^{argument}: "):
        call()


def test_drawing_into_given_axes_returns_their_figure():
    fig = Figure()
    left, right = fig.subplots(1, 2)
    assert plots.graph(PATH, ax=left, title="before") is fig
    assert plots.coarse([[1.0]], ax=right) is fig
    assert left.get_title() == "before"


# on the page


def test_show_displays_an_image_with_escaped_alt_and_closes(monkeypatch):
    shown = []
    monkeypatch.setattr(
        "IPython.display.display", lambda data, raw: shown.append((data, raw))
    )
    fig, _ = plt.subplots()
    before = set(plt.get_fignums())
    plots.show(fig, alt='S < "A" & more')
    assert set(plt.get_fignums()) == before - {fig.number}
    (data, raw), alt = shown[0], 'S < "A" & more'
    assert raw and data["text/plain"] == alt
    assert 'alt="S &lt; &quot;A&quot; &amp; more"' in data["text/html"]
    assert "max-width:100%" in data["text/html"]
    png = base64.b64decode(re.search(r"base64,([^\"]+)", data["text/html"])[1])
    assert Image.open(io.BytesIO(png)).format == "PNG"


def test_table_is_html_on_a_page_and_aligned_text_elsewhere(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda data, raw: shown.append(data))
    plots.table(["row", "a < b"], ["mlp", 7], ["diffpool", "7 & 8"])
    soup = BeautifulSoup(shown[0]["text/html"], "html.parser")
    assert [th.text for th in soup.select("thead th[scope=col]")] == ["row", "a < b"]
    assert [td.text for td in soup.select("tbody td")] == [
        "mlp",
        "7",
        "diffpool",
        "7 & 8",
    ]
    assert shown[0]["text/plain"].splitlines() == [
        "row       a < b",
        "mlp       7",
        "diffpool  7 & 8",
    ]
    with pytest.raises(ValueError, match="row 1 has 1 values, expected 2"):
        plots.table(["a", "b"], [1, 2], [3])


def test_no_figure_is_left_with_pyplot():
    before = plt.get_fignums()
    plots.graph(PATH), plots.coarse([[1.0]]), plots.heatmap([[1.0]])
    plots.tiles([[1.0]], [[0]])
    plots.curves([{"loss": 1.0}]), plots.confusion([[1]], ["a"])
    assert plt.get_fignums() == before


def test_player_takes_figures_or_a_function_of_one_size():
    film = plots.player_html(small_figure, "a line", count=3)
    assert film == plots.player_html([small_figure(i) for i in range(3)], "a line")
    assert film.count("<img ") == 6 and 'alt="a line: frame 3 of 3"' in film
    with pytest.raises(ValueError, match="frames: expected one size"):
        plots.player_html([small_figure(), Figure(figsize=(3, 1))], "a line")


def test_player_refuses_to_be_heavy(monkeypatch):
    monkeypatch.setattr("dpcore.teaching.plots.page.PLAYER_LIMIT", 10_000)
    with pytest.raises(ValueError, match="frames: .* draw fewer"):
        plots.player_html(small_figure, "a line", count=12)


def test_player_in_a_browser(browser, tmp_path: Path):
    captions = [f"step {i}" for i in range(6)]
    film = plots.player_html(small_figure, "a < b", captions, count=6, interval=400)
    assert len(film) < PLAYER_LIMIT
    file = tmp_path / "page.html"  # two players: neither may move the other
    file.write_text(f"<!doctype html><meta charset=utf-8>{film}{film}", "utf-8")
    page = browser.new_page(viewport={"width": 320, "height": 700})
    requests, errors = [], []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda line: errors.append(line.text))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(file.as_uri())
    first, second = page.locator(".dpcore-player").all()
    slider, caption = first.locator("input"), first.locator("> [data-caption]")

    def state() -> tuple[str, str, list[bool]]:
        images = first.locator("[data-frames] > div").all()
        shown = [image.locator("img").first.is_visible() for image in images]
        return slider.input_value(), caption.inner_text(), shown

    assert state() == ("0", "step 0", [True] + [False] * 5)
    assert first.locator("img").first.get_attribute("alt") == "a < b: step 0"
    assert page.evaluate("document.documentElement.scrollWidth") <= 320

    first.get_by_role("button", name="play").click()
    first.get_by_role("button", name="pause").wait_for()
    page.wait_for_function(
        "document.querySelector('.dpcore-player input').value === '5'"
    )
    first.get_by_role("button", name="play").wait_for()  # it stopped by itself
    assert state() == ("5", "step 5", [False] * 5 + [True])

    # another cell shows its player: the script runs again and leaves this one alone
    page.evaluate(re.search(r"<script>(.*)</script>", film, re.DOTALL)[1])
    first.get_by_role("button", name="one frame back").click()
    assert state()[:2] == ("4", "step 4")
    slider.fill("2")
    assert state()[:2] == ("2", "step 2")
    slider.press("ArrowRight")
    assert state()[:2] == ("3", "step 3")
    first.focus()
    for key, value in (("Home", "0"), ("ArrowRight", "1"), ("End", "5")):
        page.keyboard.press(key)
        assert state()[0] == value
    twice = """(box) => [0, 1].map(() => {
        box.dispatchEvent(new KeyboardEvent("keydown", {key: " ", bubbles: true}));
        const play = box.querySelector("[data-do=play]");
        return [box.querySelector("input").value, play.ariaLabel]})"""
    # at the end, space plays again from the start; once more, and it rests
    assert first.evaluate(twice) == [["0", "pause"], ["0", "play"]]

    assert second.locator("input").input_value() == "0"
    assert [url for url in requests if not url.startswith(("file:", "data:"))] == []
    assert errors == []
    page.close()


# what stands in a drawing stands apart


def labels(fig: Figure) -> list[tuple[str, Bbox]]:
    """Every text of the drawing and its box, in pixels, as it is printed."""
    renderer = FigureCanvasAgg(fig).get_renderer()
    fig.draw(renderer)
    found = [text for text in fig.axes[0].texts if text.get_text()]
    return [(text.get_text(), text.get_window_extent(renderer)) for text in found]


def touching(boxes: list[tuple[str, Bbox]]) -> list[tuple[str, str]]:
    return [
        (a, b)
        for i, (a, one) in enumerate(boxes)
        for b, other in boxes[:i]
        if one.overlaps(other)
    ]


def struck(fig: Figure, names: set[str]) -> list[str]:
    """Texts among `names` that a line of the drawing runs through."""
    lines = [line.get_transform().transform_path(line.get_path())
             for line in fig.axes[0].lines]  # fmt: skip
    return [
        name
        for name, box in labels(fig)
        if name in names
        and any(path.intersects_bbox(box, filled=False) for path in lines)
    ]


@pytest.mark.parametrize("k, width", [(2, 1.6), (3, 1.8), (5, 2.8), (6, 4.2), (7, 4.2)])
def test_labels_of_a_coarse_graph_stand_apart(k, width):
    rng = np.random.default_rng(k)
    adj = rng.integers(10, 60, (k, k))
    adj = adj + adj.T
    fig = Figure(figsize=(width, width), layout="constrained")
    plots.coarse(adj, ax=fig.subplots(), labels=list("abcdefg"[:k]))
    assert touching(labels(fig)) == []
    assert struck(fig, set("abcdefg")) == []
    on_lines = [text for text in fig.axes[0].texts if text.get_bbox_patch()]
    assert len(on_lines) == k * (k - 1) / 2  # a line ends at its number's ground
    lines = max(line.get_zorder() for line in fig.axes[0].lines)
    for text in on_lines:
        assert text.get_bbox_patch().get_facecolor() == to_rgba(PAPER)
        assert text.get_zorder() > lines


def test_small_numbers_of_a_coarse_graph_stand_apart():
    """As narrow as in chapter 04: five clusters in a third of a figure."""
    adj = 2 + np.arange(25).reshape(5, 5) / 100
    fig = Figure(figsize=(8, 3), layout="constrained")
    plots.coarse(adj, ax=fig.subplots(1, 4, width_ratios=[4, 4, 1.6, 1.2])[0])
    assert touching(labels(fig)) == []


def proteins() -> list[nx.Graph]:
    """Those of chapter 07 whose nodes are numbered: they have at most 30."""
    path = tables.find_results() / "examples" / "PROTEINS.json"
    records = json.loads(path.read_text(encoding="utf-8"))["graphs"]
    nets = [nx.from_sparse6_bytes(r["sparse6"].encode()) for r in records]
    return [nx.Graph(net) for net in nets if 20 <= len(net) <= 30][:6]


@pytest.mark.parametrize("width, count", [(4.2, 2), (3.2, 6)])
def test_labels_and_nodes_of_the_books_graphs_stand_apart(width, count):
    for net in [nx.karate_club_graph().subgraph(range(20)), *proteins()[:count]]:
        edges, n = np.array(net.edges).T, len(net)
        fig = Figure(figsize=(width, width), layout="constrained")
        plots.graph(edges, np.eye(8)[np.arange(n) % 8], ax=fig.subplots())
        assert touching(labels(fig)) == []
        discs = [patch for patch in fig.axes[0].patches if isinstance(patch, Circle)]
        centres = np.array([disc.center for disc in discs])
        apart = np.linalg.norm(centres[:, None] - centres, axis=-1) + 9 * np.eye(n)
        assert len(discs) == n and apart.min() >= 1.9 * discs[0].radius
        inside = min(disc.get_window_extent().width for disc in discs)
        assert max(box.height for _, box in labels(fig)) <= inside
