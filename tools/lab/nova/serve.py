# SPDX-License-Identifier: Apache-2.0
"""Serve an API on loopback: the module that has it, and the port.

It is run as a file of its own, and imports what is installed only.
"""

import importlib
import sys

import waitress


def main(module: str, port: str) -> None:
    """Serve until we are ended."""
    # NOTE: keystone reads the command line as its own.
    del sys.argv[1:]
    application = importlib.import_module(module).application
    waitress.serve(application, host='127.0.0.1', port=int(port), threads=8)


if __name__ == '__main__':
    main(*sys.argv[1:])
