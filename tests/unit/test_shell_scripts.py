# SPDX-License-Identifier: Apache-2.0
"""Each shell script is one of those that bashate and shellcheck look at."""

import configparser
import pathlib
import re

from tests.unit import base

_TOP = pathlib.Path(__file__).resolve().parents[2]
_FOLDERS = (
    '.ci',
    'benchmarks',
    'devstack',
    'doc',
    'etc',
    'guest',
    'tests',
    'tools',
)
_FIRST_LINE = re.compile(rb'#!.*\b(ba)?sh\b|# shellcheck shell=')


def _is_script(path: pathlib.Path) -> bool:
    if path.suffix in ('.pyc', '.rst') or not path.is_file():
        return False
    with path.open('rb') as file:
        return _FIRST_LINE.match(file.readline(200)) is not None


class TestShellScripts(base.TestCase):
    def test_none_is_missing(self) -> None:
        parser = configparser.RawConfigParser()
        parser.read(_TOP / 'tox.ini')
        checked = parser['shell']['scripts'].split()
        found = [
            str(it.relative_to(_TOP))
            for folder in _FOLDERS
            for it in (_TOP / folder).rglob('*')
            if _is_script(it)
        ]

        self.assertEqual(sorted(found), checked)
