"""The graph with a level slider: what it draws, what it says, how it is moved."""

import re
from pathlib import Path

import numpy as np
import pytest
import torch
from bs4 import BeautifulSoup
from matplotlib.colors import to_hex

from dpcore import plots
from dpcore.teaching.plots.levels import _inside
from dpcore.teaching.plots.svg import HEIGHT, WIDTH, fitted

# 0 - 1, 2 - 3, joined by 1 - 2; node 1 is torn between clusters 0 and 2 of three.
EDGES = torch.tensor([[0, 1, 2, 3, 1, 2], [1, 0, 3, 2, 2, 1]])
FIRST = torch.tensor([[1.0, 0, 0], [0.75, 0, 0.25], [0, 0, 1], [0, 0, 1]])
SECOND = torch.tensor([[[0.0, 1.0], [0.5, 0.5], [1.0, 0.0]]])
PLACE = np.array([[0, 0], [1, 0], [2, 0], [3, 1.0]])


def drawn(**options):
    page = plots.hierarchy_html(
        EDGES, [FIRST, SECOND], "four nodes", positions=PLACE, **options
    )
    return BeautifulSoup(page, "html.parser").select("[data-level]")


def texts(level):
    return [disc["data-text"] for disc in level.select("[data-text]")]


def fills(disc):
    """The colours of a disc's wedges and core, without the rim."""
    return [part["fill"] for part in disc.find_all(["path", "circle"])[1:]]


def color(number):
    return plots.CLUSTER_COLORS[number]


def test_a_node_is_a_pie_and_says_its_memberships_on_every_level():
    graph, *_ = drawn(names=["helix", "sheet", "turn", "turn"])
    assert texts(graph)[:2] == [
        "node 0 (helix): level 1 cluster 0 100 %; level 2 cluster 1 100 %",
        "node 1 (sheet): level 1 cluster 0 75 %, cluster 2 25 %; "
        "level 2 cluster 1 75 %, cluster 0 25 %",
    ]
    discs = graph.select("[data-text]")
    assert fills(discs[0]) == [color(0)] and fills(discs[1]) == [color(0), color(2)]
    turns = re.findall(r"A\S+ \S+ 0 ([01]) 1", str(discs[1]))
    assert turns == ["1", "0"]  # three quarters, then one


def test_a_cluster_says_its_nodes_its_edges_and_where_it_goes():
    _, first, second = drawn()
    assert texts(first) == [
        "cluster 0 of level 1: 1.8 of 4 nodes, edge mass inside 1.5; "
        "level 2 cluster 1 100 %",
        "cluster 2 of level 1: 2.2 of 4 nodes, edge mass inside 2.5; "
        "level 2 cluster 0 100 %",
    ]
    assert (
        texts(second)[1] == "cluster 1 of level 2: 1.8 of 4 nodes, edge mass inside 1.5"
    )
    assert first["data-caption"] == "level 1: 2 of 3 clusters in use, 1 all but empty"
    members = first.select("[data-text]")[0]["data-members"]
    assert members == "[100, 75, 0, 0]"


def test_a_colour_leads_through_the_levels():
    _, first, second = drawn()
    for level in (first, second):
        worn = {
            d["data-text"][:9]: d["data-color"] for d in level.select("[data-text]")
        }
        if level is first:
            assert worn == {"cluster 0": color(0), "cluster 2": color(2)}
            rim = fills(level.select("[data-text]")[0])
            assert rim == [color(0), color(0)]  # goes whole to a cluster of its colour
        else:
            assert worn == {"cluster 0": color(2), "cluster 1": color(0)}
    given = drawn(colors=[[5, 6, 7], [3, 4]])
    worn = [d["data-color"] for d in given[2].select("[data-text]")]
    assert worn == [color(3), color(4)]


def test_level_colors_are_inherited_and_never_shared():
    brings_most = [[0.6, 0.4], [0.9, 0.1]]  # cluster 1, with 9 of 10 nodes, rules both
    nodes = [[1.0, 0.0]] + [[0.0, 1.0]] * 9
    assert plots.level_colors([nodes, brings_most]) == [[0, 1], [1, 0]]
    more_above = [[0.2, 0.3, 0.5]]
    assert plots.level_colors([[[1.0]] * 2, more_above]) == [[0], [1, 2, 0]]


def test_the_coarse_lines_are_as_wide_as_the_entries():
    weights = torch.eye(3)
    pairs = [(0, 1)] * 4 + [(1, 2)]
    edges = torch.tensor(pairs + [(j, i) for i, j in pairs]).T
    page = plots.hierarchy_html(edges, [weights], "three")
    level = BeautifulSoup(page, "html.parser").select("[data-level]")[1]
    widths = [path["stroke-width"] for path in level.find_all("path", recursive=False)]
    assert widths[-2:] == ["9.0", "2.2"]  # 8 and 2 of A', both directions together


def test_everything_is_inside_the_drawing_and_nothing_hides():
    box = np.array([WIDTH, HEIGHT])
    place = fitted(np.array([[0, 0], [1000, 1], [7, 5.0]]))
    assert (place >= 40).all() and (place <= box - 40).all()
    assert np.array_equal(fitted(np.zeros((1, 2))), [box / 2])
    radii = np.full(8, 30.0)
    places = _inside(np.tile(box / 2, (8, 1)), radii, gap=6)
    gaps = np.linalg.norm(places[:, None] - places, axis=-1) + 1000 * np.eye(8)
    assert gaps.min() > 58 and (places > 30).all() and (places < box - 30).all()


def test_no_discs_of_a_level_overlap():
    """Many nodes, some of them on one place: boxes of what the page draws."""
    torch.manual_seed(0)
    edges = torch.randint(46, (2, 120))
    steps = [torch.randn(46, 8).softmax(1), torch.randn(8, 3).softmax(1)]
    places = torch.randn(46, 2)
    places[5] = places[6]
    page = plots.hierarchy_html(edges, steps, "many", positions=places)
    for level in BeautifulSoup(page, "html.parser").select("[data-level]"):
        rims = [disc.find("circle") for disc in level.select("[data-text]")]
        x, y, r = (np.array([float(rim[k]) for rim in rims]) for k in ("cx", "cy", "r"))
        gap = np.hypot(x[:, None] - x, y[:, None] - y) - r[:, None] - r
        assert (gap + 1000 * np.eye(len(r))).min() > 0
        assert (x > r).all() and (x < WIDTH - r).all() and (y < HEIGHT - r).all()


@pytest.mark.parametrize(
    ("change", "argument"),
    [
        (dict(assignments=[]), "assignments: expected S of at least one level"),
        (dict(assignments=[FIRST, FIRST]), "assignments: level 2 has 4 rows"),
        (dict(assignments=[FIRST * 2]), "assignments: expected rows of shares"),
        (dict(edge_index=[[0], [7]]), "edge_index: expected indices"),
        (dict(alt=" "), "alt: expected a sentence"),
        (dict(names=["a"]), "names: expected 4 texts, got 1"),
        (dict(positions=[[0, 0]]), "positions: expected shape"),
        (dict(colors=[[0, 1, 2], [0]]), "colors: expected one number a cluster"),
    ],
)
def test_wrong_arguments_are_named(change, argument):
    right = dict(edge_index=EDGES, assignments=[FIRST, SECOND], alt="four nodes")
    with pytest.raises(ValueError, match=f"^{argument}"):
        plots.hierarchy(**right | change)


def test_it_is_displayed_with_words_for_a_terminal(monkeypatch):
    shown = []
    monkeypatch.setattr("IPython.display.display", lambda data, raw: shown.append(data))
    plots.hierarchy(EDGES, [FIRST, SECOND], 'a "b" < c')
    assert shown[0]["text/plain"] == 'a "b" < c'
    assert 'aria-label="a &quot;b&quot; &lt; c"' in shown[0]["text/html"]


def test_other_colours_in_the_still_pictures():
    fig = plots.coarse([[4.0, 1.0], [1.0, 6.0]], colors=[3, 0])
    faces = [plots.cluster_color(c).lower() for c in (3, 0)]
    assert [to_hex(disc.get_facecolor()) for disc in fig.axes[0].patches] == faces
    pies = plots.graph([[0, 1], [1, 0]], [[1.0, 0.0], [0.0, 1.0]], colors=[3, 0])
    wedges = [p for p in pies.axes[0].patches if p.get_gid()]
    assert [to_hex(wedge.get_facecolor()) for wedge in wedges] == faces
    with pytest.raises(ValueError, match="^colors: expected 2 numbers, got 1"):
        plots.coarse(np.eye(2), colors=[1])


def test_many_lines_are_thin():
    pairs = torch.combinations(torch.arange(30)).T  # 435 lines
    (width,) = {line.get_linewidth() for line in plots.graph(pairs).axes[0].lines}
    assert width == pytest.approx(1.8 * 150 / 435)
    few = plots.graph(pairs[:, :150], num_nodes=30).axes[0].lines
    assert few[0].get_linewidth() == pytest.approx(1.8)


def test_it_works_in_a_browser_by_mouse_and_by_keys(browser, tmp_path: Path):
    view = plots.hierarchy_html(EDGES, [FIRST, SECOND], "four", positions=PLACE)
    file = tmp_path / "page.html"  # two of them: neither may move the other
    file.write_text(f"<!doctype html><meta charset=utf-8>{view}{view}", "utf-8")
    page = browser.new_page(viewport={"width": 320, "height": 900})
    requests, errors = [], []
    page.on("request", lambda request: requests.append(request.url))
    page.on("console", lambda line: errors.append(line.text))
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(file.as_uri())
    first, second = page.locator(".dpcore-levels").all()
    slider, told = first.locator("input"), first.locator("[data-told]")

    def level(box):
        return [g.is_visible() for g in box.locator("[data-level]").all()].index(True)

    assert page.evaluate("document.documentElement.scrollWidth") <= 320
    assert (level(first), level(second)) == (0, 0)
    first.locator("[data-level='0'] [data-text]").nth(1).hover()
    assert told.inner_text().startswith("node 1: level 1 cluster 0 75 %")

    slider.focus()
    page.keyboard.press("ArrowRight")
    assert (level(first), level(second)) == (1, 0)
    assert first.locator("div[data-caption]").inner_text().startswith("level 1: 2 of 3")
    assert slider.get_attribute("aria-valuetext").startswith("level 1: 2 of 3")
    assert told.inner_text().startswith("Point at a disc")

    page.keyboard.press("Shift+Tab")  # back into the drawing: the first disc
    assert told.inner_text().startswith("cluster 0 of level 1")
    ghosts = first.locator("[data-level='1'] [data-ghost]").all()
    shades = [ghost.get_attribute("fill-opacity") for ghost in ghosts]
    assert shades == ["1", "0.75", "0", "0"]
    for key, cluster in (("ArrowRight", 2), ("ArrowRight", 0), ("End", 2), ("Home", 0)):
        page.keyboard.press(key)
        assert told.inner_text().startswith(f"cluster {cluster} of level 1")
    page.keyboard.press("ArrowUp")
    assert page.evaluate("document.activeElement.dataset.text").startswith("cluster 2")
    page.keyboard.press("Tab")
    page.keyboard.press("End")  # the slider again
    assert level(first) == 2

    # another cell shows its view: the script runs again and leaves this one alone
    page.evaluate(re.search(r"<script>(.*)</script>", view, re.DOTALL)[1])
    slider.fill("0")
    assert (level(first), level(second)) == (0, 0)
    heard = """(box) => { let heard = 0;
        document.addEventListener("keydown", () => heard++, {once: true});
        box.dispatchEvent(new KeyboardEvent("keydown", {key: "x", bubbles: true}));
        return heard; }"""
    assert first.evaluate(heard) == 0  # Jupyter's shortcuts do not hear it
    assert (errors, requests) == ([], [file.as_uri()])
    page.close()


def test_without_scripts_the_graph_shows(browser, tmp_path: Path):
    file = tmp_path / "page.html"
    file.write_text(plots.hierarchy_html(EDGES, [FIRST, SECOND], "four"), "utf-8")
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(file.as_uri())
    levels = page.locator("[data-level]").all()
    assert [level.is_visible() for level in levels] == [True, False, False]
    context.close()
