# SPDX-License-Identifier: Apache-2.0
"""Finds sources of pressure by name, and starts those that work here."""

from collections.abc import Callable, Iterable, Sequence

from oslo_log import log as logging

from nova_balloon_timer import exception
from nova_balloon_timer import plugin
from nova_balloon_timer.pressure import base

LOG = logging.getLogger(__name__)

_NAMESPACE = 'nova_balloon_timer.pressure_sources'


def load(
    names: Iterable[str], settings: base.PressureSettings
) -> list[base.PressureSource]:
    """Make the sources of those names, each once, in that order.

    :raises PressureSourceNotFound: naming those that are installed
    :raises InvalidConfiguration: the settings make no sense
    """
    return [_load(name, settings) for name in dict.fromkeys(names)]


def start_all(
    sources: Sequence[base.PressureSource], sink: base.Sink
) -> list[base.PressureSource]:
    """Start what can be started, and warn of the rest.

    :returns: those that run
    :raises PressureUnavailable: none can be started
    :raises InvalidConfiguration: the settings make no sense; nothing runs
    """
    running: list[base.PressureSource] = []
    complaints: list[str] = []
    try:
        for source in sources:
            complaint = _start(source, sink)
            if complaint is None:
                running.append(source)
            else:
                complaints.append(f'{source.name}: {complaint}')
    except exception.BalloonTimerError:
        for source in running:
            source.close()
        raise
    if not running:
        raise exception.PressureUnavailable(
            why='no pressure source can be started: '
            + ('; '.join(complaints) or 'none is configured')
        )
    return running


def _load(name: str, settings: base.PressureSettings) -> base.PressureSource:
    make: Callable[[base.PressureSettings], base.PressureSource] = plugin.find(
        _NAMESPACE, name, exception.PressureSourceNotFound
    )
    return make(settings)


def _start(source: base.PressureSource, sink: base.Sink) -> str | None:
    """Start one; return why that is impossible, or None."""
    try:
        source.start(sink)
    except exception.PressureUnavailable as error:
        why = error.why
    except exception.BalloonTimerError:
        raise
    except Exception as error:
        LOG.exception('Pressure source %s failed to start.', source.name)
        return str(error)
    else:
        return None
    # NOTE: within the except block oslo.log would append the error once more.
    LOG.warning('Pressure source %s is not used: %s', source.name, why)
    return why
