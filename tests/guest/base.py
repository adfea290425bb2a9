# SPDX-License-Identifier: Apache-2.0
"""What the tests of the guest's driver share."""

import pathlib
import subprocess

import fixtures
import hypothesis
import testtools

TOP = pathlib.Path(__file__).resolve().parents[2]
GUEST = TOP / 'guest'
MODULE = GUEST / 'timed_balloon'
FUZZ = GUEST / 'fuzz'

# NOTE: a busy machine makes single examples slow, which says nothing.
hypothesis.settings.register_profile('guest', deadline=None)
hypothesis.settings.load_profile('guest')

_SANITIZED = (
    '-g',
    '-O1',
    '-Wall',
    '-Wextra',
    '-Werror',
    '-fno-sanitize-recover=all',
)


def tracked(folder: pathlib.Path) -> list[pathlib.Path]:
    """Give the files of a folder that git keeps, or is about to."""
    listed = subprocess.run(
        ['git', 'ls-files', '--cached', '--others', '--exclude-standard'],
        cwd=folder,
        check=True,
        text=True,
        stdout=subprocess.PIPE,
    )
    found = (folder / name for name in listed.stdout.splitlines())
    return [path for path in found if path.is_file()]


class GuestTest(testtools.TestCase):
    """A test that may leave files in a folder of its own."""

    def setUp(self) -> None:
        super().setUp()
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)

    def run_well(
        self,
        *words: str | pathlib.Path,
        cwd: pathlib.Path | None = None,
        environment: dict[str, str] | None = None,
    ) -> str:
        """Run a program that must succeed, and give all that it printed."""
        done = subprocess.run(
            words,
            cwd=cwd,
            env=environment,
            check=False,
            text=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
        self.assertEqual(0, done.returncode, f'{words[:3]}:\n{done.stdout}')
        return done.stdout

    def compile(self, name: str, sanitizers: str) -> pathlib.Path:
        """Compile a program of the fuzzer's folder with the parser."""
        program = self.folder / name
        self.run_well(
            'clang',
            *_SANITIZED,
            f'-fsanitize={sanitizers}',
            '-o',
            program,
            FUZZ / f'{name}.c',
            FUZZ / 'order_text.c',
            MODULE / 'policy_line.c',
        )
        return program
