# SPDX-License-Identifier: Apache-2.0

import datetime
import pathlib

import fixtures

from nova_balloon_timer import model
from nova_balloon_timer.report import encoding
from nova_balloon_timer.report import run_file
from nova_balloon_timer.report import saved_run
from tests.unit import base
from tests.unit.cmd.remote import fake_agent
from tests.unit.cmd.remote import shell

MIB = base.MIB
_STARTED_AT = datetime.datetime(2026, 5, 1, 12, tzinfo=datetime.timezone.utc)


def _saved() -> saved_run.SavedPolicy:
    report = base.make_report(
        started_at=0.0,
        deadline_at=2.0,
        ended_at=1.0,
        segments=(
            model.SegmentOutcome(
                segment=model.Segment(until_seconds=1.0, target_kib=768 * MIB),
                actual_kib=768 * MIB,
                reached=True,
            ),
        ),
        curve=tuple(
            model.CurvePoint(at=at, actual_kib=512 * MIB)
            for at in (0.0, 0.5, 1.0)
        ),
    )
    return saved_run.SavedPolicy(
        guest_name='web-01', started_at=_STARTED_AT, report=report
    )


class ListTestCase(shell.RemoteTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.agent.past = [
            fake_agent.past(
                fake_agent.ended(fake_agent.policy(), lateness_seconds=0.0021)
            )
            for _ in range(60)
        ]
        self.uuids = [view['uuid'] for view in self.agent.past]

    def test_tells_how_they_ended(self) -> None:
        (row,) = self.run_json('history', 'list', '--limit', '1')
        self.assertEqual(
            {
                'Ended at': '2026-05-01T12:00:01.000000+00:00',
                'Policy': self.uuids[0],
                'Guest': 'web-01',
                'Origin': 'operator',
                'Ended by': 'target',
                'Start MiB': 1024.0,
                'End MiB': 512.0,
                'Target MiB': 512.0,
                'Freed MiB': 300.0,
                'Late ms': 2.1,
                'Timed by': 'host',
                'Detail': 'reached 512 MiB',
            },
            row,
        )

    def test_tells_fifty_unless_it_is_told_otherwise(self) -> None:
        rows = self.run_json('history', 'list')
        self.assertEqual(self.uuids[:50], [row['Policy'] for row in rows])

    def test_goes_on_after_a_list(self) -> None:
        rows = self.run_json('history', 'list', '--before', self.uuids[49])
        self.assertEqual(self.uuids[50:], [row['Policy'] for row in rows])

    def test_of_one_guest(self) -> None:
        self.run_json('history', 'list', '--guest', 'web-01')
        self.assertEqual('web-01', self.agent.calls[0][1]['guest'])

    def test_instants_are_to_the_second_for_people(self) -> None:
        result = self.shell.run('history', 'list', '--limit', '1')
        self.assertIn('| 2026-05-01 12:00:01 |', result.stdout)


class ShowTestCase(shell.RemoteTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.saved = _saved()
        self.uuid = self.saved.report.policy.uuid
        view = encoding.encode_saved_policy(self.saved)
        self.agent.saved[self.uuid] = view

    def test_tells_how_it_ended_and_its_course(self) -> None:
        fields = self.run_show('history', 'show', self.uuid)
        self.assertEqual('web-01', fields['Guest'])
        self.assertEqual('target', fields['Ended by'])
        self.assertEqual(512.0, fields['Moved MiB'])
        self.assertEqual(1.0, fields['Lasted seconds'])
        self.assertEqual(
            [0.0, 0.5, 1.0], [it['at_seconds'] for it in fields['Curve']]
        )

    def test_for_people(self) -> None:
        text = self.shell.run('history', 'show', self.uuid).stdout
        self.assertRegex(text, r'Curve +\| 3 points')
        self.assertRegex(text, r'Segments +\| 1.00 s=768 MiB \(was 768 MiB\) ')

    def test_keeps_it_for_the_report(self) -> None:
        folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        path = folder / 'run.json'
        self.run_show('history', 'show', self.uuid, '--save', str(path))
        run = run_file.load(path)
        self.assertEqual('compute-01', run.host)
        self.assertEqual((self.saved,), run.policies)

    def test_asks_nothing_that_could_not_be_kept(self) -> None:
        self.assert_one_line(
            'there is no folder',
            1,
            'history',
            'show',
            self.uuid,
            '--save',
            '/nonexistent/run.json',
        )
        self.assertEqual([], self.agent.calls)

    def test_keeps_nothing_that_makes_no_sense(self) -> None:
        folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.agent.saved[self.uuid]['direction'] = 'sideways'
        self.assert_one_line(
            "direction is 'sideways'",
            1,
            'history',
            'show',
            self.uuid,
            '--save',
            str(folder / 'run.json'),
        )
        self.assertEqual([], list(folder.iterdir()))
