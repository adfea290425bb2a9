# SPDX-License-Identifier: Apache-2.0
"""YAML from anywhere, read as text, lists and maps and nothing else.

PyYAML's safe loader still resolves aliases (a few lines can stand for
billions), guesses types, takes duplicate keys and recurses without bound. A
scenario needs none of that.
"""

import pathlib

import yaml

from nova_balloon_timer import exception

Value = str | list['Value'] | dict[str, 'Value']

LARGEST_BYTES = 64 * 1024
_DEEPEST = 10


def parse(content: bytes, source: str) -> Value:
    """Read a document.

    :raises InvalidScenario: with one line that says what is wrong
    """
    if len(content) > LARGEST_BYTES:
        raise exception.InvalidScenario(
            source=source, why=f'it is larger than {LARGEST_BYTES >> 10} KiB'
        )
    try:
        text = content.decode('utf-8')
        _check_events(text, source)
        node = yaml.compose(text, Loader=yaml.BaseLoader)
    except UnicodeDecodeError as error:
        raise exception.InvalidScenario(
            source=source, why='it is not UTF-8'
        ) from error
    except yaml.YAMLError as error:
        raise exception.InvalidScenario(
            source=source, why=f'it is not YAML: {_one_line(error)}'
        ) from error
    if node is None:
        raise exception.InvalidScenario(source=source, why='it is empty')
    return _value(node, source)


def _check_events(text: str, source: str) -> None:
    """Reject what could grow, before anything is built of it."""
    depth = 0
    for event in yaml.parse(text, Loader=yaml.BaseLoader):
        why = ''
        if isinstance(event, yaml.AliasEvent) or (
            isinstance(event, yaml.NodeEvent) and event.anchor is not None
        ):
            why = 'anchors and aliases are not allowed'
        elif getattr(event, 'tag', None) is not None:
            why = 'tags are not allowed'
        elif isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > _DEEPEST:
                why = 'it is nested too deeply'
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if why:
            mark = event.start_mark
            where = f'line {mark.line + 1}: ' if mark else ''
            raise exception.InvalidScenario(source=source, why=where + why)


def _value(node: yaml.Node, source: str) -> Value:
    if isinstance(node, yaml.SequenceNode):
        return [_value(item, source) for item in node.value]
    if not isinstance(node, yaml.MappingNode):
        return str(node.value)
    found: dict[str, Value] = {}
    for key_node, value_node in node.value:
        line = key_node.start_mark.line + 1
        if not isinstance(key_node, yaml.ScalarNode):
            raise exception.InvalidScenario(
                source=source, why=f'line {line}: a key must be a word'
            )
        key = str(key_node.value)
        if key in found:
            raise exception.InvalidScenario(
                source=source, why=f"line {line}: '{key[:64]}' is there twice"
            )
        found[key] = _value(value_node, source)
    return found


def _one_line(error: yaml.YAMLError) -> str:
    mark = getattr(error, 'problem_mark', None)
    problem = getattr(error, 'problem', None) or 'a character is not allowed'
    problem = ' '.join(str(problem).split())
    return problem if mark is None else f'line {mark.line + 1}: {problem}'


def shipped(folder: pathlib.Path) -> list[str]:
    """Return the names of the scenarios in a folder."""
    return sorted(path.stem for path in folder.glob('*.yaml'))


def read(folder: pathlib.Path, name_or_path: str) -> tuple[str, bytes]:
    """Read a scenario of a folder by its name, or a file by its path.

    :returns: its name, and what is in it
    :raises InvalidScenario: it cannot be read
    """
    path = pathlib.Path(name_or_path)
    if name_or_path in shipped(folder):
        path = folder / f'{name_or_path}.yaml'
    try:
        with path.open('rb') as stream:
            return path.stem, stream.read(LARGEST_BYTES + 1)
    except (OSError, ValueError) as error:
        why = getattr(error, 'strerror', None) or str(error)
        raise exception.InvalidScenario(
            source=name_or_path, why=f'it cannot be read: {why}'
        ) from error
