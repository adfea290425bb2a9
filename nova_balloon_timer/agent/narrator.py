# SPDX-License-Identifier: Apache-2.0
"""Tells the log what happens on the host, in an operator's words."""

from collections.abc import Callable
import math
import time

from oslo_log import log as logging

from nova_balloon_timer import message
from nova_balloon_timer import model
from nova_balloon_timer import situation
from nova_balloon_timer import timekeeping
from nova_balloon_timer import units

LOG = logging.getLogger(__name__)

# Between two lists of who cannot give anything.
_SILENT_SECONDS = 30.0

# A list in one line of the log.
_MOST_NAMES = 20

_GOOD = (
    model.EndReason.TARGET,
    model.EndReason.DEADLINE,
    model.EndReason.CANCELLED,
    model.EndReason.HOST_RECOVERED,
)


class Narrator:
    """Logs notices, starts and ends; what repeats is said now and then.

    :param name_of: from a guest's UUID to what people call it
    """

    def __init__(
        self,
        name_of: Callable[[str], str],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name_of = name_of
        self._clock = clock
        self._silent_until = -math.inf

    def started(
        self,
        balloon_policy: model.BalloonPolicy,
        timing: timekeeping.Timing,
    ) -> None:
        """Say that a policy begins to move its balloon."""
        LOG.info(
            'Guest %s: %s to %s within %s: %s; %s',
            self._name_of(balloon_policy.guest_uuid),
            balloon_policy.direction.value,
            units.format_kib(balloon_policy.target_kib),
            units.format_seconds(balloon_policy.duration_seconds),
            balloon_policy.explanation,
            timing.phrase,
        )

    def sampled(self, guest_uuid: str, sample: model.BalloonSample) -> None:
        """Say nothing: there are many."""

    def ended(self, report: model.EndReport) -> None:
        """Say how a policy ended."""
        level = LOG.info if report.reason in _GOOD else LOG.warning
        level(
            'Guest %s: ended by %s after %s at %s, freed %s: %s',
            self._name_of(report.policy.guest_uuid),
            report.reason.value,
            units.format_seconds(report.duration_seconds),
            _size(report.actual_end_kib),
            _size(report.freed_kib),
            report.detail,
        )

    def noticed(self, notice: message.Notice) -> None:
        """Say what happened on the host."""
        match notice:
            case message.PressureStarted():
                self._silent_until = -math.inf
                LOG.warning('The host is short of memory: %s', notice.words)
            case message.PressureEnded():
                LOG.info(
                    'The host is no longer short of memory: %s', notice.words
                )
            case message.ReliefPlanned():
                self._tell_plan(notice)
            case message.ForeignChange():
                LOG.info(
                    'Guest %s: somebody else moved its balloon from %s to %s',
                    self._name_of(notice.guest_uuid),
                    units.format_kib(notice.before_kib),
                    units.format_kib(notice.after_kib),
                )

    def _tell_plan(self, notice: message.ReliefPlanned) -> None:
        plan = notice.plan
        expected_kib = sum(it.expected_freed_kib for it in plan.proposals)
        guests = len(plan.proposals)
        asked = 'guest is asked' if guests == 1 else 'guests are asked'
        words = (
            f'{guests} {asked} for '
            f'{units.format_kib(expected_kib)} within '
            f'{units.format_seconds(plan.duration_seconds)}'
        )
        if plan.proposals:
            LOG.info(
                '%s of %s: %s',
                'Correction' if notice.corrects else 'Relief',
                units.format_kib(notice.need_kib),
                words,
            )
        if plan.shortfall_kib > 0:
            self._tell_shortfall(plan)

    def _tell_shortfall(self, plan: situation.Plan) -> None:
        """Name who is left out and why, but not at every plan."""
        now = self._clock()
        if now < self._silent_until:
            return
        self._silent_until = now + _SILENT_SECONDS
        reasons = '; '.join(
            f'{self._name_of(left.guest_uuid)}: {left.words}'
            for left in plan.left_out[:_MOST_NAMES]
        )
        more = len(plan.left_out) - _MOST_NAMES
        if more > 0:
            reasons += f'; and {more} more'
        LOG.warning(
            'The need is not covered by %s; left out: %s',
            units.format_kib(plan.shortfall_kib),
            reasons or 'nobody',
        )


def _size(size_kib: int | None) -> str:
    return 'unknown' if size_kib is None else units.format_kib(size_kib)
