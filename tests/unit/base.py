# SPDX-License-Identifier: Apache-2.0
"""What all unit tests share, and things with the dull parts filled in."""

from typing import Any
import uuid

import fixtures
import hypothesis
import testtools

from nova_balloon_timer import message
from nova_balloon_timer import model
from nova_balloon_timer import order
from nova_balloon_timer import timekeeping
from nova_balloon_timer import units

MIB = units.KIB_PER_MIB
GIB = units.KIB_PER_GIB

BY_HOST = timekeeping.Timing()
BY_GUEST = timekeeping.Timing(keeper=timekeeping.Mode.GUEST)
UNABLE = timekeeping.Timing(words='it has no guest agent channel')

# How long to wait for what must come. Only a test that fails waits so long.
PATIENCE_SECONDS = 20.0

# NOTE: a busy machine makes single examples slow, which says nothing.
hypothesis.settings.register_profile('unit', deadline=None)
hypothesis.settings.load_profile('unit')


class TestCase(testtools.TestCase):
    """Ends a test that hangs, instead of the whole suite with it."""

    def setUp(self) -> None:
        super().setUp()
        self.useFixture(fixtures.Timeout(60, gentle=True))


def uuid_of(name: str) -> str:
    """Return the same UUID for a name, always."""
    return str(uuid.uuid5(uuid.NAMESPACE_DNS, name))


def make_guest(name: str = 'web-01', **more: Any) -> model.Guest:
    """Return a guest of 1 GiB that can be ballooned."""
    fields: dict[str, Any] = {
        'uuid': uuid_of(name),
        'name': name,
        'maximum_kib': GIB,
    }
    return model.Guest(**(fields | more))


def make_refusal(
    words: str = 'it is paused',
    obstacle: model.Obstacle = model.Obstacle.PAUSED,
) -> model.Refusal:
    """Return why a guest is left alone."""
    return model.Refusal(obstacle=obstacle, words=words)


def make_statistics(**more: Any) -> model.GuestStatistics:
    """Return statistics of a guest with 800 MiB to spare."""
    fields: dict[str, Any] = {'updated_at': 1, 'usable_kib': 800 * MIB}
    return model.GuestStatistics(**(fields | more))


def make_sample(**more: Any) -> model.BalloonSample:
    """Return a look at an empty balloon of a guest of 1 GiB."""
    fields: dict[str, Any] = {
        'at': 100.0,
        'actual_kib': GIB,
        'rss_kib': 900 * MIB,
        'statistics': make_statistics(),
    }
    return model.BalloonSample(**(fields | more))


def make_guards(**more: Any) -> model.Guards:
    """Return a floor of 256 MiB and a reserve of 64 MiB."""
    fields: dict[str, Any] = {'floor_kib': 256 * MIB, 'reserve_kib': 64 * MIB}
    return model.Guards(**(fields | more))


def make_defaults(**more: Any) -> order.Defaults:
    """Return the defaults of the configuration."""
    fields: dict[str, Any] = {
        'floor_percent': 25,
        'reserve_percent': 5,
        'reserve_minimum_kib': 64 * MIB,
        'leash': model.Leash(),
    }
    return order.Defaults(**(fields | more))


def make_policy(**more: Any) -> model.BalloonPolicy:
    """Return a policy that takes 512 MiB of a guest's 1 GiB in 2 s."""
    fields: dict[str, Any] = {
        'uuid': str(uuid.uuid4()),
        'guest_uuid': uuid_of('web-01'),
        'direction': model.Direction.INFLATE,
        'start_actual_kib': GIB,
        'target_kib': 512 * MIB,
        'maximum_kib': GIB,
        'duration_seconds': 2.0,
        'guards': make_guards(),
    }
    return model.BalloonPolicy(**(fields | more))


def make_report(**more: Any) -> model.EndReport:
    """Return the report of a policy that reached its target in 1 s."""
    fields: dict[str, Any] = {
        'policy': make_policy(),
        'reason': model.EndReason.TARGET,
        'detail': 'reached 512 MiB',
        'started_at': 100.0,
        'deadline_at': 102.0,
        'ended_at': 101.0,
        'actual_start_kib': GIB,
        'actual_end_kib': 512 * MIB,
        'moved_kib': 512 * MIB,
        'freed_kib': 300 * MIB,
        'lateness_seconds': None,
        'moved_after_deadline_kib': None,
        'confirmed': True,
    }
    return model.EndReport(**(fields | more))


def make_guest_report(**more: Any) -> timekeeping.GuestReport:
    """Return what a guest says that was stopped at its deadline of 2 s."""
    fields: dict[str, Any] = {
        'reason': timekeeping.GuestEnd.DEADLINE,
        'start_kib': GIB,
        'target_kib': 512 * MIB,
        'reached_kib': 600 * MIB,
        'moved_kib': 424 * MIB,
        'elapsed_seconds': 2.0,
        'lateness_seconds': 0.0003,
        'moved_after_deadline_kib': 256,
        'allocation_failures': 3,
    }
    return timekeeping.GuestReport(**(fields | more))


def make_offer(**more: Any) -> message.OfferPolicy:
    """Return the offer of a policy to the guest that it is for."""
    balloon_policy = make_policy()
    fields: dict[str, Any] = {
        'guest_uuid': balloon_policy.guest_uuid,
        'policy': balloon_policy,
        'deadline_at': 102.0,
    }
    return message.OfferPolicy(**(fields | more))


def make_question(**more: Any) -> message.ConcludePolicy:
    """Return the question to a guest how its policy ended."""
    balloon_policy = make_policy()
    fields: dict[str, Any] = {
        'guest_uuid': balloon_policy.guest_uuid,
        'policy': balloon_policy,
        'cancels': True,
    }
    return message.ConcludePolicy(**(fields | more))
