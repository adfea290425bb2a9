# SPDX-License-Identifier: Apache-2.0

import threading
from typing import Any

import fixtures
import oslo_messaging
from oslo_messaging._drivers import common as messaging_common
import testscenarios

from nova_balloon_timer import exception
from nova_balloon_timer.rpc import endpoint
from nova_balloon_timer.rpc import view
from tests.unit import base
from tests.unit.rpc import factory

_UUID = factory.POLICY
_ORDER = {'guest': 'web-01', 'target': '50%', 'duration': '2s'}


class EndpointTestCase(base.TestCase):
    def setUp(self) -> None:
        super().setUp()
        self.log = self.useFixture(fixtures.FakeLogger())
        self.desk = factory.Desk()
        self.meter = factory.Meter()
        self.reported: list[tuple[str, view.Json]] = []
        self.made = endpoint.BalloonTimerEndpoint(
            self.desk,
            lambda request_id, host: self.reported.append((request_id, host)),
            host='compute1',
            meter=self.meter,
        )

    def call(self, method: str, **given: Any) -> Any:
        return getattr(self.made, method)({}, **given)

    def error(self, method: str, **given: Any) -> exception.BalloonTimerError:
        """Return what the caller sees."""
        expected = self.assertRaises(
            oslo_messaging.ExpectedException, self.call, method, **given
        )
        error: exception.BalloonTimerError = expected.exc_info[1]
        return error


class MethodTestCase(testscenarios.WithScenarios, EndpointTestCase):
    scenarios = [
        (
            method,
            {'method': method, 'given': given, 'asked': (method, *asked)},
        )
        for method, given, asked in (
            ('list_policies', {}, (100, None)),
            ('list_policies', {'limit': 5, 'marker': _UUID}, (5, _UUID)),
            ('show_policy', {'policy': _UUID.upper()}, (_UUID,)),
            ('cancel_policy', {'policy': _UUID}, (_UUID,)),
            ('show_host', {}, ()),
            ('list_guests', {'limit': 1000}, (1000, None)),
            ('list_history', {}, (100, None, None)),
            (
                'list_history',
                {'limit': 1, 'marker': _UUID, 'guest': 'web-01'},
                (1, _UUID, 'web-01'),
            ),
            ('show_history', {'policy': _UUID}, (_UUID,)),
            ('list_events', {'limit': None}, (100,)),
        )
    ]
    method: str
    given: dict[str, Any]
    asked: tuple[Any, ...]

    def test_asks_the_desk(self) -> None:
        answer = self.call(self.method, **self.given)
        self.assertEqual(self.method, answer['method'])
        self.assertEqual([self.asked], self.desk.asked)
        self.assertEqual([(self.method, '')], self.meter.told)

    def test_takes_no_other_argument(self) -> None:
        error = self.error(self.method, **self.given, context='any')
        self.assertIn('context: ', str(error))
        self.assertEqual([], self.desk.asked)
        self.assertEqual([(self.method, 'InvalidArgument')], self.meter.told)


class OrderTestCase(EndpointTestCase):
    def test_is_parsed_before_the_desk_is_asked(self) -> None:
        for method in ('create_policy', 'preview_policy'):
            self.desk.asked.clear()
            self.call(method, **_ORDER, segments=['1s=75%'])
            ((asked, guest, wanted),) = self.desk.asked
            self.assertEqual((method, 'web-01'), (asked, guest))
            self.assertEqual('50%', wanted.target)
            self.assertEqual(((1.0, '75%'),), wanted.segments)

    def test_what_makes_no_sense_is_not_asked_for(self) -> None:
        for given in ({}, _ORDER | {'target': '5'}, _ORDER | {'guest': None}):
            self.error('create_policy', **given)
        self.assertEqual([], self.desk.asked)


class PublicTestCase(EndpointTestCase):
    def test_these_and_no_others_can_be_called(self) -> None:
        policy = oslo_messaging.ExplicitRPCAccessPolicy()
        exposed = {
            name
            for name in dir(self.made)
            if policy.is_allowed(self.made, name)
        }
        self.assertEqual(
            {
                'create_policy',
                'preview_policy',
                'list_policies',
                'show_policy',
                'cancel_policy',
                'show_host',
                'list_guests',
                'list_history',
                'show_history',
                'list_events',
                'report_host',
            },
            exposed,
        )

    def test_the_history_of_versions_names_them(self) -> None:
        history = endpoint.BalloonTimerEndpoint.__doc__ or ''
        for name in dir(endpoint.Desk):
            if not name.startswith('_'):
                self.assertIn(name, history)
        self.assertEqual(endpoint.VERSION, self.made.target.version)


class ReportTestCase(EndpointTestCase):
    def test_is_sent_and_not_answered(self) -> None:
        self.assertIsNone(self.call('report_host', request_id=_UUID))
        ((request_id, host),) = self.reported
        self.assertEqual(_UUID, request_id)
        self.assertEqual('show_host', host['method'])
        self.assertEqual([('report_host', '')], self.meter.told)

    def test_a_question_without_a_number_is_nobody_s(self) -> None:
        self.error('report_host', request_id='any')
        self.assertEqual([], self.reported)


class TroubleTestCase(EndpointTestCase):
    def fail_with(self, error: Exception) -> None:
        def fail() -> view.Json:
            raise error

        self.desk.answers['show_host'] = fail

    def test_errors_of_ours_are_told_to_the_caller_alone(self) -> None:
        busy = exception.AgentBusy(why='it thinks')
        self.fail_with(busy)
        self.assertIs(busy, self.error('show_host'))
        self.assertEqual([('show_host', 'AgentBusy')], self.meter.told)
        self.assertEqual('', self.log.output)

    def test_where_they_came_from_is_not_told(self) -> None:
        def fail() -> view.Json:
            try:
                raise OSError('a secret of the disk')
            except OSError as error:
                raise exception.AgentBusy(why='it thinks') from error

        self.desk.answers['show_host'] = fail
        expected = self.assertRaises(
            oslo_messaging.ExpectedException, self.call, 'show_host'
        )
        wire = messaging_common.serialize_remote_exception(expected.exc_info)
        self.assertIn('it thinks', wire)
        self.assertNotIn('secret', wire)
        self.assertNotIn('File', wire)

    def test_a_defect_is_logged_once_and_told_in_a_line(self) -> None:
        self.fail_with(RuntimeError('one\ntwo'))
        error = self.error('show_host')
        self.assertIs(exception.AgentFailed, type(error))
        self.assertEqual(
            "the agent of host 'compute1' failed: RuntimeError: one",
            str(error),
        )
        self.assertIn('The call show_host failed', self.log.output)
        self.assertEqual(1, self.log.output.count('Traceback'))
        self.assertEqual([('show_host', 'AgentFailed')], self.meter.told)

    def test_a_meter_that_fails_costs_no_answer(self) -> None:
        self.meter.told = None  # type: ignore[assignment]
        self.assertEqual('show_host', self.call('show_host')['method'])
        self.assertIn('could not be counted', self.log.output)

    def test_it_need_not_be_measured(self) -> None:
        made = endpoint.BalloonTimerEndpoint(
            self.desk, lambda request_id, host: None, host='compute1'
        )
        answer = made.show_host({})
        self.assertEqual({'host': 'compute1', 'method': 'show_host'}, answer)

    def test_no_more_are_worked_on_than_can_be(self) -> None:
        over = threading.Event()
        self.addCleanup(over.set)
        begun = threading.Semaphore(0)

        def wait() -> view.Json:
            begun.release()
            over.wait(base.PATIENCE_SECONDS)
            return {}

        self.desk.answers['list_events'] = wait
        callers = [
            threading.Thread(target=self.call, args=('list_events',))
            for _ in range(8)
        ]
        for caller in callers:
            caller.start()
        for _ in callers:
            self.assertTrue(begun.acquire(timeout=base.PATIENCE_SECONDS))
        self.assertIn('at once', str(self.error('show_host')))
        over.set()
        for caller in callers:
            caller.join(base.PATIENCE_SECONDS)
        self.assertEqual('show_host', self.call('show_host')['method'])

    def test_after_its_close_nothing_is_asked(self) -> None:
        self.made.is_closed = True
        self.assertIn('about to end', str(self.error('show_host')))
        self.assertEqual([], self.desk.asked)
