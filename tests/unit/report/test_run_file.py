# SPDX-License-Identifier: Apache-2.0
import copy
import json
import pathlib
from typing import Any

import fixtures
import hypothesis
from hypothesis import strategies as st
import testtools

from nova_balloon_timer import exception
from nova_balloon_timer.report import encoding
from nova_balloon_timer.report import run_file
from nova_balloon_timer.report import saved_run
from tests.unit import base
from tests.unit.report import course_examples
from tests.unit.report import examples
from tests.unit.report import strategies

_RUN = examples.make_run()
_WATCHED = course_examples.make_run()
_GUEST_REPORT = encoding.encode_guest_report(base.make_guest_report())
_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(), max_size=10)
    | st.sampled_from(['', '\ud800', 'x' * 70_000, 10**400, 1e308, -1]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=5,
)


def _shortened() -> dict[str, Any]:
    content = encoding.encode(_RUN)
    content['course'] = encoding.encode(_WATCHED)['course']
    del content['course']['points'][2:]
    for policy in content['policies']:
        del policy['curve'][2:]
    return content


_SHORT = _shortened()


def _places(value: object, place: tuple[Any, ...] = ()) -> list[Any]:
    """List every place in a JSON value."""
    found = [place]
    if isinstance(value, dict):
        for name, inner in value.items():
            found += _places(inner, (*place, name))
    if isinstance(value, list):
        for index, inner in enumerate(value[:2]):
            found += _places(inner, (*place, index))
    return found


def _replaced(value: Any, place: tuple[Any, ...], new: object) -> Any:
    if not place:
        return new
    value = copy.copy(value)
    value[place[0]] = _replaced(value[place[0]], place[1:], new)
    return value


class RunFileTestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        self.path = self.folder / 'run.json'

    def content(self) -> dict[str, Any]:
        run_file.save(self.path, _RUN)
        content: dict[str, Any] = json.loads(self.path.read_bytes())
        return content


class TestSave(RunFileTestCase):
    def test_real_run_comes_back_as_it_was(self) -> None:
        run_file.save(self.path, _RUN)
        self.assertEqual(_RUN, run_file.load(self.path))

    def test_the_host_comes_back_as_it_was(self) -> None:
        run_file.save(self.path, _WATCHED)
        self.assertEqual(_WATCHED, run_file.load(self.path))
        course = json.loads(self.path.read_bytes())['course']
        self.assertEqual(
            {
                'at': '2026-05-04T09:30:05.000000+00:00',
                'kind': 'pressure-started',
                'words': 'available memory 1020 MiB is below the low '
                'watermark 1024 MiB',
            },
            course['marks'][0],
        )
        self.assertEqual(1024**2, course['low_watermark_kib'])

    @hypothesis.given(run=strategies.runs())
    def test_any_run_comes_back_as_it_was(
        self, run: saved_run.SavedRun
    ) -> None:
        run_file.save(self.path, run)
        self.assertEqual(run, run_file.load(self.path))

    def test_units_are_in_the_names(self) -> None:
        content = self.content()
        self.assertEqual(
            {'schema_version', 'host', 'policies', 'refusals', 'course'},
            set(content),
        )
        policy = content['policies'][1]
        self.assertEqual('web-01', policy['guest_name'])
        self.assertEqual(
            '2026-05-04T09:30:12.250000+00:00', policy['started_at']
        )
        self.assertEqual(
            '2026-05-04T09:30:14.250000+00:00', policy['deadline_at']
        )
        self.assertEqual(2097152, policy['end']['actual_start_kib'])
        self.assertEqual(
            {
                'at_seconds',
                'actual_kib',
                'target_kib',
                'usable_kib',
                'rss_kib',
            },
            set(policy['curve'][0]),
        )

    def test_nothing_else_is_left_beside_it(self) -> None:
        run_file.save(self.path, _RUN)
        run_file.save(self.path, _RUN)
        self.assertEqual([self.path], list(self.folder.iterdir()))

    def test_it_is_as_private_as_any_new_file(self) -> None:
        run_file.save(self.path, _RUN)
        other = self.folder / 'other'
        other.touch()
        self.assertEqual(other.stat().st_mode, self.path.stat().st_mode)

    def test_a_link_stays_a_link(self) -> None:
        link = self.folder / 'link.json'
        link.symlink_to(self.path)
        run_file.save(link, _RUN)
        self.assertTrue(link.is_symlink())
        self.assertEqual(_RUN, run_file.load(self.path))

    def test_unwritable_paths(self) -> None:
        paths = [
            self.folder,
            self.folder / 'missing' / 'run.json',
            pathlib.Path('/dev/null'),
            self.folder / 'nul\0',
            pathlib.Path('/proc/run.json'),
        ]
        for path in paths:
            with testtools.ExpectedException(
                exception.OutputNotWritable, '.*cannot be written: .+'
            ):
                run_file.save(path, _RUN)
        self.assertTrue(pathlib.Path('/dev/null').is_char_device())

    def test_a_failed_write_leaves_the_old_file(self) -> None:
        self.path.write_text('old')
        self.useFixture(
            fixtures.MockPatch(
                'os.fsync',
                autospec=True,
                side_effect=OSError(28, 'No space left on device'),
            )
        )
        with testtools.ExpectedException(
            exception.OutputNotWritable, '.*: No space left on device'
        ):
            run_file.save(self.path, _RUN)
        self.assertEqual('old', self.path.read_text())
        self.assertEqual([self.path], list(self.folder.iterdir()))


class TestLoad(RunFileTestCase):
    def complaint(self, content: bytes | dict[str, Any]) -> str:
        if isinstance(content, dict):
            content = json.dumps(content).encode()
        self.path.write_bytes(content)
        error = self.assertRaises(
            exception.InvalidRunFile, run_file.load, self.path
        )
        prefix = f'{self.path} is not a saved run: '
        self.assertTrue(str(error).startswith(prefix), error)
        self.assertEqual(1, len(str(error).splitlines()))
        return str(error).removeprefix(prefix)

    def complaint_about(self, new: object, *place: str | int) -> str:
        return self.complaint(_replaced(self.content(), place, new))

    def test_missing_file(self) -> None:
        with testtools.ExpectedException(
            exception.InvalidRunFile, '.*No such file or directory'
        ):
            run_file.load(self.path)

    def test_folder(self) -> None:
        with testtools.ExpectedException(
            exception.InvalidRunFile, '.*Is a directory'
        ):
            run_file.load(self.folder)

    def test_endless_file(self) -> None:
        self.useFixture(
            fixtures.MonkeyPatch(
                'nova_balloon_timer.report.run_file._LARGEST_BYTES', 2**20
            )
        )
        with testtools.ExpectedException(
            exception.InvalidRunFile, '.*larger than 1 MiB'
        ):
            run_file.load(pathlib.Path('/dev/zero'))

    def test_not_json(self) -> None:
        for content in (b'', b'<html>', b'\xff\xfe\xfa', b'{"host": NaN}'):
            self.assertIn('not JSON', self.complaint(content))
        self.assertIn('too deeply', self.complaint(b'[' * 1_000_000))
        self.assertIn('not JSON', self.complaint(b'1' * 10_000))

    def test_wrong_version(self) -> None:
        self.assertEqual(
            'schema_version is 1; this release reads only 2',
            self.complaint_about(1, 'schema_version'),
        )

    def test_missing_field(self) -> None:
        content = self.content()
        del content['policies'][2]['end']['reason']
        self.assertEqual(
            "policies[2].end has no 'reason'", self.complaint(content)
        )
        self.assertEqual(
            "the file has no 'schema_version'", self.complaint({})
        )

    def test_wrongly_typed_fields(self) -> None:
        for new, place, why in (
            ([], ('host',), 'is a list, not a text'),
            ('x', ('policies',), "is 'x', not a list"),
            (1, ('policies', 0, 'end'), 'is 1, not an object'),
            (True, ('policies', 0, 'target_kib'), 'is true, not a whole'),
            (1.5, ('policies', 0, 'target_kib'), 'is 1.5, not a whole'),
            (-1, ('policies', 0, 'target_kib'), 'is -1, not between'),
            (10**400, ('policies', 0, 'target_kib'), 'is a huge number'),
            (None, ('policies', 0, 'leash', 'lead_seconds'), 'is null'),
            ('yes', ('policies', 0, 'end', 'confirmed'), "is 'yes', not true"),
            ('boredom', ('policies', 0, 'end', 'reason'), "is 'boredom', not"),
            ('noon', ('policies', 0, 'started_at'), "is 'noon', not an ISO"),
            ('\ud800', ('host',), 'is not valid Unicode'),
            ('x' * 70_000, ('host',), 'is longer than 65536 characters'),
            ([{}] * 10_001, ('policies',), 'has 10001 entries'),
        ):
            complaint = self.complaint_about(new, *place)
            self.assertIn(why, complaint)
            self.assertIn(str(place[-1]), complaint)

    def test_impossible_timings(self) -> None:
        content = self.content()
        content['policies'][0]['end']['guest_report'] = _GUEST_REPORT
        for new, place, why in (
            ('auto', ('timing', 'keeper'), 'is auto, which keeps no clock'),
            ('me', ('timing', 'keeper'), "is 'me', not one of host, guest"),
            (1, ('timing', 'words'), 'is 1, not a text'),
            ('bored', ('guest_report', 'reason'), "is 'bored', not one of"),
            (-1, ('guest_report', 'reached_kib'), 'is -1, not between'),
            (-0.1, ('guest_report', 'elapsed_seconds'), 'not between'),
            (-1, ('guest_report', 'allocation_failures'), 'not between'),
            ([], ('guest_report',), 'is a list, not an object'),
        ):
            where = ('policies', 0, 'end', *place)
            complaint = self.complaint(_replaced(content, where, new))
            self.assertIn(why, complaint)
            self.assertIn('.'.join(map(str, place)), complaint)

    def test_impossible_courses(self) -> None:
        content = encoding.encode(_WATCHED)
        early = '2026-05-04T09:30:00.000000+00:00'
        for new, place, why in (
            (-1, ('total_kib',), 'is -1, not between'),
            (None, ('low_watermark_kib',), 'is null'),
            (0.5, ('points', 0, 'available_kib'), 'is 0.5, not a whole'),
            ('rain', ('marks', 0, 'kind'), "is 'rain', not one of pressure-"),
            (7, ('marks', 0, 'words'), 'is 7, not a text'),
            ('noon', ('marks', 0, 'at'), "is 'noon', not an ISO"),
            (early, ('marks', 2, 'at'), 'are not in the order'),
            (early, ('points', 9, 'at'), 'are not in the order'),
            ([{}] * 10_001, ('marks',), 'has 10001 entries'),
            ([], (), 'is a list'),
        ):
            complaint = self.complaint(
                _replaced(content, ('course', *place), new)
            )
            self.assertIn(why, complaint)
            self.assertTrue(complaint.startswith('course'), complaint)

    def test_infinity(self) -> None:
        content = json.dumps(self.content()).encode()
        self.assertIn(
            'duration_seconds is inf',
            self.complaint(
                content.replace(
                    b'"duration_seconds": 1.0,', b'"duration_seconds": 1e999,'
                )
            ),
        )

    def test_impossible_instants(self) -> None:
        for instant, why in (
            ('2026-05-04T09:30:00.000000', 'not an instant in UTC'),
            ('2026-05-04T09:30:00.000000+02:00', 'not an instant in UTC'),
            ('2020-05-04T09:30:00.000000+00:00', "before the policy's start"),
            ('9999-05-04T09:30:00.000000+00:00', 'long after'),
        ):
            complaint = self.complaint_about(
                instant, 'policies', 0, 'deadline_at'
            )
            self.assertIn(why, complaint)

    def test_instants_may_end_with_z(self) -> None:
        text = self.content()['policies'][0]['deadline_at']
        self.path.write_text(
            self.path.read_text().replace(text, text[:-6] + 'Z')
        )
        self.assertEqual(_RUN, run_file.load(self.path))

    def test_duration_contradicts_the_instants(self) -> None:
        self.assertIn(
            'end.duration_seconds is not the time from',
            self.complaint_about(
                77.0, 'policies', 0, 'end', 'duration_seconds'
            ),
        )

    def test_impossible_policy(self) -> None:
        self.assertIn(
            'policies[0] is no possible policy: the duration must be above',
            self.complaint_about(0, 'policies', 0, 'duration_seconds'),
        )

    @hypothesis.settings(max_examples=300)
    @hypothesis.given(data=st.data())
    def test_whatever_stands_there(self, data: st.DataObject) -> None:
        content = _SHORT
        place = data.draw(st.sampled_from(_places(content)))
        content = _replaced(content, place, data.draw(_JSON))
        self.path.write_text(json.dumps(content))
        try:
            run_file.load(self.path)
        except exception.InvalidRunFile as error:
            self.assertEqual(1, len(str(error).splitlines()))
