# SPDX-License-Identifier: Apache-2.0
"""Serves the metrics by HTTP, and holds nobody up by that."""

from collections.abc import Callable
import contextlib
from http import server as http_server
import socket
import socketserver
import threading
import traceback
from typing import Any, cast

from oslo_log import log as logging
import prometheus_client
from prometheus_client import exposition

from nova_balloon_timer import exception

LOG = logging.getLogger(__name__)

_PATH = '/metrics'

# A client that is silent, or takes nothing, for so long is given up.
CLIENT_SECONDS = 5.0

# Of more clients than that, the one that came first is given up.
MOST_CLIENTS = 16

_CLOSE_SECONDS = 0.2
_RETRY_SECONDS = 0.5

_LANDING_PAGE = f"""<!DOCTYPE html>
<html lang="en">
<head><title>nova-balloon-timer</title></head>
<body>
<h1>nova-balloon-timer</h1>
<p>The agent of this host serves <a href="{_PATH}">metrics</a> for
Prometheus.</p>
</body>
</html>
""".encode()


class Exporter:
    """Serves a registry, from when it is started until it is closed."""

    def __init__(
        self,
        registry: prometheus_client.CollectorRegistry,
        address: str,
        port: int,
    ) -> None:
        self._registry = registry
        self._address = address
        self._port = port
        self._server: _Server | None = None
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Where the metrics are."""
        return f'http://{_join(self._address, self._port)}{_PATH}'

    def open(self) -> None:
        """Take the port, for oneself alone; nobody is answered yet.

        :raises MetricsNotServable: the address or port cannot be had
        """
        self._server = self._bind()

    def start(self) -> None:
        """Begin to answer."""
        server = self._server = self._server or self._bind()
        self._thread = threading.Thread(
            target=server.serve, name='balloon-metrics', daemon=True
        )
        self._thread.start()
        LOG.info('Metrics are served at %s', self.url)

    def close(self) -> None:
        """Free the port; who is being answered gets the answer."""
        if self._server is None:
            return
        self._server.end()
        if self._thread is None:
            self._server.server_close()
        else:
            self._thread.join(_CLOSE_SECONDS)

    def _bind(self) -> '_Server':
        try:
            server = _Server(self._registry, self._address, self._port)
        except OSError as error:
            raise exception.MetricsNotServable(
                where=_join(self._address, self._port),
                why=error.strerror or error,
            ) from error
        self._port = server.server_port
        return server


class _Server(socketserver.ThreadingMixIn, http_server.HTTPServer):
    """A thread for each client, none of which outlives the process."""

    daemon_threads = True
    # Two agents must not share it.
    allow_reuse_port = False
    # The kernel's queue of clients, in case all of them come at once.
    request_queue_size = 2 * MOST_CLIENTS

    def __init__(
        self,
        registry: prometheus_client.CollectorRegistry,
        address: str,
        port: int,
    ) -> None:
        # NOTE: the first that the resolver finds, as of a name that has both.
        family, _, _, _, where = socket.getaddrinfo(
            address, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        self.address_family = family
        self._closed = threading.Event()
        self._clients: dict[int, socket.socket] = {}
        self._lock = threading.Lock()
        super().__init__(
            cast('tuple[str, int]', where),
            cast(Callable[..., Any], Handler.factory(registry)),
        )

    def server_bind(self) -> None:
        """Bind, without looking up what this host is called."""
        socketserver.TCPServer.server_bind(self)
        name, port = self.socket.getsockname()[:2]
        self.server_name, self.server_port = name, port

    def serve(self) -> None:
        """Answer until the end; unlike serve_forever, wakes for clients only.

        A socket that is shut down looks like one.
        """
        while not self._closed.is_set():
            self.handle_request()
        self.server_close()

    def end(self) -> None:
        """Take no more clients, from now on."""
        self._closed.set()
        with contextlib.suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)

    def get_request(self) -> tuple[socket.socket, Any]:
        """Accept a client; where that is impossible, not again at once."""
        try:
            return super().get_request()
        except OSError:
            # NOTE: as when there are no file descriptors left: the client
            # waits, and would have us try again and again.
            self._closed.wait(_RETRY_SECONDS)
            raise

    def process_request(self, request: Any, client_address: Any) -> None:
        """Have a thread answer, and give up who has been here for too long."""
        with self._lock:
            if len(self._clients) >= MOST_CLIENTS:
                oldest = self._clients.pop(next(iter(self._clients)))
                with contextlib.suppress(OSError):
                    oldest.shutdown(socket.SHUT_RDWR)
            self._clients[id(request)] = request
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        """Forget a client that was answered."""
        with self._lock:
            self._clients.pop(id(request), None)
        super().shutdown_request(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log what went wrong with a client; the next ones are answered."""
        LOG.error(
            'A client of the metrics could not be answered: %s',
            traceback.format_exc(),
        )


class Handler(exposition.MetricsHandler):
    """Answers one client."""

    server_version = 'nova-balloon-timer'
    sys_version = ''
    timeout = CLIENT_SECONDS

    def do_GET(self) -> None:
        """Give the metrics, or the way to them, and nothing else."""
        path = self.path.partition('?')[0]
        if path == _PATH:
            super().do_GET()
        elif path == '/':
            self._give_landing_page()
        else:
            self.send_error(404)

    def handle(self) -> None:
        """Answer, unless the client goes away."""
        # NOTE: a timeout is an OSError, too.
        with contextlib.suppress(OSError):
            super().handle()

    def _give_landing_page(self) -> None:
        self.send_response(200)
        self.send_header('Content-Type', 'text/html; charset=utf-8')
        self.send_header('Content-Length', str(len(_LANDING_PAGE)))
        self.end_headers()
        self.wfile.write(_LANDING_PAGE)


def _join(address: str, port: int) -> str:
    return f'[{address}]:{port}' if ':' in address else f'{address}:{port}'
