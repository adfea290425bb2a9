# SPDX-License-Identifier: Apache-2.0
import os
import pathlib

import fixtures
import testtools

from nova_balloon_timer import exception
from nova_balloon_timer import situation
from nova_balloon_timer.cmd import main
from nova_balloon_timer.cmd import report
from nova_balloon_timer.journal import instant
from nova_balloon_timer.journal import store
from nova_balloon_timer.report import run_file
from tests.unit import base
from tests.unit.report import examples

# 2026-05-04 09:30:00 UTC.
_EPOCH = 1_777_887_000.0


class ReportTestCase(base.TestCase):
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


class TestReport(ReportTestCase):
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


class TestReportOfJournal(ReportTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.journal = self.folder / 'journal.sqlite'
        self.page = self.folder / 'page.html'
        clock = instant.HostClock(
            boot_id='boot', monotonic=lambda: 1000.0, wall=lambda: _EPOCH
        )
        writer = store.Store(self.journal, clock=clock)
        writer.open()
        with writer.transaction(is_durable=True):
            writer.sample_host(
                situation.HostMemory(
                    at=1000.0, available_kib=base.GIB, total_kib=8 * base.GIB
                ),
                situation.Watermarks(low_kib=base.GIB, high_kib=2 * base.GIB),
            )
            writer.end(
                base.make_report(
                    started_at=990.0, ended_at=991.0, deadline_at=992.0
                ),
                guest_name='web-01',
            )
        writer.close()

    def report_journal(self, *words: str) -> None:
        self.report(
            '--journal', str(self.journal), '-o', str(self.page), *words
        )

    def test_a_time_of_the_journal(self) -> None:
        self.report_journal(
            '--since', '2026-05-04T09:00', '--until', '2026-05-04T12:00+02:00'
        )
        # NOTE: plotly follows, too long to be shown when a test fails.
        text = self.page.read_text().split('<script')[0]
        self.assertIn('web-01', text)
        self.assertIn('The host and its guests', text)

    def test_the_page_is_in_the_current_folder(self) -> None:
        before = os.getcwd()
        self.addCleanup(os.chdir, before)
        os.chdir(self.folder)
        self.report(
            '--journal', str(self.journal), '--since', '2026-05-04T09:00Z'
        )
        self.assertTrue((self.folder / 'balloon-report.html').is_file())

    def test_nothing_of_that_time(self) -> None:
        for words, why in (
            (('--since', '1h'), 'it holds nothing of that time'),
            (('--since', '1h', '--until', '2h'), 'is not later than --since'),
        ):
            with testtools.ExpectedException(
                exception.JournalNotReadable, f'.*{why}'
            ):
                self.report_journal(*words)

    def test_no_journal(self) -> None:
        self.journal.unlink()
        with testtools.ExpectedException(exception.JournalNotReadable):
            self.report_journal()

    def test_the_page_does_not_replace_the_journal(self) -> None:
        with testtools.ExpectedException(
            exception.OutputNotWritable, '.*it is the journal'
        ):
            self.report(
                '--journal',
                str(self.journal),
                '--since',
                '2026-05-04T09:00',
                '-o',
                str(self.journal),
            )

    def test_impossible_words(self) -> None:
        stderr = self.useFixture(fixtures.StringStream('stderr')).stream
        self.useFixture(fixtures.MonkeyPatch('sys.stderr', stderr))
        for words in (
            (),
            ('run.json', '--journal', 'journal.sqlite'),
            ('--journal', 'journal.sqlite', '--since', 'yesterday'),
            ('--journal', 'journal.sqlite', '--since', '0001-01-01T00+05:00'),
        ):
            with testtools.ExpectedException(SystemExit):
                self.report(*words)
