# SPDX-License-Identifier: Apache-2.0
"""The colours of plots, on a light page and on a dark one.

Okabe and Ito's, which the colour-blind can tell apart, made darker or lighter
until they stand out from the page. Lines differ by their dashes as well.
"""

from typing import Any

ACTUAL = '#0072b2'
TARGET = '#c04f00'
USABLE = '#00775a'
RSS = '#a03a78'
INK = '#1f2933'
MUTED = '#5b6774'
GRID = '#e3e7eb'
PAPER = '#ffffff'
CLEAR = 'rgba(0,0,0,0)'

# What becomes of each on a dark page.
DARK = {
    ACTUAL: '#56b4e9',
    TARGET: '#f0a030',
    USABLE: '#35c79b',
    RSS: '#e09ac4',
    INK: '#e6e9ed',
    MUTED: '#a3adb8',
    GRID: '#343c46',
    PAPER: '#1b2027',
}

# What all plots share.
PLOT: dict[str, Any] = {
    'paper_bgcolor': CLEAR,
    'plot_bgcolor': CLEAR,
    'font': {
        'family': 'system-ui, sans-serif',
        'size': 12,
        'color': INK,
    },
    'hovermode': 'x unified',
}
HOVER_LABEL: dict[str, Any] = {
    'bgcolor': PAPER,
    'bordercolor': MUTED,
    'font': {'color': INK},
}
