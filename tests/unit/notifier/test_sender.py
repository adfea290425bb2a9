# SPDX-License-Identifier: Apache-2.0

import threading

import fixtures

from nova_balloon_timer.notifier import letter
from tests.unit import base
from tests.unit.notifier import post_office

make_letter = post_office.make_letter
make_announcement = post_office.make_announcement


class SendTestCase(post_office.SenderTestCase):
    def test_sends_what_waited_from_before(self) -> None:
        self.disk.put(make_letter(1), make_letter(2))
        self.start()
        self.assertEqual([1, 2], [it.number for it in self.bus.wait(2)])

    def test_sends_what_comes(self) -> None:
        sender = self.start()
        self.disk.put(make_letter(1))
        sender.wake()
        self.bus.wait(1)
        self.disk.put(make_letter(2))
        sender.wake()
        self.assertEqual([1, 2], [it.number for it in self.bus.wait(2)])

    def test_sends_many_once_and_in_their_order(self) -> None:
        self.disk.put(*(make_letter(number) for number in range(1, 300)))
        sender = self.start()
        sent = self.bus.wait(299)
        sender.close(base.PATIENCE_SECONDS)
        self.assertEqual(list(range(1, 300)), [it.number for it in sent])
        self.assertEqual({}, self.disk.kept)
        self.assertEqual(299, len(self.bus.taken))

    def test_what_is_not_forgotten_yet_is_not_sent_again(self) -> None:
        self.disk.forget = lambda numbers: None  # type: ignore[method-assign]
        self.disk.put(make_letter(1))
        sender = self.start()
        self.bus.wait(1)
        self.disk.put(make_letter(2))
        sender.wake()
        self.assertEqual([1, 2], [it.number for it in self.bus.wait(2)])

    def test_sends_what_the_disk_does_not_keep(self) -> None:
        sender = self.start()
        sender.take([make_announcement(7.0), make_announcement(8.0)])
        sent = self.bus.wait(2)
        self.assertEqual(
            [{'at': 7.0}, {'at': 8.0}], [it.payload for it in sent]
        )

    def test_both_in_the_order_in_which_they_happened(self) -> None:
        bus = self.bus = post_office.OutageBus()
        self.disk.put(make_letter(1), make_letter(3), make_letter(5))
        sender = self.start()
        sender.take([make_announcement(2.0), make_announcement(4.0)])
        bus.attempts.acquire()
        bus.is_away = False
        sent = bus.wait(5)
        self.assertEqual([1, 2, 3, 4, 5], [it.at_us for it in sent])

    def test_looks_again_where_the_disk_did_not_answer(self) -> None:
        self.useFixture(
            fixtures.MonkeyPatch(
                'nova_balloon_timer.notifier.sender._LOOK_AGAIN_SECONDS', 0.01
            )
        )
        self.disk.put(make_letter(1))
        self.disk.is_failing = True
        self.start()
        self.assertTrue(
            self.disk.failures.acquire(timeout=base.PATIENCE_SECONDS)
        )
        self.disk.is_failing = False
        self.bus.wait(1)

    def test_goes_on_from_memory_where_the_disk_fails(self) -> None:
        self.disk.is_failing = True
        sender = self.start()
        sender.take([make_announcement(7.0)])
        self.bus.wait(1)
        self.assertIsNone(sender.status().waiting)
        self.disk.is_failing = False
        self.disk.put(make_letter(1))
        sender.wake()
        self.bus.wait(2)


class OutageTestCase(post_office.SenderTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.bus: post_office.OutageBus = post_office.OutageBus()

    def test_loses_nothing_and_says_so_once(self) -> None:
        self.disk.put(make_letter(1), make_letter(2))
        sender = self.start()
        for _ in range(3):
            self.bus.attempts.acquire()
        status = sender.status()
        self.assertEqual(2, status.waiting)
        self.assertEqual('it is away', status.failure)
        self.bus.is_away = False
        self.bus.wait(2)
        sender.close(base.PATIENCE_SECONDS)
        output = self.log.output
        self.assertEqual(1, output.count('Notifications cannot be sent'))
        self.assertEqual(1, output.count('Notifications can be sent again'))
        status = sender.status()
        self.assertEqual((0, 2, ''), (status.waiting, status.sent, ''))
        self.assertGreaterEqual(status.failed, 3)

    def test_tells_what_was_dropped(self) -> None:
        self.disk.put(make_letter(1))
        self.disk.dropped = 17
        sender = self.start()
        for _ in range(2):
            self.bus.attempts.acquire()
        self.assertEqual(17, sender.status().dropped)
        self.assertEqual(1, self.log.output.count('17 were dropped'))

    def test_memory_is_bounded(self) -> None:
        sender = self.start()
        sender.take([make_announcement(float(at)) for at in range(8)])
        self.bus.attempts.acquire()
        self.assertEqual(3, sender.status().dropped)
        self.bus.is_away = False
        sent = self.bus.wait(5)
        self.assertEqual([3, 4, 5, 6, 7], [it.at_us for it in sent])

    def test_a_close_leaves_the_rest_on_the_disk(self) -> None:
        self.disk.put(make_letter(1))
        sender = self.start()
        self.bus.attempts.acquire()
        sender.close(base.PATIENCE_SECONDS)
        self.assertEqual([1], list(self.disk.kept))


class DefectTestCase(post_office.SenderTestCase):
    def test_a_letter_that_cannot_be_sent_holds_up_no_other(self) -> None:
        def answer(sent: letter.Letter) -> None:
            if sent.number == 1:
                raise TypeError('no JSON')

        self.bus.answer = answer
        self.disk.put(make_letter(1), make_letter(2))
        sender = self.start()
        (sent,) = self.bus.wait(1)
        sender.close(base.PATIENCE_SECONDS)
        self.assertEqual(2, sent.number)
        self.assertEqual({}, self.disk.kept)
        self.assertEqual(1, sender.status().dropped)
        self.assertIn('A notification is lost', self.log.output)

    def test_one_that_could_not_be_written_is_counted(self) -> None:
        self.disk.put(make_letter(1, payload={}), make_letter(2))
        sender = self.start()
        self.bus.wait(1)
        sender.close(base.PATIENCE_SECONDS)
        self.assertEqual({}, self.disk.kept)
        self.assertEqual(1, sender.status().dropped)

    def test_a_bus_that_hangs_holds_up_nobody(self) -> None:
        hangs = threading.Event()
        asked = threading.Event()

        def answer(sent: letter.Letter) -> None:
            asked.set()
            hangs.wait(base.PATIENCE_SECONDS)

        self.addCleanup(hangs.set)
        self.bus.answer = answer
        self.disk.put(make_letter(1))
        sender = self.start()
        self.assertTrue(asked.wait(base.PATIENCE_SECONDS))
        sender.wake()
        sender.take([make_announcement(1.0)])
        self.assertEqual(2, sender.status().waiting)
        sender.close(0.01)
