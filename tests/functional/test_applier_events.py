# SPDX-License-Identifier: Apache-2.0

from collections.abc import Callable
import queue

import libvirt
import testscenarios
import testtools

from nova_balloon_timer import message
from nova_balloon_timer.appliers.libvirt import applier as libvirt_applier
from tests.functional import lab
from tests.functional import world

_MIB = 1024


class TellingTest(testscenarios.WithScenarios, testtools.TestCase):
    """What libvirt tells by itself."""

    scenarios = world.SCENARIOS
    make_world: Callable[[], world.World]

    def setUp(self) -> None:
        super().setUp()
        self.world = self.useFixture(self.make_world())
        self.applier = libvirt_applier.LibvirtApplier(self.world.uri)
        self.addCleanup(self.applier.close)
        self.told: queue.SimpleQueue[message.Event | message.GuestsChanged]
        self.told = queue.SimpleQueue()
        self.applier.watch(self.told.put)

    def wait_told(
        self, expected: message.Event | None, timeout_seconds: float = 60
    ) -> None:
        """Wait for an event; None: for any that is about a guest.

        :raises queue.Empty: it does not come
        """
        while True:
            told = self.told.get(timeout=timeout_seconds)
            if told == expected:
                return
            if expected is None and told != message.GuestsChanged():
                return

    def test_tells_that_a_guest_has_ended(self) -> None:
        # NOTE: the watcher connects in its own time; a guest of which it
        # heard nothing is followed by another.
        def is_told() -> bool:
            domain = self.world.start_doomed()
            gone = message.GuestGone(guest_uuid=domain.UUIDString())
            lab_destroy(domain)
            try:
                while self.told.get(timeout=1) != gone:
                    pass
            except queue.Empty:
                return False
            return True

        lab.wait_until(is_told, 'news of an end')

    def test_tells_that_a_balloon_moved(self) -> None:
        if not self.world.takes_time:
            # The fake sends no balloon events, and nothing depends on them.
            self.world.order('east', 400 * _MIB)
            with self.assertRaises(queue.Empty):
                self.wait_told(None, timeout_seconds=1)
            return
        changed = message.BalloonChanged(guest_uuid=self.world.uuid('east'))
        targets_kib = [400 * _MIB, 420 * _MIB]

        def is_told() -> bool:
            targets_kib.reverse()
            self.world.order('east', targets_kib[0])
            try:
                while self.told.get(timeout=1.5) != changed:
                    pass
            except queue.Empty:
                return False
            return True

        lab.wait_until(is_told, 'news of a movement')


def lab_destroy(domain: libvirt.virDomain) -> None:
    domain.destroy()
    try:
        domain.undefine()
    except libvirt.libvirtError as error:
        # A transient one, as those of test:/// are, is gone with its end.
        if error.get_error_code() != libvirt.VIR_ERR_NO_DOMAIN:
            raise
