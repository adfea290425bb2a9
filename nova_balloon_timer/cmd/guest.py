# SPDX-License-Identifier: Apache-2.0
"""``nova-balloon-timer guest list``."""

import argparse
from collections.abc import Iterator, Sequence

from nova_balloon_timer import assessment
from nova_balloon_timer import model
from nova_balloon_timer.cmd import base
from nova_balloon_timer.cmd import preparation

_COLUMNS = (
    'Guest',
    'UUID',
    'Actual MiB',
    'Maximum MiB',
    'Usable MiB',
    'RSS MiB',
    'Could take MiB',
    'Could free MiB',
    'Why not',
)

_Row = tuple[object, ...]


class ListGuests(base.HostLister):
    """List the guests, what could be taken from each, and if nothing, why.

    "Could take" is how far the balloon may go under the configured floor and
    reserve; "could free" is what the host would gain at the most, because
    memory that a guest never touched costs the host nothing. Where a guest's
    statistics are off they are switched on meanwhile; one that gives none is
    waited for, three seconds by default.
    """

    def take_action(
        self, parsed_args: argparse.Namespace
    ) -> tuple[tuple[str, ...], list[_Row]]:
        """Look at every guest at once; no balloon is moved."""
        applier = self.load_applier(parsed_args)
        guests = applier.list_guests()
        pool = self.make_pool(applier, len(guests))
        try:
            with preparation.Preparation(
                applier, pool, guests, self.options.statistics_wait_seconds
            ) as prepared:
                samples = prepared.look()
        finally:
            pool.close()
            applier.close()
        return _COLUMNS, list(self._rows(prepared.guests, samples))

    def _rows(
        self,
        guests: Sequence[model.Guest],
        samples: dict[str, model.BalloonSample],
    ) -> Iterator[_Row]:
        for guest in guests:
            sample = samples.get(guest.uuid)
            assessed = assessment.assess(
                guest, sample, self.defaults.guards(guest)
            )
            yield (
                guest.name,
                guest.uuid,
                base.attribute_in_mib(sample, 'actual_kib'),
                base.in_mib(guest.maximum_kib),
                base.attribute_in_mib(sample, 'usable_kib'),
                base.attribute_in_mib(sample, 'rss_kib'),
                base.in_mib(assessed.could_take_kib),
                base.in_mib(assessed.could_free_kib),
                '; '.join(refusal.words for refusal in assessed.refusals),
            )
