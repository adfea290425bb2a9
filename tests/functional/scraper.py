# SPDX-License-Identifier: Apache-2.0
"""A Prometheus of our own, and the tool that comes with it."""

from collections.abc import Callable, Mapping, Sequence
import json
import pathlib
import re
import socket
import subprocess
from typing import Any
import urllib.parse
import urllib.request

import fixtures

from tests.functional import lab

ROOT = pathlib.Path(__file__).parents[2]
RULES = ROOT / 'etc/prometheus/nova-balloon-timer.rules.yaml'

_LONGEST_SECONDS = 60
_CONFIGURATION = """
global:
  scrape_interval: 1s
  scrape_timeout: 1s
  evaluation_interval: 1s
rule_files:
  - {rules}
scrape_configs:
  - job_name: nova-balloon-timer
    static_configs:
      - targets: ['{target}']
"""

# By the labels of a series, its value.
Answer = Sequence[tuple[Mapping[str, str], float]]


def free_port() -> int:
    """Find a port at which nobody listens."""
    with socket.create_server(('127.0.0.1', 0)) as server:
        port: int = server.getsockname()[1]
    return port


def fetch(url: str) -> str:
    """Give what is served there."""
    with urllib.request.urlopen(  # noqa: S310
        url, timeout=_LONGEST_SECONDS
    ) as response:
        text: str = response.read().decode()
    return text


def listeners(pid: int) -> list[str]:
    """Say at which addresses a process listens, by ``ss``."""
    lines = subprocess.run(
        ['ss', '-H', '--listening', '--numeric', '--processes', '-t', '-u'],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    owner = re.compile(rf'\bpid={pid}\b')
    return [line.split()[4] for line in lines if owner.search(line)]


def promtool(*words: str, given: str = '') -> str:
    """Run it, and return what it says; it complains by its exit code."""
    ended = subprocess.run(
        ['promtool', *words],
        check=False,
        input=given,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=_LONGEST_SECONDS,
    )
    if ended.returncode != 0:
        raise AssertionError(f'promtool {words}: {ended.stdout}')
    return ended.stdout


class Prometheus(fixtures.Fixture):
    """Scrapes one agent, every second, with our alert rules.

    :param target: address and port of the agent
    """

    def __init__(self, target: str) -> None:
        super().__init__()
        self._target = target

    def _setUp(self) -> None:
        folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        configuration = folder / 'prometheus.yml'
        configuration.write_text(
            _CONFIGURATION.format(rules=RULES, target=self._target)
        )
        port = free_port()
        self._url = f'http://127.0.0.1:{port}/api/v1/'
        log = (folder / 'log').open('w')
        self.addCleanup(log.close)
        self._process = subprocess.Popen(
            [
                'prometheus',
                f'--config.file={configuration}',
                f'--storage.tsdb.path={folder / "data"}',
                f'--web.listen-address=127.0.0.1:{port}',
                '--log.level=warn',
            ],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd='/',
        )
        self.addCleanup(self._end)
        lab.wait_until(self._has_scraped, 'a first scrape')

    def ask(self, what: str, **parameters: str) -> Any:
        """Ask its HTTP API."""
        query = urllib.parse.urlencode(parameters)
        answer = json.loads(fetch(f'{self._url}{what}?{query}'))
        assert answer['status'] == 'success', answer
        return answer['data']

    def query(self, expr: str) -> Answer:
        """Evaluate an expression now."""
        data = self.ask('query', query=expr)
        assert data['resultType'] == 'vector', data
        return [
            (series['metric'], float(series['value'][1]))
            for series in data['result']
        ]

    def value(self, expr: str) -> float | None:
        """Evaluate one that has one answer, or none."""
        answer = self.query(expr)
        if not answer:
            return None
        ((_, value),) = answer
        return value

    def wait(self, expr: str, holds: Callable[[float], bool] = bool) -> float:
        """Wait until an expression has a value that will do."""
        seen: list[float | None] = []

        def is_there() -> bool:
            seen[:] = [self.value(expr)]
            return seen[0] is not None and holds(seen[0])

        try:
            lab.wait_until(is_there, expr)
        except AssertionError as error:
            raise AssertionError(f'{error}; it is {seen}') from error
        (value,) = seen
        assert value is not None
        return value

    def _has_scraped(self) -> bool:
        if self._process.poll() is not None:
            raise AssertionError('Prometheus has ended')
        try:
            return self.value('up') == 1
        except OSError:
            return False

    def _end(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
