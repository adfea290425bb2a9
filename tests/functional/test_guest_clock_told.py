# SPDX-License-Identifier: Apache-2.0
"""Who keeps the clock is said before, during and after a policy."""

from typing import Any

from nova_balloon_timer.report import run_file
from tests.functional import command
from tests.functional import fault

_NO_DRIVER = 'it has no timed balloon driver'
_NO_CHANNEL = 'it has no guest agent channel'
_TAKE: dict[str, Any] = {'target': '300M', 'duration': '20s'}


class ToldTest(fault.FaultTest):
    def test_before(self) -> None:
        balloons = self.balloons('keeper', 'novice', 'east')
        result = self.apply(*balloons, **_TAKE, dry_run=True)
        self.assertEqual(0, result.code, str(result))
        self.assertEqual(
            {
                'keeper': 'guest',
                'novice': f'host: {_NO_DRIVER}',
                'east': f'host: {_NO_CHANNEL}',
            },
            {name: row['Timed by'] for name, row in result.rows.items()},
        )
        self.assert_unmoved(*balloons)

    def test_meanwhile_and_after(self) -> None:
        keeper, novice = self.balloons('keeper', 'novice')
        path = self.folder / 'run.json'
        result = self.apply(keeper, novice, **_TAKE, save=path)
        for name, keeper_of, words in (
            ('keeper', 'guest', ''),
            ('novice', 'host', f': {_NO_DRIVER}'),
        ):
            row = self.assert_end('target', 0, result, name)
            self.assertEqual(keeper_of, row['Timed by'])
            self.assertRegex(
                result.err,
                f'{name}: inflate .* timed by the {keeper_of}{words}\n',
            )
        saved = {
            it.guest_name: it.report for it in run_file.load(path).policies
        }
        said = saved['keeper'].guest_report
        assert said is not None
        self.assertEqual(300 * 1024, said.reached_kib)
        self.assertIsNone(saved['novice'].guest_report)
        self.assertEqual(_NO_DRIVER, saved['novice'].timing.words)

    def test_a_guest_that_must_and_cannot_is_refused(self) -> None:
        keeper, novice, east = self.balloons('keeper', 'novice', 'east')
        result = self.apply(keeper, novice, east, **_TAKE, mode='guest')
        self.assertEqual(3, result.code, str(result))
        for name, why in (('novice', _NO_DRIVER), ('east', _NO_CHANNEL)):
            row = result.rows[name]
            self.assertEqual('refused', row['Ended by'])
            self.assertEqual(f'it cannot keep the clock: {why}', row['Detail'])
        self.assert_unmoved(novice, east)
        self.assertEqual('target', result.rows['keeper']['Ended by'])
        self.assertEqual('guest', result.rows['keeper']['Timed by'])

    def test_the_page_has_what_the_guest_says(self) -> None:
        (keeper,) = self.balloons('keeper')
        path = self.folder / 'run.json'
        self.apply(keeper, **_TAKE, save=path)
        page = path.with_suffix('.html')
        drawn = command.run('report', str(path), '-o', str(page))
        self.assertEqual(0, drawn.code, drawn.err)
        text = page.read_text()
        self.assertIn('timed by the guest', text)
        self.assertIn('The guest says: ended by target after', text)
