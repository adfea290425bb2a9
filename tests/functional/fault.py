# SPDX-License-Identifier: Apache-2.0
"""What the tests of faults in mid-policy share."""

from typing import Any

from tests.functional import base
from tests.functional import command

# Goes 64 MiB, waits there for a fault, and goes on if there is a later.
STEP = {'target': '300M', 'reserve': '0', 'floor': '64M'}
# Moves all the time: 1 MiB a look, so that a fault comes in mid-movement.
CRAWL = {'target': '128M', 'reserve': '0', 'leash': '1M'}


class FaultTest(base.FunctionalTest):
    """A fault hits while a policy holds or moves a balloon."""

    def assert_end(
        self, by: str, code: int, result: command.Result, name: str
    ) -> dict[str, Any]:
        """See how a guest's policy ended, and with which exit code."""
        row = result.rows[name]
        self.assertEqual(by, row['Ended by'], str(result))
        self.assertEqual(code, result.code, str(result))
        self.assertNotIn('Traceback', result.err)
        return row
