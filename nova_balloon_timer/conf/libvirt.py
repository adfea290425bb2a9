# SPDX-License-Identifier: Apache-2.0
"""What nova.conf's ``[libvirt]`` says, for those who only look at it.

Nova defines the group. Whoever runs inside a process of Nova's must not
register it again.
"""

from oslo_config import cfg

_OPTIONS: list[cfg.Opt] = [
    # NOTE: no default, so that None means that the file does not have it.
    cfg.IntOpt('mem_stats_period_seconds'),
]


def register_opts(conf: cfg.ConfigOpts) -> None:
    """Make the options known to a ``conf`` without Nova."""
    conf.register_opts(_OPTIONS, group='libvirt')
