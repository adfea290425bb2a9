# SPDX-License-Identifier: Apache-2.0
"""Tell what of a lab runs, and what it costs."""

from collections.abc import Iterable
import dataclasses
import urllib.parse

from tools.lab import process
from tools.lab.nova import lab as nova_lab

_KIB_PER_MIB = 1024


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class ServiceStatus:
    """Hold what is to be seen of a service.

    :ivar pid: None if it does not run
    :ivar port: None if it is not served at one
    :ivar rss_mib: of all its processes; what they share counts for each
    """

    name: str
    pid: int | None
    port: int | None
    rss_mib: int


def look(lab: nova_lab.NovaLab) -> list[ServiceStatus]:
    """Look at all services of a lab."""
    broker, libvirtd = lab.rabbitmq, lab.libvirtd
    port = urllib.parse.urlsplit(broker.url).port
    libvirtd_pids = [] if libvirtd.pid is None else [libvirtd.pid]
    return [
        _status('rabbitmq', broker.pid, port, broker.pids),
        _status('libvirtd', libvirtd.pid, None, libvirtd_pids),
        *(
            _status(it.name, it.pid, it.port, it.pids)
            for it in (lab.mariadb.service, *lab.services.all)
        ),
    ]


def _status(
    name: str, pid: int | None, port: int | None, pids: Iterable[int]
) -> ServiceStatus:
    total_kib = sum(map(process.rss_kib, pids))
    return ServiceStatus(
        name=name, pid=pid, port=port, rss_mib=total_kib // _KIB_PER_MIB
    )
