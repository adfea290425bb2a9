# SPDX-License-Identifier: Apache-2.0
"""What the parts of the screen are drawn on: lines of text, and their width.

Everything that comes over the wire goes through here before it is shown.
"""

import dataclasses
import datetime
from typing import Any

import rich.cells
import rich.text

from nova_balloon_timer import units
from nova_balloon_timer.cmd import progress
from nova_balloon_timer.cmd.watch import gauge

Line = rich.text.Text

GOOD = 'green'
BAD = 'bold white on red'
POOR = 'yellow'
FAINT = 'dim'
TITLE = 'bold'

_KIB_PER_GIB = units.KIB_PER_GIB
_SMALL_GIB = 10
_MINUTE_SECONDS = 60
_HOUR_SECONDS = 3600


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Paper:
    """How much room there is, and what can be drawn.

    :param height: None: as much as is needed
    """

    width: int
    height: int | None
    glyphs: gauge.Glyphs

    def fit(self, text: object, width: int) -> str:
        """Return a text that takes exactly so many cells.

        Of one that is too long the end is shown: names that Nova gives
        differ in it.
        """
        clean = words(text)
        if rich.cells.cell_len(clean) > width:
            more = self.glyphs.more
            while clean and rich.cells.cell_len(more + clean) > width:
                clean = clean[1:]
            clean = more + clean
        return rich.cells.set_cell_size(clean, width)


def words(text: object) -> str:
    """Return a text that a terminal shows and does not obey."""
    return progress.printable(str(text))


def size(size_kib: int | None) -> str:
    """Write memory for people in a hurry."""
    if size_kib is None:
        return '?'
    if abs(size_kib) >= _KIB_PER_GIB:
        return f'{size_kib / _KIB_PER_GIB:.1f} GiB'
    return f'{size_kib / units.KIB_PER_MIB:.0f} MiB'


def gib(size_kib: int | None, whole_kib: int | None) -> str:
    """Write memory without its unit, the finer the less there is at all."""
    if size_kib is None:
        return '?'
    is_small = (whole_kib or 0) < _SMALL_GIB * _KIB_PER_GIB
    return f'{size_kib / _KIB_PER_GIB:.{2 if is_small else 1}f}'


def mib(size_kib: int | None) -> str:
    """Write memory without its unit, which is in the title."""
    if size_kib is None:
        return '?'
    return f'{size_kib / units.KIB_PER_MIB:.0f}'


def lapse(seconds: float) -> str:
    """Write for how long, to no more than two units."""
    if seconds < _MINUTE_SECONDS:
        return f'{seconds:.0f} s'
    if seconds < _HOUR_SECONDS:
        minutes, rest = divmod(round(seconds), _MINUTE_SECONDS)
        return f'{minutes} min {rest} s'
    hours, rest = divmod(round(seconds), _HOUR_SECONDS)
    return f'{hours} h {rest // _MINUTE_SECONDS} min'


def clock(instant: Any) -> str:
    """Write the time of day of an instant, in UTC."""
    if not isinstance(instant, datetime.datetime):
        try:
            instant = datetime.datetime.fromisoformat(str(instant))
        except ValueError:
            return '?'
    return f'{instant:%H:%M:%S}'
