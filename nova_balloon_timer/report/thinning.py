# SPDX-License-Identifier: Apache-2.0
"""Long curves made short enough to draw, with their peaks left in."""

from collections.abc import Sequence

# Of every stretch of a curve these stay: first, lowest, highest, last.
_KEPT = 4


def kept(values: Sequence[float], most: int) -> list[int]:
    """Choose which points of a curve to draw.

    :param most: roughly how many
    :returns: their indexes, in order; all of them if they are few
    """
    count = len(values)
    if count <= most:
        return list(range(count))
    stretches = max(1, most // _KEPT)
    found: set[int] = set()
    for number in range(stretches):
        begin = number * count // stretches
        end = (number + 1) * count // stretches
        found |= {
            begin,
            min(range(begin, end), key=values.__getitem__),
            max(range(begin, end), key=values.__getitem__),
            end - 1,
        }
    return sorted(found)
