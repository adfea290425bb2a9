# SPDX-License-Identifier: Apache-2.0
"""The RPC of an agent: its server, and the desk behind it."""

from collections.abc import Callable
import datetime
import functools
from importlib import metadata

from oslo_config import cfg

from nova_balloon_timer.agent import archive
from nova_balloon_timer.agent import clerk
from nova_balloon_timer.agent import configured
from nova_balloon_timer.agent import crank as agent_crank
from nova_balloon_timer.agent import desk
from nova_balloon_timer.agent import guest_reader
from nova_balloon_timer.appliers import base as applier_base
from nova_balloon_timer.appliers import pool as applier_pool
from nova_balloon_timer.journal import reader as journal_reader
from nova_balloon_timer.journal import writer as journal_writer
from nova_balloon_timer.notifier import sender as notifier_sender
from nova_balloon_timer.rpc import endpoint as rpc_endpoint
from nova_balloon_timer.rpc import server as rpc_server
from nova_balloon_timer.rpc import standing as rpc_standing

_PROJECT = 'nova-balloon-timer'


def make_server(
    conf: cfg.ConfigOpts,
    *,
    crank: agent_crank.HostCrank,
    applier: applier_base.Applier,
    pool: applier_pool.WorkerPool,
    journal: journal_writer.Journal,
    reader: journal_reader.Reader,
    count_notifications: Callable[[], notifier_sender.Status | None],
    meter: rpc_endpoint.Meter,
) -> rpc_server.RPCServer:
    """Make a server that answers from what these know.

    :param count_notifications: returns None where none are sent
    """
    options = conf.balloon_timer
    made = desk.Desk(
        crank,
        clerk.Clerk(crank, guest_reader.GuestReader(applier, pool), options),
        archive.Archive(reader),
        identify=functools.partial(
            _identify,
            conf,
            metadata.version(_PROJECT),
            datetime.datetime.now(datetime.timezone.utc),
        ),
        journal=lambda: rpc_standing.JournalStanding(
            path=str(reader.path),
            failure=journal.failure,
            waiting=journal.waiting,
        ),
        notifications=lambda: _standing_of(count_notifications()),
    )
    return rpc_server.RPCServer(conf, made, host=conf.host, meter=meter)


def _identify(
    conf: cfg.ConfigOpts, version: str, started_utc: datetime.datetime
) -> rpc_standing.Identity:
    options: configured.Options = conf.balloon_timer
    return rpc_standing.Identity(
        host=conf.host,
        version=version,
        started_utc=started_utc,
        connection_uri=options.connection_uri,
        applier=options.applier,
        planner=options.planner,
        pressure_sources=tuple(options.pressure_sources),
    )


def _standing_of(
    status: notifier_sender.Status | None,
) -> rpc_standing.NotificationStanding:
    if status is None:
        return rpc_standing.NotificationStanding()
    return rpc_standing.NotificationStanding(
        is_enabled=True,
        waiting=status.waiting,
        dropped=status.dropped,
        failure=status.failure,
    )
