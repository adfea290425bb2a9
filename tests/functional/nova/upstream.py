# SPDX-License-Identifier: Apache-2.0
"""Run tests that come with Nova, with or without the balloon timer.

A program of its own: Nova's tests want a process that is all Nova's. They run
on Nova's imitation of libvirt; the balloon timer has libvirt's own test driver
meanwhile, and a folder that is thrown away.

    python tests/functional/nova/upstream.py RESULTS MONITORS TEST...
"""

import json
import logging
import os
import pathlib
import sys
import tempfile
from typing import Any
import unittest
import warnings

os.environ['OS_NOVA_DISABLE_EVENTLET_PATCHING'] = '1'

from nova import monkey_patch  # noqa: E402

monkey_patch.patch(backend='threading')

from nova.tests import fixtures as nova_fixtures  # noqa: E402
from nova.tests.fixtures import conf as conf_fixture  # noqa: E402
import sqlalchemy.exc  # noqa: E402

from nova_balloon_timer.conf import opts  # noqa: E402

_STARTED = 'The balloon timer looks after this host'
_STOPPED = 'The balloon timer has stopped'


class _Recorder(unittest.TextTestResult):
    """Remembers the outcome of each test."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.outcomes: dict[str, str] = {}

    def startTest(self, test: unittest.TestCase) -> None:
        super().startTest(test)
        self.outcomes[test.id()] = 'no outcome'

    def addSuccess(self, test: unittest.TestCase) -> None:
        super().addSuccess(test)
        self.outcomes[test.id()] = 'ok'

    def addSkip(self, test: unittest.TestCase, reason: str) -> None:
        super().addSkip(test, reason)
        self.outcomes[test.id()] = f'skipped: {reason}'

    def addError(self, test: unittest.TestCase, *said: Any) -> None:
        super().addError(test, *said)
        self.outcomes[test.id()] = 'failed'

    def addFailure(self, test: unittest.TestCase, *said: Any) -> None:
        super().addFailure(test, *said)
        self.outcomes[test.id()] = 'failed'


class _Lines(logging.Handler):
    """Keeps what the balloon timer says."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[tuple[str, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append((record.levelname, record.getMessage()))


def _configure(monitors: list[str], state_path: str) -> None:
    """Have each of Nova's tests begin with what we need."""
    set_up = conf_fixture.ConfFixture.setUp

    def set_up_conf(fixture: Any) -> None:
        set_up(fixture)
        conf = fixture.conf
        # Where a wheel has it; the tests look where a checkout does.
        paste = pathlib.Path(sys.prefix, 'etc', 'nova', 'api-paste.ini')
        conf.set_default('api_paste_config', str(paste), group='wsgi')
        conf.set_default('compute_monitors', monitors)
        conf.set_default('connection_uri', 'test:///default', group='libvirt')
        opts.register_opts(conf)
        conf.set_default('state_path', state_path, group='balloon_timer')

    conf_fixture.ConfFixture.setUp = set_up_conf


def _forgive_deprecations() -> None:
    """Let libraries deprecate what this release of Nova still uses."""
    set_up = nova_fixtures.WarningsFixture.setUp

    def set_up_warnings(fixture: Any) -> None:
        set_up(fixture)
        warnings.filterwarnings(
            'ignore', category=sqlalchemy.exc.SADeprecationWarning
        )

    nova_fixtures.WarningsFixture.setUp = set_up_warnings


def main(results: str, monitors: str, *tests: str) -> int:
    """Run tests, and write what came of them into a file."""
    lines = _Lines()
    ours = logging.getLogger('nova_balloon_timer')
    ours.addHandler(lines)
    ours.setLevel(logging.INFO)
    with tempfile.TemporaryDirectory() as state_path:
        _configure([it for it in monitors.split(',') if it], state_path)
        _forgive_deprecations()
        suite = unittest.defaultTestLoader.loadTestsFromNames(tests)
        runner = unittest.TextTestRunner(resultclass=_Recorder)
        outcome = runner.run(suite)
    messages = [text for _, text in lines.said]
    found = {
        'outcomes': getattr(outcome, 'outcomes', {}),
        'started': messages.count(_STARTED),
        'stopped': messages.count(_STOPPED),
        'complaints': [
            f'{level} {text}'
            for level, text in lines.said
            if level not in ('DEBUG', 'INFO')
        ],
    }
    pathlib.Path(results).write_text(json.dumps(found, indent=1))
    return 0 if outcome.wasSuccessful() else 1


if __name__ == '__main__':
    sys.exit(main(*sys.argv[1:]))
