# SPDX-License-Identifier: Apache-2.0

from collections.abc import Callable
import heapq
import itertools

from nova_balloon_timer import message
from nova_balloon_timer import units
from nova_balloon_timer.simulator import behaviour
from nova_balloon_timer.simulator import disturbance
from nova_balloon_timer.simulator import hypervisor
from tests.unit import base
from tests.unit.simulator import test_guest

_GUEST = 'guest-web'
_MIB = units.KIB_PER_MIB
_READ = message.ReadBalloon(guest_uuid=_GUEST)
_FREEZE = message.FreezeBalloon(
    guest_uuid=_GUEST,
    at_kib=None,
    lowest_kib=256 * _MIB,
    highest_kib=1024 * _MIB,
)


class TestGuestLine(base.TestCase):
    def _line(self, *behaviours: behaviour.Behaviour) -> hypervisor.GuestLine:
        self._heap: list[tuple[float, int, Callable[[float], None]]] = []
        self._numbers = itertools.count()
        self._events: list[tuple[float, message.Event]] = []
        return hypervisor.GuestLine(
            test_guest.make_guest(*behaviours),
            hypervisor.Latency(),
            lambda at, call: heapq.heappush(
                self._heap, (at, next(self._numbers), call)
            ),
            lambda event, now: self._events.append((now, event)),
        )

    def _run(self) -> None:
        while self._heap:
            at, _, call = heapq.heappop(self._heap)
            call(at)

    def _set(self, target_mib: int) -> message.SetTarget:
        return message.SetTarget(
            guest_uuid=_GUEST, target_kib=target_mib * _MIB
        )

    def test_one_job_at_a_time_in_order(self) -> None:
        line = self._line()
        line.submit(self._set(900), 0.0)
        line.submit(_READ, 0.0)
        line.submit(_READ, 0.0)
        self._run()
        self.assertEqual(900 * _MIB, line.guest.target_kib)
        times = [at for at, _ in self._events]
        self.assertEqual([0.002, 0.0033], [round(at, 4) for at in times])

    def test_order_takes_longer_while_the_balloon_moves(self) -> None:
        line = self._line()
        line.submit(self._set(500), 0.0)
        self._run()
        line.submit(self._set(510), 0.1)
        line.submit(_READ, 0.1)
        self._run()
        self.assertEqual(0.1063, round(self._events[0][0], 4))

    def test_freeze_voids_what_was_not_begun(self) -> None:
        line = self._line()
        line.submit(_READ, 0.0)
        line.submit(self._set(300), 0.0)
        line.submit(_FREEZE, 0.0)
        self._run()
        kinds = [type(event) for _, event in self._events]
        self.assertEqual(
            [message.BalloonSampled, message.BalloonFrozen], kinds
        )
        self.assertEqual(1024 * _MIB, line.guest.target_kib)

    def test_freeze_stops_a_moving_balloon(self) -> None:
        line = self._line()
        line.submit(self._set(300), 0.0)
        self._run()
        line.submit(_FREEZE, 0.2)
        self._run()
        [(_, event)] = self._events
        assert isinstance(event, message.BalloonFrozen)
        self.assertEqual(event.before.actual_kib, event.target_kib)
        line.guest.advance(1.0)
        self.assertEqual(event.target_kib, line.guest.actual_kib)

    def test_freeze_stays_within_its_bounds(self) -> None:
        line = self._line()
        order = message.FreezeBalloon(
            guest_uuid=_GUEST,
            at_kib=4096 * _MIB,
            lowest_kib=256 * _MIB,
            highest_kib=1000 * _MIB,
        )
        line.submit(order, 0.0)
        self._run()
        self.assertEqual(1000 * _MIB, line.guest.target_kib)

    def test_frozen_qemu_answers_when_it_thaws(self) -> None:
        line = self._line(disturbance.Frozen(from_at=0.0, until_at=5.0))
        line.submit(_READ, 1.0)
        self._run()
        self.assertEqual([5.0], [at for at, _ in self._events])

    def test_qemu_that_never_thaws_never_answers(self) -> None:
        line = self._line(disturbance.Frozen())
        line.submit(_READ, 1.0)
        self._run()
        self.assertEqual([], self._events)

    def test_unavailable_hypervisor_fails_for_now(self) -> None:
        line = self._line(disturbance.Unavailable(until_at=1.0))
        line.submit(_FREEZE, 0.5)
        self._run()
        line.submit(_READ, 1.5)
        self._run()
        failed, read = (event for _, event in self._events)
        assert isinstance(failed, message.ActionFailed)
        self.assertIs(message.FailureKind.TRANSIENT, failed.kind)
        self.assertIsInstance(read, message.BalloonSampled)

    def test_refusing_hypervisor_fails_for_good(self) -> None:
        line = self._line(disturbance.Refusing())
        line.submit(self._set(500), 0.0)
        self._run()
        [(_, failed)] = self._events
        assert isinstance(failed, message.ActionFailed)
        self.assertIs(message.FailureKind.PERMANENT, failed.kind)
        self.assertEqual(1024 * _MIB, line.guest.target_kib)

    def test_guest_that_is_gone_is_told_as_such(self) -> None:
        line = self._line(disturbance.Gone(at=0.0))
        line.submit(_READ, 0.0)
        self._run()
        self.assertEqual(
            [message.GuestGone(guest_uuid=_GUEST)],
            [event for _, event in self._events],
        )
