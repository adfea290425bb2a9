# SPDX-License-Identifier: Apache-2.0
"""Bars and courses out of characters, for terminals of any kind."""

from collections.abc import Sequence
import dataclasses

import rich.text


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Glyphs:
    """What bars are made of.

    :param levels: of a course, from the lowest to the highest
    """

    full: str
    half: str
    empty: str
    mark: str
    levels: str
    pointer: str
    arrows: str
    more: str


FINE = Glyphs(
    full='█',
    half='▒',
    empty='░',
    mark='┃',
    levels='▁▂▃▄▅▆▇█',
    pointer='▶',
    arrows='↑↓',
    more='…',
)
PLAIN = Glyphs(
    full='#',
    half='+',
    empty='.',
    mark='|',
    levels='_.-=+*#@',
    pointer='>',
    arrows='jk',
    more='...',
)


def glyphs_for(encoding: str | None) -> Glyphs:
    """Return the finest that a stream can write."""
    is_fine = (encoding or '').lower().replace('-', '').startswith('utf')
    return FINE if is_fine else PLAIN


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """A stretch of a bar."""

    size: float
    glyph: str
    style: str


def bar(parts: Sequence[Part], whole: float, width: int) -> rich.text.Text:
    """Draw parts one after the other, each with its share of the width.

    What goes beyond the whole is cut; what lacks is left blank.
    """
    drawn = rich.text.Text()
    reached = 0.0
    for part in parts:
        reached += max(0.0, part.size)
        end = _cells(reached, whole, width)
        drawn.append(part.glyph * (end - len(drawn)), part.style)
    drawn.append(' ' * (width - len(drawn)))
    return drawn


def place(value: float, whole: float, width: int) -> int:
    """Return in which cell of a bar a value lies."""
    return min(max(0, width - 1), _cells(value, whole, width))


def _cells(value: float, whole: float, width: int) -> int:
    share = 0.0 if whole <= 0 else value / whole
    return round(max(0.0, min(1.0, share)) * width)


def course(values: Sequence[float], width: int, levels: str) -> str:
    """Draw how a value went, the last one at the right.

    Where there are more values than cells, each shows the lowest of its own,
    so that no dip is lost.
    """
    if not values or width <= 0:
        return ''
    lowest, highest = min(values), max(values)
    each = -(-len(values) // width)
    # NOTE: from the right, so that a cell's values stay together for long.
    first = len(values) % each
    groups = [values[:first]] if first else []
    groups += [
        values[at : at + each] for at in range(first, len(values), each)
    ]
    return ''.join(
        levels[_level(min(group), lowest, highest, len(levels))]
        for group in groups
    )


def _level(value: float, lowest: float, highest: float, count: int) -> int:
    if highest <= lowest:
        return count // 2
    return min(count - 1, int((value - lowest) / (highest - lowest) * count))
