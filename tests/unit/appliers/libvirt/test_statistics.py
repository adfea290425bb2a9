# SPDX-License-Identifier: Apache-2.0

import hypothesis
from hypothesis import strategies as st
import testscenarios

from nova_balloon_timer import model
from nova_balloon_timer.appliers.libvirt import statistics
from tests.unit import base

MIB = base.MIB
GIB = base.GIB
_UUID = base.uuid_of('web-01')
_OTHER = base.uuid_of('web-02')
# Two clocks that have nothing to do with each other.
_NOW = 5000.0
_WALL = 1_700_000_000

_FULL = {
    'actual': GIB,
    'swap_in': 1,
    'swap_out': 2,
    'major_fault': 3,
    'minor_fault': 4,
    'unused': 500 * MIB,
    'available': 1000 * MIB,
    'usable': 800 * MIB,
    'last_update': _WALL,
    'disk_caches': 100 * MIB,
    'rss': 600 * MIB,
}


class StatisticsTestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.reader = statistics.StatisticsReader()
        self.wall_shift_seconds = 0

    def read(
        self, passed: float = 0.0, **raw: int
    ) -> model.GuestStatistics | None:
        return self.read_of(_UUID, passed, **raw)

    def read_of(
        self, guest_uuid: str, passed: float, **raw: int
    ) -> model.GuestStatistics | None:
        return self.reader.read(
            guest_uuid,
            _FULL | raw,
            GIB,
            now=_NOW + passed,
            wall_now=_WALL + passed + self.wall_shift_seconds,
        )


class FreshnessTestCase(StatisticsTestCase):
    def test_what_was_just_said_is_fresh(self) -> None:
        self.assertEqual(
            model.GuestStatistics(
                updated_at=_WALL,
                usable_kib=800 * MIB,
                unused_kib=500 * MIB,
                available_kib=1000 * MIB,
                swap_in_kib=1,
                swap_out_kib=2,
                major_faults=3,
                minor_faults=4,
            ),
            self.read(),
        )

    def test_a_guest_that_never_said_anything_gives_none(self) -> None:
        self.assertIsNone(self.read(last_update=0))
        self.assertIsNone(self.read(last_update=-1))

    def test_without_a_time_nothing_is_believed(self) -> None:
        raw = {'actual': GIB, 'rss': GIB, 'usable': 800 * MIB}
        told = self.reader.read(_UUID, raw, GIB, now=_NOW, wall_now=_WALL)
        self.assertIsNone(told)

    def test_old_ones_at_first_sight_are_stale(self) -> None:
        self.assertIsNone(self.read(last_update=_WALL - 4))
        self.assertIsNone(self.read(0.1, last_update=_WALL - 4))

    def test_they_get_stale_when_they_stand_still(self) -> None:
        self.assertIsNotNone(self.read())
        self.assertIsNotNone(self.read(3.0))
        self.assertIsNone(self.read(3.001))

    def test_stale_ones_are_fresh_again_when_they_change(self) -> None:
        self.read()
        self.assertIsNone(self.read(10.0))
        told = self.read(10.1, last_update=_WALL + 10)
        assert told is not None
        self.assertEqual(_WALL + 10, told.updated_at)
        self.assertIsNotNone(self.read(13.0, last_update=_WALL + 10))
        self.assertIsNone(self.read(13.2, last_update=_WALL + 10))

    def test_a_hypervisor_ahead_of_us_is_fresh_while_it_changes(self) -> None:
        ahead = _WALL + 3600
        self.assertIsNotNone(self.read(last_update=ahead))
        self.assertIsNotNone(self.read(2.0, last_update=ahead))
        self.assertIsNone(self.read(3.5, last_update=ahead))
        self.assertIsNotNone(self.read(3.6, last_update=ahead + 1))

    def test_a_hypervisor_behind_us_is_fresh_once_it_changes(self) -> None:
        behind = _WALL - 3600
        self.assertIsNone(self.read(last_update=behind))
        self.assertIsNotNone(self.read(1.0, last_update=behind + 1))

    def test_a_step_of_our_wall_clock_does_not_matter(self) -> None:
        self.read()
        self.wall_shift_seconds = 86400
        self.assertIsNotNone(self.read(1.0))
        self.wall_shift_seconds = -86400
        self.assertIsNone(self.read(5.0))

    def test_a_step_back_of_the_hypervisors_clock_is_a_change(self) -> None:
        self.read()
        self.assertIsNotNone(self.read(4.0, last_update=_WALL - 100))

    def test_a_longer_period_leaves_more_time(self) -> None:
        self.reader.expect_every(_UUID, 10)
        self.read()
        self.assertIsNotNone(self.read(21.0))
        self.assertIsNone(self.read(21.1))

    def test_guests_are_judged_one_by_one(self) -> None:
        self.read()
        other = self.read_of(_OTHER, 10.0, last_update=_WALL + 9)
        self.assertIsNotNone(other)
        self.assertIsNone(self.read(10.0))

    def test_a_guest_that_was_forgotten_is_seen_anew(self) -> None:
        self.reader.expect_every(_UUID, 10)
        self.read()
        self.reader.forget(_UUID)
        self.assertIsNone(self.read(4.0))
        self.reader.forget(_OTHER)


_SIZES = (
    ('usable', 'usable_kib'),
    ('unused', 'unused_kib'),
    ('available', 'available_kib'),
)
_COUNTS = (
    ('swap_in', 'swap_in_kib'),
    ('swap_out', 'swap_out_kib'),
    ('major_fault', 'major_faults'),
    ('minor_fault', 'minor_faults'),
)


class ValueTestCase(testscenarios.WithScenarios, StatisticsTestCase):
    scenarios = [(raw, {'raw': raw, 'ours': ours}) for raw, ours in _SIZES]
    raw: str
    ours: str

    def value(self, value: int) -> object:
        return getattr(self.read(**{self.raw: value}), self.ours)

    def test_sizes_within_the_guest_are_believed(self) -> None:
        for value in (0, 1, GIB):
            self.assertEqual(value, self.value(value))

    def test_sizes_beyond_it_are_unknown(self) -> None:
        for value in (-1, GIB + 1, 2**63, 2**64 - 1, 2**64):
            self.assertIsNone(self.value(value))

    def test_one_lie_does_not_hide_the_rest(self) -> None:
        told = self.read(**{self.raw: 2**64 - 1})
        assert told is not None
        for _, name in (*_SIZES, *_COUNTS):
            if name != self.ours:
                self.assertIsNotNone(getattr(told, name))


class CountTestCase(testscenarios.WithScenarios, StatisticsTestCase):
    scenarios = [(raw, {'raw': raw, 'ours': ours}) for raw, ours in _COUNTS]
    raw: str
    ours: str

    def test_counts_have_no_upper_bound(self) -> None:
        told = self.read(**{self.raw: 2**40})
        self.assertEqual(2**40, getattr(told, self.ours))

    def test_negative_ones_are_unknown(self) -> None:
        self.assertIsNone(getattr(self.read(**{self.raw: -1}), self.ours))


class MissingTestCase(StatisticsTestCase):
    def test_what_is_missing_is_unknown(self) -> None:
        raw = {'last_update': _WALL}
        self.assertEqual(
            model.GuestStatistics(updated_at=_WALL),
            self.reader.read(_UUID, raw, GIB, now=_NOW, wall_now=_WALL),
        )

    def test_zero_is_not_unknown(self) -> None:
        told = self.read(usable=0, swap_in=0)
        assert told is not None
        self.assertEqual(0, told.usable_kib)
        self.assertEqual(0, told.swap_in_kib)


_RAW = st.dictionaries(
    st.sampled_from([*_FULL, 'hugetlb_pgalloc', '']),
    st.one_of(
        st.integers(),
        st.integers(_WALL - 10, _WALL + 10),
        st.sampled_from((0, -1, GIB, GIB + 1, 2**63, 2**64 - 1)),
    ),
)


class PropertyTestCase(StatisticsTestCase):
    @hypothesis.given(
        st.lists(st.tuples(_RAW, st.floats(-10, 1e6)), max_size=6)
    )
    def test_no_guest_tells_more_than_it_has(
        self, looks: list[tuple[dict[str, int], float]]
    ) -> None:
        reader = statistics.StatisticsReader()
        for raw, passed in looks:
            told = reader.read(
                _UUID, raw, GIB, now=_NOW + passed, wall_now=_WALL
            )
            if told is None:
                continue
            self.assertGreater(told.updated_at, 0)
            for _, name in _SIZES:
                self.assertIn(getattr(told, name) or 0, range(GIB + 1))
            for _, name in _COUNTS:
                self.assertGreaterEqual(getattr(told, name) or 0, 0)
