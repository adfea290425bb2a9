# SPDX-License-Identifier: Apache-2.0
"""A guest's files, by way of the QEMU guest agent in it.

Neither the agent nor what it says is trusted, and it may be silent for as long
as it likes: what it can cost others is bounded here.
"""

import base64
import binascii
from collections.abc import Callable, Iterator
import contextlib
import json
import time
from typing import Any

import libvirt
import libvirt_qemu
from oslo_log import log as logging

from nova_balloon_timer import exception
from nova_balloon_timer.appliers.guest_driver import files as guest_files
from nova_balloon_timer.appliers.libvirt import agent_patience
from nova_balloon_timer.appliers.libvirt import error as libvirt_error

LOG = logging.getLogger(__name__)

# An answer takes 1-2 ms, and up to 175 ms in a guest that swaps. Before each
# command libvirt itself waits up to 5 s for a sign of life.
_ANSWER_SECONDS = 2
_MOST_BYTES = 4096
# In base64, with what is around it.
_LONGEST_ANSWER = 4 * _MOST_BYTES

# NOTE: by its number, which the bindings of older libvirts have no name for.
_COMMAND_FAILED = 113
_REFUSED = 'unable to execute QEMU agent command'
_REASONS = (
    ('No such file or directory', 'it has no timed balloon driver'),
    ('Invalid argument', 'its driver does not understand the policy'),
    ('Numerical result out of range', 'its driver finds the policy too large'),
    ('Timer expired', 'its agent took too long to pass the policy on'),
    ('disabled', 'its guest agent may not open files'),
    ('not allowed', 'its guest agent may not open files'),
    ('has not been found', 'its guest agent may not open files'),
)
_NONSENSE = 'its guest agent talks nonsense'


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
            return content[:_MOST_BYTES].decode('ascii')
        except (KeyError, TypeError, binascii.Error, ValueError) as error:
            raise self._files.refusal(_NONSENSE) from error

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


class AgentFiles:
    """The files of a guest that the calling thread has a handle of.

    :param budget: how long this dialogue may take
    """

    def __init__(
        self,
        guest_uuid: str,
        handle: libvirt.virDomain,
        budget: agent_patience.Budget,
    ) -> None:
        self._guest_uuid = guest_uuid
        self._handle = handle
        self._budget = budget

    @contextlib.contextmanager
    def open(self, path: str, mode: guest_files.Mode) -> Iterator[AgentFile]:
        """Open a file; it is closed with the context."""
        number = self.command('guest-file-open', path=path, mode=mode)
        if not isinstance(number, int):
            raise self.refusal(_NONSENSE)
        try:
            yield AgentFile(self, number)
        finally:
            # NOTE: out of budget, too: agents have but so many open files.
            with contextlib.suppress(exception.ApplierError):
                self._execute('guest-file-close', {'handle': number}, False)

    def command(
        self, name: str, *, may_have_run: bool = False, **arguments: object
    ) -> Any:
        """Have the agent carry out a command, and return what it says.

        :param may_have_run: silence does not mean that nothing happened
        :raises NoGuestClock: the agent refuses, or nobody answers
        :raises GuestBusy: nobody answers, and it may have run
        """
        if self._budget.is_spent:
            raise self._silence('its guest agent is too slow', may_have_run)
        return self._execute(name, arguments, may_have_run)

    def refusal(self, why: str) -> exception.NoGuestClock:
        """Return the error that says why the guest cannot keep the clock."""
        return exception.NoGuestClock(guest=self._guest_uuid, why=why)

    def _execute(
        self, name: str, arguments: dict[str, object], may_have_run: bool
    ) -> Any:
        order = json.dumps({'execute': name, 'arguments': arguments})
        try:
            said = libvirt_qemu.qemuAgentCommand(
                self._handle, order, _ANSWER_SECONDS, 0
            )
        except libvirt.libvirtError as error:
            if libvirt_error.is_of_connection(error):
                raise
            if _is_refusal(error):
                raise self.refusal(_reason(error)) from error
            raise self._silence(_why_silent(error), may_have_run) from error
        return self._unpack(said, may_have_run)

    def _unpack(self, said: str, may_have_run: bool) -> Any:
        try:
            if len(said) > _LONGEST_ANSWER:
                raise self._silence(_NONSENSE, may_have_run)
            return json.loads(said)['return']
        except (ValueError, KeyError, TypeError, RecursionError) as error:
            raise self._silence(_NONSENSE, may_have_run) from error

    def _silence(self, why: str, may_have_run: bool) -> exception.ApplierError:
        if may_have_run:
            return exception.GuestBusy(guest=self._guest_uuid, why=why)
        return self.refusal(why)


class Agents:
    """The guest agents of a host; from any thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._patience = agent_patience.Patience(clock)

    def known(self) -> list[str]:
        """Return the guests of which something is noted."""
        return self._patience.known()

    def forget(self, guest_uuid: str) -> None:
        """Forget a guest that is gone."""
        self._patience.forget(guest_uuid)

    @contextlib.contextmanager
    def dialogue(
        self, guest_uuid: str, handle: libvirt.virDomain, *, is_last: bool
    ) -> Iterator[AgentFiles]:
        """Talk to a guest's agent.

        :param is_last: a policy's end: ask even an agent that was silent
        :raises NoGuestClock: it did not answer lately, or too many others
            are being asked
        """
        with self._patience.turn(guest_uuid, is_last=is_last) as budget:
            yield AgentFiles(guest_uuid, handle, budget)


def _is_refusal(error: libvirt.libvirtError) -> bool:
    """Tell whether the agent itself says that it did not do it."""
    if error.get_error_code() == _COMMAND_FAILED:
        return True
    is_internal = error.get_error_code() == libvirt.VIR_ERR_INTERNAL_ERROR
    return is_internal and _REFUSED in (error.get_error_message() or '')


def _reason(error: libvirt.libvirtError) -> str:
    """Return in our words what an agent says; its own are a guest's."""
    words = error.get_error_message() or ''
    for part, reason in _REASONS:
        if part in words:
            return reason
    LOG.debug('A guest agent refuses: %r', words[:200])
    return 'its guest agent refuses'


def _why_silent(error: libvirt.libvirtError) -> str:
    match error.get_error_code():
        case libvirt.VIR_ERR_ARGUMENT_UNSUPPORTED:
            return 'it has no guest agent channel'
        case libvirt.VIR_ERR_NO_SUPPORT:
            return 'its hypervisor has no guest agents'
        case libvirt.VIR_ERR_OPERATION_INVALID:
            return 'it is paused, or does not run'
        case _:
            return 'its guest agent does not answer'
