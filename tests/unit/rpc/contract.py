# SPDX-License-Identifier: Apache-2.0
"""The keys of the answers of version 1.0; callers rely on them."""

import json
from typing import Any


def _keys(text: str) -> frozenset[str]:
    return frozenset(text.split())


POLICY_KEYS = _keys("""
    uuid guest_uuid guest_name direction origin mode explanation start_kib
    target_kib maximum_kib duration_seconds segments floor_kib reserve_kib
    leash_kib leash_seconds state requested_at started_at deadline_at
    elapsed_seconds left_seconds actual_kib moved_kib usable_kib rss_kib
    held_by timed_by timing_words end
""")
END_KEYS = _keys("""
    reason detail ended_at actual_end_kib moved_kib freed_kib duration_seconds
    lateness_seconds moved_after_deadline_kib confirmed guest_report
""")
GUEST_REPORT_KEYS = _keys("""
    reason start_kib target_kib reached_kib moved_kib elapsed_seconds
    lateness_seconds moved_after_deadline_kib allocation_failures
""")
PAST_KEYS = _keys("""
    uuid guest_uuid guest_name origin direction start_kib target_kib end_kib
    freed_kib reason detail started_at ended_at lateness_seconds timed_by
    timing_words
""")
GUEST_KEYS = _keys("""
    uuid name maximum_kib actual_kib usable_kib rss_kib floor_kib reserve_kib
    could_take_kib could_free_kib priority refusals left_alone
    rate_kib_per_second cooperation policy_uuid instance
""")
HOST_KEYS = _keys("""
    host version started_at is_short words total_kib available_kib
    low_watermark_kib high_watermark_kib stalled_share fall_kib_per_second
    exhaustion_seconds guests policies relief_kib connection_uri applier
    planner pressure_sources journal notifications
""")
PREVIEW_KEYS = _keys("""
    policy refusal could_take_kib could_free_kib expected
""")
EXPECTED_KEYS = _keys("""
    reason detail actual_end_kib freed_kib duration_seconds
""")


def written(answer: dict[str, Any]) -> dict[str, Any]:
    """Return an answer as it arrives."""
    arrived: dict[str, Any] = json.loads(json.dumps(answer, allow_nan=False))
    return arrived
