# SPDX-License-Identifier: Apache-2.0
"""Describe notifications from the objects and samples that there are."""

import inspect
import re
from typing import Any, ClassVar

from docutils import nodes
from docutils import statemachine
from sphinx import application
from sphinx.util import docutils

from nova_balloon_timer import announcement
from nova_balloon_timer.notifier import objects
from nova_balloon_timer.notifier import registry
from nova_balloon_timer.notifier.versionedobjects import fields as ovo_fields

_SAMPLES = '/../notification_samples'
_PARAM = re.compile(
    r'^:param (\w+): (.+?)(?=^\S|\Z)', re.MULTILINE | re.DOTALL
)
_TYPES = {
    'BooleanField': 'boolean',
    'FloatField': 'number',
    'InstantField': 'instant',
    'IntegerField': 'integer',
    'StringField': 'text',
}


def meanings(payload_class: type) -> dict[str, str]:
    """Return what the docstrings say of each field."""
    found: dict[str, str] = {}
    for ancestor in reversed(payload_class.__mro__):
        text = inspect.cleandoc(ancestor.__doc__ or '')
        for name, words in _PARAM.findall(text):
            found[name] = ' '.join(words.split())
    return found


def describe_type(field: Any) -> str:
    """Say what a field holds."""
    if isinstance(field, ovo_fields.ListOfObjectsField):
        kind = f'list of ``{field.objname}``'
    elif isinstance(field, ovo_fields.ObjectField):
        kind = f'``{field.objname}``'
    elif isinstance(field, ovo_fields.EnumField):
        kind = ', '.join(f'``{value}``' for value in field.valid_values)
    else:
        kind = _TYPES[type(field).__name__]
    return f'{kind}, or null' if field.nullable else kind


class PayloadFields(docutils.SphinxDirective):
    """List the fields that a payload adds to those that it is made of."""

    required_arguments = 1
    has_content = False
    option_spec: ClassVar = {}

    def run(self) -> list[nodes.Node]:
        """Return a table."""
        payload_class = getattr(objects, self.arguments[0])
        (parent_class,) = payload_class.__bases__
        inherited = getattr(parent_class, 'fields', {})
        lines = []
        if self.arguments[0] in registry.PayloadRegistry.obj_classes():
            lines += [f'Version {payload_class.VERSION}.', '']
        lines += [
            '.. list-table::',
            '   :header-rows: 1',
            '   :widths: 26 24 50',
            '',
            '   * - Field',
            '     - Value',
            '     - Meaning',
        ]
        said = meanings(payload_class)
        for name, field in payload_class.fields.items():
            if name not in inherited:
                lines.append(f'   * - ``{name}``')
                lines.append(f'     - {describe_type(field)}')
                lines.append(f'     - {said[name]}')
        return _parse(self, lines)


class NotificationSamples(docutils.SphinxDirective):
    """Show each sample, in both forms, folded."""

    has_content = False
    option_spec: ClassVar = {}

    def run(self) -> list[nodes.Node]:
        """Return them in the order of the event types."""
        lines = []
        for event_type in announcement.EventType:
            name = event_type.value.replace('.', '-') + '.json'
            summary = f'<summary><code>{event_type.value}</code></summary>'
            lines += ['.. raw:: html', '', f'   <details>{summary}', '']
            for title, path in (
                ('versioned', f'{_SAMPLES}/{name}'),
                ('unversioned', f'{_SAMPLES}/unversioned/{name}'),
            ):
                lines += [
                    f'.. literalinclude:: {path}',
                    '   :language: json',
                    f'   :caption: {title}',
                    '',
                ]
            lines += ['.. raw:: html', '', '   </details>', '']
        return _parse(self, lines)


def _parse(
    directive: docutils.SphinxDirective, lines: list[str]
) -> list[nodes.Node]:
    content = statemachine.StringList(lines, source=__file__)
    parent = nodes.Element()
    directive.state.nested_parse(content, 0, parent)
    return parent.children


def setup(app: application.Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.add_directive('payload-fields', PayloadFields)
    app.add_directive('notification-samples', NotificationSamples)
    return {'parallel_read_safe': True, 'parallel_write_safe': True}
