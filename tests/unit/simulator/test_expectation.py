# SPDX-License-Identifier: Apache-2.0

import dataclasses

from nova_balloon_timer import model
from nova_balloon_timer.simulator import expectation
from nova_balloon_timer.simulator import reader
from nova_balloon_timer.simulator import scenario
from tests.unit.simulator import table

_Changes = dict[str, object]


class TestExpectation(table.Table):
    scenarios = tuple(
        (key, {'expected': expected, 'found': found, 'words': words})
        for key, expected, found, words in (
            ('reason', {}, {'reason': model.EndReason.FAILED}, 'reason: '),
            (
                'too much',
                {'actual_end_kib': (1024, 2048)},
                {'actual_end_kib': 4096},
                'actual-end: 4 MiB, expected 1 MiB to 2 MiB',
            ),
            (
                'unknown size',
                {'actual_end_kib': (1024, 2048)},
                {'actual_end_kib': None},
                'actual-end: unknown',
            ),
            ('freed', {'freed_kib': (5, 6)}, {'freed_kib': 4}, 'freed: '),
            (
                'too long',
                {'ends_by_seconds': 1.0},
                {'ended_at': 1.5},
                'ends-by: after 1.50 s',
            ),
            (
                'too short',
                {'ends_after_seconds': 2.0},
                {'ended_at': 1.5},
                'ends-after: after 1.50 s',
            ),
            (
                'late',
                {'lateness_seconds': 0.01},
                {'lateness_seconds': 0.02},
                'lateness: 20 ms, expected 10 ms at most',
            ),
            (
                'no lateness',
                {'lateness_seconds': 0.01},
                {'lateness_seconds': None},
                'lateness: unknown',
            ),
            (
                'moved on',
                {'moved_after_deadline_kib': 1024},
                {'moved_after_deadline_kib': 2048},
                'moved-after-deadline: 2 MiB, expected 1 MiB at most',
            ),
            (
                'nothing known of moving on',
                {'moved_after_deadline_kib': 1024},
                {'moved_after_deadline_kib': None},
                'moved-after-deadline: unknown',
            ),
            (
                'unconfirmed',
                {'confirmed': True},
                {'confirmed': False},
                'confirmed: False, expected True',
            ),
            ('words', {'says': 'foo'}, {'detail': 'bar'}, "says: 'bar'"),
        )
    )
    expected: _Changes
    found: _Changes
    words: str

    def _report(self, changes: _Changes) -> model.EndReport:
        [outcome] = scenario.run(reader.load('ideal'))
        return dataclasses.replace(
            outcome.report,
            **changes,  # type: ignore[arg-type]
        )

    def test_difference_is_told(self) -> None:
        report = self._report(self.found)
        expected = expectation.Expectation(
            reason=(model.EndReason.TARGET,),
            **self.expected,  # type: ignore[arg-type]
        )

        [complaint] = expected.compare(report)

        self.assertIn(self.words, complaint)

    def test_what_is_open_is_not_compared(self) -> None:
        report = self._report(self.found)
        expected = expectation.Expectation(reason=(report.reason,))

        self.assertEqual((), expected.compare(report))
