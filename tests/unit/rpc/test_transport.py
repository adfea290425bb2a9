# SPDX-License-Identifier: Apache-2.0

import pathlib

import fixtures
from oslo_config import cfg
import testscenarios

from nova_balloon_timer import exception
from nova_balloon_timer.rpc import transport
from tests.unit import base
from tests.unit.rpc import factory


class TransportTestCase(base.TestCase):
    def configure(self, text: str) -> cfg.ConfigOpts:
        folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        path = folder / 'nova.conf'
        path.write_text(f'[DEFAULT]\n{text}\n')
        conf = cfg.ConfigOpts()
        conf(['--config-file', str(path)], default_config_dirs=[])
        return conf


class ConfiguredTestCase(TransportTestCase):
    def test_nobody_has_said_where_it_is(self) -> None:
        for conf in (
            factory.make_conf(),
            self.configure(''),
            self.configure('transport_url ='),
        ):
            self.assertFalse(transport.is_configured(conf))
            self.assertRaises(exception.BusNotConfigured, transport.make, conf)

    def test_somebody_has(self) -> None:
        for url in ('rabbit://', 'rabbit://u:p@broker:5671/nova', 'nonsense'):
            conf = self.configure(f'transport_url = {url}')
            self.assertTrue(transport.is_configured(conf))

    def test_a_test_has(self) -> None:
        bus = self.useFixture(factory.Bus())
        self.assertTrue(transport.is_configured(bus.conf))


class MakeTestCase(TransportTestCase):
    def test_uses_the_exchange_of_nova(self) -> None:
        conf = self.configure('transport_url = rabbit://u:p@broker/')
        made = transport.make(conf)
        self.assertEqual('nova', made.conf.control_exchange)

    def test_uses_another_exchange_where_it_is_told_to(self) -> None:
        conf = self.configure(
            'transport_url = rabbit://u:p@broker/\ncontrol_exchange = other'
        )
        self.assertEqual('other', transport.make(conf).conf.control_exchange)

    def test_the_driver_s_options_are_its_own_affair(self) -> None:
        conf = self.configure(
            'transport_url = rabbit://u:p@broker/\n'
            '[oslo_messaging_rabbit]\nssl = true\nrabbit_quorum_queue = true'
        )
        made = transport.make(conf)
        self.assertTrue(made.conf.oslo_messaging_rabbit.ssl)
        self.assertTrue(made.conf.oslo_messaging_rabbit.rabbit_quorum_queue)

    def test_options_that_suit_us_go_behind_those_of_the_url(self) -> None:
        options = {'heartbeat_rate': '7', 'rabbit_transient_queues_ttl': '60'}
        conf = self.configure(
            'transport_url = rabbit://u:p@broker/?heartbeat_rate=5\n'
            '[oslo_messaging_rabbit]\nrabbit_transient_queues_ttl = 1800'
        )
        made = transport.make(conf, options)
        rabbit = made.conf.oslo_messaging_rabbit
        self.assertEqual(5, rabbit.heartbeat_rate)
        self.assertEqual(60, rabbit.rabbit_transient_queues_ttl)

    def test_another_driver_is_not_given_them(self) -> None:
        bus = self.useFixture(factory.Bus('fake:/'))
        transport.make(bus.conf, {'heartbeat_rate': '7'})

    def test_what_suits_us_is_known_to_the_driver(self) -> None:
        conf = self.configure('transport_url = rabbit://u:p@broker/')
        for options in (transport.CLIENT_OPTIONS, transport.SERVER_OPTIONS):
            rabbit = transport.make(conf, options).conf.oslo_messaging_rabbit
            for name, value in options.items():
                self.assertEqual(value, str(rabbit[name]))

    def test_brokers_are_named_without_what_is_secret(self) -> None:
        conf = self.configure(
            'transport_url = rabbit://u:secret@a:5671,u:secret@b,u:secret@/v'
        )
        transport.make(conf)
        self.assertEqual(['a:5671', 'b'], transport.hosts(conf))


class NonsenseTestCase(testscenarios.WithScenarios, TransportTestCase):
    scenarios = [
        (url, {'url': url})
        for url in (
            'u:secret@broker',
            '::::',
            'carrier-pigeon://u:secret@broker/',
            'rabbit://u:secret@broker:port/',
            'rabbit://broker:secret/',
            'rabbit://u:secret@[::1/',
            'rabbit://u:secret@broker/?nonsense=1',
            'kafka://u:secret@broker/',
        )
    ]
    url: str

    def test_is_told_in_a_line_without_what_is_secret(self) -> None:
        conf = self.configure(f'transport_url = {self.url}')
        error = self.assertRaises(
            exception.BusUnavailable, transport.make, conf
        )
        self.assertIn('transport_url makes no sense: ', str(error))
        self.assertNotIn('\n', str(error))
        self.assertNotIn('secret', str(error))
