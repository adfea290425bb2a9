# SPDX-License-Identifier: Apache-2.0
"""Describe, start and stop the lab's guests."""

import base64
from collections.abc import Callable, Sequence
import concurrent.futures
import contextlib
import json
import pathlib
import time
from typing import Any

import libvirt
import libvirt_qemu

from tools.lab import domain
from tools.lab import error
from tools.lab import image as lab_image

Driver = domain.Driver
GuestSpec = domain.GuestSpec

_READY = 'nbt: ready'
_EATER = 'eater'
_AGENT_SECONDS = 30
_POLL_SECONDS = 0.02
_BYTES_PER_MIB = 1024 * 1024


class Guest:
    """Hold a guest that was started, and what tests ask of it."""

    def __init__(
        self,
        spec: domain.GuestSpec,
        handle: libvirt.virDomain,
        console: pathlib.Path,
    ) -> None:
        self.spec = spec
        self.domain = handle
        self.console = console
        self.uuid: str = handle.UUIDString()
        self._eater: int | None = None

    @property
    def pid(self) -> int | None:
        """Give QEMU's process id, or None if it does not run."""
        mark = f'\0-uuid\0{self.uuid}\0'.encode()
        for path in pathlib.Path('/proc').glob('[0-9]*/cmdline'):
            with contextlib.suppress(OSError):
                if mark in path.read_bytes():
                    return int(path.parent.name)
        return None

    @property
    def actual_kib(self) -> int:
        """Read what the balloon leaves to the guest."""
        actual: int = self.domain.memoryStats()['actual']
        return actual

    @property
    def rss_kib(self) -> int:
        """Read what QEMU has in the host's memory."""
        rss: int = self.domain.memoryStats()['rss']
        return rss

    def reopen(self, connection: libvirt.virConnect) -> None:
        """Take a new handle: those of a libvirtd that ended are dead."""
        self.domain = connection.lookupByUUIDString(self.uuid)

    def lines(self, prefix: str = 'nbt: ') -> list[str]:
        """Read the console's complete lines that start with a prefix."""
        try:
            text = self.console.read_text(errors='replace')
        except FileNotFoundError:
            return []
        complete = text.replace('\r', '').split('\n')[:-1]
        return [line for line in complete if line.startswith(prefix)]

    def hog_reports(self, name: str = 'hog') -> list[domain.HogReport]:
        """Read what a hog said about its passes, oldest first.

        :param name: ``hog``, that of the specification, or ``eater``.
        """
        lines = self.lines(f'nbt: {name} at_s=')
        return [domain.read_hog_report(line) for line in lines]

    def eat(
        self,
        mib: int,
        mib_per_second: int = 0,
        pause_milliseconds: int = 100,
    ) -> None:
        """Have a program take memory in the guest, and keep writing to it.

        It reports as ``eater``.

        :param mib_per_second: how fast it grows; 0 is all at once.
        :raises LabError: there is no agent, or one eats already.
        """
        if self._eater is not None:
            raise error.LabError(f'{self.spec.name} eats already')
        first, most = (0, mib) if mib_per_second else (mib, 0)
        words = [first, mib_per_second, most, pause_milliseconds, _EATER]
        self._eater = self._run(
            f'exec hog {" ".join(map(str, words))} > /dev/console'
        )

    def stop_eating(self) -> None:
        """End what ``eat`` began, and wait until its memory is free."""
        if self._eater is None:
            return
        eater, self._eater = self._eater, None
        self._run(f'kill -9 {eater}')
        self.wait(
            lambda: self._agent('guest-exec-status', pid=eater)['exited'],
            'end of what it ate',
        )

    def shell(self, line: str) -> str:
        """Run a shell's command line in the guest, and give its output.

        :raises LabError: there is no agent, or the command fails.
        """
        pid = self._run(line, captures=True)
        done: dict[str, Any] = {}

        def has_ended() -> bool:
            done.update(self._agent('guest-exec-status', pid=pid))
            return bool(done['exited'])

        self.wait(has_ended, f'end of {line}')
        said = base64.b64decode(done.get('out-data', '')).decode()
        if done.get('exitcode') != 0:
            wrong = base64.b64decode(done.get('err-data', '')).decode()
            raise error.LabError(
                f'{self.spec.name}: {line}: {wrong.strip() or said.strip()}'
            )
        return said

    def wait_ready(self, timeout_seconds: float = 120) -> None:
        """Wait until the guest's userland, balloon and agent have answered.

        :raises LabError: the guest ended, or it takes too long.
        """
        end_at = time.monotonic() + timeout_seconds
        self.wait(lambda: bool(self.lines(_READY)), 'boot', timeout_seconds)
        left = end_at - time.monotonic()
        spec = self.spec
        has_balloon = spec.balloon and spec.driver is not Driver.NONE
        if has_balloon and spec.stats_period_seconds:
            self.wait(self._has_statistics, 'balloon statistics', left)
            left = end_at - time.monotonic()
        if spec.agent:
            self.wait(self._agent_answers, 'guest agent', left)

    def wait(
        self,
        condition: Callable[[], bool],
        what: str,
        timeout_seconds: float = 60,
    ) -> None:
        """Wait for a condition as long as the guest runs.

        :param what: names the condition in the error.
        :raises LabError: the guest ended, or it takes too long.
        """
        end_at = time.monotonic() + timeout_seconds
        while not condition():
            if not self._runs():
                raise error.LabError(f'{self.spec.name} ended before {what}')
            if time.monotonic() > end_at:
                raise error.LabError(
                    f'{self.spec.name}: no {what} in {timeout_seconds:.0f} s'
                )
            time.sleep(_POLL_SECONDS)

    def wait_actual(self, kib: int, timeout_seconds: float = 60) -> None:
        """Wait until the balloon leaves the guest exactly so much."""
        self.wait(
            lambda: self.actual_kib == kib, f'{kib} KiB', timeout_seconds
        )

    def stop(self) -> None:
        """Destroy the guest, if it still runs, and forget it."""
        remove(self.domain)
        swap = domain.swap_path(self.spec, self.console.parent)
        swap.unlink(missing_ok=True)

    def _runs(self) -> bool:
        try:
            return bool(self.domain.isActive())
        except libvirt.libvirtError as exc:
            if exc.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
                return False
            raise

    def _has_statistics(self) -> bool:
        return bool(self.domain.memoryStats().get('last_update', 0))

    def _agent_answers(self) -> bool:
        try:
            self._agent('guest-ping', 1)
        except error.LabError:
            return False
        return True

    def _run(self, line: str, *, captures: bool = False) -> int:
        """Start a shell's command line in the guest, and give its pid."""
        words: dict[str, Any] = {
            'path': '/bin/sh',
            'arg': ['-c', line],
            'capture-output': captures,
        }
        started = self._agent('guest-exec', **words)
        pid: int = started['pid']
        return pid

    def _agent(
        self, execute: str, timeout: int = _AGENT_SECONDS, **arguments: Any
    ) -> dict[str, Any]:
        if not self.spec.agent:
            raise error.LabError(f'{self.spec.name} has no guest agent')
        order = json.dumps({'execute': execute, 'arguments': arguments})
        try:
            said = libvirt_qemu.qemuAgentCommand(
                self.domain, order, timeout, 0
            )
        except libvirt.libvirtError as exc:
            raise error.LabError(f'{self.spec.name}: {exc}') from exc
        returned: dict[str, Any] = json.loads(said)['return']
        return returned


def start(
    connection: libvirt.virConnect,
    spec: domain.GuestSpec,
    directory: pathlib.Path,
    image: lab_image.Image | None = None,
) -> Guest:
    """Define and start a guest; it may not have booted on return.

    :param directory: where the console's log goes; QEMU must reach it.
    :raises LabError: libvirt refused.
    """
    directory.mkdir(parents=True, exist_ok=True)
    console = directory / f'{spec.name}.console'
    xml = domain.domain_xml(spec, image or lab_image.ensure(), console)
    if spec.disk_swap_mib:
        with domain.swap_path(spec, directory).open('wb') as swap:
            swap.truncate(spec.disk_swap_mib * _BYTES_PER_MIB)
    try:
        handle = connection.defineXML(xml)
        console.unlink(missing_ok=True)  # a guest before it, not beside it
        try:
            handle.create()
        except libvirt.libvirtError:
            handle.undefine()
            raise
    except libvirt.libvirtError as exc:
        raise error.LabError(f'cannot start {spec.name}: {exc}') from exc
    return Guest(spec, handle, console)


def start_all(
    connection: libvirt.virConnect,
    specs: Sequence[domain.GuestSpec],
    directory: pathlib.Path,
    image: lab_image.Image | None = None,
) -> list[Guest]:
    """Start several guests at once: all of them, or none."""
    ready_image = image or lab_image.ensure()
    with concurrent.futures.ThreadPoolExecutor(len(specs) or 1) as pool:
        futures = [
            pool.submit(start, connection, spec, directory, ready_image)
            for spec in specs
        ]
    started = [f.result() for f in futures if f.exception() is None]
    if len(started) < len(specs):
        stop_all(started)
    return [future.result() for future in futures]


def stop_all(guests: Sequence[Guest]) -> None:
    """Stop several guests at once."""
    with concurrent.futures.ThreadPoolExecutor(len(guests) or 1) as pool:
        list(pool.map(Guest.stop, guests))


def remove(handle: libvirt.virDomain) -> None:
    """Destroy a domain, if it runs, and undefine it, if it is defined."""
    gone = (
        libvirt.VIR_ERR_NO_DOMAIN,
        libvirt.VIR_ERR_OPERATION_INVALID,
    )
    for call in (
        handle.destroy,
        lambda: handle.undefineFlags(libvirt.VIR_DOMAIN_UNDEFINE_MANAGED_SAVE),
    ):
        try:
            call()
        except libvirt.libvirtError as exc:
            if exc.get_error_code() not in gone:
                raise
