# SPDX-License-Identifier: Apache-2.0

import base64
from collections.abc import Callable
import json
from typing import Any, ClassVar

import fixtures
import libvirt
import testscenarios

from nova_balloon_timer import exception
from nova_balloon_timer.appliers.libvirt import guest_agent
from tests.unit import base
from tests.unit.appliers.libvirt import fake

_UUID = base.uuid_of('web-01')


def _error(code: int, message: str = 'so it is') -> libvirt.libvirtError:
    return fake.error(code, message, libvirt.VIR_FROM_QEMU)


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class AgentTestCase(base.TestCase):
    """What an agent answers, command by command; an exception is raised."""

    def setUp(self) -> None:
        super().setUp()
        self.clock = Clock()
        self.agents = guest_agent.Agents(self.clock)
        self.answers: dict[str, Any] = {'guest-file-open': 7}
        self.asked: list[dict[str, Any]] = []
        self.seconds: dict[str, float] = {}
        self.useFixture(
            fixtures.MonkeyPatch('libvirt_qemu.qemuAgentCommand', self._answer)
        )

    def _answer(self, handle: object, order: str, *_: object) -> str:
        asked = json.loads(order)
        self.asked.append(asked)
        name = asked['execute']
        self.clock.now += self.seconds.get(name, 0.0)
        answer = self.answers.get(name, {})
        if isinstance(answer, Exception):
            raise answer
        return (
            answer
            if isinstance(answer, str)
            else json.dumps({'return': answer})
        )

    @property
    def names(self) -> list[str]:
        return [asked['execute'] for asked in self.asked]

    def read(self, *, is_last: bool = False) -> str:
        with (
            self.agents.dialogue(_UUID, None, is_last=is_last) as files,
            files.open('/a', 'r') as file,
        ):
            return file.read()

    def write(self) -> None:
        with (
            self.agents.dialogue(_UUID, None, is_last=False) as files,
            files.open('/a', 'w') as file,
        ):
            file.write('start\n')

    def assert_no_clock(self, why: str, call: Callable[[], object]) -> None:
        error = self.assertRaises(exception.NoGuestClock, call)
        self.assertEqual(why, error.why)


class FileTestCase(AgentTestCase):
    def test_reads(self) -> None:
        content = base64.b64encode(b'abi=1\n').decode()
        self.answers['guest-file-read'] = {'buf-b64': content, 'count': 6}
        self.assertEqual('abi=1\n', self.read())
        self.assertEqual(
            {'path': '/a', 'mode': 'r'}, self.asked[0]['arguments']
        )
        self.assertEqual('guest-file-close', self.names[-1])

    def test_writes_and_flushes(self) -> None:
        self.write()
        self.assertEqual(
            ['open', 'write', 'flush', 'close'],
            [name.removeprefix('guest-file-') for name in self.names],
        )
        written = base64.b64decode(self.asked[1]['arguments']['buf-b64'])
        self.assertEqual(b'start\n', written)

    def test_reads_no_more_than_asked_for(self) -> None:
        content = base64.b64encode(b'x' * 5000).decode()
        self.answers['guest-file-read'] = {'buf-b64': content}
        self.assertEqual(4096, len(self.read()))


class NonsenseTestCase(testscenarios.WithScenarios, AgentTestCase):
    scenarios: ClassVar = [
        ('open', {'command': 'guest-file-open', 'answer': 'not a number'}),
        ('no-json', {'command': 'guest-file-read', 'answer': '<html>'}),
        ('no-return', {'command': 'guest-file-read', 'answer': '{"a": 1}'}),
        ('a-list', {'command': 'guest-file-read', 'answer': '[]'}),
        ('deep', {'command': 'guest-file-read', 'answer': '[' * 9000}),
        ('long', {'command': 'guest-file-read', 'answer': 'x' * 20_000}),
        ('no-buffer', {'command': 'guest-file-read', 'answer': {}}),
        (
            'no-text',
            {'command': 'guest-file-read', 'answer': {'buf-b64': 7}},
        ),
        (
            'no-ascii',
            {'command': 'guest-file-read', 'answer': {'buf-b64': '/w=='}},
        ),
    ]
    command: str
    answer: Any

    def test_is_one_line_and_no_more(self) -> None:
        self.answers[self.command] = self.answer
        self.assert_no_clock('its guest agent talks nonsense', self.read)


class ErrorTestCase(testscenarios.WithScenarios, AgentTestCase):
    """What may have begun a policy, and what cannot have."""

    scenarios: ClassVar = [
        (
            f'{name}-at-{command}',
            {
                'command': f'guest-file-{command}',
                'error': error,
                'why': why,
                'is_refusal': is_refusal,
            },
        )
        for command in ('open', 'write', 'flush')
        for name, error, why, is_refusal in (
            (
                'no-channel',
                _error(libvirt.VIR_ERR_ARGUMENT_UNSUPPORTED),
                'it has no guest agent channel',
                False,
            ),
            (
                'unresponsive',
                _error(libvirt.VIR_ERR_AGENT_UNRESPONSIVE),
                'its guest agent does not answer',
                False,
            ),
            (
                'timeout-of-new-libvirts',
                _error(112),
                'its guest agent does not answer',
                False,
            ),
            (
                'unsynced',
                _error(libvirt.VIR_ERR_AGENT_UNSYNCED),
                'its guest agent does not answer',
                False,
            ),
            (
                'paused',
                _error(libvirt.VIR_ERR_OPERATION_INVALID),
                'it is paused, or does not run',
                False,
            ),
            (
                'refused',
                _error(
                    libvirt.VIR_ERR_INTERNAL_ERROR,
                    'internal error: unable to execute QEMU agent command '
                    "'guest-file-flush': failed: Invalid argument",
                ),
                'its driver does not understand the policy',
                True,
            ),
            (
                'refused-by-new-libvirts',
                _error(113, 'the command x has been disabled'),
                'its guest agent may not open files',
                True,
            ),
            (
                'refused-in-words-of-its-own',
                _error(113, '\x1b[31mdoor closed\nend of file'),
                'its guest agent refuses',
                True,
            ),
        )
    ]
    command: str
    error: libvirt.libvirtError
    why: str
    is_refusal: bool

    def test_silence_is_no_refusal(self) -> None:
        self.answers[self.command] = self.error
        if self.is_refusal or self.command == 'guest-file-open':
            self.assert_no_clock(self.why, self.write)
            return
        error = self.assertRaises(exception.GuestBusy, self.write)
        self.assertEqual(self.why, error.details['why'])
        self.assertEqual('guest-file-close', self.names[-1])


class ConnectionTestCase(AgentTestCase):
    def test_a_libvirtd_that_ends_is_not_the_guests_fault(self) -> None:
        self.answers['guest-file-open'] = fake.error(
            libvirt.VIR_ERR_SYSTEM_ERROR, domain=libvirt.VIR_FROM_RPC
        )
        self.assertRaises(libvirt.libvirtError, self.read)


class PatienceTestCase(AgentTestCase):
    def setUp(self) -> None:
        super().setUp()
        content = base64.b64encode(b'abi=1\n').decode()
        self.answers['guest-file-read'] = {'buf-b64': content}

    def test_a_silent_one_is_left_alone_for_a_while(self) -> None:
        self.answers['guest-file-open'] = _error(
            libvirt.VIR_ERR_AGENT_UNRESPONSIVE
        )
        self.seconds['guest-file-open'] = 5.0
        self.assert_no_clock('its guest agent does not answer', self.read)
        self.assert_no_clock(
            'its guest agent did not answer lately', self.read
        )
        self.assertEqual(1, len(self.asked))
        self.clock.now += 61
        self.assert_no_clock('its guest agent does not answer', self.read)

    def test_in_the_end_it_is_asked_all_the_same(self) -> None:
        self.seconds['guest-file-read'] = 5.0
        self.read()
        self.assert_no_clock(
            'its guest agent did not answer lately', self.read
        )
        self.assertEqual('abi=1\n', self.read(is_last=True))

    def test_one_that_is_quick_to_fail_is_asked_again(self) -> None:
        self.answers['guest-file-open'] = _error(
            libvirt.VIR_ERR_AGENT_UNRESPONSIVE
        )
        for _ in range(3):
            self.assert_no_clock('its guest agent does not answer', self.read)
        self.assertEqual(3, len(self.asked))

    def test_one_that_answers_just_in_time_again_and_again(self) -> None:
        self.seconds = dict.fromkeys(
            ('guest-file-open', 'guest-file-write'), 1.9
        )
        self.assertRaises(exception.GuestBusy, self.write)
        # The file is closed, whatever its patience is.
        self.assertEqual(['guest-file-open', 'guest-file-close'], self.names)

    def test_one_that_is_gone_is_forgotten(self) -> None:
        self.seconds['guest-file-read'] = 5.0
        self.read()
        self.assertEqual([_UUID], self.agents.known())
        self.agents.forget(_UUID)
        self.assertEqual('abi=1\n', self.read())

    def test_no_more_than_four_at_once(self) -> None:
        dialogues = [
            self.agents.dialogue(str(number), None, is_last=False)
            for number in range(4)
        ]
        for dialogue in dialogues:
            dialogue.__enter__()
        self.assert_no_clock(
            'too many guest agents are being asked', self.read
        )
        dialogues[0].__exit__(None, None, None)
        self.assertEqual('abi=1\n', self.read())
