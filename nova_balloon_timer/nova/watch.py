# SPDX-License-Identifier: Apache-2.0
"""Asks Nova for the instances of this host: seldom at rest, else often.

Nova tells nobody on the host that it begins to do something with an instance,
so whoever must know has to ask. It is one call to nova-conductor for all the
instances, in a thread of its own, as it may take as long as the message bus.
"""

from collections.abc import Callable, Sequence
import math
import threading
import time

from oslo_log import log as logging

from nova_balloon_timer import message
from nova_balloon_timer import model
from nova_balloon_timer import timekeeping
from nova_balloon_timer.agent import surroundings as agent_surroundings
from nova_balloon_timer.nova import doubt as nova_doubt
from nova_balloon_timer.nova import instance as nova_instance
from nova_balloon_timer.nova import ledger as nova_ledger

LOG = logging.getLogger(__name__)

# While a policy is under way or may be made at any moment: as long as a
# balloon may go on moving beside what Nova begins.
_TENSE_SECONDS = 1.0
# A guest whose policy is under way is looked at more often.
_STILL_SECONDS = 3.0
# While Nova does something with an instance.
_BUSY_SECONDS = 5.0

Fetch = Callable[[], Sequence[nova_instance.NovaInstance]]


class InstanceWatch:
    """Keeps a ledger up to date.

    It listens to what the agent does, to know how often to ask.

    :param fetch: asks Nova; may raise whatever it likes
    :param rest_seconds: between two questions at rest, asked each time
    """

    def __init__(
        self,
        ledger: nova_ledger.Ledger,
        fetch: Fetch,
        rest_seconds: Callable[[], float],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ledger = ledger
        self._fetch = fetch
        self._rest_seconds = rest_seconds
        self._clock = clock
        self._post: agent_surroundings.Post | None = None
        self._wake = threading.Event()
        self._is_closed = False
        self._is_short = False
        self._moved_at = -math.inf
        self._doubts = nova_doubt.Doubts(ledger.is_free)
        self._is_failing = False

    def refresh(self) -> None:
        """Ask Nova now; if it does not tell, what it told before holds."""
        try:
            instances = self._fetch()
        except Exception as error:  # noqa: BLE001 - Nova's errors are many
            if not self._is_failing:
                LOG.warning(
                    'Nova does not tell the instances of this host: %s',
                    ' '.join(str(error).split()) or type(error).__name__,
                )
            self._is_failing = True
            return
        if self._is_failing:
            LOG.info('Nova tells the instances of this host again')
        self._is_failing = False
        for event in self._ledger.take(instances):
            if self._post is not None:
                self._post(event)

    def start(self, post: agent_surroundings.Post) -> None:
        """Ask from now on, and tell what changes."""
        self._post = post
        # What was told before, was told to nobody.
        self._wake.set()
        threading.Thread(
            target=self._run, name='balloon-instances', daemon=True
        ).start()

    def close(self) -> None:
        """Ask no more."""
        self._is_closed = True
        self._wake.set()

    def note_guests(self, guests: Sequence[model.Guest]) -> None:
        """Learn which guests there are; ask at once where Nova lags behind.

        :param guests: as the hypervisor describes them: one that runs, and
            is not known or not free to Nova, may just have become so
        """
        if self._doubts.note(guests, self._clock()):
            self._wake.set()

    def started(
        self,
        balloon_policy: model.BalloonPolicy,
        timing: timekeeping.Timing,
    ) -> None:
        """Do nothing: its guest is looked at first."""

    def sampled(self, guest_uuid: str, sample: model.BalloonSample) -> None:
        """Ask at once when a policy is under way, and often."""
        was_still = self._is_still
        self._moved_at = self._clock()
        if was_still:
            self._wake.set()

    def ended(self, report: model.EndReport) -> None:
        """Do nothing: its guest is not looked at any more."""

    def noticed(self, notice: message.Notice) -> None:
        """Ask at once when policies are about to be made."""
        match notice:
            case message.PressureStarted():
                self._is_short = True
                self._wake.set()
            case message.PressureEnded():
                self._is_short = False

    @property
    def pause_seconds(self) -> float:
        """Return for how long Nova is not asked again, as things stand."""
        if self._is_short or not self._is_still:
            return _TENSE_SECONDS
        if self._ledger.has_busy or self._doubts.have_any(self._clock()):
            return _BUSY_SECONDS
        return self._rest_seconds()

    def _run(self) -> None:
        while True:
            self._wake.wait(self.pause_seconds)
            self._wake.clear()
            if self._is_closed:
                return
            try:
                self.refresh()
            except Exception:
                LOG.exception('What Nova told is not understood')

    @property
    def _is_still(self) -> bool:
        return self._clock() - self._moved_at > _STILL_SECONDS
