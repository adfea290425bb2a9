# SPDX-License-Identifier: Apache-2.0

import threading
from typing import Any

import fixtures

from nova_balloon_timer import exception
from nova_balloon_timer.agent import mail
from nova_balloon_timer.agent import surroundings
from nova_balloon_timer.journal import writer
from tests.unit import base
from tests.unit.agent import factory
from tests.unit.journal import factory as journal_factory


class HungDiskTestCase(journal_factory.JournalTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.hangs = threading.Event()
        for name in ('connect_to_write', 'connect_to_read'):
            self.useFixture(
                fixtures.MonkeyPatch(
                    f'nova_balloon_timer.journal.place.{name}', self._hang
                )
            )
        self.useFixture(
            fixtures.MonkeyPatch(
                'nova_balloon_timer.journal.worker._FIRST_LOOK_SECONDS', 0.01
            )
        )

    def _hang(self, path: Any, **_: Any) -> None:
        self.hangs.wait(base.PATIENCE_SECONDS)
        raise exception.JournalNotReadable(path=path, why='it hung')

    def test_does_not_keep_the_agent_from_starting(self) -> None:
        journal = writer.Journal(self.path, clock=self.host.clock())
        self.addCleanup(journal.close, base.PATIENCE_SECONDS)
        self.addCleanup(self.hangs.set)
        configuration = self.useFixture(
            factory.Configuration(
                groups={
                    'DEFAULT': {'transport_url': 'fake:///'},
                    'oslo_messaging_notifications': {'driver': 'messagingv2'},
                }
            )
        )
        made = mail.Mail(
            configuration.conf, surroundings.Surroundings()
        ).make_announcer(str, journal)
        self.assertIsNotNone(made)
        self.assertFalse(self.hangs.is_set())
        self.assertIn('its disk does not answer', self.log.output)
