# SPDX-License-Identifier: Apache-2.0
"""Real guests: timed policies by hand, and then by the agent: the demo."""

from collections.abc import Sequence
import json
import pathlib
import shlex
import subprocess
import sys
import tempfile
import time
from typing import Any

import libvirt

from tools.lab import domain
from tools.lab import error
from tools.lab import guest
from tools.lab import image
from tools.lab import libvirtd
from tools.lab import relief_scene

_COMMAND = str(pathlib.Path(sys.executable).with_name('nova-balloon-timer'))
_REPORT = pathlib.Path('report.html').resolve()

# An idle guest; one that uses 400 MiB all the time; one that was already taken
# down to just above its floor, a quarter of its full memory; and one whose own
# driver keeps the clock.
_GUESTS = (
    domain.GuestSpec(name='idle', memory_mib=1024),
    domain.GuestSpec(name='busy', memory_mib=1024, hog_mib=400),
    domain.GuestSpec(name='small', memory_mib=2048, current_mib=520),
    domain.GuestSpec(
        name='keeper',
        memory_mib=1024,
        driver=domain.Driver.TIMED,
        agent=True,
    ),
)
_SMALL_KIB = 520 * 1024

# The keeper waits at 768 MiB until shortly before its deadline.
_ABANDONED = ('--target', '256M', '--segment', '2900ms=768M')
_ABANDONED_SECONDS = 3.0
_HELD_KIB = 768 * 1024

_ENDS = {'idle': 'target', 'busy': 'deadline', 'small': 'refused'}
# The third exit code of apply: somebody was refused.
_SOME_OTHERWISE = 3


class Demo:
    """Runs the command as an operator would, and holds it to its word."""

    def __init__(self, uri: str, folder: pathlib.Path) -> None:
        self._uri = uri
        self._folder = folder
        self.complaints: list[str] = []

    def run(self) -> None:
        """Show each step, and note what went otherwise than it should."""
        self._step('What could be taken, and from whom', 'guest', 'list')
        self._step(
            'Down to 400 MiB within 3 s: one gets there, one is held by what '
            'it uses, one is refused',
            *('apply', 'idle', 'busy', 'small'),
            *('--target', '400M', '--duration', '3s'),
            *('--save', 'run.json'),
            exit_code=_SOME_OTHERWISE,
        )
        self._expect('run.json', _ENDS)
        self._step(
            'Back to all they had',
            *('apply', 'idle', 'busy', '--target', '100%', '--duration', '5s'),
        )
        self._step(
            'Down to 300 MiB, but only 400 ms for it: it stops on time, '
            'wherever it is',
            *('apply', 'idle', '--target', '300M', '--duration', '400ms'),
            *('--save', 'stop.json'),
        )
        self._expect('stop.json', {'idle': 'deadline'})

    def abandon(self, keeper: guest.Guest) -> None:
        """Kill the command in mid-policy: the guest stops all the same."""
        words = ('apply', 'keeper', *_ABANDONED, '--duration', '3s')
        self._title('A guest that keeps the clock itself: kill -9', words)
        with subprocess.Popen(self._words(words), cwd=self._folder) as command:
            keeper.wait(lambda: keeper.actual_kib == _HELD_KIB, 'its segment')
            command.kill()
        over_at = time.monotonic() + _ABANDONED_SECONDS
        keeper.wait(lambda: time.monotonic() > over_at, 'its deadline')
        print('killed; what the driver in the guest says a while later:')
        said = keeper.shell('cat /sys/class/timed_balloon/balloon0/status')
        shown = ('state', 'reason', 'duration_ms', 'last_move_us')
        for line in said.splitlines():
            if line.partition('=')[0] in shown:
                print(f'    {line}')
        if 'reason=deadline' not in said:
            self.complaints.append(f'the keeper did not stop on time: {said}')

    def _title(self, title: str, words: Sequence[str]) -> None:
        print(f'\n### {title}\n$ nova-balloon-timer {shlex.join(words)}')
        sys.stdout.flush()

    def _words(self, words: Sequence[str]) -> list[str]:
        return [_COMMAND, *words, '--connect', self._uri]

    def _step(
        self,
        title: str,
        *arguments: str,
        exit_code: int = 0,
    ) -> None:
        self._title(title, arguments)
        words = self._words(arguments)
        found = subprocess.run(words, check=False, cwd=self._folder).returncode
        if found != exit_code:
            self.complaints.append(
                f'{shlex.join(arguments)}: exit code {found}, not {exit_code}'
            )

    def _expect(self, name: str, ends: dict[str, str]) -> None:
        found: dict[str, str] = {}
        run_file = self._folder / name
        if run_file.is_file():
            run: dict[str, Any] = json.loads(run_file.read_text('utf-8'))
            for saved in run['policies']:
                found[saved['guest_name']] = saved['end']['reason']
            for refused in run['refusals']:
                found[refused['guest_name']] = 'refused'
        if found != ends:
            self.complaints.append(f'expected {ends}, got {found}')


def _show_by_hand(folder: pathlib.Path) -> list[str]:
    folder.mkdir()
    with libvirtd.PrivateLibvirtd(folder) as lab:
        print('==> booting four guests', flush=True)
        guests = guest.start_all(
            lab.open(), _GUESTS, lab.root / 'console', image.ensure()
        )
        try:
            for started in guests:
                started.wait_ready()
            *_, small, keeper = guests
            small.wait_actual(_SMALL_KIB)
            demo = Demo(lab.uri, folder)
            demo.run()
            demo.abandon(keeper)
            return demo.complaints
        finally:
            guest.stop_all(guests)


def main() -> int:
    """Run the demo; return 1 if anything went otherwise than it should."""
    libvirt.registerErrorHandler(lambda *_: None, None)
    try:
        with tempfile.TemporaryDirectory(prefix='nbt-') as name:
            folder = pathlib.Path(name)
            complaints = _show_by_hand(folder / 'hand')
            print('\n==> Now without a hand', flush=True)
            complaints += relief_scene.show(folder / 'relief', _REPORT)
    except error.LabError as exc:
        complaints = [str(exc)]
    for complaint in complaints:
        print(f'demo: {complaint}', file=sys.stderr)
    if not complaints:
        print(f'\nAll as it should be. Open {_REPORT} in a browser.')
    return 1 if complaints else 0


if __name__ == '__main__':
    sys.exit(main())
