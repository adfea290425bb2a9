# SPDX-License-Identifier: Apache-2.0
"""What a flavor says about its instances' balloons.

Flavors only, as the operator makes them. Properties of images and metadata of
instances are the tenants' to set, and so are none of our business.
"""

from collections.abc import Mapping
import dataclasses
import re

from oslo_utils import strutils

from nova_balloon_timer import exception
from nova_balloon_timer import ownership
from nova_balloon_timer import units

NAMESPACE = 'balloon'
ENABLED = f'{NAMESPACE}:enabled'
MIN_MB = f'{NAMESPACE}:min_mb'
MIN_PERCENT = f'{NAMESPACE}:min_percent'
PRIORITY = f'{NAMESPACE}:priority'
MAX_STEP_MB = f'{NAMESPACE}:max_step_mb'
GUEST_CLOCK = f'{NAMESPACE}:guest_clock'

# Nova's memory_mb is a number of MiB; so is ours.
MIN_MB_BOUNDS = (1, 2**31 - 1)
MIN_PERCENT_BOUNDS = (1, 100)
# NOTE: a policy for less than 8 MiB is never made.
MAX_STEP_MB_BOUNDS = (16, 2**31 - 1)
# From 0.01, and below 100: what planners tell apart.
PRIORITY_PATTERN = r'(?=.*[1-9])[0-9]{1,2}(\.[0-9]{1,2})?'


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class BalloonSpecs:
    """A flavor's wishes; None where it has none.

    :param min_percent: of the instance's full memory
    :param guest_clock: its own driver may keep the clock of a policy
    """

    enabled: bool | None = None
    min_kib: int | None = None
    min_percent: int | None = None
    priority: float | None = None
    max_step_kib: int | None = None
    guest_clock: bool | None = None

    def terms_of(self, maximum_kib: int) -> ownership.Terms:
        """Return what they come to for a guest of a size.

        Of two floors the higher one holds.
        """
        floors_kib = []
        if self.min_kib is not None:
            floors_kib.append(min(self.min_kib, maximum_kib))
        if self.min_percent is not None:
            floors_kib.append(maximum_kib * self.min_percent // 100)
        return ownership.Terms(
            floor_kib=max(floors_kib, default=None),
            priority=self.priority,
            max_step_kib=self.max_step_kib,
            may_keep_time=self.guest_clock is not False,
        )


def parse(specs: Mapping[str, str]) -> BalloonSpecs:
    """Read a flavor's extra specs; those of others are let pass.

    nova-api checks them too, but not before microversion 2.86, and not where
    this project is not installed.

    :raises InvalidExtraSpec: naming the first that makes no sense
    """
    min_mb = _parse_int(specs, MIN_MB, *MIN_MB_BOUNDS)
    step_mb = _parse_int(specs, MAX_STEP_MB, *MAX_STEP_MB_BOUNDS)
    return BalloonSpecs(
        enabled=_parse_bool(specs, ENABLED),
        min_kib=None if min_mb is None else min_mb * units.KIB_PER_MIB,
        min_percent=_parse_int(specs, MIN_PERCENT, *MIN_PERCENT_BOUNDS),
        priority=_parse_priority(specs),
        max_step_kib=None if step_mb is None else step_mb * units.KIB_PER_MIB,
        guest_clock=_parse_bool(specs, GUEST_CLOCK),
    )


def _parse_bool(specs: Mapping[str, str], name: str) -> bool | None:
    text = specs.get(name)
    if text is None:
        return None
    try:
        return bool(strutils.bool_from_string(text, strict=True))
    except ValueError as error:
        raise exception.InvalidExtraSpec(
            name=name, text=text, why='it is neither true nor false'
        ) from error


def _parse_int(
    specs: Mapping[str, str], name: str, lowest: int, highest: int
) -> int | None:
    text = specs.get(name)
    if text is None:
        return None
    try:
        value = int(text)
    except ValueError as error:
        raise exception.InvalidExtraSpec(
            name=name, text=text, why='it is no whole number'
        ) from error
    if not lowest <= value <= highest:
        raise exception.InvalidExtraSpec(
            name=name, text=text, why=f'it is not from {lowest} to {highest}'
        )
    return value


def _parse_priority(specs: Mapping[str, str]) -> float | None:
    text = specs.get(PRIORITY)
    if text is None:
        return None
    if re.fullmatch(PRIORITY_PATTERN, text) is None:
        raise exception.InvalidExtraSpec(
            name=PRIORITY,
            text=text,
            why='it is no number from 0.01 to 99.99',
        )
    return float(text)
