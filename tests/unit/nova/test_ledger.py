# SPDX-License-Identifier: Apache-2.0

from collections.abc import Sequence

import hypothesis
from hypothesis import strategies as st

from nova_balloon_timer import message
from nova_balloon_timer import model
from nova_balloon_timer import units
from nova_balloon_timer.nova import instance as nova_instance
from nova_balloon_timer.nova import ledger as nova_ledger
from tests.unit import base
from tests.unit.nova import factory

_NAMES = ('a', 'b', 'c')
_INSTANCES = st.builds(
    factory.make_instance,
    st.sampled_from(_NAMES),
    vm_state=st.sampled_from(('active', 'paused')),
    task_state=st.sampled_from((None, 'migrating')),
    specs=st.sampled_from(({}, {'balloon:enabled': 'true'})),
)
_LISTINGS = st.lists(_INSTANCES, unique_by=lambda it: it.uuid)


class LedgerTestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.enabled = False
        self.ledger = nova_ledger.Ledger(lambda: self.enabled)

    def obstacles(self, guest: model.Guest) -> list[model.Obstacle]:
        refusals = self.ledger.complete(guest).refusals
        return [it.obstacle for it in refusals]

    def test_who_is_no_instance_is_refused_first_of_all(self) -> None:
        guest = base.make_guest(refusals=(base.make_refusal(),))
        self.assertEqual(
            [model.Obstacle.NOT_AN_INSTANCE, model.Obstacle.PAUSED],
            self.obstacles(guest),
        )
        self.assertIsNone(self.ledger.instance_of(guest.uuid))
        self.assertFalse(self.ledger.is_free(guest.uuid))

    def test_an_instance_is_completed(self) -> None:
        specs = {'balloon:enabled': 'true', 'balloon:min_mb': '256'}
        known = factory.make_instance(specs=specs)
        self.ledger.take([known])
        guest = self.ledger.complete(base.make_guest())
        self.assertEqual((), guest.refusals)
        self.assertEqual(256 * units.KIB_PER_MIB, guest.terms.floor_kib)
        self.assertEqual(known.describe(), guest.instance)
        self.assertTrue(self.ledger.is_free(guest.uuid))

    def test_the_default_is_asked_each_time(self) -> None:
        self.ledger.take([factory.make_instance(specs={})])
        guest = base.make_guest()
        self.assertEqual([model.Obstacle.NOT_ENABLED], self.obstacles(guest))
        self.enabled = True
        self.assertEqual([], self.obstacles(guest))

    def test_all_reasons_are_told(self) -> None:
        self.ledger.take(
            [factory.make_instance(task_state='rebuilding', specs={})]
        )
        self.assertEqual(
            [
                model.Obstacle.NOT_ENABLED,
                model.Obstacle.INSTANCE_STATE,
                model.Obstacle.PAUSED,
            ],
            self.obstacles(base.make_guest(refusals=(base.make_refusal(),))),
        )
        self.assertTrue(self.ledger.has_busy)

    def test_one_that_was_changed_has_guests_listed_again(self) -> None:
        free = factory.make_instance()
        busy = factory.make_instance(task_state='migrating')
        other = factory.make_instance(specs={'balloon:enabled': '0'})
        changed = message.GuestsChanged()
        for instances, is_told in (
            ([free], True),
            ([free], False),
            ([busy], False),
            ([free], True),
            ([other], True),
            ([], True),
            ([], False),
            ([free], True),
        ):
            events = self.ledger.take(instances)
            self.assertEqual(is_told, changed in events, str(instances))

    def test_former_instances_are_bounded(self) -> None:
        most = nova_ledger._MOST_FORMER
        names = [f'vm-{number}' for number in range(most + 1)]
        for name in names:
            self.ledger.take([factory.make_instance(name)])
        self.ledger.take([])
        uuids = [base.uuid_of(name) for name in names]
        self.assertIsNone(self.ledger.instance_of(uuids[0]))
        for uuid in uuids[1:]:
            self.assertIsNotNone(self.ledger.instance_of(uuid))


class HistoryTestCase(base.TestCase):
    @hypothesis.given(st.lists(_LISTINGS))
    def test_who_must_not_be_touched_is_withdrawn_each_time(
        self, history: Sequence[list[nova_instance.NovaInstance]]
    ) -> None:
        ledger = nova_ledger.Ledger(lambda: False)
        seen: set[str] = set()
        before: set[str] = set()
        for listing in history:
            found = {it.uuid: it for it in listing}
            expected = dict.fromkeys(
                before - found.keys(), nova_instance.NOT_AN_INSTANCE
            )
            for uuid, known in found.items():
                refusal = known.why_not_now()
                if refusal is not None:
                    expected[uuid] = refusal
            withdrawn = {
                it.guest_uuid: it.refusal
                for it in ledger.take(listing)
                if isinstance(it, message.GuestWithdrawn)
            }
            self.assertEqual(expected, withdrawn)
            before = set(found)
            seen |= before
            for uuid in seen:
                self.assertIsNotNone(ledger.instance_of(uuid))
