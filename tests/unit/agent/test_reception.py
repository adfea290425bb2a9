# SPDX-License-Identifier: Apache-2.0
"""An agent that can be asked over a message bus."""

import time

from oslo_messaging import conffixture

from nova_balloon_timer import exception
from nova_balloon_timer.agent import agent
from nova_balloon_timer.rpc import api
from tests.unit import base
from tests.unit.agent import test_agent
from tests.unit.rpc import contract
from tests.unit.rpc import factory

MIB = base.MIB


class ReceptionTestCase(test_agent.AgentTestCase):
    def setUp(self) -> None:
        super().setUp()
        # What is asked for stays as it is.
        self.configuration.write(respect_seconds=600.0)
        self.configuration.conf.reload_config_files()
        self.bus = self.useFixture(
            conffixture.ConfFixture(
                self.configuration.conf, factory.MEMORY_URL
            )
        )
        self.configuration.conf.set_override('host', self.getUniqueString())

    def serve(self) -> api.HostAPI:
        self.start()
        self.wait_for_words('RPC is served as ')
        agents = api.AgentAPI(self.configuration.conf)
        self.addCleanup(agents.close)
        return agents.on(self.configuration.conf.host)

    def test_tells_of_its_host(self) -> None:
        guest = self.host.add('web-01')
        client = self.serve()
        self.wait_for_look(guest)
        answer = client.show_host()
        self.assertEqual(contract.HOST_KEYS, set(answer))
        self.assertEqual(self.configuration.conf.host, answer['host'])
        self.assertRegex(answer['version'], r'^\d+\.\d+')
        self.assertEqual('test:///default', answer['connection_uri'])
        self.assertEqual(['meminfo'], answer['pressure_sources'])
        self.assertEqual(
            {
                'path': str(self.state_path / 'journal.sqlite'),
                'failure': '',
                'waiting': 0,
            },
            answer['journal'],
        )
        self.assertFalse(answer['notifications']['enabled'])
        (found,) = client.list_guests()['guests']
        self.assertEqual('web-01', found['name'])

    def test_does_what_it_is_asked(self) -> None:
        guest = self.host.add('web-01', rate_mib_per_second=200)
        client = self.serve()
        made = client.create_policy('web-01', '512M', '20s')['policy']

        def has_ended() -> bool:
            return bool(client.show_policy(made['uuid'])['end'])

        self.wait(has_ended, 'it did not end')
        self.assertEqual(512 * MIB, guest.actual_kib)
        # Its end is told before it is on the disk.
        self.wait(
            lambda: client.list_history()['policies'],
            'it is not in the journal',
        )
        (past,) = client.list_history()['policies']
        self.assertEqual('target', past['reason'])
        self.assertTrue(client.show_history(made['uuid'])['curve'])
        self.assertEqual([], client.list_policies()['policies'])

    def test_stops_in_time(self) -> None:
        made = self.start()
        self.wait_for_words('RPC is served as ')
        began_at = time.monotonic()
        made.stop()
        self.assertLess(time.monotonic() - began_at, 2.0)

    def test_a_dry_run_takes_no_calls_of_an_agent_beside_it(self) -> None:
        self.configuration.write(applier='noop')
        self.configuration.conf.reload_config_files()
        made = self.start()
        self.wait_for_words('No RPC is served: this is a dry run')
        self.assertEqual([], made._servers)

    def test_a_bus_that_makes_no_sense_is_told_beforehand(self) -> None:
        agent.check(self.configuration.conf)
        self.bus.transport_url = 'carrier-pigeon://u:secret@broker'
        error = self.assertRaises(
            exception.BusUnavailable, agent.check, self.configuration.conf
        )
        self.assertNotIn('secret', str(error))


class NoBusTestCase(test_agent.AgentTestCase):
    def test_is_told_and_costs_nothing(self) -> None:
        agent.check(self.configuration.conf)
        made = self.start()
        self.wait_for_words('No transport_url is configured: no RPC is served')
        self.assertEqual([], made._servers)
