# SPDX-License-Identifier: Apache-2.0
"""Options that Nova has too, in Nova's groups and with Nova's meaning.

Whoever runs inside a process of Nova's must not register them again.
"""

import socket

from oslo_config import cfg

DEFAULT_OPTIONS: list[cfg.Opt] = [
    cfg.HostDomainOpt(
        'host',
        default=socket.gethostname(),
        sample_default='<current_hostname>',
        help="""
The name of this host, by which its agent is called on the message bus.

It is Nova's option. Give it the value that nova-compute has on this host.

Possible values:

* a hostname, FQDN, or any text that is unique among the hosts
""",
    ),
]

NOTIFICATIONS_GROUP = cfg.OptGroup(
    'notifications',
    title='Notifications',
    help='Which notifications are sent. The options are those of Nova.',
)

NOTIFICATIONS_OPTIONS: list[cfg.Opt] = [
    cfg.StrOpt(
        'notification_format',
        default='unversioned',
        choices=[
            (
                'unversioned',
                'a flat payload, on the topics of '
                '[oslo_messaging_notifications]',
            ),
            (
                'versioned',
                'a payload in an envelope with its version, on '
                'the versioned topics',
            ),
            ('both', 'each notification in both forms'),
        ],
        help="""
In which form notifications are sent.

It is Nova's option, and has Nova's default. Nothing is sent in any form unless
``[oslo_messaging_notifications] driver`` names a driver.

Related options:

* ``versioned_notifications_topics``
""",
    ),
    cfg.ListOpt(
        'versioned_notifications_topics',
        default=['versioned_notifications'],
        help="""
The topics on which versioned notifications are sent.

It is Nova's option. Two consumers that shall both get every notification need
a topic each.

Related options:

* ``notification_format``
""",
    ),
]
