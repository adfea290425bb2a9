# SPDX-License-Identifier: Apache-2.0
"""The web server of the metrics, by itself."""

from collections.abc import Iterable
import contextlib
import http.client
import resource
import socket
import threading
import time
from typing import Any

import fixtures
from prometheus_client import metrics_core
from prometheus_client import registry as prometheus_registry
import testscenarios
import testtools

from nova_balloon_timer import exception
from nova_balloon_timer.metrics import exporter
from nova_balloon_timer.metrics import instruments
from nova_balloon_timer.metrics import metrics as agent_metrics
from tests.functional import lab

_PATIENCE_SECONDS = 20
_CLOSE_SECONDS = 0.2


class Source(prometheus_registry.Collector):
    """Gives one metric, fails, or has everybody wait."""

    def __init__(self) -> None:
        self.fails = False
        self.go_on = threading.Event()
        self.go_on.set()
        self.begun = threading.Event()

    def collect(self) -> Iterable[metrics_core.Metric]:
        self.begun.set()
        self.go_on.wait(_PATIENCE_SECONDS)
        if self.fails:
            raise ZeroDivisionError
        # More than the kernel's buffers hold for who does not read.
        yield metrics_core.GaugeMetricFamily('size', 'x' * 8_000_000, 1)

    def describe(self) -> Iterable[metrics_core.Metric]:
        return []


class ExporterTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.useFixture(fixtures.Timeout(60, gentle=True))
        self.log = self.useFixture(fixtures.FakeLogger())
        self.registry = agent_metrics.make_registry()
        instruments.Instruments(self.registry)

    def serve(self, address: str = '127.0.0.1') -> exporter.Exporter:
        served = exporter.Exporter(self.registry, address, 0)
        served.open()
        served.start()
        self.addCleanup(served.close)
        return served

    def where(self, served: exporter.Exporter) -> tuple[str, int]:
        host, _, port = served.url.split('/')[2].rpartition(':')
        return host.strip('[]'), int(port)

    def get(
        self, served: exporter.Exporter, path: str, method: str = 'GET'
    ) -> tuple[int, str]:
        connection = http.client.HTTPConnection(
            *self.where(served), timeout=_PATIENCE_SECONDS
        )
        with contextlib.closing(connection):
            connection.request(method, path)
            response = connection.getresponse()
            return response.status, response.read().decode()

    def connect(self, served: exporter.Exporter) -> socket.socket:
        client = socket.create_connection(
            self.where(served), timeout=_PATIENCE_SECONDS
        )
        self.addCleanup(client.close)
        return client


class PageTest(testscenarios.WithScenarios, ExporterTest):
    scenarios = [
        ('ipv4', {'address': '127.0.0.1'}),
        ('ipv6', {'address': '::1'}),
        ('name', {'address': 'localhost'}),
        ('every', {'address': '::'}),
    ]
    address: str

    def test_gives_the_metrics_and_the_way_to_them(self) -> None:
        served = self.serve(self.address)
        self.assertIn(f'served at {served.url}', self.log.output)
        for path in ('/metrics', '/metrics?', '/metrics?name[]=nothing'):
            status, text = self.get(served, path)
            self.assertEqual(200, status)
            self.assertEqual(
                '?name' not in path, 'balloon_timer_plans_total{' in text
            )
        status, text = self.get(served, '/')
        self.assertEqual(200, status)
        self.assertIn('href="/metrics"', text)


class RefusalTest(ExporterTest):
    def test_there_is_nothing_else(self) -> None:
        served = self.serve()
        for path in (
            '/metrics/',
            '/metricsx',
            '/favicon.ico',
            '/../metrics',
            '//metrics/x',
            '/METRICS',
        ):
            status, _ = self.get(served, path)
            self.assertEqual(404, status, path)
        for method in ('POST', 'PUT', 'DELETE', 'NONSENSE'):
            status, _ = self.get(served, '/metrics', method)
            self.assertEqual(501, status, method)

    def test_nonsense_is_answered_as_such(self) -> None:
        served = self.serve()
        for request in (
            b'\x16\x03\x01\x00\xf4\x01\x00\x00\n\n',
            b'GET /metrics HTTP/9.9\r\n\r\n',
            b'GET ' + b'x' * 70_000 + b'\r\n\r\n',
            b'GET / HTTP/1.1\r\n' + b'A: b\r\n' * 200 + b'\r\n',
            b'\r\n',
        ):
            client = self.connect(served)
            client.sendall(request)
            client.shutdown(socket.SHUT_WR)
            answer = client.makefile('rb').read()
            self.assertNotIn(b'balloon_timer', answer)
        self.assertEqual(200, self.get(served, '/')[0])
        self.assertNotIn('Traceback', self.log.output)

    def test_a_port_that_another_has_is_told(self) -> None:
        address, port = self.where(self.serve())
        other = exporter.Exporter(self.registry, address, port)
        error = self.assertRaises(exception.MetricsNotServable, other.open)
        self.assertEqual(
            f'metrics cannot be served at 127.0.0.1:{port}: '
            'Address already in use',
            str(error),
        )
        other.close()

    def test_an_address_that_is_not_ours_is_told(self) -> None:
        for address, words in (
            ('192.0.2.1', '192.0.2.1:9: Cannot assign requested address'),
            ('2001:db8::1', '[2001:db8::1]:9: Cannot assign'),
            ('nobody.invalid', 'nobody.invalid:9: '),
        ):
            other = exporter.Exporter(self.registry, address, 9)
            error = self.assertRaises(exception.MetricsNotServable, other.open)
            self.assertIn(words, str(error))


class CloseTest(ExporterTest):
    def assert_free(self, address: str, port: int) -> None:
        with socket.create_server((address, port)):
            pass

    def close(self, served: exporter.Exporter) -> None:
        began_at = time.monotonic()
        served.close()
        self.assertLess(time.monotonic() - began_at, _CLOSE_SECONDS + 0.1)

    def test_frees_the_port(self) -> None:
        served = self.serve()
        where = self.where(served)
        self.assertEqual(200, self.get(served, '/metrics')[0])
        self.close(served)
        self.assert_free(*where)
        self.assertRaises(ConnectionRefusedError, self.get, served, '/')
        served.close()

    def test_frees_one_that_was_never_started(self) -> None:
        served = exporter.Exporter(self.registry, '127.0.0.1', 0)
        served.close()
        served.open()
        where = self.where(served)
        self.close(served)
        self.assert_free(*where)

    def test_who_is_being_answered_gets_the_answer(self) -> None:
        source = Source()
        self.registry.register(source)
        served = self.serve()
        where = self.where(served)
        source.go_on.clear()
        self.addCleanup(source.go_on.set)
        client = self.connect(served)
        client.sendall(b'GET /metrics HTTP/1.0\r\n\r\n')
        self.assertTrue(source.begun.wait(_PATIENCE_SECONDS))
        self.close(served)
        self.assert_free(*where)
        source.go_on.set()
        self.assertIn(b'\nsize 1.0\n', client.makefile('rb').read())


class CrowdTest(ExporterTest):
    def test_who_says_nothing_holds_up_nobody(self) -> None:
        served = self.serve()
        hanging = [self.connect(served) for _ in range(40)]
        hanging[0].sendall(b'GET /metr')
        status, _ = self.get(served, '/metrics')
        self.assertEqual(200, status)
        threads = [
            it for it in threading.enumerate() if 'process_request' in it.name
        ]
        self.assertLessEqual(len(threads), 17)
        # Who came first was given up.
        self.assertEqual(b'', hanging[0].recv(1))

    def test_who_reads_nothing_holds_up_nobody(self) -> None:
        self.registry.register(Source())
        served = self.serve()
        for _ in range(5):
            client = self.connect(served)
            client.sendall(b'GET /metrics HTTP/1.0\r\n\r\n')
        status, text = self.get(served, '/metrics')
        self.assertEqual(200, status)
        self.assertIn('\nsize 1.0\n', text)

    def test_who_is_silent_is_given_up_after_a_while(self) -> None:
        self.patch_timeout(0.1)
        client = self.connect(self.serve())
        self.assertEqual(b'', client.recv(1))

    def test_who_goes_away_does_no_harm(self) -> None:
        source = Source()
        self.registry.register(source)
        served = self.serve()
        for _ in range(5):
            client = self.connect(served)
            client.sendall(b'GET /metrics HTTP/1.0\r\n\r\n')
            # It is reset, not closed.
            client.setsockopt(
                socket.SOL_SOCKET, socket.SO_LINGER, b'\1\0\0\0\0\0\0\0'
            )
            client.close()
        self.assertEqual(200, self.get(served, '/metrics')[0])
        self.assertNotIn('Traceback', self.log.output)

    def test_a_defect_is_logged_and_the_next_are_answered(self) -> None:
        source = Source()
        source.fails = True
        self.registry.register(source)
        served = self.serve()
        self.assertRaises(
            http.client.RemoteDisconnected, self.get, served, '/metrics'
        )
        lab.wait_until(
            lambda: 'ZeroDivisionError' in self.log.output, 'a complaint'
        )
        source.fails = False
        self.assertEqual(200, self.get(served, '/metrics')[0])

    def test_without_file_descriptors_it_waits_for_some(self) -> None:
        served = self.serve()
        self.assertEqual(200, self.get(served, '/')[0])
        limits = resource.getrlimit(resource.RLIMIT_NOFILE)
        client = socket.socket()
        self.addCleanup(client.close)
        client.settimeout(_PATIENCE_SECONDS)
        used = time.process_time()
        # The lowest that is free is beyond what is allowed.
        resource.setrlimit(
            resource.RLIMIT_NOFILE, (client.fileno(), limits[1])
        )
        try:
            client.connect(self.where(served))
            client.sendall(b'GET / HTTP/1.0\r\n\r\n')
            client.settimeout(0.3)
            self.assertRaises(TimeoutError, client.recv, 1)
            used = time.process_time() - used
        finally:
            resource.setrlimit(resource.RLIMIT_NOFILE, limits)
        self.assertLess(used, 0.2)
        client.settimeout(_PATIENCE_SECONDS)
        self.assertIn(b'200', client.makefile('rb').read())

    def patch_timeout(self, seconds: float) -> None:
        """Have clients be given up sooner."""
        handler: Any = exporter.Handler
        self.useFixture(
            fixtures.MonkeyPatch(
                f'{handler.__module__}.{handler.__name__}.timeout', seconds
            )
        )
