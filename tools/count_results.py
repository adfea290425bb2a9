# SPDX-License-Identifier: Apache-2.0
"""Count the tests in files of subunit streams; fail if one of them failed.

A test that is in several files counts as in the last of these: it was run
once more.
"""

from collections.abc import Iterator
import pathlib
import sys
from typing import Any

import subunit
import testtools

# Of what a test that failed said: its end, where the error is.
_LINES = 25

_PASSED = ('success', 'xfail')
_SKIPPED = 'skip'
# Listed, but not run.
_LISTED = 'exists'

_Test = dict[str, Any]


def _read(path: pathlib.Path) -> Iterator[_Test]:
    """Return what is in a file."""
    found: list[Any] = []
    result = testtools.StreamToDict(found.append)
    with path.open('rb') as stream:
        result.startTestRun()
        subunit.ByteStreamToStreamResult(stream).run(result)
        result.stopTestRun()
    return (it for it in found if it['status'] != _LISTED)


def _show(how: str, test: _Test) -> None:
    """Repeat what is far above, and so may not have been kept."""
    print(f'{how}: {test["id"]}')
    details = test['details']
    traceback = details.get('traceback')
    texts = [traceback] if traceback is not None else details.values()
    for text in texts:
        for line in text.as_text().rstrip().splitlines()[-_LINES:]:
            print(f'    {line}')


def main(paths: list[str]) -> int:
    """Print what failed, then one line with the counts.

    :returns: the exit code
    """
    tests: dict[str, _Test] = {}
    for path in map(pathlib.Path, paths):
        for test in _read(path) if path.is_file() else ():
            before = tests.get(test['id'], test)
            if before['status'] != test['status']:
                _show('FAILED AT FIRST', before)
            tests[test['id']] = test
    statuses = [it['status'] for it in tests.values()]
    skipped = statuses.count(_SKIPPED)
    passed = sum(statuses.count(it) for it in _PASSED)
    for test in tests.values():
        if test['status'] not in (*_PASSED, _SKIPPED):
            _show('FAILED', test)
    failed = len(tests) - passed - skipped
    print(f'{passed} passed, {failed} failed, {skipped} skipped')
    return 1 if failed else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
