# SPDX-License-Identifier: Apache-2.0
"""What an applier is: the only way from a decision to a guest."""

import abc
from collections.abc import Callable, Sequence

from oslo_log import log as logging

from nova_balloon_timer import exception
from nova_balloon_timer import message
from nova_balloon_timer import model
from nova_balloon_timer import timekeeping

LOG = logging.getLogger(__name__)

Sink = Callable[[message.Event | message.GuestsChanged], None]


class Applier(abc.ABC):
    """Reads and sets the balloons of one host's guests.

    Several threads call one applier at once, but never two for the same guest;
    only who keeps the clock (``check_clock``, ``offer``, ``conclude``) is
    asked beside all else. A call may block for as long as a guest's hypervisor
    hangs. Every method raises only
    :class:`~nova_balloon_timer.exception.ApplierError`.

    :param uri: where the hypervisor is, in the words of its own tools
    """

    def __init__(self, uri: str) -> None:
        self.uri = uri

    @abc.abstractmethod
    def list_guests(self) -> Sequence[model.Guest]:
        """Return every guest of the host, also those that cannot balloon."""

    @abc.abstractmethod
    def find_guest(self, name_or_uuid: str) -> model.Guest:
        """Return one guest.

        :raises GuestNotFound: if there is none
        """

    @abc.abstractmethod
    def read(self, guest_uuid: str) -> model.BalloonSample:
        """Read a guest's balloon, as fresh as the hypervisor has it."""

    @abc.abstractmethod
    def set_target(self, guest_uuid: str, target_kib: int) -> None:
        """Set a running guest's target, and return without waiting for it.

        :raises TargetRejected: if it is zero or above the guest's maximum
        """

    # NOTE: the hooks below are no-ops on purpose, not forgotten: an applier
    # that needs none of them is complete with the four methods above.

    def connect(self) -> None:  # noqa: B027
        """Open what the calling thread needs, so that no later call waits."""

    def disconnect(self) -> None:  # noqa: B027
        """Close what the calling thread opened."""

    def start_statistics(self, guest_uuid: str) -> None:  # noqa: B027
        """Have the guest tell its statistics often enough to guard it."""

    def restore_statistics(self, guest_uuid: str) -> None:  # noqa: B027
        """Undo what :meth:`start_statistics` changed."""

    def watch(self, sink: Sink) -> None:  # noqa: B027
        """Send what the hypervisor tells by itself to ``sink``, from now."""

    def close(self) -> None:  # noqa: B027
        """Release everything; the applier is not used again."""

    def check_clock(self, guest_uuid: str) -> None:
        """Ask whether a guest could keep the clock of a policy.

        :raises NoGuestClock: it could not, and why
        """
        raise exception.NoGuestClock(
            guest=guest_uuid, why='this applier has no way to its driver'
        )

    def offer(self, action: message.OfferPolicy) -> None:
        """Have a guest keep the clock of a policy from now on.

        :raises NoGuestClock: it cannot, and has not begun to; after any other
            error it may have begun
        """
        self.check_clock(action.guest_uuid)

    def conclude(
        self, action: message.ConcludePolicy
    ) -> timekeeping.GuestReport:
        """Ask a guest how a policy went that was offered to it.

        :raises NoGuestClock: it cannot be asked, or does not know it
        """
        raise exception.NoGuestClock(
            guest=action.guest_uuid, why='this applier offers it nothing'
        )

    def freeze(self, action: message.FreezeBalloon) -> message.BalloonFrozen:
        """Stop a balloon where it stands, or where the action says."""
        guest_uuid = action.guest_uuid
        before = self.read(guest_uuid)
        target_kib = before.actual_kib
        if action.at_kib is not None:
            target_kib = action.at_kib
        target_kib = max(
            action.lowest_kib, min(action.highest_kib, target_kib)
        )
        self.set_target(guest_uuid, target_kib)
        return message.BalloonFrozen(
            guest_uuid=guest_uuid,
            target_kib=target_kib,
            before=before,
            after=self.read(guest_uuid),
        )


def perform(
    applier: Applier, action: message.GuestAction
) -> message.Event | None:
    """Carry out an action and say what came of it.

    :returns: the event, or None where there is nothing to tell
    """
    guest_uuid = action.guest_uuid
    try:
        return _carry_out(applier, action)
    except (exception.GuestNotFound, exception.GuestNotRunning):
        return message.GuestGone(guest_uuid=guest_uuid)
    except exception.ApplierError as error:
        return message.ActionFailed(
            guest_uuid=guest_uuid, kind=_kind_of(error), words=str(error)
        )
    except Exception as error:
        # NOTE: a defect of an applier; the engine waits for an answer.
        LOG.exception('An applier failed')
        return message.ActionFailed(
            guest_uuid=guest_uuid,
            kind=message.FailureKind.PERMANENT,
            words=f'the applier failed: {error!r}',
        )


def _carry_out(
    applier: Applier, action: message.GuestAction
) -> message.Event | None:
    guest_uuid = action.guest_uuid
    match action:
        case message.ReadBalloon():
            sample = applier.read(guest_uuid)
            return message.BalloonSampled(guest_uuid=guest_uuid, sample=sample)
        case message.SetTarget():
            applier.set_target(guest_uuid, action.target_kib)
            return None
        case message.FreezeBalloon():
            return applier.freeze(action)
        case message.OfferPolicy():
            return _offer(applier, action)
        case message.ConcludePolicy():
            return _conclude(applier, action)


def _offer(applier: Applier, action: message.OfferPolicy) -> message.Event:
    try:
        applier.offer(action)
    except exception.NoGuestClock as error:
        return message.PolicyDeclined(
            guest_uuid=action.guest_uuid,
            policy_uuid=action.policy.uuid,
            words=error.why,
        )
    return message.PolicyAccepted(
        guest_uuid=action.guest_uuid, policy_uuid=action.policy.uuid
    )


def _conclude(
    applier: Applier, action: message.ConcludePolicy
) -> message.GuestReported:
    # NOTE: whatever goes wrong: the host's own account of the policy stands.
    report = None
    words = ''
    try:
        report = applier.conclude(action)
    except exception.NoGuestClock as error:
        words = error.why
    except exception.ApplierError as error:
        words = str(error)
    return message.GuestReported(
        guest_uuid=action.guest_uuid,
        policy_uuid=action.policy.uuid,
        report=report,
        words=words,
    )


def _kind_of(error: exception.ApplierError) -> message.FailureKind:
    if isinstance(
        error, (exception.GuestBusy, exception.HypervisorUnavailable)
    ):
        return message.FailureKind.TRANSIENT
    return message.FailureKind.PERMANENT
