# SPDX-License-Identifier: Apache-2.0
"""oslo.versionedobjects, which loads oslo.messaging; import it from here."""

# NOTE: first, so that oslo.messaging is loaded in our way.
from nova_balloon_timer import messaging  # noqa: F401

# isort: split
from oslo_versionedobjects import base
from oslo_versionedobjects import exception
from oslo_versionedobjects import fields

__all__ = ('base', 'exception', 'fields')
