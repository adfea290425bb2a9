# SPDX-License-Identifier: Apache-2.0
"""Read the policy line once more, with nothing in common with the parser.

It is written from the file ABI, for clarity and not for speed.
"""

import errno
import re

LONGEST = 1023
MOST_SEGMENTS = 16
MOST_MS = 86_400_000
MOST = 2**64 - 1
LATEST_MS = 2**63 - 1

_NUMBER = rb'(?:0|[1-9][0-9]*)'
_SEGMENT = rb'%b:%b' % (_NUMBER, _NUMBER)
_VALUES = {
    b'id': rb'[A-Za-z0-9-]{1,64}',
    b'direction': rb'inflate|deflate',
    b'target_kib': _NUMBER,
    b'duration_ms': _NUMBER,
    b'segments': rb'%b(?:,%b){0,15}' % (_SEGMENT, _SEGMENT),
    b'reserve_kib': _NUMBER,
    b'begin_by_ms': _NUMBER,
}
_NEEDED = {b'id', b'direction', b'target_kib', b'duration_ms'}
_START = re.compile(rb'start((?: [a-z_]+=[^ ]+)+)')
_CANCEL = re.compile(rb'cancel id=(%b)' % _VALUES[b'id'])


class Rejected(Exception):
    """Carries the number of the error."""

    def __init__(self, number: int) -> None:
        super().__init__(errno.errorcode[number])
        self.number = number


def normalize(line: bytes) -> bytes:
    """Write an order with its keys in a fixed order.

    :raises Rejected: the line is not valid
    """
    if len(line) > LONGEST:
        raise Rejected(errno.EINVAL)
    text = line.removesuffix(b'\n')
    if _CANCEL.fullmatch(text):
        return text
    values = _values(text)
    segments = [
        (int(ms), int(kib))
        for ms, kib in re.findall(rb'([0-9]+):([0-9]+)', values[b'segments'])
    ]
    _check_ranges(values, segments)
    _check_consistency(values, segments)
    return b' '.join(
        [
            b'start',
            *(
                b'%b=%b' % (key, values[key])
                for key in _VALUES
                if key in _NEEDED
            ),
            *([b'segments=' + values[b'segments']] if segments else []),
            *(
                [b'reserve_kib=' + values[b'reserve_kib']]
                if values[b'reserve_kib'] != b'0'
                else []
            ),
            *(
                [b'begin_by_ms=' + values[b'begin_by_ms']]
                if b'begin_by_ms' in values
                else []
            ),
        ]
    )


def _values(text: bytes) -> dict[bytes, bytes]:
    """Take a start apart, as far as its form goes."""
    match = _START.fullmatch(text)
    if not match:
        raise Rejected(errno.EINVAL)
    pairs = [pair.split(b'=', 1) for pair in match[1].split(b' ')[1:]]
    values = dict(pairs)
    is_well_formed = (
        len(values) == len(pairs)
        and values.keys() >= _NEEDED
        and values.keys() <= _VALUES.keys()
        and all(re.fullmatch(_VALUES[it], values[it]) for it in values)
        and not (
            values[b'direction'] == b'deflate' and b'reserve_kib' in values
        )
    )
    if not is_well_formed:
        raise Rejected(errno.EINVAL)
    return {b'segments': b'', b'reserve_kib': b'0'} | values


def _check_ranges(
    values: dict[bytes, bytes], segments: list[tuple[int, int]]
) -> None:
    sizes = [int(values[b'target_kib']), int(values[b'reserve_kib'])]
    times = [int(values[b'duration_ms'])]
    for ms, kib in segments:
        times.append(ms)
        sizes.append(kib)
    is_far = int(values.get(b'begin_by_ms', b'0')) > LATEST_MS
    if is_far or max(sizes) > MOST or min(times) < 1 or max(times) > MOST_MS:
        raise Rejected(errno.ERANGE)


def _check_consistency(
    values: dict[bytes, bytes], segments: list[tuple[int, int]]
) -> None:
    times = [ms for ms, _ in segments] + [int(values[b'duration_ms'])]
    sizes = [kib for _, kib in segments] + [int(values[b'target_kib'])]
    falls = values[b'direction'] == b'deflate'
    if (
        any(kib % 4 for kib in sizes)
        or times != sorted(set(times))
        or sizes != sorted(sizes, reverse=falls)
    ):
        raise Rejected(errno.EINVAL)
