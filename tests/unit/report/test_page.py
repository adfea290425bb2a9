# SPDX-License-Identifier: Apache-2.0
import base64
import dataclasses
import hashlib
import html.parser
import json
import pathlib
import sys
from unittest import mock

import fixtures
import testtools

from nova_balloon_timer import exception
from nova_balloon_timer import model
from nova_balloon_timer.report import page
from nova_balloon_timer.report import saved_run
from tests.unit import base
from tests.unit.report import course_examples
from tests.unit.report import examples

_RUN = examples.make_run()
_WATCHED = course_examples.make_run()
_EVIL = '</script><script>alert(1)</script><img src=x onerror=alert(1)>&"\''


class _Reader(html.parser.HTMLParser):
    """Takes a page apart."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self.texts: list[str] = []
        self._is_script = False
        self.feed(text)
        self.close()

    def handle_starttag(
        self, tag: str, attrs: list[tuple[str, str | None]]
    ) -> None:
        self.tags.append((tag, dict(attrs)))
        self._is_script = tag == 'script'
        if self._is_script:
            self.scripts.append('')

    def handle_endtag(self, tag: str) -> None:
        self._is_script = False

    def handle_data(self, data: str) -> None:
        if self._is_script:
            self.scripts[-1] += data
        else:
            self.texts.append(data)


def _evil_run() -> saved_run.SavedRun:
    evil = []
    for saved in _RUN.policies:
        report = saved.report
        balloon_policy = dataclasses.replace(
            report.policy, uuid=_EVIL, guest_uuid=_EVIL, explanation=_EVIL
        )
        report = dataclasses.replace(
            report, policy=balloon_policy, detail=_EVIL
        )
        evil.append(
            dataclasses.replace(saved, guest_name=_EVIL, report=report)
        )
    return saved_run.SavedRun(host=_EVIL, policies=tuple(evil))


def _hash(script: str) -> str:
    digest = hashlib.sha256(script.encode()).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"


class TestPage(base.TestCase):
    def test_what_it_says(self) -> None:
        text = ' '.join(_Reader(page.render(_RUN)).texts)
        for part in (
            'compute-17.example.org',
            'Of 6 timed policies, 2 reached their targets',
            'Started 2026-05-04 09:30:12 UTC',
            '4096 → 2820',
            'held by its reserve of usable memory',
            'the guest swaps in',
            'by 1.00 s to 1280 MiB: reached, at 1280 MiB',
            'There is no curve',
        ):
            self.assertIn(part, text)
        for saved in _RUN.policies:
            self.assertIn(saved.guest_name, text)

    def test_what_it_says_of_a_host(self) -> None:
        reader = _Reader(page.render(_WATCHED))
        text = ' '.join(reader.texts)
        for part in (
            'The host was short of memory for 12.70 s',
            'Of 8 timed policies, 5 reached their targets',
            'Recorded from 2026-05-04 09:30:00 to 09:31:00 UTC',
            'The host and its guests',
            'From 09:30:05 to 09:30:17, for 12.70 s',
            'What happened on the host: 5 events',
            '09:30:10.400',
            'build-03 stalled 584 MiB short; they are asked of database-04',
        ):
            self.assertIn(part, text)
        self.assertEqual(9, len(json.loads(reader.scripts[0])['plots']))
        plots = [it['data-plot'] for _, it in reader.tags if 'data-plot' in it]
        self.assertEqual('8', plots[0])

    def test_a_host_without_policies(self) -> None:
        run = dataclasses.replace(_WATCHED, policies=())
        reader = _Reader(page.render(run))
        self.assertEqual(1, len(json.loads(reader.scripts[0])['plots']))
        self.assertNotIn('How the policies ended', reader.texts)

    def test_nothing_is_known_of_the_host(self) -> None:
        course = saved_run.HostCourse(
            total_kib=1, low_watermark_kib=1, high_watermark_kib=1, points=()
        )
        run = saved_run.SavedRun(host='here', policies=(), course=course)
        texts = _Reader(page.render(run)).texts
        self.assertIn('Nothing was recorded', texts)
        self.assertNotIn('The host and its guests', texts)

    def test_texts_of_a_host_stay_texts(self) -> None:
        assert _WATCHED.course is not None
        marks = tuple(
            dataclasses.replace(mark, words=_EVIL)
            for mark in _WATCHED.course.marks
        )
        evil = dataclasses.replace(
            _WATCHED,
            policies=tuple(
                dataclasses.replace(it, guest_name=_EVIL)
                for it in _WATCHED.policies
            ),
            course=dataclasses.replace(_WATCHED.course, marks=marks),
        )
        plain, reader = (
            _Reader(page.render(_WATCHED)),
            _Reader(page.render(evil)),
        )
        self.assertEqual(
            [tag for tag, _ in plain.tags], [tag for tag, _ in reader.tags]
        )
        self.assertEqual(plain.scripts[1:], reader.scripts[1:])
        self.assertNotIn('<', reader.scripts[0])

    def test_refused_guests_are_told(self) -> None:
        run = saved_run.SavedRun(
            host='here',
            policies=(),
            refusals=(
                saved_run.SavedRefusal(
                    guest_name='web-01',
                    refusal=model.Refusal(
                        obstacle=model.Obstacle.PAUSED, words='it is <paused>'
                    ),
                ),
            ),
        )
        texts = _Reader(page.render(run)).texts
        for part in ('web-01', 'left alone', 'it is <paused>'):
            self.assertIn(part, texts)
        self.assertIn('1 guest was left alone.', ' '.join(texts))

    def test_empty_run(self) -> None:
        run = saved_run.SavedRun(host='here', policies=())
        reader = _Reader(page.render(run))
        self.assertIn('No policy ended in this run.', reader.texts)
        self.assertNotIn('table', [tag for tag, _ in reader.tags])

    def test_texts_of_a_run_stay_texts(self) -> None:
        plain = _Reader(page.render(_RUN))
        evil = _Reader(page.render(_evil_run()))
        self.assertEqual(
            [tag for tag, _ in plain.tags], [tag for tag, _ in evil.tags]
        )
        self.assertEqual(plain.scripts, evil.scripts)
        self.assertIn(_EVIL, ''.join(evil.texts))

    def test_only_its_own_scripts_may_run(self) -> None:
        reader = _Reader(page.render(_RUN))
        (policy,) = (
            attributes['content']
            for tag, attributes in reader.tags
            if tag == 'meta' and 'http-equiv' in attributes
        )
        assert policy is not None
        self.assertIn("default-src 'none'", policy)
        data, *scripts = reader.scripts
        self.assertEqual(6, len(json.loads(data)['plots']))
        hashes = [_hash(script) for script in scripts]
        self.assertEqual(2, len(hashes))
        self.assertIn(f'script-src {" ".join(hashes)};', policy)

    def test_missing_extra(self) -> None:
        for module, package in (('jinja2', 'Jinja2'), ('plotly', 'plotly')):
            with (
                mock.patch.dict(sys.modules, {module: None}),
                testtools.ExpectedException(
                    exception.ReportExtraMissing,
                    f'the HTML report needs {package}: .*',
                ),
            ):
                page.render(_RUN)

    def test_write(self) -> None:
        folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        path = folder / 'run.html'
        page.write(path, _RUN)
        self.assertEqual(page.render(_RUN), path.read_text('utf-8'))
        with testtools.ExpectedException(exception.OutputNotWritable):
            page.write(folder, _RUN)
