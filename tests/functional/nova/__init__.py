# SPDX-License-Identifier: Apache-2.0
"""Tests inside a real Nova, for those who have it installed.

The other functional tests run without it, and leave these out.
"""

from importlib import metadata
import pathlib
import unittest

_HERE = pathlib.Path(__file__).parent


def load_tests(
    loader: unittest.TestLoader, tests: unittest.TestSuite, pattern: str | None
) -> unittest.TestSuite:
    """Find the tests of this folder if Nova is there."""
    try:
        metadata.version('nova')
    except metadata.PackageNotFoundError:
        return tests
    found = loader.discover(str(_HERE), pattern or 'test*.py')
    tests.addTests(found)
    return tests
