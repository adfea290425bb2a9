# SPDX-License-Identifier: Apache-2.0

import fixtures

from nova_balloon_timer import message
from nova_balloon_timer import model
from nova_balloon_timer import timekeeping
from nova_balloon_timer.agent import chorus
from tests.unit import base


class Singer:
    """Keeps what it is told, or fails at it."""

    def __init__(self, *, fails: bool = False) -> None:
        self.told: list[object] = []
        self._fails = fails

    def started(
        self,
        balloon_policy: model.BalloonPolicy,
        timing: timekeeping.Timing,
    ) -> None:
        self.take((balloon_policy, timing))

    def sampled(self, guest_uuid: str, sample: model.BalloonSample) -> None:
        self.take((guest_uuid, sample))

    def ended(self, report: model.EndReport) -> None:
        self.take(report)

    def noticed(self, notice: message.Notice) -> None:
        self.take(notice)

    def take(self, what: object) -> None:
        if self._fails:
            raise ZeroDivisionError
        self.told.append(what)


class ChorusTestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.log = self.useFixture(fixtures.FakeLogger())
        self.policy = base.make_policy()
        self.sample = base.make_sample()
        self.report = base.make_report()
        self.notice = message.PressureEnded(at=1.0, memory=None, words='well')
        self.all = [
            (self.policy, base.BY_GUEST),
            (self.policy.guest_uuid, self.sample),
            self.report,
            self.notice,
        ]

    def tell(self, told: chorus.Chorus) -> None:
        told.started(self.policy, base.BY_GUEST)
        told.sampled(self.policy.guest_uuid, self.sample)
        told.ended(self.report)
        told.noticed(self.notice)

    def test_everybody_is_told_everything(self) -> None:
        first, second = Singer(), Singer()
        self.tell(chorus.Chorus(first, second))
        self.assertEqual(self.all, first.told)
        self.assertEqual(self.all, second.told)
        self.assertEqual('', self.log.output)

    def test_the_failure_of_one_is_not_the_others_s(self) -> None:
        other = Singer()
        self.tell(chorus.Chorus(Singer(fails=True), other))
        self.assertEqual(self.all, other.told)
        self.assertIn('Singer failed', self.log.output)
        self.assertEqual(4, self.log.output.count('Singer failed'))

    def test_nobody_may_be_there(self) -> None:
        self.tell(chorus.Chorus())
