# SPDX-License-Identifier: Apache-2.0
"""Whatever comes over the bus, it gets an answer or an error of ours."""

from typing import Any

import hypothesis
from hypothesis import strategies as st
import oslo_messaging

from nova_balloon_timer import exception
from nova_balloon_timer.rpc import endpoint
from tests.unit import base
from tests.unit.agent import desk_world
from tests.unit.rpc import contract

_METHODS = sorted(
    name
    for name, it in vars(endpoint.BalloonTimerEndpoint).items()
    if hasattr(it, 'exposed')
)
_GUESTS = ('web-01', 'web-02', 'paused')
_NAMES = [
    'guest',
    'target',
    'duration',
    'segments',
    'floor',
    'reserve',
    'leash',
    'policy',
    'limit',
    'marker',
    'request_id',
    'self',
    'context',
]

_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=80),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=10,
)
_size = st.from_regex(r'\A[0-9]{1,4}(\.[0-9])?(K|M|G|T|%)\Z') | st.just('0')
_duration = st.from_regex(r'\A[0-9]{1,3}(ms|s|m|h)\Z')
_uuid = st.uuids().map(str)
_likely: dict[str, st.SearchStrategy[Any]] = {
    'guest': st.sampled_from([*_GUESTS, *map(base.uuid_of, _GUESTS)]),
    'target': _size,
    'duration': _duration,
    'segments': st.lists(
        st.builds('{}={}'.format, _duration, _size), max_size=3
    ),
    'floor': _size,
    'reserve': _size,
    'leash': _size,
    'policy': _uuid,
    'limit': st.integers(0, 1001),
    'marker': _uuid,
    'request_id': _uuid,
}
_anything = st.dictionaries(
    st.sampled_from(_NAMES) | st.text(max_size=8), _json, max_size=6
)
_almost_right = st.fixed_dictionaries(
    {}, optional={name: it | _json for name, it in _likely.items()}
)
_orders = st.fixed_dictionaries(
    {name: _likely[name] for name in ('guest', 'target', 'duration')},
    optional={
        name: _likely[name]
        for name in ('segments', 'floor', 'reserve', 'leash')
    },
)


class FuzzTestCase(desk_world.DeskTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.start()
        self.add_known('web-01', rate_mib_per_second=100)
        self.add_known('web-02')
        self.add_known('paused', refusals=(base.make_refusal(),))
        self.reported: list[Any] = []
        self.endpoint = endpoint.BalloonTimerEndpoint(
            self.desk,
            lambda request_id, host: self.reported.append(host),
            host='compute1',
        )

    def check(self, method: str, given: dict[str, Any]) -> None:
        """See a call answered as it may be."""
        try:
            answer = self.timed(
                lambda: getattr(self.endpoint, method)({}, **given)
            )
        except oslo_messaging.ExpectedException as expected:
            error = expected.exc_info[1]
            self.assertIsInstance(error, exception.BalloonTimerError)
            self.assertNotIsInstance(error, exception.AgentFailed)
            self.assertTrue(str(error).isprintable(), str(error))
            self.assertLess(len(str(error)), 500)
            contract.written(error.kwargs)
        else:
            if method == 'report_host':
                self.assertIsNone(answer)
            else:
                self.assertEqual(answer, contract.written(answer))
        self.assert_unharmed()

    @hypothesis.given(st.sampled_from(_METHODS), _anything)
    @hypothesis.settings(max_examples=300)
    def test_anything(self, method: str, given: dict[str, Any]) -> None:
        self.check(method, given)

    @hypothesis.given(st.sampled_from(_METHODS), _almost_right)
    @hypothesis.settings(max_examples=300)
    def test_what_is_almost_right(
        self, method: str, given: dict[str, Any]
    ) -> None:
        self.check(method, given)

    @hypothesis.given(
        st.sampled_from(['create_policy', 'preview_policy']), _orders
    )
    @hypothesis.settings(max_examples=200)
    def test_orders(self, method: str, given: dict[str, Any]) -> None:
        self.check(method, given)
        for guest in self.host.applier.guests.values():
            for target_kib in guest.targets_kib:
                self.assertTrue(0 < target_kib <= base.GIB)
