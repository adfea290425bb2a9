# SPDX-License-Identifier: Apache-2.0

import io
import time

import fixtures
import testscenarios

from nova_balloon_timer import model
from nova_balloon_timer.cmd import progress
from tests.unit import base

MIB = base.MIB
_UUID = base.uuid_of('web-01')
_NAMES = {_UUID: 'web-01'}


class Terminal(io.StringIO):
    """A stream at which somebody looks."""

    def isatty(self) -> bool:
        return True


def _sample(actual_mib: int, after: float = 0.0) -> model.BalloonSample:
    return base.make_sample(
        at=time.monotonic() + after, actual_kib=actual_mib * MIB
    )


class ProgressTestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        for name, value in (
            ('COLUMNS', '140'),
            ('TERM', 'xterm'),
            ('NO_COLOR', None),
        ):
            self.useFixture(fixtures.EnvironmentVariable(name, value))
        self.policy = base.make_policy()

    def report(
        self, reason: model.EndReason = model.EndReason.TARGET
    ) -> model.EndReport:
        return base.make_report(policy=self.policy, reason=reason)


class DisplayTestCase(ProgressTestCase):
    def test_is_bars_where_somebody_looks(self) -> None:
        shown = progress.display(_NAMES, Terminal())
        self.assertIsInstance(shown, progress.Bars)

    def test_is_lines_elsewhere(self) -> None:
        shown = progress.display(_NAMES, io.StringIO())
        self.assertIsInstance(shown, progress.Lines)


class LinesTestCase(ProgressTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.stream = io.StringIO()
        self.lines = progress.Lines(_NAMES, self.stream)

    def told(self) -> list[str]:
        return self.stream.getvalue().splitlines()

    def test_tell_the_start(self) -> None:
        with self.lines as lines:
            lines.started(self.policy, base.UNABLE)
        self.assertEqual(
            [
                'web-01: inflate from 1024 MiB to 512 MiB within 2.00 s, '
                'timed by the host: it has no guest agent channel'
            ],
            self.told(),
        )

    def test_tell_the_end(self) -> None:
        with self.lines as lines:
            lines.started(self.policy, base.BY_HOST)
            lines.ended(self.report())
        self.assertEqual(
            'web-01: ended by target after 1.00 s, moved 512 MiB: '
            'reached 512 MiB',
            self.told()[-1],
        )

    def test_tell_an_end_without_a_start(self) -> None:
        self.lines.ended(
            base.make_report(
                policy=self.policy,
                reason=model.EndReason.GUEST_GONE,
                moved_kib=None,
                detail='the guest is gone',
            )
        )
        (line,) = self.told()
        self.assertIn('guest-gone after 1.00 s, moved unknown', line)

    def test_tell_how_far_it_is_once_a_second(self) -> None:
        self.lines.started(self.policy, base.BY_HOST)
        for after in (0.0, 0.5, 0.9, 10.0, 10.5, 11.5):
            self.lines.sampled(_UUID, _sample(768, after))
        told = self.told()[1:]
        self.assertEqual(2, len(told))
        self.assertIn('web-01: 256 MiB of 512 MiB moved in 10.', told[0])
        self.assertIn('moved in 11.', told[1])

    def test_tell_how_long_it_has_been_under_way(self) -> None:
        self.lines.started(self.policy, base.BY_HOST, elapsed_seconds=60.0)
        self.lines.sampled(_UUID, _sample(768, 2.0))
        self.assertIn('moved in 1 min 2 s', self.told()[-1])

    def test_a_note_is_no_guests(self) -> None:
        self.lines.note('nobody answers\x1b[2J')
        self.assertEqual(['nobody answers\ufffd[2J'], self.told())

    def test_a_sample_of_a_stranger_tells_nothing(self) -> None:
        self.lines.sampled('nobody', _sample(768, 10.0))
        self.lines.started(self.policy, base.BY_HOST)
        self.lines.ended(self.report())
        self.lines.sampled(_UUID, _sample(768, 10.0))
        self.assertEqual(2, len(self.told()))

    def test_a_guest_without_a_name_is_called_by_its_uuid(self) -> None:
        lines = progress.Lines({}, self.stream)
        lines.started(self.policy, base.BY_HOST)
        self.assertIn(f'{_UUID}: inflate', self.told()[0])

    def test_every_line_is_there_at_once(self) -> None:
        flushed: list[str] = []
        self.stream.flush = (  # type: ignore[method-assign]
            lambda: flushed.append(self.stream.getvalue())
        )
        self.lines.started(self.policy, base.BY_HOST)
        self.assertIn('inflate', flushed[-1])


class BarsTestCase(ProgressTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.stream = Terminal()
        self.bars = progress.Bars(_NAMES, self.stream)

    def screen(self) -> str:
        """Return what the terminal shows in its last frame."""
        return self.stream.getvalue().rpartition('\r')[2]

    def test_show_the_start(self) -> None:
        with self.bars as bars:
            bars.started(self.policy, base.BY_HOST)
        for words in ('web-01', 'inflate', '/2 s'):
            self.assertIn(words, self.screen())

    def test_show_who_keeps_the_clock_and_why_not_the_guest(self) -> None:
        with self.bars as bars:
            bars.started(self.policy, base.BY_GUEST)
        self.assertIn('inflate, timed by the guest', self.screen())
        with progress.Bars(_NAMES, self.stream) as bars:
            bars.started(self.policy, base.UNABLE)
        self.assertIn('inflate, timed by the host', self.screen())
        self.assertIn(
            'web-01: timed by the host: it has no guest agent channel',
            self.stream.getvalue(),
        )

    def test_show_what_moved_and_how_fast(self) -> None:
        with self.bars as bars:
            bars.started(self.policy, base.BY_HOST)
            bars.sampled(_UUID, _sample(768, 100.0))
        self.assertIn('256/512 MiB 2.6 MiB/s', self.screen())

    def test_show_a_guest_that_goes_back(self) -> None:
        with self.bars as bars:
            bars.started(self.policy, base.BY_HOST)
            bars.sampled(_UUID, _sample(768, 100.0))
            bars.sampled(_UUID, _sample(1024, 200.0))
        self.assertIn('0/512 MiB -2.6 MiB/s', self.screen())

    def test_show_for_how_long_it_has_been_under_way(self) -> None:
        longer = base.make_policy(duration_seconds=90.0)
        with self.bars as bars:
            bars.started(longer, base.BY_HOST, elapsed_seconds=60.0)
        self.assertRegex(self.screen(), r'60\.\d/90 s')

    def test_a_note_is_above_them(self) -> None:
        with self.bars as bars:
            bars.started(self.policy, base.BY_HOST)
            bars.note('[b]nobody[/b] answers')
        self.assertIn('[b]nobody[/b] answers', self.stream.getvalue())

    def test_show_the_reason_of_the_end(self) -> None:
        with self.bars as bars:
            bars.started(self.policy, base.BY_HOST)
            bars.ended(self.report(model.EndReason.STALLED))
        self.assertIn('ended by stalled', self.screen())

    def test_stay_as_they_are_after_the_end(self) -> None:
        with self.bars as bars:
            bars.started(self.policy, base.BY_HOST)
            bars.ended(self.report())
            bars.sampled(_UUID, _sample(1024, 100.0))
            bars.ended(self.report(model.EndReason.FAILED))
        self.assertIn('ended by target', self.screen())
        self.assertNotIn('failed', self.screen())

    def test_a_stranger_has_none(self) -> None:
        with self.bars as bars:
            bars.sampled('nobody', _sample(768))
            bars.ended(self.report())
        self.assertNotIn('web-01', self.stream.getvalue())

    def test_a_policy_that_moves_nothing_has_one_too(self) -> None:
        still = base.make_policy(target_kib=base.GIB)
        with self.bars as bars:
            bars.started(still, base.BY_HOST)
            bars.sampled(_UUID, _sample(1024, 1.0))
            bars.ended(base.make_report(policy=still, moved_kib=0))
        self.assertIn('0/0 MiB', self.screen())

    def test_an_end_nobody_saw_has_no_figure(self) -> None:
        with self.bars as bars:
            bars.started(self.policy, base.BY_HOST)
            bars.ended(base.make_report(policy=self.policy, moved_kib=None))
        self.assertIn('ended by target', self.screen())

    def test_the_cursor_is_back_after_a_failure(self) -> None:
        try:
            with self.bars as bars:
                bars.started(self.policy, base.BY_HOST)
                raise ZeroDivisionError
        except ZeroDivisionError:
            pass
        self.assertIn('\x1b[?25h', self.stream.getvalue())


class NameTestCase(testscenarios.WithScenarios, ProgressTestCase):
    """Names that a display must neither obey nor choke on."""

    scenarios = [
        ('markup', {'name': '[bold red]web[/]', 'shown': '[bold red]web[/]'}),
        ('broken markup', {'name': '[/x] web', 'shown': '[/x] web'}),
        ('emoji code', {'name': ':warning: web', 'shown': ':warning: web'}),
        ('format', {'name': '{task.id} %s', 'shown': '{task.id} %s'}),
        ('not ASCII', {'name': 'w\u00e9b-\u6f22', 'shown': 'w\u00e9b-\u6f22'}),
        ('colour', {'name': 'a\x1b[31mweb', 'shown': 'web'}),
        ('title', {'name': '\x1b]0;gotcha\x07web', 'shown': 'web'}),
        ('erase', {'name': 'a\x1b[2Jweb', 'shown': 'web'}),
        ('overwrite', {'name': 'bad\rweb', 'shown': 'web'}),
        ('new line', {'name': 'bad\nweb', 'shown': 'web'}),
        ('C1 control', {'name': 'a\x9b31mweb', 'shown': 'web'}),
    ]
    name: str
    shown: str

    def show(self, stream: io.StringIO) -> str:
        names = {_UUID: self.name}
        with progress.display(names, stream) as shown:
            shown.started(self.policy, base.BY_HOST)
            shown.sampled(_UUID, _sample(768, 10.0))
            shown.ended(self.report())
        return stream.getvalue()

    def test_is_plain_in_lines(self) -> None:
        text = self.show(io.StringIO())
        self.assertIn(self.shown, text)
        self.assertEqual(3, len(text.split('\n')) - 1)
        for control in ('\x1b', '\x07', '\r', '\x9b'):
            self.assertNotIn(control, text)

    def test_is_plain_in_bars(self) -> None:
        text = self.show(Terminal())
        self.assertIn(self.shown, text)
        for control in ('\x1b[31m', '\x1b]0;', '\x1b[2J', '\x07', '\x9b'):
            self.assertNotIn(control, text)
        self.assertNotIn('bad\r', text)
