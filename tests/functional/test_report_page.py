# SPDX-License-Identifier: Apache-2.0
"""The page of a run, in a real browser."""

import dataclasses
import html.parser
import http.server
import pathlib
import re
import shutil
import subprocess
import sys
import threading

import fixtures
import testtools

from nova_balloon_timer.report import run_file
from nova_balloon_timer.report import saved_run
from tests.unit.report import examples

_PROGRAM = pathlib.Path(sys.executable).with_name('nova-balloon-timer')
_LONGEST_SECONDS = 120
_FLAGS = (
    '--headless',
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
    '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1',
    '--virtual-time-budget=20000',
    '--window-size=1280,900',
    '--enable-logging=stderr',
)
_FETCHING = ('src', 'href', 'srcset', 'data', 'action', 'poster', 'xlink:href')
_CURVE = re.compile(r'M[\d.-]+,[\d.-]+[LHV]')
_EVIL = "</script><script>document.title='broken'</script><b>web</b>"


class _Dom(html.parser.HTMLParser):
    """What stands in a page after its scripts have run."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.title = ''
        self.plots: dict[str, _Plot] = {}
        self._plot: _Plot | None = None
        self._tag = ''
        self.feed(text)
        self.close()

    def handle_starttag(
        self, tag: str, attrs: list[tuple[str, str | None]]
    ) -> None:
        attributes = {name: value or '' for name, value in attrs}
        self._tag = tag
        self.addresses += [
            attributes[name] for name in _FETCHING if name in attributes
        ]
        if 'data-plot' in attributes:
            self._plot = self.plots[attributes['data-plot']] = _Plot()
        classes = attributes.get('class', '').split()
        if self._plot is not None and tag == 'path':
            # The legend has such lines too, but draws them otherwise.
            if 'js-line' in classes and _CURVE.match(attributes['d']):
                self._plot.lines.append(attributes['d'])
            if attributes.get('data-index') is not None:
                self._plot.shapes += 1
        if 'policy' in classes:
            self._plot = None

    def handle_data(self, data: str) -> None:
        if self._tag == 'title' and not self.title:
            self.title = data
        if self._plot is not None and data.strip():
            self._plot.texts.append(data)


class _Plot:
    def __init__(self) -> None:
        self.lines: list[str] = []
        self.shapes = 0
        self.texts: list[str] = []


class _CountingHandler(http.server.SimpleHTTPRequestHandler):
    """Serves the page, and remembers what was asked for."""

    asked: list[str] = []

    def do_GET(self) -> None:
        self.asked.append(self.path)
        super().do_GET()

    def log_message(self, format: str, *words: object) -> None:
        pass


class TestReportPage(testtools.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.useFixture(fixtures.Timeout(5 * _LONGEST_SECONDS, gentle=True))
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        # A missing browser is a failure: nothing else here would notice a
        # page without plots.
        browser = shutil.which('chromium')
        if browser is None:
            self.fail('chromium is not installed')
        self.browser = browser

    def make_page(self, run: saved_run.SavedRun) -> pathlib.Path:
        """Make a page as an operator does."""
        run_path = self.folder / 'run.json'
        run_file.save(run_path, run)
        made = subprocess.run(
            [_PROGRAM, 'report', run_path],
            capture_output=True,
            check=False,
            text=True,
            timeout=_LONGEST_SECONDS,
        )
        self.assertEqual((0, ''), (made.returncode, made.stderr))
        page_path = pathlib.Path(made.stdout.strip())
        self.assertEqual(self.folder / 'run.html', page_path)
        return page_path

    def open_page(self, address: str) -> _Dom:
        """Open a page, and take it apart when its scripts have run."""
        profile = self.useFixture(fixtures.TempDir()).path
        opened = subprocess.run(
            [
                self.browser,
                *_FLAGS,
                f'--user-data-dir={profile}',
                '--dump-dom',
                address,
            ],
            capture_output=True,
            check=False,
            text=True,
            timeout=_LONGEST_SECONDS,
        )
        self.addDetail(
            'browser', testtools.content.text_content(opened.stderr)
        )
        self.assertEqual(0, opened.returncode)
        complaints = [
            line for line in opened.stderr.splitlines() if 'CONSOLE' in line
        ]
        self.assertEqual([], complaints)
        return _Dom(opened.stdout)

    def test_every_guest_that_was_read_is_drawn(self) -> None:
        run = examples.make_run()
        dom = self.open_page(self.make_page(run).as_uri())
        curved = [
            str(index)
            for index, saved in enumerate(run.policies)
            if saved.report.curve
        ]
        self.assertEqual(5, len(curved))
        self.assertEqual(curved, list(dom.plots))
        for index, plot in dom.plots.items():
            report = run.policies[int(index)].report
            self.assertEqual(4, len(plot.lines))
            segments = report.policy.segments
            self.assertLessEqual(3 + 2 * len(segments), plot.shapes)
            texts = ' '.join(plot.texts)
            for text in ('deadline ', 'target ', 'MiB', 'RSS on the host'):
                self.assertIn(text, texts)

    def test_texts_of_a_run_do_nothing(self) -> None:
        run = examples.make_run()
        policies = tuple(
            dataclasses.replace(saved, guest_name=_EVIL)
            for saved in run.policies
        )
        run = dataclasses.replace(run, host=_EVIL, policies=policies)
        dom = self.open_page(self.make_page(run).as_uri())
        self.assertEqual(f'Balloon policies on {_EVIL}', dom.title)
        self.assertEqual(5, len(dom.plots))

    def test_nothing_comes_from_the_network(self) -> None:
        page_path = self.make_page(examples.make_run())
        text = page_path.read_text('utf-8')
        for address in (*_Dom(text).addresses, *_style_addresses(text)):
            self.assertRegex(address, r'^(#[\w-]*|data:,)$')
        _CountingHandler.asked.clear()
        server = http.server.ThreadingHTTPServer(
            ('127.0.0.1', 0),
            lambda *words: _CountingHandler(
                *words, directory=str(self.folder)
            ),
        )
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        port = server.server_address[1]
        dom = self.open_page(f'http://127.0.0.1:{port}/run.html')
        self.assertEqual(5, len(dom.plots))
        self.assertEqual(['/run.html'], _CountingHandler.asked)
        for address in dom.addresses:
            self.assertRegex(address, r'^(#[\w-]*|data:,)$')


def _style_addresses(text: str) -> list[str]:
    (style,) = re.findall(r'<style>(.*?)</style>', text, re.DOTALL)
    found: list[str] = re.findall(r'(?:url\(|@import)([^;)]*)', style)
    return found
