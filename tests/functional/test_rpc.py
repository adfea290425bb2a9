# SPDX-License-Identifier: Apache-2.0
"""An agent is asked over a real message bus, and moves real guests."""

from collections.abc import Iterator
import contextlib
import threading
from typing import Any

import testscenarios

from nova_balloon_timer import exception
from nova_balloon_timer.rpc import api
from tests.functional import bus
from tests.functional import lab
from tests.functional import rpc
from tests.unit.rpc import contract

KIB_PER_MIB = 1024


class PolicyTest(rpc.RPCTest):
    """The life of a policy, from outside."""

    def test_is_created_listed_shown_and_cancelled(self) -> None:
        (alder,) = self.warm('alder')
        running = self.serve(alder)
        client = self.reach().on(rpc.HOST)

        made = self.timed(
            lambda: client.create_policy(alder.name, **rpc.LONG)
        )['policy']
        self.assertEqual(contract.POLICY_KEYS, set(made))
        (flight,) = running.in_flight()
        self.assertEqual(made['uuid'], flight.policy.uuid)
        alder.wait_at(448)

        (listed,) = client.list_policies()['policies']
        self.assertEqual(made['uuid'], listed['uuid'])
        # What the agent saw last may be a look old.
        lab.wait_until(
            lambda: (
                client.show_policy(made['uuid'])['actual_kib']
                == 448 * KIB_PER_MIB
            ),
            'a look at where it waits',
        )
        shown = client.show_policy(made['uuid'])
        self.assertEqual('running', shown['state'])
        self.assertEqual('its segment', shown['held_by'])
        self.assertGreater(shown['left_seconds'], 20)

        self.timed(lambda: client.cancel_policy(made['uuid']))
        ended = self.wait_for_state(client, made['uuid'], 'ended')
        self.assertEqual('cancelled', ended['end']['reason'])
        self.assert_at(448, alder)
        self.assertRaises(
            exception.PolicyNotLive, client.cancel_policy, made['uuid']
        )
        lab.wait_until(
            lambda: bool(client.list_history()['policies']), 'the history'
        )
        (past,) = client.list_history(guest=alder.name)['policies']
        self.assertEqual('cancelled', past['reason'])
        history = client.show_history(made['uuid'])
        self.assertGreater(len(history['curve']), 2)
        self.assert_ended_once(running)
        self.assert_sane(running)

    def test_is_previewed_without_a_move(self) -> None:
        (alder,) = self.warm('alder')
        running = self.serve(alder)
        client = self.reach().on(rpc.HOST)
        preview = self.timed(
            lambda: client.preview_policy(alder.name, '300M', '10s')
        )
        self.assertEqual(contract.PREVIEW_KEYS, set(preview))
        self.assertEqual('target', preview['expected']['reason'])
        self.assert_unmoved(alder)
        self.assert_sane(running)

    def test_the_next_one_takes_its_place(self) -> None:
        (alder,) = self.warm('alder')
        running = self.serve(alder)
        client = self.reach().on(rpc.HOST)
        first = client.create_policy(alder.name, **rpc.LONG)['policy']
        alder.wait_at(448)
        second = client.create_policy(alder.guest.uuid, '480M', '10s')
        self.assertEqual(first['uuid'], second['superseded'])
        for uuid, reason in (
            (first['uuid'], 'superseded'),
            (second['policy']['uuid'], 'target'),
        ):
            ended = self.wait_for_state(client, uuid, 'ended')
            self.assertEqual(reason, ended['end']['reason'])
        self.assert_at(480, alder)
        self.assert_sane(running)

    def test_what_cannot_be_done_is_told(self) -> None:
        (alder,) = self.warm('alder')
        running = self.serve(alder)
        client = self.reach().on(rpc.HOST)
        for kind, guest, target in (
            (exception.GuestNotFound, 'nobody', '300M'),
            (exception.InvalidPolicy, alder.name, '2G'),
            (exception.InvalidSize, alder.name, '300'),
            (exception.GuestRefused, alder.name, '64M'),
        ):
            error = self.assertRaises(
                kind, client.create_policy, guest, target, '5s'
            )
            self.assertNotIn('\n', str(error))
        self.assert_unmoved(alder)
        self.assert_sane(running)


class HostTest(rpc.RPCTest):
    """What the agent tells of its host."""

    def test_guests_host_and_events(self) -> None:
        alder, birch = self.warm('alder', 'birch')
        running = self.serve(alder, birch)
        agents = self.reach()
        client = agents.on(rpc.HOST)

        host = self.timed(client.show_host)
        self.assertEqual(contract.HOST_KEYS, set(host))
        self.assertEqual(self.lab.uri, host['connection_uri'])
        self.assertFalse(host['is_short'])
        self.assertTrue(host['notifications']['enabled'])
        guests = self.timed(client.list_guests)['guests']
        found = {it['name']: it for it in guests}
        for balloon in (alder, birch):
            guest = found[balloon.name]
            self.assertEqual(contract.GUEST_KEYS, set(guest))
            self.assertEqual(balloon.full_kib, guest['actual_kib'])
            self.assertGreater(guest['could_take_kib'], 100 * KIB_PER_MIB)

        self.press(running, alder, birch)
        host = self.timed(client.show_host)
        self.assertTrue(host['is_short'])
        self.assertEqual(2, host['policies'])
        policies = client.list_policies()['policies']
        self.assertEqual({'pressure'}, {it['origin'] for it in policies})
        lab.wait_until(
            lambda: bool(client.list_events()['events']), 'an event'
        )
        kinds = {it['kind'] for it in client.list_events()['events']}
        self.assertLessEqual({'pressure-started', 'relief-planned'}, kinds)

        (one,) = agents.list_hosts()
        self.assertEqual(rpc.HOST, one['host'])
        self.assertEqual([], running.said('Traceback'))


class BusyTest(rpc.RPCTest):
    """A guest's QEMU hangs, policies run, and everybody asks."""

    def test_every_answer_comes_within_a_second(self) -> None:
        alder, birch = self.warm('alder', 'birch')
        running = self.serve(alder, birch)
        client = self.reach().on(rpc.HOST)
        held = client.create_policy(birch.name, **rpc.LONG)['policy']
        birch.wait_at(448)
        self.freeze_qemu(birch)
        with self.crowd(held['uuid']):
            for _ in range(2):
                self.assertRaises(
                    exception.GuestBusy,
                    self.timed,
                    lambda: client.create_policy(birch.name, '400M', '5s'),
                )
            made = self.timed(
                lambda: client.create_policy(
                    alder.name, '300M', '1s', ['900ms=448M']
                )
            )['policy']
            ended = self.wait_for_state(client, made['uuid'], 'ended')
        self.assertIn(ended['end']['reason'], ('deadline', 'target'))
        self.assertLess(ended['end']['lateness_seconds'] or 0, 0.2)
        self.timed(lambda: client.cancel_policy(held['uuid']))
        self.assert_sane(running)

    @contextlib.contextmanager
    def crowd(self, policy_uuid: str) -> Iterator[None]:
        """Have others ask all the time, and see that they are answered."""
        over = threading.Event()
        answered: list[int] = []
        agents = [self.reach() for _ in range(2)]

        def ask(client: api.HostAPI) -> None:
            count = 0
            while not over.is_set():
                self.timed(client.show_host)
                self.timed(client.list_guests)
                self.timed(client.list_policies)
                self.timed(lambda: client.show_policy(policy_uuid))
                count += 1
            answered.append(count)

        threads = [
            threading.Thread(target=ask, args=(it.on(rpc.HOST),))
            for it in agents
        ]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            over.set()
            for thread in threads:
                thread.join()
        # Whoever was not answered in time has not come to the end.
        self.assertEqual(len(threads), len(answered))
        self.assertGreater(min(answered), 0)


class OptionTest(testscenarios.WithScenarios, rpc.RPCTest):
    """Options of the driver do for us what they do for all of OpenStack."""

    scenarios = [
        (
            'quorum queues',
            {'tls': False, 'more': {'rabbit_quorum_queue': True}},
        ),
        ('tls', {'tls': True, 'more': {}}),
    ]
    tls: bool
    more: dict[str, Any]

    def test_is_served_by_it(self) -> None:
        options = bus.tls_options if self.tls else bus.options
        self.speak(options(self.broker, **self.more))
        (alder,) = self.warm('alder')
        running = self.serve(alder)
        agents = self.reach(timeout_seconds=10.0)
        client = agents.on(rpc.HOST)
        made = client.create_policy(alder.name, '448M', '10s')['policy']
        ended = self.wait_for_state(client, made['uuid'], 'ended')
        self.assertEqual('target', ended['end']['reason'])
        self.assertEqual(
            [rpc.HOST], [it['host'] for it in agents.list_hosts()]
        )
        self.assert_sane(running)
