# SPDX-License-Identifier: Apache-2.0

from typing import Any

import hypothesis
from hypothesis import strategies as st
import rich.cells

from nova_balloon_timer.cmd.watch import gauge
from nova_balloon_timer.cmd.watch import state as watch_state
from tests.unit import base
from tests.unit.cmd.remote import fake_agent
from tests.unit.cmd.watch import picture

MIB = base.MIB
GIB = base.GIB


def _line(lines: list[str], *parts: str) -> str:
    """Return the one line in which all of this stands."""
    (found,) = [it for it in lines if all(part in it for part in parts)]
    return found.rstrip()


class HostTestCase(base.TestCase):
    def draw(self, width: int = 100, **host: Any) -> list[str]:
        look = picture.snapshot(host=fake_agent.host(**host))
        return picture.draw(picture.state(look), width)

    def test_tells_who_and_when(self) -> None:
        title = self.draw()[0]
        self.assertIn('compute-01  agent 1.2.3', title)
        self.assertTrue(title.endswith('12:00:00 UTC '), title)

    def test_tells_that_it_is_well(self) -> None:
        line = self.draw()[1]
        self.assertIn(' well  available memory is above', line)

    def test_tells_that_it_is_short_and_why(self) -> None:
        line = self.draw(is_short=True, words='tasks waited 12 %')[1]
        self.assertIn(' SHORT OF MEMORY  tasks waited 12 %', line)

    def test_available_memory_is_a_bar_with_the_watermarks(self) -> None:
        line = _line(
            self.draw(
                total_kib=64 * GIB,
                available_kib=16 * GIB,
                low_watermark_kib=8 * GIB,
                high_watermark_kib=32 * GIB,
            ),
            'available  ',
        )
        bar = line.split()[1]
        self.assertEqual(round(len(bar) / 8), bar.index('┃'))
        self.assertEqual(round(len(bar) / 2), bar.rindex('┃'))
        self.assertEqual(round(len(bar) / 4) - 1, bar.count('█'))
        self.assertIn('16.0 of 64.0 GiB; low 8.0, high 32.0', line)

    def test_available_memory_that_is_not_known(self) -> None:
        lines = self.draw(
            available_kib=None, low_watermark_kib=None, high_watermark_kib=None
        )
        self.assertIn('? of 64.0 GiB; low ?, high ?', '\n'.join(lines))
        self.assertIn('course     unknown', lines[3])

    def test_nothing_available_is_not_unknown(self) -> None:
        line = _line(self.draw(available_kib=0), 'available  ')
        self.assertIn('0.0 of 64.0 GiB', line)
        self.assertNotIn('█', line)
        self.assertIn('┃', line)

    def test_tells_what_is_known_of_the_need(self) -> None:
        line = _line(
            self.draw(
                relief_kib=512 * MIB,
                stalled_share=0.12,
                fall_kib_per_second=300.0 * MIB,
                exhaustion_seconds=75.0,
            ),
            'relief ',
        )
        self.assertEqual(
            'relief     512 MiB on their way, tasks wait 12 %, '
            'falls 300 MiB/s, used up in 1 min 15 s',
            line,
        )
        line = _line(
            self.draw(stalled_share=None, fall_kib_per_second=-5.0), 'relief '
        )
        self.assertEqual('relief     0 MiB on their way', line)

    def test_tells_of_journal_and_notifications_only_what_is_wrong(
        self,
    ) -> None:
        plain = '\n'.join(self.draw())
        self.assertNotIn('journal', plain)
        self.assertNotIn('notices', plain)
        lines = self.draw(
            journal={'path': '/x', 'failure': 'disk is full', 'waiting': 9},
            notifications={
                'enabled': True,
                'waiting': 123,
                'dropped': 5,
                'failure': 'connection refused',
            },
        )
        _line(lines, 'journal    disk is full')
        _line(lines, 'notices    connection refused, 5 were dropped, 123 wait')

    def test_the_course_has_its_span(self) -> None:
        looks = [
            picture.snapshot(
                picture.after(at), host=fake_agent.host(available_kib=gib)
            )
            for at, gib in ((0, 4 * GIB), (60, 2 * GIB), (120, 3 * GIB))
        ]
        line = _line(picture.draw(picture.state(*looks)), 'course ')
        self.assertEqual(
            'course     █▁▅ 2.0 GiB to 4.0 GiB in 2 min 0 s', line
        )


class FailureTestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.failure = watch_state.Failure(
            at=picture.after(5), words='no agent answered'
        )

    def test_before_the_first_answer(self) -> None:
        lines = picture.draw(picture.state())
        self.assertIn('waiting for the first answer', lines[1])
        lines = picture.draw(picture.state(self.failure), at=picture.after(65))
        self.assertEqual(
            ' NO ANSWER since 12:00:05 (1 min 0 s)  no agent answered',
            lines[1].rstrip(),
        )
        self.assertIn('q quit', lines[-1])

    def test_after_one_leaves_what_was_known(self) -> None:
        look = picture.snapshot(guests=(fake_agent.guest(),))
        lines = picture.draw(
            picture.state(look, self.failure), at=picture.after(7)
        )
        self.assertIn('NO ANSWER since 12:00:05 (2 s)', lines[1])
        self.assertIn('below is what was at 12:00:00', lines[1])
        _line(lines, 'web-01')


class ListsTestCase(base.TestCase):
    def draw(self, width: int = 110, **lists: Any) -> list[str]:
        return picture.draw(
            picture.state(picture.snapshot(**lists)), width, 40
        )

    def test_a_guest(self) -> None:
        view = fake_agent.guest(
            maximum_kib=1024 * MIB, actual_kib=768 * MIB, usable_kib=256 * MIB
        )
        line = _line(self.draw(guests=(view,)), 'web-01')
        self.assertEqual(
            '  web-01 ████████████▒▒▒▒▒▒░░░░░░'
            '     768/1024 MiB  usable 256  RSS 900',
            line,
        )

    def test_a_guest_of_which_little_is_known(self) -> None:
        view = fake_agent.guest(
            actual_kib=None,
            usable_kib=None,
            rss_kib=None,
            refusals=['it is paused'],
            left_alone='it sleeps',
        )
        line = _line(self.draw(guests=(view,)), 'web-01')
        self.assertRegex(
            line,
            r'^  web-01 \? +\?/1024 MiB  usable \?  RSS \?  '
            r'it is paused; it sleeps$',
        )

    def test_guests_with_a_policy_come_first(self) -> None:
        idle, busy = (
            fake_agent.guest('a'),
            fake_agent.guest('b', policy_uuid=base.uuid_of('policy')),
        )
        lines = self.draw(guests=(idle, busy))
        at = lines.index(next(it for it in lines if it.startswith('GUESTS 2')))
        self.assertRegex(lines[at + 1], r'^  b .* has a policy')
        self.assertRegex(lines[at + 2], r'^  a ')

    def test_a_policy(self) -> None:
        view = fake_agent.policy(
            origin='pressure', held_by='its reserve', left_seconds=75.25
        )
        line = _line(self.draw(policies=(view,)), 'web-01')
        self.assertEqual(
            '▶ web-01 ████████████░░░░░░░░░░░░  50 %  75.2 s left  '
            'inflate to 512 MiB  its reserve  pressure, host-timed',
            line,
        )
        narrow = _line(self.draw(80, policies=(view,)), 'web-01')
        self.assertNotIn('timed', narrow)

    def test_a_policy_that_has_not_begun(self) -> None:
        view = fake_agent.pending(fake_agent.policy())
        line = _line(self.draw(policies=(view,)), 'web-01')
        self.assertIn('  0 %     pending  inflate', line)

    def test_a_policy_with_no_way_to_go(self) -> None:
        view = fake_agent.policy(target_kib=1024 * MIB, moved_kib=0)
        line = _line(self.draw(policies=(view,)), 'web-01')
        self.assertIn('100 %', line)

    def test_an_event(self) -> None:
        event = fake_agent.event('tasks waited', 'pressure-started')
        line = _line(self.draw(events=(event,)), 'tasks waited')
        self.assertEqual('  12:00:00 pressure started: tasks waited', line)

    def test_names_that_a_terminal_would_obey_are_shown(self) -> None:
        for name in ('a\x1b[2Jweb', 'bad\rweb', '\x1b]0;x\x07web', 'a\nweb'):
            lines = self.draw(
                guests=(fake_agent.guest(name),),
                policies=(fake_agent.policy(name),),
                events=(fake_agent.event(name, name),),
            )
            text = '\n'.join(lines)
            self.assertEqual(40, len(lines))
            for control in '\x1b\r\x07':
                self.assertNotIn(control, text)
            self.assertIn('web', text)

    def test_of_a_long_name_the_end_is_shown(self) -> None:
        names = [f'instance-{number:030x}' for number in (1, 2)]
        lines = self.draw(guests=tuple(map(fake_agent.guest, names)))
        for name in names:
            _line(lines, f'…{name[-23:]} ')


class SizeTestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.many = picture.snapshot(
            guests=tuple(fake_agent.guest(f'g{n:03}') for n in range(50)),
            policies=tuple(fake_agent.policy(f'p{n:03}') for n in range(50)),
            events=tuple(fake_agent.event(f'event {n}') for n in range(50)),
        )

    def test_says_how_many_there_is_no_room_for(self) -> None:
        lines = picture.draw(picture.state(self.many))
        self.assertEqual(30, len(lines))
        for begin in ('  g0', '▶ p0', '  p0'):
            self.assertIn(begin, '\n'.join(lines))
        shown = [it for it in lines if '%' in it and ' p0' in it]
        _line(
            lines[lines.index('POLICIES 50') :], f'and {50 - len(shown)} more'
        )

    def test_the_selected_policy_is_in_sight(self) -> None:
        state = picture.state(self.many)
        for number in range(50):
            line = _line(picture.draw(state), '▶')
            self.assertIn(f'p{number:03}', line)
            state, _ = watch_state.press(state, 'down')

    def test_without_an_end_has_everything_uncut(self) -> None:
        lines = picture.draw(picture.state(self.many), 60, None)
        for kind in ('g', 'p'):
            for number in range(50):
                _line(lines, f'{kind}{number:03} ')
        _line(lines, 'event 49')
        self.assertNotIn('q quit', '\n'.join(lines))
        self.assertFalse([it for it in lines if it.endswith('…')])

    def test_too_small_says_so(self) -> None:
        for size in ((39, 30), (100, 11)):
            lines = picture.draw(picture.state(self.many), *size)
            self.assertEqual('too small: 40x12 at least', lines[0].rstrip())
            self.assertEqual(1, len(lines))

    @hypothesis.given(
        width=st.integers(min_value=40, max_value=300),
        height=st.integers(min_value=12, max_value=100),
        counts=st.tuples(*[st.integers(min_value=0, max_value=50)] * 3),
        is_failed=st.booleans(),
        glyphs=st.sampled_from([gauge.FINE, gauge.PLAIN]),
    )
    def test_has_its_size_always(
        self,
        width: int,
        height: int,
        counts: tuple[int, int, int],
        is_failed: bool,
        glyphs: gauge.Glyphs,
    ) -> None:
        guests, policies, events = counts
        state = picture.state(
            picture.snapshot(
                guests=self.many.guests[:guests],
                policies=self.many.policies[:policies],
                events=self.many.events[:events],
            )
        )
        if is_failed:
            failure = watch_state.Failure(at=picture.NOW, words='gone')
            state = watch_state.take_in(state, failure)
        lines = picture.draw(state, width, height, glyphs=glyphs)
        self.assertEqual(height, len(lines))
        for line in lines:
            self.assertLessEqual(rich.cells.cell_len(line), width, line)
        self.assertIn('q quit', lines[-1])

    def test_plain_glyphs_are_ascii(self) -> None:
        text = '\n'.join(
            picture.draw(picture.state(self.many), 200, 60, glyphs=gauge.PLAIN)
        )
        self.assertTrue(text.isascii())


class FooterTestCase(base.TestCase):
    def test_asks_before_it_cancels(self) -> None:
        state = picture.state(
            picture.snapshot(policies=(fake_agent.policy(),))
        )
        state, _ = watch_state.press(state, 'c')
        self.assertEqual(
            ' Cancel the policy of web-01, inflate to 512 MiB? y/n',
            picture.draw(state)[-1].rstrip(),
        )

    def test_tells_what_came_of_it(self) -> None:
        state = picture.state(
            picture.snapshot(), watch_state.Told(words='it is cancelled')
        )
        self.assertIn('q quit   it is cancelled', picture.draw(state)[-1])
