# SPDX-License-Identifier: Apache-2.0
"""From what an agent tells of a policy to what the local commands know.

So whatever shows a policy of ours shows an agent's as well.
"""

import time

from nova_balloon_timer import model
from nova_balloon_timer import timekeeping
from nova_balloon_timer.cmd.remote import answer
from nova_balloon_timer.cmd.remote import connection


def is_over(view: connection.View) -> bool:
    """Tell whether a policy has ended."""
    return view.get('end') is not None


def is_begun(view: connection.View) -> bool:
    """Tell whether a policy moves its balloon, or has done so."""
    return view.get('state') not in ('pending', 'offered')


def policy_of(view: connection.View) -> model.BalloonPolicy:
    """Return a policy.

    :raises AnswerInvalid: it makes no sense
    """
    with answer.checked():
        return model.BalloonPolicy(
            uuid=view['uuid'],
            guest_uuid=view['guest_uuid'],
            direction=model.Direction(view['direction']),
            start_actual_kib=view['start_kib'],
            target_kib=view['target_kib'],
            maximum_kib=view['maximum_kib'],
            duration_seconds=view['duration_seconds'],
            guards=model.Guards(
                floor_kib=view['floor_kib'], reserve_kib=view['reserve_kib']
            ),
            segments=tuple(
                model.Segment(
                    until_seconds=it['until_seconds'],
                    target_kib=it['target_kib'],
                )
                for it in view['segments']
            ),
            leash=model.Leash(
                minimum_kib=view['leash_kib'],
                lead_seconds=view['leash_seconds'],
            ),
            mode=timekeeping.Mode(view['mode']),
            origin=model.Origin(view['origin']),
            explanation=view['explanation'],
        )


def timing_of(view: connection.View) -> timekeeping.Timing:
    """Return who keeps a policy's clock: the host, while that is open.

    :raises AnswerInvalid: it makes no sense
    """
    with answer.checked():
        if view['timed_by'] is None:
            return timekeeping.Timing()
        return timekeeping.Timing(
            keeper=timekeeping.Mode(view['timed_by']),
            words=view['timing_words'],
        )


def sample_of(view: connection.View) -> model.BalloonSample | None:
    """Return where a policy's balloon stands now; None if nobody knows.

    :raises AnswerInvalid: it makes no sense
    """
    with answer.checked():
        if view['actual_kib'] is None:
            return None
        return model.BalloonSample(
            at=time.monotonic(),
            actual_kib=view['actual_kib'],
            rss_kib=view['rss_kib'],
        )


def report_of(view: connection.View) -> model.EndReport:
    """Return how a policy ended; its instants count from its start.

    :raises AnswerInvalid: it makes no sense
    """
    made = policy_of(view)
    with answer.checked():
        end = view['end']
        return model.EndReport(
            policy=made,
            reason=model.EndReason(end['reason']),
            detail=end['detail'],
            started_at=0.0,
            deadline_at=made.duration_seconds,
            ended_at=end['duration_seconds'],
            actual_start_kib=made.start_actual_kib,
            actual_end_kib=end['actual_end_kib'],
            moved_kib=end['moved_kib'],
            freed_kib=end['freed_kib'],
            lateness_seconds=end['lateness_seconds'],
            moved_after_deadline_kib=end['moved_after_deadline_kib'],
            confirmed=end['confirmed'],
            timing=timing_of(view),
            guest_report=_guest_report_of(end['guest_report']),
        )


def _guest_report_of(
    said: connection.View | None,
) -> timekeeping.GuestReport | None:
    if said is None:
        return None
    reason = timekeeping.GuestEnd(said['reason'])
    return timekeeping.GuestReport(**(said | {'reason': reason}))


def why_not(guest: connection.View) -> str:
    """Say why nothing may be asked of a guest; empty if something may."""
    reasons = (*guest['refusals'], guest['left_alone'])
    return '; '.join(dict.fromkeys(filter(None, reasons)))
