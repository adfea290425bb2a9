# SPDX-License-Identifier: Apache-2.0
"""Options of what is told and served: notifications, and metrics."""

from oslo_config import cfg

OPTIONS: list[cfg.Opt] = [
    cfg.FloatOpt(
        'progress_seconds',
        default=5.0,
        min=0.0,
        max=3600.0,
        help="""
How often a policy under way is told of on the message bus, in seconds.

Each policy sends at most one ``balloon_policy.progress`` in that time, so that
one which is over sooner sends none. 0 sends none at all.
""",
    ),
    cfg.IntOpt(
        'notification_backlog',
        default=10000,
        min=100,
        max=100000,
        help="""
How many notifications are kept while the message bus is away.

They are kept in the journal and sent, in their order, when it is back. Of more
than that the oldest are dropped, those about progress first; the log and the
metrics say how many. One takes about 2 KiB.
""",
    ),
    cfg.BoolOpt(
        'metrics',
        default=False,
        help="""
Whether the agent serves metrics for Prometheus, by HTTP under ``/metrics``.

An agent that cannot have the address and port does not start.

Related options:

* ``metrics_address``
* ``metrics_port``
""",
    ),
    cfg.HostAddressOpt(
        'metrics_address',
        default='127.0.0.1',
        help="""
The address at which metrics are served, an IPv4 or IPv6 one, or a name.

Anybody who reaches it can read how this host and its guests stand, though no
guest is named, and needs no password: beyond this host it belongs on a network
for management. ``0.0.0.0`` is every IPv4 address of the host, ``::`` every
address.

Related options:

* ``metrics``
* ``metrics_port``
""",
    ),
    cfg.PortOpt(
        'metrics_port',
        default=9788,
        min=1,
        help="""
The TCP port at which metrics are served.

Related options:

* ``metrics``
* ``metrics_address``
""",
    ),
]
