# SPDX-License-Identifier: Apache-2.0
"""What Zuul is told to run: it has to be there."""

import configparser
import pathlib
import re
from typing import Any

import yaml

from tests.unit import base

_TOP = pathlib.Path(__file__).resolve().parents[2]

# What each of OpenStack's templates runs by tox.
_ENVIRONMENTS = {
    'check-requirements': set(),
    'openstack-cover-jobs': {'cover'},
    'openstack-python3-jobs': {'pep8', 'py3'},
    'publish-openstack-docs-pti': {'docs'},
    'release-notes-jobs-python3': {'releasenotes'},
}
# DevStack's own variables.
_OF_DEVSTACK = {'NOVA_NOTIFICATION_FORMAT'}


class TestZuul(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        text = (_TOP / '.zuul.yaml').read_text()
        self.jobs: dict[str, Any] = {}
        self.project: dict[str, Any] = {}
        for item in yaml.safe_load(text):
            ((kind, content),) = item.items()
            if kind == 'job':
                self.jobs[content['name']] = content
            else:
                self.assertEqual(('project', {}), (kind, self.project))
                self.project = content

    def test_tox_has_what_the_templates_run(self) -> None:
        parser = configparser.RawConfigParser()
        parser.read(_TOP / 'tox.ini')
        known = set(parser['tox']['env_list'].split(','))
        templates = self.project['templates']

        self.assertEqual(sorted(_ENVIRONMENTS), templates)
        self.assertEqual(set(), set().union(*_ENVIRONMENTS.values()) - known)

    def test_jobs_are_defined_and_run(self) -> None:
        self.assertEqual(list(self.jobs), self.project['check']['jobs'])
        self.assertEqual(list(self.jobs), self.project['gate']['jobs'])

    def test_both_modes_are_tested(self) -> None:
        variables = [
            it['vars']['devstack_localrc'] for it in self.jobs.values()
        ]

        self.assertEqual(
            ['nova', 'agent'],
            [it['NOVA_BALLOON_TIMER_MODE'] for it in variables],
        )

    def test_variables_are_settings_of_the_plugin(self) -> None:
        settings = (_TOP / 'devstack/settings').read_text()
        known = set(re.findall(r'\b[A-Z][A-Z_]+\b', settings))

        for job in self.jobs.values():
            names = job['vars']['devstack_localrc'].keys()
            self.assertEqual(set(), names - known - _OF_DEVSTACK)

    def test_the_plugin_goes_by_its_name(self) -> None:
        settings = (_TOP / 'devstack/settings').read_text()
        (name,) = re.findall(r'^define_plugin (.+)$', settings, re.MULTILINE)
        first = self.jobs['nova-balloon-timer-tempest']

        self.assertEqual([name], list(first['vars']['devstack_plugins']))

    def test_what_is_irrelevant_is_there(self) -> None:
        names = {
            str(it.relative_to(_TOP))
            for pattern in ('.*', '*', '*/*', 'tests/unit/*')
            for it in _TOP.glob(pattern)
            if it.is_file()
        }

        for pattern in self._irrelevant():
            self.assertTrue(
                [it for it in names if re.search(pattern, it)], pattern
            )

    def test_what_is_run_is_relevant(self) -> None:
        for name in (
            '.zuul.yaml',
            'bindep.txt',
            'devstack/lib/nova-balloon-timer',
            'devstack/plugin.sh',
            'devstack/settings',
            'nova/compute/monitors/cpu/balloon_timer.py',
            'nova_balloon_timer/manager.py',
            'pyproject.toml',
            'requirements.txt',
            'setup.cfg',
        ):
            self.assertTrue((_TOP / name).is_file(), name)
            for pattern in self._irrelevant():
                self.assertNotRegex(name, pattern)

    def _irrelevant(self) -> list[str]:
        (patterns,) = (
            it['irrelevant-files']
            for it in self.jobs.values()
            if 'irrelevant-files' in it
        )
        return list(patterns)
