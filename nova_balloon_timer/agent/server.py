# SPDX-License-Identifier: Apache-2.0
"""What the agent serves to others, beside looking after its host."""

from typing import Protocol


class Server(Protocol):
    """Serves from threads of its own; its trouble is nobody else's.

    Neither method waits for a network.
    """

    def start(self) -> None:
        """Begin to serve, now or as soon as that is possible."""

    def close(self) -> None:
        """Take nothing new; what was taken may still be answered."""
