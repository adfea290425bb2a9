# SPDX-License-Identifier: Apache-2.0

import datetime
import re
import subprocess
import sys

from nova_balloon_timer.notifier import objects
from nova_balloon_timer.notifier import registry
from nova_balloon_timer.notifier.versionedobjects import base as ovo_base
from nova_balloon_timer.notifier.versionedobjects import exception
from nova_balloon_timer.notifier.versionedobjects import fields as ovo_fields
from tests.unit import base
from tests.unit.notifier import examples

# isort: split
from oslo_versionedobjects import fixture

_FINGERPRINTS = {
    'BalloonGuestReportPayload': '1.0-40966dd9c7976b65d3cd48d0fc9a4486',
    'BalloonInstancePayload': '1.0-833925250004fb14b4241964a361574f',
    'BalloonPolicyEndPayload': '1.1-33827f48f14dda38a5df1b3d3a40a439',
    'BalloonPolicyPayload': '1.1-ec04674168820b9ed32edfd81d6dab72',
    'BalloonPolicyProgressPayload': '1.1-03ff1b935446aaad3d3377dc6dce4d4a',
    'BalloonSegmentPayload': '1.0-8109e11c944221f198e6a3ec84e7ef7f',
    'HostMemoryPressurePayload': '1.0-cf00323f5280a7a424ca982d954959af',
}

_WHAT_TO_DO = """
The fields of these payloads have changed: {changed}.
Consumers go by the version. Raise VERSION of each in notifier/objects.py: 1.0
becomes 1.1 for a field, or a value of an enum, that is new, and 2.0 for one
that is gone or means something else. Write the samples anew by "python -m
tests.unit.notifier.examples --write", write a release note, and then put into
test_objects.py what the test finds once more:
{fingerprints}"""


class FingerprintTest(base.TestCase):
    def test_no_payload_changes_without_a_new_version(self) -> None:
        checker = fixture.ObjectVersionChecker(
            registry.PayloadRegistry.obj_classes()
        )
        found = checker.get_hashes()
        changed = {
            name
            for name in _FINGERPRINTS.keys() | found.keys()
            if _FINGERPRINTS.get(name) != found.get(name)
        }
        lines = [f'    {name!r}: {found[name]!r},' for name in sorted(found)]
        self.assertEqual(
            set(),
            changed,
            _WHAT_TO_DO.format(
                changed=', '.join(sorted(changed)),
                fingerprints='\n'.join(lines),
            ),
        )


class LoadingTest(base.TestCase):
    def test_payloads_come_with_native_threads(self) -> None:
        # The library would have eventlet chosen, once for a process.
        script = (
            'from nova_balloon_timer.notifier import payload\n'
            'from oslo_service import backend\n'
            'print(backend.get_backend().__class__.__name__)\n'
        )
        done = subprocess.run(
            [sys.executable, '-W', 'ignore', '-c', script],
            capture_output=True,
            text=True,
            check=True,
        )
        self.assertEqual('ThreadingBackend', done.stdout.strip())


class FieldTest(base.TestCase):
    def test_each_is_described(self) -> None:
        for name, versions in registry.PayloadRegistry.obj_classes().items():
            described = {
                field
                for ancestor in versions[0].mro()
                for field in re.findall(
                    r'^ *:param (\w+):', ancestor.__doc__ or '', re.MULTILINE
                )
            }
            self.assertEqual(set(versions[0].fields), described, name)

    def test_instants_keep_what_is_below_a_second(self) -> None:
        zone = datetime.timezone(datetime.timedelta(hours=2))
        instant = datetime.datetime(2026, 5, 1, 14, 0, 0, 4100, tzinfo=zone)
        instant_type = registry.Instant()
        written = instant_type.stringify(instant)
        self.assertEqual('2026-05-01T12:00:00.004100+00:00', written)
        self.assertEqual(instant, instant_type.coerce(None, 'it', written))


class RegistryTest(base.TestCase):
    def test_ours_are_not_among_those_of_the_process(self) -> None:
        ours = set(registry.PayloadRegistry.obj_classes())
        theirs = set(ovo_base.VersionedObjectRegistry.obj_classes())
        self.assertIn('BalloonPolicyPayload', ours)
        self.assertEqual(set(), ours & theirs)

    def test_another_of_the_same_name_changes_nothing(self) -> None:
        class BalloonSegmentPayload(ovo_base.VersionedObject):
            OBJ_SERIAL_NAMESPACE = registry.Payload.OBJ_SERIAL_NAMESPACE
            OBJ_PROJECT_NAMESPACE = registry.Payload.OBJ_PROJECT_NAMESPACE
            VERSION = '1.0'
            fields = {'other': ovo_fields.IntegerField()}

        ovo_base.VersionedObjectRegistry()  # The fixture needs there to be one
        temporary = self.useFixture(fixture.VersionedObjectRegistryFixture())
        temporary.register(BalloonSegmentPayload)

        theirs = BalloonSegmentPayload(other=1).obj_to_primitive()
        read = ovo_base.VersionedObject.obj_class_from_name(
            'BalloonSegmentPayload', '1.0'
        )
        self.assertIs(BalloonSegmentPayload, read)
        self.assertEqual(
            objects.BalloonSegmentPayload,
            registry.Payload.obj_class_from_name(
                'BalloonSegmentPayload', '1.0'
            ),
        )
        self.assertEqual({'other': 1}, theirs['balloon_timer_object.data'])

    def test_what_is_sent_can_be_read_back(self) -> None:
        for announced in examples.announcements():
            primitive = examples.encode(announced)
            read = registry.Payload.obj_from_primitive(primitive)
            self.assertEqual(primitive, read.obj_to_primitive())

    def test_a_newer_minor_version_is_not_understood(self) -> None:
        self.assertRaises(
            exception.IncompatibleObjectVersion,
            registry.Payload.obj_class_from_name,
            'BalloonPolicyPayload',
            '1.99',
        )

    def test_an_object_of_others_is_not_understood(self) -> None:
        self.assertRaises(
            exception.UnsupportedObjectError,
            registry.Payload.obj_class_from_name,
            'InstancePayload',
            '1.0',
        )
