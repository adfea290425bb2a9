# SPDX-License-Identifier: Apache-2.0
"""Tests that are the lines of a table."""

import testscenarios

from tests.unit import base


class Table(testscenarios.WithScenarios, base.TestCase):
    """Runs each test once for each of its class's ``scenarios``."""
