# SPDX-License-Identifier: Apache-2.0
"""All sources of a host: those that run, and those that cannot yet."""

from collections.abc import Sequence
import threading

from oslo_log import log as logging

from nova_balloon_timer import exception
from nova_balloon_timer.pressure import base
from nova_balloon_timer.pressure import loader

LOG = logging.getLogger(__name__)

_RETRY_SECONDS = 30.0


class Lookout:
    """Starts the sources, and by and by those that were not to be had.

    A cgroup, for one, may only be there when its first guest is.

    :param names: of the sources, as they are configured
    :raises BalloonTimerError: a name or a setting makes no sense
    """

    def __init__(
        self,
        names: Sequence[str],
        settings: base.PressureSettings,
        *,
        retry_seconds: float = _RETRY_SECONDS,
    ) -> None:
        self._settings = settings
        self._retry_seconds = retry_seconds
        self._sources = loader.load(names, settings)
        self._missing: list[str] = []
        self._closed = threading.Event()
        self._lock = threading.Lock()

    def start(self, sink: base.Sink) -> None:
        """Start what can be started.

        :raises PressureUnavailable: nothing can
        :raises InvalidConfiguration: the settings do not fit this host
        """
        wanted = self._sources
        self._sources = loader.start_all(wanted, sink)
        self._missing = [
            source.name for source in wanted if source not in self._sources
        ]
        if self._missing:
            threading.Thread(
                target=self._retry,
                args=(sink,),
                name='balloon-lookout',
                daemon=True,
            ).start()

    def close(self) -> None:
        """Stop all; return once no more readings come."""
        self._closed.set()
        with self._lock:
            for source in self._sources:
                source.close()

    def _retry(self, sink: base.Sink) -> None:
        while self._missing and not self._closed.wait(self._retry_seconds):
            for name in list(self._missing):
                self._try(name, sink)

    def _try(self, name: str, sink: base.Sink) -> None:
        with self._lock:
            if self._closed.is_set():
                return
            try:
                (source,) = loader.load([name], self._settings)
                source.start(sink)
            except exception.BalloonTimerError as error:
                LOG.debug('%s still cannot be used: %s', name, error)
                return
            self._sources.append(source)
            self._missing.remove(name)
        LOG.info('Pressure source %s is used from now on', name)
