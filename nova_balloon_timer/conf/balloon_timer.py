# SPDX-License-Identifier: Apache-2.0
"""The group ``[balloon_timer]``, and options about guests."""

from oslo_config import cfg

GROUP = cfg.OptGroup(
    'balloon_timer',
    title='Timed balloon policies',
    help='How guests are given back and asked for memory in bounded time.',
)

OPTIONS: list[cfg.Opt] = [
    cfg.StrOpt(
        'connection_uri',
        default='qemu:///system',
        help="""
The libvirt connection whose guests are ballooned.

Possible values:

* any libvirt URI. nova.conf's ``[libvirt] connection_uri`` is not looked at,
  but for the service inside nova-compute: that has Nova's, whatever this
  says, which is then for commands that ask libvirt by themselves.
""",
    ),
    cfg.StrOpt(
        'applier',
        default='libvirt',
        help="""
What reads and sets the guests' balloons.

Possible values:

* ``libvirt``: the real thing.
* ``noop``: a dry run, which reads real guests, logs what it would set and
  moves no balloon.
* the name of any plug-in installed under ``nova_balloon_timer.appliers``.
""",
    ),
    cfg.IntOpt(
        'workers',
        default=8,
        min=1,
        max=256,
        help="""
Worker threads that talk to the hypervisor, each over a connection of its own.

One guest never has more than one of them. A worker that a hanging guest holds
up is replaced, so this is not the number of guests that may hang.

Related options:

* ``max_workers``
""",
    ),
    cfg.IntOpt(
        'max_workers',
        default=64,
        min=1,
        max=1024,
        help="""
Worker threads at the most, those counted that hanging guests hold up.

With as many hanging guests as this, deadlines of further guests are late.

Related options:

* ``workers``
""",
    ),
    cfg.IntOpt(
        'floor_percent',
        default=25,
        min=1,
        max=100,
        help="""
The share of its full memory that no policy takes from a guest, in percent.

100 forbids to take anything. A policy may name a floor of its own, and so may
the flavor of an instance.
""",
    ),
    cfg.IntOpt(
        'reserve_percent',
        default=5,
        min=0,
        max=100,
        help="""
The share of a guest's full memory that must stay usable, in percent.

*Usable* is what the guest could give to its programs without swapping
(MemAvailable in Linux). 0 does without it: then also guests that give no
statistics are ballooned, and only swapping and page faults end a policy
that hurts.

Related options:

* ``reserve_minimum_mib``
""",
    ),
    cfg.IntOpt(
        'reserve_minimum_mib',
        default=64,
        min=0,
        max=1048576,
        help="""
The least memory that must stay usable in a guest, in MiB.

Related options:

* ``reserve_percent``
""",
    ),
    cfg.IntOpt(
        'leash_mib',
        default=16,
        min=1,
        max=1048576,
        help="""
How far a target may run ahead of what the balloon has reached, in MiB.

It bounds what a guest still gives when this service is killed in mid-policy.
A guest that moves quickly gets a longer leash, see ``leash_seconds``.

Related options:

* ``leash_seconds``
""",
    ),
    cfg.FloatOpt(
        'leash_seconds',
        default=0.1,
        min=0.0,
        max=10.0,
        help="""
The leash as the time that the guest needs for it, at its measured rate.

Longer leashes cost less CPU time; with less than 0.05 s fast guests wait for
their next target. 0 leaves it at ``leash_mib``.

Related options:

* ``leash_mib``
""",
    ),
    cfg.StrOpt(
        'mode',
        default='auto',
        choices=[
            (
                'auto',
                'the guest, if its balloon driver can; else this host',
            ),
            ('host', 'always this host; no guest is asked'),
        ],
        mutable=True,
        help="""
Who keeps the clock of a policy, and so ends it at its deadline.

A guest that keeps the clock stops by itself, also while this service, libvirt
or the network is down. It needs the ``timed_balloon`` driver and the QEMU
guest agent in it; a flavor's ``balloon:guest_clock`` can forbid it. A policy
of an operator may name a mode of its own.
""",
    ),
    cfg.FloatOpt(
        'statistics_wait_seconds',
        default=3.0,
        min=1.0,
        max=60.0,
        help="""
How long a guest may take to tell its first statistics, in seconds.

They come once a second. A guest that says nothing for so long is taken to
have no balloon driver, and is refused. Heeded by ``apply`` and ``guest list
--local``, not by the agent.
""",
    ),
]
