# SPDX-License-Identifier: Apache-2.0
"""How long calls of one kind take, and how often they fail."""

from collections.abc import Sequence

import prometheus_client

NAMESPACE = 'balloon_timer'

# From a look at a guest that answers at once to a QEMU that hangs.
BUCKETS_SECONDS = (
    *(0.0005, 0.001, 0.002, 0.005),
    *(0.01, 0.02, 0.05),
    *(0.1, 0.2, 0.5),
    *(1.0, 5.0, 30.0),
)

# What is told beyond so many is told as one: a name may come from a stranger.
_MOST_NAMES = 40
_OTHER = 'other'


class CallMeter:
    """Counts the calls of one kind, by method.

    :param kind: what is called; a part of the metrics' names
    :param words: the same for the operator, in the plural
    :param methods: those that are there from the beginning, at zero
    """

    def __init__(
        self,
        registry: prometheus_client.CollectorRegistry,
        kind: str,
        words: str,
        methods: Sequence[str] = (),
    ) -> None:
        self._seconds = prometheus_client.Histogram(
            f'{kind}_duration_seconds',
            f'How long {words} took, also those that failed.',
            ('method',),
            namespace=NAMESPACE,
            registry=registry,
            buckets=BUCKETS_SECONDS,
        )
        self._errors = prometheus_client.Counter(
            f'{kind}_errors_total',
            f'How many {words} failed, by the class of the error.',
            ('method', 'error'),
            namespace=NAMESPACE,
            registry=registry,
        )
        self._methods = _Names()
        self._classes = _Names()
        for method in methods:
            self._seconds.labels(self._methods.of(method))

    def observe(self, method: str, seconds: float, error: str) -> None:
        """Count a call; from any thread.

        :param error: the name of the error's class; empty if it went well
        """
        method = self._methods.of(method)
        self._seconds.labels(method).observe(seconds)
        if error:
            self._errors.labels(method, self._classes.of(error)).inc()


class NoMeter:
    """Counts nothing."""

    def observe(self, method: str, seconds: float, error: str) -> None:
        """Let it pass."""


class _Names:
    """Keeps a set of labels from growing without end."""

    def __init__(self) -> None:
        self._known: set[str] = set()

    def of(self, name: str) -> str:
        """Return the name to count under."""
        if name not in self._known:
            if len(self._known) >= _MOST_NAMES:
                return _OTHER
            self._known.add(name)
        return name
