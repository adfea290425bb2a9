# SPDX-License-Identifier: Apache-2.0
"""The module's sources, to the kernel's own tools."""

import pathlib
import re

from tests.guest import base
from tools.lab import checkpatch
from tools.lab import driver
from tools.lab import image
from tools.lab import kernel_matrix

# The harness of the fuzzer keeps the kernel's style, but is a program.
_OF_USER_SPACE = 'CAMELCASE,PREFER_DEFINED_ATTRIBUTE_MACRO,PREFER_KERNEL_TYPES'
# A module of the kernel's tree is for one version of it; this one is not.
_OF_COMPATIBILITY = 'CONSTANT_COMPARISON,LINUX_VERSION_CODE'
_COMPATIBILITY = base.MODULE / 'compat.h'
_COMPLAINT = re.compile(r'.*\b(?:warning|error):.*', re.IGNORECASE)
_TAG = 'SPDX-License-Identifier: GPL-2.0-only'
# Files that cannot have a comment, and the licence.
_NO_TAG = (
    'LICENSE',
    'changelog',
    'copyright',
    'corpus',
    'element-deps',
    'format',
    'pkg-map',
)


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

    def test_newer_kernel(self) -> None:
        """One that differs, to see early what has to change for the others."""
        (outcome,) = kernel_matrix.try_suite('trixie', ['cloud-amd64'])

        self.assertTrue(outcome.built)
        self.assertEqual([], [*outcome.warnings, *outcome.sparse])

    def test_sparse(self) -> None:
        printed = self.build('C=2', 'CF=-D__CHECK_ENDIAN__')

        for source in base.MODULE.glob('*.c'):
            self.assertRegex(printed, rf'CHECK +\S+/{source.name}\n')
        self.assert_no_complaint(printed)

    def test_checkpatch(self) -> None:
        sources = {*base.MODULE.glob('*.[ch]')} - {_COMPATIBILITY}

        self.check_style(*sources)
        self.check_style(_COMPATIBILITY, ignored=_OF_COMPATIBILITY)

    def test_checkpatch_of_the_fuzzer(self) -> None:
        self.check_style(*base.FUZZ.glob('*.[ch]'), ignored=_OF_USER_SPACE)

    def check_style(
        self, *sources: pathlib.Path, ignored: str = 'NONE'
    ) -> None:
        """Run checkpatch, which fails if it has anything to say."""
        self.assertNotEqual((), sources)
        self.run_well(
            'perl',
            checkpatch.ensure(),
            '--no-tree',
            '--strict',
            '--terse',
            '--no-summary',
            f'--ignore={ignored}',
            '--file',
            *sorted(sources),
            cwd=self.folder,
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
