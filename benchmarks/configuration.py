# SPDX-License-Identifier: Apache-2.0
"""Configurations of agents on a bus, and of those who ask them."""

from collections.abc import Mapping
import pathlib

from oslo_config import cfg

from nova_balloon_timer.conf import opts

Options = Mapping[str, object]
Groups = Mapping[str, Options]

HOST = 'bench-host'

# How the broker is asked to keep what is sent; oslo.messaging's own options.
KEEPING: dict[str, Options] = {
    'as delivered': {},
    'amqp_durable_queues': {'amqp_durable_queues': True},
    'rabbit_quorum_queue': {'rabbit_quorum_queue': True},
}


def of_agent(uri: str, state_path: pathlib.Path) -> Groups:
    """Give the options of an agent that leaves the guests to the benchmark.

    :param uri: the connection whose guests it has
    """
    return {
        'DEFAULT': {'host': HOST},
        'balloon_timer': {
            'connection_uri': uri,
            'state_path': state_path,
            'excluded_guests': '*',
            'pressure_sources': 'meminfo',
            'low_watermark': '64M',
            'high_watermark': '128M',
        },
    }


def on_bus(
    groups: Groups,
    url: str,
    *,
    form: str = 'versioned',
    rabbit: Options | None = None,
) -> Groups:
    """Give the same with a bus.

    :param form: of the notifications
    :param rabbit: options of ``[oslo_messaging_rabbit]``
    """
    return {
        **groups,
        'DEFAULT': {**groups['DEFAULT'], 'transport_url': url},
        'oslo_messaging_notifications': {'driver': 'messagingv2'},
        'oslo_messaging_rabbit': rabbit or {},
        'notifications': {'notification_format': form},
    }


def write(path: pathlib.Path, groups: Groups) -> pathlib.Path:
    """Write a file; return its path."""
    lines = []
    for group, options in groups.items():
        lines.append(f'[{group}]')
        lines += [f'{name} = {value}' for name, value in options.items()]
    path.write_text('\n'.join([*lines, '']), encoding='utf-8')
    return path


def read(path: pathlib.Path) -> cfg.ConfigOpts:
    """Read a file as the agent does."""
    # It asks for native threads, which all who read have chosen by now.
    from oslo_messaging import conffixture

    conf = cfg.ConfigOpts()
    opts.register_opts(conf)
    opts.register_nova_opts(conf)
    # NOTE: oslo.messaging makes some of its own known to cfg.CONF only.
    conffixture.ConfFixture(conf)
    conf([], project='nova-balloon-timer', default_config_files=[str(path)])
    return conf
