# SPDX-License-Identifier: Apache-2.0
"""Draw the life of a policy from the engine's own table of transitions."""

import collections
from typing import ClassVar

from docutils import nodes
from docutils.parsers.rst import Directive
from sphinx import application
from sphinx.ext import graphviz

from nova_balloon_timer.engine import states

_LOOK = {
    states.State.PENDING: 'style=rounded',
    states.State.OFFERED: 'style="rounded,dotted"',
    states.State.RUNNING: 'style="rounded,bold"',
    states.State.FREEZING: 'style="rounded,dashed"',
    states.State.ENDED: 'style=rounded, peripheries=2',
}


def dot() -> str:
    """Return the table as a graph in Graphviz' language."""
    triggers: dict[tuple[states.State, states.State], list[str]]
    triggers = collections.defaultdict(list)
    for (before, trigger), after in states.TRANSITIONS.items():
        triggers[before, after].append(trigger.value)
    lines = ['digraph states {', 'rankdir=TB; nodesep=0.6; ranksep=0.5;']
    lines.append('node [shape=box, fontname="sans-serif"];')
    lines.append('edge [fontname="sans-serif", fontsize=10];')
    for state in states.State:
        lines.append(f'"{state.value}" [{_LOOK[state]}];')
    for (before, after), names in triggers.items():
        label = '\\l'.join(names) + '\\l'
        lines.append(f'"{before.value}" -> "{after.value}" [label="{label}"];')
    return '\n'.join([*lines, '}'])


class StateDiagram(Directive):
    """Put the diagram where ``.. state-diagram::`` stands."""

    has_content = False
    option_spec: ClassVar = {}

    def run(self) -> list[nodes.Node]:
        """Return the graph as a node for Sphinx to draw."""
        graph = graphviz.graphviz()
        graph['code'] = dot()
        graph['options'] = {}
        graph['alt'] = 'The states of a policy and what leads from one to next'
        return [graph]


class StateTable(Directive):
    """List the end reasons with their triggers."""

    def run(self) -> list[nodes.Node]:
        """Return a bullet list."""
        items = nodes.bullet_list()
        for trigger, reason in states.REASONS.items():
            text = f'{trigger.value}: ends as "{reason.value}"'
            items += nodes.list_item('', nodes.paragraph(text=text))
        return [items]


def setup(app: application.Sphinx) -> dict[str, bool]:
    """Register with Sphinx."""
    app.setup_extension('sphinx.ext.graphviz')
    app.add_directive('state-diagram', StateDiagram)
    app.add_directive('state-table', StateTable)
    return {'parallel_read_safe': True, 'parallel_write_safe': True}
