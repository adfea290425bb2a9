# SPDX-License-Identifier: Apache-2.0
"""The command ``nova-balloon-timer-status``."""

from collections.abc import Sequence
import logging
import sys

from oslo_config import cfg
from oslo_upgradecheck import upgradecheck

from nova_balloon_timer import exception
from nova_balloon_timer.agent import configured
from nova_balloon_timer.cmd import configuration
from nova_balloon_timer.cmd.upgrade import bus
from nova_balloon_timer.cmd.upgrade import host
from nova_balloon_timer.cmd.upgrade import hypervisor
from nova_balloon_timer.cmd.upgrade import verdict
from nova_balloon_timer.conf import libvirt
from nova_balloon_timer.conf import opts

_PROGRAM = 'nova-balloon-timer-status'

# As nova-status has it: something else than a check's result.
_EXIT_UNEXPECTED = 255

# How long each part of the surroundings may take to answer.
_LONGEST_SECONDS = 10.0
_BUS_SECONDS = 5.0


class Checks(upgradecheck.UpgradeCommands):
    """What ``upgrade check`` looks at; it changes nothing and never hangs."""

    def __init__(self, conf: cfg.ConfigOpts, nova: cfg.ConfigOpts) -> None:
        self._conf = conf
        self._nova = nova
        self._made: hypervisor.HypervisorChecks | None = None

    @property
    def _hypervisor(self) -> hypervisor.HypervisorChecks:
        # NOTE: the configuration is read after this object was made.
        if self._made is None:
            self._made = hypervisor.HypervisorChecks(
                self._conf, self._nova, _LONGEST_SECONDS
            )
        return self._made

    def check(self) -> upgradecheck.Code:
        """Run all checks, and print what they found."""
        if self._conf.command.check != 'check':
            raise SystemExit(f"{_PROGRAM}: 'upgrade' knows only 'check'")
        try:
            _check_values(self._conf, self._nova)
        except (cfg.Error, exception.BalloonTimerError) as error:
            raise SystemExit(_in_one_line(error)) from error
        return super().check()

    def _check_configuration(self) -> verdict.Result:
        return host.check_configuration(self._conf)

    def _check_pressure(self) -> verdict.Result:
        return host.check_pressure(self._conf)

    def _check_versions(self) -> verdict.Result:
        return self._hypervisor.check_versions()

    def _check_statistics_period(self) -> verdict.Result:
        return self._hypervisor.check_statistics_period()

    def _check_balloons(self) -> verdict.Result:
        return self._hypervisor.check_balloons()

    def _check_journal(self) -> verdict.Result:
        return host.check_journal(self._conf, _LONGEST_SECONDS)

    def _check_bus(self) -> verdict.Result:
        return bus.check_bus(self._conf, _BUS_SECONDS)

    _upgrade_checks = (
        ('Configuration', _check_configuration),
        ('Sources of pressure', _check_pressure),
        ('libvirt and QEMU', _check_versions),
        ('Statistics period', _check_statistics_period),
        ('Balloons of the guests', _check_balloons),
        ('Journal', _check_journal),
        ('Message bus', _check_bus),
    )


def main(
    argv: Sequence[str] | None = None, conf: cfg.ConfigOpts | None = None
) -> int:
    """Run the checks.

    :param conf: None: the one of this process, as the libraries know it
    :returns: 0 if nothing is to be done, 1 if somebody should look, 2 if it
        would not work, 255 if that could not be found out
    """
    conf = cfg.CONF if conf is None else conf
    arguments = list(sys.argv[1:] if argv is None else argv)
    is_named = any(it.startswith('--config-') for it in arguments)
    opts.register_opts(conf)
    opts.register_nova_opts(conf)
    libvirt.register_opts(conf)
    # NOTE: what a library logs of a broker that is away, the check tells.
    logging.getLogger().addHandler(logging.NullHandler())
    try:
        return int(
            upgradecheck.main(
                conf,
                project=configuration.PROJECT,
                upgrade_command=Checks(conf, _nova_conf(conf, is_named)),
                argv=arguments if is_named else [*_found(), *arguments],
                default_config_files=[],
            )
        )
    except cfg.Error as error:
        print(_in_one_line(error), file=sys.stderr)
    except SystemExit as end:
        # NOTE: a wrong option must not look as a check that failed.
        if not end.code:
            return 0
        if isinstance(end.code, str):
            print(end.code, file=sys.stderr)
    return _EXIT_UNEXPECTED


def _found() -> list[str]:
    """Return as options what is read where nobody names anything."""
    files, folders = configuration.find()
    return [
        *(f'--config-file={it}' for it in files),
        *(f'--config-dir={it}' for it in folders),
    ]


def _nova_conf(conf: cfg.ConfigOpts, is_named: bool) -> cfg.ConfigOpts:
    """Return where Nova's own options are: also where we have a file too."""
    if is_named:
        return conf
    files, folders = configuration.find_of(configuration.NOVA)
    nova = cfg.ConfigOpts()
    libvirt.register_opts(nova)
    try:
        nova([], default_config_files=files, default_config_dirs=folders)
    except cfg.Error:
        # It is said that nothing is known of it.
        return conf
    return nova


def _check_values(conf: cfg.ConfigOpts, nova: cfg.ConfigOpts) -> None:
    configured.check_values(conf.balloon_timer)
    # NOTE: whether a value makes sense is known when it is asked for.
    for _ in (conf.host, nova.libvirt.mem_stats_period_seconds):
        pass


def _in_one_line(error: Exception) -> str:
    return f'{_PROGRAM}: {" ".join(str(error).split())}'
