"""Figures by night: colours keep their names, letters are read, no paper is white."""

import base64
import io
import re
from functools import cache
from pathlib import Path

import matplotlib
import numpy as np
import pytest
from bs4 import BeautifulSoup
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from dpcore import plots
from dpcore.teaching.plots.night import (
    GROUND,
    READ,
    SEEN,
    contrast,
    letters,
    night,
    oklab,
    srgb,
    turned,
    veil,
)
from dpcore.teaching.plots.style import CLUSTER_COLORS, INK, PAPER, PLAIN, luminance
from dpcore.teaching.plots.twice import Pair, drawn

STYLE = Path(__file__).parents[1] / "book" / "_static" / "book.css"


# colours


def test_a_clusters_colour_is_the_same_by_night_and_is_seen():
    for color in CLUSTER_COLORS:
        assert to_hex(night(to_rgb(color))) == color.lower()
        assert contrast(to_rgb(color), to_rgb(GROUND)) >= SEEN
        eight_bits = (255 * np.array([to_rgb(color)]) - 0.01).astype(int) / 255
        assert np.array_equal(turned(eight_bits), eight_bits)  # as in an image


def test_paper_is_the_ground_and_ink_is_light():
    assert to_hex(night(to_rgb(PAPER))) == GROUND.lower()
    assert to_hex(night(to_rgb(INK))) == "#e3e6ea"
    greys = [luminance(night((g, g, g))) for g in np.linspace(0, 1, 20).tolist()]
    assert np.all(np.diff(greys) < 1e-4) and greys[0] > 0.9


def test_pale_tints_are_dark_and_dark_colours_are_raised():
    for pale in ("#FDF3E0", "#E8F1FA", "aliceblue", PLAIN):
        assert luminance(night(to_rgb(pale))) < 0.06
    navy = to_rgb("navy")
    assert contrast(navy, to_rgb(GROUND)) < 1.5
    raised = night(navy)
    assert contrast(raised, to_rgb(GROUND)) >= SEEN
    assert raised[2] > 1.5 * max(raised[:2])  # still a blue


@pytest.mark.parametrize("alpha", [0.15, 0.6])
def test_what_lets_the_ground_through_is_as_clear_by_night_as_by_day(alpha):
    paper, ground = to_rgb(PAPER), to_rgb(GROUND)
    for color in map(to_rgb, (*CLUSTER_COLORS, "navy", INK, "#B0B0B0")):
        by_day = contrast(veil(color, paper, alpha), paper)
        by_night = contrast(veil(night(color, alpha), ground, alpha), ground)
        assert by_night >= 0.999 * min(SEEN, by_day)


def test_oklab_is_ottossons_and_leads_back():
    """The values of https://bottosson.github.io/posts/oklab/, from XYZ of red."""
    red = oklab(np.array([1.0, 0, 0]))
    assert np.allclose(red, [0.62796, 0.22486, 0.12585], atol=1e-4)
    colors = np.random.default_rng(0).random((50, 3))
    assert np.allclose(srgb(oklab(colors)), colors, atol=1e-3)
    loud = srgb(np.array([0.9, 0.4, 0.1]))  # no screen shows it: paler, as light
    assert oklab(loud)[0] == pytest.approx(0.9, abs=0.01)


def test_a_scale_begins_at_the_ground_and_only_grows():
    scale = turned(matplotlib.colormaps["Blues"](np.linspace(0, 1, 256))[:, :3])
    light = np.array([luminance(color) for color in scale])
    assert contrast(tuple(scale[0]), to_rgb(GROUND)) < 1.1
    assert np.all(np.diff(light) > -1e-4) and light[-1] > 0.4
    both = turned(matplotlib.colormaps["RdBu_r"](np.linspace(0, 1, 256))[:, :3])
    light = np.array([luminance(color) for color in both])
    assert 120 < light.argmin() < 136 and light.min() < 0.015
    assert both[0, 2] > both[0, 0] and both[-1, 0] > both[-1, 2]  # blue, red


@pytest.mark.parametrize("ground", [*CLUSTER_COLORS, GROUND, "#FFFFFF", "#777777"])
@pytest.mark.parametrize("ink", [INK, PAPER, "#999999", "#0072B2", "#D55E00"])
def test_letters_are_read_on_every_ground(ink, ground):
    assert contrast(letters(to_rgb(ink), to_rgb(ground)), to_rgb(ground)) >= READ


# drawings

PATH = [[0, 1, 1, 2], [1, 0, 2, 1]]
EIGHT = 10 * np.eye(8) + 1


def epochs() -> list[dict]:
    keys = ("loss", "link_loss", "entropy_loss", "accuracy")
    return [dict.fromkeys(keys, 1 / epoch) for epoch in (1, 2, 3)]


def lines_and_words() -> Figure:
    fig = Figure(figsize=(4, 3), layout="constrained")
    ax = fig.subplots()
    ax.plot([0, 1], [0, 1], color=CLUSTER_COLORS[0], label="blue")
    ax.text(0.2, 0.6, "in blue", color=CLUSTER_COLORS[0])
    ax.text(0.6, 0.2, "grey\nin two lines", color="#999999", rotation=90)
    ax.text(0.7, 0.3, "boxed", bbox=dict(fc=CLUSTER_COLORS[6], ec="none"))
    ax.legend()
    return fig


FIGURES = {
    "graph": lambda: plots.graph(PATH, labels=["a", "b", "long"], title="plain"),
    "pies": lambda: plots.graph(PATH, [[0.5, 0.5], [0, 1], [1, 0]]),
    "coarse": lambda: plots.coarse(EIGHT),
    "coarse with lines": lambda: plots.coarse(EIGHT[:5, :5]),
    "heatmap": lambda: plots.heatmap(
        np.linspace(0, 1, 64).reshape(8, 8), clusters="both", row_label="node"
    ),
    "signed": lambda: plots.heatmap(np.linspace(-1, 1, 60).reshape(6, 10)),
    "tiles": lambda: plots.tiles(EIGHT[:2], [range(8), [-1] * 8], title="tiles"),
    "curves": lambda: plots.curves(epochs(), title="curves"),
    "confusion": lambda: plots.confusion([[3, 1], [5, 5]], ["enzyme", "other"]),
    "own": lines_and_words,
}


def words_and_contrasts(fig: Figure) -> dict[str, float]:
    """Every text of a figure that is seen by day, and the contrast by night of its ink
    with its ground, as they are drawn: the ground is what is most about, the ink what
    is farthest from it."""
    pair, found = drawn(fig, 110), {}
    for text in fig.findobj(Text):
        if not text.get_visible() or not text.get_text().strip():
            continue
        box = text.get_window_extent()
        top, bottom = pair.day.height - box.y1, pair.day.height - box.y0
        crop = tuple(map(int, (box.x0, top, box.x1 + 1, bottom + 1)))
        if min(crop) < 0 or _spread(pair.day.crop(crop)) < 1.5:
            continue  # a tick without its axis
        rim = GROUND if text.get_path_effects() else None
        name = f"{text.get_text()} at {box.x0:.0f} {box.y0:.0f}"
        found[name] = _spread(pair.night.crop(crop), rim)
    return found


def _spread(part: Image.Image, ground: str | None = None) -> float:
    pixels = np.asarray(part, dtype=float).reshape(-1, 3) / 255
    light = [luminance(color) for color in {tuple(one) for one in pixels.tolist()}]
    beneath = to_rgb(ground) if ground else tuple(np.median(pixels, axis=0))
    beneath = luminance(beneath) + 0.05
    return max((max(light) + 0.05) / beneath, beneath / (min(light) + 0.05))


@pytest.mark.parametrize("name", FIGURES)
def test_every_text_is_read_by_night(name):
    words = words_and_contrasts(FIGURES[name]())
    assert len(words) >= 3
    weak = {word: ratio for word, ratio in words.items() if ratio < 0.97 * READ}
    assert weak == {}


def test_a_number_stands_on_the_colour_of_its_cell():
    """Else a box shows around it, as a paler one did on every dark cell."""
    fig = plots.heatmap([[0.0, 0.5, 1.0]])
    picture = np.asarray(drawn(fig, 110).night, dtype=int)
    for text in fig.axes[0].texts:
        box = text.get_bbox_patch().get_window_extent()
        row, column = len(picture) - box.y1, box.x0
        inside = picture[int(row) + 2, int(column) + 2]
        outside = picture[int(row) - 3, int(column) + 2]
        assert np.abs(inside - outside).max() <= 2


@pytest.mark.parametrize("sizes", [[2000], [1, 2000]])  # matplotlib has a way for each
def test_a_thin_dot_is_seen_by_night(sizes):
    fig = Figure(figsize=(1, 1))
    ax = fig.add_axes((0, 0, 1, 1))
    ax.axis("off")
    at = [0] * len(sizes)
    ax.scatter(at, at, s=sizes, color=CLUSTER_COLORS[0], alpha=0.6)
    pair = drawn(fig, 100)
    day, dark = (one.getpixel((50, 50)) for one in (pair.day, pair.night))
    by_day = contrast(tuple(np.array(day) / 255), to_rgb(PAPER))
    by_night = contrast(tuple(np.array(dark) / 255), to_rgb(GROUND))
    assert by_night > 0.97 * min(SEEN, by_day) > 2


def everything() -> Figure:
    """One of each kind of artist, drawn by day in ink on paper."""
    rng = np.random.default_rng(0)
    fig = Figure(figsize=(8, 5), layout="constrained")
    (a, b, c), (d, e, f) = fig.subplots(2, 3)
    a.plot([0, 1, 2], "o-", color=CLUSTER_COLORS[1], mfc="white", label="line")
    a.axvspan(0.5, 1, color="aliceblue")
    a.fill_between([0, 1, 2], [1, 2, 3], color=CLUSTER_COLORS[0], alpha=0.15)
    a.grid(True)
    a.legend()
    a.annotate("here", (1, 1), (0.2, 1.6), arrowprops=dict(arrowstyle="-|>"))
    points = b.scatter(*rng.random((2, 40)), c=rng.random(40), cmap="Blues")
    fig.colorbar(points)
    c.bar(range(3), [1, 2, 3], color=CLUSTER_COLORS[:3], hatch="/", ec="black")
    d.imshow(np.ones((4, 4, 3)))
    d.text(1, 1, "boxed", bbox=dict(fc="white", ec="black"))
    e.hist(rng.normal(size=100), color="#dddddd", ec="white")
    e.pcolormesh(np.arange(3) * 2, np.arange(3) * 5, np.eye(2), cmap="Greys", alpha=0.5)
    f.contourf(rng.random((5, 5)), cmap="RdBu_r")
    f.text(1, 1, "$x^2$ and\ntwo lines", rotation=30)
    return fig


def white_squares(picture: Image.Image, side: int = 8) -> int:
    """How many squares of the picture are near white all over."""
    light = np.asarray(picture.convert("L"))
    rows, columns = (size // side * side for size in light.shape)
    cut = light[:rows, :columns].reshape(rows // side, side, columns // side, side)
    return int((cut.min((1, 3)) > 200).sum())


@cache
def pair_of(draw) -> Pair:
    return drawn(draw(), 192, tight=True)


def test_no_kind_of_drawing_leaves_white_on_the_ground():
    pair = pair_of(everything)
    assert pair.day.size == pair.night.size
    assert white_squares(pair.day) > 5_000
    assert white_squares(pair.night) <= 10  # the head of an arrow, a dark point
    assert pair.night.getpixel((0, 0)) == (0x14, 0x18, 0x1E)


@pytest.mark.parametrize("draw", [everything, FIGURES["heatmap"], FIGURES["pies"]])
def test_the_day_stays_as_it_was_and_so_does_the_figure(draw):
    def saved(fig):
        file = io.BytesIO()
        fig.savefig(file, format="png", dpi=192, bbox_inches="tight")
        return file.getvalue()

    fig, other = draw(), draw()
    canvas = fig.canvas
    day = Image.open(io.BytesIO(saved(other))).convert("RGB")
    assert np.array_equal(day, drawn(fig, 192, tight=True).day)
    assert fig.canvas is canvas
    assert saved(fig) == saved(other)  # both are drawn for the second time


# on the page


def pictures(page: str) -> list[tuple[str, np.ndarray]]:
    found = []
    for image in BeautifulSoup(page, "html.parser").find_all("img"):
        png = base64.b64decode(image["src"].partition("base64,")[2])
        pixels = np.asarray(Image.open(io.BytesIO(png)).convert("RGB"), dtype=int)
        found.append((image, pixels))
    return found


@pytest.mark.parametrize("draw", [everything, FIGURES["heatmap"], FIGURES["pies"]])
def test_a_figure_is_two_images_of_which_one_is_seen(draw):
    pair = pair_of(draw)
    (day, by_day), (dark, by_night) = pictures(plots.figure_html(draw(), "a figure"))
    assert "display:none" in dark["style"] and "by-night" in dark["class"]
    assert "display" not in day["style"] and "by-night" not in day["class"]
    assert day["alt"] == dark["alt"] == "a figure"  # one of them is read out
    assert day["data-text"] == dark["data-text"]
    # Fewer colours, but no other ones: paper, ink and what is flat is exact.
    for small, whole in ((by_day, pair.day), (by_night, pair.night)):
        off = np.abs(small - np.asarray(whole, dtype=int)).max(-1)
        assert (off <= 2).mean() > 0.93 and off.mean() < 2
        assert (small[0, 0] == np.asarray(whole)[0, 0]).all()


def test_a_film_has_both_in_every_frame():
    film = plots.player_html(lambda step: FIGURES["pies"](), "a film", count=2)
    frames = BeautifulSoup(film, "html.parser").select("[data-frames] > div")
    assert [frame.get("style") for frame in frames] == [None, "display:none"]
    for frame in frames:
        day, dark = frame.find_all("img", recursive=False)
        assert "by-night" in dark["class"] and "by-night" not in day["class"]


def test_the_style_sheet_has_the_colours_of_a_hierarchy_by_night():
    page = plots.hierarchy_html(PATH, [[[1, 0], [0.5, 0.5], [0, 1]], [[1], [1]]], "two")
    drawing = BeautifulSoup(page, "html.parser").svg
    css = STYLE.read_text("utf-8")
    checked = set()
    for part in drawing.find_all(True):
        for name in ("fill", "stroke"):
            color = part.get(name)
            if color is None or part.name == "text" or color in CLUSTER_COLORS:
                continue
            rule = rf'\[{name}="{color}"\][^{{]*{{\s*{name}: (#\w+);'
            assert re.search(rule, css), f"no rule for {name}={color}"
            assert re.search(rule, css)[1] == to_hex(night(to_rgb(color)))
            checked.add((name, color))
    assert len(checked) >= 6
