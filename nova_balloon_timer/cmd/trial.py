# SPDX-License-Identifier: Apache-2.0
"""From options, as texts, to what a simulated host is run with."""

from collections.abc import Mapping, Sequence
import contextlib
import re

from oslo_config import cfg

from nova_balloon_timer import exception
from nova_balloon_timer.agent import configured
from nova_balloon_timer.planners import loader
from nova_balloon_timer.simulator.fleet import run as fleet_run

_GROUP = 'balloon_timer'

# A comma that begins another option, and not one of a list's items.
_COMMA = re.compile(r',(?=[a-z_]+=)')

Overrides = Mapping[str, str]


def parse(texts: Sequence[str]) -> dict[str, str]:
    """Read what was given as OPTION=VALUE.

    :raises InvalidConfiguration: one of them is not that
    """
    found: dict[str, str] = {}
    for text in texts:
        for part in _COMMA.split(text):
            name, separator, value = part.partition('=')
            name = name.strip().replace('-', '_')
            if not separator or not name:
                raise exception.InvalidConfiguration(
                    why=f"'{part}' is not OPTION=VALUE, as planner=equal"
                )
            found[name] = value.strip()
    return found


def variant(
    conf: cfg.ConfigOpts, name: str, overrides: Overrides
) -> fleet_run.Variant:
    """Return what to run with, by a configuration in which some differ.

    :raises BalloonTimerError: an option, or its value, makes no sense
    """
    options = conf[_GROUP]
    with contextlib.ExitStack() as undo:
        for option, value in overrides.items():
            _override(conf, option, value)
            undo.callback(conf.clear_override, option, _GROUP)
        return fleet_run.Variant(
            name=name,
            settings=configured.controller_settings_of(options),
            planner=loader.load(options.planner),
            pressure_settle_seconds=options.pressure_settle_seconds,
        )


def _override(conf: cfg.ConfigOpts, option: str, value: str) -> None:
    try:
        conf.set_override(option, value, _GROUP)
    except cfg.NoSuchOptError as error:
        raise exception.InvalidConfiguration(
            why=f"[{_GROUP}] has no option '{option}'"
        ) from error
    except ValueError as error:
        raise exception.InvalidConfiguration(
            why=f"{option} cannot be '{value}': {error}"
        ) from error
