# SPDX-License-Identifier: Apache-2.0
"""All sources of a host: those that run, and those that cannot yet."""

from collections.abc import Sequence
import threading

from oslo_log import log as logging

from nova_balloon_timer import exception
from nova_balloon_timer import situation
from nova_balloon_timer.pressure import base
from nova_balloon_timer.pressure import loader

LOG = logging.getLogger(__name__)

_RETRY_SECONDS = 30.0


class Lookout:
    """Starts the sources, and by and by those that were not to be had.

    A cgroup, for one, may only be there when its first guest is. Yet one must
    work from the beginning: an agent that sees nothing does not start.

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
        # What was said last of each that cannot be started.
        self._told: dict[str, str] = {}
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
        """Stop all; return once no more readings come.

        One that is starting at this moment is not waited for: it is closed
        as soon as it has started, and what it tells goes nowhere.
        """
        with self._lock:
            self._closed.set()
            running = list(self._sources)
        for source in running:
            source.close()

    def _retry(self, sink: base.Sink) -> None:
        def take(reading: situation.PressureReading) -> None:
            if not self._closed.is_set():
                sink(reading)

        while self._missing and not self._closed.wait(self._retry_seconds):
            for name in list(self._missing):
                self._try(name, take)

    def _try(self, name: str, sink: base.Sink) -> None:
        # NOTE: not under the lock, or closing would wait for a plugin.
        source = self._started(name, sink)
        if source is None:
            return
        with self._lock:
            is_wanted = not self._closed.is_set()
            if is_wanted:
                self._sources.append(source)
        if not is_wanted:
            source.close()
            return
        self._missing.remove(name)
        LOG.info('Pressure source %s is used from now on', name)

    def _started(
        self, name: str, sink: base.Sink
    ) -> base.PressureSource | None:
        """Make and start one; None if that is impossible."""
        if self._closed.is_set():
            return None
        is_serious = False
        try:
            (source,) = loader.load([name], self._settings)
            source.start(sink)
        except exception.PressureUnavailable as error:
            words = str(error)
        except exception.BalloonTimerError as error:
            words, is_serious = str(error), True
        except Exception as error:
            words = repr(error)
            if self._told.get(name) != words:
                LOG.exception('Pressure source %s failed to start', name)
        else:
            return source
        if is_serious and self._told.get(name) != words:
            LOG.warning('Pressure source %s is not used: %s', name, words)
        else:
            LOG.debug('%s still cannot be used: %s', name, words)
        self._told[name] = words
        return None
