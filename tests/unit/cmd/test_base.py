# SPDX-License-Identifier: Apache-2.0

import argparse
import logging
from typing import cast

from cliff import app
from cliff import command
from cliff import commandmanager
import fixtures
import testscenarios

from nova_balloon_timer import exception
from nova_balloon_timer.cmd import base as cmd_base
from tests.unit import base

MIB = base.MIB


class _App:
    """As much of cliff's App as a command needs here."""

    LOG = logging.getLogger('tests.unit.cmd')
    command_manager = commandmanager.CommandManager('tests.unit.cmd')


class _Raising(cmd_base.OneLineErrors, command.Command):
    """Raises what it is told to."""

    error: Exception | None = None

    def take_action(self, parsed_args: argparse.Namespace) -> None:
        if self.error is not None:
            raise self.error


def _run(error: Exception | None, exit_code: int = 0) -> int:
    raising = _Raising(
        cast('app.App', _App()), argparse.Namespace(), cmd_name='do'
    )
    raising.error = error
    raising.exit_code = exit_code
    return raising.run(argparse.Namespace())


class ExitCodeTestCase(testscenarios.WithScenarios, base.TestCase):
    scenarios = [
        (type(error).__name__, {'error': error, 'code': code})
        for error, code in (
            (exception.InvalidSize(text='x', like='1M'), 2),
            (exception.InvalidDuration(text='x'), 2),
            (exception.InvalidSegment(text='x'), 2),
            (exception.InvalidPolicy(why='because'), 2),
            (exception.GuestNotFound(guest='x'), 1),
            (exception.HypervisorUnavailable(uri='x', why='because'), 1),
            (exception.HypervisorDenied(uri='x', why='because'), 1),
            (exception.ApplierNotFound(name='x', known='y'), 1),
            (exception.OutputNotWritable(path='x', why='because'), 1),
        )
    ]
    error: exception.BalloonTimerError
    code: int

    def test_follows_from_the_error(self) -> None:
        log = self.useFixture(fixtures.FakeLogger())
        self.assertEqual(self.code, _run(self.error))
        self.assertEqual(f'do: {self.error}\n', log.output)


class OneLineErrorsTestCase(base.TestCase):
    def test_a_defect_is_not_told_in_one_line(self) -> None:
        self.assertRaises(ZeroDivisionError, _run, ZeroDivisionError())

    def test_all_well_is_zero(self) -> None:
        self.assertEqual(0, _run(None))

    def test_a_command_may_set_its_own(self) -> None:
        self.assertEqual(3, _run(None, exit_code=3))


class FigureTestCase(base.TestCase):
    def test_is_a_number_for_people_and_programs(self) -> None:
        figure = cmd_base.Figure(1.5)
        self.assertEqual('1.5', figure.human_readable())
        self.assertEqual(1.5, figure.machine_readable())

    def test_unknown_is_not_zero(self) -> None:
        figure = cmd_base.Figure(None)
        self.assertEqual('-', figure.human_readable())
        self.assertIsNone(figure.machine_readable())

    def test_sizes_are_in_mib_to_a_tenth(self) -> None:
        for size_kib, mib in (
            (None, None),
            (0, 0.0),
            (512 * MIB, 512.0),
            (MIB + 512, 1.5),
            (100, 0.1),
            (-MIB, -1.0),
        ):
            figure = cmd_base.in_mib(size_kib)
            self.assertEqual(mib, figure.machine_readable())

    def test_a_sample_gives_its_sizes_if_there_is_one(self) -> None:
        told = cmd_base.attribute_in_mib(base.make_sample(), 'usable_kib')
        self.assertEqual(800.0, told.machine_readable())
        told = cmd_base.attribute_in_mib(None, 'usable_kib')
        self.assertIsNone(told.machine_readable())
