# SPDX-License-Identifier: Apache-2.0
from nova_balloon_timer import model
from nova_balloon_timer import timekeeping
from nova_balloon_timer.report import saved_run
from nova_balloon_timer.report import words
from tests.unit import base
from tests.unit.report import examples

_RUN = examples.make_run()


class TestWords(base.TestCase):
    def test_headline_of_several(self) -> None:
        self.assertEqual(
            'Of 6 timed policies, 2 reached their targets, 2 were stopped at '
            'their deadlines, 1 was stopped because its guest suffered and 1 '
            'failed.',
            words.headline(_RUN),
        )

    def test_headline_of_one(self) -> None:
        run = saved_run.SavedRun(host='here', policies=_RUN.policies[1:2])
        self.assertEqual(
            'The one timed policy reached its target.', words.headline(run)
        )

    def test_headline_of_none(self) -> None:
        run = saved_run.SavedRun(host='here', policies=())
        self.assertEqual('No policy ended in this run.', words.headline(run))

    def test_every_reason_has_words(self) -> None:
        self.assertEqual(set(model.EndReason), set(words.REASONS))
        for reason in model.EndReason:
            saved = saved_run.SavedPolicy(
                guest_name='web-01',
                started_at=_RUN.policies[0].started_at,
                report=base.make_report(reason=reason),
            )
            for number in (1, 2):
                run = saved_run.SavedRun(
                    host='here', policies=(saved,) * number
                )
                self.assertTrue(words.headline(run).endswith('.'))

    def test_totals_name_what_is_unknown(self) -> None:
        totals = {name: rest for name, *rest in words.figures(_RUN)}
        reports = [saved.report for saved in _RUN.policies]
        given = [
            report
            for report in reports
            if report.policy.direction is model.Direction.DEFLATE
        ]
        self.assertEqual(
            ['1024 MiB', '1 policy'], totals['given back to guests']
        )
        self.assertEqual(1, len(given))
        self.assertEqual(
            '4 policies; unknown of 1', totals['taken from guests'][1]
        )
        freed_kib = sum(report.freed_kib or 0 for report in reports)
        self.assertEqual(
            [
                f'{freed_kib / 1024:.0f} MiB',
                "5 guests' RSS, net; unknown of 1",
            ],
            totals['host memory freed'],
        )

    def test_totals_of_nothing_known(self) -> None:
        run = saved_run.SavedRun(host='here', policies=_RUN.policies[:1])
        totals = {name: rest for name, *rest in words.figures(run)}
        self.assertEqual(words.UNKNOWN, totals['taken from guests'][0])
        self.assertEqual(
            words.UNKNOWN, totals['latest stop after its deadline'][0]
        )

    def test_negative_sizes_have_a_minus(self) -> None:
        self.assertEqual('\u2212614', words.mebibytes(-614 * base.MIB))

    def test_segments(self) -> None:
        segment = model.Segment(until_seconds=1.0, target_kib=base.GIB)
        for reached, word in ((True, 'reached'), (False, 'missed')):
            outcome = model.SegmentOutcome(
                segment=segment, actual_kib=base.GIB, reached=reached
            )
            self.assertEqual(
                f'by 1.00 s to 1024 MiB: {word}, at 1024 MiB',
                words.segment(outcome),
            )

    def test_a_plan_says_who_kept_the_clock(self) -> None:
        for timing, clause in (
            (base.BY_GUEST, 'within 2.00 s; timed by the guest; never'),
            (
                base.UNABLE,
                'timed by the host: it has no guest agent channel; never',
            ),
        ):
            told = words.plan(base.make_report(timing=timing))
            self.assertIn(clause, told)

    def test_what_a_guest_says(self) -> None:
        self.assertEqual(
            'The guest says: ended by deadline after 2.00 s of its clock, at '
            '600\u00a0MiB; moved 424\u00a0MiB; the last 0.2\u00a0MiB until '
            '0.3 ms after its deadline; found no memory to take 3 times.',
            words.guest_report(base.make_guest_report()),
        )

    def test_what_a_guest_says_that_is_not_there_yet(self) -> None:
        report = base.make_guest_report(
            reason=timekeeping.GuestEnd.RUNNING,
            elapsed_seconds=0.5,
            lateness_seconds=0.0,
            moved_after_deadline_kib=0,
            allocation_failures=0,
        )
        self.assertEqual(
            'The guest says: it had not ended yet after 500 ms of its clock, '
            'at 600\u00a0MiB; moved 424\u00a0MiB.',
            words.guest_report(report),
        )
