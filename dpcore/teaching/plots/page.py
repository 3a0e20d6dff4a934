"""What stands on a page: an image with a description, a table, a player that needs
no server."""

from __future__ import annotations

import base64
import html
import io
from collections.abc import Callable, Sequence
from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from matplotlib.text import Text
from PIL import Image

from dpcore.teaching.plots.twice import Pair, drawn

PLAYER_LIMIT = 1_500_000  # bytes of one player in a page
FIGURE_COLORS, FRAME_COLORS = 256, 96

# Frames are plain images: without a script (a notebook that is not trusted, a
# print) the first one shows. The script takes every player that it finds not yet
# started, so it needs no ids and may stand on the page many times.
TEMPLATE = """<div class="dpcore-player" role="group" tabindex="0" aria-label="@ALT@"
 data-interval="@INTERVAL@" style="width:@WIDTH@px;max-width:100%">
<div data-frames>@IMAGES@</div>
<div style="display:flex;flex-wrap:wrap;gap:6px;align-items:center;margin-top:6px">
<button type="button" data-do="back" aria-label="one frame back">&#9664;</button>
<button type="button" data-do="play" aria-label="play">&#9654; play</button>
<button type="button" data-do="on" aria-label="one frame on">&#9654;</button>
<input type="range" min="0" max="@LAST@" value="0" step="1" aria-label="frame"
 style="flex:1;min-width:80px"></div>
<div data-caption aria-live="polite" style="min-height:1.5em">@CAPTION@</div>
</div>
"""


def show(fig: Figure, alt: str) -> None:
    """Put a figure on the page as an image with a description, and close it.

    Args:
        fig: any matplotlib figure.
        alt: what the figure shows, for readers who do not see it; also what stands
            in a terminal or in an export that has no images.

    Raises:
        ValueError: if ``alt`` is empty.
    """
    from IPython.display import display

    check_text("alt", alt)
    display({"text/html": figure_html(fig, alt), "text/plain": alt}, raw=True)


def figure_html(fig: Figure, alt: str) -> str:
    """What :func:`show` puts on the page: twice as fine as it, never wider.

    Two images, of which one is seen: the figure as it is, and, where the book's page
    is dark, the same in the colours of the night.

    >>> figure_html(Figure(figsize=(1, 1)), "a < b")[:20]
    '<img alt="a &lt; b" '
    """
    smallest = _smallest_text(fig)
    pair = _drawn(fig, dpi=192, tight=True)
    # `data-text` lets a test of the page see whether labels can be read in it.
    width = pair.day.width // 2
    return _images(
        pair,
        FIGURE_COLORS,
        f'alt="{html.escape(alt)}" data-text="{smallest:.1f}"',
        f"width:{width}px;max-width:100%;height:auto",
    )


def _images(pair: Pair, colors: int, told: str, style: str) -> str:
    """The picture of the day and, hidden, that of the night: only the book's style
    sheet, which knows of a dark page, shows the second instead of the first.

    `dark-light` keeps the theme from dimming an image.
    """
    return "".join(
        f'<img {told} class="dark-light{name}" style="{hide}{style}" '
        f'src="{_data_uri(picture, colors)}">'
        for picture, name, hide in (
            (pair.day, "", ""),
            (pair.night, " by-night", "display:none;"),
        )
    )


def table(head: Sequence, *rows: Sequence) -> None:
    """Put rows on the page as a table; where there is no page, as aligned text.

    Args:
        head: the columns' names.
        rows: as many values each; every value stands there as ``str`` gives it.

    Raises:
        ValueError: if a row is shorter or longer than ``head``.
    """
    from IPython.display import display

    page, text = table_html(head, *rows), table_text(head, *rows)
    display({"text/html": page, "text/plain": text}, raw=True)


def table_html(head: Sequence, *rows: Sequence) -> str:
    """The HTML of :func:`table`; a narrow screen scrolls it, not the page.

    >>> table_html(["a < b"], ["yes"])[-61:-6]
    'tr></thead><tbody><tr><td>yes</td></tr></tbody></table>'
    """
    _check_rows(head, rows)
    names = "".join(f'<th scope="col">{html.escape(str(cell))}</th>' for cell in head)
    body = "".join(
        "<tr>" + "".join(f"<td>{html.escape(str(cell))}</td>" for cell in row) + "</tr>"
        for row in rows
    )
    return (
        '<div style="overflow-x:auto" tabindex="0"><table class="dataframe">'
        f"<thead><tr>{names}</tr></thead><tbody>{body}</tbody></table></div>"
    )


def table_text(head: Sequence, *rows: Sequence) -> str:
    """The same as lines of text, columns aligned.

    >>> print(table_text(["row", "%"], ["mlp", 75.4]))
    row  %
    mlp  75.4
    """
    _check_rows(head, rows)
    lines = [[str(cell) for cell in row] for row in (head, *rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join("  ".join(map(str.ljust, row, widths)).rstrip() for row in lines)


def player(
    frames: Sequence[Figure] | Callable[[int], Figure],
    alt: str,
    captions: Sequence[str] | None = None,
    *,
    count: int | None = None,
    interval: int = 400,
) -> None:
    """Put a little film on the page, with a slider and keys, from no other place.

    Args:
        frames: figures of one size, or a function from 0 … ``count`` - 1 to them.
        alt: what the film shows, for readers who do not see it.
        captions: one line a frame, shown under it; by default the frame's number.
        count: how many frames, where ``frames`` is a function.
        interval: milliseconds a frame.

    Raises:
        ValueError: if there are no frames, captions do not match, sizes differ or
            the player would be larger than 1.5 MB.
    """
    from IPython.display import display

    page = player_html(frames, alt, captions, count=count, interval=interval)
    display({"text/html": page, "text/plain": alt}, raw=True)


def player_html(
    frames: Sequence[Figure] | Callable[[int], Figure],
    alt: str,
    captions: Sequence[str] | None = None,
    *,
    count: int | None = None,
    interval: int = 400,
) -> str:
    """The HTML of :func:`player`; without scripts its first frame still shows."""
    check_text("alt", alt)
    if callable(frames):
        if count is None:
            raise ValueError("count: say how many frames the function can draw")
        draw, total = frames, count
    else:
        draw, total = frames.__getitem__, len(frames)
    if total < 1:
        raise ValueError("frames: expected at least one figure, got none")
    lines = captions or [f"frame {i + 1} of {total}" for i in range(total)]
    if len(lines) != total:
        raise ValueError(f"captions: expected {total} lines, got {len(lines)}")
    images, sizes = [], set()
    for i in range(total):
        pair = _drawn(draw(i), dpi=110)
        sizes.add(pair.day.size)
        alt_of_one = f'alt="{html.escape(f"{alt}: {lines[i]}")}"'
        both = _images(pair, FRAME_COLORS, alt_of_one, "width:100%;height:auto")
        hide = ' style="display:none"' if i else ""
        images.append(f'<div data-caption="{html.escape(lines[i])}"{hide}>{both}</div>')
    if len(sizes) > 1:
        raise ValueError(f"frames: expected one size, got {sorted(sizes)} pixels")
    fields = {
        "ALT": html.escape(alt),
        "CAPTION": html.escape(lines[0]),
        "INTERVAL": str(int(interval)),
        "LAST": str(total - 1),
        "WIDTH": str(round(sizes.pop()[0] * 96 / 110)),
        "IMAGES": "".join(images),
    }
    page = fill(TEMPLATE, fields) + behaviour("player")
    if len(page) > PLAYER_LIMIT:
        raise ValueError(
            f"frames: {len(page) / 1e6:.1f} MB, the limit is "
            f"{PLAYER_LIMIT / 1e6:.1f}: draw fewer or smaller ones"
        )
    return page


def _check_rows(head: Sequence, rows: Sequence[Sequence]) -> None:
    for number, row in enumerate(rows):
        if len(row) != len(head):
            raise ValueError(
                f"row {number} has {len(row)} values, expected {len(head)}, as the head"
            )


def _drawn(fig: Figure, dpi: float, tight: bool = False) -> Pair:
    """Both pictures of a figure; a figure that pyplot keeps is closed."""
    pair = drawn(fig, dpi, tight=tight)
    plt.close(fig)
    return pair


def _smallest_text(fig: Figure) -> float:
    """The smallest letters of a figure, in pixels of a page that shows it in full."""
    texts = (text for text in fig.findobj(Text) if text.get_visible())
    sizes = [float(text.get_fontsize()) for text in texts if text.get_text().strip()]
    return min(sizes, default=11.0) * 96 / 72


def _data_uri(picture: Image.Image, colors: int) -> str:
    png = io.BytesIO()
    small = picture.quantize(colors, dither=Image.Dither.NONE)
    small.save(png, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(png.getvalue()).decode()


def fill(template: str, fields: dict[str, str]) -> str:
    """The template with @NAME@ replaced by the field NAME, everywhere."""
    for name, value in fields.items():
        template = template.replace(f"@{name}@", value)
    return template


def behaviour(name: str) -> str:
    """The style and the script of a player, from the files that lie beside this one."""
    css, js = (
        Path(__file__).with_name(f"{name}.{kind}").read_text(encoding="utf-8")
        for kind in ("css", "js")
    )
    return f"<style>\n{css}</style>\n<script>\n{js}</script>\n"


def check_text(name: str, text: str) -> None:
    """Raise a ValueError where a description is missing."""
    if not isinstance(text, str) or not text.strip():
        raise ValueError(f"{name}: expected a sentence, got {text!r}")
