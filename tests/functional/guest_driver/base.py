# SPDX-License-Identifier: Apache-2.0
"""What the tests of the guest's driver share."""

from typing import Any, ClassVar

from tests.functional import base
from tests.functional import lab
from tests.functional.guest_driver import driver
from tools.lab import domain
from tools.lab import guest as lab_guest

KIB_PER_MIB = base.KIB_PER_MIB
KIB_PER_PAGE = 4


class DriverTest(base.FunctionalTest):
    """A test on a guest that loads the timed driver."""

    def use(self, guest: lab_guest.Guest) -> None:
        """Test the driver of a guest that has all its memory."""
        self.balloon = self.observe(guest)
        self.driver = driver.Driver(guest)

    def assert_size(self, kib: int) -> None:
        """See that guest and host agree on what the balloon holds."""
        self.assertEqual(kib, self.driver.status.number('balloon_kib'))
        self.assertEqual(self.balloon.full_kib - kib, self.balloon.actual_kib)

    def assert_end(self, reason: str, status: driver.Status) -> None:
        """See why a policy ended, and that it told the truth of its moves."""
        self.assertEqual(reason, status['reason'], str(status))
        way_kib = status.number('reached_kib') - status.number('start_kib')
        self.assertEqual(
            abs(way_kib), status.number('pages_moved') * KIB_PER_PAGE
        )

    def wait_size(self, kib: int) -> None:
        """Wait until the host sees that the balloon holds so much."""
        left_kib = self.balloon.full_kib - kib
        lab.wait_until(
            lambda: self.balloon.actual_kib == left_kib,
            f'{kib} KiB in the balloon',
        )

    def order(self, balloon_mib: int) -> None:
        """Have the host order a size of the balloon, as any host can."""
        left_kib = self.balloon.full_kib - balloon_mib * KIB_PER_MIB
        self.balloon.guest.domain.setMemoryFlags(left_kib, 1)


class KeeperTest(DriverTest):
    """A test on the guest that all tests share."""

    def setUp(self) -> None:
        super().setUp()
        (guest,) = self.lab.guests('keeper')
        self.use(guest)


class OwnGuestTest(DriverTest):
    """A test on a guest that the tests of one class share.

    :cvar features: what is special about it.
    """

    features: ClassVar[dict[str, Any]] = {}
    guest: ClassVar[lab_guest.Guest]

    @classmethod
    def setUpClass(cls) -> None:
        """Boot the guest."""
        super().setUpClass()
        shared = lab.shared()
        name = cls.__name__.lower()
        spec = domain.GuestSpec(
            name=name,
            agent=True,
            driver=domain.Driver.TIMED,
            qmp_socket=shared.qmp_socket(name),
            **cls.features,
        )
        (cls.guest,) = shared.start(spec)
        cls.addClassCleanup(cls.guest.stop)

    def setUp(self) -> None:
        super().setUp()
        lab.restore(self.guest)
        self.use(self.guest)
