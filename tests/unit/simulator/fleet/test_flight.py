# SPDX-License-Identifier: Apache-2.0

from typing import Any

from nova_balloon_timer import model
from nova_balloon_timer.simulator import behaviour
from nova_balloon_timer.simulator.fleet import flight
from nova_balloon_timer.simulator.fleet import guest as fleet_guest
from nova_balloon_timer.simulator.fleet import pattern
from tests.unit import base
from tests.unit.simulator.fleet import factory

GIB, MIB = base.GIB, base.MIB


class TestFlight(base.TestCase):
    def _fly(
        self, profile: fleet_guest.FleetProfile, **more: Any
    ) -> model.EndReport:
        guest = fleet_guest.FleetGuest(profile, 0.0)
        guest.tick(0.0, 60.0)
        fields: dict[str, Any] = {
            'guest_uuid': profile.uuid,
            'start_actual_kib': profile.actual_kib,
        }
        made = flight.FleetFlight(
            base.make_policy(**(fields | more)), guest, 0.0
        )
        for number in range(1, 1000):
            end = made.step(number / 5)
            if end is not None:
                return made.finish(end)
        raise AssertionError('it does not end')

    def test_target(self) -> None:
        report = self._fly(factory.make_profile())

        self.assertIs(model.EndReason.TARGET, report.reason)
        self.assertEqual(512 * MIB, report.actual_end_kib)
        self.assertEqual(512 * MIB, report.freed_kib)
        self.assertAlmostEqual(0.1 + 512 / 400, report.duration_seconds, 3)

    def test_untouched_memory_frees_nothing(self) -> None:
        profile = factory.make_profile(touched_kib=300 * MIB)
        self.assertEqual(0, self._fly(profile).freed_kib)

    def test_deadline(self) -> None:
        profile = factory.make_profile(inflate_kib_per_second=100 * MIB)
        report = self._fly(profile)

        self.assertIs(model.EndReason.DEADLINE, report.reason)
        self.assertEqual(2.0, report.ended_at)
        self.assertAlmostEqual(190 * MIB, report.moved_kib or 0, delta=100)

    def test_reserve_holds_it(self) -> None:
        report = self._fly(factory.make_profile(use_kib=700 * MIB))

        self.assertIs(model.EndReason.DEADLINE, report.reason)
        self.assertEqual(764 * MIB, report.actual_end_kib)

    def test_segment_holds_it(self) -> None:
        segment = model.Segment(until_seconds=1.25, target_kib=768 * MIB)
        report = self._fly(factory.make_profile(), segments=(segment,))

        self.assertIs(model.EndReason.TARGET, report.reason)
        self.assertAlmostEqual(1.25 + 256 / 400, report.ended_at, 3)
        self.assertIn(768 * MIB, [it.actual_kib for it in report.curve])

    def test_stalled(self) -> None:
        profile = factory.make_profile(behaviours=(behaviour.Stuck(),))
        report = self._fly(profile, duration_seconds=10.0)

        self.assertIs(model.EndReason.STALLED, report.reason)
        self.assertEqual(0, report.moved_kib)
        self.assertTrue(2.0 < report.ended_at < 3.0)

    def test_distress_gives_a_part_back(self) -> None:
        use = pattern.Burst(
            size_kib=100 * MIB,
            to_kib=900 * MIB,
            at=0.0,
            lasts_seconds=100.0,
            ramp_seconds=60.0,
        )
        report = self._fly(
            factory.make_profile(use=use),
            duration_seconds=60.0,
            target_kib=300 * MIB,
        )

        self.assertIs(model.EndReason.TARGET, report.reason)
        report = self._fly(
            factory.make_profile(use=use, inflate_kib_per_second=20 * MIB),
            duration_seconds=60.0,
            target_kib=300 * MIB,
        )
        self.assertIs(model.EndReason.DISTRESS, report.reason)
        taken_kib = GIB - min(it.actual_kib for it in report.curve)
        self.assertEqual(taken_kib - taken_kib // 4, report.moved_kib)

    def test_deflate(self) -> None:
        report = self._fly(
            factory.make_profile(actual_kib=512 * MIB),
            direction=model.Direction.DEFLATE,
            target_kib=GIB,
        )
        self.assertIs(model.EndReason.TARGET, report.reason)
        self.assertEqual(512 * MIB, report.moved_kib)
