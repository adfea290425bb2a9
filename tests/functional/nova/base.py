# SPDX-License-Identifier: Apache-2.0
"""What the tests inside Nova share: one Nova for all of them.

It starts with the first test that asks for it and ends with the process. One
whose process was killed is cleared away by the next.
"""

import atexit
import pathlib
import re
from typing import Any

import libvirt
import testtools
from testtools import content

from tests.functional import agent
from tests.functional import lab
from tests.functional import owned_folder
from tools.lab import domain
from tools.lab import guest as lab_guest
from tools.lab.nova import lab as nova_lab
from tools.lab.nova import server as lab_server

READY = 'The balloon timer looks after this host'
MEMORY_MIB = 512
ENABLED = {'balloon:enabled': 'true'}

_PREFIX = 'nbt-nova-'
# NOTE: how policies end is told as a warning too, and is no complaint.
_OURS = re.compile(
    r' (WARNING|ERROR|CRITICAL) nova_balloon_timer\.(?!agent\.narrator)'
)


class SharedNova:
    """A Nova of our own, whose host has the memory that a test says."""

    def __init__(self) -> None:
        self._folder = owned_folder.OwnedFolder(
            _PREFIX, lambda root: nova_lab.NovaLab(root / 'lab').down()
        )
        self.host = agent.FakeHost(self._folder.path / 'proc')
        self.options: dict[str, dict[str, Any]] = {
            'balloon_timer': {
                'proc_root': self.host.proc_root,
                **agent.QUICK,
                # What an operator moved is given back at once.
                'respect_seconds': 1,
            }
        }
        self.lab = nova_lab.NovaLab(self._folder.path / 'lab', self.options)
        atexit.register(self._close)

    def up(self) -> None:
        """Have all of it run, whatever a test did to it."""
        if not self.lab.is_up:
            self.lab.up()

    def _close(self) -> None:
        self.lab.down()
        self._folder.close()


_shared: SharedNova | None = None


def shared() -> SharedNova:
    """Give this process's Nova, all of which runs.

    :raises LabError: something of it is not there; nothing is skipped
    """
    global _shared  # noqa: PLW0603
    if _shared is None:
        _shared = SharedNova()
        libvirt.registerErrorHandler(lambda *_: None, None)
    _shared.up()
    return _shared


class NovaTest(testtools.TestCase):
    """A test with a Nova, in whose nova-compute the balloon timer runs."""

    def setUp(self) -> None:
        super().setUp()
        shared_nova = shared()
        self.lab = shared_nova.lab
        self.host = shared_nova.host
        self.host.available_mib = agent.PLENTY_MIB
        self.log = self.lab.services.compute.log
        self._log_begins = self.log.stat().st_size
        self.addOnException(lambda _: self._attach_log())

    def boot(
        self, name: str, extra_specs: dict[str, str] | None = None, **more: Any
    ) -> lab_server.Server:
        """Boot a server that is gone with the test.

        :param extra_specs: those of its flavor; it is enabled by default
        :param more: what kind of guest it is otherwise
        """
        spec = domain.GuestSpec(
            **{'memory_mib': MEMORY_MIB, 'agent': True, **more}, name=name
        )
        specs = ENABLED if extra_specs is None else extra_specs
        server = self.lab.cloud.boot(spec, specs)
        self.addCleanup(server.delete)
        return server

    def guest(self, server: lab_server.Server) -> lab_guest.Guest:
        """Give a server's guest, which has booted."""
        connection = self.lab.libvirtd.open()
        self.addCleanup(connection.close)
        found = server.guest(connection)
        found.wait_ready()
        return found

    def said(self, words: str = '') -> list[str]:
        """Give the lines of nova-compute with some words, of this test."""
        return [it for it in self._lines() if words in it]

    def wait_said(self, words: str, timeout_seconds: float = 60) -> None:
        """Wait until nova-compute has said something in this test."""
        lab.wait_until(lambda: bool(self.said(words)), words, timeout_seconds)

    def complaints(self, *, ever: bool = False) -> list[str]:
        """Give what the balloon timer complained of, in this test.

        :param ever: or ever since this Nova is there
        """
        lines = _read(self.log, 0) if ever else self._lines()
        return [it for it in lines if _OURS.search(it)]

    def _lines(self) -> list[str]:
        return _read(self.log, self._log_begins)

    def _attach_log(self) -> None:
        text = '\n'.join(self._lines())
        self.addDetail('nova-compute', content.text_content(text))


def _read(path: pathlib.Path, begins: int) -> list[str]:
    with path.open('rb') as file:
        file.seek(begins)
        return file.read().decode('utf-8', 'replace').splitlines()
