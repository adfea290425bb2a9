# SPDX-License-Identifier: Apache-2.0
"""Check of the message bus."""

from oslo_config import cfg

from nova_balloon_timer import exception
from nova_balloon_timer.cmd.upgrade import bounded
from nova_balloon_timer.cmd.upgrade import verdict
from nova_balloon_timer.rpc import api as rpc_api

# What a broker that hangs may add to the time in which an agent answers.
_SLACK_SECONDS = 3.0


def check_bus(conf: cfg.ConfigOpts, longest_seconds: float) -> verdict.Result:
    """See that the message bus is there, and whether an agent answers."""
    call = bounded.Call(
        lambda: _ask(conf, longest_seconds), longest_seconds + _SLACK_SECONDS
    )
    try:
        version = call.result()
    except bounded.Overdue:
        return verdict.failure(
            'the message bus does not answer within '
            f'{longest_seconds + _SLACK_SECONDS:g} s: look after the broker '
            'of transport_url'
        )
    except exception.BusNotConfigured:
        return verdict.warning(
            'transport_url is not set: nobody is notified, and no command '
            'reaches the agent. Give it the value that nova.conf has'
        )
    except exception.HostNotAnswering:
        return verdict.success(
            f"The message bus is there. No agent answers for host '"
            f"{conf.host}', which is right while it is stopped."
        )
    except exception.BusUnavailable as error:
        return verdict.failure(
            f'{error}. The agent relieves the host all the same, but tells '
            'nobody: mend the broker or transport_url'
        )
    except exception.BalloonTimerError as error:
        return verdict.warning(f'The message bus is there, but: {error}')
    return verdict.success(
        f"The agent of host '{conf.host}' answers: version {version}."
    )


def _ask(conf: cfg.ConfigOpts, timeout_seconds: float) -> str:
    agents = rpc_api.AgentAPI(conf, timeout_seconds=timeout_seconds)
    try:
        return str(agents.on(conf.host).show_host()['version'])
    finally:
        agents.close()
