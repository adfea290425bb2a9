# SPDX-License-Identifier: Apache-2.0
"""An announcement of each type, and the samples that operators read.

A sample is the message that a listener gets, without what oslo.messaging adds
by itself. After a change of what is told, write them anew::

    python -m tests.unit.notifier.examples --write
"""

import argparse
from collections.abc import Iterator
import datetime
import json
import pathlib
from typing import Any

from nova_balloon_timer import announcement
from nova_balloon_timer import model
from nova_balloon_timer import ownership
from nova_balloon_timer import situation
from nova_balloon_timer import timekeeping
from nova_balloon_timer.notifier import payload
from tests.unit import base

HOST = 'compute-17'
SAMPLES = pathlib.Path(__file__).parents[3] / 'doc' / 'notification_samples'

_BEGAN = datetime.datetime(2026, 5, 1, 12, 0, tzinfo=datetime.timezone.utc)
_BEGAN_AT = 86_400.0
_STARTED_AT = _BEGAN_AT + 0.0125

MIB = base.MIB
GIB = base.GIB


def utc_at(at: float) -> datetime.datetime:
    """Return when it was on that host, by its other clock."""
    return _BEGAN + datetime.timedelta(seconds=at - _BEGAN_AT)


def _balloon_policy(name: str, **more: Any) -> model.BalloonPolicy:
    fields: dict[str, Any] = {
        'uuid': base.uuid_of(f'policy of {name}'),
        'guest_uuid': base.uuid_of(name),
        'start_actual_kib': 2 * GIB,
        'target_kib': 1280 * MIB,
        'maximum_kib': 2 * GIB,
        'guards': base.make_guards(floor_kib=512 * MIB, reserve_kib=128 * MIB),
        'mode': timekeeping.Mode.AUTO,
        'origin': model.Origin.PRESSURE,
        'explanation': 'the host lacks 1843 MiB; gives 768 MiB of the 830 MiB '
        'that it can spare, which should free 706 MiB; it never touched '
        '62.0 MiB',
    }
    return base.make_policy(**(fields | more))


_WEB_NAME = 'instance-0000002a'
_BATCH_NAME = 'instance-0000002b'
_DATABASE_NAME = 'instance-0000002c'

_WEB = _balloon_policy(_WEB_NAME)
_BATCH = _balloon_policy(
    _BATCH_NAME,
    start_actual_kib=4 * GIB,
    target_kib=2 * GIB,
    maximum_kib=4 * GIB,
    segments=(
        model.Segment(until_seconds=0.5, target_kib=3584 * MIB),
        model.Segment(until_seconds=1.25, target_kib=3 * GIB),
    ),
    origin=model.Origin.OPERATOR,
    explanation='room for a migration',
)
_DATABASE = _balloon_policy(_DATABASE_NAME)


def _report(
    balloon_policy: model.BalloonPolicy, seconds: float, **more: Any
) -> model.EndReport:
    fields: dict[str, Any] = {
        'policy': balloon_policy,
        'started_at': _STARTED_AT,
        'deadline_at': _STARTED_AT + balloon_policy.duration_seconds,
        'ended_at': _STARTED_AT + seconds,
        'actual_start_kib': balloon_policy.start_actual_kib,
        'timing': base.UNABLE,
    }
    return base.make_report(**(fields | more))


_TARGET_REACHED = _report(
    _WEB,
    1.125,
    detail='reached 1280 MiB',
    actual_end_kib=1280 * MIB,
    moved_kib=768 * MIB,
    freed_kib=721_920,
)
_DEADLINE_REACHED = _report(
    _BATCH,
    2.0,
    reason=model.EndReason.DEADLINE,
    detail='its time was up',
    actual_end_kib=2680 * MIB,
    moved_kib=1416 * MIB,
    freed_kib=1_331_200,
    lateness_seconds=0.00041,
    moved_after_deadline_kib=256,
    timing=base.BY_GUEST,
    guest_report=base.make_guest_report(
        start_kib=_BATCH.start_actual_kib,
        target_kib=_BATCH.target_kib,
        reached_kib=2680 * MIB,
        moved_kib=1416 * MIB,
        lateness_seconds=0.00041,
    ),
    segments=(
        model.SegmentOutcome(
            segment=_BATCH.segments[0], actual_kib=3584 * MIB, reached=True
        ),
        model.SegmentOutcome(
            segment=_BATCH.segments[1], actual_kib=3196 * MIB, reached=False
        ),
    ),
)
_STOPPED = _report(
    _DATABASE,
    0.7375,
    reason=model.EndReason.DISTRESS,
    detail='the guest swaps in 11.5 MiB a second',
    actual_end_kib=1564 * MIB,
    moved_kib=484 * MIB,
    freed_kib=None,
)
_WATERMARKS = situation.Watermarks(low_kib=13_421_772, high_kib=26_843_545)


def _about(
    subject_uuid: str, sequence: int, seconds: float, fact: announcement.Fact
) -> announcement.Announcement:
    return announcement.Announcement(
        subject_uuid=subject_uuid,
        sequence=sequence,
        at=_BEGAN_AT + seconds,
        fact=fact,
    )


def make_instance(display_name: str) -> ownership.Instance:
    """Return a server of the tenant of these examples."""
    return ownership.Instance(
        display_name=display_name,
        project_id='6f70656e737461636b2d70726f6a6563',
        host=HOST,
        flavor_name='m1.large.balloon',
    )


def _of_policies() -> Iterator[announcement.Announcement]:
    created = announcement.PolicyCreated(
        policy=_WEB, guest_name=_WEB_NAME, instance=make_instance('web')
    )
    started = announcement.PolicyStarted(
        policy=_WEB,
        guest_name=_WEB_NAME,
        instance=make_instance('web'),
        started_at=_STARTED_AT,
        timing=base.UNABLE,
    )
    progressed = announcement.PolicyProgressed(
        policy=_WEB,
        guest_name=_WEB_NAME,
        instance=make_instance('web'),
        started_at=_STARTED_AT,
        timing=base.UNABLE,
        sample=base.make_sample(
            at=_STARTED_AT + 0.9,
            actual_kib=1504 * MIB,
            rss_kib=1_380_352,
            statistics=base.make_statistics(usable_kib=742_400),
        ),
    )
    yield _about(_WEB.uuid, 0, 0.008, created)
    yield _about(_WEB.uuid, 1, 0.0125, started)
    yield _about(_WEB.uuid, 2, 0.9125, progressed)
    for name, instance, sequence, seconds, report in (
        (_WEB_NAME, make_instance('web'), 3, 1.39, _TARGET_REACHED),
        (_BATCH_NAME, None, 2, 2.27, _DEADLINE_REACHED),
        (_DATABASE_NAME, make_instance('database'), 2, 1.004, _STOPPED),
    ):
        ended = announcement.PolicyEnded(
            guest_name=name, instance=instance, report=report
        )
        yield _about(report.policy.uuid, sequence, seconds, ended)


def _of_pressure() -> Iterator[announcement.Announcement]:
    subject_uuid = base.uuid_of('pressure')
    started = announcement.PressureStarted(
        memory=situation.HostMemory(
            at=_BEGAN_AT, total_kib=256 * GIB, available_kib=11 * GIB
        ),
        watermarks=_WATERMARKS,
        words='available memory 11264 MiB is below the low watermark of '
        '13107 MiB, and falls by 410 MiB a second: exhausted in 27 s',
    )
    ended = announcement.PressureEnded(
        memory=situation.HostMemory(
            at=_BEGAN_AT + 9.5, total_kib=256 * GIB, available_kib=27 * GIB
        ),
        watermarks=_WATERMARKS,
        words='available memory 27648 MiB is above the high watermark of '
        '26214 MiB',
        started_at=_BEGAN_AT,
    )
    yield _about(subject_uuid, 0, 0.0, started)
    yield _about(subject_uuid, 1, 9.5, ended)


def announcements() -> list[announcement.Announcement]:
    """Return one of each type."""
    return [*_of_policies(), *_of_pressure()]


def encode(announced: announcement.Announcement) -> dict[str, Any]:
    """Return its payload, sent from our host."""
    return payload.encode(announced, host=HOST, utc_at=utc_at)


def message(
    announced: announcement.Announcement, sent: dict[str, Any]
) -> dict[str, Any]:
    """Return what a listener gets, less what oslo.messaging adds."""
    return {
        'event_type': announced.event_type.value,
        'payload': sent,
        'priority': announced.priority.value.upper(),
        'publisher_id': payload.publisher_id('nova-balloon-timer', HOST),
    }


def samples() -> dict[pathlib.Path, str]:
    """Return what is to be in each of the sample files."""
    texts = {}
    for announced in announcements():
        name = announced.event_type.value.replace('.', '-') + '.json'
        primitive = encode(announced)
        texts[SAMPLES / name] = _text(announced, primitive)
        flat = payload.flatten(primitive)
        texts[SAMPLES / 'unversioned' / name] = _text(announced, flat)
    return texts


def _text(announced: announcement.Announcement, sent: dict[str, Any]) -> str:
    content = message(announced, sent)
    return json.dumps(content, indent=4, sort_keys=True) + '\n'


def main() -> None:
    """Write the samples."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument('--write', action='store_true', required=True)
    parser.parse_args()
    for path, text in samples().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding='utf-8')


if __name__ == '__main__':
    main()
