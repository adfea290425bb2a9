# SPDX-License-Identifier: Apache-2.0
"""A run that is over, as it is kept: the ends of its policies, in UTC."""

from collections.abc import Iterable, Mapping
import dataclasses
import datetime
import enum

from nova_balloon_timer import model

# NOTE: the file keeps microseconds, so a run has no finer ones either;
# what is loaded is then equal to what was saved.
_DECIMALS = 6


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class WallClock:
    """An instant on our monotonic clock, and what the wall clock said then.

    :param utc: with its time zone
    """

    monotonic_at: float
    utc: datetime.datetime

    def utc_at(self, at: float) -> datetime.datetime:
        """Turn a monotonic instant into UTC."""
        elapsed = datetime.timedelta(seconds=at - self.monotonic_at)
        return (self.utc + elapsed).astimezone(datetime.timezone.utc)


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SavedPolicy:
    """How one policy ended.

    :param started_at: UTC
    :param report: its instants are counted from the policy's start
    """

    guest_name: str
    started_at: datetime.datetime
    report: model.EndReport


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SavedRefusal:
    """A guest that was left alone, and why."""

    guest_name: str
    refusal: model.Refusal


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class HostPoint:
    """A host's memory at one instant, UTC."""

    at: datetime.datetime
    available_kib: int


class MarkKind(enum.Enum):
    """What happened on the host."""

    PRESSURE_STARTED = 'pressure-started'
    PRESSURE_ENDED = 'pressure-ended'
    RELIEF_PLANNED = 'relief-planned'
    RELIEF_CORRECTED = 'relief-corrected'
    FOREIGN_CHANGE = 'foreign-change'


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """An event on the host, UTC, in words."""

    at: datetime.datetime
    kind: MarkKind
    words: str


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class HostCourse:
    """How the host's memory went, while an agent looked after it.

    :param points: the oldest first
    :param marks: likewise
    """

    total_kib: int
    low_watermark_kib: int
    high_watermark_kib: int
    points: tuple[HostPoint, ...]
    marks: tuple[Mark, ...] = ()


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class SavedRun:
    """What happened on a host: its policies in the order of their ends.

    :param course: None where only policies were watched
    """

    host: str
    policies: tuple[SavedPolicy, ...]
    refusals: tuple[SavedRefusal, ...] = ()
    course: HostCourse | None = None


def from_reports(
    reports: Iterable[model.EndReport],
    *,
    guest_names: Mapping[str, str],
    host: str,
    wall_clock: WallClock,
    refusals: Mapping[str, model.Refusal] | None = None,
) -> SavedRun:
    """Make a run out of the reports of one process.

    :param refusals: by the UUIDs of the guests that were left alone
    :param guest_names: by UUID; a guest that has none is called by its UUID
    """
    policies = []
    for report in reports:
        guest_uuid = report.policy.guest_uuid
        policies.append(
            SavedPolicy(
                guest_name=_clean(guest_names.get(guest_uuid, guest_uuid)),
                started_at=wall_clock.utc_at(report.started_at),
                report=_from_start(report),
            )
        )
    return SavedRun(
        host=_clean(host),
        policies=tuple(policies),
        refusals=tuple(
            SavedRefusal(
                guest_name=_clean(guest_names.get(guest_uuid, guest_uuid)),
                refusal=dataclasses.replace(
                    refusal, words=_clean(refusal.words)
                ),
            )
            for guest_uuid, refusal in (refusals or {}).items()
        ),
    )


def _from_start(report: model.EndReport) -> model.EndReport:
    """Count a report's instants from the start of its policy."""
    started_at = report.started_at
    lateness_seconds = report.lateness_seconds
    if lateness_seconds is not None:
        lateness_seconds = round(lateness_seconds, _DECIMALS)
    return dataclasses.replace(
        report,
        policy=dataclasses.replace(
            report.policy,
            explanation=_clean(report.policy.explanation),
            mode_words=_clean(report.policy.mode_words),
        ),
        timing=dataclasses.replace(
            report.timing, words=_clean(report.timing.words)
        ),
        detail=_clean(report.detail),
        started_at=0.0,
        deadline_at=round(report.deadline_at - started_at, _DECIMALS),
        ended_at=round(report.ended_at - started_at, _DECIMALS),
        lateness_seconds=lateness_seconds,
        curve=tuple(
            dataclasses.replace(
                point, at=round(point.at - started_at, _DECIMALS)
            )
            for point in report.curve
        ),
    )


def _clean(text: str) -> str:
    """Replace what UTF-8 cannot write: halves of surrogate pairs."""
    return text.encode('utf-8', 'replace').decode('utf-8')
