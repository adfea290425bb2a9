# SPDX-License-Identifier: Apache-2.0
"""Agents that answer without a message bus, as the RPC's contract has it."""

from collections.abc import Callable, Iterable
from typing import Any
import uuid

import fixtures
from oslo_config import cfg

from nova_balloon_timer import exception
from tests.unit import base

MIB = base.MIB
HOST = 'compute-01'

View = dict[str, Any]

_STARTED_AT = '2026-05-01T12:00:00.000000+00:00'
_ENDED_AT = '2026-05-01T12:00:01.000000+00:00'


def policy(guest: str = 'web-01', **more: Any) -> View:
    """Return a policy that is half over."""
    fields: View = {
        'uuid': str(uuid.uuid4()),
        'guest_uuid': base.uuid_of(guest),
        'guest_name': guest,
        'direction': 'inflate',
        'origin': 'operator',
        'mode': 'host',
        'explanation': 'asked for by an operator',
        'start_kib': 1024 * MIB,
        'target_kib': 512 * MIB,
        'maximum_kib': 1024 * MIB,
        'duration_seconds': 2.0,
        'segments': [],
        'floor_kib': 256 * MIB,
        'reserve_kib': 64 * MIB,
        'leash_kib': 16 * MIB,
        'leash_seconds': 0.1,
        'state': 'running',
        'requested_at': _STARTED_AT,
        'started_at': _STARTED_AT,
        'deadline_at': '2026-05-01T12:00:02.000000+00:00',
        'elapsed_seconds': 1.0,
        'left_seconds': 1.0,
        'actual_kib': 768 * MIB,
        'moved_kib': 256 * MIB,
        'usable_kib': 500 * MIB,
        'rss_kib': 800 * MIB,
        'held_by': '',
        'timed_by': 'host',
        'timing_words': '',
        'end': None,
    }
    return fields | more


def ended(view: View, **more: Any) -> View:
    """Return a policy as it is when it has reached its target."""
    end = {
        'reason': 'target',
        'detail': 'reached 512 MiB',
        'ended_at': _ENDED_AT,
        'actual_end_kib': 512 * MIB,
        'moved_kib': 512 * MIB,
        'freed_kib': 300 * MIB,
        'duration_seconds': 1.0,
        'lateness_seconds': None,
        'moved_after_deadline_kib': None,
        'confirmed': True,
        'guest_report': None,
    }
    return view | {
        'state': 'ended',
        'left_seconds': 0.0,
        'actual_kib': 512 * MIB,
        'end': end | more,
    }


def pending(view: View) -> View:
    """Return a policy as it is before it begins."""
    return view | {
        'state': 'pending',
        'started_at': None,
        'deadline_at': None,
        'elapsed_seconds': 0.0,
        'left_seconds': view['duration_seconds'],
        'actual_kib': None,
        'moved_kib': 0,
        'timed_by': None,
    }


def past(view: View) -> View:
    """Return a policy that has ended as a history lists it."""
    end = view['end']
    names = ('uuid', 'guest_uuid', 'guest_name', 'origin', 'direction')
    return {
        **{name: view[name] for name in names},
        'start_kib': view['start_kib'],
        'target_kib': view['target_kib'],
        'end_kib': end['actual_end_kib'],
        'freed_kib': end['freed_kib'],
        'reason': end['reason'],
        'detail': end['detail'],
        'started_at': view['started_at'],
        'ended_at': end['ended_at'],
        'lateness_seconds': end['lateness_seconds'],
        'timed_by': view['timed_by'],
        'timing_words': view['timing_words'],
    }


def guest(name: str = 'web-01', **more: Any) -> View:
    """Return a guest that could give some."""
    fields: View = {
        'uuid': base.uuid_of(name),
        'name': name,
        'maximum_kib': 1024 * MIB,
        'actual_kib': 1024 * MIB,
        'usable_kib': 800 * MIB,
        'rss_kib': 900 * MIB,
        'floor_kib': 256 * MIB,
        'reserve_kib': 64 * MIB,
        'could_take_kib': 736 * MIB,
        'could_free_kib': 700 * MIB,
        'priority': 1.0,
        'refusals': [],
        'left_alone': '',
        'rate_kib_per_second': None,
        'cooperation': 1.0,
        'policy_uuid': None,
        'instance': None,
    }
    return fields | more


def host(name: str = HOST, **more: Any) -> View:
    """Return a host that is well."""
    fields: View = {
        'host': name,
        'version': '1.2.3',
        'started_at': _STARTED_AT,
        'is_short': False,
        'words': 'available memory is above the high watermark',
        'total_kib': 65536 * MIB,
        'available_kib': 20480 * MIB,
        'low_watermark_kib': 4096 * MIB,
        'high_watermark_kib': 8192 * MIB,
        'stalled_share': 0.0,
        'fall_kib_per_second': None,
        'exhaustion_seconds': None,
        'guests': 2,
        'policies': 0,
        'relief_kib': 0,
        'connection_uri': 'qemu:///system',
        'applier': 'libvirt',
        'planner': 'default',
        'pressure_sources': ['psi', 'meminfo'],
        'journal': {'path': '/var/x.sqlite', 'failure': '', 'waiting': 0},
        'notifications': {
            'enabled': True,
            'waiting': 0,
            'dropped': 0,
            'failure': '',
        },
    }
    return fields | more


def event(words: str, kind: str = 'pressure-started', **more: Any) -> View:
    """Return something that happened."""
    return {'at': _STARTED_AT, 'kind': kind, 'words': words} | more


def away(name: str = HOST) -> exception.HostNotAnswering:
    """Return the error of an agent that is not there."""
    return exception.HostNotAnswering(host=name, seconds='5')


class FakeAgent:
    """One host's agent, in the place of what asks it over the bus.

    :ivar calls: the name and the arguments of each
    :ivar errors: raised by the next calls, one each
    :ivar by_guest: raised when something is asked for this guest
    :ivar courses: what show_policy gives in turn, by UUID; the last stays
    """

    def __init__(self) -> None:
        self.calls: list[tuple[str, View]] = []
        self.errors: list[Exception] = []
        self.by_guest: dict[str, Exception] = {}
        self.courses: dict[str, list[View]] = {}
        self.live: list[View] = []
        self.guests: list[View] = []
        self.past: list[View] = []
        self.saved: dict[str, View] = {}
        self.events: list[View] = []
        self.host = host()
        self.previews: dict[str, View] = {}
        self.on_show: Callable[[], None] = lambda: None

    def _called(self, name: str, **arguments: Any) -> None:
        self.calls.append((name, arguments))
        if self.errors:
            raise self.errors.pop(0)

    def create_policy(self, guest: str, **arguments: Any) -> View:
        self._called('create_policy', guest=guest, **arguments)
        if guest in self.by_guest:
            raise self.by_guest[guest]
        made = pending(policy(guest))
        self.courses[made['uuid']] = [policy(guest, uuid=made['uuid'])]
        self.courses[made['uuid']].append(ended(self.courses[made['uuid']][0]))
        return {'policy': made, 'superseded': None}

    def preview_policy(self, guest: str, **arguments: Any) -> View:
        self._called('preview_policy', guest=guest, **arguments)
        if guest in self.by_guest:
            raise self.by_guest[guest]
        return self.previews[guest]

    def list_policies(self, limit: int, marker: str | None) -> View:
        self._called('list_policies', limit=limit, marker=marker)
        return _page('policies', self.live, limit, marker)

    def list_guests(self, limit: int, marker: str | None) -> View:
        self._called('list_guests', limit=limit, marker=marker)
        return _page('guests', self.guests, limit, marker)

    def list_history(
        self, limit: int, marker: str | None, guest: str | None = None
    ) -> View:
        self._called('list_history', limit=limit, marker=marker, guest=guest)
        return _page('policies', self.past, limit, marker)

    def list_events(self, limit: int) -> View:
        self._called('list_events', limit=limit)
        return {'events': self.events[:limit]}

    def show_policy(self, policy: str) -> View:
        self._called('show_policy', policy=policy)
        self.on_show()
        course = self.courses.get(policy)
        if course is None:
            raise exception.PolicyNotFound(uuid=policy)
        return course.pop(0) if len(course) > 1 else course[0]

    def show_history(self, policy: str) -> View:
        self._called('show_history', policy=policy)
        if policy not in self.saved:
            raise exception.PolicyNotFound(uuid=policy)
        return self.saved[policy]

    def cancel_policy(self, policy: str) -> View:
        self._called('cancel_policy', policy=policy)
        if policy in self.by_guest:
            raise self.by_guest[policy]
        for view in self.live:
            if view['uuid'] == policy:
                return view | {'state': 'freezing'}
        raise exception.PolicyNotFound(uuid=policy)

    def show_host(self) -> View:
        self._called('show_host')
        return self.host


def _page(
    key: str, items: Iterable[View], limit: int, marker: str | None
) -> View:
    found = list(items)
    uuids = [item['uuid'] for item in found]
    first = 0 if marker is None else uuids.index(marker) + 1
    page = found[first : first + limit]
    is_last = first + limit >= len(found)
    return {key: page, 'next_marker': None if is_last else page[-1]['uuid']}


class FakeAgents(fixtures.Fixture):
    """Takes the place of the RPC client.

    :ivar agents: by the names of their hosts
    :ivar error: raised in the place of a client
    :ivar asked: the hosts that somebody turned to
    :ivar timeouts: how long was to be waited, of each client
    :ivar closed: how many clients were closed
    """

    def __init__(self) -> None:
        super().__init__()
        self.agents: dict[str, FakeAgent] = {HOST: FakeAgent()}
        self.error: exception.BalloonTimerError | None = None
        self.asked: list[str] = []
        self.timeouts: list[float] = []
        self.listed: list[dict[str, float]] = []
        self.closed = 0

    @property
    def agent(self) -> FakeAgent:
        """The agent of the first host."""
        return self.agents[HOST]

    def _setUp(self) -> None:
        self.useFixture(
            fixtures.MonkeyPatch(
                'nova_balloon_timer.rpc.api.AgentAPI', self._make
            )
        )

    def _make(
        self, conf: cfg.ConfigOpts, *, timeout_seconds: float = 5.0
    ) -> 'FakeAgents':
        if self.error is not None:
            raise self.error
        self.timeouts.append(timeout_seconds)
        return self

    def on(self, name: str) -> FakeAgent:
        self.asked.append(name)
        if name not in self.agents:
            silent = FakeAgent()
            silent.errors = [
                exception.HostNotAnswering(host=name, seconds=5.0)
                for _ in range(100)
            ]
            return silent
        return self.agents[name]

    def list_hosts(
        self, wait_seconds: float = 1.0, longest_seconds: float = 5.0
    ) -> list[View]:
        self.listed.append({'wait': wait_seconds, 'longest': longest_seconds})
        return [self.agents[name].host for name in sorted(self.agents)]

    def close(self) -> None:
        self.closed += 1
