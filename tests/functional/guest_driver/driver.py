# SPDX-License-Identifier: Apache-2.0
"""The files of the guest's driver, used as its ABI document says."""

from tests.functional import lab
from tools.lab import error
from tools.lab import guest as lab_guest

FOLDER = '/sys/class/timed_balloon/balloon0'


class Status(dict[str, str]):
    """Hold what the driver told of its policies at one instant."""

    def number(self, key: str) -> int:
        """Read one of the values as the number that it is."""
        return int(self[key])


class Driver:
    """Write policies into a guest, and read what became of them."""

    def __init__(self, guest: lab_guest.Guest) -> None:
        self.guest = guest

    @property
    def status(self) -> Status:
        """Read the status."""
        text = self.guest.shell(f'cat {FOLDER}/status')
        return Status(line.split('=', 1) for line in text.splitlines())

    def write(self, line: str) -> None:
        """Write a line of any form.

        :raises LabError: the driver rejected it
        """
        self.guest.shell(f"echo '{line}' > {FOLDER}/policy")

    def inflate(self, name: str, kib: int, ms: int, *words: str) -> None:
        """Start to inflate to a size of the balloon.

        :param words: of the line, beside those that it must have
        """
        self._start(name, 'inflate', kib, ms, *words)

    def deflate(self, name: str, kib: int, ms: int, *words: str) -> None:
        """Start to deflate to a size of the balloon."""
        self._start(name, 'deflate', kib, ms, *words)

    def wait_end(self, name: str) -> Status:
        """Wait until a policy has ended, and say how."""
        return self._wait(name, 'state', 'ended')

    def wait_held(self, name: str, by: str) -> Status:
        """Wait until a policy is kept from moving."""
        return self._wait(name, 'held_by', by)

    def try_write(self, line: str) -> str:
        """Write a line, and give what the guest's shell said against it."""
        try:
            self.write(line)
        except error.LabError as exc:
            return str(exc)
        return ''

    def _start(
        self, name: str, direction: str, kib: int, ms: int, *words: str
    ) -> None:
        first = f'start id={name} direction={direction} target_kib={kib}'
        self.write(' '.join([first, f'duration_ms={ms}', *words]))

    def _wait(self, name: str, key: str, value: str) -> Status:
        seen = Status()

        def is_so() -> bool:
            nonlocal seen
            seen = self.status
            return seen['id'] == name and seen[key] == value

        lab.wait_until(is_so, f'{name} {key}={value}')
        return seen
