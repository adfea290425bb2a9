# SPDX-License-Identifier: Apache-2.0

from nova_balloon_timer import model
from nova_balloon_timer.agent import unjournaled
from tests.unit import base

_CURVE = tuple(
    model.CurvePoint(at=float(at), actual_kib=base.GIB) for at in range(9)
)


class UnjournaledTestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.ends = unjournaled.UnjournaledEnds()

    def add(self) -> model.EndReport:
        report = base.make_report(policy=base.make_policy(), curve=_CURVE)
        self.ends.add(report)
        return report

    def find(self, report: model.EndReport) -> model.EndReport:
        found = self.ends.find(report.policy.uuid)
        assert found is not None
        return found

    def test_an_end_is_there_until_the_journal_has_it(self) -> None:
        report = self.add()
        self.assertIs(report, self.find(report))
        self.ends.settle(report.policy.uuid, True)
        self.assertIsNone(self.ends.find(report.policy.uuid))

    def test_what_the_journal_lost_is_kept_without_its_curve(self) -> None:
        report = self.add()
        self.ends.settle(report.policy.uuid, False)
        self.assertEqual(_CURVE[-1:], self.find(report).curve)
        self.assertEqual(report.reason, self.find(report).reason)

    def test_a_disk_that_hangs_costs_no_more_than_so_much(self) -> None:
        reports = [self.add() for _ in range(1500)]
        self.assertIsNone(self.ends.find(reports[0].policy.uuid))
        self.assertEqual(_CURVE[-1:], self.find(reports[-1]).curve)
        kept = [it for it in reports if self.ends.find(it.policy.uuid)]
        self.assertEqual(reports[500:], kept)

    def test_what_is_not_there_is_settled_already(self) -> None:
        self.ends.settle('nobody', True)
        self.ends.settle('nobody', False)
        self.assertIsNone(self.ends.find('nobody'))
