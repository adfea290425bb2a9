# SPDX-License-Identifier: Apache-2.0
import pathlib

import fixtures
import testtools

from nova_balloon_timer import exception
from nova_balloon_timer.report import output
from tests.unit import base


class TestCheckWritable(base.TestCase):
    def test_a_folder_that_is_there(self) -> None:
        folder = pathlib.Path(self.useFixture(fixtures.TempDir()).path)
        output.check_writable(folder / 'run.json')
        self.assertEqual([], list(folder.iterdir()))

    def test_a_folder_that_is_not_there(self) -> None:
        with testtools.ExpectedException(
            exception.OutputNotWritable, '.*there is no folder /missing'
        ):
            output.check_writable(pathlib.Path('/missing/run.json'))
