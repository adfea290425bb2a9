# SPDX-License-Identifier: Apache-2.0
"""What went wrong with a call, as errors of ours.

An answer is as little to be trusted as a call: what it says is made readable,
and short.
"""

from nova_balloon_timer import exception
from nova_balloon_timer.messaging import oslo_messaging
from nova_balloon_timer.rpc import argument

# What oslo.messaging's own servers say of a call that they do not know.
_STRANGE = {
    'UnsupportedVersion': 'it does not speak the version of this call: it is '
    'of another release',
    'NoSuchMethod': 'it does not know this call: it is of another release',
}


def of_call(
    error: Exception, host: str, seconds: float
) -> exception.BalloonTimerError:
    """Say what became of a call to an agent.

    :param seconds: how long it was waited for
    """
    if isinstance(error, exception.BalloonTimerError):
        return _rebuild(error, host)
    if isinstance(error, oslo_messaging.MessagingTimeout):
        return exception.HostNotAnswering(host=host, seconds=f'{seconds:g}')
    if isinstance(error, oslo_messaging.RemoteError):
        kind = argument.first_line(error.exc_type)
        why = (
            _STRANGE.get(kind) or f'{kind}: {argument.first_line(error.value)}'
        )
        return exception.AgentFailed(host=host, why=why)
    if _is_of_bus(error):
        return exception.BusBroken(why=argument.first_line(error))
    kind = type(error).__name__
    if kind in _STRANGE:
        return exception.AgentFailed(host=host, why=_STRANGE[kind])
    return exception.AgentFailed(
        host=host,
        why=f'its answer makes no sense: {kind}: {argument.first_line(error)}',
    )


def of_bus(error: Exception) -> exception.BusUnavailable:
    """Say what keeps anything from being sent."""
    return exception.BusUnavailable(why=argument.first_line(error))


def _is_of_bus(error: Exception) -> bool:
    # NOTE: oslo.messaging lets through what its libraries raise at first.
    library = type(error).__module__.partition('.')[0]
    return library in ('amqp', 'kombu') or isinstance(
        error, oslo_messaging.MessageDeliveryFailure | OSError
    )


def _rebuild(
    error: exception.BalloonTimerError, host: str
) -> exception.BalloonTimerError:
    """Make an error of ours of what oslo.messaging made of a remote one.

    Its class is one that is made for it, and its words hold a traceback.
    """
    kind = next(
        it for it in type(error).__mro__ if it.__module__ == exception.__name__
    )
    details = {
        name: value
        if value is None or isinstance(value, int | float)
        else argument.first_line(value)
        for name, value in error.details.items()
    }
    try:
        rebuilt: exception.BalloonTimerError = kind(**details)
    except (KeyError, TypeError, ValueError):
        return exception.AgentFailed(
            host=host, why=f'{kind.__name__}: {argument.first_line(error)}'
        )
    return rebuilt
