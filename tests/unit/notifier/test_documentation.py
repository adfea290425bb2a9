# SPDX-License-Identifier: Apache-2.0

import re

from nova_balloon_timer import announcement
from nova_balloon_timer.notifier import registry
from tests.unit import base
from tests.unit.notifier import examples

_PAGE = examples.SAMPLES.parent / 'source' / 'admin' / 'notifications.rst'
# A row of the table: type, priority, when, payload.
_ROW = re.compile(
    r'^   \* - ``(?P<type>[a-z_.]+)``\n'
    r'     - (?P<priorities>.+)\n'
    r'     - .+\n'
    r'     - ``(?P<payload>\w+)``\n',
    re.MULTILINE,
)


class PageTest(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.text = _PAGE.read_text(encoding='utf-8')
        self.rows = {
            found['type']: found for found in _ROW.finditer(self.text)
        }

    def test_it_has_each_event_type(self) -> None:
        types = [each.value for each in announcement.EventType]
        self.assertEqual(types, list(self.rows))

    def test_it_names_payload_and_priority_of_each(self) -> None:
        for announced in examples.announcements():
            row = self.rows[announced.event_type.value]
            sent = examples.encode(announced)
            self.assertEqual(sent['balloon_timer_object.name'], row['payload'])
            self.assertIn(
                announced.priority.value.upper(),
                re.findall('[A-Z]{4,}', row['priorities']),
            )

    def test_it_has_the_fields_of_each_payload(self) -> None:
        shown = re.findall(r'^\.\. payload-fields:: (\w+)$', self.text, re.M)
        known = registry.PayloadRegistry.obj_classes()
        self.assertCountEqual(['EventPayload', *known], shown)
