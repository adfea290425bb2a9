# SPDX-License-Identifier: Apache-2.0
"""All our options, for oslo.config's generator."""

from oslo_config import cfg

from nova_balloon_timer.conf import balloon_timer


def register_opts(conf: cfg.ConfigOpts) -> None:
    """Make every option of ours known to ``conf``."""
    balloon_timer.register_opts(conf)


def list_opts() -> list[tuple[cfg.OptGroup, list[cfg.Opt]]]:
    """Return every group with its options."""
    return balloon_timer.list_opts()
