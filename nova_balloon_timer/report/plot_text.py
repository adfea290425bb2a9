# SPDX-License-Identifier: Apache-2.0
"""Texts of a run inside a plot, where plotly takes texts for HTML."""

import textwrap

_LONGEST = 300
_COLUMNS = 56
# NOTE: '#' as well: the page's script swaps colours on a dark page.
_ENTITIES = {ord(it): f'&#{ord(it)};' for it in '<>&#"\'$%{}'}


def quoted(text: str, longest: int = _LONGEST) -> str:
    """Return a text on one line that plotly shows as it is."""
    line = ' '.join(text.split())
    if len(line) > longest:
        line = f'{line[: longest - 1]}…'
    return line.translate(_ENTITIES)


def wrapped(text: str) -> str:
    """Return a text on lines that are short enough for a hover box."""
    lines = textwrap.wrap(text[:_LONGEST], _COLUMNS)
    return '<br>'.join(line.translate(_ENTITIES) for line in lines)
