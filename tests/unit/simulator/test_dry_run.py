# SPDX-License-Identifier: Apache-2.0

import dataclasses
import itertools

from nova_balloon_timer import model
from nova_balloon_timer import units
from nova_balloon_timer.simulator import behaviour
from nova_balloon_timer.simulator import dry_run
from tests.unit import base

_MIB = units.KIB_PER_MIB
_GUEST = model.Guest(uuid='4f6e', name='db', maximum_kib=4096 * _MIB)


def _sample(usable_mib: int | None) -> model.BalloonSample:
    statistics = None
    if usable_mib is not None:
        statistics = model.GuestStatistics(
            updated_at=1, usable_kib=usable_mib * _MIB
        )
    return model.BalloonSample(
        at=77.0,
        actual_kib=4096 * _MIB,
        rss_kib=1015 * _MIB,
        statistics=statistics,
    )


def _policy(reserve_mib: int) -> model.BalloonPolicy:
    return model.BalloonPolicy(
        uuid='one',
        guest_uuid=_GUEST.uuid,
        direction=model.Direction.INFLATE,
        start_actual_kib=4096 * _MIB,
        target_kib=1024 * _MIB,
        maximum_kib=4096 * _MIB,
        duration_seconds=8.0,
        guards=model.Guards(
            floor_kib=512 * _MIB, reserve_kib=reserve_mib * _MIB
        ),
    )


class TestDryRun(base.TestCase):
    def test_idle_guest_would_reach_its_target_and_free_little(self) -> None:
        profile = dry_run.profile_of(_GUEST, _sample(3600))

        [report] = dry_run.run([profile], [_policy(256)])

        self.assertIs(model.EndReason.TARGET, report.reason)
        self.assertEqual(0, report.freed_kib)

    def test_busy_guest_would_be_held_by_its_reserve(self) -> None:
        profile = dry_run.profile_of(_GUEST, _sample(1256))

        [report] = dry_run.run([profile], [_policy(256)])

        self.assertIs(model.EndReason.DEADLINE, report.reason)
        self.assertEqual(1000, (report.moved_kib or 0) // _MIB)

    def test_guest_without_statistics_uses_all_that_it_has(self) -> None:
        profile = dry_run.profile_of(_GUEST, _sample(None))

        self.assertEqual((4096 - 50) * _MIB, profile.used_kib)
        self.assertIsNone(profile.statistics_seconds)

    def test_guest_keeps_the_rate_that_was_measured(self) -> None:
        slow = behaviour.Slow(inflate_kib_per_second=50 * _MIB)
        profile = dry_run.profile_of(_GUEST, _sample(3600), (slow,))

        [report] = dry_run.run([profile], [_policy(256)])

        self.assertIs(model.EndReason.DEADLINE, report.reason)
        moved_mib = (report.moved_kib or 0) / _MIB
        self.assertAlmostEqual(400, moved_mib, delta=10)


class TestExpect(base.TestCase):
    def test_finds_each_end_by_its_guest(self) -> None:
        found = dry_run.expect(
            [base.make_guest(), _GUEST],
            {_GUEST.uuid: _sample(3600)},
            [_policy(256)],
        )

        self.assertEqual([_GUEST.uuid], list(found))
        self.assertIs(model.EndReason.TARGET, found[_GUEST.uuid].reason)

    def test_what_takes_too_long_is_left_out(self) -> None:
        held_for_hours = dataclasses.replace(
            _policy(256), duration_seconds=36_000.0
        )

        asked = itertools.count()

        found = dry_run.expect(
            [_GUEST],
            {_GUEST.uuid: _sample(1256)},
            [held_for_hours],
            lambda: next(asked) >= 100,
        )

        self.assertEqual({}, found)
        self.assertEqual(101, next(asked))
