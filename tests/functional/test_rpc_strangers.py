# SPDX-License-Identifier: Apache-2.0
"""Calls that no client of ours sends, from whoever can reach the bus."""

from typing import Any

from nova_balloon_timer import exception
from nova_balloon_timer.messaging import oslo_messaging
from tests.functional import rpc

_MIB = 'x' * 1024**2
_UUID = '2f1e9a44-6c0b-4f0e-8a57-0d9e8c7b6a51'
_ORDER = {'guest': 'alder', 'target': '50%', 'duration': '2s'}


class StrangerTest(rpc.RPCTest):
    def test_get_typed_errors_and_harm_nothing(self) -> None:
        (alder,) = self.warm('alder')
        running = self.serve(alder)
        stranger = self.raw_client()
        for kind, target, method, arguments in self.calls():
            error = self.assertRaises(
                (exception.BalloonTimerError, oslo_messaging.RemoteError),
                stranger.prepare(**target).call,
                {},
                method,
                **arguments,
            )
            name = type(error).__name__.removesuffix('_Remote')
            seen = getattr(error, 'exc_type', name)
            self.assertEqual(kind, seen, f'{target} {method[:20]}')
        client = self.reach().on(rpc.HOST)
        self.assertEqual(rpc.HOST, self.timed(client.show_host)['host'])
        self.assertEqual([], client.list_policies()['policies'])
        self.assert_unmoved(alder)
        self.assert_sane(running)
        self.assertLess(max(map(len, running.lines)), 2000)

    def calls(
        self,
    ) -> list[tuple[str, dict[str, Any], str, dict[str, Any]]]:
        """Give what is wrong with calls, and how it is told."""
        return [
            ('NoSuchMethod', {}, 'fly', {}),
            ('NoSuchMethod', {}, '_answer', {}),
            ('NoSuchMethod', {}, '__init__', {}),
            ('NoSuchMethod', {}, 'target', {}),
            ('NoSuchMethod', {}, _MIB, {}),
            ('UnsupportedVersion', {'version': '1.1'}, 'show_host', {}),
            ('UnsupportedVersion', {'version': '2.0'}, 'show_host', {}),
            ('InvalidArgument', {'version': None}, 'show_host', {'a': 1}),
            ('InvalidArgument', {'namespace': 'nova'}, 'show_host', {}),
            ('InvalidArgument', {}, 'show_host', {_MIB: 1}),
            ('InvalidArgument', {}, 'show_policy', {}),
            ('InvalidArgument', {}, 'show_policy', {'policy': _MIB}),
            ('InvalidArgument', {}, 'show_policy', {'policy': [_UUID]}),
            ('PolicyNotFound', {}, 'show_policy', {'policy': _UUID}),
            ('PolicyNotFound', {}, 'cancel_policy', {'policy': _UUID}),
            ('InvalidArgument', {}, 'list_guests', {'limit': 1001}),
            ('InvalidArgument', {}, 'list_guests', {'limit': True}),
            ('InvalidArgument', {}, 'list_history', {'guest': '\x1b[2J'}),
            ('InvalidArgument', {}, 'list_history', {'marker': _UUID}),
            ('InvalidArgument', {}, 'create_policy', {}),
            ('InvalidArgument', {}, 'create_policy', {'guest': _MIB}),
            (
                'InvalidArgument',
                {},
                'create_policy',
                {**_ORDER, 'segments': ['1s=75%'] * 10_000},
            ),
            ('InvalidArgument', {}, 'create_policy', {**_ORDER, 'floor': {}}),
            ('InvalidArgument', {}, 'create_policy', {**_ORDER, 'context': 1}),
            ('InvalidSize', {}, 'create_policy', {**_ORDER, 'target': '-1M'}),
            (
                'InvalidDuration',
                {},
                'create_policy',
                {**_ORDER, 'duration': 'for ever'},
            ),
            ('GuestNotFound', {}, 'create_policy', {**_ORDER, 'guest': "';"}),
        ]
