# SPDX-License-Identifier: Apache-2.0
"""The payloads of notifications, as versioned objects.

A change of their fields, also of an enum of ``model`` that one of them takes
its values from, needs a new version of the payload; a test says so.
"""

import enum

from nova_balloon_timer import model
from nova_balloon_timer import timekeeping
from nova_balloon_timer.notifier import registry
from nova_balloon_timer.notifier.versionedobjects import fields as ovo_fields


def _choice(kind: type[enum.Enum]) -> ovo_fields.EnumField:
    return ovo_fields.EnumField([member.value for member in kind])


_KEEPERS = [timekeeping.Mode.HOST.value, timekeeping.Mode.GUEST.value]


class EventPayload(registry.Payload):
    """What every notification says.

    :param host: the compute host's name, as ``[DEFAULT] host`` has it
    :param uuid: what it is about: the policy, or the time in which the host
        was short of memory
    :param sequence: counts what is told of one ``uuid``, from 0 and in order
    :param occurred_at: when it happened; it may be sent later
    """

    fields = {
        'host': ovo_fields.StringField(),
        # NOTE: not a UUIDField: that one changes the process's filters of
        # warnings each time it is set, which is not safe among threads.
        'uuid': ovo_fields.StringField(),
        'sequence': ovo_fields.IntegerField(),
        'occurred_at': registry.InstantField(),
    }


@registry.PayloadRegistry.register
class BalloonSegmentPayload(registry.Payload):
    """A stage of a policy, and where the balloon stood at its end.

    :param until_seconds: the end of the stage, from the policy's start
    :param target_kib: how far the balloon goes before that, and no further
    :param actual_kib: what the guest had at the end of the stage; null before
        the policy has ended, and if it ended earlier
    :param reached: whether that was the stage's target; null likewise
    """

    VERSION = '1.0'
    fields = {
        'until_seconds': ovo_fields.FloatField(),
        'target_kib': ovo_fields.IntegerField(),
        'actual_kib': ovo_fields.IntegerField(nullable=True),
        'reached': ovo_fields.BooleanField(nullable=True),
    }


@registry.PayloadRegistry.register
class BalloonInstancePayload(registry.Payload):
    """The Nova instance that a guest is, by the names that Nova gives these.

    :param uuid: the instance's, which is the guest's too
    :param display_name: what its owner calls it
    :param tenant_id: the owner's project
    :param host: the compute host that is in charge of it
    """

    VERSION = '1.0'
    fields = {
        'uuid': ovo_fields.StringField(),
        'display_name': ovo_fields.StringField(),
        'tenant_id': ovo_fields.StringField(),
        'host': ovo_fields.StringField(),
    }


@registry.PayloadRegistry.register
class BalloonGuestReportPayload(registry.Payload):
    """What a guest's balloon driver says of a policy whose time it kept.

    It comes from the guest, and so is as trustworthy as that; its times are
    by its own clock, from when it got the policy.

    :param reason: why it stopped, in its words; ``running``: it has not
    :param start_kib: what the guest had when it got the policy
    :param target_kib: as in force at the end; the host may have shortened it
    :param reached_kib: what the guest had at the end
    :param moved_kib: the difference, in the policy's direction
    :param elapsed_seconds: how long that took
    :param lateness_seconds: from the deadline to the last page that moved; 0
        if none did after it
    :param moved_after_deadline_kib: how much moved in that time
    :param allocation_failures: how often it found no memory to take
    """

    VERSION = '1.0'
    fields = {
        'reason': _choice(timekeeping.GuestEnd),
        'start_kib': ovo_fields.IntegerField(),
        'target_kib': ovo_fields.IntegerField(),
        'reached_kib': ovo_fields.IntegerField(),
        'moved_kib': ovo_fields.IntegerField(),
        'elapsed_seconds': ovo_fields.FloatField(),
        'lateness_seconds': ovo_fields.FloatField(),
        'moved_after_deadline_kib': ovo_fields.IntegerField(),
        'allocation_failures': ovo_fields.IntegerField(),
    }


@registry.PayloadRegistry.register
class BalloonPolicyPayload(EventPayload):
    """A timed policy, when it is made and when it starts.

    :param guest_uuid: the guest's UUID; in a cloud, the instance's
    :param guest_name: the guest's name in libvirt
    :param instance: the instance that the guest is; null where a service
        sends this that knows nothing of Nova, and while Nova has not told
    :param direction: ``inflate`` takes memory from the guest, ``deflate``
        gives it back
    :param mode: who shall keep the time, the host or the guest's balloon
        driver; ``auto``: the guest, if it can
    :param timed_by: who keeps it; null before the policy starts, and in its
        progress where an agent that ended since had left that open
    :param timing_words: why it is not the guest, in words; empty if it is, or
        if nobody wanted it to be
    :param origin: why it was made: the host is short of memory or a guest
        lacks some, an operator wants it, or what was taken is returned
    :param explanation: the same in words
    :param start_kib: what the guest had when the policy was made
    :param target_kib: what it is to have
    :param maximum_kib: its full memory
    :param duration_seconds: how long the policy may last
    :param segments: the stages on the way, if there are any; the first 20
    :param omitted_segments: how many stages there are beyond these
    :param floor_kib: the guest is left with no less than this
    :param reserve_kib: of what it can use without swapping, it is left with
        no less than this; 0: that is not looked at
    :param leash_kib: the hypervisor's target is at most so far ahead of the
        balloon, or as far as the balloon moves in ``leash_seconds`` if that
        is more; so far it moves on should the agent be killed
    :param leash_seconds: see ``leash_kib``
    :param started_at: when its time began to run; null before
    :param deadline_at: when its time is up; null before it starts, and where
        that is after the year 9999
    """

    VERSION = '1.1'
    fields = {
        'guest_uuid': ovo_fields.StringField(),
        'guest_name': ovo_fields.StringField(),
        'instance': ovo_fields.ObjectField(
            'BalloonInstancePayload', nullable=True
        ),
        'direction': _choice(model.Direction),
        'mode': _choice(timekeeping.Mode),
        'timed_by': ovo_fields.EnumField(_KEEPERS, nullable=True),
        'timing_words': ovo_fields.StringField(),
        'origin': _choice(model.Origin),
        'explanation': ovo_fields.StringField(),
        'start_kib': ovo_fields.IntegerField(),
        'target_kib': ovo_fields.IntegerField(),
        'maximum_kib': ovo_fields.IntegerField(),
        'duration_seconds': ovo_fields.FloatField(),
        'segments': ovo_fields.ListOfObjectsField('BalloonSegmentPayload'),
        'omitted_segments': ovo_fields.IntegerField(),
        'floor_kib': ovo_fields.IntegerField(),
        'reserve_kib': ovo_fields.IntegerField(),
        'leash_kib': ovo_fields.IntegerField(),
        'leash_seconds': ovo_fields.FloatField(),
        'started_at': registry.InstantField(nullable=True),
        'deadline_at': registry.InstantField(nullable=True),
    }


@registry.PayloadRegistry.register
class BalloonPolicyProgressPayload(BalloonPolicyPayload):
    """A timed policy under way, and how far it is.

    :param elapsed_seconds: how long it has been in force
    :param actual_kib: what the guest has now
    :param moved_kib: how far that is from ``start_kib`` towards the target;
        negative if it went the other way
    :param usable_kib: what the guest could still give without swapping, as it
        says itself; null if it says nothing
    :param rss_kib: what the guest costs the host; null if unknown
    """

    VERSION = '1.1'
    fields = {
        'elapsed_seconds': ovo_fields.FloatField(),
        'actual_kib': ovo_fields.IntegerField(),
        'moved_kib': ovo_fields.IntegerField(),
        'usable_kib': ovo_fields.IntegerField(nullable=True),
        'rss_kib': ovo_fields.IntegerField(nullable=True),
    }


@registry.PayloadRegistry.register
class BalloonPolicyEndPayload(BalloonPolicyPayload):
    """A timed policy that has ended, and how.

    :param reason: the one condition that ended it
    :param detail: the reason in words, with the figures that decided it
    :param ended_at: when it ended
    :param elapsed_seconds: how long it was in force
    :param actual_start_kib: what the guest had when the policy started
    :param actual_end_kib: what it has now; null if it could not be read
    :param moved_kib: the difference, in the policy's direction; null likewise
    :param freed_kib: by how much the guest costs the host less, which is what
        was really gained; negative if it costs more; null if unknown
    :param lateness_seconds: from the deadline to the last movement that was
        seen; null if no deadline passed
    :param moved_after_deadline_kib: how far it moved in that time; null
        likewise
    :param confirmed: whether the balloon was seen standing still at the end
    :param guest_report: what the guest's balloon driver says, if it kept the
        time and could be asked; ``lateness_seconds`` and
        ``moved_after_deadline_kib`` are then its own; else null
    """

    VERSION = '1.1'
    fields = {
        'reason': _choice(model.EndReason),
        'detail': ovo_fields.StringField(),
        'ended_at': registry.InstantField(),
        'elapsed_seconds': ovo_fields.FloatField(),
        'actual_start_kib': ovo_fields.IntegerField(),
        'actual_end_kib': ovo_fields.IntegerField(nullable=True),
        'moved_kib': ovo_fields.IntegerField(nullable=True),
        'freed_kib': ovo_fields.IntegerField(nullable=True),
        'lateness_seconds': ovo_fields.FloatField(nullable=True),
        'moved_after_deadline_kib': ovo_fields.IntegerField(nullable=True),
        'confirmed': ovo_fields.BooleanField(),
        'guest_report': ovo_fields.ObjectField(
            'BalloonGuestReportPayload', nullable=True
        ),
    }


@registry.PayloadRegistry.register
class HostMemoryPressurePayload(EventPayload):
    """A time in which the host is short of memory: its start or its end.

    :param words: why the host is short, or no longer
    :param total_kib: the memory of the host, or of the cgroup that is
        watched; null if unknown
    :param available_kib: how much of it can be used without swapping; null if
        unknown
    :param low_watermark_kib: with less than this available the host is short;
        null if unknown
    :param high_watermark_kib: with more than this available it is well; null
        if unknown
    :param started_at: since when it is short; null at the end if the agent
        was started later
    :param ended_at: until when; null at the start
    :param duration_seconds: how long it lasted; null at the start, and where
        ``started_at`` is
    """

    VERSION = '1.0'
    fields = {
        'words': ovo_fields.StringField(),
        'total_kib': ovo_fields.IntegerField(nullable=True),
        'available_kib': ovo_fields.IntegerField(nullable=True),
        'low_watermark_kib': ovo_fields.IntegerField(nullable=True),
        'high_watermark_kib': ovo_fields.IntegerField(nullable=True),
        'started_at': registry.InstantField(nullable=True),
        'ended_at': registry.InstantField(nullable=True),
        'duration_seconds': ovo_fields.FloatField(nullable=True),
    }
