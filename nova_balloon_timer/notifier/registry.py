# SPDX-License-Identifier: Apache-2.0
"""Versioned objects of our own, apart from those of anybody else.

oslo.versionedobjects keeps one registry for the process. Inside a process of
Nova's, ours would be among Nova's objects there, and one of the same name
would take the place of the other.
"""

import collections
import datetime
from typing import ClassVar

from oslo_utils import versionutils

from nova_balloon_timer.notifier.versionedobjects import base
from nova_balloon_timer.notifier.versionedobjects import exception
from nova_balloon_timer.notifier.versionedobjects import fields as ovo_fields

_Classes = collections.defaultdict[str, list[type[base.VersionedObject]]]


class PayloadRegistry(base.VersionedObjectRegistry):
    """Our payloads, by name."""

    _payload_classes: ClassVar[_Classes] = collections.defaultdict(list)

    def __new__(cls) -> 'PayloadRegistry':
        """Return a registry that holds ours, instead of the process's."""
        registry: PayloadRegistry = object.__new__(cls)
        registry._obj_classes = cls._payload_classes
        return registry


class Payload(base.VersionedObject):
    """Something that a notification says.

    The docstring of a payload describes its fields, as operators read them in
    the documentation.
    """

    OBJ_SERIAL_NAMESPACE = 'balloon_timer_object'
    OBJ_PROJECT_NAMESPACE = 'nova_balloon_timer'

    @classmethod
    def obj_class_from_name(
        cls, objname: str, objver: str
    ) -> type[base.VersionedObject]:
        """Return the class that reads a payload.

        :raises UnsupportedObjectError: it is none of ours
        :raises IncompatibleObjectVersion: this process is older than it
        """
        ours = PayloadRegistry.obj_classes().get(objname)
        if ours is None:
            raise exception.UnsupportedObjectError(objtype=objname)
        for payload_class in ours:
            if versionutils.is_compatible(objver, payload_class.VERSION):
                return payload_class
        raise exception.IncompatibleObjectVersion(
            objname=objname, objver=objver, supported=ours[0].VERSION
        )

    def obj_what_changed(self) -> set[str]:
        """Return nothing: all of it is news, so no changes are listed."""
        return set()


class Instant(ovo_fields.DateTime):
    """An instant in UTC, as in our files: ISO 8601 with microseconds.

    The library's own loses all below a second, in which a whole policy can
    run; and how late one was stopped is a matter of milliseconds.
    """

    def to_primitive(
        self, obj: object, attr: str, value: datetime.datetime
    ) -> str:
        """Write it."""
        return self.stringify(value)

    def stringify(self, value: datetime.datetime) -> str:
        """Write it."""
        utc = value.astimezone(datetime.timezone.utc)
        return utc.isoformat(timespec='microseconds')


class InstantField(ovo_fields.AutoTypedField):  # type: ignore[type-arg]
    """A field that holds an instant."""

    AUTO_TYPE = Instant()
