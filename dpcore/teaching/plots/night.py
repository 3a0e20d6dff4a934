"""What a colour of a figure becomes on a dark page.

White paper becomes the page's ground and ink becomes light, greys and pale tints turn
over with them; what is clearly coloured stays the colour that the text calls it. Images
turn over as a whole, so that their scale still begins at the ground.

Lightness and hue are those of OKLab (Björn Ottosson, 'A perceptual color space for
image processing', 2020); contrast is WCAG's.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from matplotlib.colors import to_rgb

from dpcore.teaching.plots.style import CLUSTER_COLORS, INK, PAPER, luminance

GROUND, LIGHT_INK = "#14181E", "#E3E6EA"
"""The dark page's ground, as the book's theme and the playground have it, and letters
on it."""

SEEN, READ = 3.0, 4.5
"""The contrast of a drawing with its ground, and of letters with theirs (WCAG 2.2)."""

GREY, COLOURED = 0.035, 0.09
"""Chroma up to which a colour turns over, and from which on it stays."""

RGB = tuple[float, float, float]

_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
_RGB_OF_CONES, _CONES_OF_LAB = np.linalg.inv(_CONES), np.linalg.inv(_LAB)


def oklab(rgb: np.ndarray) -> np.ndarray:
    """[…, 3] of sRGB from 0 to 1 as lightness, green to red, blue to yellow.

    >>> oklab(np.ones(3)).round(3) + 0.0
    array([1., 0., 0.])
    """
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return np.cbrt(linear @ _CONES.T) @ _LAB.T


def srgb(lab: np.ndarray) -> np.ndarray:
    """The way back; what no screen can show loses chroma, not lightness or hue."""
    lab = np.concatenate([lab[..., :1].clip(0, 1), lab[..., 1:]], axis=-1)
    low, high = np.zeros(lab.shape[:-1]), np.ones(lab.shape[:-1])
    share = high
    for _ in range(10):
        linear = _linear(lab, share)
        fits = ((linear > -1e-4) & (linear < 1 + 1e-4)).all(-1)
        low, high = np.where(fits, share, low), np.where(fits, high, share)
        share = (low + high) / 2
    linear = _linear(lab, low).clip(0, 1)
    curve = 1.055 * linear ** (1 / 2.4) - 0.055
    return np.where(linear <= 0.0031308, 12.92 * linear, curve).clip(0, 1)


def _linear(lab: np.ndarray, share: np.ndarray) -> np.ndarray:
    tone = np.stack([np.ones_like(share), share, share], axis=-1)
    return (lab * tone @ _CONES_OF_LAB.T) ** 3 @ _RGB_OF_CONES.T


_DAY = oklab(np.array([to_rgb("white"), to_rgb(INK)]))
_NIGHT = oklab(np.array([to_rgb(GROUND), to_rgb(LIGHT_INK)]))
_KEPT = np.array([to_rgb(color) for color in CLUSTER_COLORS])


def turned(rgb: np.ndarray) -> np.ndarray:
    """Colours [n, 3] of an image, turned over: white is the ground, dark is light.

    Lightness goes down a straight line, so that a scale that grew darker grows lighter.
    A cluster's own colour stays.

    >>> [round(255 * value) for value in turned(np.ones((1, 3)))[0]] == [0x14, 0x18, 30]
    True
    """
    kept = (np.abs(rgb[:, None] - _KEPT).max(-1) < 1.5 / 255).any(-1)  # cut to 8 bits
    return np.where(kept[:, None], rgb, srgb(_over(oklab(rgb))))


def _over(lab: np.ndarray) -> np.ndarray:
    """On the line from white → ground through ink → light ink; the tint is added."""
    way = (1 - lab[..., :1]) / (_DAY[0, 0] - _DAY[1, 0])
    line = _NIGHT[0] + way * (_NIGHT[1] - _NIGHT[0])
    return line + np.concatenate([np.zeros_like(way), lab[..., 1:]], axis=-1)


@lru_cache(maxsize=4096)
def night(color: RGB, alpha: float = 1.0) -> RGB:
    """A colour of what is drawn: neutral ones turn over, clear ones stay.

    A colour that stays has a contrast of at least 3 with the ground, or is raised; one
    that is laid on thinly has as much as by day, up to 3.

    >>> night(to_rgb("#E69F00")) == to_rgb("#E69F00")
    True
    >>> night(to_rgb("#0072B2"), 0.6) > to_rgb("#0072B2")
    True
    """
    if alpha == 1:
        return _night(color)
    paper = to_rgb(PAPER)
    by_day = contrast(veil(color, paper, alpha), paper)
    return raised(_night(color), to_rgb(GROUND), min(SEEN, by_day), alpha)


def _night(color: RGB) -> RGB:
    rgb = np.array(color, dtype=float)
    if (np.abs(rgb - _KEPT).max(-1) < 0.5 / 255).any():
        return color
    lab = oklab(rgb)
    share = np.clip((np.hypot(*lab[1:]) - GREY) / (COLOURED - GREY), 0, 1)
    share = share**2 * (3 - 2 * share)
    if share == 1:
        return raised(color, to_rgb(GROUND), SEEN)
    return _triple(srgb(share * lab + (1 - share) * _over(lab)))


def veil(color: RGB, ground: RGB, alpha: float) -> RGB:
    """What is seen of a colour that lets the ground through."""
    red, green, blue = (
        alpha * c + (1 - alpha) * g for c, g in zip(color, ground, strict=True)
    )
    return red, green, blue


def raised(color: RGB, ground: RGB, ratio: float, alpha: float = 1.0) -> RGB:
    """The colour, as much lighter as this contrast with the ground asks for."""
    if contrast(veil(color, ground, alpha), ground) >= ratio:
        return color
    light, *tint = oklab(np.array(color))
    for step in np.arange(light, 1.005, 0.01):
        lighter = _triple(srgb(np.array([step, *tint])))
        if contrast(veil(lighter, ground, alpha), ground) >= ratio:
            return lighter
    return (1.0, 1.0, 1.0)


def letters(color: RGB, ground: RGB) -> RGB:
    """The colour of letters on what is drawn beneath them: the first that is read.

    >>> blue = to_rgb(CLUSTER_COLORS[0])  # white by day, and still white
    >>> letters((1.0, 1.0, 1.0), blue)
    (1.0, 1.0, 1.0)
    """
    turn = night(color)
    for ink in (turn, color):
        if contrast(ink, ground) >= READ:
            return ink
    lighter, black = raised(turn, ground, READ), (0.0, 0.0, 0.0)
    return lighter if contrast(lighter, ground) >= READ else black


def contrast(one: RGB, other: RGB) -> float:
    """WCAG's, from 1 to 21.

    >>> round(contrast((0, 0, 0), (1, 1, 1)))
    21
    """
    low, high = sorted((_light(one), _light(other)))
    return (high + 0.05) / (low + 0.05)


_light = lru_cache(maxsize=4096)(luminance)


def _triple(rgb: np.ndarray) -> RGB:
    red, green, blue = rgb.tolist()
    return red, green, blue
