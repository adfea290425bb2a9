# SPDX-License-Identifier: Apache-2.0

from nova_balloon_timer import message
from tests.unit import base
from tests.unit.agent import crank_world


class PortionTestCase(crank_world.CrankTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.guests = [self.host.add(f'guest{n}') for n in range(40)]
        self.journal.is_silent = True
        self.start()
        self.policies = [
            base.make_policy(guest_uuid=it.uuid) for it in self.guests
        ]
        self.crank.request(self.policies)
        self.record.wait('journal: request')

    def requests(self) -> int:
        return self.record.words.count('journal: request')

    def test_the_first_of_many_do_not_wait_for_the_last(self) -> None:
        self.assertEqual(1, self.requests())
        self.call(self.journal.answer)
        self.record.wait('journal: start')
        self.call(lambda: None)
        self.assertEqual(2, self.requests())

    def test_what_ended_meanwhile_is_not_requested_any_more(self) -> None:
        ended, *others = [it.uuid for it in self.policies[32:]]
        self.crank.post(message.PolicyCancelled(policy_uuid=ended))
        self.record.wait('journal: end')
        self.call(self.journal.answer)
        self.call(lambda: None)
        self.assertEqual(others, self.journal.requested[-1])

    def test_if_all_have_ended_there_is_no_second_request(self) -> None:
        for it in self.policies[32:]:
            self.crank.post(message.PolicyCancelled(policy_uuid=it.uuid))
        self.record.wait('journal: end')
        self.call(self.journal.answer)
        self.call(lambda: None)
        self.assertEqual(1, self.requests())
