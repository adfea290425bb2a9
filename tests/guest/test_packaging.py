# SPDX-License-Identifier: Apache-2.0
"""The packages of the guests' driver: built, looked at, and used."""

import os
import re

from tests.guest import base
from tools.lab import headers as lab_headers
from tools.lab import image

_PACKAGING = base.GUEST / 'packaging'
_BUILD = _PACKAGING / 'build-deb'
_ELEMENT = _PACKAGING / 'elements' / 'timed-balloon'
_NAME = 'timed-balloon'
_PACKAGE = f'{_NAME}-dkms'


def _module_version() -> str:
    source = (base.MODULE / 'main.c').read_text()
    (version,) = re.findall(r'MODULE_VERSION\("([^"]+)"\)', source)
    return str(version)


def _sources() -> set[str]:
    """Name the files that a build of the module takes."""
    return {
        path.name
        for path in base.tracked(base.MODULE)
        if path.suffix in ('.c', '.h') or path.name in ('Kbuild', 'Makefile')
    }


class VersionTest(base.GuestTest):
    def test_it_is_the_same_everywhere(self) -> None:
        changelog = _PACKAGING / 'debian' / 'changelog'
        said = {
            'changelog': self.run_well(
                'dpkg-parsechangelog', '-l', changelog, '-S', 'Version'
            ).strip(),
            'dkms.conf': re.findall(
                r'PACKAGE_VERSION="(.+)"',
                (_PACKAGING / 'dkms.conf').read_text(),
            )[0],
            'README.rst': re.findall(
                r'version=(.+)', (base.GUEST / 'README.rst').read_text()
            )[0],
        }

        self.assertEqual(dict.fromkeys(said, _module_version()), said)


class PackageTest(base.GuestTest):
    def setUp(self) -> None:
        super().setUp()
        self.run_well(_BUILD, self.folder)
        self.version = _module_version()
        (self.package,) = self.folder.glob('*.deb')
        self.root = self.folder / 'root'
        self.run_well('dpkg-deb', '-x', self.package, self.root)

    def field(self, name: str) -> str:
        return self.run_well('dpkg-deb', '-f', self.package, name).strip()

    def test_content(self) -> None:
        folder = self.root / 'usr' / 'src' / f'{_NAME}-{self.version}'
        modprobe = self.root / 'usr' / 'lib' / 'modprobe.d' / f'{_NAME}.conf'

        self.assertEqual(
            (_PACKAGE, self.version, 'all'),
            (
                self.field('Package'),
                self.field('Version'),
                self.field('Architecture'),
            ),
        )
        self.assertRegex(self.field('Depends'), r'\bdkms\b')
        self.assertEqual(
            {*_sources(), 'dkms.conf'}, {it.name for it in folder.iterdir()}
        )
        self.assertIn('\nblacklist virtio_balloon\n', modprobe.read_text())

    def test_lintian(self) -> None:
        (changes,) = self.folder.glob('*.changes')
        printed = self.run_well(
            'lintian',
            '--allow-root',
            '--display-info',
            '--pedantic',
            '--fail-on=error,warning,info,pedantic',
            changes,
        )

        self.assertEqual('', printed)

    def test_source_package_builds_again(self) -> None:
        (source,) = self.folder.glob('*.dsc')
        again = self.folder / 'again'
        self.run_well('dpkg-source', '-x', source, again)

        self.run_well('dpkg-buildpackage', '-us', '-uc', '-b', cwd=again)

    def test_dkms_builds_the_module(self) -> None:
        headers = image.ensure_headers()
        kernel = lab_headers.release(headers)
        tree = self.folder / 'dkms'
        tree.mkdir()
        words = (
            f'{_NAME}/{self.version}',
            f'--sourcetree={self.root / "usr" / "src"}',
            f'--dkmstree={tree}',
        )
        # The key with which it signs; it makes one if there is none.
        environment = os.environ | {
            'mok_signing_key': str(self.folder / 'mok.key'),
            'mok_certificate': str(self.folder / 'mok.pub'),
        }

        self.run_well('dkms', 'add', *words)
        self.run_well(
            'dkms',
            'build',
            *words,
            '-k',
            kernel,
            f'--kernelsourcedir={headers}',
            environment=environment,
        )

        (built,) = (tree / _NAME / self.version / kernel).rglob('*.ko*')
        said = self.run_well('modinfo', built)
        self.assertRegex(said, rf'(?m)^version: +{self.version}$')
        self.assertRegex(said, r'(?m)^license: +GPL')
        self.assertRegex(said, r'(?m)^alias: +virtio:d00000005v\*$')
        self.assertRegex(said, rf'(?m)^vermagic: +{kernel} ')


class ElementTest(base.GuestTest):
    def test_takes_the_sources_along(self) -> None:
        tools = self.folder / 'bin'
        hooks = self.folder / 'hooks'
        for folder in (tools, hooks):
            folder.mkdir()
        told = tools / 'get_image_element_array'
        told.write_text(f"#!/bin/sh\necho '[{_NAME}]={_ELEMENT}'\n")
        told.chmod(0o755)

        self.run_well(
            _ELEMENT / 'extra-data.d' / '50-timed-balloon',
            environment={
                'PATH': f'{tools}:{os.environ["PATH"]}',
                'TMP_HOOKS_PATH': str(hooks),
            },
        )

        self.assertEqual(
            {*_sources(), 'dkms.conf', f'{_NAME}.conf'},
            {it.name for it in (hooks / _NAME).iterdir()},
        )
