# SPDX-License-Identifier: Apache-2.0

from collections.abc import Iterator
import datetime
import json
from typing import Any

import hypothesis
from hypothesis import strategies as st

from nova_balloon_timer import announcement
from nova_balloon_timer import model
from nova_balloon_timer import situation
from nova_balloon_timer import timekeeping
from nova_balloon_timer.notifier import payload
from nova_balloon_timer.notifier import registry
from tests.unit import base
from tests.unit.notifier import examples
from tests.unit.report import strategies

_MOST_BYTES = 16 * 1024
_ENVELOPE = {
    f'balloon_timer_object.{part}'
    for part in ('data', 'name', 'namespace', 'version')
}


def _encode(fact: announcement.Fact, **more: Any) -> dict[str, Any]:
    fields: dict[str, Any] = {
        'subject_uuid': base.uuid_of('subject'),
        'sequence': 0,
        'at': 100.0,
        'fact': fact,
    }
    announced = announcement.Announcement(**(fields | more))
    return examples.encode(announced)


def _announce(fact: announcement.Fact, **more: Any) -> Any:
    return payload.flatten(_encode(fact, **more))


def _created(**more: Any) -> Any:
    return _announce(
        announcement.PolicyCreated(
            policy=base.make_policy(**more), guest_name='web-01'
        )
    )


def _ended(**more: Any) -> Any:
    report = base.make_report(**more)
    return _announce(
        announcement.PolicyEnded(guest_name='web-01', report=report)
    )


def _segments(number: int) -> tuple[model.Segment, ...]:
    return tuple(
        model.Segment(
            until_seconds=(index + 1) / (number + 1), target_kib=768 * base.MIB
        )
        for index in range(number)
    )


class SampleTest(base.TestCase):
    def test_each_type_has_an_example(self) -> None:
        types = [each.event_type for each in examples.announcements()]
        self.assertCountEqual(announcement.EventType, types)

    def test_samples_are_what_is_sent(self) -> None:
        expected = examples.samples()
        found = {
            path: path.read_text(encoding='utf-8')
            for path in examples.SAMPLES.rglob('*.json')
        }
        self.assertEqual(
            expected,
            found,
            'run "python -m tests.unit.notifier.examples --write"',
        )


class EncodeTest(base.TestCase):
    def test_nothing_is_told_of_the_start_before_it(self) -> None:
        told = _created()
        self.assertIsNone(told['started_at'])
        self.assertIsNone(told['deadline_at'])

    def test_tells_the_instance_in_both_forms(self) -> None:
        policy = base.make_policy()
        instance = examples.make_instance('web')
        values = {
            'uuid': policy.guest_uuid,
            'display_name': 'web',
            'tenant_id': instance.project_id,
            'host': instance.host,
        }
        encoded = _encode(
            announcement.PolicyCreated(
                policy=policy, guest_name='web-01', instance=instance
            )
        )
        envelope = encoded['balloon_timer_object.data']['instance']
        self.assertEqual(_ENVELOPE, envelope.keys())
        self.assertEqual(
            'BalloonInstancePayload', envelope['balloon_timer_object.name']
        )
        self.assertEqual(values, envelope['balloon_timer_object.data'])
        self.assertEqual(values, payload.flatten(encoded)['instance'])

    def test_an_instance_that_is_not_known_is_none_in_both_forms(self) -> None:
        encoded = _encode(
            announcement.PolicyCreated(
                policy=base.make_policy(), guest_name='web-01'
            )
        )
        self.assertIsNone(encoded['balloon_timer_object.data']['instance'])
        self.assertIsNone(payload.flatten(encoded)['instance'])

    def test_a_deadline_beyond_the_calendar_is_unknown(self) -> None:
        fact = announcement.PolicyStarted(
            policy=base.make_policy(duration_seconds=1e300),
            guest_name='web-01',
            started_at=100.0,
            timing=base.BY_HOST,
        )
        told = _announce(fact)
        self.assertIsNone(told['deadline_at'])
        self.assertIsNotNone(told['started_at'])
        self.assertEqual(1e300, told['duration_seconds'])

    def test_progress_is_counted_in_the_direction(self) -> None:
        for direction, target_kib, actual_kib in (
            (model.Direction.INFLATE, 512 * base.MIB, 700 * base.MIB),
            (model.Direction.DEFLATE, base.GIB, 900 * base.MIB),
        ):
            fact = announcement.PolicyProgressed(
                policy=base.make_policy(
                    direction=direction,
                    start_actual_kib=800 * base.MIB,
                    target_kib=target_kib,
                ),
                guest_name='web-01',
                started_at=100.0,
                timing=base.BY_HOST,
                sample=base.make_sample(at=100.5, actual_kib=actual_kib),
            )
            self.assertEqual(100 * base.MIB, _announce(fact)['moved_kib'])

    def test_a_guest_that_tells_nothing_is_unknown(self) -> None:
        fact = announcement.PolicyProgressed(
            policy=base.make_policy(),
            guest_name='web-01',
            started_at=100.0,
            timing=base.BY_HOST,
            sample=base.make_sample(statistics=None, rss_kib=None),
        )
        told = _announce(fact)
        self.assertIsNone(told['usable_kib'])
        self.assertIsNone(told['rss_kib'])

    def test_stages_that_were_not_reached_in_time_are_unknown(self) -> None:
        segments = _segments(3)
        outcome = model.SegmentOutcome(
            segment=segments[0], actual_kib=800 * base.MIB, reached=False
        )
        told = _ended(
            policy=base.make_policy(segments=segments), segments=(outcome,)
        )
        self.assertEqual(
            [(800 * base.MIB, False), (None, None), (None, None)],
            [(it['actual_kib'], it['reached']) for it in told['segments']],
        )

    def test_stages_are_counted_where_they_are_too_many(self) -> None:
        for number, shown, omitted in ((20, 20, 0), (1000, 20, 980)):
            told = _created(segments=_segments(number))
            self.assertEqual(shown, len(told['segments']))
            self.assertEqual(omitted, told['omitted_segments'])

    def test_seconds_are_rounded(self) -> None:
        told = _ended(lateness_seconds=0.00412345678, ended_at=100.1 + 0.2)
        self.assertEqual(0.004123, told['lateness_seconds'])
        self.assertEqual(0.3, told['elapsed_seconds'])

    def test_no_curve_is_sent(self) -> None:
        point = model.CurvePoint(at=100.0, actual_kib=base.GIB)
        self.assertEqual(_ended(), _ended(curve=(point,) * 1000))

    def test_the_start_of_pressure_has_no_end(self) -> None:
        fact = announcement.PressureStarted(
            memory=None, watermarks=None, words='stalled'
        )
        told = _announce(fact)
        self.assertEqual(told['occurred_at'], told['started_at'])
        nothing = set(told) - {
            *('host', 'uuid', 'sequence', 'occurred_at'),
            *('words', 'started_at'),
        }
        self.assertEqual({None}, {told[name] for name in nothing})

    def test_pressure_from_before_this_process_has_no_start(self) -> None:
        fact = announcement.PressureEnded(
            memory=None, watermarks=None, words='calm', started_at=None
        )
        told = _announce(fact)
        self.assertEqual(told['occurred_at'], told['ended_at'])
        self.assertIsNone(told['started_at'])
        self.assertIsNone(told['duration_seconds'])


class TimingTest(base.TestCase):
    def test_nobody_keeps_the_time_before_the_start(self) -> None:
        told = _created(mode=timekeeping.Mode.AUTO)
        self.assertEqual('auto', told['mode'])
        self.assertIsNone(told['timed_by'])
        self.assertEqual('', told['timing_words'])

    def test_says_who_keeps_it_and_why_it_is_not_the_guest(self) -> None:
        for timing, by in ((base.UNABLE, 'host'), (base.BY_GUEST, 'guest')):
            fact = announcement.PolicyStarted(
                policy=base.make_policy(),
                guest_name='web-01',
                started_at=100.0,
                timing=timing,
            )
            for told in (_announce(fact), _ended(timing=timing)):
                self.assertEqual(by, told['timed_by'])
                self.assertEqual(timing.words, told['timing_words'])

    def test_what_an_earlier_agent_left_open_is_unknown(self) -> None:
        fact = announcement.PolicyProgressed(
            policy=base.make_policy(),
            guest_name='web-01',
            started_at=100.0,
            timing=None,
            sample=base.make_sample(),
        )
        self.assertIsNone(_announce(fact)['timed_by'])

    def test_an_end_has_what_the_guest_says(self) -> None:
        self.assertIsNone(_ended()['guest_report'])
        told = _ended(guest_report=base.make_guest_report())
        self.assertEqual(
            {
                'reason': 'deadline',
                'start_kib': base.GIB,
                'target_kib': 512 * base.MIB,
                'reached_kib': 600 * base.MIB,
                'moved_kib': 424 * base.MIB,
                'elapsed_seconds': 2.0,
                'lateness_seconds': 0.0003,
                'moved_after_deadline_kib': 256,
                'allocation_failures': 3,
            },
            told['guest_report'],
        )


class HostileWordsTest(base.TestCase):
    def test_a_payload_is_bounded_whatever_texts_hold(self) -> None:
        for character in ('x', '"', '\\', '\x00', '\ud800', '\U0001f600'):
            text = character * 2**20
            balloon_policy = base.make_policy(
                guest_uuid=text, explanation=text, segments=_segments(1000)
            )
            fact = announcement.PolicyEnded(
                guest_name=text,
                report=base.make_report(
                    policy=balloon_policy,
                    detail=text,
                    timing=timekeeping.Timing(words=text),
                    guest_report=base.make_guest_report(),
                ),
            )
            announced = announcement.Announcement(
                subject_uuid=text, sequence=2**62, at=100.0, fact=fact
            )
            primitive = payload.encode(
                announced, host=text, utc_at=examples.utc_at
            )
            self.assertLess(len(json.dumps(primitive)), _MOST_BYTES)
            self.assertLess(
                len(payload.publisher_id('nova-compute', text)), 300
            )


def _memories() -> st.SearchStrategy[situation.HostMemory | None]:
    sizes = st.integers(0, 2**42)
    return st.none() | st.builds(
        situation.HostMemory,
        at=st.floats(0, 1e6),
        total_kib=sizes,
        available_kib=sizes,
    )


@st.composite
def _facts(draw: st.DrawFn) -> announcement.Fact:
    report = draw(strategies.reports())
    text = draw(st.text(st.characters(exclude_categories=[]), max_size=40))
    about: dict[str, Any] = {'policy': report.policy, 'guest_name': text}
    host: dict[str, Any] = {
        'memory': draw(_memories()),
        'watermarks': draw(
            st.sampled_from(
                [None, situation.Watermarks(low_kib=1, high_kib=2)]
            )
        ),
        'words': text,
    }
    at = report.started_at
    sample = model.BalloonSample(at=at + 1.5, actual_kib=base.GIB)
    facts: list[announcement.Fact] = [
        announcement.PolicyCreated(**about),
        announcement.PolicyStarted(
            **about, started_at=at, timing=report.timing
        ),
        announcement.PolicyProgressed(
            **about,
            started_at=at,
            timing=draw(st.none() | strategies.timings()),
            sample=sample,
        ),
        announcement.PolicyEnded(guest_name=text, report=report),
        announcement.PressureStarted(**host),
        announcement.PressureEnded(**host, started_at=None),
        announcement.PressureEnded(**host, started_at=at),
    ]
    return draw(st.sampled_from(facts))


@st.composite
def _announcements(draw: st.DrawFn) -> announcement.Announcement:
    return announcement.Announcement(
        subject_uuid=draw(st.text(max_size=40)),
        sequence=draw(st.integers(0, 2**62)),
        at=draw(st.floats(0, 1e6)),
        fact=draw(_facts()),
    )


def _leaves(value: Any) -> Iterator[Any]:
    """Walk through envelopes as a consumer would, who knows them."""
    if isinstance(value, dict) and set(value) == _ENVELOPE:
        yield from _leaves(value['balloon_timer_object.data'])
    elif isinstance(value, dict):
        for name, member in value.items():
            yield name
            yield from _leaves(member)
    elif isinstance(value, list):
        yield len(value)
        for member in value:
            yield from _leaves(member)
    else:
        yield value


def _has_envelope(value: Any) -> bool:
    return 'balloon_timer_object' in json.dumps(value)


class AnyAnnouncementTest(base.TestCase):
    @hypothesis.given(_announcements())
    def test_it_survives_the_wire(
        self, announced: announcement.Announcement
    ) -> None:
        primitive = examples.encode(announced)
        self.assertEqual(_ENVELOPE, set(primitive))
        written = json.dumps(primitive, allow_nan=False)
        self.assertEqual(primitive, json.loads(written))
        self.assertLess(len(written), _MOST_BYTES)

    @hypothesis.given(_announcements())
    def test_every_field_is_there(
        self, announced: announcement.Announcement
    ) -> None:
        read = registry.Payload.obj_from_primitive(examples.encode(announced))
        for name in read.fields:
            self.assertTrue(read.obj_attr_is_set(name), name)

    @hypothesis.given(_announcements())
    def test_both_forms_say_the_same(
        self, announced: announcement.Announcement
    ) -> None:
        primitive = examples.encode(announced)
        flat = payload.flatten(primitive)
        self.assertEqual(list(_leaves(primitive)), list(_leaves(flat)))
        self.assertFalse(_has_envelope(flat))

    @hypothesis.given(_announcements())
    def test_instants_are_utc_with_microseconds(
        self, announced: announcement.Announcement
    ) -> None:
        flat = payload.flatten(examples.encode(announced))
        told = datetime.datetime.fromisoformat(flat['occurred_at'])
        off = told - examples.utc_at(announced.at)
        self.assertEqual(datetime.timedelta(0), told.utcoffset())
        self.assertEqual(datetime.timedelta(0), off)
