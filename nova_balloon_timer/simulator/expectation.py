# SPDX-License-Identifier: Apache-2.0
"""What a scenario expects of a policy's end."""

from collections.abc import Callable
import dataclasses
from typing import TypeVar

from nova_balloon_timer import model
from nova_balloon_timer import units

_Amount = TypeVar('_Amount', int, float)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """Bounds for a policy's report; None leaves a figure open.

    :param reason: one of these
    :param ends_by_seconds: counted from the policy's start
    :param ends_after_seconds: likewise
    :param says: words that the report's detail must hold
    """

    reason: tuple[model.EndReason, ...]
    actual_end_kib: tuple[int, int] | None = None
    freed_kib: tuple[int, int] | None = None
    ends_by_seconds: float | None = None
    ends_after_seconds: float | None = None
    lateness_seconds: float | None = None
    moved_after_deadline_kib: int | None = None
    confirmed: bool | None = None
    says: str = ''

    @property
    def reasons(self) -> str:
        """Return the reasons in words."""
        return ' or '.join(reason.value for reason in self.reason)

    def compare(self, report: model.EndReport) -> tuple[str, ...]:
        """Say what is not as expected, a line each; none if all is."""
        complaints = [
            self._compare_reason(report),
            _within('actual-end', report.actual_end_kib, self.actual_end_kib),
            _within('freed', report.freed_kib, self.freed_kib),
            self._compare_end(report),
            _at_most(
                'lateness',
                report.lateness_seconds,
                self.lateness_seconds,
                units.format_seconds,
            ),
            _at_most(
                'moved-after-deadline',
                report.moved_after_deadline_kib,
                self.moved_after_deadline_kib,
                units.format_kib,
            ),
            self._compare_words(report),
        ]
        return tuple(words for words in complaints if words)

    def _compare_reason(self, report: model.EndReport) -> str:
        if report.reason in self.reason:
            return ''
        return (
            f'reason: {report.reason.value} ({report.detail}), expected '
            f'{self.reasons}'
        )

    def _compare_end(self, report: model.EndReport) -> str:
        seconds = report.duration_seconds
        latest = self.ends_by_seconds
        if latest is not None and seconds > latest + 1e-6:
            return (
                f'ends-by: after {units.format_seconds(seconds)}, expected '
                f'{units.format_seconds(latest)} at the latest'
            )
        earliest = self.ends_after_seconds
        if earliest is not None and seconds < earliest - 1e-6:
            return (
                f'ends-after: after {units.format_seconds(seconds)}, expected '
                f'{units.format_seconds(earliest)} at the earliest'
            )
        return ''

    def _compare_words(self, report: model.EndReport) -> str:
        if self.confirmed is not None and (
            report.confirmed is not self.confirmed
        ):
            return f'confirmed: {report.confirmed}, expected {self.confirmed}'
        if self.says not in report.detail:
            return f"says: '{report.detail}', expected '{self.says}' in it"
        return ''


def _within(
    key: str, found_kib: int | None, bounds: tuple[int, int] | None
) -> str:
    if bounds is None:
        return ''
    lowest, highest = bounds
    expected = f'{units.format_kib(lowest)} to {units.format_kib(highest)}'
    if found_kib is None:
        return f'{key}: unknown, expected {expected}'
    if lowest <= found_kib <= highest:
        return ''
    return f'{key}: {units.format_kib(found_kib)}, expected {expected}'


def _at_most(
    key: str,
    found: _Amount | None,
    highest: _Amount | None,
    write: Callable[[_Amount], str],
) -> str:
    if highest is None:
        return ''
    if found is None:
        return f'{key}: unknown'
    if found <= highest:
        return ''
    return f'{key}: {write(found)}, expected {write(highest)} at most'
