# SPDX-License-Identifier: Apache-2.0
"""Options about what is taken from whom, and when it is returned."""

from oslo_config import cfg

OPTIONS: list[cfg.Opt] = [
    cfg.StrOpt(
        'planner',
        default='default',
        mutable=True,
        help="""
Who decides how much is asked of which guest, and within what time.

Possible values:

* ``default``: by priority, cooperation and headroom, at the rate that each
  guest was seen to have.
* ``equal``: the same percentage of what each has ever touched.
* the name of any plug-in installed under ``nova_balloon_timer.planners``.
""",
    ),
    cfg.ListOpt(
        'excluded_guests',
        default=[],
        mutable=True,
        help="""
Guests whose balloons the service never moves.

They are looked at, and tell statistics, like all others.

Possible values:

* UUIDs, names, or patterns of names as the shell has them: ``db-*``.
""",
    ),
    cfg.DictOpt(
        'guest_priorities',
        default={},
        mutable=True,
        help="""
How much more, or less, is asked of some guests.

2 asks for twice as much as the 1 that all others have, 0.5 for half.

Possible values:

* ``name:number`` pairs, for example ``batch-*:4,web-*:0.5``; names may be
  patterns or UUIDs, and the first that fits counts.
""",
    ),
    cfg.FloatOpt(
        'shortest_relief_seconds',
        default=1.0,
        min=0.1,
        max=3600.0,
        mutable=True,
        help="""
The shortest time a guest is given to hand out memory, in seconds.

A correction may be given less: what is left of the time of the plan before,
down to a quarter of this.

Related options:

* ``longest_relief_seconds``
""",
    ),
    cfg.FloatOpt(
        'longest_relief_seconds',
        default=30.0,
        min=0.1,
        max=86400.0,
        mutable=True,
        help="""
The longest time a guest is given to hand out memory, in seconds.

In between, the time until memory will be exhausted decides.

Related options:

* ``shortest_relief_seconds``
""",
    ),
    cfg.IntOpt(
        'least_relief_mib',
        default=16,
        min=1,
        max=1048576,
        mutable=True,
        help="""
The least that is asked for, in MiB; a need of less is raised to it.

So is a need below a sixteenth of the memory between the watermarks.

Related options:

* ``low_watermark``
* ``high_watermark``
""",
    ),
    cfg.FloatOpt(
        'stall_step_percent',
        default=1.0,
        min=0.0,
        max=50.0,
        mutable=True,
        help="""
What is asked for while tasks wait, though the low watermark is not reached.

In percent of the host's memory. 0 asks for nothing then.

Related options:

* ``stall_percent``
""",
    ),
    cfg.FloatOpt(
        'return_settle_seconds',
        default=30.0,
        min=0.0,
        max=86400.0,
        mutable=True,
        help="""
How long the host must be well before guests are given memory, in seconds.

Doubles each time that pressure comes back soon after.

Related options:

* ``high_watermark``
""",
    ),
    cfg.FloatOpt(
        'return_seconds',
        default=10.0,
        min=0.1,
        max=3600.0,
        mutable=True,
        help="""
The time in which a guest is given memory back, in seconds.
""",
    ),
    cfg.FloatOpt(
        'return_round_seconds',
        default=5.0,
        min=0.1,
        max=3600.0,
        mutable=True,
        help="""
The pause between two rounds of giving memory back, in seconds.

In it, guests can use what they were given, so that it is seen whether the
host can afford more.

Related options:

* ``return_share_percent``
""",
    ),
    cfg.IntOpt(
        'return_share_percent',
        default=50,
        min=1,
        max=100,
        mutable=True,
        help="""
How much of the memory above the high watermark one round gives, in percent.

64 MiB at least, as far as there is so much.

Related options:

* ``return_round_seconds``
""",
    ),
    cfg.FloatOpt(
        'respect_seconds',
        default=600.0,
        min=0.0,
        max=604800.0,
        mutable=True,
        help="""
How long a guest is left alone whose balloon somebody else moved, in seconds.

Then it is healed: given back what it lacks, once the host is well.
""",
    ),
    cfg.FloatOpt(
        'cool_down_seconds',
        default=60.0,
        min=0.0,
        max=86400.0,
        mutable=True,
        help="""
How long a guest is left alone that stalled or suffered, in seconds.

Doubles each time, up to ``cool_down_longest_seconds``, and is forgotten by
and by.

Related options:

* ``cool_down_longest_seconds``
""",
    ),
    cfg.FloatOpt(
        'cool_down_longest_seconds',
        default=3600.0,
        min=0.0,
        max=604800.0,
        mutable=True,
        help="""
The longest time a guest is left alone, in seconds.

Related options:

* ``cool_down_seconds``
""",
    ),
]
