# SPDX-License-Identifier: Apache-2.0
"""The three answers of a check, each with its words."""

from oslo_upgradecheck import upgradecheck

Result = upgradecheck.Result


def success(words: str) -> Result:
    """Say that nothing is to be done."""
    return Result(upgradecheck.Code.SUCCESS, words)


def warning(words: str) -> Result:
    """Have somebody look; it works all the same."""
    return Result(upgradecheck.Code.WARNING, words)


def failure(words: str) -> Result:
    """Say that it would not work."""
    return Result(upgradecheck.Code.FAILURE, words)
