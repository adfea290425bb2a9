# SPDX-License-Identifier: Apache-2.0

import fixtures
import testscenarios

from nova_balloon_timer import message
from nova_balloon_timer import model
from nova_balloon_timer import situation
from nova_balloon_timer.agent import narrator
from tests.unit import base

MIB = base.MIB
_Reason = model.EndReason


class NarratorTestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.log = self.useFixture(
            fixtures.FakeLogger(format='%(levelname)s %(message)s')
        )
        self.now = 100.0
        names = {base.uuid_of(name): name for name in ('web-01', 'db-01')}
        self.narrator = narrator.Narrator(
            lambda uuid: names.get(uuid, uuid), clock=lambda: self.now
        )


class PolicyTestCase(NarratorTestCase):
    def test_a_start_says_who_where_when_and_why(self) -> None:
        self.narrator.started(
            base.make_policy(explanation='it can'), base.UNABLE
        )
        self.assertEqual(
            'INFO Guest web-01: inflate to 512 MiB within 2.00 s: it can; '
            'timed by the host: it has no guest agent channel\n',
            self.log.output,
        )

    def test_samples_are_not_said(self) -> None:
        self.narrator.sampled('any', base.make_sample())
        self.assertEqual('', self.log.output)

    def test_an_end_says_what_came_of_it(self) -> None:
        self.narrator.ended(base.make_report())
        self.assertEqual(
            'INFO Guest web-01: ended by target after 1.00 s at 512 MiB, '
            'freed 300 MiB: reached 512 MiB\n',
            self.log.output,
        )

    def test_unknown_is_not_zero(self) -> None:
        self.narrator.ended(
            base.make_report(actual_end_kib=None, freed_kib=None)
        )
        self.assertIn('at unknown, freed unknown', self.log.output)

    def test_a_stranger_goes_by_its_uuid(self) -> None:
        made = base.make_policy(guest_uuid=base.uuid_of('nobody'))
        self.narrator.started(made, base.BY_HOST)
        self.assertIn(f'Guest {made.guest_uuid}:', self.log.output)


class LevelTestCase(testscenarios.WithScenarios, NarratorTestCase):
    """A warning is for what an operator should look at."""

    scenarios = [
        (reason.value, {'reason': reason, 'level': level})
        for reason, level in (
            (_Reason.TARGET, 'INFO'),
            (_Reason.DEADLINE, 'INFO'),
            (_Reason.DISTRESS, 'WARNING'),
            (_Reason.STALLED, 'WARNING'),
            (_Reason.CANCELLED, 'INFO'),
            (_Reason.SUPERSEDED, 'WARNING'),
            (_Reason.GUEST_GONE, 'WARNING'),
            (_Reason.HOST_RECOVERED, 'INFO'),
            (_Reason.FAILED, 'WARNING'),
        )
    ]
    reason: _Reason
    level: str

    def test_is_that(self) -> None:
        self.narrator.ended(base.make_report(reason=self.reason))
        self.assertEqual(self.level, self.log.output.split()[0])


class NoticeTestCase(NarratorTestCase):
    def test_pressure_is_a_warning_and_its_end_is_not(self) -> None:
        self.narrator.noticed(
            message.PressureStarted(at=1.0, memory=None, words='low')
        )
        self.narrator.noticed(
            message.PressureEnded(at=2.0, memory=None, words='well')
        )
        self.assertEqual(
            'WARNING The host is short of memory: low\n'
            'INFO The host is no longer short of memory: well\n',
            self.log.output,
        )

    def test_a_foreign_change_says_from_where_to_where(self) -> None:
        self.narrator.noticed(
            message.ForeignChange(
                at=1.0,
                guest_uuid=base.uuid_of('db-01'),
                before_kib=1024 * MIB,
                after_kib=512 * MIB,
            )
        )
        self.assertEqual(
            'INFO Guest db-01: somebody else moved its balloon from '
            '1024 MiB to 512 MiB\n',
            self.log.output,
        )


class PlanTestCase(NarratorTestCase):
    def plan(
        self,
        *names: str,
        shortfall_mib: int = 0,
        why: str = 'it is paused',
        corrects: bool = False,
    ) -> None:
        self.narrator.noticed(
            message.ReliefPlanned(
                at=self.now,
                need_kib=300 * MIB,
                corrects=corrects,
                plan=situation.Plan(
                    duration_seconds=5.0,
                    proposals=tuple(
                        situation.Proposal(
                            guest_uuid=base.uuid_of(name),
                            target_kib=512 * MIB,
                            expected_freed_kib=100 * MIB,
                            words='it can',
                        )
                        for name in names
                    ),
                    left_out=(
                        situation.LeftOut(
                            guest_uuid=base.uuid_of('db-01'), words=why
                        ),
                    ),
                    shortfall_kib=shortfall_mib * MIB,
                ),
            )
        )

    def count_warnings(self) -> int:
        return self.log.output.count('WARNING')

    def test_one_guest_is_one(self) -> None:
        self.plan('web-01')
        self.assertEqual(
            'INFO Relief of 300 MiB: 1 guest is asked for 100 MiB within '
            '5.00 s\n',
            self.log.output,
        )

    def test_more_are_more(self) -> None:
        self.plan('web-01', 'web-02', corrects=True)
        self.assertEqual(
            'INFO Correction of 300 MiB: 2 guests are asked for 200 MiB '
            'within 5.00 s\n',
            self.log.output,
        )

    def test_a_shortfall_names_who_gives_nothing_and_why(self) -> None:
        self.plan('web-01', shortfall_mib=200)
        self.assertIn(
            'WARNING The need is not covered by 200 MiB; left out: '
            'db-01: it is paused\n',
            self.log.output,
        )

    def test_a_shortfall_of_a_large_host_names_some(self) -> None:
        self.narrator.noticed(
            message.ReliefPlanned(
                at=self.now,
                need_kib=300 * MIB,
                corrects=False,
                plan=situation.Plan(
                    duration_seconds=5.0,
                    proposals=(),
                    left_out=tuple(
                        situation.LeftOut(
                            guest_uuid=f'g{number}', words='it is paused'
                        )
                        for number in range(1000)
                    ),
                    shortfall_kib=300 * MIB,
                ),
            )
        )
        self.assertIn('g19: it is paused; and 980 more\n', self.log.output)
        self.assertNotIn('g20:', self.log.output)

    def test_where_nobody_gives_the_shortfall_alone_is_said(self) -> None:
        self.plan(shortfall_mib=300)
        self.assertNotIn('INFO', self.log.output)
        self.assertEqual(1, self.count_warnings())

    def test_a_shortfall_is_not_said_at_every_plan(self) -> None:
        for seconds in range(60, 31, -1):
            self.plan(shortfall_mib=300, why=f'for another {seconds} s')
            self.now += 1.0
        self.assertEqual(1, self.count_warnings())

    def test_it_is_said_again_after_a_while(self) -> None:
        self.plan(shortfall_mib=300)
        self.now += 30.0
        self.plan(shortfall_mib=300)
        self.assertEqual(2, self.count_warnings())

    def test_it_is_said_again_under_new_pressure(self) -> None:
        for _ in range(2):
            self.narrator.noticed(
                message.PressureStarted(at=1.0, memory=None, words='low')
            )
            self.plan(shortfall_mib=300)
        self.assertEqual(4, self.count_warnings())
