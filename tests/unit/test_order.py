# SPDX-License-Identifier: Apache-2.0

import contextlib
from typing import Any

import hypothesis
from hypothesis import strategies as st
import testscenarios

from nova_balloon_timer import exception
from nova_balloon_timer import model
from nova_balloon_timer import order
from nova_balloon_timer import ownership
from nova_balloon_timer import timekeeping
from tests.unit import base

_Mode = timekeeping.Mode
_NOT_BY_GUEST = ownership.Terms(may_keep_time=False)
MIB = base.MIB
GIB = base.GIB


_PARSE_ERRORS = (
    exception.InvalidSize,
    exception.InvalidDuration,
    exception.InvalidSegment,
)


def _order(target: str, **more: Any) -> order.Order:
    return order.parse(target=target, **({'duration': '2s'} | more))


def _made(made: model.BalloonPolicy | model.Refusal) -> model.BalloonPolicy:
    assert isinstance(made, model.BalloonPolicy), made
    return made


def _refused(made: model.BalloonPolicy | model.Refusal) -> model.Refusal:
    assert isinstance(made, model.Refusal), made
    return made


class ParseTestCase(base.TestCase):
    def test_leaves_open_what_depends_on_the_guest(self) -> None:
        wanted = order.parse(
            target='50%',
            duration='1m30s',
            segments=['500ms=80%', '1s=640M'],
            floor='30%',
            reserve='5%',
            leash='32M',
        )
        self.assertEqual(
            order.Order(
                target='50%',
                duration_seconds=90.0,
                segments=((0.5, '80%'), (1.0, '640M')),
                floor='30%',
                reserve='5%',
                leash_kib=32 * MIB,
            ),
            wanted,
        )

    def test_only_target_and_duration_are_needed(self) -> None:
        self.assertEqual(
            order.Order(target='512M', duration_seconds=2.0), _order('512M')
        )

    def test_a_reserve_of_zero_is_allowed_in_any_unit(self) -> None:
        for text in ('0', '0M', '0MiB', '0%', ' 0 '):
            self.assertEqual(text, _order('512M', reserve=text).reserve)

    @hypothesis.given(st.text(), st.lists(st.text(), max_size=2))
    def test_no_text_raises_anything_else(
        self, text: str, segments: list[str]
    ) -> None:
        with contextlib.suppress(*_PARSE_ERRORS):
            order.parse(
                target=text,
                duration=text,
                segments=segments,
                floor=text,
                reserve=text,
                leash=text,
            )


def _bad(name: str, kind: type[Exception], words: str, **fields: Any) -> Any:
    return (name, {'kind': kind, 'words': words, 'fields': fields})


class ParseErrorTestCase(testscenarios.WithScenarios, base.TestCase):
    scenarios = [
        _bad('target', exception.InvalidSize, "'lots'", target='lots'),
        _bad('zero target', exception.InvalidSize, "'0M'", target='0M'),
        _bad('negative', exception.InvalidSize, "'-1G'", target='-1G'),
        _bad('duration', exception.InvalidDuration, "'soon'", duration='soon'),
        _bad('no time', exception.InvalidDuration, "'0s'", duration='0s'),
        _bad('floor', exception.InvalidSize, "'0'", floor='0'),
        _bad('reserve', exception.InvalidSize, "'-1M'", reserve='-1M'),
        _bad('no reserve', exception.InvalidSize, "''", reserve=''),
        _bad('leash', exception.InvalidSize, "'0M'", leash='0M'),
        _bad('leash of nothing', exception.InvalidSize, "'5%'", leash='5%'),
        _bad(
            'segment without size',
            exception.InvalidSegment,
            "'1s' is not a segment: write TIME=SIZE, as 1s=768M",
            segments=['1s'],
        ),
        _bad(
            'segment of a bad size',
            exception.InvalidSize,
            "'much'",
            segments=['1s=768M', '1.5s=much'],
        ),
        _bad(
            'segment at a bad time',
            exception.InvalidDuration,
            "'768MiB'",
            segments=['768MiB=1G'],
        ),
    ]
    kind: type[Exception]
    words: str
    fields: dict[str, Any]

    def test_says_what_is_wrong(self) -> None:
        fields = {'target': '512M', 'duration': '2s'} | self.fields
        error = self.assertRaises(self.kind, order.parse, **fields)
        self.assertIn(self.words, str(error))


class DefaultsTestCase(base.TestCase):
    def test_guards_are_shares_of_the_guest(self) -> None:
        guards = base.make_defaults().guards(base.make_guest())
        self.assertEqual(256 * MIB, guards.floor_kib)

    def test_reserve_has_a_minimum(self) -> None:
        guards = base.make_defaults().guards(base.make_guest())
        self.assertEqual(64 * MIB, guards.reserve_kib)

    def test_reserve_of_a_large_guest_is_its_share(self) -> None:
        guest = base.make_guest(maximum_kib=16 * GIB)
        guards = base.make_defaults().guards(guest)
        self.assertEqual(16 * GIB * 5 // 100, guards.reserve_kib)

    def test_no_reserve_means_no_minimum_either(self) -> None:
        defaults = base.make_defaults(reserve_percent=0)
        self.assertEqual(0, defaults.guards(base.make_guest()).reserve_kib)

    def test_the_floor_in_a_guest_s_terms_is_its_floor(self) -> None:
        for floor_mib, expected_mib in (
            (0, 0),
            (100, 100),
            (700, 700),
            (1024, 1024),
            (4096, 1024),
        ):
            terms = ownership.Terms(floor_kib=floor_mib * MIB)
            guards = base.make_defaults().guards(base.make_guest(terms=terms))
            self.assertEqual(expected_mib * MIB, guards.floor_kib)
            self.assertEqual(64 * MIB, guards.reserve_kib)

    def test_terms_without_a_floor_leave_it_as_it_is(self) -> None:
        guest = base.make_guest(terms=ownership.Terms(priority=2.0))
        self.assertEqual(
            256 * MIB, base.make_defaults().guards(guest).floor_kib
        )


class GuardsForTestCase(base.TestCase):
    def guards(self, **fields: Any) -> model.Guards:
        wanted = _order('512M', **fields)
        defaults = base.make_defaults()
        return order.guards_for(wanted, base.make_guest(), defaults)

    def test_default_is_the_configuration(self) -> None:
        self.assertEqual(base.make_guards(), self.guards())

    def test_floor_is_the_orders(self) -> None:
        self.assertEqual(
            base.make_guards(floor_kib=128 * MIB), self.guards(floor='128M')
        )

    def test_floor_is_a_share_of_the_guest(self) -> None:
        self.assertEqual(
            base.make_guards(floor_kib=512 * MIB), self.guards(floor='50%')
        )

    def test_reserve_may_be_below_the_configured_minimum(self) -> None:
        self.assertEqual(
            base.make_guards(reserve_kib=MIB), self.guards(reserve='1M')
        )

    def test_reserve_of_zero_does_without(self) -> None:
        for text in ('0', '0%', '0M'):
            self.assertEqual(0, self.guards(reserve=text).reserve_kib)


class CheckTargetTestCase(base.TestCase):
    def test_the_maximum_is_allowed(self) -> None:
        order.check_sizes(_order('1G'), base.make_guest())
        order.check_sizes(_order('100%'), base.make_guest())

    def test_more_is_not(self) -> None:
        for target in ('1025M', '101%'):
            error = self.assertRaises(
                exception.InvalidPolicy,
                order.check_sizes,
                _order(target),
                base.make_guest(),
            )
            self.assertIn('guest web-01: the target 10', str(error))
            self.assertIn('above its maximum of 1024 MiB', str(error))


class MakePolicyTestCase(base.TestCase):
    def make(
        self, target: str, **fields: Any
    ) -> model.BalloonPolicy | model.Refusal:
        guest = fields.pop('guest', base.make_guest())
        sample = fields.pop('sample', base.make_sample())
        defaults = fields.pop('defaults', base.make_defaults())
        return order.make_policy(
            _order(target, **fields), guest, sample, defaults
        )

    def test_has_all_that_was_asked_for(self) -> None:
        made = _made(
            self.make(
                '50%',
                segments=['1s=75%'],
                floor='30%',
                reserve='1M',
                leash=None,
            )
        )
        self.assertIs(model.Direction.INFLATE, made.direction)
        self.assertEqual(base.uuid_of('web-01'), made.guest_uuid)
        self.assertEqual(GIB, made.start_actual_kib)
        self.assertEqual(GIB, made.maximum_kib)
        self.assertEqual(512 * MIB, made.target_kib)
        self.assertEqual(2.0, made.duration_seconds)
        self.assertEqual(
            (model.Segment(until_seconds=1.0, target_kib=768 * MIB),),
            made.segments,
        )
        self.assertEqual(GIB * 30 // 100, made.guards.floor_kib)
        self.assertEqual(MIB, made.guards.reserve_kib)
        self.assertIs(model.Origin.OPERATOR, made.origin)
        self.assertEqual('asked for by an operator', made.explanation)

    def test_each_has_a_uuid_of_its_own(self) -> None:
        one, other = _made(self.make('512M')), _made(self.make('512M'))
        self.assertNotEqual(one.uuid, other.uuid)

    def test_percentages_are_of_the_maximum_not_of_the_actual(self) -> None:
        sample = base.make_sample(actual_kib=800 * MIB)
        made = _made(self.make('50%', sample=sample))
        self.assertEqual(512 * MIB, made.target_kib)
        self.assertEqual(800 * MIB, made.start_actual_kib)

    def test_leash_is_the_configured_one(self) -> None:
        leash = model.Leash(minimum_kib=8 * MIB, lead_seconds=0.2)
        made = _made(
            self.make('512M', defaults=base.make_defaults(leash=leash))
        )
        self.assertEqual(leash, made.leash)

    def test_a_leash_that_is_asked_for_does_not_grow(self) -> None:
        made = _made(self.make('512M', leash='24M'))
        self.assertEqual(
            model.Leash(minimum_kib=24 * MIB, lead_seconds=0), made.leash
        )

    def test_who_keeps_the_clock_is_as_configured(self) -> None:
        self.assertIs(_Mode.AUTO, _made(self.make('512M')).mode)
        for mode in (_Mode.HOST, _Mode.AUTO):
            defaults = base.make_defaults(mode=mode)
            made = _made(self.make('512M', defaults=defaults))
            self.assertIs(mode, made.mode)

    def test_who_keeps_the_clock_may_be_asked_for(self) -> None:
        for mode in _Mode:
            made = _made(self.make('512M', mode=mode))
            self.assertIs(mode, made.mode)
            self.assertEqual('', made.mode_words)

    def test_terms_may_forbid_the_guest_to_keep_it(self) -> None:
        guest = base.make_guest(terms=_NOT_BY_GUEST)
        made = _made(self.make('512M', guest=guest))
        self.assertIs(_Mode.HOST, made.mode)
        self.assertEqual('its flavor forbids it', made.mode_words)

    def test_a_target_above_actual_gives_memory_back(self) -> None:
        sample = base.make_sample(actual_kib=300 * MIB)
        made = _made(self.make('100%', sample=sample))
        self.assertIs(model.Direction.DEFLATE, made.direction)
        self.assertEqual(GIB, made.target_kib)

    def test_giving_back_needs_neither_room_nor_statistics(self) -> None:
        sample = base.make_sample(actual_kib=100 * MIB, statistics=None)
        made = _made(self.make('128M', sample=sample))
        self.assertIs(model.Direction.DEFLATE, made.direction)

    def test_a_target_that_is_met_already_takes_nothing(self) -> None:
        made = _made(self.make('1G'))
        self.assertIs(model.Direction.DEFLATE, made.direction)

    def test_a_floor_that_is_asked_for_may_be_below_the_default(self) -> None:
        made = _made(self.make('128M', floor='100M'))
        self.assertEqual(128 * MIB, made.target_kib)
        self.assertEqual(100 * MIB, made.guards.floor_kib)

    def test_a_target_below_a_floor_that_is_asked_for_is_an_error(
        self,
    ) -> None:
        error = self.assertRaises(
            exception.InvalidPolicy, self.make, '512M', floor='600M'
        )
        self.assertEqual(
            'the target 512 MiB is below the floor 600 MiB', str(error)
        )

    def test_a_target_above_the_maximum_is_an_error(self) -> None:
        error = self.assertRaises(exception.InvalidPolicy, self.make, '2G')
        self.assertIn("above the guest's maximum 1024 MiB", str(error))

    def test_segments_beyond_the_duration_are_an_error(self) -> None:
        error = self.assertRaises(
            exception.InvalidPolicy, self.make, '512M', segments=['3s=768M']
        )
        self.assertIn('does not end before the duration', str(error))

    def test_segments_the_wrong_way_are_an_error(self) -> None:
        error = self.assertRaises(
            exception.InvalidPolicy, self.make, '512M', segments=['1s=400M']
        )
        self.assertIn('not on the way', str(error))

    @hypothesis.given(
        target=st.integers(1, 100),
        actual_kib=st.integers(0, GIB),
        usable_kib=st.none() | st.integers(0, GIB),
        floor=st.integers(1, 100),
        reserve=st.integers(0, 100),
    )
    def test_any_guest_gets_a_policy_or_a_refusal(
        self,
        target: int,
        actual_kib: int,
        usable_kib: int | None,
        floor: int,
        reserve: int,
    ) -> None:
        told = base.make_statistics(usable_kib=usable_kib)
        made = self.make(
            f'{target}%',
            sample=base.make_sample(actual_kib=actual_kib, statistics=told),
            defaults=base.make_defaults(
                floor_percent=floor, reserve_percent=reserve
            ),
        )
        if isinstance(made, model.Refusal):
            self.assertNotEqual('', made.words)
            return
        if made.direction is model.Direction.INFLATE:
            self.assertGreaterEqual(made.target_kib, made.guards.floor_kib)
            self.assertLess(made.target_kib, actual_kib)
        else:
            self.assertGreaterEqual(made.target_kib, actual_kib)


_PAUSED = model.Refusal(obstacle=model.Obstacle.PAUSED, words='it is paused')
_PINNED = model.Refusal(
    obstacle=model.Obstacle.HUGE_PAGES, words='its memory is on huge pages'
)


def _refusal(
    name: str, obstacle: model.Obstacle, words: str, **more: Any
) -> Any:
    return (name, {'obstacle': obstacle, 'words': words, 'more': more})


class RefusalTestCase(testscenarios.WithScenarios, base.TestCase):
    scenarios = [
        _refusal(
            'unable',
            model.Obstacle.PAUSED,
            'it is paused',
            guest=base.make_guest(refusals=(_PAUSED,)),
        ),
        _refusal(
            'unable for two reasons: the first',
            model.Obstacle.HUGE_PAGES,
            'huge pages',
            guest=base.make_guest(refusals=(_PINNED, _PAUSED)),
        ),
        _refusal(
            'unable, also to take memory back',
            model.Obstacle.PAUSED,
            'it is paused',
            guest=base.make_guest(refusals=(_PAUSED,)),
            target='1G',
        ),
        _refusal(
            'unable and unreadable',
            model.Obstacle.PAUSED,
            'it is paused',
            guest=base.make_guest(refusals=(_PAUSED,)),
            sample=None,
        ),
        _refusal(
            'unreadable',
            model.Obstacle.UNREADABLE,
            'its hypervisor does not answer',
            sample=None,
        ),
        _refusal(
            'forbidden to keep the clock',
            model.Obstacle.NO_GUEST_CLOCK,
            'it cannot keep the clock: its flavor forbids it',
            guest=base.make_guest(terms=_NOT_BY_GUEST),
            mode=_Mode.GUEST,
        ),
        _refusal(
            'no statistics',
            model.Obstacle.NO_DRIVER,
            'it gives no statistics',
            sample=base.make_sample(statistics=None),
        ),
        _refusal(
            'below the default floor',
            model.Obstacle.NO_ROOM,
            'the target 200 MiB is below its floor of 256 MiB; it has '
            '1024 MiB, so at most 768 MiB could be taken',
            target='200M',
        ),
        _refusal(
            'below the default floor, and beyond it already',
            model.Obstacle.NO_ROOM,
            'it has 250 MiB, so at most 0 MiB could be taken',
            target='200M',
            sample=base.make_sample(actual_kib=250 * MIB),
        ),
        _refusal(
            'at its floor',
            model.Obstacle.NO_ROOM,
            'it has 256 MiB and a floor of 256 MiB',
            target='256M',
            sample=base.make_sample(actual_kib=256 * MIB + MIB // 2),
        ),
        _refusal(
            'within its reserve',
            model.Obstacle.NO_ROOM,
            'its usable memory of 40 MiB is within its reserve of 64 MiB',
            sample=base.make_sample(
                statistics=base.make_statistics(usable_kib=40 * MIB)
            ),
        ),
    ]
    obstacle: model.Obstacle
    words: str
    more: dict[str, Any]

    def test_is_made_with_its_reason(self) -> None:
        fields: dict[str, Any] = {
            'guest': base.make_guest(),
            'sample': base.make_sample(),
            'target': '512M',
            'mode': None,
        } | self.more
        refusal = _refused(
            order.make_policy(
                _order(fields['target'], mode=fields['mode']),
                fields['guest'],
                fields['sample'],
                base.make_defaults(),
            )
        )
        self.assertIs(self.obstacle, refusal.obstacle)
        self.assertIn(self.words, refusal.words)
