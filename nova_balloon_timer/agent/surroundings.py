# SPDX-License-Identifier: Apache-2.0
"""What an agent has around it, which differs from process to process."""

from collections.abc import Callable

from oslo_config import cfg

from nova_balloon_timer import message
from nova_balloon_timer import ownership
from nova_balloon_timer.agent import listener
from nova_balloon_timer.appliers import base as applier_base
from nova_balloon_timer.appliers import loader as applier_loader
from nova_balloon_timer.notifier import bus as notifier_bus
from nova_balloon_timer.notifier import payload

_SERVICE = 'nova-balloon-timer'

Post = Callable[[message.HostEvent], None]


class Surroundings:
    """A process of the agent's own, on a host about which nobody tells more.

    Whoever runs an agent within another service says with a class of this
    kind what is different there.
    """

    # How many workers may call the hypervisor at once, whatever is configured.
    most_workers = 256

    def make_applier(self, conf: cfg.ConfigOpts) -> applier_base.Applier:
        """Make the way to the guests.

        :raises ApplierNotFound: the configured one is not installed
        """
        options = conf.balloon_timer
        return applier_loader.load(options.applier, options.connection_uri)

    def make_bus(self, conf: cfg.ConfigOpts) -> notifier_bus.MessageBus:
        """Make the way to whoever listens to notifications.

        :raises BusUnavailable: the configuration names no bus that there is
        """
        return notifier_bus.MessageBus(
            conf, payload.publisher_id(_SERVICE, conf.host), payload.flatten
        )

    def instance_of(self, guest_uuid: str) -> ownership.Instance | None:
        """Return the server in a cloud that a guest is, if that is known."""
        return None

    @property
    def observers(self) -> tuple[listener.HostObserver, ...]:
        """Who else wants to know what happens."""
        return ()

    # NOTE: the hooks below are no-ops on purpose: a process of one's own
    # needs none of them.

    def open(self, post: Post) -> None:
        """Begin to tell the agent what happens around it."""

    def close(self) -> None:
        """Tell it no more."""
