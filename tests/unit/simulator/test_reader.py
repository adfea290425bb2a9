# SPDX-License-Identifier: Apache-2.0

import pathlib
import tempfile

import hypothesis
from hypothesis import strategies
import yaml

from nova_balloon_timer import exception
from nova_balloon_timer import model
from nova_balloon_timer import units
from nova_balloon_timer.simulator import behaviour
from nova_balloon_timer.simulator import disturbance
from nova_balloon_timer.simulator import reader
from nova_balloon_timer.simulator import scenario
from tests.unit import base
from tests.unit.simulator import table

_MIB = units.KIB_PER_MIB

_WHOLE = """\
description: Everything that a scenario can hold.
clock: {timers-late: 20ms}
guests:
  web:
    maximum: 2G
    actual: 1536M
    used: 300M
    touched: 1G
    swap: true
    statistics: 2s
    behaviours:
      - ideal
      - slow: {inflate: 20M}
      - paused: {from: 1s, until: 1500ms}
policies:
  - name: take
    guest: web
    target: 1G
    duration: 4s
    floor: 512M
    reserve: 128M
    at: 500ms
    start: 1500M
    origin: pressure
    segments:
      - {until: 1s, target: 1200M}
    expect:
      reason: deadline
      actual-end: [1000M, 1100M]
      freed: none
      ends-by: 4s
      ends-after: 3s
      lateness: 50ms
      moved-after-deadline: 4M
      confirmed: true
      says: time
events:
  - cancel: {policy: take, at: 2s}
  - host-recovered: {at: 3s}
"""

_SHORT = """\
description: Short.
guests:
  web: {maximum: 2G}
policies:
  - guest: web
    target: 1G
    duration: 4s
    floor: 512M
    expect: {reason: target}
"""


def _parse(text: str | bytes) -> scenario.Scenario:
    content = text.encode() if isinstance(text, str) else text
    return reader.parse(content, 'my.yaml', name='my')


class TestReader(base.TestCase):
    def test_everything_is_read(self) -> None:
        whole = _parse(_WHOLE)

        [guest] = whole.guests
        self.assertEqual(2048 * _MIB, guest.maximum_kib)
        self.assertEqual(1536 * _MIB, guest.actual_kib)
        self.assertEqual(300 * _MIB, guest.used_kib)
        self.assertEqual(1024 * _MIB, guest.touched_kib)
        self.assertTrue(guest.swaps)
        self.assertEqual(2.0, guest.statistics_seconds)
        self.assertEqual(
            (
                behaviour.Ideal(),
                behaviour.Slow(inflate_kib_per_second=20 * _MIB),
                disturbance.Paused(from_at=1.0, until_at=1.5),
            ),
            guest.behaviours,
        )
        [plan] = whole.plans
        self.assertEqual('take', plan.name)
        self.assertEqual(0.5, plan.at)
        self.assertEqual(1500 * _MIB, plan.start_kib)
        self.assertIs(model.Origin.PRESSURE, plan.origin)
        self.assertEqual(
            (model.Segment(until_seconds=1.0, target_kib=1200 * _MIB),),
            plan.segments,
        )
        self.assertEqual(
            (1000 * _MIB, 1100 * _MIB), plan.expect.actual_end_kib
        )
        self.assertEqual((0, 0), plan.expect.freed_kib)
        self.assertEqual(
            (scenario.Cancellation(policy='take', at=2.0),),
            whole.cancellations,
        )
        self.assertEqual((3.0,), whole.recovered_at)
        self.assertEqual(0.02, whole.timers_late_seconds)

    def test_defaults(self) -> None:
        short = _parse(_SHORT)

        [guest] = short.guests
        self.assertEqual(guest.maximum_kib, guest.actual_kib)
        self.assertEqual(guest.maximum_kib, guest.touched_kib)
        self.assertFalse(guest.swaps)
        self.assertEqual(1.0, guest.statistics_seconds)
        self.assertEqual('policy-1', short.plans[0].name)
        self.assertEqual(0, short.plans[0].reserve_kib)

    def test_every_kind_of_behaviour_can_be_read(self) -> None:
        values = {
            'at': '1s',
            'limit': '512M',
            'moves': '1s',
            'rests': '1s',
            'rate': '10M',
            'target': '1G',
        }
        for kind, made in disturbance.KINDS.items():
            required = {
                key: value
                for key, value in values.items()
                if any(
                    field in (key, f'{key}_kib', f'{key}_seconds')
                    or field == f'{key}_kib_per_second'
                    for field in made.__dataclass_fields__
                )
            }
            text = yaml.safe_dump(
                yaml.safe_load(_SHORT)
                | {
                    'guests': {
                        'web': {
                            'maximum': '2G',
                            'behaviours': [{kind: required}],
                        }
                    }
                }
            )
            [guest] = _parse(text).guests
            self.assertIsInstance(guest.behaviours[0], made)

    def test_file_is_read_by_its_path(self) -> None:
        with tempfile.TemporaryDirectory() as directory:
            path = pathlib.Path(directory, 'mine.yaml')
            path.write_text(_SHORT)
            self.assertEqual('mine', reader.load(str(path)).name)

    def test_file_that_is_not_there(self) -> None:
        for name in ('/nowhere/at-all.yaml', '/', 'no\0file'):
            self.assertRaises(exception.InvalidScenario, reader.load, name)


class TestComplaints(table.Table):
    scenarios = tuple(
        (old or new, {'old': old, 'new': new, 'words': words})
        for old, new, words in (
            ('maximum: 2G', 'maximum: 2', "guests.web.maximum: '2' is not"),
            ('maximum: 2G', 'maximum: 2T', 'maximum: is above'),
            ('maximum: 2G', 'maximum: [2G]', 'must be words, not a list'),
            ('maximum: 2G', 'actual: 2G', "guests.web: 'maximum' is missing"),
            ('maximum: 2G', 'maximum: 2G, memory: 1G', "'memory' is unknown"),
            ('maximum: 2G', 'maximum: 2G, actual: 3G', "above the guest's"),
            ('maximum: 2G', 'maximum: 2G, maximum: 2G', 'line 3: '),
            ('maximum: 2G', 'maximum: 2G, swap: yes', 'must be true or false'),
            (
                'maximum: 2G',
                'maximum: 2G, behaviours: [odd]',
                "behaviours[0]: 'odd' is none of: driver-not-loaded",
            ),
            (
                'maximum: 2G',
                'maximum: 2G, behaviours: [gone]',
                "behaviours[0].gone: 'at' is missing",
            ),
            (
                'maximum: 2G',
                'maximum: 2G, behaviours: [{ideal: {}, slow: {}}]',
                'behaviours[0]: more than 1 entries',
            ),
            (
                'maximum: 2G',
                'maximum: 2G, behaviours: [{}]',
                'behaviours[0]: must name a kind',
            ),
            (
                'maximum: 2G',
                'maximum: 2G, behaviours: ideal',
                "behaviours: must be a list, not 'ideal'",
            ),
            (
                'maximum: 2G',
                f'maximum: 2G, behaviours: [{"ideal, " * 65}]',
                'behaviours: more than 64 items',
            ),
            ('web: {', 'we/b: {', "'we/b' is no name"),
            ('guest: web', 'guest: db', 'policies[0].guest: there is no such'),
            ('duration: 4s', 'duration: 4', 'policies[0].duration: '),
            ('duration: 4s', 'duration: 700s', 'duration: is above'),
            ('duration: 4s', 'duration: .inf', 'policies[0].duration: '),
            ('duration: 4s', f'duration: {"9" * 5000}', 'duration: '),
            ('target: 1G', 'target: 256M', 'is below the floor 512 MiB'),
            ('reason: target', 'reason: luck', "reason: 'luck' is none of"),
            ('reason: target', 'reason: [target, luck]', "reason[1]: 'luck'"),
            ('reason: target', 'reason: []', 'reason: must name one'),
            ('reason: target', 'confirmed: true', "'reason' is missing"),
            (
                'reason: target',
                'reason: target, actual-end: [2G, 1G]',
                'expect.actual-end: the smallest comes first',
            ),
            (
                'reason: target',
                'reason: target, actual-end: [2G]',
                'expect.actual-end: must be a size, or the smallest',
            ),
            ('description: Short.', 'description: ""', 'description: must'),
            (
                'description: Short.',
                'description: "a\\nb"',
                'description: must be one line',
            ),
            ('description: Short.', 'description: !!int 3', 'tags are not'),
            ('description: Short.', 'description: &a b', 'line 1: anchors'),
            ('description: Short.', 'description: *a', 'line 1: anchors'),
            ('description: Short.', '? [a]\n: b', 'a key must be a word'),
            ('description: Short.', 'description: "', 'it is not YAML'),
            ('description: Short.', 'description: \0', 'it is not YAML'),
            (
                'description: Short.',
                f'description: {"[" * 500}',
                'line 1: it is nested too deeply',
            ),
            (
                'description: Short.',
                'description: a\nclock: {timers-late: 1h}',
                'clock.timers-late: is above',
            ),
            (
                'description: Short.',
                'description: a\nevents: [{cancel: {policy: b, at: 1s}}]',
                'events[0].cancel.policy: there is no such policy',
            ),
            (
                'description: Short.',
                'description: a\nevents: [dance]',
                'events[0]: is none of: cancel, host-recovered',
            ),
        )
    )
    old: str
    new: str
    words: str

    def test_one_clear_line(self) -> None:
        self.assertIn(self.old, _SHORT)
        text = _SHORT.replace(self.old, self.new)

        error = self.assertRaises(exception.InvalidScenario, _parse, text)

        self.assertTrue(str(error).startswith('my.yaml: '), str(error))
        self.assertIn(self.words, str(error))
        self.assertEqual(1, len(str(error).splitlines()))


class TestUntrustedFiles(base.TestCase):
    def _assert_rejected(self, content: bytes, words: str) -> None:
        error = self.assertRaises(exception.InvalidScenario, _parse, content)
        self.assertIn(words, str(error))

    def test_bomb_of_aliases_is_not_expanded(self) -> None:
        lines = ['a0: &a0 [x, x, x, x, x, x, x, x, x, x]']
        lines += [
            f'a{n}: &a{n} [{", ".join([f"*a{n - 1}"] * 10)}]'
            for n in range(1, 20)
        ]
        self._assert_rejected('\n'.join(lines).encode(), 'anchors')

    def test_large_file(self) -> None:
        self._assert_rejected(b'#' * 70_000, 'larger than 64 KiB')

    def test_empty_file(self) -> None:
        self._assert_rejected(b'# nothing', 'it is empty')

    def test_several_documents(self) -> None:
        self._assert_rejected(b'a: b\n---\nc: d\n', 'it is not YAML')

    def test_not_a_map(self) -> None:
        self._assert_rejected(b'- a', 'must be a map, not a list')

    def test_not_utf8(self) -> None:
        self._assert_rejected(b'a: \xff', 'it is not UTF-8')

    def test_two_policies_of_one_name(self) -> None:
        policy = _SHORT[_SHORT.index('  - guest') :]
        named = policy.replace('guest: web', 'guest: web\n    name: one')
        text = _SHORT + named.replace('one', 'policy-1')
        self._assert_rejected(text.encode(), 'two policies policy-1')

    def test_policy_that_becomes_impossible_later(self) -> None:
        text = _SHORT.replace(
            'target: 1G', 'target: 1G\n    start: 2G\n    at: 1s'
        ).replace('{maximum: 2G}', '{maximum: 2G, actual: 600M}')
        loaded = _parse(text)
        self.assertEqual(1, len(scenario.run(loaded)))

    @hypothesis.settings(max_examples=100)
    @hypothesis.given(strategies.binary(max_size=300))
    def test_any_bytes(self, content: bytes) -> None:
        self._parse_or_reject(content)

    @hypothesis.settings(max_examples=150)
    @hypothesis.given(strategies.data())
    def test_any_damage_to_a_good_file(
        self, data: strategies.DataObject
    ) -> None:
        lines = _WHOLE.splitlines()
        number = data.draw(strategies.integers(0, len(lines) - 1))
        line = lines[number]
        key, colon, _ = line.partition(':')
        lines[number] = data.draw(
            strategies.sampled_from(['', line + '\n' + line, ' ' + line])
            | strategies.text(max_size=20).map(
                lambda text: f'{key}{colon} {text}'
            )
            | strategies.sampled_from(
                ['{}', '[]', '9e999', '-1s', '0M', 'null', '{a: {b: c}}']
            ).map(lambda text: f'{key}{colon} {text}')
        )
        self._parse_or_reject('\n'.join(lines).encode('utf-8', 'replace'))

    _values = strategies.recursive(
        strategies.none()
        | strategies.booleans()
        | strategies.integers()
        | strategies.floats()
        | strategies.sampled_from(['1G', '2s', 'web', 'none', 'target'])
        | strategies.text(max_size=10),
        lambda inner: (
            strategies.lists(inner, max_size=3)
            | strategies.dictionaries(
                strategies.sampled_from(
                    ['guests', 'web', 'maximum', 'at', 'expect', 'ideal']
                ),
                inner,
                max_size=3,
            )
        ),
        max_leaves=8,
    )

    @hypothesis.settings(max_examples=150)
    @hypothesis.given(
        strategies.sampled_from(
            ['guests', 'policies', 'events', 'clock', 'description']
        ),
        _values,
    )
    def test_any_structure(self, key: str, value: object) -> None:
        content = yaml.safe_load(_WHOLE) | {key: value}
        self._parse_or_reject(yaml.safe_dump(content).encode())

    def _parse_or_reject(self, content: bytes) -> None:
        try:
            _parse(content)
        except exception.InvalidScenario as error:
            self.assertTrue(str(error).startswith('my.yaml: '))
            self.assertEqual(1, len(str(error).splitlines()), str(error))
