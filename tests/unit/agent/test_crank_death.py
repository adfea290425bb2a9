# SPDX-License-Identifier: Apache-2.0
"""A process whose crank has died ends, and its exit code says so."""

import subprocess
import sys

from tests.unit import base

_SCRIPT = """
import signal, sys, threading
from nova_balloon_timer import manager
from nova_balloon_timer.agent import service

signal.pthread_sigmask(signal.SIG_BLOCK, service._SIGNALS)

def die():
    raise SystemExit

threading.Thread(target=manager.run_or_end, args=(die,)).start()
sys.exit(10 + service._wait(lambda: None))
"""


class DeathTestCase(base.TestCase):
    def test_ends_the_process(self) -> None:
        done = subprocess.run(
            [sys.executable, '-c', _SCRIPT],
            check=False,
            capture_output=True,
            timeout=base.PATIENCE_SECONDS,
        )
        self.assertEqual(11, done.returncode, str(done.stderr))
