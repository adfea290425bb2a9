# SPDX-License-Identifier: Apache-2.0
"""Options about when a host is short of memory."""

from oslo_config import cfg

OPTIONS: list[cfg.Opt] = [
    cfg.ListOpt(
        'pressure_sources',
        default=['psi', 'meminfo'],
        help="""
Who notices that the host runs short of memory.

The host is short when any of them says so. One that this host cannot have, as
``psi`` on a kernel without pressure stall information, is named in the log
once, tried again every 30 s, and the others go on.

Possible values:

* ``psi``: an event of the kernel, when tasks wait for memory.
* ``meminfo``: available memory against two watermarks.
* the name of any plug-in installed under
  ``nova_balloon_timer.pressure_sources``.
""",
    ),
    cfg.StrOpt(
        'cgroup',
        default='',
        help="""
The memory cgroup that the guests live in, if it has a limit of its own.

Empty: the host as a whole is looked at.

Possible values:

* a path below the cgroup file system, such as ``/machine.slice``. Version 1,
  version 2 and both side by side are supported.
""",
    ),
    cfg.StrOpt(
        'proc_root',
        default='/proc',
        help="Where the host's proc file system is mounted, for containers.",
    ),
    cfg.StrOpt(
        'sys_root',
        default='/sys',
        help="Where the host's sys file system is mounted, for containers.",
    ),
    cfg.StrOpt(
        'low_watermark',
        default='5%',
        mutable=True,
        help="""
Available memory below which the host is short, and up to which it is relieved.

Possible values:

* a size such as ``8G``, or a share of the host's memory such as ``5%``.

Related options:

* ``high_watermark``
""",
    ),
    cfg.StrOpt(
        'high_watermark',
        default='10%',
        mutable=True,
        help="""
Available memory above which the host is well, and has some to return.

Possible values:

* a size such as ``16G``, or a share of the host's memory such as ``10%``;
  more than ``low_watermark``.

Related options:

* ``low_watermark``
""",
    ),
    cfg.FloatOpt(
        'stall_percent',
        default=5.0,
        min=0.1,
        max=100.0,
        help="""
How much of the time tasks must wait for memory for ``psi`` to see pressure.

In percent of ``stall_window_seconds``.

Related options:

* ``stall_calm_percent``
* ``stall_window_seconds``
""",
    ),
    cfg.FloatOpt(
        'stall_calm_percent',
        default=1.0,
        min=0.0,
        max=100.0,
        help="""
Below how much of the time waited for memory ``psi`` sees none any more.

In percent.

Related options:

* ``stall_percent``
* ``pressure_settle_seconds``
""",
    ),
    cfg.FloatOpt(
        'stall_window_seconds',
        default=2.0,
        min=0.5,
        max=10.0,
        help="""
Over how long the kernel counts waits before it tells of them, in seconds.

Without the capability CAP_SYS_RESOURCE the kernel takes multiples of 2 only,
and the next one is used.
""",
    ),
    cfg.FloatOpt(
        'pressure_settle_seconds',
        default=5.0,
        min=0.0,
        max=3600.0,
        help="""
How long it must be better before pressure is said to have ended, in seconds.

Related options:

* ``return_settle_seconds``
""",
    ),
]
