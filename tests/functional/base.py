# SPDX-License-Identifier: Apache-2.0
"""What the tests on real guests share."""

import pathlib
import re
import time
from typing import Any
from xml.etree import ElementTree

import fixtures
import testtools

from tests.functional import command
from tests.functional import lab
from tools.lab import guest as lab_guest
from tools.lab import qmp

KIB_PER_MIB = 1024

_TRACE_EVENT = 'virtio_balloon_to_target'
_PAGES = re.compile(rf'{_TRACE_EVENT} balloon target: \w+ num_pages: (\d+)')
_KIB_PER_PAGE = 4

_STILL_SECONDS = 1.0
_LOOK_SECONDS = 0.01


class Balloon:
    """A guest's balloon as QEMU itself sees it, past libvirt and past us.

    QEMU writes every target that it is given into its log.
    """

    def __init__(
        self,
        guest: lab_guest.Guest,
        monitor: qmp.Monitor,
        log: pathlib.Path,
    ) -> None:
        self.guest = guest
        self.name = guest.spec.name
        self.full_kib = guest.spec.memory_mib * KIB_PER_MIB
        self._monitor = monitor
        self._log = log
        self._log_begins = log.stat().st_size
        monitor.execute(
            'trace-event-set-state', name=_TRACE_EVENT, enable=True
        )

    @property
    def targets_kib(self) -> list[int]:
        """Give the targets that QEMU was given since the test began.

        In whole pages, as QEMU rounds them.
        """
        with self._log.open('rb') as file:
            file.seek(self._log_begins)
            text = file.read().decode()
        return [
            self.full_kib - int(pages) * _KIB_PER_PAGE
            for pages in _PAGES.findall(text)
        ]

    @property
    def actual_kib(self) -> int:
        """Read what the guest has."""
        return self._monitor.balloon_actual_kib()

    def wait_at(self, mib: int) -> None:
        """Wait until the guest has exactly so much."""
        kib = mib * KIB_PER_MIB
        lab.wait_until(
            lambda: self.actual_kib == kib, f'{self.name} at {mib} MiB'
        )

    def wait_below(self, mib: int) -> int:
        """Wait until the guest has less, and say how much."""
        seen_kib = self.full_kib

        def is_below() -> bool:
            nonlocal seen_kib
            seen_kib = self.actual_kib
            return seen_kib < mib * KIB_PER_MIB

        lab.wait_until(is_below, f'{self.name} below {mib} MiB')
        return seen_kib

    def wait_still(self) -> int:
        """Wait until the balloon has not moved for a second.

        :returns: where it stands
        """
        last_kib = self.actual_kib
        since_at = time.monotonic()

        def is_still() -> bool:
            nonlocal last_kib, since_at
            now_kib = self.actual_kib
            if now_kib != last_kib:
                last_kib = now_kib
                since_at = time.monotonic()
            return time.monotonic() - since_at >= _STILL_SECONDS

        lab.wait_until(is_still, f'{self.name} still')
        return last_kib

    def watch(self, seconds: float = _STILL_SECONDS) -> set[int]:
        """Look again and again, and give everything that was seen."""
        seen = {self.actual_kib}
        end_at = time.monotonic() + seconds
        while time.monotonic() < end_at:
            time.sleep(_LOOK_SECONDS)
            seen.add(self.actual_kib)
        return seen


class FunctionalTest(testtools.TestCase):
    """A test with a libvirt of its own."""

    def setUp(self) -> None:
        super().setUp()
        self.lab = lab.shared()
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)

    def balloons(self, *names: str) -> list[Balloon]:
        """Give guests with their full memory, under observation."""
        return [self.observe(guest) for guest in self.lab.guests(*names)]

    def period(self, balloon: Balloon) -> str:
        """Read how often a guest tells its statistics, in seconds."""
        description = ElementTree.fromstring(  # noqa: S314
            balloon.guest.domain.XMLDesc()
        )
        stats = description.find('./devices/memballoon/stats')
        return '0' if stats is None else stats.get('period', '0')

    def observe(self, guest: lab_guest.Guest) -> Balloon:
        """Watch a guest until the test ends."""
        context = lab.monitor(guest)
        monitor = context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)
        return Balloon(guest, monitor, self.lab.qemu_log(guest.spec.name))

    def begin(self, *words: str) -> command.Running:
        """Start a command that does not outlive the test."""
        running = command.Running(*words)
        self.addCleanup(running.end)
        return running

    def begin_apply(
        self, *balloons: Balloon, **options: Any
    ) -> command.Running:
        """Start an ``apply``."""
        names = [balloon.name for balloon in balloons]
        return self.begin(*command.apply_words(self.lab.uri, names, **options))

    def apply(self, *balloons: Balloon, **options: Any) -> command.Result:
        """Run an ``apply`` to its end."""
        return self.begin_apply(*balloons, **options).finish()

    def assert_at(self, mib: int, balloon: Balloon) -> None:
        """See a balloon frozen at one place."""
        self.assertEqual(mib * KIB_PER_MIB, self.assert_frozen(balloon))

    def assert_frozen(self, balloon: Balloon) -> int:
        """See a balloon stand still for a second, where its target is.

        :returns: where that is
        """
        seen_kib = balloon.watch()
        self.assertEqual({balloon.targets_kib[-1]}, seen_kib)
        (stands_kib,) = seen_kib
        return stands_kib

    def assert_unmoved(self, *balloons: Balloon) -> None:
        """See that guests have all their memory, and no other target."""
        for balloon in balloons:
            self.assertEqual([], balloon.targets_kib)
            self.assertEqual(balloon.full_kib, balloon.actual_kib)

    def assert_one_line(
        self, words: str, code: int, result: command.Result
    ) -> None:
        """See a refusal of bad input: one line, no table, no traceback."""
        self.assertEqual(code, result.code, str(result))
        self.assertEqual('', result.out)
        self.assertEqual(1, len(result.error_lines), result.err)
        self.assertIn(words, result.err)
        self.assertNotIn('Traceback', result.err)
