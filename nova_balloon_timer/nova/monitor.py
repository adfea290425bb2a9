# SPDX-License-Identifier: Apache-2.0
"""What nova-compute loads: a CPU monitor, in name and in fact.

A compute monitor is the one kind of plugin that an unmodified nova-compute
loads from other projects. This one tells the same metrics as Nova's own
``virt_driver``, as only one CPU monitor can be enabled; and when Nova first
asks it for them, which is when its driver is up, the balloon timer starts.
"""

import sys
from typing import Any

from nova.compute.monitors import base
from nova.compute.monitors.cpu import virt_driver
import nova.conf
from oslo_log import log as logging

CONF = nova.conf.CONF
LOG = logging.getLogger(__name__)


class BalloonTimerMonitor(base.CPUMonitorBase):  # type: ignore[misc]
    """Starts the balloon timer once.

    NOTE: Nova makes an object of every monitor that is installed, and then
    looks whether it is enabled. So nothing is begun, and nothing of ours
    imported, by that alone.
    """

    def __init__(self, resource_tracker: Any) -> None:
        super().__init__(resource_tracker)
        self._driver = resource_tracker.driver
        self._cpu = virt_driver.Monitor(resource_tracker)
        self._was_asked = False

    def get_metric_names(self) -> set[str]:
        """Return the names that Nova's own monitor has."""
        names: set[str] = self._cpu.get_metric_names()
        return names

    def populate_metrics(self, metric_list: Any) -> None:
        """Let Nova's own monitor tell its metrics."""
        if not self._was_asked:
            self._was_asked = True
            self._start()
        self._cpu.populate_metrics(metric_list)

    def _start(self) -> None:
        why_not = _why_not(self._driver)
        if why_not:
            LOG.warning('The balloon timer stays off: %s', why_not)
            return
        try:
            # NOTE: who does not enable it does not pay for it either.
            from nova_balloon_timer.nova import extension
            from nova_balloon_timer.nova import surroundings

            extension.Extension(
                CONF, self._driver, surroundings.make_agent
            ).start()
        except Exception:
            LOG.exception('The balloon timer cannot start')


def _why_not(driver: Any) -> str:
    # NOTE: hosts of other hypervisors load this module, but not that one.
    from nova.virt.libvirt import driver as libvirt_driver

    if not isinstance(driver, libvirt_driver.LibvirtDriver):
        return f'it knows libvirt only, and this is {CONF.compute_driver}'
    if _is_patched():
        return (
            'it needs native threads, and this nova-compute runs under '
            'eventlet; set [DEFAULT] concurrency_backend = threading'
        )
    return ''


def _is_patched() -> bool:
    """Tell whether threads are eventlet's; without loading that for it."""
    eventlet_patcher = sys.modules.get('eventlet.patcher')
    return eventlet_patcher is not None and bool(
        eventlet_patcher.is_monkey_patched('thread')
    )
