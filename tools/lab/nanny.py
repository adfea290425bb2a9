# SPDX-License-Identifier: Apache-2.0
"""Be the parent of a private libvirtd and of the QEMUs that it leaves.

QEMU makes itself a daemon, so that it belongs to PID 1, and a PID 1 that is
slow to reap makes every ``destroy`` wait: libvirt takes a zombie for alive.
The nanny adopts and reaps at once. It is also what keeps the private mount
namespace while libvirtd is restarted: SIGUSR1 starts libvirtd again as
soon as it has ended. It is run as a file of its own and imports the standard
library only.
"""

import ctypes
import os
import signal
import sys

_PR_SET_CHILD_SUBREAPER = 36
_SIGNALS = (signal.SIGUSR1, signal.SIGTERM, signal.SIGCHLD)


def _spawn(command: list[str]) -> int:
    """Start the command without the signal mask that we wait under."""
    return os.posix_spawnp(command[0], command, os.environ, setsigmask=())


def _reap(child: int) -> int:
    """Reap all that have ended.

    :returns: the child's pid, or 0 if it was among them.
    """
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return 0
        if pid == 0:
            return child
        if pid == child:
            child = 0


def main(command: list[str]) -> int:
    """Run the command until SIGTERM, reaping whatever it leaves."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    child = 0
    wanted = True
    while True:
        if wanted and not child:
            child = _spawn(command)
            wanted = False
        number = signal.sigwait(_SIGNALS)
        if number == signal.SIGTERM:
            break
        # NOTE(lab): a killed libvirtd may not be ready to be reaped yet, so
        # the wish is kept until it is.
        wanted = wanted or number == signal.SIGUSR1
        child = _reap(child)
    while True:  # whoever sends SIGTERM has ended the children
        try:
            os.wait()
        except ChildProcessError:
            return 0


if __name__ == '__main__':
    sys.exit(main(sys.argv[1:]))
