# SPDX-License-Identifier: Apache-2.0
"""Asks a kernel to wake us when tasks wait for memory."""

import errno
import os
import pathlib

from oslo_log import log as logging

from nova_balloon_timer.pressure import kernel_file
from nova_balloon_timer.pressure import stall

LOG = logging.getLogger(__name__)


class KernelTrigger:
    """A trigger that stands until it is closed.

    :ivar fd: to poll for POLLPRI; POLLERR when its cgroup is gone
    """

    def __init__(self, path: pathlib.Path, order: stall.TriggerOrder) -> None:
        flags = os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC
        self.fd = os.open(path, flags)
        try:
            os.write(self.fd, order.text.encode() + b'\0')
        except OSError:
            os.close(self.fd)
            raise

    def close(self) -> None:
        """Take the trigger back."""
        os.close(self.fd)


def arm(path: pathlib.Path, order: stall.TriggerOrder) -> KernelTrigger | None:
    """Set a trigger, with the window that we are allowed.

    :returns: None where stalls can be read but not waited for; a log line
        says why
    :raises PressureUnavailable: this kernel counts no stalls, or the cgroup
        is gone
    """
    if not kernel_file.is_of_kernel(path):
        LOG.info('%s is a plain file: it is read again and again.', path)
        return None
    try:
        return _arm_allowed(path, order)
    except OSError as error:
        if error.errno in (errno.EOPNOTSUPP, errno.ENOENT, errno.ENODEV):
            raise kernel_file.unavailable(path, error) from error
        why = error.strerror
    LOG.warning(
        '%(path)s takes no trigger (%(why)s): it is read again and again.',
        {'path': path, 'why': why},
    )
    return None


def _arm_allowed(
    path: pathlib.Path, order: stall.TriggerOrder
) -> KernelTrigger:
    try:
        return KernelTrigger(path, order)
    except OSError as error:
        rounded = order.rounded()
        if error.errno != errno.EINVAL or rounded == order:
            raise
    armed = KernelTrigger(path, rounded)
    LOG.info(
        'Without CAP_SYS_RESOURCE %(path)s is watched over %(given)g s '
        'instead of %(asked)g s.',
        {
            'path': path,
            'given': rounded.window_microseconds / 1e6,
            'asked': order.window_microseconds / 1e6,
        },
    )
    return armed
