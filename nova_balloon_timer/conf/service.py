# SPDX-License-Identifier: Apache-2.0
"""Options of the service that looks after a host."""

from oslo_config import cfg

OPTIONS: list[cfg.Opt] = [
    cfg.StrOpt(
        'state_path',
        default='/var/lib/nova-balloon-timer',
        help="""
Where the service keeps its journal and its lock.

One service at a time can use it.
""",
    ),
    cfg.FloatOpt(
        'looks_per_second',
        default=20.0,
        min=0.1,
        max=1000.0,
        mutable=True,
        help="""
How many guests are looked at in a second, for plans to find fresh figures.

It bounds the cost: a look takes the hypervisor about a millisecond. With 20, a
thousand guests are each looked at every 50 seconds; a few guests every 2.
""",
    ),
    cfg.FloatOpt(
        'list_seconds',
        default=60.0,
        min=1.0,
        max=3600.0,
        mutable=True,
        help="""
How often the guests are listed, in seconds.

The hypervisor tells when guests come and go; this finds what it did not tell.
""",
    ),
    cfg.IntOpt(
        'journal_days',
        default=30,
        min=1,
        max=3650,
        help="""
How many days the journal keeps policies that have ended, and host readings.

Related options:

* ``journal_policies``
""",
    ),
    cfg.IntOpt(
        'journal_policies',
        default=100000,
        min=100,
        max=10000000,
        help="""
How many ended policies the journal keeps at the most.

Related options:

* ``journal_days``
""",
    ),
]
