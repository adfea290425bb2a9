# SPDX-License-Identifier: Apache-2.0
"""A policy as one line, as the guest's driver reads it.

The driver knows sizes of the balloon only: what the guest has is what its
hypervisor gave it less that. See guest/timed_balloon/ABI.
"""

from nova_balloon_timer import model

MOST_SEGMENTS = 16
LONGEST_SECONDS = 86_400
# The balloon counts in pages of virtio, whatever the guest's own are.
_PAGE_KIB = 4


def objection(balloon_policy: model.BalloonPolicy) -> str:
    """Say why the driver's line cannot hold a policy; empty if it can."""
    if len(balloon_policy.segments) > MOST_SEGMENTS:
        return (
            f'its driver takes {MOST_SEGMENTS} segments, and not '
            f'{len(balloon_policy.segments)}'
        )
    if balloon_policy.duration_seconds > LONGEST_SECONDS:
        return 'its driver takes no duration of more than a day'
    return ''


def start(
    balloon_policy: model.BalloonPolicy, left_seconds: float, begin_by_ms: int
) -> str:
    """Write the line that begins a policy.

    :param left_seconds: until its deadline; what is over was used up by the
        host
    :param begin_by_ms: on the guest's own clock; it comes too late after that
    """
    used_seconds = balloon_policy.duration_seconds - left_seconds
    target_kib = _balloon_kib(balloon_policy, balloon_policy.target_kib)
    words = [
        'start',
        f'id={balloon_policy.uuid}',
        f'direction={balloon_policy.direction.value}',
        f'target_kib={target_kib}',
        f'duration_ms={max(1, int(left_seconds * 1000))}',
        f'begin_by_ms={begin_by_ms}',
    ]
    segments = _segments(balloon_policy, used_seconds, left_seconds)
    if segments:
        words.append(f'segments={",".join(segments)}')
    reserve_kib = balloon_policy.guards.reserve_kib
    if balloon_policy.direction is model.Direction.INFLATE and reserve_kib:
        words.append(f'reserve_kib={reserve_kib}')
    return ' '.join(words) + '\n'


def cancel(policy_uuid: str) -> str:
    """Write the line that ends a policy."""
    return f'cancel id={policy_uuid}\n'


def _segments(
    balloon_policy: model.BalloonPolicy,
    used_seconds: float,
    left_seconds: float,
) -> list[str]:
    """Write the segments that are not over, counted from now.

    In milliseconds some may fall together: of those the last one holds.
    """
    last_ms = max(1, int(left_seconds * 1000))
    ends_kib: dict[int, int] = {}
    for segment in balloon_policy.segments:
        until_ms = round((segment.until_seconds - used_seconds) * 1000)
        if 0 < until_ms < last_ms:
            ends_kib[until_ms] = _balloon_kib(
                balloon_policy, segment.target_kib
            )
    return [f'{until_ms}:{kib}' for until_ms, kib in ends_kib.items()]


def _balloon_kib(balloon_policy: model.BalloonPolicy, actual_kib: int) -> int:
    """Return the balloon that leaves a guest so much, or a bit more."""
    taken_kib = balloon_policy.maximum_kib - actual_kib
    return taken_kib - taken_kib % _PAGE_KIB
