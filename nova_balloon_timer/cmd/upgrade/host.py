# SPDX-License-Identifier: Apache-2.0
"""Checks of what is on this host: options, pressure, the journal."""

import pathlib

from oslo_config import cfg

from nova_balloon_timer import exception
from nova_balloon_timer.agent import configured
from nova_balloon_timer.cmd.upgrade import bounded
from nova_balloon_timer.cmd.upgrade import verdict
from nova_balloon_timer.journal import inspection
from nova_balloon_timer.pressure import kernel_file
from nova_balloon_timer.pressure import scope as pressure_scope

_JOURNAL = 'journal.sqlite'


def check_configuration(conf: cfg.ConfigOpts) -> verdict.Result:
    """See that the agent would start with these options."""
    try:
        configured.controller_settings_of(conf.balloon_timer)
        configured.pressure_settings(conf.balloon_timer)
    except exception.BalloonTimerError as error:
        return verdict.failure(f'{error}. The agent does not start with it')
    files = ', '.join(conf.config_file or ()) or 'none; all is by default'
    return verdict.success(f'Files that were read: {files}.')


def check_pressure(conf: cfg.ConfigOpts) -> verdict.Result:
    """See that the kernel tells what the sources of pressure want."""
    try:
        settings = configured.pressure_settings(conf.balloon_timer)
        scope = pressure_scope.find(settings)
    except exception.BalloonTimerError as error:
        return verdict.failure(str(error))
    sources = conf.balloon_timer.pressure_sources
    faults = {}
    if 'meminfo' in sources and (why := _why_no_memory(scope)):
        faults['meminfo'] = why
    if 'psi' in sources and (why := _why_no_stalls(scope)):
        faults['psi'] = why
    return _judge_pressure(sources, faults, scope)


def _why_no_memory(scope: pressure_scope.Scope) -> str:
    try:
        scope.read(0.0)
    except exception.PressureUnavailable as error:
        return error.why
    return ''


def _why_no_stalls(scope: pressure_scope.Scope) -> str:
    if scope.pressure_path is None:
        return f'{scope.words}: no cgroup2 file system is mounted'
    try:
        kernel_file.read_stalled_microseconds(scope.pressure_path)
    except exception.PressureUnavailable as error:
        return (
            f"{error.why}. PSI needs Linux 4.20 with CONFIG_PSI, and 'psi=1' "
            "on the kernel's command line where it is off"
        )
    return ''


def _judge_pressure(
    sources: list[str], faults: dict[str, str], scope: pressure_scope.Scope
) -> verdict.Result:
    told = '; '.join(f'{name}: {why}' for name, why in faults.items())
    working = [name for name in sources if name not in faults]
    if not working:
        return verdict.failure(
            'no source of pressure works, without which the agent does not '
            f'start: {told or "none is configured"}'
        )
    if faults:
        return verdict.warning(
            f'{told}. The agent does with {", ".join(working)}, and notices '
            'a shortage later or less surely'
        )
    words = f'{scope.words}: {", ".join(working)}'
    if 'psi' not in sources:
        return verdict.success(f'{words}. psi is not among the sources.')
    return verdict.success(f'{words}. Stalls are in {scope.pressure_path}.')


def check_journal(
    conf: cfg.ConfigOpts, longest_seconds: float
) -> verdict.Result:
    """See that this release can go on with the journal that is there."""
    path = pathlib.Path(conf.balloon_timer.state_path) / _JOURNAL
    call = bounded.Call(lambda: inspection.inspect(path), longest_seconds)
    try:
        found = call.result()
    except bounded.Overdue:
        return verdict.warning(
            f'{path} could not be read within {longest_seconds:g} s: see '
            'whether its disk hangs'
        )
    except exception.JournalError as error:
        return verdict.failure(
            f'{error}. Run this as the user of the agent, or as root'
        )
    if found is None:
        return verdict.success(f'There is no {path} yet; the agent makes it.')
    return _judge_journal(path, found)


def _judge_journal(
    path: pathlib.Path, found: inspection.Inspection
) -> verdict.Result:
    if found.version is None:
        return verdict.warning(
            f'{path} is no sound journal: {found.damage}. The agent will set '
            'it aside and begin a fresh one; what was in flight and learned '
            'is lost'
        )
    if found.version > found.newest:
        return verdict.failure(
            f'{path} has schema {found.version}, this release knows only '
            f'{found.newest}: the agent would set it aside and begin a fresh '
            'one. Run the newer release, or move the journal away'
        )
    if found.version < found.newest:
        return verdict.success(
            f'{path} has schema {found.version}; the agent brings it to '
            f'{found.newest} when it starts. An older release will not read '
            'it after that.'
        )
    return verdict.success(f'{path} has schema {found.version}, the newest.')
