# SPDX-License-Identifier: Apache-2.0
"""Counts what is told of each policy, and of each time of pressure.

It belongs to the thread that turns the crank, and costs it next to nothing:
what is told is written out by others.
"""

from collections.abc import Callable
import dataclasses

from nova_balloon_timer import announcement
from nova_balloon_timer import message
from nova_balloon_timer import model
from nova_balloon_timer import ownership
from nova_balloon_timer import situation
from nova_balloon_timer import timekeeping

# NOTE: what an earlier process told last need not be on the disk: it failed,
# or lost power. A number of that must not be used for something else.
_ROUND = 1000

InstanceOf = Callable[[str], ownership.Instance | None]


def _of_no_cloud(guest_uuid: str) -> ownership.Instance | None:
    return None


@dataclasses.dataclass(slots=True)
class _Moving:
    """A policy that moves its balloon, and when it was told of last.

    :param timing: None if an earlier process left that open
    """

    policy: model.BalloonPolicy
    started_at: float
    timing: timekeeping.Timing | None
    told_at: float


class Announcer:
    """Makes announcements out of what happens, each with its number.

    :param name_of: from a guest's UUID to what people call it
    :param instance_of: likewise to the server in a cloud that it is
    :param progress_seconds: between two about the progress of one policy;
        0: there are none
    """

    def __init__(
        self,
        *,
        name_of: Callable[[str], str],
        make_uuid: Callable[[], str],
        progress_seconds: float,
        instance_of: InstanceOf = _of_no_cloud,
    ) -> None:
        self._name_of = name_of
        self._instance_of = instance_of
        self._make_uuid = make_uuid
        self._progress_seconds = progress_seconds
        self._sequences: dict[str, int] = {}
        # By guest.
        self._moving: dict[str, _Moving] = {}
        self._episode_uuid: str | None = None
        self._pressed_at: float | None = None

    @property
    def has_left_pressure(self) -> bool:
        """Tell whether pressure of before this process is still open."""
        return self._episode_uuid is not None and self._pressed_at is None

    def resume(
        self,
        balloon_policy: model.BalloonPolicy,
        started_at: float,
        timing: timekeeping.Timing | None,
        sequence: int | None,
        now: float,
    ) -> None:
        """Go on with a policy that ran in a process before.

        :param sequence: the last that is known to have been told of it; None:
            nothing was
        """
        if sequence is not None:
            self._sequences[balloon_policy.uuid] = _beyond(sequence)
        self._moving[balloon_policy.guest_uuid] = _Moving(
            balloon_policy, started_at, timing, now
        )

    def resume_pressure(self, episode_uuid: str, sequence: int) -> None:
        """Go on with pressure that began in a process before."""
        self._episode_uuid = episode_uuid
        self._sequences[episode_uuid] = _beyond(sequence)

    def created(
        self, balloon_policy: model.BalloonPolicy, now: float
    ) -> announcement.Announcement:
        """Tell that a policy was made."""
        fact = announcement.PolicyCreated(
            policy=balloon_policy,
            guest_name=self._name_of(balloon_policy.guest_uuid),
            instance=self._instance_of(balloon_policy.guest_uuid),
        )
        return self._announce(balloon_policy.uuid, fact, now)

    def started(
        self,
        balloon_policy: model.BalloonPolicy,
        started_at: float,
        timing: timekeeping.Timing,
        now: float,
    ) -> announcement.Announcement:
        """Tell that a policy begins to move its balloon."""
        guest_uuid = balloon_policy.guest_uuid
        self._moving[guest_uuid] = _Moving(
            balloon_policy, started_at, timing, now
        )
        fact = announcement.PolicyStarted(
            policy=balloon_policy,
            guest_name=self._name_of(guest_uuid),
            instance=self._instance_of(guest_uuid),
            started_at=started_at,
            timing=timing,
        )
        return self._announce(balloon_policy.uuid, fact, now)

    def sampled(
        self, guest_uuid: str, sample: model.BalloonSample, now: float
    ) -> announcement.Announcement | None:
        """Tell how far a policy is, if that was not told for long."""
        moving = self._moving.get(guest_uuid)
        if moving is None or not self._progress_seconds:
            return None
        if now - moving.told_at < self._progress_seconds:
            return None
        moving.told_at = now
        fact = announcement.PolicyProgressed(
            policy=moving.policy,
            guest_name=self._name_of(guest_uuid),
            instance=self._instance_of(guest_uuid),
            started_at=moving.started_at,
            timing=moving.timing,
            sample=sample,
        )
        return self._announce(moving.policy.uuid, fact, now)

    def ended(
        self, report: model.EndReport, now: float
    ) -> announcement.Announcement:
        """Tell how a policy ended."""
        policy_uuid = report.policy.uuid
        guest_uuid = report.policy.guest_uuid
        moving = self._moving.get(guest_uuid)
        if moving is not None and moving.policy.uuid == policy_uuid:
            del self._moving[guest_uuid]
        fact = announcement.PolicyEnded(
            guest_name=self._name_of(guest_uuid),
            instance=self._instance_of(guest_uuid),
            report=report,
        )
        said = self._announce(policy_uuid, fact, now)
        del self._sequences[policy_uuid]
        return said

    def noticed(
        self,
        notice: message.Notice,
        watermarks: situation.Watermarks | None,
    ) -> announcement.Announcement | None:
        """Tell what happened on the host, if that is of interest outside."""
        match notice:
            case message.PressureStarted():
                return self._pressure_started(notice, watermarks)
            case message.PressureEnded():
                return self.pressure_ended(
                    notice.memory, watermarks, notice.words, notice.at
                )
        return None

    def pressure_ended(
        self,
        memory: situation.HostMemory | None,
        watermarks: situation.Watermarks | None,
        words: str,
        now: float,
    ) -> announcement.Announcement:
        """Tell that the host is no longer short of memory."""
        fact = announcement.PressureEnded(
            memory=memory,
            watermarks=watermarks,
            words=words,
            started_at=self._pressed_at,
        )
        uuid = self._episode_uuid or self._make_uuid()
        said = self._announce(uuid, fact, now)
        self._episode_uuid = self._pressed_at = None
        del self._sequences[uuid]
        return said

    def _pressure_started(
        self,
        notice: message.PressureStarted,
        watermarks: situation.Watermarks | None,
    ) -> announcement.Announcement:
        # NOTE: one that an earlier process told of goes on.
        self._episode_uuid = self._episode_uuid or self._make_uuid()
        self._pressed_at = notice.at
        fact = announcement.PressureStarted(
            memory=notice.memory, watermarks=watermarks, words=notice.words
        )
        return self._announce(self._episode_uuid, fact, notice.at)

    def _announce(
        self, subject_uuid: str, fact: announcement.Fact, now: float
    ) -> announcement.Announcement:
        sequence = self._sequences.get(subject_uuid, 0)
        self._sequences[subject_uuid] = sequence + 1
        return announcement.Announcement(
            subject_uuid=subject_uuid, sequence=sequence, at=now, fact=fact
        )


def _beyond(sequence: int) -> int:
    """Return the number with which another process goes on."""
    return (sequence // _ROUND + 1) * _ROUND
