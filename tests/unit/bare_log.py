# SPDX-License-Identifier: Apache-2.0
"""Catches log lines to which oslo.log would append an error they tell."""

import logging
import sys

import fixtures


class BareLog(fixtures.Fixture):
    """Keeps what is logged.

    :ivar lines: all of them
    :ivar doubled: those logged while an error was handled, without asking
        for its traceback: oslo.log appends that error to them
    """

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.doubled: list[str] = []

    def _setUp(self) -> None:
        root = logging.getLogger()
        handler = logging.Handler()
        handler.emit = self._emit  # type: ignore[method-assign]
        root.addHandler(handler)
        self.addCleanup(root.removeHandler, handler)

    def _emit(self, record: logging.LogRecord) -> None:
        self.lines.append(record.getMessage())
        if sys.exc_info()[0] is not None and not record.exc_info:
            self.doubled.append(record.getMessage())
