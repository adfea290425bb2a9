# SPDX-License-Identifier: Apache-2.0
"""Stand in for neutron: a network API without anything in it.

It is run as a file of its own, and imports what is installed only.
"""

from collections.abc import Callable, Iterable
import json
import sys
from typing import Any

import waitress


def application(
    environ: dict[str, Any], start_response: Callable[..., Any]
) -> Iterable[bytes]:
    """Answer to whatever is asked that there is none of it."""
    if environ['REQUEST_METHOD'] != 'GET':
        start_response('404 Not Found', [])
        return []
    kind = environ['PATH_INFO'].rstrip('/').rpartition('/')[2]
    kind = kind.removesuffix('.json').replace('-', '_')
    start_response('200 OK', [('Content-Type', 'application/json')])
    return [json.dumps({kind: []}).encode()]


if __name__ == '__main__':
    waitress.serve(application, host='127.0.0.1', port=int(sys.argv[1]))
