# SPDX-License-Identifier: Apache-2.0

import hypothesis
from hypothesis import strategies as st

from nova_balloon_timer import exception
from nova_balloon_timer import model
from nova_balloon_timer.simulator import behaviour
from nova_balloon_timer.simulator.fleet import reader
from nova_balloon_timer.simulator.fleet import scenario
from tests.unit import base

GIB, MIB = base.GIB, base.MIB

_GOOD = """\
description: A test.
duration: 1h
total: 16G
other: 1G
options: {low_watermark: 3%}
groups:
  web:
    count: 2
    maximum: 4G
    touched: 50%
    use: {burst: {size: 25%, to: 2G, at: 5m, lasts: 10s, every: 20m}}
    noise: 5%
    inflate: 100M
    odd:
      - stuck: {from: 10m}
  db:
    maximum: 2G
    use: 1G
expect: {longest-short: 5s, ends: [target], harm: 0}
"""


def _parse(text: str, seed: int = 0) -> scenario.FleetScenario:
    return reader.parse(text.encode(), 'mine', name='mine', seed=seed)


class TestReader(base.TestCase):
    def test_everything_is_read(self) -> None:
        found = _parse(_GOOD)

        self.assertEqual(3600.0, found.seconds)
        self.assertEqual(60.0, found.tick_seconds)
        self.assertEqual(16 * GIB, found.total_kib)
        self.assertEqual(GIB, found.other.kib(0.0))
        self.assertEqual({'low_watermark': '3%'}, dict(found.options))
        self.assertEqual(
            ['web-1', 'web-2', 'db'], [it.name for it in found.guests]
        )
        self.assertEqual(3, len({it.uuid for it in found.guests}))
        web = found.guests[0]
        self.assertEqual(4 * GIB, web.actual_kib)
        self.assertEqual(100 * MIB, web.inflate_kib_per_second)
        self.assertEqual((behaviour.Stuck(from_at=600.0),), web.behaviours)
        self.assertEqual(5.0, found.expect.longest_short_seconds)
        self.assertEqual((model.EndReason.TARGET,), found.expect.ends)
        self.assertEqual(0, found.expect.harm_mib_seconds)

    def test_demand_differs_by_seed_only(self) -> None:
        def use(seed: int) -> tuple[float, float]:
            return _parse(_GOOD, seed).guests[0].make_demand().at(100.0)

        self.assertEqual(use(0), use(0))
        self.assertNotEqual(use(0), use(1))
        self.assertEqual(2.0 * GIB, use(0)[1])

    def test_every_complaint_names_the_place(self) -> None:
        for good, bad, words in (
            ('16G', '16 parsecs', "total: '16 parsecs' is not a size"),
            ('1h', 'soon', "duration: 'soon' is not a duration"),
            ('count: 2', 'count: -2', 'groups.web.count: must be a whole'),
            ('count: 2', 'count: 99999', 'more than 20000 guests'),
            ('noise: 5%', 'noise: 5', 'groups.web.noise: must be a percent'),
            ('noise: 5%', 'noise: 500%', 'is above 100%'),
            ('- stuck', '- rude', "'rude' is none of: "),
            ('burst:', 'boost:', "'boost' is no size, and none of: burst"),
            ('every: 20m', 'every: 0s', 'every must be above zero'),
            ('use: 1G', 'uses: 1G', "groups.db: 'use' is missing"),
            ('[target]', '[luck]', "'luck' is none of: target"),
            ('maximum: 2G', 'maximum: 1k', 'is below 1 MiB'),
        ):
            self.assertIn(good, _GOOD)
            error = self.assertRaises(
                exception.InvalidScenario, _parse, _GOOD.replace(good, bad)
            )
            self.assertIn(words, str(error))

    def test_missing_file(self) -> None:
        error = self.assertRaises(
            exception.InvalidScenario, reader.load, '/nowhere'
        )
        self.assertIn('it cannot be read', str(error))

    @hypothesis.given(
        st.text(max_size=20), st.sampled_from(_GOOD.split()), st.booleans()
    )
    def test_nothing_breaks_it(
        self, junk: str, word: str, is_added: bool
    ) -> None:
        text = _GOOD.replace(word, word + junk if is_added else junk, 1)
        try:
            _parse(text.encode('utf-8', 'replace').decode('utf-8'))
        except exception.InvalidScenario as error:
            self.assertNotIn('\n', str(error))
