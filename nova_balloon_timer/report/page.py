# SPDX-License-Identifier: Apache-2.0
"""A run as one HTML page that needs nothing else, and no network."""

import base64
import hashlib
import json
import pathlib
from typing import Any, TYPE_CHECKING

from nova_balloon_timer import exception
from nova_balloon_timer import model
from nova_balloon_timer import units
from nova_balloon_timer.report import course_words
from nova_balloon_timer.report import figure
from nova_balloon_timer.report import output
from nova_balloon_timer.report import overview
from nova_balloon_timer.report import palette
from nova_balloon_timer.report import saved_run
from nova_balloon_timer.report import words

if TYPE_CHECKING:
    import jinja2

_TEMPLATE = 'page.html.j2'


def write(path: pathlib.Path, run: saved_run.SavedRun) -> None:
    """Write the page of a run, replacing the file if it is there.

    :raises OutputNotWritable: and the file is as it was before
    :raises ReportExtraMissing: where the extra ``report`` is not installed
    """
    output.write_text(path, render(run))


def render(run: saved_run.SavedRun) -> str:
    """Draw the page of a run.

    :raises ReportExtraMissing: where the extra ``report`` is not installed
    """
    environment = _environment()
    figures = [figure.draw(saved.report) for saved in run.policies]
    seen = overview.draw(run)
    return environment.get_template(_TEMPLATE).render(
        run=run,
        headline=words.headline(run),
        overview=seen,
        course_words=course_words,
        totals=words.figures(run),
        words=words,
        units=units,
        directions=model.Direction,
        reasons=words.REASONS,
        begun_at=min((it.started_at for it in run.policies), default=None),
        entries=list(zip(run.policies, figures, strict=True)),
        figures=[*figures, *([seen.figure] if seen else [])],
        dark_colours=palette.DARK,
        plotly=_plotly(),
    )


def _environment() -> 'jinja2.Environment':
    try:
        import jinja2
    except ImportError as error:
        raise exception.ReportExtraMissing(package='Jinja2') from error
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(pathlib.Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters['script_hash'] = _script_hash
    environment.filters['script_json'] = _script_json
    return environment


def _plotly() -> str:
    """Return the source of plotly.js."""
    try:
        from plotly import offline
    except ImportError as error:
        raise exception.ReportExtraMissing(package='plotly') from error
    source: str = offline.get_plotlyjs()
    # NOTE: as a browser reads it; the hash below is of that.
    return source.replace('\r\n', '\n').replace('\r', '\n')


def _script_hash(script: str) -> str:
    """Name a script so that the page's security policy lets it run.

    No other script will, whatever text the run brings along.
    """
    digest = hashlib.sha256(script.encode('utf-8')).digest()
    return f"'sha256-{base64.b64encode(digest).decode('ascii')}'"


def _script_json(value: Any) -> str:
    """Write JSON that cannot end the element that it stands in."""
    text = json.dumps(value, allow_nan=False, separators=(',', ':'))
    for character in '<>&':
        text = text.replace(character, f'\\u{ord(character):04x}')
    return text
