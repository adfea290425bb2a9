# SPDX-License-Identifier: Apache-2.0
"""Checks of libvirt, QEMU and the guests that run."""

import collections
from collections.abc import Sequence

from oslo_config import cfg

from nova_balloon_timer import exception
from nova_balloon_timer.appliers.libvirt import inspection
from nova_balloon_timer.cmd.upgrade import bounded
from nova_balloon_timer.cmd.upgrade import verdict

# NOTE: libvirt as in requirements.txt, which is the oldest that was tried;
# QEMU as Nova 34 has it, which does not start below it. The Nova that comes
# next refuses below the latter pair.
_LEAST = {'libvirt': (9, 0, 0), 'QEMU': (6, 2, 0)}
_NEXT = {'libvirt': (10, 0, 0), 'QEMU': (8, 2, 2)}

# Nova's own default of mem_stats_period_seconds.
_NOVA_PERIOD_SECONDS = 10

_MOST_NAMES = 5


class HypervisorChecks:
    """Looks once, read-only, at what is behind the connection.

    :param nova: with Nova's own options
    """

    def __init__(
        self,
        conf: cfg.ConfigOpts,
        nova: cfg.ConfigOpts,
        longest_seconds: float,
    ) -> None:
        self._nova = nova
        self._uri = conf.balloon_timer.connection_uri
        self._longest_seconds = longest_seconds
        self._inspection = bounded.Call(
            lambda: inspection.inspect(self._uri), longest_seconds
        )

    def check_versions(self) -> verdict.Result:
        """See that libvirt and QEMU are new enough, now and soon."""
        try:
            found = self._inspection.result()
        except bounded.Overdue:
            return verdict.failure(
                f'{self._uri} does not answer within '
                f'{self._longest_seconds:g} s: restart libvirt'
            )
        except exception.BalloonTimerError as error:
            return verdict.failure(
                f'{error}. Start libvirt, run this as a user who may use it, '
                'or set [balloon_timer] connection_uri'
            )
        versions = {'libvirt': found.libvirt_version}
        if found.hypervisor == 'QEMU' and found.hypervisor_version:
            versions['QEMU'] = found.hypervisor_version
        return _judge_versions(versions)

    def check_statistics_period(self) -> verdict.Result:
        """See that Nova gives new guests a balloon, and who tells what."""
        seconds = self._nova.libvirt.mem_stats_period_seconds
        if seconds is not None and seconds <= 0:
            return verdict.failure(
                'nova.conf has [libvirt] mem_stats_period_seconds = '
                f'{seconds}: Nova then gives guests no balloon at all. Set it '
                f'above zero, {_NOVA_PERIOD_SECONDS} for example, restart '
                'nova-compute, and reboot guests hard that have none'
            )
        words = f'nova.conf says {seconds} s'
        if seconds is None:
            words = (
                'no nova.conf that could be read sets [libvirt] '
                "mem_stats_period_seconds; Nova's default is "
                f'{_NOVA_PERIOD_SECONDS} s'
            )
        return verdict.success(f'{words}. {self._periods()}')

    def _periods(self) -> str:
        try:
            guests = self._inspection.result().guests
        except (bounded.Overdue, exception.BalloonTimerError):
            return 'What guests have is not known: libvirt does not answer.'
        counts = collections.Counter(it.period_seconds for it in guests)
        told = ', '.join(
            f'{count} every {seconds} s' if seconds else f'{count} never'
            for seconds, count in sorted(counts.items())
        )
        return (
            f'Guests that run tell theirs: {told or "there are none"}. The '
            'agent sets 1 s for as long as it runs.'
        )

    def check_balloons(self) -> verdict.Result:
        """See that the guests that run have balloons."""
        try:
            guests = self._inspection.result().guests
        except (bounded.Overdue, exception.BalloonTimerError):
            return verdict.warning(
                'the guests are not known: libvirt does not answer. Run this '
                'again when it does'
            )
        without = [it.name for it in guests if it.balloon_model == 'none']
        if without:
            return verdict.warning(
                f'{len(without)} of {len(guests)} guests that run have no '
                f'balloon, and are left alone: {_names(without)}. With '
                '[libvirt] mem_stats_period_seconds above zero in nova.conf a '
                'hard reboot gives them one'
            )
        counts = collections.Counter(it.balloon_model for it in guests)
        told = ', '.join(f'{n} {model}' for model, n in sorted(counts.items()))
        return verdict.success(
            f'Balloons of the guests that run: {told or "there are none"}.'
        )


def _judge_versions(
    versions: dict[str, inspection.Version],
) -> verdict.Result:
    for name, found in versions.items():
        if found < _LEAST[name]:
            return verdict.failure(
                f'{name} {_dotted(found)} is older than '
                f'{_dotted(_LEAST[name])}, the least that this release wants: '
                'upgrade it'
            )
    old = [
        f'{name} {_dotted(found)} (before {_dotted(_NEXT[name])})'
        for name, found in versions.items()
        if found < _NEXT[name]
    ]
    if old:
        return verdict.warning(
            f'{" and ".join(old)} will be refused by the Nova that comes '
            'after 34: upgrade before that'
        )
    return verdict.success(
        ', '.join(f'{name} {_dotted(it)}' for name, it in versions.items())
    )


def _dotted(version: inspection.Version) -> str:
    return '.'.join(str(number) for number in version)


def _names(names: Sequence[str]) -> str:
    shown = ', '.join(sorted(names)[:_MOST_NAMES])
    more = len(names) - _MOST_NAMES
    return f'{shown} and {more} more' if more > 0 else shown
