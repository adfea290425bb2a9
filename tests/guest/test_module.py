# SPDX-License-Identifier: Apache-2.0
"""The module's sources, to the kernel's own tools."""

import pathlib
import re

from tests.guest import base
from tools.lab import checkpatch
from tools.lab import driver
from tools.lab import image

# The harness of the fuzzer keeps the kernel's style, but is a program.
_OF_USER_SPACE = 'CAMELCASE,PREFER_DEFINED_ATTRIBUTE_MACRO,PREFER_KERNEL_TYPES'
_COMPLAINT = re.compile(r'.*\b(?:warning|error):.*', re.IGNORECASE)
_TAG = 'SPDX-License-Identifier: GPL-2.0-only'
_NO_TAG = ('corpus', 'LICENSE')


class ModuleTest(base.GuestTest):
    def build(self, *words: str) -> str:
        """Build for the guests' kernel, and give what was printed."""
        place = self.folder / 'module'
        done = driver.make(image.ensure_headers(), place, *words)
        self.assertEqual(0, done.returncode, done.stdout)
        self.assertTrue((place / 'timed_balloon.ko').exists())
        return done.stdout

    def assert_no_complaint(self, printed: str) -> None:
        self.assertEqual([], _COMPLAINT.findall(printed))

    def test_compiles_without_a_warning(self) -> None:
        self.assert_no_complaint(self.build('W=1', 'KCFLAGS=-Werror'))

    def test_sparse(self) -> None:
        printed = self.build('C=2', 'CF=-D__CHECK_ENDIAN__')

        for source in base.MODULE.glob('*.c'):
            self.assertRegex(printed, rf'CHECK +\S+/{source.name}\n')
        self.assert_no_complaint(printed)

    def test_checkpatch(self) -> None:
        self.check_style(base.MODULE)

    def test_checkpatch_of_the_fuzzer(self) -> None:
        self.check_style(base.FUZZ, f'--ignore={_OF_USER_SPACE}')

    def check_style(self, folder: pathlib.Path, *options: str) -> None:
        """Run checkpatch, which fails if it has anything to say."""
        sources = sorted(folder.glob('*.[ch]'))
        self.assertNotEqual([], sources)
        words = ('--no-tree', '--strict', '--terse', '--file')
        script = checkpatch.ensure()
        self.run_well(
            'perl', script, *words, *options, *sources, cwd=self.folder
        )

    def test_kernel_doc(self) -> None:
        script = image.ensure_headers() / 'scripts' / 'kernel-doc'
        for source in sorted(base.MODULE.glob('*.[ch]')):
            self.run_well('perl', script, '-Werror', '-none', source)

    def test_every_file_names_its_licence(self) -> None:
        unnamed = [
            str(path.relative_to(base.GUEST))
            for path in base.tracked(base.GUEST)
            if path.name not in _NO_TAG
            and path.parent.name not in _NO_TAG
            and _TAG not in path.read_text()
        ]

        self.assertEqual([], unnamed)
