# SPDX-License-Identifier: Apache-2.0
"""The samples of notifications that the documentation shows."""

import json
import pathlib
from typing import Any

_FOLDER = pathlib.Path(__file__).parents[2] / 'doc' / 'notification_samples'


def read(event_type: str) -> dict[str, Any]:
    """Give the sample of an event type, in the versioned form."""
    name = event_type.replace('.', '-')
    found: dict[str, Any] = json.loads((_FOLDER / f'{name}.json').read_text())
    return found


def shape(value: Any, *ignored: str) -> Any:
    """Give names without values, but for those that say what it is.

    :param ignored: names that are left out, as are the stages of a policy:
        they may be none
    """
    if isinstance(value, dict):
        return {
            name: it
            if name.endswith(('.name', '.version'))
            else shape(it, *ignored)
            for name, it in value.items()
            if name not in ('segments', *ignored)
        }
    return None
