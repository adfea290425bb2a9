# SPDX-License-Identifier: Apache-2.0
"""All our options, for oslo.config's generator."""

from oslo_config import cfg

from nova_balloon_timer.conf import balloon_timer
from nova_balloon_timer.conf import pressure
from nova_balloon_timer.conf import relief
from nova_balloon_timer.conf import service

_OPTIONS = [
    *balloon_timer.OPTIONS,
    *pressure.OPTIONS,
    *relief.OPTIONS,
    *service.OPTIONS,
]


def register_opts(conf: cfg.ConfigOpts) -> None:
    """Make every option of ours known to ``conf``."""
    conf.register_group(balloon_timer.GROUP)
    conf.register_opts(_OPTIONS, group=balloon_timer.GROUP)


def list_opts() -> list[tuple[cfg.OptGroup, list[cfg.Opt]]]:
    """Return every group with its options."""
    return [(balloon_timer.GROUP, _OPTIONS)]
