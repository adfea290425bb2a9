# SPDX-License-Identifier: Apache-2.0

import pathlib

import hypothesis
from hypothesis import strategies

from nova_balloon_timer import exception
from nova_balloon_timer.pressure import kernel_file
from nova_balloon_timer.pressure import scope
from tests.unit import base
from tests.unit.pressure import tree

MIB = base.MIB


class ScopeTestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.tree = self.useFixture(tree.Tree())

    def read_mib(self, cgroup: str | None = None) -> tuple[int, int]:
        found = scope.find(self.tree.settings(cgroup=cgroup))
        memory = found.read(7.0)
        self.assertEqual(7.0, memory.at)
        return memory.total_kib // MIB, memory.available_kib // MIB

    def assert_unavailable(self, cgroup: str | None, words: str) -> None:
        found = scope.find(self.tree.settings(cgroup=cgroup))
        error = self.assertRaises(
            exception.PressureUnavailable, found.read, 7.0
        )
        self.assertIn(words, str(error))
        self.assertNotIn('\n', str(error))


class HostTestCase(ScopeTestCase):
    def test_total_and_available_are_read(self) -> None:
        self.tree.meminfo(312, 4096)
        self.assertEqual((4096, 312), self.read_mib())

    def test_stalls_are_told_beside(self) -> None:
        found = scope.find(self.tree.settings())
        path = self.tree.proc / 'pressure' / 'memory'
        self.assertEqual(path, found.pressure_path)

    def test_without_a_file_it_is_unavailable(self) -> None:
        self.assert_unavailable(None, 'there is no ')

    def test_what_is_not_whole_is_unavailable(self) -> None:
        for text in (
            '',
            'MemTotal: 4096 kB\n',
            'MemTotal: 4096 kB\nMemAvailable:   409',
            'MemTotal: 4096 kB\nMemAvailable: -5 kB\n',
            'MemTotal: 4096 kB\nMemAvailable: 4097 kB\n',
            'MemTotal: 0 kB\nMemAvailable: 0 kB\n',
            'MemTotal: ٤٠٩٦ kB\nMemAvailable: 1 kB\n',
        ):
            self.tree.write(self.tree.proc / 'meminfo', text)
            self.assert_unavailable(None, 'does not tell')

    def test_what_cannot_be_read_is_unavailable(self) -> None:
        (self.tree.proc / 'meminfo').mkdir(parents=True)
        self.assert_unavailable(None, 'meminfo: Is a directory')


class SeparateTestCase(ScopeTestCase):
    def test_page_cache_counts_as_available(self) -> None:
        self.tree.separate(
            'vms', 800, 1000, total_inactive_file=50, total_active_file=30
        )
        self.assertEqual((1000, 280), self.read_mib('vms'))

    def test_pages_to_be_written_do_not(self) -> None:
        self.tree.separate(
            'vms',
            800,
            1000,
            total_inactive_file=50,
            total_active_file=30,
            total_dirty=20,
            total_writeback=10,
        )
        self.assertEqual((1000, 250), self.read_mib('vms'))

    def test_only_the_sums_with_those_below_count(self) -> None:
        self.tree.separate('vms', 800, 1000, inactive_file=50, dirty=40)
        self.assertEqual((1000, 200), self.read_mib('vms'))

    def test_the_smallest_limit_around_counts(self) -> None:
        self.tree.separate('vms', 900, 1000)
        self.tree.separate('vms/web', 100, 2000)
        self.assertEqual((1000, 100), self.read_mib('vms/web'))

    def test_siblings_leave_less_of_a_wider_limit(self) -> None:
        self.tree.separate('vms', 1950, 2000)
        self.tree.separate('vms/web', 100, 1000)
        self.assertEqual((1000, 50), self.read_mib('vms/web'))

    def test_above_its_limit_nothing_is_available(self) -> None:
        self.tree.separate('vms', 1100, 1000)
        self.assertEqual((1000, 0), self.read_mib('vms'))

    def test_without_any_limit_it_is_unavailable(self) -> None:
        self.tree.separate('vms', 900, None)
        self.tree.separate('vms/web', 100, None)
        self.assert_unavailable(
            'vms/web', 'neither cgroup vms/web nor any around it has a limit'
        )

    def test_a_missing_one_is_unavailable(self) -> None:
        self.tree.separate('vms', 900, 1000)
        self.assert_unavailable('vms/web', 'there is no ')

    def test_garbage_is_unavailable(self) -> None:
        for name, text, words in (
            ('memory.usage_in_bytes', '12', 'holds no number'),
            ('memory.usage_in_bytes', 'max\n', 'holds no number'),
            ('memory.usage_in_bytes', '-12\n', 'holds no number'),
            ('memory.limit_in_bytes', '\0\xff\n', 'holds no number'),
            ('memory.stat', 'total_inactive_file 1\n', 'active_file'),
            (
                'memory.stat',
                'total_inactive_file 1\ntotal_active_file 1',
                'total_active_file',
            ),
        ):
            folder = self.tree.separate('vms', 900, 1000)
            self.tree.write(folder / name, text)
            self.assert_unavailable('vms', words)

    def test_alone_it_tells_no_stalls(self) -> None:
        self.tree.separate('vms', 900, 1000)
        found = scope.find(self.tree.settings(cgroup='vms'))
        self.assertIsNone(found.pressure_path)

    def test_beside_a_unified_one_that_tells_them(self) -> None:
        unified = self.tree.cgroups / 'unified'
        self.tree.write(unified / 'cgroup.controllers', 'hugetlb\n')
        self.tree.separate('vms', 900, 1000)
        found = scope.find(self.tree.settings(cgroup='vms'))
        path = unified / 'vms' / 'memory.pressure'
        self.assertEqual(path, found.pressure_path)
        self.assertEqual((1000, 100), self.read_mib('vms'))


class UnifiedTestCase(ScopeTestCase):
    def test_page_cache_counts_unless_it_is_to_be_written(self) -> None:
        self.tree.unified(
            'vms.slice', 800, 1000, inactive_file=80, file_dirty=30
        )
        self.assertEqual((1000, 250), self.read_mib('vms.slice'))

    def test_high_is_a_limit_too(self) -> None:
        for limit_mib, high_mib in ((1000, 900), (None, 900), (900, 1000)):
            self.tree.unified('vms.slice', 800, limit_mib, high_mib)
            self.assertEqual((900, 100), self.read_mib('vms.slice'))

    def test_the_smallest_limit_around_counts(self) -> None:
        self.tree.unified('vms.slice', 900, 1000)
        self.tree.unified('vms.slice/web.scope', 100, None)
        self.assertEqual((1000, 100), self.read_mib('vms.slice/web.scope'))

    def test_without_any_limit_it_is_unavailable(self) -> None:
        self.tree.unified('vms.slice', 800, None)
        self.assert_unavailable('vms.slice', 'has a limit of memory')

    def test_stalls_are_told_in_the_same_folder(self) -> None:
        folder = self.tree.unified('vms.slice', 800, None)
        found = scope.find(self.tree.settings(cgroup='vms.slice'))
        self.assertEqual(folder / 'memory.pressure', found.pressure_path)


class NameTestCase(ScopeTestCase):
    def test_nonsense_is_rejected(self) -> None:
        for name in (
            '',
            '.',
            '..',
            '/',
            '/vms',
            'vms/',
            'vms//web',
            '../vms',
            'vms/../../etc',
            'vms/./web',
            'vms\0',
            'vms\n',
        ):
            error = self.assertRaises(
                exception.InvalidConfiguration,
                scope.find,
                self.tree.settings(cgroup=name),
            )
            self.assertIn('is not a path below', str(error))

    def test_systemd_s_escapes_are_not(self) -> None:
        name = 'machine.slice/machine-qemu\\x2d1\\x2dvm.scope'
        self.tree.unified(name, 800, 1000)
        self.tree.unified('machine.slice', 800, None)
        self.assertEqual((1000, 200), self.read_mib(name))


class AnyContentTestCase(ScopeTestCase):
    @hypothesis.given(strategies.binary(max_size=200))
    def test_nothing_that_a_file_holds_is_fatal(self, content: bytes) -> None:
        path = self.tree.root / 'any'
        path.write_bytes(content)
        for read in (
            kernel_file.read_meminfo,
            kernel_file.read_counters,
            kernel_file.read_number,
            kernel_file.read_stalled_microseconds,
        ):
            self.check(read, path)

    def check(self, read: object, path: pathlib.Path) -> None:
        assert callable(read)
        try:
            read(path)
        except exception.PressureUnavailable as error:
            self.assertIn(str(path), str(error))
