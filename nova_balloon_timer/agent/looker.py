# SPDX-License-Identifier: Apache-2.0
"""What workers do for the controller: list the guests, and look at them."""

from collections.abc import Callable

from oslo_log import log as logging

from nova_balloon_timer import exception
from nova_balloon_timer import message
from nova_balloon_timer.appliers import base

LOG = logging.getLogger(__name__)


class Looker:
    """Asks the applier; the answer is an event, also where there is none.

    :param post: takes the events
    """

    def __init__(
        self,
        applier: base.Applier,
        post: Callable[[message.HostEvent], None],
    ) -> None:
        self._applier = applier
        self._post = post
        self._list_failure = ''

    def list_guests(self) -> None:
        """List the guests."""
        guests, failure = None, ''
        try:
            guests = tuple(self._applier.list_guests())
        except exception.ApplierError as error:
            failure = str(error)
        finally:
            self._post(message.GuestsListed(guests=guests))
        self._note_listing(failure)
        if guests is None:
            # Again soon: until then, guests that came are not known.
            self._post(message.GuestsChanged())

    def look(self, guest_uuid: str) -> None:
        """Read the balloon of a guest that has no policy."""
        sample, failure = None, ''
        try:
            sample = self._applier.read(guest_uuid)
        except exception.ApplierError as error:
            failure = str(error)
        finally:
            self._post(
                message.GuestLooked(guest_uuid=guest_uuid, sample=sample)
            )
        if failure:
            LOG.debug('A look failed: %s', failure)

    def start_statistics(self, guest_uuid: str) -> None:
        """Have a guest tell its statistics."""
        self._applier.start_statistics(guest_uuid)

    def _note_listing(self, failure: str) -> None:
        """Say once that guests cannot be listed, and when they can."""
        was_failing, self._list_failure = self._list_failure != '', failure
        if failure and not was_failing:
            LOG.warning('The guests cannot be listed: %s', failure)
        elif was_failing and not failure:
            LOG.info('The guests can be listed again')
