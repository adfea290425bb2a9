# SPDX-License-Identifier: Apache-2.0
"""Answers have the keys of version 1.0, and nothing but JSON in them."""

from collections.abc import Set
import datetime
from typing import Any

import testscenarios

from nova_balloon_timer import model
from nova_balloon_timer import situation
from nova_balloon_timer.engine import states
from nova_balloon_timer.journal import reader
from nova_balloon_timer.report import saved_run
from nova_balloon_timer.rpc import standing
from nova_balloon_timer.rpc import view
from tests.unit import base
from tests.unit.rpc import contract

MIB = base.MIB
GIB = base.GIB

_NOON = datetime.datetime(2026, 5, 4, 9, 30, tzinfo=datetime.timezone.utc)
_CLOCK = saved_run.WallClock(monotonic_at=100.0, utc=_NOON)
_UUID = base.uuid_of('policy')


class ViewTestCase(base.TestCase):
    def check(self, answer: view.Json, keys: Set[str], **some: Any) -> None:
        """See that an answer has these keys, and some of these values."""
        self.assertEqual(answer, contract.written(answer))
        self.assertEqual(keys, set(answer))
        self.assertEqual(some, {name: answer[name] for name in some})


class PolicyTestCase(ViewTestCase):
    def describe(self, now: float = 101.5, **more: Any) -> view.Json:
        fields: dict[str, Any] = {
            'policy': base.make_policy(uuid=_UUID),
            'guest_name': 'web-01',
        }
        made = standing.PolicyStanding(**(fields | more))
        return view.policy(made, now, _CLOCK)

    def test_one_that_waits_for_the_journal(self) -> None:
        self.check(
            self.describe(requested_at=101.25),
            contract.POLICY_KEYS,
            uuid=_UUID,
            guest_name='web-01',
            direction='inflate',
            origin='operator',
            mode='host',
            start_kib=GIB,
            target_kib=512 * MIB,
            segments=[],
            leash_kib=16 * MIB,
            leash_seconds=0.1,
            state='pending',
            requested_at='2026-05-04T09:30:01.250000+00:00',
            started_at=None,
            deadline_at=None,
            elapsed_seconds=0.0,
            left_seconds=2.0,
            actual_kib=None,
            moved_kib=None,
            held_by='',
            end=None,
        )

    def test_one_that_runs(self) -> None:
        self.check(
            self.describe(
                state=states.State.RUNNING,
                started_at=101.0,
                seen=model.CurvePoint(
                    at=101.4,
                    actual_kib=900 * MIB,
                    usable_kib=700 * MIB,
                    rss_kib=800 * MIB,
                ),
                held_by='its segment',
            ),
            contract.POLICY_KEYS,
            state='running',
            requested_at=None,
            started_at='2026-05-04T09:30:01.000000+00:00',
            deadline_at='2026-05-04T09:30:03.000000+00:00',
            elapsed_seconds=0.5,
            left_seconds=1.5,
            actual_kib=900 * MIB,
            moved_kib=124 * MIB,
            usable_kib=700 * MIB,
            rss_kib=800 * MIB,
            held_by='its segment',
        )

    def test_one_that_is_frozen(self) -> None:
        self.check(
            self.describe(
                now=110.0,
                state=states.State.FREEZING,
                started_at=101.0,
                ended_at=102.5,
            ),
            contract.POLICY_KEYS,
            state='freezing',
            elapsed_seconds=1.5,
            left_seconds=0.0,
            end=None,
        )

    def test_who_keeps_the_clock(self) -> None:
        for timing, told in (
            (None, (None, '')),
            (base.BY_GUEST, ('guest', '')),
            (base.UNABLE, ('host', 'it has no guest agent channel')),
        ):
            answer = self.describe(timing=timing)
            self.assertEqual(
                told, (answer['timed_by'], answer['timing_words'])
            )

    def test_one_that_gives(self) -> None:
        made = base.make_policy(
            direction=model.Direction.DEFLATE,
            start_actual_kib=512 * MIB,
            target_kib=GIB,
            segments=(model.Segment(until_seconds=1.0, target_kib=768 * MIB),),
        )
        answer = self.describe(
            policy=made,
            started_at=101.0,
            seen=model.CurvePoint(at=101.0, actual_kib=600 * MIB),
        )
        self.check(
            answer,
            contract.POLICY_KEYS,
            moved_kib=88 * MIB,
            segments=[{'until_seconds': 1.0, 'target_kib': 768 * MIB}],
            usable_kib=None,
        )


class EndTestCase(ViewTestCase):
    def save(self, **more: Any) -> saved_run.SavedPolicy:
        fields: dict[str, Any] = {
            'policy': base.make_policy(uuid=_UUID),
            'started_at': 0.0,
            'deadline_at': 2.0,
            'ended_at': 1.0,
        }
        return saved_run.SavedPolicy(
            guest_name='web-01',
            started_at=_NOON,
            report=base.make_report(**(fields | more)),
        )

    def test_one_that_has_ended(self) -> None:
        last = model.CurvePoint(
            at=1.0, actual_kib=512 * MIB, usable_kib=300 * MIB, rss_kib=5
        )
        answer = view.ended_policy(self.save(curve=(last,)))
        self.check(
            answer,
            contract.POLICY_KEYS,
            uuid=_UUID,
            state='ended',
            requested_at=None,
            started_at='2026-05-04T09:30:00.000000+00:00',
            deadline_at='2026-05-04T09:30:02.000000+00:00',
            elapsed_seconds=1.0,
            left_seconds=0.0,
            actual_kib=512 * MIB,
            moved_kib=512 * MIB,
            usable_kib=300 * MIB,
            rss_kib=5,
        )
        self.check(
            answer['end'],
            contract.END_KEYS,
            reason='target',
            ended_at='2026-05-04T09:30:01.000000+00:00',
            freed_kib=300 * MIB,
            lateness_seconds=None,
            confirmed=True,
        )

    def test_one_whose_clock_the_guest_kept(self) -> None:
        answer = view.ended_policy(
            self.save(
                timing=base.BY_GUEST, guest_report=base.make_guest_report()
            )
        )
        self.check(answer, contract.POLICY_KEYS, timed_by='guest')
        self.check(
            answer['end']['guest_report'],
            contract.GUEST_REPORT_KEYS,
            reason='deadline',
            reached_kib=600 * MIB,
            lateness_seconds=0.0003,
        )

    def test_one_of_which_nobody_knows_where_it_ended(self) -> None:
        answer = view.ended_policy(
            self.save(
                reason=model.EndReason.GUEST_GONE,
                actual_end_kib=None,
                moved_kib=None,
                freed_kib=None,
                confirmed=False,
            )
        )
        self.check(
            answer, contract.POLICY_KEYS, actual_kib=None, usable_kib=None
        )
        self.check(answer['end'], contract.END_KEYS, reason='guest-gone')

    def test_its_curve_is_made_short(self) -> None:
        curve = tuple(
            model.CurvePoint(at=index / 2000, actual_kib=GIB - index)
            for index in range(2000)
        )
        answer = contract.written(view.saved_policy(self.save(curve=curve)))
        self.assertLessEqual(len(answer['curve']), 500)
        self.assertGreater(len(answer['curve']), 200)
        self.assertEqual(GIB, answer['curve'][0]['actual_kib'])
        self.assertEqual(GIB - 1999, answer['curve'][-1]['actual_kib'])
        self.assertEqual('target', answer['end']['reason'])

    def test_a_short_curve_is_left_alone(self) -> None:
        curve = (model.CurvePoint(at=0.0, actual_kib=GIB),)
        answer = view.saved_policy(self.save(curve=curve))
        self.assertEqual(1, len(answer['curve']))
        self.assertEqual([], view.saved_policy(self.save())['curve'])

    def test_what_is_expected(self) -> None:
        self.check(
            view.expectation(base.make_report()),
            contract.EXPECTED_KEYS,
            reason='target',
            actual_end_kib=512 * MIB,
            duration_seconds=1.0,
        )

    def test_a_line_of_the_history(self) -> None:
        past = reader.PastPolicy(
            uuid=_UUID,
            guest_uuid=base.uuid_of('web-01'),
            guest_name='web-01',
            origin=model.Origin.PRESSURE,
            direction=model.Direction.INFLATE,
            start_kib=GIB,
            target_kib=512 * MIB,
            end_kib=None,
            freed_kib=None,
            reason=model.EndReason.DEADLINE,
            detail='its time was up',
            started_utc=_NOON,
            ended_utc=_NOON + datetime.timedelta(seconds=2),
            lateness_seconds=0.004,
            timing=base.UNABLE,
        )
        self.check(
            view.past_policy(past),
            contract.PAST_KEYS,
            origin='pressure',
            end_kib=None,
            reason='deadline',
            ended_at='2026-05-04T09:30:02.000000+00:00',
            lateness_seconds=0.004,
            timed_by='host',
            timing_words='it has no guest agent channel',
        )

    def test_an_event(self) -> None:
        mark = saved_run.Mark(
            at=_NOON, kind=saved_run.MarkKind.PRESSURE_STARTED, words='short'
        )
        self.check(
            view.event(mark),
            {'at', 'kind', 'words'},
            at='2026-05-04T09:30:00.000000+00:00',
            kind='pressure-started',
        )


class GuestTestCase(ViewTestCase):
    def describe(self, **more: Any) -> view.Json:
        fields: dict[str, Any] = {
            'guest': base.make_guest(),
            'guards': base.make_guards(),
            'sample': base.make_sample(),
            'usable_kib': 600 * MIB,
            'traits': situation.GuestTraits(rate_kib_per_second=1000.0),
            'priority': 2.0,
            'left_alone': None,
            'policy_uuid': None,
        }
        return view.guest(situation.GuestStanding(**(fields | more)))

    def test_one_that_can_give(self) -> None:
        self.check(
            self.describe(),
            contract.GUEST_KEYS,
            name='web-01',
            maximum_kib=GIB,
            actual_kib=GIB,
            usable_kib=600 * MIB,
            rss_kib=900 * MIB,
            floor_kib=256 * MIB,
            reserve_kib=64 * MIB,
            could_take_kib=536 * MIB,
            could_free_kib=536 * MIB,
            priority=2.0,
            refusals=[],
            left_alone='',
            rate_kib_per_second=1000.0,
            cooperation=1.0,
            policy_uuid=None,
        )

    def test_one_that_cannot_be_ballooned(self) -> None:
        refusal = base.make_refusal('it is paused')
        self.check(
            self.describe(
                guest=base.make_guest(refusals=(refusal,)),
                sample=None,
                usable_kib=None,
                traits=situation.GuestTraits(),
                left_alone=refusal,
            ),
            contract.GUEST_KEYS,
            actual_kib=None,
            usable_kib=None,
            rss_kib=None,
            could_take_kib=0,
            could_free_kib=None,
            refusals=['it is paused'],
            left_alone='it is paused',
            rate_kib_per_second=None,
        )

    def test_one_that_is_excluded(self) -> None:
        self.check(
            self.describe(
                priority=None, left_alone=base.make_refusal('excluded')
            ),
            contract.GUEST_KEYS,
            priority=None,
            left_alone='excluded',
            could_take_kib=536 * MIB,
        )

    def test_one_that_has_nothing_to_give(self) -> None:
        self.check(
            self.describe(usable_kib=64 * MIB),
            contract.GUEST_KEYS,
            could_take_kib=0,
            refusals=[],
            left_alone='its usable memory of 64 MiB is within its reserve of '
            '64 MiB',
        )

    def test_one_with_a_policy(self) -> None:
        self.check(
            self.describe(policy_uuid=_UUID),
            contract.GUEST_KEYS,
            policy_uuid=_UUID,
        )


class HostTestCase(ViewTestCase):
    def describe(
        self,
        notifications: standing.NotificationStanding | None = None,
        **more: Any,
    ) -> view.Json:
        fields: dict[str, Any] = {
            'is_short': True,
            'words': '500 MiB available',
            'memory': situation.HostMemory(
                at=100.0, total_kib=8 * GIB, available_kib=500 * MIB
            ),
            'watermarks': situation.Watermarks(low_kib=GIB, high_kib=2 * GIB),
            'stalled_share': 0.25,
            'fall_kib_per_second': 10.5,
            'exhaustion_seconds': 48.0,
            'guests': 3,
            'policies': 2,
            'relief_kib': 524 * MIB,
        }
        return view.host(
            standing.HostStanding(**(fields | more)),
            standing.Identity(
                host='compute1',
                version='0.1.0',
                started_utc=_NOON,
                connection_uri='qemu:///system',
                applier='libvirt',
                planner='default',
                pressure_sources=('meminfo', 'psi'),
            ),
            standing.JournalStanding(path='/a/journal.sqlite', waiting=4),
            notifications or standing.NotificationStanding(),
        )

    def test_one_that_is_short(self) -> None:
        self.check(
            self.describe(),
            contract.HOST_KEYS,
            host='compute1',
            version='0.1.0',
            started_at='2026-05-04T09:30:00.000000+00:00',
            is_short=True,
            words='500 MiB available',
            total_kib=8 * GIB,
            available_kib=500 * MIB,
            low_watermark_kib=GIB,
            high_watermark_kib=2 * GIB,
            stalled_share=0.25,
            fall_kib_per_second=10.5,
            exhaustion_seconds=48.0,
            guests=3,
            policies=2,
            relief_kib=524 * MIB,
            pressure_sources=['meminfo', 'psi'],
            journal={
                'path': '/a/journal.sqlite',
                'failure': '',
                'waiting': 4,
            },
            notifications={
                'enabled': False,
                'waiting': None,
                'dropped': 0,
                'failure': '',
            },
        )

    def test_one_that_was_never_read(self) -> None:
        unknown = dict.fromkeys(
            (
                'memory',
                'watermarks',
                'stalled_share',
                'fall_kib_per_second',
                'exhaustion_seconds',
            )
        )
        self.check(
            self.describe(**unknown),
            contract.HOST_KEYS,
            total_kib=None,
            available_kib=None,
            low_watermark_kib=None,
            high_watermark_kib=None,
            stalled_share=None,
            fall_kib_per_second=None,
            exhaustion_seconds=None,
        )

    def test_one_that_tells_of_itself(self) -> None:
        answer = self.describe(
            standing.NotificationStanding(
                is_enabled=True, waiting=7, dropped=1, failure='away'
            )
        )
        self.assertEqual(
            {'enabled': True, 'waiting': 7, 'dropped': 1, 'failure': 'away'},
            answer['notifications'],
        )


class PageTestCase(testscenarios.WithScenarios, ViewTestCase):
    scenarios = [
        ('nothing', {'count': 0, 'shown': 0, 'marker': None}),
        ('less', {'count': 2, 'shown': 2, 'marker': None}),
        ('just as many', {'count': 3, 'shown': 3, 'marker': None}),
        ('more', {'count': 4, 'shown': 3, 'marker': '2'}),
    ]
    count: int
    shown: int
    marker: str | None

    def test_says_from_where_to_go_on(self) -> None:
        items = [{'uuid': str(index)} for index in range(self.count)]
        answer = view.page('policies', items, 3)
        self.assertEqual(items[: self.shown], answer['policies'])
        self.assertEqual(self.marker, answer['next_marker'])
