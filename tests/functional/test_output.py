# SPDX-License-Identifier: Apache-2.0

import csv
import io
import json
import os
import pty
import re
import subprocess
from typing import Any

import yaml

from tests.functional import base
from tests.functional import command


class OutputTest(base.FunctionalTest):
    def setUp(self) -> None:
        super().setUp()
        (self.east,) = self.balloons('east')

    def words(self, *formats: str) -> list[str]:
        return [
            'apply',
            'east',
            f'--connect={self.lab.uri}',
            '--target=480M',
            '--duration=30s',
            '--reserve=0',
            *formats,
        ]

    def test_json(self) -> None:
        (row,) = json.loads(command.run(*self.words('-f', 'json')).out)

        self.check(row)

    def test_yaml(self) -> None:
        (row,) = yaml.safe_load(command.run(*self.words('-f', 'yaml')).out)

        self.check(row)

    def test_csv(self) -> None:
        text = command.run(*self.words('-f', 'csv')).out
        (row,) = csv.DictReader(io.StringIO(text))

        self.assertEqual('east', row['Guest'])
        self.assertEqual('target', row['Ended by'])
        self.assertEqual('480.0', row['End MiB'])
        self.assertEqual('reached 480 MiB', row['Detail'])

    def test_value(self) -> None:
        words = self.words('-f', 'value', '-c', 'Ended by', '-c', 'End MiB')

        self.assertEqual('target 480.0\n', command.run(*words).out)

    def test_table(self) -> None:
        lines = command.run(*self.words()).out.splitlines()

        (row,) = [line for line in lines if line.startswith('| east')]
        self.assertIn('| target ', row)
        self.assertIn('| reached 480 MiB |', row)

    def check(self, row: dict[str, Any]) -> None:
        self.assertEqual('east', row['Guest'])
        self.assertEqual('target', row['Ended by'])
        self.assertEqual(480, row['End MiB'])
        self.assertIsNone(row['Late ms'])

    def test_plain_lines_where_nobody_looks(self) -> None:
        result = command.run(*self.words('--segment=2500ms=500M'))

        lines = result.error_lines
        self.assertEqual(
            'east: inflate from 512 MiB to 480 MiB within 30.00 s, timed by '
            'the host: it has no guest agent channel',
            lines[0],
        )
        self.assertIn('east: 12 MiB of 32 MiB moved in', result.err)
        self.assertTrue(
            lines[-1].startswith('east: ended by target after '), lines
        )
        self.assertNotIn('\x1b', result.err + result.out)

    def test_bars_on_a_terminal(self) -> None:
        shown = self.run_on_terminal(self.words('--segment=2s=500M'))

        self.assertIn('\x1b[', shown)
        plain = re.sub(r'\x1b\[[0-9;?]*[A-Za-z]', '', shown)
        self.assertRegex(plain, r'east \S*━')
        self.assertIn('inflate, timed by the host', plain)
        self.assertIn('east: timed by the host: it has no guest', plain)
        self.assertRegex(plain, r'12/32 MiB \S+ MiB/s')
        self.assertRegex(plain, r'1\.\d/30 s')
        self.assertIn('ended by target', plain)
        self.assertIn('| target   |', plain)

    def run_on_terminal(self, words: list[str]) -> str:
        ours, theirs = pty.openpty()
        self.addCleanup(os.close, ours)
        process = subprocess.Popen(
            [command.PROGRAM, *words],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env=command.environment(),
            cwd='/',
        )
        self.addCleanup(process.kill)
        os.close(theirs)
        shown = b''
        while True:
            try:
                shown += os.read(ours, 65536)
            except OSError:  # the other side was closed: it has ended
                break
        self.assertEqual(0, process.wait(60), shown.decode())
        return shown.decode()
