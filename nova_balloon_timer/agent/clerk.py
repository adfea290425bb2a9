# SPDX-License-Identifier: Apache-2.0
"""Makes a policy of what is asked of a guest from outside."""

import dataclasses
import time

from nova_balloon_timer import exception
from nova_balloon_timer import model
from nova_balloon_timer import order
from nova_balloon_timer import question
from nova_balloon_timer import timekeeping
from nova_balloon_timer.agent import configured
from nova_balloon_timer.agent import crank as agent_crank
from nova_balloon_timer.agent import guest_reader
from nova_balloon_timer.agent import inquiry

_EXPLANATION = 'asked for over the message bus'


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """What an order comes to for a guest.

    :param made: the policy, or why the guest is left alone
    :param timing: who would keep its clock; None if that was not asked
    """

    guest: model.Guest
    guards: model.Guards
    sample: model.BalloonSample | None
    made: model.BalloonPolicy | model.Refusal
    timing: timekeeping.Timing | None = None


class Clerk:
    """Looks at the guest, and weighs the order by the configured guards.

    Whom the controller leaves alone, as it is told to or thinks right, can
    be given a policy all the same: somebody asked for it.
    """

    def __init__(
        self,
        crank: agent_crank.HostCrank,
        reader: guest_reader.GuestReader,
        options: configured.Options,
    ) -> None:
        self._crank = crank
        self._reader = reader
        self._options = options

    def draft(
        self,
        name: str,
        wanted: order.Order,
        patience: question.Patience,
        *,
        asks_clock: bool = False,
    ) -> Draft:
        """Make a policy, or say why not.

        A guest that must keep the clock is asked whether it can.

        :param asks_clock: ask one as well that may leave it to the host
        :raises GuestNotFound: there is no such guest
        :raises GuestBusy: nobody answers for it in time
        :raises GuestRefused: it cannot be read
        :raises InvalidPolicy: it can never have what is wanted
        """
        look = self._look(name, patience)
        guest = look.guest
        order.check_sizes(wanted, guest)
        defaults = configured.defaults(self._options)
        made = order.make_policy(wanted, guest, look.sample, defaults)
        timing = None
        if isinstance(made, model.BalloonPolicy):
            timing = self._ask_clock(made, patience, asks_clock)
            if timing is not None and not timing.suits(made.mode):
                made = order.refuse_clock(timing.words)
            else:
                made = dataclasses.replace(made, explanation=_EXPLANATION)
        return Draft(
            guest=guest,
            guards=order.guards_for(wanted, guest, defaults),
            sample=look.sample,
            made=made,
            timing=timing,
        )

    def _ask_clock(
        self,
        made: model.BalloonPolicy,
        patience: question.Patience,
        asks_clock: bool,
    ) -> timekeeping.Timing | None:
        match made.mode:
            case timekeeping.Mode.HOST:
                return timekeeping.Timing(words=made.mode_words)
            case timekeeping.Mode.AUTO if not asks_clock:
                return None
        seconds = patience.share(inquiry.STEP_SECONDS)
        return self._reader.ask_clock(made.guest_uuid, seconds)

    def _look(
        self, name: str, patience: question.Patience
    ) -> guest_reader.FreshLook:
        line = self._find(name, patience)
        seconds = patience.share(inquiry.STEP_SECONDS)
        try:
            return self._reader.look(line, line, seconds)
        except (exception.GuestNotFound, exception.GuestBusy):
            raise
        except exception.HypervisorUnavailable as error:
            raise exception.GuestBusy(guest=name, why=error) from error
        except exception.ApplierError as error:
            raise exception.GuestRefused(guest=name, why=error) from error

    def _find(self, name: str, patience: question.Patience) -> str:
        """Return a guest's UUID; its name, if it came a moment ago.

        :raises GuestBusy: it has not answered for long
        """

        def find() -> tuple[str, bool]:
            record = self._crank.controller.roster.find_named(name)
            if record is None:
                return name, False
            return record.guest.uuid, record.hangs(time.monotonic())

        guest_uuid, hangs = inquiry.ask(self._crank, find, patience)
        if hangs:
            raise exception.GuestBusy(
                guest=name, why='it has not for some seconds'
            )
        return guest_uuid
