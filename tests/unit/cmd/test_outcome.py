# SPDX-License-Identifier: Apache-2.0

from typing import Any

import testscenarios

from nova_balloon_timer import model
from nova_balloon_timer import timekeeping
from nova_balloon_timer.cmd import base as cmd_base
from nova_balloon_timer.cmd import outcome
from nova_balloon_timer.cmd import preparation
from tests.unit import base

MIB = base.MIB
_Reason = model.EndReason


def _plain(row: outcome.Row) -> list[object]:
    """Return a row as programs read it."""
    return [
        cell.machine_readable() if isinstance(cell, cmd_base.Figure) else cell
        for cell in row
    ]


def _plan(**more: Any) -> preparation.Plan:
    """Return a plan for web-01, and web-02 that is left alone."""
    guests = (base.make_guest('web-01'), base.make_guest('web-02'))
    fields: dict[str, Any] = {
        'guests': guests,
        'samples': {guest.uuid: base.make_sample() for guest in guests},
        'policies': (base.make_policy(guest_uuid=guests[0].uuid),),
        'refusals': {
            guests[1].uuid: model.Refusal(
                obstacle=model.Obstacle.NO_ROOM, words='it has no room'
            )
        },
    }
    return preparation.Plan(**(fields | more))


class Watching:
    """An observer that keeps what it is told."""

    def __init__(self) -> None:
        self.told: list[object] = []

    def started(
        self,
        balloon_policy: model.BalloonPolicy,
        timing: timekeeping.Timing,
    ) -> None:
        self.told.append((balloon_policy, timing))

    def sampled(self, guest_uuid: str, sample: model.BalloonSample) -> None:
        self.told.append((guest_uuid, sample))

    def ended(self, report: model.EndReport) -> None:
        self.told.append(report)


class RecorderTestCase(base.TestCase):
    def test_passes_everything_on_and_keeps_the_reports(self) -> None:
        watching = Watching()
        recorder = outcome.Recorder(watching)
        made, sample = base.make_policy(), base.make_sample()
        report = base.make_report(policy=made)
        recorder.started(made, base.BY_GUEST)
        recorder.sampled(made.guest_uuid, sample)
        recorder.ended(report)
        self.assertEqual(
            [(made, base.BY_GUEST), (made.guest_uuid, sample), report],
            watching.told,
        )
        self.assertEqual([report], recorder.reports)


class InTimeTestCase(testscenarios.WithScenarios, base.TestCase):
    scenarios = [
        (
            reason.value,
            {
                'reason': reason,
                'in_time': reason in (_Reason.TARGET, _Reason.DEADLINE),
            },
        )
        for reason in model.EndReason
    ]
    reason: model.EndReason
    in_time: bool

    def recorder(self, **more: Any) -> outcome.Recorder:
        recorder = outcome.Recorder(Watching())
        recorder.ended(base.make_report())
        recorder.ended(base.make_report(reason=self.reason, **more))
        return recorder

    def test_is_a_target_or_a_deadline(self) -> None:
        self.assertIs(self.in_time, self.recorder().all_ended_in_time)

    def test_is_only_what_was_confirmed(self) -> None:
        recorder = self.recorder(confirmed=False)
        self.assertFalse(recorder.all_ended_in_time)


class PlanRowsTestCase(base.TestCase):
    def test_tell_what_would_be_done_to_whom(self) -> None:
        taken, refused = outcome.plan_rows(_plan())
        self.assertEqual(
            ['web-01', 'inflate', 1024.0, 512.0, 256.0, 64.0, 736.0, 512.0],
            _plain(taken)[:8],
        )
        self.assertEqual('target: reached 512 MiB', _plain(taken)[-1])
        self.assertEqual(
            ['web-02', 'refuse', 1024.0, *[None] * 7, 'it has no room'],
            _plain(refused),
        )

    def test_tell_who_would_keep_the_clock_and_why_not_the_guest(self) -> None:
        guest_uuid = base.uuid_of('web-01')
        for timings, told in (
            ({guest_uuid: base.BY_GUEST}, 'guest'),
            ({guest_uuid: base.BY_HOST}, 'host'),
            (
                {guest_uuid: base.UNABLE},
                'host: it has no guest agent channel',
            ),
            ({}, 'unknown'),
        ):
            taken, _ = outcome.plan_rows(_plan(timings=timings))
            self.assertEqual(told, _plain(taken)[-2])

    def test_have_a_cell_for_each_column(self) -> None:
        for row in outcome.plan_rows(_plan()):
            self.assertEqual(len(outcome.PLAN_COLUMNS), len(row))

    def test_of_a_guest_that_could_not_be_read(self) -> None:
        plan = _plan()
        (made,) = plan.policies
        samples = {made.guest_uuid: plan.samples[made.guest_uuid]}
        _, refused = outcome.plan_rows(_plan(samples=samples))
        self.assertIsNone(_plain(refused)[2])


class EndRowsTestCase(base.TestCase):
    def rows(self, **more: Any) -> list[list[object]]:
        plan = _plan()
        (made,) = plan.policies
        report = base.make_report(policy=made, **more)
        rows = outcome.end_rows(plan, [report])
        for row in rows:
            self.assertEqual(len(outcome.END_COLUMNS), len(row))
        return [_plain(row) for row in rows]

    def test_tell_how_each_ended(self) -> None:
        ended, refused = self.rows(timing=base.BY_GUEST)
        self.assertEqual(
            [
                'web-01',
                'target',
                1024.0,
                512.0,
                512.0,
                512.0,
                300.0,
                1.0,
                None,
                None,
                'guest',
                'reached 512 MiB',
            ],
            ended,
        )
        self.assertEqual(
            ['web-02', 'refused', *[None] * 9, 'it has no room'], refused
        )

    def test_tell_how_late_a_deadline_was(self) -> None:
        ended, _ = self.rows(
            reason=_Reason.DEADLINE,
            lateness_seconds=0.00249,
            moved_after_deadline_kib=MIB // 2,
        )
        self.assertEqual([2.5, 0.5], ended[8:10])

    def test_a_deadline_that_was_met_is_not_unknown(self) -> None:
        ended, _ = self.rows(
            reason=_Reason.DEADLINE,
            lateness_seconds=0.0,
            moved_after_deadline_kib=0,
        )
        self.assertEqual([0.0, 0.0], ended[8:10])

    def test_what_is_unknown_is_not_zero(self) -> None:
        ended, _ = self.rows(
            reason=_Reason.GUEST_GONE,
            actual_end_kib=None,
            moved_kib=None,
            freed_kib=None,
        )
        self.assertEqual([None, None, None], [ended[3], ended[5], ended[6]])

    def test_are_in_the_order_of_the_command_line(self) -> None:
        guests = tuple(base.make_guest(name) for name in 'cab')
        policies = tuple(
            base.make_policy(guest_uuid=guest.uuid) for guest in guests
        )
        plan = _plan(guests=guests, policies=policies, refusals={})
        reports = [base.make_report(policy=made) for made in policies]
        rows = outcome.end_rows(plan, reports[::-1])
        self.assertEqual(['c', 'a', 'b'], [row[0] for row in rows])


class SavedRunTestCase(base.TestCase):
    def test_keeps_names_and_ends(self) -> None:
        plan = _plan()
        report = base.make_report(policy=plan.policies[0])
        run = outcome.saved_run_of(plan, [report])
        (saved,) = run.policies
        self.assertEqual('web-01', saved.guest_name)
        self.assertEqual(plan.policies[0], saved.report.policy)
        self.assertNotEqual('', run.host)
        self.assertIsNotNone(saved.started_at.tzinfo)
