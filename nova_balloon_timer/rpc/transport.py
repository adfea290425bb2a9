# SPDX-License-Identifier: Apache-2.0
"""The way to the message bus, as oslo.messaging's own options have it.

TLS, quorum queues, heartbeats and the like are options of
``[oslo_messaging_rabbit]``, which are passed through as they are.
"""

from collections.abc import Mapping
import contextlib
from typing import Any

from oslo_config import cfg

from nova_balloon_timer import exception
from nova_balloon_timer.messaging import oslo_messaging

# What Nova's services use too, where control_exchange is not set.
_EXCHANGE = 'nova'

_RABBIT = ('rabbit', 'kombu')
# Options of the driver that suit us better, unless transport_url has others.
# An answer to a caller that has gone would keep one of the threads that
# answer waiting for a minute; whoever still waits connects again in less.
SERVER_OPTIONS = {'kombu_missing_consumer_retry_timeout': '1'}
# Each command leaves a queue for its answers behind, for half an hour.
CLIENT_OPTIONS = {'rabbit_transient_queues_ttl': '60'}

_UNSET = (cfg.Locations.opt_default, cfg.Locations.set_default)


def is_configured(conf: cfg.ConfigOpts) -> bool:
    """Tell whether anybody has said where the message bus is."""
    # NOTE: it makes oslo.messaging's options known, whatever it says.
    with contextlib.suppress(oslo_messaging.InvalidTransportURL, ValueError):
        oslo_messaging.TransportURL.parse(conf)
    location = conf.get_location('transport_url')
    is_set = location is not None and location.location not in _UNSET
    return is_set and bool(conf.transport_url)


def make(
    conf: cfg.ConfigOpts, options: Mapping[str, str] | None = None
) -> Any:
    """Make a transport for RPC; it connects when it is used first.

    :param options: of the driver for RabbitMQ, where it is that
    :raises BusNotConfigured: nobody has said where the bus is
    :raises BusUnavailable: that makes no sense
    """
    if not is_configured(conf):
        raise exception.BusNotConfigured()
    oslo_messaging.set_transport_defaults(_EXCHANGE)
    try:
        url = oslo_messaging.TransportURL.parse(conf)
        if url.transport.partition('+')[0] in _RABBIT:
            url.query = {**(options or {}), **url.query}
        return oslo_messaging.get_rpc_transport(
            conf, url, allowed_remote_exmods=[exception.__name__]
        )
    except (oslo_messaging.MessagingException, cfg.Error) as error:
        raise _nonsense(str(error)) from error
    except ImportError as error:
        raise _nonsense(f'its driver cannot be had: {error}') from error
    except ValueError as error:
        # NOTE: what it says may quote a password in the wrong place.
        raise _nonsense('its host or port is none') from error


def hosts(conf: cfg.ConfigOpts) -> list[str]:
    """Name the brokers, without what is secret."""
    found = oslo_messaging.TransportURL.parse(conf).hosts
    return [
        it.hostname if it.port is None else f'{it.hostname}:{it.port}'
        for it in found
        if it.hostname
    ]


def _nonsense(why: str) -> exception.BusUnavailable:
    return exception.BusUnavailable(why=f'transport_url makes no sense: {why}')
