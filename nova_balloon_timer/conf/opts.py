# SPDX-License-Identifier: Apache-2.0
"""All our options, for oslo.config's generator."""

from oslo_config import cfg

from nova_balloon_timer.conf import balloon_timer
from nova_balloon_timer.conf import bus
from nova_balloon_timer.conf import host
from nova_balloon_timer.conf import nova
from nova_balloon_timer.conf import pressure
from nova_balloon_timer.conf import relief
from nova_balloon_timer.conf import service

_OPTIONS = [
    *balloon_timer.OPTIONS,
    *pressure.OPTIONS,
    *relief.OPTIONS,
    *service.OPTIONS,
    *bus.OPTIONS,
    *nova.OPTIONS,
]


def register_opts(conf: cfg.ConfigOpts) -> None:
    """Make every option of ours known to ``conf``."""
    conf.register_group(balloon_timer.GROUP)
    conf.register_opts(_OPTIONS, group=balloon_timer.GROUP)


def register_nova_opts(conf: cfg.ConfigOpts) -> None:
    """Make the options that Nova has too known to a ``conf`` without Nova."""
    conf.register_opts(host.DEFAULT_OPTIONS)
    conf.register_group(host.NOTIFICATIONS_GROUP)
    conf.register_opts(
        host.NOTIFICATIONS_OPTIONS, group=host.NOTIFICATIONS_GROUP
    )


def list_opts() -> list[tuple[cfg.OptGroup | None, list[cfg.Opt]]]:
    """Return every group with its options; None is ``[DEFAULT]``."""
    return [
        (None, host.DEFAULT_OPTIONS),
        (host.NOTIFICATIONS_GROUP, host.NOTIFICATIONS_OPTIONS),
        (balloon_timer.GROUP, _OPTIONS),
    ]
