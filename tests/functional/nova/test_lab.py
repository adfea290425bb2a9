# SPDX-License-Identifier: Apache-2.0

import ipaddress

from tests.functional import lab
from tests.functional import scraper
from tests.functional.nova import base
from tools.lab.nova import status

_OFF = {'DEFAULT': {'compute_monitors': ''}}
_EVENTLET = {'DEFAULT': {'concurrency_backend': 'eventlet'}}


class LabTest(base.NovaTest):
    """The ground under the other tests."""

    def test_everything_runs_and_listens_on_loopback_only(self) -> None:
        seen = {it.name: it for it in status.look(self.lab)}
        self.assertEqual(
            [], [it.name for it in seen.values() if it.pid is None]
        )
        addresses = set()
        for service in self.lab.services.all:
            for pid in service.pids:
                addresses.update(scraper.listeners(pid))
        for api in self.lab.services.apis:
            self.assertIn(f'127.0.0.1:{api.port}', addresses)
        for pid in (*self.lab.rabbitmq.pids, *self.lab.mariadb.service.pids):
            addresses.update(scraper.listeners(pid))
        for address in addresses:
            host = address.rpartition(':')[0].strip('[]')
            self.assertTrue(ipaddress.ip_address(host).is_loopback, address)

    def test_a_server_is_a_guest_of_the_private_libvirtd(self) -> None:
        server = self.boot('plain')
        guest = self.guest(server)
        shown = server.show()
        self.assertEqual('ACTIVE', shown.status)
        self.assertEqual(shown.instance_name, guest.domain.name())
        self.assertEqual(base.MEMORY_MIB * 1024, guest.domain.maxMemory())
        server.delete()
        self.assertEqual([], guest.domain.connect().listAllDomains())

    def test_the_balloon_timer_starts_and_stops_with_nova_compute(
        self,
    ) -> None:
        self.lab.restart_compute()
        self.wait_said(base.READY)
        self.assertEqual(1, len(self.said('The balloon timer has stopped')))
        self.assertEqual(1, len(self.said(base.READY)))
        self.assertEqual([], self.complaints())

    def test_it_is_not_there_where_it_is_not_enabled(self) -> None:
        enabled = base.shared().options
        self.addCleanup(self.lab.restart_compute, enabled)
        self.lab.restart_compute(_OFF)
        begun = len(self.said())
        self.lab.services.compute.stop()
        self.lab.start_compute()
        lines = self.said()[begun:]
        self.assertTrue(lines)
        self.assertEqual([], [it for it in lines if 'balloon_timer' in it])

    def test_it_stays_off_under_eventlet_and_says_so_once(self) -> None:
        enabled = base.shared().options
        self.addCleanup(self.lab.restart_compute, enabled)
        begun = len(self.said())
        self.lab.restart_compute(_EVENTLET)
        self.wait_said('The balloon timer stays off: it needs native threads')
        lines = [it for it in self.said()[begun:] if ' nova_balloon' in it]
        self.assertEqual(
            ['nova_balloon_timer.nova.monitor'],
            [it.split()[4] for it in lines if 'has stopped' not in it],
        )

    def test_a_killed_nova_compute_comes_back(self) -> None:
        server = self.boot('survivor')
        guest = self.guest(server)
        pid = guest.pid
        self.lab.services.compute.kill()
        self.assertIsNone(self.lab.services.compute.pid)
        self.lab.start_compute()
        self.wait_said(base.READY)
        self.assertEqual(pid, guest.pid)
        server.pause()
        server.unpause()
        lab.wait_until(lambda: bool(guest.domain.isActive()), 'life')
        self.assertEqual([], self.complaints())
