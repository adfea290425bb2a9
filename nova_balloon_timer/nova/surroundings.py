# SPDX-License-Identifier: Apache-2.0
"""What an agent has around it inside nova-compute."""

from collections.abc import Callable

from nova import context
from nova import objects
from nova import rpc
from oslo_config import cfg
from oslo_log import log as logging

from nova_balloon_timer import ownership
from nova_balloon_timer.agent import agent as host_agent
from nova_balloon_timer.agent import listener
from nova_balloon_timer.agent import surroundings as agent_surroundings
from nova_balloon_timer.appliers import base as applier_base
from nova_balloon_timer.appliers.libvirt import watcher
from nova_balloon_timer.notifier import bus as notifier_bus
from nova_balloon_timer.notifier import payload
from nova_balloon_timer.nova import applier as nova_applier
from nova_balloon_timer.nova import instance as nova_instance
from nova_balloon_timer.nova import ledger as nova_ledger
from nova_balloon_timer.nova import watch as nova_watch

LOG = logging.getLogger(__name__)

_SERVICE = 'nova-compute'

# NOTE: libvirtd answers 20 calls at once by default, Nova's among them. As
# many guests that hang may keep a worker of ours waiting, but no more.
_MOST_WORKERS = 12


class NovaSurroundings(agent_surroundings.Surroundings):
    """Guests are instances, libvirt's events come by Nova's thread."""

    most_workers = _MOST_WORKERS

    def __init__(self, conf: cfg.ConfigOpts) -> None:
        # NOTE: before any applier is made, also for a check: a second loop
        # would leave connections without answers to their keepalives.
        watcher.adopt_event_loop()
        options = conf.balloon_timer
        self._ledger = nova_ledger.Ledger(lambda: options.enabled_by_default)
        self._watch = nova_watch.InstanceWatch(
            self._ledger,
            lambda: fetch_instances(conf.host),
            rest_seconds=lambda: options.instances_seconds,
        )

    def make_applier(self, conf: cfg.ConfigOpts) -> applier_base.Applier:
        """Make the way to the guests, over connections of our own.

        Nova's connection is not used: a call that hangs would keep Nova's
        waiting, and asking for it while libvirtd is away has Nova tell of
        errors.
        """
        return nova_applier.InstanceApplier(
            super().make_applier(conf), self._ledger, self._watch
        )

    def make_bus(self, conf: cfg.ConfigOpts) -> notifier_bus.MessageBus:
        """Make the way to listeners, on Nova's transport and as Nova."""
        return notifier_bus.MessageBus(
            conf,
            payload.publisher_id(_SERVICE, conf.host),
            payload.flatten,
            transport=rpc.NOTIFICATION_TRANSPORT,
        )

    def instance_of(self, guest_uuid: str) -> ownership.Instance | None:
        """Return the instance that a guest is."""
        return self._ledger.instance_of(guest_uuid)

    @property
    def observers(self) -> tuple[listener.HostObserver, ...]:
        """Have the watch know when it is urgent."""
        return (self._watch,)

    def prepare(self) -> None:
        """Learn the instances before anything is done with them."""
        self._watch.refresh()

    def open(self, post: agent_surroundings.Post) -> None:
        """Begin to tell what Nova does."""
        self._watch.start(post)

    def close(self) -> None:
        """Tell it no more."""
        self._watch.close()


def make_agent(
    conf: cfg.ConfigOpts, on_death: Callable[[], None]
) -> host_agent.Agent:
    """Start an agent inside nova-compute.

    :raises BalloonTimerError: it cannot start now
    """
    surroundings = NovaSurroundings(conf)
    host_agent.check(conf)
    agent = host_agent.Agent(conf, surroundings, on_death=on_death)
    surroundings.prepare()
    agent.start()
    return agent


def fetch_instances(host: str) -> list[nova_instance.NovaInstance]:
    """Ask Nova for the instances that a host is in charge of.

    It is a call to nova-conductor, and raises whatever that does.
    """
    found = objects.InstanceList.get_by_host(
        context.get_admin_context(), host, expected_attrs=['flavor']
    )
    return [_try_to_read(instance) for instance in found]


def _try_to_read(instance: objects.Instance) -> nova_instance.NovaInstance:
    """Read an instance; one that is not whole must not hide the others."""
    try:
        return _read(instance)
    except Exception as error:  # noqa: BLE001 - Nova's errors are many
        LOG.debug('Instance %s cannot be read: %s', instance.uuid, error)
        return nova_instance.NovaInstance(
            uuid=instance.uuid,
            name='',
            display_name='',
            project_id='',
            host='',
            flavor_name='',
            vm_state='unreadable',
        )


def _read(instance: objects.Instance) -> nova_instance.NovaInstance:
    return nova_instance.NovaInstance(
        uuid=instance.uuid,
        name=instance.name,
        display_name=instance.display_name or '',
        project_id=instance.project_id or '',
        host=instance.host or '',
        flavor_name=instance.flavor.name,
        vm_state=instance.vm_state or '',
        task_state=instance.task_state,
        specs=dict(instance.flavor.extra_specs or {}),
    )
