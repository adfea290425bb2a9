# SPDX-License-Identifier: Apache-2.0
"""Notices in the words in which they are kept."""

from nova_balloon_timer import message
from nova_balloon_timer import units
from nova_balloon_timer.report import saved_run


def kind_of(notice: message.Notice) -> saved_run.MarkKind:
    """Return what happened."""
    match notice:
        case message.PressureStarted():
            return saved_run.MarkKind.PRESSURE_STARTED
        case message.PressureEnded():
            return saved_run.MarkKind.PRESSURE_ENDED
        case message.ReliefPlanned():
            if notice.corrects:
                return saved_run.MarkKind.RELIEF_CORRECTED
            return saved_run.MarkKind.RELIEF_PLANNED
        case message.ForeignChange():
            return saved_run.MarkKind.FOREIGN_CHANGE


def words_of(notice: message.Notice, guest_name: str | None = None) -> str:
    """Say what happened, in a line.

    :param guest_name: of the guest that the notice is about, if known
    """
    match notice:
        case message.PressureStarted() | message.PressureEnded():
            return notice.words
        case message.ReliefPlanned():
            return _words_of_relief(notice)
        case message.ForeignChange():
            before = units.format_kib(notice.before_kib)
            after = units.format_kib(notice.after_kib)
            name = guest_name or notice.guest_uuid
            return f'{name} was moved from {before} to {after}'


def _words_of_relief(notice: message.ReliefPlanned) -> str:
    plan = notice.plan
    need = units.format_kib(notice.need_kib)
    number = len(plan.proposals)
    guests = '1 guest' if number == 1 else f'{number} guests'
    freed_kib = sum(it.expected_freed_kib for it in plan.proposals)
    words = f'{need} needed: nothing can be asked of any guest'
    if number:
        words = (
            f'{need} needed: {guests} asked for {units.format_kib(freed_kib)} '
            f'within {units.format_seconds(plan.duration_seconds)}'
        )
    if plan.shortfall_kib:
        words += f'; {units.format_kib(plan.shortfall_kib)} not covered'
    return words
