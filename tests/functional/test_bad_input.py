# SPDX-License-Identifier: Apache-2.0

import os
import pathlib
import pwd
from typing import Any

import testscenarios

from tests.functional import base
from tests.functional import command

_GOOD = {'target': '400M', 'duration': '5s', 'reserve': '0'}

_ERROR, _USAGE = 1, 2

# What was asked for, the exit code, and what the one line must contain: what
# is wrong, and where that helps, what would be right.
_ORDERS: dict[str, tuple[dict[str, Any], int, str]] = {
    'target-no-size': ({'target': 'much'}, _USAGE, "'much' is not a size"),
    'target-empty': ({'target': ''}, _USAGE, "'' is not a size"),
    'target-no-unit': ({'target': '400'}, _USAGE, '512M, 2G or 50%'),
    'target-unknown-unit': ({'target': '400X'}, _USAGE, '512M, 2G or 50%'),
    'target-zero': ({'target': '0M'}, _USAGE, "'0M' is not a size"),
    'target-negative': ({'target': '-5M'}, _USAGE, "'-5M' is not a size"),
    'target-nan': ({'target': 'nanM'}, _USAGE, "'nanM' is not a size"),
    'target-huge': ({'target': '9' * 400 + 'G'}, _USAGE, 'is not a size'),
    'target-no-percent': ({'target': '%'}, _USAGE, "'%' is not a size"),
    'target-two-lines': ({'target': '1\n2M'}, _USAGE, 'is not a size'),
    'target-not-utf-8': ({'target': '\udcff'}, _USAGE, 'is not a size'),
    'target-above-maximum': (
        {'target': '513M'},
        _USAGE,
        'the target 513 MiB is above its maximum of 512 MiB',
    ),
    'target-above-100-percent': (
        {'target': '101%'},
        _USAGE,
        'is above its maximum of 512 MiB',
    ),
    'duration-no-time': ({'duration': 'soon'}, _USAGE, '500ms, 2s or 1m30s'),
    'duration-no-unit': ({'duration': '5'}, _USAGE, "'5' is not a duration"),
    'duration-zero': ({'duration': '0s'}, _USAGE, 'a number above zero'),
    'duration-negative': ({'duration': '-2s'}, _USAGE, "'-2s' is not a"),
    'duration-infinite': ({'duration': 'infs'}, _USAGE, 'not a duration'),
    'duration-huge': ({'duration': '9' * 400 + 'h'}, _USAGE, 'not a dur'),
    'segment-no-pair': ({'segment': ['450M']}, _USAGE, 'write TIME=SIZE'),
    'segment-no-time': ({'segment': ['x=450M']}, _USAGE, 'not a duration'),
    'segment-no-size': ({'segment': ['1s=']}, _USAGE, "'' is not a size"),
    'segment-zero': ({'segment': ['0s=450M']}, _USAGE, 'not a duration'),
    'segments-out-of-order': (
        {'segment': ['2s=480M', '1s=450M']},
        _USAGE,
        'is not later than the one before',
    ),
    'segments-at-once': (
        {'segment': ['2s=480M', '2s=450M']},
        _USAGE,
        'is not later than the one before',
    ),
    'segment-beyond-the-duration': (
        {'segment': ['6s=450M']},
        _USAGE,
        'does not end before the duration of 5.00 s',
    ),
    'segment-at-the-deadline': (
        {'segment': ['5s=450M']},
        _USAGE,
        'does not end before the duration of 5.00 s',
    ),
    'segment-beyond-the-target': (
        {'segment': ['1s=390M']},
        _USAGE,
        'is not on the way from 512 MiB to 400 MiB',
    ),
    'segment-the-other-way': (
        {'segment': ['1s=420M', '2s=430M']},
        _USAGE,
        'each must be on the way to the next',
    ),
    'segment-above-maximum': (
        {'segment': ['1s=513M']},
        _USAGE,
        'the segment 513 MiB is above its maximum of 512 MiB',
    ),
    'floor-no-size': ({'floor': 'low'}, _USAGE, "'low' is not a size"),
    'floor-zero': ({'floor': '0M'}, _USAGE, "'0M' is not a size"),
    'floor-above-target': (
        {'floor': '401M'},
        _USAGE,
        'the target 400 MiB is below the floor 401 MiB',
    ),
    'floor-above-maximum': (
        {'floor': '600M'},
        _USAGE,
        'the floor 600 MiB is above its maximum of 512 MiB',
    ),
    'reserve-negative': ({'reserve': '-1M'}, _USAGE, "'-1M' is not a size"),
    'mode-unknown': (
        {'mode': 'me'},
        _USAGE,
        "--mode: 'me' is not one of host, guest, auto",
    ),
    'leash-zero': ({'leash': '0M'}, _USAGE, "'0M' is not a size"),
    'leash-too-short': ({'leash': '512K'}, _USAGE, '1 MiB or more'),
    'leash-percent': ({'leash': '5%'}, _USAGE, '512M or 2G'),
    'save-nothing': (
        {'dry_run': True, 'save': '/tmp/run.json'},
        _USAGE,
        '--dry-run makes no run that --save could keep',
    ),
    'unreachable': (
        {'connect': 'qemu+unix:///system?socket=/nonexistent/socket'},
        _ERROR,
        'cannot be reached',
    ),
    'unknown-hypervisor': (
        {'connect': 'nonsense:///system'},
        _ERROR,
        'nonsense:///system cannot be reached',
    ),
    'save-no-folder': (
        {'save': '/nonexistent/run.json'},
        _ERROR,
        'there is no folder /nonexistent',
    ),
    'save-a-folder': ({'save': '/'}, _ERROR, '/ cannot be written'),
    'save-a-device': ({'save': '/dev/null'}, _ERROR, '/dev/null cannot be'),
    'save-no-name': ({'save': ''}, _ERROR, 'cannot be written'),
}


class OrderTest(testscenarios.WithScenarios, base.FunctionalTest):
    """Orders that no guest can be given."""

    scenarios = [
        (name, {'options': options, 'code': code, 'words': words})
        for name, (options, code, words) in _ORDERS.items()
    ]
    options: dict[str, Any]
    code: int
    words: str

    def test_says_in_one_line_what_is_wrong(self) -> None:
        (east,) = self.balloons('east')

        # A second --connect takes the place of the first.
        result = self.apply(east, **(_GOOD | self.options))

        self.assert_one_line(self.words, self.code, result)
        self.assert_unmoved(east)
        self.assertNotIn('<stats', east.guest.domain.XMLDesc())


class GuestTest(base.FunctionalTest):
    """Guests that cannot be meant."""

    def apply_to(self, *names: str, **options: Any) -> command.Result:
        return command.run(
            *command.apply_words(self.lab.uri, names, **(_GOOD | options))
        )

    def test_an_unknown_guest(self) -> None:
        (east,) = self.balloons('east')

        for name in ('nobody', '00000000-0000-4000-8000-000000000000', ''):
            self.assert_one_line(
                f"there is no guest '{name}'", 1, self.apply_to('east', name)
            )
        self.assert_unmoved(east)

    def test_a_name_that_is_not_utf_8(self) -> None:
        result = self.apply_to('\udcff')

        self.assert_one_line('there is no guest', 1, result)

    def test_a_guest_named_twice(self) -> None:
        (east,) = self.balloons('east')

        for name in ('east', east.guest.uuid, east.guest.uuid.upper()):
            result = self.apply_to('east', name)
            self.assert_one_line('guest east is named twice', 2, result)
        self.assert_unmoved(east)

    def test_a_target_that_is_too_high_for_one_of_two(self) -> None:
        east, small = self.balloons('east', 'small')

        for names in (('east', 'small'), ('small', 'east')):
            result = self.apply_to(*names, target='450M')
            self.assert_one_line(
                'guest small: the target 450 MiB is above its maximum of '
                '384 MiB',
                2,
                result,
            )
        self.assert_unmoved(east, small)

    def test_a_segment_that_is_too_high_for_one_of_two(self) -> None:
        east, small = self.balloons('east', 'small')

        for names in (('east', 'small'), ('small', 'east')):
            result = self.apply_to(*names, target='300M', segment=['1s=400M'])
            self.assert_one_line(
                'guest small: the segment 400 MiB is above its maximum of '
                '384 MiB',
                2,
                result,
            )
        self.assert_unmoved(east, small)

    def test_a_floor_that_is_too_high_for_one_of_two(self) -> None:
        east, small = self.balloons('east', 'small')

        for names in (('east', 'small'), ('small', 'east')):
            result = self.apply_to(*names, target='80%', floor='400M')
            self.assert_one_line(
                'guest small: the floor 400 MiB is above its maximum of '
                '384 MiB',
                2,
                result,
            )
        self.assert_unmoved(east, small)


class SurroundingsTest(base.FunctionalTest):
    """A machine that is not as it should be."""

    def setUp(self) -> None:
        super().setUp()
        (self.east,) = self.balloons('east')
        self.words = command.apply_words(self.lab.uri, ['east'], **_GOOD)

    def configure(self, text: str) -> str:
        path = self.folder / 'bad.conf'
        path.write_text(text)
        return f'--config-file={path}'

    def test_no_permission_for_libvirt(self) -> None:
        self.give_away(self.lab.libvirt_socket)

        result = command.run(*self.words, powerless=True)

        self.assert_one_line('Permission denied', 1, result)
        self.assertIn('refuses us', result.err)
        self.assert_unmoved(self.east)

    def test_no_permission_for_the_file(self) -> None:
        self.give_away(self.folder)
        words = [*self.words[:-2], f'--save={self.folder}/run.json', 'east']

        result = command.run(*words, powerless=True)

        self.assert_one_line('no permission for the folder', 1, result)
        self.assert_unmoved(self.east)

    def give_away(self, path: pathlib.Path) -> None:
        nobody = pwd.getpwnam('nobody')
        path.chmod(0o700)
        os.chown(path, nobody.pw_uid, nobody.pw_gid)
        self.addCleanup(os.chown, path, 0, 0)

    def test_no_configuration_where_one_was_named(self) -> None:
        words = ('--config-file=/nonexistent/x.conf', *self.words)

        result = command.run(*words)

        self.assert_one_line('/nonexistent/x.conf', 1, result)
        self.assert_unmoved(self.east)

    def test_a_configuration_that_does_not_parse(self) -> None:
        for text in ('not = a = section', '[balloon_timer', '\x00'):
            result = command.run(self.configure(text), *self.words)
            self.assert_one_line('configuration is not valid', 1, result)
        self.assert_unmoved(self.east)

    def test_a_configuration_with_impossible_values(self) -> None:
        for option, value in (
            ('floor_percent', '101'),
            ('reserve_percent', '-1'),
            ('workers', 'many'),
            ('leash_mib', '0'),
            ('statistics_wait_seconds', '0.5'),
            ('applier', 'nonsense'),
        ):
            file = self.configure(f'[balloon_timer]\n{option} = {value}\n')
            result = command.run(file, *self.words)
            self.assert_one_line(option, 1, result)
        self.assert_unmoved(self.east)

    def test_an_option_that_is_missing(self) -> None:
        for missing in ('--target', '--duration'):
            words = [
                word for word in self.words if not word.startswith(missing)
            ]
            result = command.run(*words)
            self.assertEqual(2, result.code, str(result))
            self.assertIn(missing, result.error_lines[-1])
            self.assertNotIn('Traceback', result.err)
        self.assert_unmoved(self.east)
