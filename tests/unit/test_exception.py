# SPDX-License-Identifier: Apache-2.0

import re

from nova_balloon_timer import exception
from tests.unit import base

_ALL: list[type[exception.BalloonTimerError]] = [
    kind
    for kind in vars(exception).values()
    if isinstance(kind, type) and issubclass(kind, Exception)
]


class ExceptionTestCase(base.TestCase):
    def test_message_is_one_line_with_its_details(self) -> None:
        for kind in _ALL:
            names = re.findall(r'%\((\w+)\)', kind.msg_fmt)
            error = kind(**{name: f'<{name}>' for name in names})
            for name in names:
                self.assertIn(f'<{name}>', str(error))
            self.assertNotIn('%', str(error).replace('100%', ''))
            self.assertNotIn('\n', str(error))

    def test_every_error_says_something_of_its_own(self) -> None:
        formats = [kind.msg_fmt for kind in _ALL]
        self.assertEqual(len(formats), len(set(formats)))

    def test_details_are_kept_for_whoever_catches_it(self) -> None:
        error = exception.GuestNotFound(guest='web-01')
        self.assertEqual({'guest': 'web-01'}, error.details)
        self.assertEqual("there is no guest 'web-01'", str(error))

    def test_percent_signs_in_details_are_only_text(self) -> None:
        error = exception.InvalidSize(text='100%s%(like)s', like='512M')
        self.assertIn('100%s%(like)s', str(error))

    def test_all_have_one_base(self) -> None:
        for kind in _ALL:
            self.assertTrue(issubclass(kind, exception.BalloonTimerError))

    def test_what_an_applier_raises_has_one_base(self) -> None:
        for kind in (
            exception.GuestNotFound,
            exception.GuestNotRunning,
            exception.TargetRejected,
            exception.GuestBusy,
            exception.HypervisorUnavailable,
            exception.HypervisorDenied,
            exception.HypervisorError,
        ):
            self.assertTrue(issubclass(kind, exception.ApplierError))
