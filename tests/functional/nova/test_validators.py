# SPDX-License-Identifier: Apache-2.0

from nova import exception as nova_exception
from nova.api.validation.extra_specs import base
import testtools

from nova_balloon_timer import exception
from nova_balloon_timer.nova import extra_specs
from nova_balloon_timer.nova import validators

_TEXTS = (
    *('', ' ', 'true', 'True', 'yes', 'on', 'off', 'no', 'f', 'maybe'),
    *('0', '1', '2', '15', '16', ' 16 ', '1_6', '+16', '-16', '16.0'),
    *('99', '100', '101', '2147483647', '2147483648', '9' * 5000),
    *('0.0', '0.01', '0.001', '.5', '5.', '99.99', '1e1', 'nan', 'inf'),
    *('50%', '5G', '1\n', '\u0663', '\uff11', '\u00b2', '\x00'),
)


class ValidatorsTest(testtools.TestCase):
    """What nova-api lets pass is what nova-compute understands."""

    def test_nova_refuses_exactly_what_is_not_understood(self) -> None:
        found = {it.name: it for it in validators.register()}
        self.assertEqual(
            {
                extra_specs.ENABLED,
                extra_specs.MIN_MB,
                extra_specs.MIN_PERCENT,
                extra_specs.PRIORITY,
                extra_specs.MAX_STEP_MB,
                extra_specs.GUEST_CLOCK,
            },
            found.keys(),
        )
        for name, validator in found.items():
            verdicts = [_is_let_pass(validator, name, it) for it in _TEXTS]
            self.assertEqual({True, False}, set(verdicts), name)
            for text, is_let_pass in zip(_TEXTS, verdicts, strict=True):
                self.assertEqual(
                    is_let_pass,
                    _is_understood(name, text),
                    f'{name}={text[:40]!r}',
                )


def _is_let_pass(
    validator: base.ExtraSpecValidator, name: str, text: str
) -> bool:
    try:
        validator.validate(name, text)
    except nova_exception.ValidationError:
        return False
    return True


def _is_understood(name: str, text: str) -> bool:
    try:
        extra_specs.parse({name: text})
    except exception.InvalidExtraSpec:
        return False
    return True
