# SPDX-License-Identifier: Apache-2.0
"""What the tests of the journal share."""

import pathlib
import queue
from typing import Any

import fixtures

from nova_balloon_timer import message
from nova_balloon_timer import model
from nova_balloon_timer import situation
from nova_balloon_timer.journal import instant
from nova_balloon_timer.journal import reader
from nova_balloon_timer.journal import store
from tests.unit import base

# 2026-05-04 09:30:00 UTC.
EPOCH_SECONDS = 1_777_887_000.0
WATERMARKS = situation.Watermarks(low_kib=base.GIB, high_kib=2 * base.GIB)


class ManualHost:
    """A host whose clocks stand until they are moved."""

    def __init__(self, boot_id: str = 'first-boot') -> None:
        self.boot_id = boot_id
        self.now = 1000.0
        self.wall = EPOCH_SECONDS

    def clock(self) -> instant.HostClock:
        return instant.HostClock(
            boot_id=self.boot_id,
            monotonic=lambda: self.now,
            wall=lambda: self.wall,
        )

    def wait(self, seconds: float) -> None:
        self.now += seconds
        self.wall += seconds

    def boot(self) -> None:
        self.boot_id += '-next'
        self.now = 5.0
        self.wall += 60.0


class JournalTestCase(base.TestCase):
    """A test with a place for a journal, and a host whose clocks stand."""

    def setUp(self) -> None:
        super().setUp()
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.path = self.folder / 'journal.sqlite'
        self.host = ManualHost()
        self.log = self.useFixture(fixtures.FakeLogger())

    def reader(self) -> reader.Reader:
        return reader.Reader(self.path, clock=self.host.clock())

    def open_store(self, **more: Any) -> store.Store:
        opened = store.Store(self.path, clock=self.host.clock(), **more)
        self.addCleanup(opened.close)
        opened.open()
        return opened

    def names(self) -> list[str]:
        return sorted(it.name for it in self.folder.iterdir())

    def enter_end(
        self, opened: store.Store, name: str = 'web-01', **more: Any
    ) -> model.EndReport:
        report = make_report(self.host, name, **more)
        with opened.transaction(is_durable=False):
            opened.end(report, name)
        return report


class Answers:
    """What ``done`` was called with."""

    def __init__(self) -> None:
        self._words: queue.SimpleQueue[str | None] = queue.SimpleQueue()

    def __call__(self, words: str | None) -> None:
        self._words.put(words)

    def next(self) -> str | None:
        return self._words.get(timeout=base.PATIENCE_SECONDS)

    @property
    def is_empty(self) -> bool:
        return self._words.empty()


def make_report(
    host: ManualHost, name: str = 'web-01', **more: Any
) -> model.EndReport:
    """Return the report of a policy of 2 s that took one second until now."""
    fields: dict[str, Any] = {
        'policy': base.make_policy(guest_uuid=base.uuid_of(name)),
        'started_at': host.now - 1,
        'deadline_at': host.now + 1,
        'ended_at': host.now,
    }
    return base.make_report(**(fields | more))


def make_curve(count: int, started_at: float) -> tuple[model.CurvePoint, ...]:
    """Return a curve as a guest draws it: no two steps are the same."""
    return tuple(
        model.CurvePoint(
            at=started_at + index * 0.0201372,
            actual_kib=base.GIB - index * 4937,
            target_kib=base.GIB - index * 4937 - 16 * base.MIB,
            usable_kib=800 * base.MIB - index // 10 * 49_370,
            rss_kib=900 * base.MIB - index * 4211,
        )
        for index in range(count)
    )


def make_memory(at: float, available_kib: int = base.GIB) -> Any:
    """Return how a host of 64 GiB stands."""
    return situation.HostMemory(
        at=at, total_kib=64 * base.GIB, available_kib=available_kib
    )


def make_plan(**more: Any) -> situation.Plan:
    """Return a plan of one guest."""
    fields: dict[str, Any] = {
        'duration_seconds': 5.0,
        'proposals': (
            situation.Proposal(
                guest_uuid=base.uuid_of('web-01'),
                target_kib=512 * base.MIB,
                expected_freed_kib=300 * base.MIB,
                words='it has the most to spare',
            ),
        ),
        'left_out': (),
        'shortfall_kib': 0,
    }
    return situation.Plan(**(fields | more))


def make_notices(at: float) -> list[message.Notice]:
    """Return one of each."""
    return [
        message.PressureStarted(at=at, memory=None, words='short'),
        message.ReliefPlanned(
            at=at + 1, need_kib=base.GIB, plan=make_plan(), corrects=False
        ),
        message.ReliefPlanned(
            at=at + 2,
            need_kib=base.GIB,
            plan=make_plan(proposals=(), shortfall_kib=base.GIB),
            corrects=True,
        ),
        message.ForeignChange(
            at=at + 3,
            guest_uuid=base.uuid_of('web-01'),
            before_kib=base.GIB,
            after_kib=512 * base.MIB,
        ),
        message.PressureEnded(at=at + 4, memory=None, words='well'),
    ]
