# SPDX-License-Identifier: Apache-2.0
"""Build the guests' driver for every kernel that Debian has headers of.

Each suite's compiler and headers are unpacked into a root of their own, so
that a kernel gets the compiler that it was built with.
"""

from collections.abc import Iterator, Sequence
import dataclasses
import os
import pathlib
import re
import shutil
import stat
import sys

from tools.lab import archive
from tools.lab import cache
from tools.lab import command
from tools.lab import driver
from tools.lab import error
from tools.lab import headers as lab_headers

_SUITES = (
    'bookworm',
    'bookworm-backports',
    'trixie',
    'trixie-backports',
    'forky',
    'sid',
)
_FLAVOURS = ('amd64', 'cloud-amd64', 'rt-amd64')
_KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg'
# What make's recipes run, beside what the headers depend on.
_TOOLS = (
    'bash',
    'coreutils',
    'dash',
    'findutils',
    'gcc',
    'grep',
    'make',
    'mawk',
    'perl-base',
    'python3-minimal',
    'sed',
    'sparse',
)
_SOURCES = pathlib.Path('/usr/src')
# In a root: the packages that were unpacked. A new compiler has a new name,
# and is taken; a new version of another tool is not worth its download.
_UNPACKED = '.unpacked'
# In a folder of headers: all that they need has been unpacked, too.
_COMPLETE = '.complete'
_MERGED = ('bin', 'lib', 'lib64', 'sbin')
_COMPLAINT = re.compile(r'^.*\b(?:warning|error):.*$', re.MULTILINE)
_ROW = '{:20} {:32} {:8} {:>5} {:>9} {:>7}'


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """Hold what became of one build.

    :ivar compiler: the version of gcc.
    :ivar warnings: those of the compiler, with W=1.
    :ivar sparse: those of sparse.
    """

    suite: str
    release: str
    compiler: str
    built: bool
    warnings: Sequence[str]
    sparse: Sequence[str]

    @property
    def clean(self) -> bool:
        """Tell whether nobody complained."""
        return self.built and not self.warnings and not self.sparse


def main(suites: Sequence[str]) -> int:
    """Print a row for each kernel, then what was complained of."""
    heads = ('suite', 'kernel', 'gcc', 'built', 'warnings', 'sparse')
    print(_ROW.format(*heads))
    outcomes: list[Outcome] = []
    failed = False
    for suite in suites or _SUITES:
        try:
            for outcome in try_suite(suite, update=True):
                outcomes.append(outcome)
                _print_row(outcome)
        except error.LabError as exc:
            failed = True
            print(f'{suite}: {exc}', file=sys.stderr)
    for outcome in outcomes:
        for line in (*outcome.warnings, *outcome.sparse):
            print(f'{outcome.release}: {line}')
    return 0 if not failed and all(it.clean for it in outcomes) else 1


def _print_row(outcome: Outcome) -> None:
    print(
        _ROW.format(
            outcome.suite,
            outcome.release,
            outcome.compiler,
            'yes' if outcome.built else 'NO',
            len(outcome.warnings),
            len(outcome.sparse),
        ),
        flush=True,
    )


def try_suite(
    suite: str, flavours: Sequence[str] = _FLAVOURS, *, update: bool = False
) -> Iterator[Outcome]:
    """Build for the kernels of a suite.

    :param update: ask Debian for newer ones, even with some at hand.
    :raises LabError: there is no such suite, or we are not root.
    """
    folder = cache.folder('kernel-matrix') / suite
    debian = _archive(suite, folder / 'apt')
    root = folder / 'root'
    root.mkdir(exist_ok=True)
    if update or not any(root.iterdir()):
        debian.update()
    for flavour in flavours:
        package = _newest(debian, flavour)
        if package is None:
            continue
        if not (_within(root, package) / _COMPLETE).exists():
            _unpack(debian, package, root)
            (_within(root, package) / _COMPLETE).touch()
        yield _build(suite, root, package)


def _newest(debian: archive.Archive, flavour: str) -> str | None:
    """Name the newest headers of a flavour, which not every suite has."""
    try:
        needs = debian.needs(f'linux-headers-{flavour}')
    except error.LabError:
        return None
    return next(it for it in needs if it.startswith('linux-headers-'))


def _archive(suite: str, folder: pathlib.Path) -> archive.Archive:
    """Give a suite's archive, with lists that are not the system's."""
    for name in ('state/lists/partial', 'cache/archives/partial'):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / 'status').touch()
    sources = folder / 'sources.list'
    mirror = f'deb [signed-by={_KEYRING}] {_mirror()}'
    whole = suite.removesuffix('-backports')  # backports alone have no gcc
    sources.write_text(
        ''.join(f'{mirror} {it} main\n' for it in {suite, whole})
    )
    options = {
        'APT::Default-Release': suite,
        'Dir::Cache': folder / 'cache',
        'Dir::Etc::SourceList': sources,
        'Dir::Etc::SourceParts': '/dev/null',
        'Dir::State': folder / 'state',
        'Dir::State::status': folder / 'status',
    }
    return archive.Archive([f'-o{key}={options[key]}' for key in options])


def _mirror() -> str:
    """Say where this machine gets its packages of Debian from."""
    listed = command.run(
        'apt-get', 'indextargets', '--format=$(REPO_URI)', 'Origin: Debian'
    )
    for line in listed.splitlines():
        if line.rstrip('/').endswith('/debian'):
            return line
    raise error.LabError('apt has no mirror of Debian')


def _unpack(debian: archive.Archive, package: str, root: pathlib.Path) -> None:
    """Unpack headers, and all that it takes to build against them."""
    graph: dict[str, list[str]] = {}
    for name in (package, *_TOOLS):
        graph |= debian.graph(name)
    known = root / _UNPACKED
    before = set(known.read_text().split()) if known.exists() else set()
    wanted = {name for name in graph if not name.startswith('<')}
    debian.unpack(sorted(wanted - before), root)
    known.write_text('\n'.join(sorted(wanted | before)))
    _complete(root)


def _complete(root: pathlib.Path) -> None:
    """Add what installing the packages would."""
    for name in _MERGED:
        if not (root / name).exists():
            (root / name).symlink_to(f'usr/{name}')
    awk = root / 'usr' / 'bin' / 'awk'
    if not awk.exists():
        awk.symlink_to('mawk')
    null = root / 'dev' / 'null'
    if not null.exists():
        null.parent.mkdir(exist_ok=True)
        os.mknod(null, 0o666 | stat.S_IFCHR, os.makedev(1, 3))
    (root / 'tmp').mkdir(exist_ok=True)


def _build(suite: str, root: pathlib.Path, package: str) -> Outcome:
    printed = []
    for words in (['W=1'], ['C=2', 'CF=-D__CHECK_ENDIAN__']):
        shutil.rmtree(root / 'module', ignore_errors=True)
        done = driver.make_in(
            root, _SOURCES / package, pathlib.Path('/module'), *words
        )
        printed.append(done.stdout)
    warned, sparse = printed
    gcc = command.run('chroot', root, 'gcc', '-dumpfullversion').strip()
    return Outcome(
        suite=suite,
        release=lab_headers.release(_within(root, package)),
        compiler=gcc,
        built=(root / 'module' / f'{driver.NAME}.ko').exists(),
        warnings=_COMPLAINT.findall(warned),
        sparse=_COMPLAINT.findall(sparse),
    )


def _within(root: pathlib.Path, package: str) -> pathlib.Path:
    """Say where a root has the headers of a package."""
    return root / _SOURCES.relative_to('/') / package


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
