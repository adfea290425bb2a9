# SPDX-License-Identifier: Apache-2.0
"""The parser of the policy line: by a table, and beside the reference."""

from collections.abc import Callable, Sequence
import errno
import re

import hypothesis
from hypothesis import strategies as st

from tests.guest import base
from tests.guest import parser
from tests.guest import reference

_FUZZ_SECONDS = 20
_FUZZ_RUNS = 3_000_000
_FUZZ_LEAST_RUNS = 10_000

_START = b'start id=a direction=inflate target_kib=800 duration_ms=90'
_FALL = b'start id=a direction=deflate target_kib=400 duration_ms=90'
_ID = b'Az09-' * 12 + b'1234'
_SIXTEEN = b' segments=' + b','.join(b'%d:4' % (n + 1) for n in range(16))
_PADDED = _START + b' reserve_kib=' + b'1' * (1023 - len(_START) - 13)

_VALID = (
    _START,
    _START + b'\n',
    _FALL,
    _START.replace(b'id=a', b'id=' + _ID),
    _START.replace(b'=800', b'=0'),
    _START.replace(b'=800', b'=18446744073709551612'),
    _START.replace(b'=90', b'=1'),
    _START.replace(b'=90', b'=86400000'),
    _START + b' reserve_kib=0',
    _START + b' reserve_kib=18446744073709551615',
    _START + b' begin_by_ms=0',
    _START + b' begin_by_ms=9223372036854775807',
    _FALL + b' begin_by_ms=1',
    _START + b' segments=1:4',
    _START + b' segments=1:4,2:4,89:800 reserve_kib=7',
    _START + _SIXTEEN,
    _FALL + b' segments=1:404,2:404,89:400',
    b'start duration_ms=90 target_kib=800 direction=inflate id=a',
    b'cancel id=a',
    b'cancel id=' + _ID + b'\n',
)
_EINVAL = (
    b'',
    b'\n',
    b'start',
    b'start ',
    b'stop id=a',
    b'cancel',
    b'cancel ',
    b'cancel id=',
    b'cancel id=a\n\n',
    b'cancel id=a\r\n',
    b'cancel id=a\0',
    b'cancel id=a\0\n',
    b'cancel id=a ',
    b' cancel id=a',
    b'cancel  id=a',
    b'cancel\tid=a',
    b'cancel id=a id=a',
    b'cancel id=a duration_ms=1',
    b'cancelid=a',
    b'CANCEL id=a',
    b'cancel id=' + _ID + b'5',
    b'cancel id=a_b',
    'cancel id=\N{LATIN SMALL LETTER E WITH ACUTE}'.encode(),
    *(_START.replace(word, b'') for word in _START.split(b' ')[1:]),
    *(_START + b' ' + word for word in _START.split(b' ')[1:]),
    *(
        b' '.join(it for it in _START.split(b' ') if it != word)
        for word in _START.split(b' ')
    ),
    _START.replace(b'inflate', b'up'),
    _START.replace(b'inflate', b'inflated'),
    _START.replace(b'inflate', b'Inflate'),
    _START.replace(b'=800', b'='),
    _START.replace(b'=800', b'=+800'),
    _START.replace(b'=800', b'=-4'),
    _START.replace(b'=800', b'=0800'),
    _START.replace(b'=800', b'=00'),
    _START.replace(b'=800', b'=0x20'),
    _START.replace(b'=800', b'=800k'),
    _START.replace(b'=800', b'=801'),
    _START.replace(b'=800', b'=802'),
    _START.replace(b'=800', b'=18446744073709551615'),
    _START.replace(b'=800', b' = 800'),
    _START + b' colour=red',
    _START + b' reserve_kib=1 reserve_kib=1',
    _START + b' begin_by_ms=1 begin_by_ms=1',
    _START + b' begin_by_ms=',
    _START + b' begin_by_ms=-1',
    _START + b' begin_by_ms=01',
    b'cancel id=a begin_by_ms=1',
    _FALL + b' reserve_kib=0',
    _START + b' segments=',
    _START + b' segments=1',
    _START + b' segments=1:',
    _START + b' segments=:4',
    _START + b' segments=1:4,',
    _START + b' segments=,1:4',
    _START + b' segments=1:4;2:4',
    _START + b' segments=1:4 2:4',
    _START + b' segments=1:3',
    _START + b' segments=1:804',
    _START + b' segments=90:4',
    _START + b' segments=91:4',
    _START + b' segments=2:4,2:8',
    _START + b' segments=2:4,1:8',
    _START + b' segments=1:8,2:4',
    _START + _SIXTEEN + b',17:4',
    _FALL + b' segments=1:396',
    _FALL + b' segments=1:400,2:404',
    _PADDED + b'1',
    # What has not the form is not looked at for what is out of range.
    _START.replace(b'=90', b'=0') + b' ',
)
_ERANGE = (
    _START.replace(b'=90', b'=0'),
    _START.replace(b'=90', b'=86400001'),
    _START.replace(b'=90', b'=4294967297'),
    _START.replace(b'=90', b'=18446744073709551617'),
    _START.replace(b'=800', b'=18446744073709551616'),
    _START.replace(b'=800', b'=184467440737095516160'),
    _START + b' reserve_kib=18446744073709551616',
    _START + b' begin_by_ms=9223372036854775808',
    _START + b' begin_by_ms=18446744073709551616',
    _START + b' segments=0:4',
    _START + b' segments=86400001:4',
    _START + b' segments=1:18446744073709551616',
    _PADDED,
    # What is out of range is not looked at for contradictions.
    _START.replace(b'=90', b'=0').replace(b'=800', b'=801'),
)

_ids = st.from_regex(rb'[A-Za-z0-9-]{1,64}', fullmatch=True)
_sizes = st.one_of(
    st.integers(0, 1000).map(lambda n: 4 * n),
    st.integers(0, reference.MOST // 4).map(lambda n: 4 * n),
)
_instants = st.integers(0, reference.LATEST_MS)
_wild = st.one_of(
    st.integers(0, 1000),
    st.sampled_from([reference.MOST_MS + 1, 2**63, 2**64 - 1, 2**64, 2**65]),
)


@st.composite
def _orders(draw: st.DrawFn) -> list[bytes]:
    """Give the words of a valid start, in any order."""
    times = sorted(
        draw(
            st.sets(
                st.one_of(
                    st.integers(1, 100), st.integers(1, reference.MOST_MS)
                ),
                min_size=1,
                max_size=reference.MOST_SEGMENTS + 1,
            )
        )
    )
    falls = draw(st.booleans())
    count = len(times)
    sizes = sorted(
        draw(st.lists(_sizes, min_size=count, max_size=count)), reverse=falls
    )
    words = [
        b'id=' + draw(_ids),
        b'direction=' + (b'deflate' if falls else b'inflate'),
        b'target_kib=%d' % sizes[-1],
        b'duration_ms=%d' % times[-1],
    ]
    pairs = list(zip(times[:-1], sizes[:-1], strict=True))
    if pairs:
        words.append(b'segments=' + b','.join(b'%d:%d' % it for it in pairs))
    if not falls and draw(st.booleans()):
        words.append(b'reserve_kib=%d' % draw(_sizes))
    if draw(st.booleans()):
        words.append(b'begin_by_ms=%d' % draw(_instants))
    return [b'start', *draw(st.permutations(words))]


@st.composite
def _nearly_valid(draw: st.DrawFn) -> bytes:
    """Give a start, or a cancel, with up to three things wrong."""
    words = draw(
        st.one_of(_orders(), _ids.map(lambda it: [b'cancel', b'id=' + it]))
    )
    line = bytearray(b' '.join(words) + draw(st.sampled_from([b'', b'\n'])))
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(0, len(line)))
        until = at + draw(st.integers(0, 3))
        line[at:until] = draw(
            st.one_of(
                st.sampled_from([b'', b' ', b',', b':', b'=', b'\n', b'\0']),
                st.sampled_from([b' id=a', b' reserve_kib=4', b'1:4,']),
                st.just(b' begin_by_ms=4'),
                _wild.map(lambda n: b'%d' % n),
                st.binary(max_size=2),
            )
        )
    return bytes(line)


def _outcome(normalize: Callable[[bytes], bytes], line: bytes) -> str | bytes:
    """Give what is made of a line, or the name of the error."""
    try:
        return normalize(line)
    except reference.Rejected as exc:
        return str(exc)


class PolicyLineTest(base.GuestTest):
    def setUp(self) -> None:
        super().setUp()
        program = self.compile('parse_lines', 'address,undefined')
        self.parser = parser.Parser(program)
        self.addCleanup(self.parser.close)

    def assert_rejected(self, error: int, lines: Sequence[bytes]) -> None:
        """See all of some lines end in one error, and the reference agree."""
        name = errno.errorcode[error]
        for normalize in (reference.normalize, self.parser.normalize):
            outcomes = {line: _outcome(normalize, line) for line in lines}
            self.assertEqual(dict.fromkeys(lines, name), outcomes)

    def assert_agreed(self, line: bytes) -> str | bytes:
        """See the parser and the reference agree, and give what they say."""
        outcome = _outcome(reference.normalize, line)
        self.assertEqual(
            (line, outcome), (line, _outcome(self.parser.normalize, line))
        )
        return outcome

    def test_valid(self) -> None:
        for line in _VALID:
            words = sorted(line.removesuffix(b'\n').split(b' '))
            understood = self.assert_agreed(line)
            assert isinstance(understood, bytes), (understood, line)
            read = sorted(understood.split(b' '))
            self.assertEqual(
                [it for it in words if b'_kib=0' not in it],
                [it for it in read if b'_kib=0' not in it],
            )

    def test_what_has_not_the_form(self) -> None:
        self.assert_rejected(errno.EINVAL, _EINVAL)

    def test_numbers_out_of_range(self) -> None:
        self.assert_rejected(errno.ERANGE, _ERANGE)

    def test_every_beginning_of_a_line(self) -> None:
        line = _START + b' segments=1:4,2:8 reserve_kib=16\n'
        taken = [
            line[:end]
            for end in range(len(line))
            if isinstance(self.assert_agreed(line[:end]), bytes)
        ]

        self.assertEqual(
            [
                b'duration_ms=9',
                b'duration_ms=90',
                b'segments=1:4',
                b'segments=1:4,2:8',
                b'reserve_kib=1',
                b'reserve_kib=16',
            ],
            [it.rpartition(b' ')[2] for it in taken],
        )

    def test_every_byte_in_every_place(self) -> None:
        line = b'start id=a direction=inflate target_kib=4 duration_ms=5'
        for at in range(len(line)):
            for byte in range(256):
                self.assert_agreed(line[:at] + bytes([byte]) + line[at + 1 :])

    @hypothesis.settings(max_examples=1500)
    @hypothesis.given(_orders())
    def test_orders(self, words: list[bytes]) -> None:
        self.assertIsInstance(self.assert_agreed(b' '.join(words)), bytes)

    @hypothesis.settings(max_examples=3000)
    @hypothesis.given(_nearly_valid())
    def test_lines_that_are_nearly_valid(self, line: bytes) -> None:
        hypothesis.event(str(type(self.assert_agreed(line)).__name__))

    @hypothesis.given(st.binary(max_size=1100))
    def test_noise(self, line: bytes) -> None:
        self.assertEqual('EINVAL', self.assert_agreed(line))


class FuzzTest(base.GuestTest):
    def test_fuzz(self) -> None:
        fuzzer = self.compile('fuzz_policy_line', 'fuzzer,address,undefined')
        found = self.folder / 'found'
        found.mkdir()

        said = self.run_well(
            fuzzer,
            f'-max_total_time={_FUZZ_SECONDS}',
            f'-runs={_FUZZ_RUNS}',
            f'-dict={base.FUZZ / "policy_line.dict"}',
            '-max_len=1100',
            '-timeout=5',
            f'-artifact_prefix={self.folder}/',
            found,
            base.FUZZ / 'corpus',
        )

        done = re.search(r'Done ([0-9]+) runs', said)
        assert done is not None, said
        self.assertGreater(int(done[1]), _FUZZ_LEAST_RUNS)
