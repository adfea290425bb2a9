# SPDX-License-Identifier: Apache-2.0
"""Count the tests in files of subunit streams; fail if one of them failed."""

import pathlib
import sys

import subunit
import testtools

# Of what a test that failed said: its end, where the error is.
_LINES = 25


def _summarize(path: pathlib.Path) -> testtools.StreamSummary:
    summary = testtools.StreamSummary()
    with path.open('rb') as stream:
        summary.startTestRun()
        subunit.ByteStreamToStreamResult(stream).run(summary)
        summary.stopTestRun()
    return summary


def _show(test: testtools.PlaceHolder, said: str) -> None:
    """Repeat what is far above, and so may not have been kept."""
    print(f'FAILED: {test.id()}')
    for line in said.rstrip().splitlines()[-_LINES:]:
        print(f'    {line}')


def main(paths: list[str]) -> int:
    """Print what failed, then one line with the counts.

    :returns: the exit code
    """
    passed = failed = skipped = 0
    for path in map(pathlib.Path, paths):
        if not path.is_file():
            continue
        summary = _summarize(path)
        for test, said in summary.errors:
            _show(test, said)
        for test in summary.unexpectedSuccesses:
            _show(test, 'it was expected to fail')
        bad = len(summary.errors) + len(summary.unexpectedSuccesses)
        # NOTE: expected failures and skips are in testsRun too.
        failed += bad
        skipped += len(summary.skipped)
        passed += summary.testsRun - bad - len(summary.skipped)
    print(f'{passed} passed, {failed} failed, {skipped} skipped')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
