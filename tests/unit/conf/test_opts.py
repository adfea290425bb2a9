# SPDX-License-Identifier: Apache-2.0

import io
import re

from oslo_config import cfg
from oslo_config import generator
from oslo_config import types
import testscenarios

from nova_balloon_timer.conf import opts
from tests.unit import base


def _name_of(group: cfg.OptGroup | None) -> str:
    return 'DEFAULT' if group is None else group.name


_OPTIONS = [
    (
        f'{_name_of(group)}.{option.name}',
        {'group': _name_of(group), 'option': option},
    )
    for group, options in opts.list_opts()
    for option in options
]
_NUMBERS = [
    (name, attributes)
    for name, attributes in _OPTIONS
    if isinstance(attributes['option'], (cfg.IntOpt, cfg.FloatOpt))
]
_UNITS = {
    'percent': ('percent',),
    'mib': ('MiB',),
    'seconds': ('seconds', 'time'),
}


def _written(default: object) -> str:
    """Write a default as a configuration file has it."""
    if isinstance(default, list):
        return ','.join(default)
    if isinstance(default, bool):
        return str(default).lower()
    return '' if default == {} else str(default)


def _make_conf() -> cfg.ConfigOpts:
    conf = cfg.ConfigOpts()
    opts.register_opts(conf)
    opts.register_nova_opts(conf)
    conf([], project='none', default_config_files=[], default_config_dirs=[])
    return conf


class OptionTestCase(testscenarios.WithScenarios, base.TestCase):
    scenarios = _OPTIONS
    group: str
    option: cfg.Opt

    def test_has_help_that_begins_with_a_sentence(self) -> None:
        first, *rest = (self.option.help or '').strip().split('\n\n')
        self.assertRegex(first, r'^[A-Z][^\n]*\.$')
        self.assertTrue(rest or len(first) > 40)
        for line in (self.option.help or '').splitlines():
            self.assertTrue(len(line) < 80, line)

    def test_help_names_the_unit_that_the_name_has(self) -> None:
        words = _UNITS.get(self.option.name.rsplit('_', 1)[-1], ())
        text = self.option.help or ''
        self.assertTrue(not words or any(word in text for word in words))

    def test_related_options_are_there(self) -> None:
        _, _, related = (self.option.help or '').partition('Related options:')
        names = re.findall(r'^\* ``(\w+)``', related, re.MULTILINE)
        self.assertEqual(bool(related), bool(names))
        for name in names:
            self.assertNotEqual(self.option.name, name)
            self.assertIn(f'{self.group}.{name}', dict(_OPTIONS))

    def test_is_registered_with_its_default(self) -> None:
        conf = _make_conf()
        group = conf if self.group == 'DEFAULT' else conf[self.group]
        value = group[self.option.dest]
        self.assertEqual(self.option.default, value)
        self.assertIsNotNone(value)


class NumberTestCase(testscenarios.WithScenarios, base.TestCase):
    scenarios = _NUMBERS
    group: str
    option: cfg.Opt

    def setUp(self) -> None:
        super().setUp()
        self.conf = _make_conf()
        # NOTE: groups share their options' state between configurations.
        self.addCleanup(self.conf.clear_override, self.option.name, self.group)
        number = self.option.type
        assert isinstance(number, types.Integer | types.Float)
        assert number.min is not None and number.max is not None
        self.lowest, self.highest = number.min, number.max

    def set(self, value: float) -> None:
        self.conf.set_override(self.option.name, value, self.group)

    def test_has_its_default_within_its_bounds(self) -> None:
        self.assertTrue(self.lowest <= self.option.default <= self.highest)

    def test_takes_its_extremes(self) -> None:
        for value in (self.lowest, self.highest):
            self.set(value)
            self.assertEqual(value, self.conf[self.group][self.option.dest])

    def test_takes_nothing_beyond(self) -> None:
        for value in (self.lowest - 1, self.highest + 1):
            self.assertRaises(ValueError, self.set, value)

    def test_takes_nothing_that_is_no_number(self) -> None:
        for value in ('many', '1.5G', 'None'):
            self.assertRaises(
                ValueError,
                self.conf.set_override,
                self.option.name,
                value,
                self.group,
            )


class SampleTestCase(base.TestCase):
    def test_has_every_option_commented_out(self) -> None:
        conf = cfg.ConfigOpts()
        generator.register_cli_opts(conf)
        conf(['--namespace', 'nova_balloon_timer'], default_config_files=[])
        sample = io.StringIO()
        generator.generate(conf, sample)
        for group, options in opts.list_opts():
            self.assertIn(f'[{_name_of(group)}]\n', sample.getvalue())
            for option in options:
                default = option.sample_default or option.default
                line = f'#{option.name} = {_written(default)}'
                self.assertIn(f'\n{line.rstrip()}\n', sample.getvalue())

    def test_names_are_unique(self) -> None:
        self.assertEqual(len(_OPTIONS), len(dict(_OPTIONS)))

    def test_registering_twice_is_harmless(self) -> None:
        conf = _make_conf()
        opts.register_opts(conf)
