# SPDX-License-Identifier: Apache-2.0
"""From options, as texts, to what a simulated host is run with."""

from collections.abc import Mapping, Sequence
import contextlib
import re

from oslo_config import cfg

from nova_balloon_timer import exception
from nova_balloon_timer.agent import configured
from nova_balloon_timer.cmd import base
from nova_balloon_timer.planners import loader
from nova_balloon_timer.simulator.fleet import run as fleet_run

_GROUP = 'balloon_timer'

# A comma that begins another option, and not one of a list's items.
_COMMA = re.compile(r',(?=[a-z_]+=)')

# Of the agent, libvirt and the kernel; a simulated host has none of them.
WITHOUT_EFFECT = frozenset(
    (
        'applier',
        'cgroup',
        'connection_uri',
        'journal_days',
        'journal_policies',
        'max_workers',
        'metrics',
        'metrics_address',
        'metrics_port',
        'notification_backlog',
        'pressure_sources',
        'proc_root',
        'progress_seconds',
        'stall_calm_percent',
        'stall_percent',
        'stall_step_percent',
        'stall_window_seconds',
        'state_path',
        'statistics_wait_seconds',
        'sys_root',
        'workers',
    )
)

Overrides = Mapping[str, str]


def parse(texts: Sequence[str]) -> dict[str, str]:
    """Read what was given as OPTION=VALUE.

    :raises WrongUsage: one of them is not that, or would change nothing
    """
    found: dict[str, str] = {}
    for text in texts:
        for part in _COMMA.split(text):
            name, separator, value = part.partition('=')
            name = name.strip().replace('-', '_')
            if not separator or not name:
                raise base.WrongUsage(
                    why=f"'{part}' is not OPTION=VALUE, as planner=equal"
                )
            if name in WITHOUT_EFFECT:
                raise base.WrongUsage(
                    why=f'{name} has no effect on a simulated host'
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
