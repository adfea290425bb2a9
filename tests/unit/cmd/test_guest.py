# SPDX-License-Identifier: Apache-2.0

from typing import Any

from nova_balloon_timer import exception
from nova_balloon_timer import model
from tests.unit import base
from tests.unit.cmd import command_line

_PAUSED = model.Refusal(obstacle=model.Obstacle.PAUSED, words='it is paused')
_LOCKED = model.Refusal(
    obstacle=model.Obstacle.LOCKED_MEMORY, words='its memory is locked'
)


class ListGuestsTestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.shell = self.useFixture(command_line.CommandLine())
        self.host = self.shell.host
        self.shell.configuration = (
            '[balloon_timer]\nstatistics_wait_seconds = 1\n'
        )

    def rows(self) -> dict[str, dict[str, Any]]:
        result = self.shell.run('guest', 'list', '--local', '-f', 'json')
        self.assertEqual(0, result.exit_code, result.stderr)
        self.assertEqual('', result.stderr)
        return {row['Guest']: row for row in result.rows}

    def test_tells_what_could_be_taken(self) -> None:
        guest = self.host.add('web-01')
        self.assertEqual(
            {
                'Guest': 'web-01',
                'UUID': guest.uuid,
                'Actual MiB': 1024.0,
                'Maximum MiB': 1024.0,
                'Usable MiB': 900.0,
                'RSS MiB': 1024.0,
                'Could take MiB': 768.0,
                'Could free MiB': 768.0,
                'Why not': '',
            },
            self.rows()['web-01'],
        )
        self.assertEqual([], guest.targets_kib)

    def test_tells_every_reason_why_nothing_can_be_taken(self) -> None:
        self.host.add('unable', refusals=(_PAUSED, _LOCKED))
        self.host.add('full', usable_kib=0)
        busy = exception.GuestBusy(guest='busy', why='timed out')
        self.host.add('busy', errors=[busy, busy])
        rows = self.rows()
        self.assertEqual(
            'it is paused; its memory is locked', rows['unable']['Why not']
        )
        self.assertIsNone(rows['unable']['Actual MiB'])
        self.assertEqual(0.0, rows['unable']['Could take MiB'])
        self.assertIn('within its reserve', rows['full']['Why not'])
        self.assertEqual(0.0, rows['full']['Usable MiB'])
        self.assertIn('does not answer', rows['busy']['Why not'])

    def test_of_an_empty_host(self) -> None:
        self.assertEqual({}, self.rows())

    def test_connects_where_it_is_told(self) -> None:
        self.shell.run('guest', 'list', '--connect', 'test:///default')
        self.shell.run('guest', 'list', '--local')
        self.assertEqual(
            [('libvirt', 'test:///default'), ('libvirt', 'qemu:///system')],
            self.shell.loaded,
        )

    def test_unknown_figures_are_a_dash_for_people(self) -> None:
        self.host.add('unable', refusals=(_PAUSED,))
        result = self.shell.run('guest', 'list', '--local', '-f', 'value')
        self.assertIn('unable', result.stdout)
        result = self.shell.run('guest', 'list', '--local')
        self.assertRegex(result.stdout, r'\| unable +\|[^|]+\| +- +\|')
