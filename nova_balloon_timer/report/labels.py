# SPDX-License-Identifier: Apache-2.0
"""Where labels go in a plot, so that they hide neither lines nor each other.

The reader's window is not known here; labels are placed for an ordinary one.
"""

from collections.abc import Sequence
import dataclasses
import itertools

# How high a plot is, without what stands around it.
PLOT_PIXELS = 270

_PIXELS_PER_CHARACTER = 6.8
_PIXELS_PER_LINE = 17
_PADDING_PIXELS = 14
# Room for windows that are narrower, down to this share.
_NARROW = 0.7
_DOT_PIXELS = 4
# Where a label may stand, right of and below what it points at.
_OFFSETS = tuple(
    (right, down)
    for right in range(-200, 201, 25)
    for down in range(-130, 131, 15)
    if abs(down) > 45
)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """The visible part of a plot, in data and in pixels."""

    x_range: tuple[float, float]
    y_range: tuple[float, float]
    width: int = 880
    height: int = PLOT_PIXELS

    def right_pixels(self, x: float) -> float:
        """Return how far right of the left edge a value is."""
        low, high = self.x_range
        return (x - low) / (high - low) * self.width

    def down_pixels(self, y: float) -> float:
        """Return how far below the upper edge a value is."""
        low, high = self.y_range
        return (high - y) / (high - low) * self.height


@dataclasses.dataclass(frozen=True, slots=True)
class _Box:
    left: float
    top: float
    right: float
    bottom: float

    def holds(self, right: float, down: float) -> bool:
        return (
            self.left <= right <= self.right
            and self.top <= down <= self.bottom
        )


def rows(frame: Frame, texts: Sequence[tuple[float, str]]) -> list[int]:
    """Stack labels that stand above a plot, each centred over its x.

    :param texts: x and text, in the order of x
    :returns: each one's row, 0 being the lowest
    """
    taken: list[float] = []
    found: list[int] = []
    for x, text in texts:
        centre = frame.right_pixels(x) * _NARROW
        half = (len(text) * _PIXELS_PER_CHARACTER + _PADDING_PIXELS) / 2
        row = 0
        while row < len(taken) and taken[row] > centre - half:
            row += 1
        taken[row : row + 1] = [centre + half]
        found.append(row)
    return found


def half_share(frame: Frame, text: str) -> float:
    """Return half the width of a label, as a share of a narrow plot."""
    half = (len(text) * _PIXELS_PER_CHARACTER + _PADDING_PIXELS) / 2
    return half / (frame.width * _NARROW)


def spread(frame: Frame, values: Sequence[float]) -> list[float]:
    """Keep labels at the right edge of a plot a line apart.

    :param values: y, from the highest to the lowest
    :returns: how many pixels each one moves up
    """
    moves = []
    lowest = float('-inf')
    for value in values:
        wanted = frame.down_pixels(value)
        placed = max(wanted, lowest + _PIXELS_PER_LINE)
        moves.append(wanted - placed)
        lowest = placed
    return moves


def clearing(
    frame: Frame,
    point: tuple[float, float],
    lines: Sequence[str],
    curves: Sequence[Sequence[tuple[float, float]]],
) -> tuple[int, int]:
    """Find a place for a label near a point, away from curves.

    :param lines: the label's text
    :param curves: what to keep clear of, as points joined by lines
    :returns: how many pixels right of and below the point its centre is
    """
    width = max(map(len, lines)) * _PIXELS_PER_CHARACTER + _PADDING_PIXELS
    height = len(lines) * _PIXELS_PER_LINE + _PADDING_PIXELS
    at = (frame.right_pixels(point[0]), frame.down_pixels(point[1]))
    dots = set().union(*(_dots(frame, curve) for curve in curves))

    def cost(offset: tuple[int, int]) -> float:
        centre = (at[0] + offset[0], at[1] + offset[1])
        box = _Box(
            centre[0] - width / 2,
            centre[1] - height / 2,
            centre[0] + width / 2,
            centre[1] + height / 2,
        )
        outside = (
            max(0.0, -box.left)
            + max(0.0, -box.top)
            + max(0.0, box.right - frame.width)
            + max(0.0, box.bottom - frame.height)
        )
        hidden = sum(box.holds(*dot) for dot in dots)
        far = abs(offset[0]) + abs(offset[1])
        return hidden + 2 * outside + far / 50 + 100 * box.holds(*at)

    return min(_OFFSETS, key=cost)


def _dots(
    frame: Frame, curve: Sequence[tuple[float, float]]
) -> set[tuple[int, int]]:
    """Turn a line into dots every few pixels, so that a box can meet it."""
    pixels = [(frame.right_pixels(x), frame.down_pixels(y)) for x, y in curve]
    dots = set()
    for before, after in itertools.pairwise(pixels):
        wide, high = after[0] - before[0], after[1] - before[1]
        steps = int(max(abs(wide), abs(high), _DOT_PIXELS)) // _DOT_PIXELS
        for step in range(min(steps, 1000) + 1):
            share = step / steps
            right = round((before[0] + wide * share) / _DOT_PIXELS)
            down = round((before[1] + high * share) / _DOT_PIXELS)
            dots.add((right * _DOT_PIXELS, down * _DOT_PIXELS))
    return dots
