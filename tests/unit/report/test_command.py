# SPDX-License-Identifier: Apache-2.0
import pathlib

import fixtures
import testtools

from nova_balloon_timer import exception
from nova_balloon_timer.cmd import main
from nova_balloon_timer.cmd import report
from nova_balloon_timer.report import run_file
from tests.unit import base
from tests.unit.report import examples


class TestReport(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.run_path = self.folder / 'run.json'
        run_file.save(self.run_path, examples.make_run())
        stdout = self.useFixture(fixtures.StringStream('stdout')).stream
        self.useFixture(fixtures.MonkeyPatch('sys.stdout', stdout))

    def report(self, *words: str) -> None:
        command = report.Report(main.BalloonTimerApp(), None)
        parser = command.get_parser('report')
        command.take_action(parser.parse_args(words))

    def printed(self) -> str:
        content = self.getDetails()['stdout'].as_text()
        return content.rstrip('\n')

    def test_the_page_is_beside_the_run(self) -> None:
        self.report(str(self.run_path))
        path = self.folder / 'run.html'
        self.assertTrue(path.read_text().startswith('<!DOCTYPE html>'))

    def test_the_page_is_where_it_is_wanted(self) -> None:
        path = self.folder / 'page.html'
        self.report(str(self.run_path), '-o', str(path))
        self.assertTrue(path.is_file())
        self.assertFalse((self.folder / 'run.html').exists())

    def test_the_page_does_not_replace_the_run(self) -> None:
        with testtools.ExpectedException(
            exception.OutputNotWritable, '.*it is the saved run'
        ):
            self.report(str(self.run_path), '-o', str(self.run_path))
        run_file.load(self.run_path)

    def test_no_run(self) -> None:
        with testtools.ExpectedException(exception.InvalidRunFile):
            self.report(str(self.folder / 'missing.json'))
