# SPDX-License-Identifier: Apache-2.0
"""The broker of the tests, and the listener, which others rely upon."""

from collections.abc import Callable
import ipaddress
import os
import pathlib
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from typing import Any

import fixtures
import kombu
import testscenarios
import testtools

from tests.functional import bus
from tests.functional import lab
from tests.functional import listener
from tests.functional import owned_folder
from tools.lab import process
from tools.lab import rabbitmq

_QUEUE = 'nbt-test'
_SHORT_SECONDS = 1.0
_PUBLISHER = 'balloon_timer:lab'

_START_AND_DIE = """
import os, signal, sys
from tests.functional import owned_folder
from tools.lab import rabbitmq

folder = owned_folder.OwnedFolder(sys.argv[1], lambda root: None)
broker = rabbitmq.PrivateRabbitMQ(folder.path)
broker.start()
print(folder.path, *broker.pids, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""


class BusTest(testtools.TestCase):
    """A test of the broker that all share."""

    def setUp(self) -> None:
        super().setUp()
        self.useFixture(fixtures.FakeLogger())
        self.broker = bus.shared()
        bus.clear(self.broker, _QUEUE)

    def connect(self, **options: object) -> kombu.Connection:
        """Make a connection that waits for the broker's word."""
        url = self.broker.url.replace('rabbit://', 'amqp://')
        connection = kombu.Connection(
            url, transport_options={'confirm_publish': True}, **options
        )
        self.addCleanup(connection.release)
        return connection

    def put(self, connection: kombu.Connection, text: str) -> None:
        """Send to a durable queue, and wait until it is there."""
        connection.SimpleQueue(_QUEUE).put(text)

    def get(self) -> object:
        """Take the oldest of that queue."""
        with self.connect() as connection:
            taken = connection.SimpleQueue(_QUEUE).get(timeout=10)
            taken.ack()
            return taken.payload


class BrokerTest(BusTest):
    def test_listens_on_loopback_only(self) -> None:
        addresses = _listening(self.broker.pids)
        self.assertIn(_address(self.broker.url), addresses)
        self.assertIn(_address(self.broker.tls_url), addresses)
        hosts = {it.rpartition(':')[0].strip('[]') for it in addresses}
        self.assertEqual(set(), {it for it in hosts if not _is_loopback(it)})

    def test_keeps_its_cookie_at_home(self) -> None:
        cookie = self.broker.root / 'home' / '.erlang.cookie'
        self.assertTrue(cookie.exists())

    def test_hangs_while_it_is_frozen(self) -> None:
        connection = self.connect(connect_timeout=_SHORT_SECONDS)
        self.put(connection, 'before')
        sender = threading.Thread(
            target=self.put, args=(connection, 'meanwhile'), daemon=True
        )
        self.broker.freeze()
        self.addCleanup(self.broker.thaw)

        sender.start()
        # The kernel accepts, and nobody answers.
        host, _, port = _address(self.broker.url).partition(':')
        socket.create_connection((host, int(port))).close()
        late = self.connect(connect_timeout=_SHORT_SECONDS)
        self.assertRaises(TimeoutError, late.connect)
        sender.join(_SHORT_SECONDS)
        self.assertTrue(sender.is_alive())

        self.broker.thaw()
        sender.join(10)
        self.assertFalse(sender.is_alive())
        self.put(self.connect(), 'after')
        self.assertEqual(
            ['before', 'meanwhile', 'after'], [self.get() for _ in range(3)]
        )

    def test_starting_it_twice_does_nothing(self) -> None:
        pid = self.broker.pid
        self.broker.start()
        rabbitmq.PrivateRabbitMQ(self.broker.root, tls=True).start()
        self.assertEqual(pid, self.broker.pid)


class DurabilityTest(testscenarios.WithScenarios, BusTest):
    """What is durable survives however the broker ends."""

    scenarios = [
        ('restart', {'end': rabbitmq.PrivateRabbitMQ.stop}),
        ('crash', {'end': rabbitmq.PrivateRabbitMQ.kill}),
    ]

    end: Callable[[rabbitmq.PrivateRabbitMQ], None]

    def test_a_message_survives(self) -> None:
        url, pids = self.broker.url, self.broker.pids
        self.put(self.connect(), 'kept')
        self.end(self.broker)
        self.assertEqual([], [pid for pid in pids if process.is_alive(pid)])
        self.assertIsNone(self.broker.pid)
        self.assertRaises(OSError, self.connect().connect)

        self.broker.start()

        self.assertEqual(url, self.broker.url)
        self.assertEqual('kept', self.get())


class TlsTest(BusTest):
    """Who comes by TLS shows a certificate, and looks at the broker's."""

    def come(self, **files: pathlib.Path) -> None:
        wanted = {
            'cert_reqs': ssl.CERT_REQUIRED,
            'server_hostname': '127.0.0.1',
        }
        url = self.broker.tls_url.replace('rabbit://', 'amqp://')
        with kombu.Connection(url, ssl={**wanted, **files}) as connection:
            connection.connect()
            connection.SimpleQueue(_QUEUE).put('by TLS')

    def test_with_a_certificate(self) -> None:
        self.come(
            ca_certs=self.broker.ca_file,
            certfile=self.broker.client_cert_file,
            keyfile=self.broker.client_key_file,
        )
        self.assertEqual('by TLS', self.get())

    def test_without_a_certificate(self) -> None:
        self.assertRaises(OSError, self.come, ca_certs=self.broker.ca_file)

    def test_a_broker_that_is_not_trusted(self) -> None:
        self.assertRaises(
            ssl.SSLCertVerificationError,
            self.come,
            ca_certs=self.broker.client_cert_file,
        )

    def test_notifications(self) -> None:
        groups = bus.tls_options(self.broker)
        heard = listener.Listener(groups)
        self.addCleanup(heard.close)
        listener.notifier(groups, _PUBLISHER).info({}, 'test.end', {'n': 1})
        self.assertEqual({'n': 1}, heard.wait_for('test.end')[0].payload)


class ListenerTest(BusTest):
    """The listener hears all, and leaves nothing behind."""

    def setUp(self) -> None:
        super().setUp()
        self.groups = bus.options(self.broker)
        self.before = set(threading.enumerate())
        self.listener = listener.Listener(self.groups)
        self.addCleanup(self.listener.close)

    def notifier(self, *topics: str) -> Any:
        return listener.notifier(self.groups, _PUBLISHER, *topics)

    def test_hears_both_forms(self) -> None:
        began_at = time.monotonic()
        self.notifier().warn({}, 'test.start', {'of': 'one'})
        versioned = {'nova_object.name': 'TestPayload'}
        self.notifier(bus.TOPICS[1]).info({}, 'test.start', versioned)
        one, other = sorted(
            self.listener.wait_for('test.start', 2), key=lambda it: it.topic
        )
        self.assertEqual(
            ('notifications', 'warn', _PUBLISHER, {'of': 'one'}),
            (one.topic, one.priority, one.publisher_id, one.payload),
        )
        self.assertEqual(
            ('versioned_notifications', 'info', versioned),
            (other.topic, other.priority, other.payload),
        )
        self.assertNotEqual(one.message_id, other.message_id)
        self.assertTrue(began_at < one.at < time.monotonic())

    def test_hears_in_order(self) -> None:
        notifier = self.notifier()
        for number in range(100):
            notifier.info({}, 'test.progress', number)
        heard = self.listener.wait_for('test.progress', 100)
        self.assertEqual(list(range(100)), [it.payload for it in heard])

    def test_says_what_it_did_not_hear(self) -> None:
        self.notifier().info({}, 'test.start', {})
        self.listener.wait_for(lambda it: it.priority == 'info')
        self.assertRaisesRegex(
            AssertionError,
            'test.end heard 0 times, not 1, .*test.start',
            self.listener.wait_for,
            'test.end',
            timeout_seconds=0.1,
        )

    def test_finds_back_to_a_broker_that_was_away(self) -> None:
        self.broker.restart()
        self.notifier().info({}, 'test.end', {})
        self.listener.wait_for('test.end')

    def test_leaves_nothing_behind(self) -> None:
        self.notifier().info({}, 'test.end', {})
        self.listener.wait_for('test.end')
        self.listener.close()
        lab.wait_until(lambda: not self.left_threads(), 'end of its threads')

    def left_threads(self) -> set[threading.Thread]:
        now = {
            it for it in threading.enumerate() if it.name != 'Rabbit-heartbeat'
        }
        return now - self.before

    def test_does_not_wait_for_a_broker_that_hangs(self) -> None:
        self.broker.freeze()
        self.addCleanup(self.broker.thaw)
        began_at = time.monotonic()
        self.listener.close()
        self.assertLess(time.monotonic() - began_at, 15)


class PrivateTest(testtools.TestCase):
    """A broker of a test's own, beside the one that all share."""

    def test_leaves_nothing_behind(self) -> None:
        folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        other = bus.shared()
        with rabbitmq.PrivateRabbitMQ(folder / 'own') as broker:
            self.assertNotEqual(other.url, broker.url)
            pids = broker.pids
            self.assertIn(broker.pid, pids)
            ports = _listening(pids)
            self.assertEqual(set(), ports & _listening(other.pids))
        self.assertEqual([], [pid for pid in pids if process.is_alive(pid)])
        self.assertEqual(set(), _listening(pids))
        self.assertIsNotNone(other.pid)

    def test_is_cleared_away_after_the_dead(self) -> None:
        prefix = f'nbt-orphan-{os.getpid()}-'
        died = subprocess.run(
            [sys.executable, '-c', _START_AND_DIE, prefix],
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        self.assertEqual(-signal.SIGKILL, died.returncode)
        root, *pids = died.stdout.split()
        self.assertTrue(all(process.is_alive(int(pid)) for pid in pids))

        owned_folder.OwnedFolder(
            prefix, lambda root: rabbitmq.PrivateRabbitMQ(root).stop()
        ).close()

        self.assertFalse(any(process.is_alive(int(pid)) for pid in pids))
        self.assertFalse(pathlib.Path(root).exists())


def _address(url: str) -> str:
    return url.rpartition('@')[2].strip('/')


def _listening(pids: list[int]) -> set[str]:
    """Give the addresses at which processes listen."""
    listed = subprocess.run(
        ['ss', '-ltnpH'], check=True, capture_output=True, text=True
    )
    return {
        line.split()[3]
        for line in listed.stdout.splitlines()
        if any(f'pid={pid},' in line for pid in pids)
    }


def _is_loopback(host: str) -> bool:
    return ipaddress.ip_address(host).is_loopback
