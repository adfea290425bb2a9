# SPDX-License-Identifier: Apache-2.0
"""The thread of a source: it looks, tells and waits, and survives all."""

import abc
from collections.abc import Callable
import threading
import time

from oslo_log import log as logging

from nova_balloon_timer import exception
from nova_balloon_timer import situation
from nova_balloon_timer.pressure import base
from nova_balloon_timer.pressure import scope as pressure_scope
from nova_balloon_timer.pressure import verdict
from nova_balloon_timer.pressure import waiting

LOG = logging.getLogger(__name__)

# A sink that blocks for longer is left behind; it gets nothing more.
_CLOSE_SECONDS = 1.0


class Watcher(base.PressureSource):
    """A source that looks from time to time; subclasses say at what.

    While it cannot see, it keeps to what it saw last, but not for long: after
    ``settle_seconds``, or at least 1 s, nothing counts as pressing.

    :param clock: monotonic seconds
    """

    def __init__(
        self,
        settings: base.PressureSettings,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(settings)
        self._clock = clock
        self._scope = pressure_scope.find(settings)
        self._blindness = verdict.Blindness(max(1.0, settings.settle_seconds))
        self._waiter: waiting.Waiter | None = None
        self._thread: threading.Thread | None = None
        self._is_pressing = False

    def start(self, sink: base.Sink) -> None:
        """See the contract; the first look is taken before it returns."""
        now = self._clock()
        first = self._reading(now, self._look(now))
        self._waiter = waiting.Waiter()
        self._thread = threading.Thread(
            target=self._run,
            args=(sink, self._waiter, *first),
            name=f'pressure-{self.name}',
            daemon=True,
        )
        self._thread.start()

    def close(self) -> None:
        """See the contract; it waits for the sink for a second at most."""
        waiter, thread = self._waiter, self._thread
        if waiter is None or thread is None:
            return
        waiter.close()
        if thread is not threading.current_thread():
            thread.join(_CLOSE_SECONDS)

    @abc.abstractmethod
    def _look(self, now: float) -> verdict.Verdict:
        """Look once.

        :raises PressureUnavailable: there is nothing to see for the moment
        """

    @abc.abstractmethod
    def _memory(self, now: float) -> situation.HostMemory | None:
        """Return the memory at the look that was just taken."""

    @abc.abstractmethod
    def _forget(self) -> None:
        """Begin anew, as if nothing had been seen."""

    def _wait(self, waiter: waiting.Waiter, seconds: float) -> None:
        waiter.wait(seconds)

    def _release(self) -> None:
        """Give back what the source holds; nobody looks any more."""

    def _run(
        self,
        sink: base.Sink,
        waiter: waiting.Waiter,
        reading: situation.PressureReading | None,
        next_seconds: float,
    ) -> None:
        try:
            while not waiter.is_closed():
                if reading is not None:
                    self._tell(sink, reading)
                self._try_wait(waiter, next_seconds)
                if not waiter.is_closed():
                    reading, next_seconds = self._try_look()
        finally:
            waiter.release()
            self._release()

    def _tell(
        self, sink: base.Sink, reading: situation.PressureReading
    ) -> None:
        try:
            sink(reading)
        except Exception:
            LOG.exception('A reading of %s was not taken.', self.name)

    def _try_wait(self, waiter: waiting.Waiter, seconds: float) -> None:
        try:
            self._wait(waiter, seconds)
        except Exception:
            LOG.exception('%s failed to wait.', self.name)
            waiter.wait(seconds)

    def _try_look(self) -> tuple[situation.PressureReading | None, float]:
        now = self._clock()
        looked, why = None, ''
        try:
            looked = self._reading(now, self._look(now))
        except exception.PressureUnavailable as error:
            why = error.why
        except Exception as error:
            LOG.exception('%s failed to look.', self.name)
            return self._blind(now, str(error))
        if looked is None:
            if not self._blindness.is_blind:
                LOG.warning('%s sees nothing: %s', self.name, why)
            return self._blind(now, why)
        if self._blindness.is_blind:
            self._blindness.see()
            LOG.info('%s sees again.', self.name)
        return looked

    def _reading(
        self, now: float, seen: verdict.Verdict
    ) -> tuple[situation.PressureReading | None, float]:
        self._is_pressing = seen.is_pressing
        # Whoever was told that nothing is seen must not wait for a heartbeat.
        if not seen.is_news and not self._blindness.is_blind:
            return None, seen.next_seconds
        reading = situation.PressureReading(
            source=self.name,
            at=now,
            is_pressing=seen.is_pressing,
            words=seen.words,
            memory=self._memory(now),
            stalled_share=seen.stalled_share,
            fall_kib_per_second=seen.fall_kib_per_second,
        )
        return reading, seen.next_seconds

    def _blind(
        self, now: float, why: str
    ) -> tuple[situation.PressureReading, float]:
        retry_seconds = self._blindness.fail(now)
        if self._blindness.is_lost(now):
            self._is_pressing = False
            self._forget()
        reading = situation.PressureReading(
            source=self.name,
            at=now,
            is_pressing=self._is_pressing,
            words=f'nothing is seen: {why}',
        )
        return reading, retry_seconds
