# SPDX-License-Identifier: Apache-2.0
"""Tests; this file is run before any of them imports oslo.messaging."""

from nova_balloon_timer import messaging  # noqa: F401
