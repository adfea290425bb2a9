# SPDX-License-Identifier: Apache-2.0
"""Put the guests' driver under stress on a kernel that looks for mistakes.

What the driver has to do is tested elsewhere. This has it go through all that
can happen to it, in many places of its work, and then asks the kernel.
"""

from collections.abc import Sequence
import pathlib
import re
import sys
import tempfile

import libvirt

from tools.lab import debug_kernel
from tools.lab import domain
from tools.lab import error
from tools.lab import guest as lab_guest
from tools.lab import libvirtd

_ROUNDS = 3
_MEMORY_MIB = 768
_KIB_PER_MIB = 1024
_PATIENCE_SECONDS = 600
_FOLDER = '/sys/class/timed_balloon/balloon0'
_BOUND = '/sys/bus/virtio/drivers/timed_balloon'
_MARK = '/run/done'
_LEAKS = '/sys/kernel/debug/kmemleak'
_HEADS = ('BUG: ', 'WARNING: ', 'INFO: ', 'ODEBUG: ', 'Oops', 'list_')
_COMPLAINT = re.compile(rf'^(?:\[[^]]*\] ?)?(?:{"|".join(_HEADS)}).*')


class Stress:
    """A guest on the kernel that looks, and what is done to it."""

    def __init__(self, guest: lab_guest.Guest) -> None:
        self._guest = guest
        self._status = ''
        self._shell('mount -t debugfs debugfs /sys/kernel/debug')
        self._shell('dmesg -n 8')  # lockdep only warns, which "quiet" hides
        # What is there before the first policy is not the driver's fault.
        self._take_time(f'echo scan > {_LEAKS}; echo clear > {_LEAKS}')

    def run(self) -> None:
        """Do all of it once."""
        for step in (
            self._policies,
            self._host_in_between,
            self._removal,
            self._unbinding,
            self._suspension,
            self._compaction,
            self._swapping,
            self._out_of_memory,
        ):
            print(f'  {step.__name__[1:]}', flush=True)
            step()
            self._order('deflate', 0, 60_000)
            self._wait_end()

    def complaints(self) -> list[str]:
        """Give what the kernel has printed that it should not have."""
        return [it for it in self._guest.lines('') if _COMPLAINT.match(it)]

    def findings(self) -> list[str]:
        """Give what kmemleak and lockdep tell only when they are asked."""
        # What is younger than 5 s is not told.
        scan = f'echo scan > {_LEAKS}'
        self._take_time(f'{scan}; sleep 6; {scan}')
        found = self._shell(f'cat {_LEAKS}').splitlines()
        locks = self._shell('cat /proc/lockdep_stats')
        if not re.search(r'debug_locks: +1', locks):
            found.append('lockdep has given up')
        return found

    def _policies(self) -> None:
        self._order('inflate', 100, 60_000, 'segments=300:40960')
        self._wait_end()
        self._order('inflate', 600, 40)
        self._wait_end()
        self._order('inflate', 500, 60_000)
        self._order('deflate', 20, 60_000)
        self._order('inflate', 400, 60_000)
        self._shell(f'echo cancel id=stress > {_FOLDER}/policy')
        self._shell(f'! echo start id=wrong > {_FOLDER}/policy')

    def _host_in_between(self) -> None:
        for mib in (_MEMORY_MIB - 100, _MEMORY_MIB, 300, _MEMORY_MIB):
            self._order('inflate', 400, 60_000)
            self._host(mib)
            self._wait_end()
        self._guest.domain.setMemoryStatsPeriod(1, 1)

    def _removal(self) -> None:
        self._order('inflate', 500, 60_000)
        self._shell('rmmod timed_balloon && insmod /modules/timed_balloon.ko')
        self._shell('rmmod timed_balloon && insmod /modules/timed_balloon.ko')

    def _unbinding(self) -> None:
        device = self._shell(f'readlink -f {_FOLDER}/device')
        name = pathlib.Path(device.strip()).name
        self._order('inflate', 500, 60_000)
        self._shell(f'echo {name} > {_BOUND}/unbind')
        self._shell(f'echo {name} > {_BOUND}/bind')

    def _suspension(self) -> None:
        """Suspend devices; the kernel wakes them by itself after 5 s.

        The agent's is among them: nobody answers meanwhile.
        """
        self._order('inflate', 500, 60_000)
        self._shell('echo devices > /sys/power/pm_test')
        self._take_time('sleep 0.2; echo freeze > /sys/power/state')

    def _compaction(self) -> None:
        """Have pages of the balloon moved while it moves itself."""
        self._shell('hog 300')
        self._order('inflate', 400, 60_000)
        for _ in range(5):
            self._shell('echo 1 > /proc/sys/vm/compact_memory')
        self._order('deflate', 20, 60_000)
        self._shell('echo 1 > /proc/sys/vm/compact_memory')

    def _swapping(self) -> None:
        self._guest.eat(400)
        self._order('inflate', 500, 3_000)
        self._wait_end()
        self._order('inflate', 600, 3_000, 'reserve_kib=65536')
        self._wait_end()
        self._guest.stop_eating()

    def _out_of_memory(self) -> None:
        self._shell('swapoff /dev/vda')
        self._order('inflate', 500, 60_000)
        self._shell(
            '(echo 1000 > /proc/self/oom_score_adj; exec hog 600)'
            ' > /dev/null 2>&1 &'
        )
        self._wait_end()
        self._shell('killall -9 hog || true')
        self._shell('swapon /dev/vda')

    def _take_time(self, line: str) -> None:
        """Run what takes longer than the agent should be waited for."""
        self._shell(
            f'rm -f {_MARK}; ({line}; touch {_MARK}) > /dev/null 2>&1 &'
        )
        self._guest.wait(self._is_marked, line, _PATIENCE_SECONDS)

    def _is_marked(self) -> bool:
        try:
            return 'yes' in self._shell(f'test ! -e {_MARK} || echo yes')
        except error.LabError:  # it may be suspended
            return False

    def _shell(self, line: str) -> str:
        return self._guest.shell(line)

    def _host(self, mib: int) -> None:
        self._guest.domain.setMemoryFlags(mib * _KIB_PER_MIB, 1)

    def _order(
        self, direction: str, mib: int, ms: int, more: str = ''
    ) -> None:
        words = f'target_kib={mib * _KIB_PER_MIB} duration_ms={ms} {more}'
        line = f'start id=stress direction={direction} {words}'
        self._shell(f'echo {line} > {_FOLDER}/policy')

    def _wait_end(self) -> None:
        def has_ended() -> bool:
            self._status = self._shell(f'cat {_FOLDER}/status')
            return 'state=running' not in self._status

        self._guest.wait(has_ended, 'end of a policy', _PATIENCE_SECONDS)
        told = dict(line.split('=', 1) for line in self._status.splitlines())
        print(f'    {told["reason"]} at {told["reached_kib"]} KiB')


def _run(stress: Stress, rounds: int) -> list[str]:
    try:
        for number in range(rounds):
            print(f'round {number + 1} of {rounds}', flush=True)
            stress.run()
        found = stress.findings()
    except error.LabError as exc:  # the kernel may have said why
        found = [str(exc)]
    return [*found, *stress.complaints()]


def main(arguments: Sequence[str]) -> int:
    """Print what the kernel complains of after some rounds."""
    libvirt.registerErrorHandler(lambda *_: None, None)
    rounds = int(arguments[0]) if arguments else _ROUNDS
    image = debug_kernel.ensure()
    with tempfile.TemporaryDirectory(prefix='nbt-debug-') as name:
        lab = libvirtd.PrivateLibvirtd(pathlib.Path(name))
        lab.start()
        try:
            spec = domain.GuestSpec(
                name='debug',
                memory_mib=_MEMORY_MIB,
                agent=True,
                autodeflate=True,
                free_page_reporting=True,
                disk_swap_mib=_MEMORY_MIB,
                driver=domain.Driver.TIMED,
            )
            folder = pathlib.Path(name, 'console')
            guest = lab_guest.start(lab.open(), spec, folder, image)
            guest.wait_ready(_PATIENCE_SECONDS)
            complaints = _run(Stress(guest), rounds)
        finally:
            lab.stop()
    print('\n'.join(complaints) or 'no complaint')
    return 1 if complaints else 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
