# SPDX-License-Identifier: Apache-2.0
"""Print how policies end, as an example of a consumer."""
# Begin

import sys

from oslo_config import cfg
import oslo_messaging


class Ends:
    """Hears of each end once."""

    filter_rule = oslo_messaging.NotificationFilter(
        event_type=r'balloon_policy\.(target_reached|deadline_reached|stopped)'
    )

    def __init__(self):
        self._seen = set()  # It grows; forget what is some hours old.

    def info(self, context, publisher_id, event_type, payload, metadata):
        """Print it, unless it came before."""
        name = payload['uuid'], payload['sequence']
        if name not in self._seen:
            self._seen.add(name)
            print(payload['host'], payload['guest_name'], payload['reason'])

    warn = error = info


conf = cfg.ConfigOpts()
conf(['--config-file', sys.argv[1]])
oslo_messaging.set_transport_defaults('nova')
listener = oslo_messaging.get_notification_listener(
    oslo_messaging.get_notification_transport(conf),
    [oslo_messaging.Target(topic='notifications')],
    [Ends()],
    executor='threading',
    pool='balloon-ends',
)
listener.start(override_pool_size=1)  # One after the other.
listener.wait()
