# SPDX-License-Identifier: Apache-2.0
"""Who keeps the clocks of the policies that the host makes by itself."""

import dataclasses

from nova_balloon_timer import model
from nova_balloon_timer import ownership
from nova_balloon_timer import timekeeping
from tests.unit import base
from tests.unit.controller import factory

_Mode = timekeeping.Mode


class ModeTestCase(base.TestCase):
    def make(self, mode: _Mode, *, may_keep_time: bool = True) -> None:
        self.host = factory.Host('web', mode=mode)
        record = self.host.controller.roster.find(base.uuid_of('web'))
        assert record is not None
        record.guest = dataclasses.replace(
            record.guest, terms=ownership.Terms(may_keep_time=may_keep_time)
        )

    def take(self) -> model.BalloonPolicy:
        """Have the host press, and return what it asks for."""
        self.host.wait(1)
        (made,) = factory.policies(self.host.read(724))
        return made

    def give(self) -> model.BalloonPolicy:
        """Have the host be well again, and return what it gives."""
        self.host.end(self.take())
        self.host.look('web', 724)
        while not (given := factory.policies(self.host.wait(1))):
            self.host.read(4096)
        return given[0]

    def test_is_as_configured(self) -> None:
        for mode in (_Mode.HOST, _Mode.AUTO):
            for ask in (self.take, self.give):
                self.make(mode)
                made = ask()
                self.assertIs(mode, made.mode)
                self.assertEqual('', made.mode_words)

    def test_is_the_host_where_terms_forbid_it_the_guest(self) -> None:
        for ask in (self.take, self.give):
            self.make(_Mode.AUTO, may_keep_time=False)
            made = ask()
            self.assertIs(_Mode.HOST, made.mode)
            self.assertEqual('its flavor forbids it', made.mode_words)
