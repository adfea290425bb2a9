# SPDX-License-Identifier: Apache-2.0

from tests.unit import base
from tests.unit.agent import crank_world


class PortionTestCase(crank_world.CrankTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.guests = [self.host.add(f'guest{n}') for n in range(40)]
        self.journal.is_silent = True
        self.start()
        self.crank.request(
            [base.make_policy(guest_uuid=it.uuid) for it in self.guests]
        )
        self.record.wait('journal: request')

    def requests(self) -> int:
        return self.record.words.count('journal: request')

    def test_the_first_of_many_do_not_wait_for_the_last(self) -> None:
        self.assertEqual(1, self.requests())
        self.call(self.journal.answer)
        self.record.wait('journal: start')
        self.call(lambda: None)
        self.assertEqual(2, self.requests())
