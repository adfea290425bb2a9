# SPDX-License-Identifier: Apache-2.0

import io
import json
import pathlib

from cliff import app
from cliff import commandmanager
import fixtures

from nova_balloon_timer.cmd import simulate
from nova_balloon_timer.report import run_file
from nova_balloon_timer.simulator import reader
from tests.unit import base

_WRONG = """\
description: Expects what cannot be.
guests:
  web: {maximum: 1G}
policies:
  - guest: web
    target: 512M
    duration: 4s
    floor: 256M
    expect: {reason: stalled}
"""


class TestSimulate(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.directory = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.log = self.useFixture(fixtures.FakeLogger(format='%(message)s'))

    def _run(self, *arguments: str) -> tuple[int, list[dict[str, object]]]:
        output = io.StringIO()
        host = app.App(
            description='a test',
            version='1',
            command_manager=commandmanager.CommandManager('none'),
            stdout=output,
        )
        command = simulate.Simulate(host, None, 'simulate')
        parser = command.get_parser('simulate')
        code = command.run(parser.parse_args(['-f', 'json', *arguments]))
        text = output.getvalue()
        return code, json.loads(text) if text else []

    def _write(self, text: str) -> str:
        path = self.directory / 'mine.yaml'
        path.write_text(text)
        return str(path)

    def test_without_files_it_lists_what_is_shipped(self) -> None:
        code, rows = self._run()

        self.assertEqual(0, code)
        self.assertEqual(reader.shipped(), [row['Scenario'] for row in rows])
        self.assertTrue(all(row['Description'] for row in rows))

    def test_shipped_scenario_by_its_name(self) -> None:
        code, [row] = self._run('ideal')

        self.assertEqual(0, code)
        self.assertEqual('target', row['Ended by'])
        self.assertEqual(1024.0, row['Moved MiB'])
        self.assertIs(True, row['OK'])

    def test_wrong_expectation(self) -> None:
        code, [right, wrong] = self._run('ideal', self._write(_WRONG))

        self.assertEqual(3, code)
        self.assertIs(True, right['OK'])
        self.assertIs(False, wrong['OK'])
        self.assertIn('expected stalled', str(wrong['Detail']))

    def test_bad_file_is_one_line_and_nothing_is_run(self) -> None:
        path = self._write(_WRONG.replace('4s', '4 parsecs'))

        code, rows = self._run('ideal', path)

        self.assertEqual(1, code)
        self.assertEqual([], rows)
        self.assertIn(
            f'{path}: policies[0].duration: ', self.log.output.strip()
        )
        self.assertEqual(1, len(self.log.output.splitlines()))

    def test_run_can_be_kept(self) -> None:
        path = self.directory / 'run.json'

        code, _ = self._run('ideal', 'gone', '--save', str(path))

        self.assertEqual(0, code)
        saved = run_file.load(path)
        self.assertEqual(
            ['target', 'guest-gone'],
            [policy.report.reason.value for policy in saved.policies],
        )
