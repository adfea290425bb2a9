# SPDX-License-Identifier: Apache-2.0
"""Policies and reports as the journal keeps them: compressed JSON."""

import dataclasses
import json
from typing import Any
import zlib

from nova_balloon_timer import exception
from nova_balloon_timer import model
from nova_balloon_timer.report import decoding
from nova_balloon_timer.report import encoding
from nova_balloon_timer.report import fields
from nova_balloon_timer.report import saved_run

# Words come from guests, libvirt and operators, in any length.
_LONGEST_WORDS = 4096
_LARGEST_BYTES = 16 * 1024**2
_ERRORS = (exception.BalloonTimerError, zlib.error, ValueError, RecursionError)


def tidy(words: str) -> str:
    """Replace what UTF-8 cannot write, and cut what nobody reads."""
    return words[:_LONGEST_WORDS].encode('utf-8', 'replace').decode('utf-8')


def pack_policy(balloon_policy: model.BalloonPolicy) -> bytes:
    """Encode a policy.

    :raises JournalEntryInvalid: it could not be read back
    :raises ValueError: a number is not finite
    """
    tidied = _tidy_policy(balloon_policy)
    content = encoding.encode_policy(tidied)
    packed = _pack(content)
    unpack_policy(packed, tidied.uuid)
    return packed


def unpack_policy(packed: bytes, uuid: str) -> model.BalloonPolicy:
    """Decode a policy.

    :raises JournalEntryInvalid: with one line that says what is wrong
    """
    try:
        return decoding.decode_policy(_unpack(packed, uuid))
    except _ERRORS as error:
        raise _invalid(uuid, error) from error


def pack_saved_policy(saved: saved_run.SavedPolicy) -> bytes:
    """Encode a policy and how it ended.

    :raises ValueError: a number is not finite
    """
    report = saved.report
    tidied = dataclasses.replace(
        report,
        policy=_tidy_policy(report.policy),
        detail=tidy(report.detail),
        timing=dataclasses.replace(
            report.timing, words=tidy(report.timing.words)
        ),
    )
    return _pack(
        encoding.encode_saved_policy(dataclasses.replace(saved, report=tidied))
    )


def unpack_saved_policy(packed: bytes, uuid: str) -> saved_run.SavedPolicy:
    """Decode a policy and how it ended.

    :raises JournalEntryInvalid: with one line that says what is wrong
    """
    try:
        return decoding.decode_saved_policy(_unpack(packed, uuid))
    except _ERRORS as error:
        raise _invalid(uuid, error) from error


def _tidy_policy(balloon_policy: model.BalloonPolicy) -> model.BalloonPolicy:
    return dataclasses.replace(
        balloon_policy,
        explanation=tidy(balloon_policy.explanation),
        mode_words=tidy(balloon_policy.mode_words),
    )


def _pack(content: dict[str, Any]) -> bytes:
    text = json.dumps(content, allow_nan=False, separators=(',', ':'))
    return zlib.compress(text.encode())


def _unpack(packed: bytes, uuid: str) -> fields.Field:
    text = zlib.decompressobj().decompress(packed, _LARGEST_BYTES)
    return fields.Field(json.loads(text), uuid)


def _invalid(uuid: str, error: Exception) -> exception.JournalEntryInvalid:
    why = str(error)
    if isinstance(error, exception.InvalidRunFile):
        why = str(error.details['why'])
    return exception.JournalEntryInvalid(entry=uuid, why=why)
