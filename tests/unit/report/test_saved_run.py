# SPDX-License-Identifier: Apache-2.0
import datetime

from nova_balloon_timer import model
from nova_balloon_timer.report import saved_run
from tests.unit import base

_CLOCK = saved_run.WallClock(
    monotonic_at=90.0,
    utc=datetime.datetime(
        2026,
        5,
        4,
        11,
        30,
        tzinfo=datetime.timezone(datetime.timedelta(0, 7200)),
    ),
)


class TestSavedRun(base.TestCase):
    def make_run(self, report: model.EndReport) -> saved_run.SavedPolicy:
        run = saved_run.from_reports(
            [report],
            guest_names={base.uuid_of('web-01'): 'web\udc80'},
            host='here',
            wall_clock=_CLOCK,
        )
        self.assertEqual('here', run.host)
        return run.policies[0]

    def test_instants_are_counted_from_the_start(self) -> None:
        point = model.CurvePoint(at=100.5, actual_kib=1)
        saved = self.make_run(base.make_report(curve=(point,)))
        report = saved.report
        self.assertEqual(
            (0.0, 2.0, 1.0),
            (report.started_at, report.deadline_at, report.ended_at),
        )
        self.assertEqual(0.5, report.curve[0].at)

    def test_the_start_is_in_utc(self) -> None:
        saved = self.make_run(base.make_report())
        self.assertEqual(
            '2026-05-04T09:30:10+00:00', saved.started_at.isoformat()
        )

    def test_a_name_that_cannot_be_written_is_mended(self) -> None:
        saved = self.make_run(base.make_report())
        self.assertEqual('web?', saved.guest_name)

    def test_a_guest_without_a_name_is_called_by_its_uuid(self) -> None:
        policy = base.make_policy(guest_uuid='nobody')
        saved = self.make_run(base.make_report(policy=policy))
        self.assertEqual('nobody', saved.guest_name)
