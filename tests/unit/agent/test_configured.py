# SPDX-License-Identifier: Apache-2.0

import dataclasses
import pathlib
from typing import Any

from oslo_config import cfg
import testscenarios

from nova_balloon_timer import exception
from nova_balloon_timer import ownership
from nova_balloon_timer import timekeeping
from nova_balloon_timer.agent import configured
from tests.unit import base
from tests.unit.agent import factory

MIB = base.MIB
GIB = base.GIB


def make(**options: Any) -> Any:
    """Return the group of a configuration with these options."""
    with factory.Configuration(**options) as configuration:
        return configuration.conf.balloon_timer


class WrongTestCase(testscenarios.WithScenarios, base.TestCase):
    """Each wrong value is told in one line that names the option."""

    scenarios = [
        (f'{options}', {'options': options, 'names': names})
        for options, *names in (
            ({'low_watermark': 'much'}, 'low_watermark', "'much'"),
            ({'low_watermark': ''}, 'low_watermark'),
            ({'low_watermark': '-1G'}, 'low_watermark'),
            ({'high_watermark': '12'}, 'high_watermark', "'12'"),
            ({'high_watermark': '100%'}, 'high_watermark', '100%'),
            ({'high_watermark': '250%'}, 'high_watermark', '250%'),
            ({'low_watermark': '10%'}, 'low_watermark', 'high_watermark'),
            ({'low_watermark': '11 %'}, 'low_watermark', 'high_watermark'),
            (
                {'low_watermark': '8G', 'high_watermark': '4G'},
                'low_watermark 8G',
                'high_watermark 4G',
            ),
            (
                {'shortest_relief_seconds': 31.0},
                'shortest_relief_seconds 31',
                'longest_relief_seconds 30',
            ),
            (
                {'cool_down_seconds': 3601.0},
                'cool_down_seconds 3601',
                'cool_down_longest_seconds 3600',
            ),
            ({'guest_priorities': {'a': 'much'}}, 'guest_priorities', 'much'),
            ({'guest_priorities': {'a': '0'}}, 'guest_priorities', "'0'"),
            ({'guest_priorities': {'a': '-1'}}, 'guest_priorities', '-1'),
            ({'guest_priorities': {'a': 'nan'}}, 'guest_priorities', 'nan'),
            ({'guest_priorities': {'a': 'inf'}}, 'guest_priorities', 'inf'),
            (
                {'stall_calm_percent': 6.0},
                'stall_calm_percent 6',
                'stall_percent 5',
            ),
        )
    ]
    options: dict[str, Any]
    names: list[str]

    def test_is_told(self) -> None:
        def make_all() -> None:
            options = make(**self.options)
            configured.controller_settings_of(options)
            configured.pressure_settings(options)

        error = self.assertRaises(exception.InvalidConfiguration, make_all)
        for name in self.names:
            self.assertIn(name, str(error))
        self.assertNotIn('\n', str(error))


class RightTestCase(base.TestCase):
    def test_the_defaults_make_sense(self) -> None:
        configured.controller_settings_of(make())
        configured.pressure_settings(make())

    def test_a_size_and_a_share_are_compared_on_a_real_host(self) -> None:
        rule = configured.watermarks(make(low_watermark='2G'))
        self.assertEqual(2 * GIB, rule.of(64 * GIB).low_kib)
        self.assertRaises(exception.InvalidConfiguration, rule.of, 16 * GIB)

    def test_sizes_of_any_unit_are_compared(self) -> None:
        configured.watermarks(make(low_watermark='900M', high_watermark='1G'))

    def test_equal_bounds_are_fine(self) -> None:
        made = configured.controller_settings_of(
            make(shortest_relief_seconds=5.0, longest_relief_seconds=5.0)
        )
        self.assertEqual(made.shortest_seconds, made.longest_seconds)

    def test_units_are_converted(self) -> None:
        made = configured.controller_settings_of(
            make(
                least_relief_mib=32,
                return_share_percent=25,
                leash_mib=8,
                leash_seconds=0.5,
            )
        )
        self.assertEqual(32 * MIB, made.least_need_kib)
        self.assertEqual(0.25, made.return_share)
        self.assertEqual(8 * MIB, made.leash.minimum_kib)
        self.assertEqual(0.5, made.leash.lead_seconds)

    def test_who_keeps_the_clock_is_one_for_all_policies(self) -> None:
        for options, mode in (
            (make(), timekeeping.Mode.AUTO),
            (make(mode='host'), timekeeping.Mode.HOST),
        ):
            self.assertIs(mode, configured.defaults(options).mode)
            made = configured.controller_settings_of(options)
            self.assertIs(mode, made.mode)

    def test_no_guest_can_be_made_to_keep_it(self) -> None:
        options = make(mode='guest')
        self.assertRaises(
            cfg.ConfigFileValueError, configured.defaults, options
        )

    def test_guards_follow_the_guest_s_size(self) -> None:
        made = configured.controller_settings_of(
            make(floor_percent=50, reserve_percent=10, reserve_minimum_mib=1)
        )
        guards = made.guards_of(base.make_guest(maximum_kib=2000 * MIB))
        self.assertEqual(1000 * MIB, guards.floor_kib)
        self.assertEqual(200 * MIB, guards.reserve_kib)


class PressureSettingsTestCase(base.TestCase):
    def test_are_those_of_the_options(self) -> None:
        made = configured.pressure_settings(
            make(
                proc_root='/host/proc',
                sys_root='/host/sys',
                stall_percent=7.0,
                stall_calm_percent=7.0,
                stall_window_seconds=4.0,
                pressure_settle_seconds=9.0,
            )
        )
        self.assertEqual(pathlib.Path('/host/proc'), made.proc_root)
        self.assertEqual(pathlib.Path('/host/sys'), made.sys_root)
        self.assertEqual(7.0, made.stall_percent)
        self.assertEqual(7.0, made.calm_percent)
        self.assertEqual(4.0, made.window_seconds)
        self.assertEqual(9.0, made.settle_seconds)

    def test_a_cgroup_may_be_written_like_a_path(self) -> None:
        for text, cgroup in (
            ('', None),
            ('/', None),
            ('/machine.slice', 'machine.slice'),
            ('machine.slice/nova', 'machine.slice/nova'),
        ):
            made = configured.pressure_settings(make(cgroup=text))
            self.assertEqual(cgroup, made.cgroup)


class RankTestCase(base.TestCase):
    def rank(self, name: str = 'web-01', **options: Any) -> float | str:
        made = configured.controller_settings_of(make(**options))
        return made.rank(base.make_guest(name))

    def test_is_one_unless_it_is_said(self) -> None:
        self.assertEqual(1.0, self.rank())
        self.assertEqual(1.0, self.rank(guest_priorities={'db-*': '4'}))

    def test_the_first_that_fits_counts(self) -> None:
        priorities = {'web-01': '2', 'web-*': '3', '*': '4'}
        for name, priority in (('web-01', 2), ('web-02', 3), ('db', 4)):
            self.assertEqual(
                priority, self.rank(name, guest_priorities=priorities)
            )

    def test_terms_count_where_no_name_is_configured(self) -> None:
        made = configured.controller_settings_of(
            make(
                guest_priorities={'web-*': '2', 'even': '1'},
                excluded_guests=['db'],
            )
        )
        for name, priority in (
            ('web-01', 2.0),
            # What is configured is said, even where it is the default.
            ('even', 1.0),
            ('batch', 7.0),
            ('db', "it is excluded by 'db' in excluded_guests"),
        ):
            guest = base.make_guest(name, terms=ownership.Terms(priority=7.0))
            self.assertEqual(priority, made.rank(guest))

    def test_excluded_ones_are_told_why(self) -> None:
        self.assertEqual(
            "it is excluded by 'web-*' in excluded_guests",
            self.rank(excluded_guests=['db', 'web-*']),
        )

    def test_exclusion_is_stronger_than_priority(self) -> None:
        rank = self.rank(
            excluded_guests=['web-01'], guest_priorities={'web-01': '2'}
        )
        self.assertIsInstance(rank, str)

    def test_a_uuid_fits_however_it_is_written(self) -> None:
        uuid = base.uuid_of('web-01')
        for text in (uuid, uuid.upper()):
            self.assertIsInstance(self.rank(excluded_guests=[text]), str)
            self.assertEqual(2.0, self.rank(guest_priorities={text: '2'}))

    def test_one_that_was_renamed_is_ranked_by_its_new_name(self) -> None:
        made = configured.controller_settings_of(
            make(guest_priorities={'db-*': '4'})
        )
        guest = base.make_guest('db-01')
        self.assertEqual(4.0, made.rank(guest))
        renamed = dataclasses.replace(guest, name='web-01')
        self.assertEqual(1.0, made.rank(renamed))

    def test_names_are_not_parts_of_names(self) -> None:
        for pattern in ('web', 'WEB-01', 'eb-01', ''):
            self.assertEqual(1.0, self.rank(excluded_guests=[pattern]))
