# SPDX-License-Identifier: Apache-2.0
"""Ask the module's parser, compiled for user space with sanitizers."""

import pathlib
import subprocess

from tests.guest import reference


class Parser:
    """A process that parses lines, and dies of what a sanitizer finds."""

    def __init__(self, program: pathlib.Path) -> None:
        self._process = subprocess.Popen(
            [program], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )

    def close(self) -> None:
        """Have it end, and see that it does so well."""
        _, _ = self._process.communicate()
        if self._process.returncode:
            raise AssertionError(f'exit code {self._process.returncode}')

    def normalize(self, line: bytes) -> bytes:
        """Do what the reference does.

        :raises Rejected: the line is not valid
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(len(line).to_bytes(2, 'little') + line)
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise AssertionError(f'it died of {line!r}')
        error, _, order = answer.removesuffix(b'\n').partition(b' ')
        if error != b'0':
            raise reference.Rejected(-int(error))
        return order
