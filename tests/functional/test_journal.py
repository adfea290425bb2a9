# SPDX-License-Identifier: Apache-2.0

from collections.abc import Iterator
import contextlib
import pathlib
import random
import subprocess
import sys
import time
from typing import Any

import fixtures
import testtools

from nova_balloon_timer import exception
from nova_balloon_timer import model
from nova_balloon_timer.journal import reader
from nova_balloon_timer.journal import retention
from nova_balloon_timer.journal import writer
from tests.functional import lab
from tests.unit import base
from tests.unit.journal import factory

_KILLS = 60
_PATIENCE_SECONDS = 20
_ROOT = pathlib.Path(__file__).parents[2]
# Requests three policies at once, starts and ends them, again and again, and
# says on its standard output what it was told to be on the disk.
_CHILD = """
import os, pathlib, sys, time
from nova_balloon_timer.journal import writer
from tests.unit import base
from tests.unit.journal import factory

def say(word, uuids):
    os.write(1, f'{word} {" ".join(uuids)}\\n'.encode())

def go(policies):
    now = time.monotonic()
    uuids = [policy.uuid for policy in policies]
    def requested(words):
        if words is not None:
            return say('refused', uuids)
        say('requested', uuids)
        for policy in policies:
            journal.start(policy.uuid, now, base.BY_GUEST)
            report = base.make_report(
                policy=policy, started_at=now, deadline_at=now + 2,
                ended_at=now + 1, curve=factory.make_curve(100, now))
            def ended(words, uuid=policy.uuid):
                say('ended' if words is None else 'refused', [uuid])
            journal.end(report, ended)
    journal.request(policies, now, requested)

journal = writer.Journal(pathlib.Path(sys.argv[1]))
journal.traits()
say('ready', [])
while True:
    go([base.make_policy() for _ in range(3)])
    time.sleep(0.003)
    # Where more wait, ends are kept without their curves.
    while journal.waiting > 24:
        time.sleep(0.001)
"""


class Said:
    """What a child said before it was killed."""

    def __init__(self) -> None:
        self.requested: list[list[str]] = []
        self.ended: list[str] = []

    def read(self, line: str) -> None:
        word, *uuids = line.split()
        if word == 'requested':
            self.requested.append(uuids)
        elif word == 'ended':
            self.ended += uuids
        elif word != 'ready':
            raise AssertionError(f'the child says {line}')


def run_and_kill(path: pathlib.Path, after_seconds: float) -> Said:
    """Let a child write a journal for a while."""
    with subprocess.Popen(
        [sys.executable, '-c', _CHILD, str(path)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=_ROOT,
    ) as child:
        assert child.stdout is not None
        said = Said()
        said.read(child.stdout.readline())
        time.sleep(after_seconds)
        child.kill()
        # NOTE: the last line may be half.
        for line in child.stdout:
            if line.endswith('\n'):
                said.read(line)
    return said


class JournalTest(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.useFixture(fixtures.Timeout(300, gentle=True))
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.path = self.folder / 'journal.sqlite'
        self.log = self.useFixture(fixtures.FakeLogger())

    def begin(self, **more: Any) -> writer.Journal:
        journal = writer.Journal(self.path, **more)
        self.addCleanup(journal.close, 5)
        journal.traits()
        return journal

    def reader(self) -> reader.Reader:
        return reader.Reader(self.path)


class KillTest(JournalTest):
    def check(self, said: Said, known: dict[str, str]) -> None:
        """Check what is in the journal after a kill.

        :param known: how policies ended before, by UUID
        """
        kept = retention.Retention(days=1e3, policies=10**6)
        journal = self.begin(retention=kept)
        flying = {it.policy.uuid: it for it in journal.in_flight()}
        ended = {row.uuid: row for row in self.reader().history(10**6)}
        self.assertEqual(set(), set(flying) & set(ended))
        for uuids in said.requested:
            self.assertEqual(set(), set(uuids) - set(flying) - set(ended))
        self.assertEqual(set(), set(said.ended) - set(ended))
        for uuid, detail in known.items():
            self.assertEqual(detail, ended[uuid].detail)
        for uuid in said.ended:
            curve = self.reader().report_of(uuid).report.curve
            self.assertEqual(100, len(curve))
        # Three are requested at once: a half request shows in the sum.
        self.assertEqual(0, (len(flying) + len(ended)) % 3)
        self.end_all(journal, flying)
        known |= {row.uuid: row.detail for row in self.reader().history(10**6)}
        self.assertTrue(journal.close(_PATIENCE_SECONDS))

    def end_all(
        self, journal: writer.Journal, flying: dict[str, reader.InFlight]
    ) -> None:
        done = factory.Answers()
        now = time.monotonic()
        for found in flying.values():
            self.assertTrue(found.is_of_this_boot)
            self.assertIn(found.timing, (None, base.BY_GUEST))
            started_at = found.started_at or now
            self.assertLessEqual(started_at, now)
            report = base.make_report(
                policy=found.policy,
                detail='ended after the kill',
                started_at=started_at,
                deadline_at=started_at + 2,
                ended_at=now,
            )
            journal.end(report, done)
        for _ in flying:
            self.assertIsNone(done.next())
        self.assertEqual([], journal.in_flight())

    def test_a_kill_at_any_moment(self) -> None:
        dice = random.Random(4)  # noqa: S311
        known: dict[str, str] = {}
        orphans = ends = 0
        for _ in range(_KILLS):
            said = run_and_kill(self.path, dice.uniform(0.0, 0.25))
            before = len(known)
            self.check(said, known)
            orphans += len(known) - before - len(said.ended)
            ends += len(said.ended)
        self.assertEqual('', self.log.output.strip())
        self.assertEqual(
            [], [it.name for it in self.folder.glob('*.damaged*')]
        )
        # Otherwise it was never killed while anything was in flight.
        self.assertGreater(orphans, 0)
        # Otherwise nothing was ever ended.
        self.assertGreater(ends, 0)

    def test_a_kill_while_it_is_made(self) -> None:
        for index in range(15):
            self.path = self.folder / str(index) / 'journal.sqlite'
            with subprocess.Popen(
                [sys.executable, '-c', _CHILD, str(self.path)],
                stdout=subprocess.PIPE,
                cwd=_ROOT,
            ) as child:
                lab.wait_until(self.path.exists, 'the file', 30)
                time.sleep(index * 0.0004)
                child.kill()
            journal = self.begin()
            journal.in_flight()
            self.assertTrue(journal.close(_PATIENCE_SECONDS))
            names = [it.name for it in self.path.parent.iterdir()]
            self.assertEqual(['journal.sqlite'], names)


class ReadTest(JournalTest):
    def test_two_processes_read_while_it_is_written(self) -> None:
        journal = self.begin()
        script = (
            'import pathlib, sys; '
            'from nova_balloon_timer.journal import reader\n'
            'it = reader.Reader(pathlib.Path(sys.argv[1]))\n'
            'seen = 0\n'
            'while seen < 200:\n'
            '    seen, before = len(it.history(10**6)), seen\n'
            '    assert seen >= before\n'
            '    it.in_flight(), it.traits()\n'
        )
        children = [
            subprocess.Popen(
                [sys.executable, '-c', script, str(self.path)], cwd=_ROOT
            )
            for _ in range(2)
        ]
        done = factory.Answers()
        for _ in range(200):
            policy = base.make_policy()
            journal.request([policy], time.monotonic(), done)
            self.assertIsNone(done.next())
            journal.end(base.make_report(policy=policy), done)
            self.assertIsNone(done.next())
        for child in children:
            self.assertEqual(0, child.wait(_PATIENCE_SECONDS))
        self.assertTrue(journal.close(_PATIENCE_SECONDS))
        self.assertEqual('', self.log.output.strip())


class DiskTest(JournalTest):
    """A real file system of 1 MiB."""

    def setUp(self) -> None:
        super().setUp()
        self.disk = self.folder / 'disk'
        self.disk.mkdir()
        self.path = self.disk / 'journal.sqlite'
        self.mount('-t', 'tmpfs', '-o', 'size=1m', 'tmpfs')
        self.addCleanup(self.command, 'umount', '-l', str(self.disk))

    def command(self, *words: str) -> None:
        ran = subprocess.run(words, capture_output=True, check=False)
        if ran.returncode and words[0] == 'mount':
            self.skipTest(f'mount: {ran.stderr.decode()}')

    def mount(self, *words: str) -> None:
        self.command('mount', *words, str(self.disk))

    def fill(self) -> pathlib.Path:
        ballast = self.disk / 'ballast'
        with (
            contextlib.suppress(OSError),
            ballast.open('wb', buffering=0) as stream,
        ):
            while True:
                stream.write(bytes(4096))
        return ballast

    def reports(self) -> Iterator[model.EndReport]:
        while True:
            now = time.monotonic()
            yield base.make_report(
                started_at=now - 1,
                deadline_at=now + 1,
                ended_at=now,
                curve=factory.make_curve(100, now - 1),
            )

    def test_a_full_disk_that_is_emptied_again(self) -> None:
        journal = self.begin()
        done = factory.Answers()
        reports = self.reports()
        journal.end(next(reports), done)
        self.assertIsNone(done.next())
        ballast = self.fill()

        uuids = []
        words = None
        while words is None:
            report = next(reports)
            uuids.append(report.policy.uuid)
            journal.end(report, done)
            words = done.next()
        self.assertEqual('database or disk is full', words)
        journal.request([base.make_policy()], time.monotonic(), done)
        self.assertIn('full', str(done.next()))
        self.assertEqual(len(uuids), len(self.reader().history(99)))

        ballast.unlink()
        self.assertTrue(journal.flush(_PATIENCE_SECONDS))
        self.assertEqual(
            uuids[::-1], [it.uuid for it in self.reader().history(99)][:-1]
        )
        self.assertEqual([], journal.in_flight())
        journal.request([base.make_policy()], time.monotonic(), done)
        self.assertIsNone(done.next())
        self.assertEqual(1, self.log.output.count('cannot be written'))
        self.assertEqual(1, self.log.output.count('can be written again'))

    def test_it_fills_the_disk_itself(self) -> None:
        journal = self.begin()
        done = factory.Answers()
        written = 0
        for report in self.reports():
            journal.end(report, done)
            if done.next() is not None:
                break
            written += 1
        self.assertGreater(written, 10)
        self.assertEqual(written, len(self.reader().history(10**6)))
        self.assertFalse(journal.close(1))
        self.assertIn('1 of end', self.log.output)
        self.assertEqual(written, len(self.reader().history(10**6)))

    def test_no_room_to_begin(self) -> None:
        ballast = self.fill()
        journal = writer.Journal(self.path)
        self.addCleanup(journal.close, 5)
        self.assertRaises(exception.JournalNotReadable, journal.in_flight)
        done = factory.Answers()
        journal.request([base.make_policy()], time.monotonic(), done)
        self.assertIn('full', str(done.next()))
        ballast.unlink()
        journal.end(next(self.reports()), done)
        self.assertTrue(journal.flush(_PATIENCE_SECONDS))
        self.assertEqual(1, len(self.reader().history(9)))

    def test_a_disk_that_became_read_only(self) -> None:
        journal = self.begin()
        done = factory.Answers()
        reports = self.reports()
        journal.end(next(reports), done)
        self.assertIsNone(done.next())
        self.assertTrue(journal.close(_PATIENCE_SECONDS))
        self.mount('-o', 'remount,ro')

        journal = writer.Journal(self.path)
        self.addCleanup(journal.close, 5)
        journal.end(next(reports), done)
        self.assertIsNotNone(done.next())
        journal.request([base.make_policy()], time.monotonic(), done)
        self.assertIsNotNone(done.next())

        self.mount('-o', 'remount,rw')
        self.assertTrue(journal.flush(_PATIENCE_SECONDS))
        self.assertEqual(2, len(self.reader().history(9)))
        self.assertEqual([], list(self.disk.glob('*.damaged*')))
