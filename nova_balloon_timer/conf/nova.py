# SPDX-License-Identifier: Apache-2.0
"""Options for the extension inside nova-compute."""

from oslo_config import cfg

OPTIONS: list[cfg.Opt] = [
    cfg.BoolOpt(
        'enabled_by_default',
        default=False,
        help="""
Whether instances may be ballooned whose flavor does not say so.

It holds inside nova-compute only. The flavor's extra spec ``balloon:enabled``
decides where it is set; this option decides for all other instances.

Possible values:

* False: only instances of flavors with ``balloon:enabled=true`` are touched
* True: all instances are, but for those of flavors with
  ``balloon:enabled=false``
""",
    ),
    cfg.FloatOpt(
        'instances_seconds',
        default=60.0,
        min=5.0,
        max=3600.0,
        help="""
How often Nova is asked for the instances of this host at rest, in seconds.

It holds inside nova-compute only, where it is one call to nova-conductor.
Nova is asked each second while the host is short of memory or a policy is
under way, every 5 s while an instance has a task, and at once when a guest
comes up that is not known.
""",
    ),
]
