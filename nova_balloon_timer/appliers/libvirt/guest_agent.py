# SPDX-License-Identifier: Apache-2.0
"""A guest's files, by way of the QEMU guest agent in it."""

import base64
import binascii
from collections.abc import Callable, Iterator
import contextlib
import json
import time
from typing import Any

import libvirt
import libvirt_qemu

from nova_balloon_timer import exception
from nova_balloon_timer.appliers.guest_driver import files as guest_files
from nova_balloon_timer.appliers.libvirt import error as libvirt_error

# An answer takes 1-2 ms, and up to 175 ms in a guest that swaps. Before each
# command libvirt itself waits up to 5 s for a sign of life.
_ANSWER_SECONDS = 2
_MOST_BYTES = 4096

# An agent that kept us waiting for longer than that is silent, and not asked
# again for a while: each time would cost a policy seconds of its duration.
_PATIENCE_SECONDS = 1.0
_SILENCE_SECONDS = 60.0

_NO_SUCH_FILE = 'No such file or directory'
# What an agent says of a command that its configuration forbids, or that it
# does not know.
_FORBIDDEN = ('disabled', 'not allowed', 'has not been found')


class AgentFile:
    """An open file, by the number that the agent gave it."""

    def __init__(self, files: 'AgentFiles', number: int) -> None:
        self._files = files
        self._number = number

    def read(self) -> str:
        """Return what is in it, up to 4 KiB."""
        said = self._files.command(
            'guest-file-read', handle=self._number, count=_MOST_BYTES
        )
        try:
            content = base64.b64decode(said['buf-b64'], validate=True)
            return content.decode('ascii')
        except (KeyError, TypeError, binascii.Error, ValueError) as error:
            raise self._files.refusal('its agent talks nonsense') from error

    def write(self, text: str) -> None:
        """Write a text, and see that the guest's kernel has taken it."""
        content = base64.b64encode(text.encode('ascii')).decode('ascii')
        self._files.command(
            'guest-file-write',
            may_have_run=True,
            handle=self._number,
            **{'buf-b64': content},
        )
        self._files.command(
            'guest-file-flush', may_have_run=True, handle=self._number
        )


class Silence:
    """The guests whose agent hangs; from any thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._until: dict[str, float] = {}

    def is_kept_by(self, guest_uuid: str) -> bool:
        """Tell whether a guest's agent need not be asked now."""
        until = self._until.get(guest_uuid)
        return until is not None and self._clock() < until

    @contextlib.contextmanager
    def heeded(self, guest_uuid: str) -> Iterator[None]:
        """Note whether an agent's failure was a long one."""
        asked_at = self._clock()
        try:
            yield
        except libvirt.libvirtError:
            now = self._clock()
            if now - asked_at > _PATIENCE_SECONDS:
                self._until[guest_uuid] = now + _SILENCE_SECONDS
            raise

    def known(self) -> list[str]:
        """Return the guests of which something is noted."""
        return list(self._until)

    def forget(self, guest_uuid: str) -> None:
        """Forget a guest that is gone."""
        self._until.pop(guest_uuid, None)


class AgentFiles:
    """The files of a guest that the calling thread has a handle of."""

    def __init__(
        self, guest_uuid: str, handle: libvirt.virDomain, silence: Silence
    ) -> None:
        self._guest_uuid = guest_uuid
        self._handle = handle
        self._silence = silence

    @contextlib.contextmanager
    def open(self, path: str, mode: guest_files.Mode) -> Iterator[AgentFile]:
        """Open a file; it is closed with the context."""
        number = self.command('guest-file-open', path=path, mode=mode)
        if not isinstance(number, int):
            raise self.refusal('its agent talks nonsense')
        try:
            yield AgentFile(self, number)
        finally:
            with contextlib.suppress(exception.ApplierError):
                self.command('guest-file-close', handle=number)

    def command(
        self, name: str, *, may_have_run: bool = False, **arguments: object
    ) -> Any:
        """Have the agent carry out a command, and return what it says.

        :param may_have_run: silence does not mean that nothing happened
        :raises NoGuestClock: the agent refuses, or nobody answers
        :raises GuestBusy: likewise, if it may have run
        """
        order = json.dumps({'execute': name, 'arguments': arguments})
        if self._silence.is_kept_by(self._guest_uuid):
            raise self.refusal('its guest agent did not answer lately')
        try:
            with self._silence.heeded(self._guest_uuid):
                said = libvirt_qemu.qemuAgentCommand(
                    self._handle, order, _ANSWER_SECONDS, 0
                )
        except libvirt.libvirtError as error:
            if libvirt_error.is_connection_gone(error):
                raise
            why = _why(error)
            is_silent = error.get_error_code() in libvirt_error.BUSY
            if may_have_run and is_silent:
                raise exception.GuestBusy(
                    guest=self._guest_uuid, why=why
                ) from error
            raise self.refusal(why) from error
        try:
            return json.loads(said)['return']
        except (ValueError, KeyError, TypeError) as error:
            raise self.refusal('its agent talks nonsense') from error

    def refusal(self, why: str) -> exception.NoGuestClock:
        """Return the error that says why the guest cannot keep the clock."""
        return exception.NoGuestClock(guest=self._guest_uuid, why=why)


def _why(error: libvirt.libvirtError) -> str:
    words = error.get_error_message() or str(error)
    match error.get_error_code():
        case libvirt.VIR_ERR_ARGUMENT_UNSUPPORTED:
            return 'it has no guest agent channel'
        case libvirt.VIR_ERR_AGENT_UNRESPONSIVE:
            return 'its guest agent does not answer'
        case libvirt.VIR_ERR_NO_SUPPORT:
            return 'its hypervisor has no guest agents'
    if _NO_SUCH_FILE in words:
        return 'it has no timed balloon driver'
    if any(mark in words for mark in _FORBIDDEN):
        return 'its guest agent may not open files'
    return words
