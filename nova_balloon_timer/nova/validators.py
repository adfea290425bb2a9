# SPDX-License-Identifier: Apache-2.0
"""Validators for ``balloon`` namespaced extra specs, for nova-api.

From microversion 2.86 on it refuses a flavor's extra spec of this namespace
that is not listed here, or whose value is not allowed.
"""

from nova.api.validation.extra_specs import base

from nova_balloon_timer.nova import extra_specs


def register() -> list[base.ExtraSpecValidator]:
    """Return the validators; nova-api calls this when it starts."""
    lowest_mb, highest_mb = extra_specs.MIN_MB_BOUNDS
    lowest_percent, highest_percent = extra_specs.MIN_PERCENT_BOUNDS
    smallest_mb, largest_mb = extra_specs.MAX_STEP_MB_BOUNDS
    return [
        base.ExtraSpecValidator(
            name=extra_specs.ENABLED,
            description=(
                'Whether memory may be taken back from instances by their '
                'balloons when their host runs short. If it is not set, '
                'the option ``[balloon_timer] enabled_by_default`` of the '
                'compute host decides.'
            ),
            value={'type': bool},
        ),
        base.ExtraSpecValidator(
            name=extra_specs.MIN_MB,
            description='The memory that an instance is always left, in MiB.',
            value={'type': int, 'min': lowest_mb, 'max': highest_mb},
        ),
        base.ExtraSpecValidator(
            name=extra_specs.MIN_PERCENT,
            description=(
                'The memory that an instance is always left, in percent of '
                "the flavor's. Where ``balloon:min_mb`` is set too, the "
                'higher of the two holds.'
            ),
            value={
                'type': int,
                'min': lowest_percent,
                'max': highest_percent,
            },
        ),
        base.ExtraSpecValidator(
            name=extra_specs.PRIORITY,
            description=(
                'How much is asked of an instance, beside others. The '
                'default is 1; of one with 2 twice as much is asked, '
                'of one with 0.5 half as much.'
            ),
            value={'type': str, 'pattern': extra_specs.PRIORITY_PATTERN},
        ),
        base.ExtraSpecValidator(
            name=extra_specs.MAX_STEP_MB,
            description=(
                'The most memory that is taken from an instance at once, in '
                'MiB.'
            ),
            value={'type': int, 'min': smallest_mb, 'max': largest_mb},
        ),
        base.ExtraSpecValidator(
            name=extra_specs.GUEST_CLOCK,
            description=(
                'Whether the balloon driver in an instance may keep the '
                'clock of what is taken from it and given back, if it can. '
                'The default is true; with false the compute host does.'
            ),
            value={'type': bool},
        ),
    ]
