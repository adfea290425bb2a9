# SPDX-License-Identifier: Apache-2.0
"""Count the tests in files of subunit streams; fail if one of them failed."""

import pathlib
import sys

import subunit
import testtools


def main(paths: list[str]) -> int:
    """Print one line and return the exit code."""
    passed = failed = skipped = 0
    for path in map(pathlib.Path, paths):
        if not path.is_file():
            continue
        summary = testtools.StreamSummary()
        with path.open('rb') as stream:
            summary.startTestRun()
            subunit.ByteStreamToStreamResult(stream).run(summary)
            summary.stopTestRun()
        bad = len(summary.errors) + len(summary.unexpectedSuccesses)
        # NOTE: expected failures and skips are in testsRun too.
        failed += bad
        skipped += len(summary.skipped)
        passed += summary.testsRun - bad - len(summary.skipped)
    print(f'{passed} passed, {failed} failed, {skipped} skipped')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
