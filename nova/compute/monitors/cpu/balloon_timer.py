# SPDX-License-Identifier: Apache-2.0
"""The balloon timer, where Nova looks for compute monitors.

It is the only file of nova-balloon-timer that is installed among Nova's own.
It has to be: Nova tells what kind of monitor a class is by the name of the
module that the entry point names, and lets none pass from outside of
``nova.compute.monitors``. The folders above it have no ``__init__.py`` here,
so installing and removing it touches nothing else of Nova.
"""

from nova_balloon_timer.nova import monitor


class Monitor(monitor.BalloonTimerMonitor):
    """Enabled by ``[DEFAULT] compute_monitors = cpu.balloon_timer``."""
