# SPDX-License-Identifier: Apache-2.0
"""oslo.messaging, loaded with native threads; import it from here only.

It asks oslo.service for its backend while it is imported, and gets eventlet
unless somebody has chosen before. In a process of Nova's, Nova has.
"""

import logging
import warnings

from oslo_service import backend

# NOTE: it says at INFO what it chose, which is of interest to nobody.
_CHOICES = logging.getLogger(backend.__name__)
_level = _CHOICES.level
_CHOICES.setLevel(logging.WARNING)

backend.register_backend_default_hook(lambda: backend.BackendType.THREADING)
# NOTE: it looks whether eventlet is there, which then says that it is
# deprecated; it is never used.
warnings.filterwarnings('ignore', message='\nEventlet is deprecated')

import oslo_messaging  # noqa: E402
from oslo_messaging import transport  # noqa: E402
from oslo_messaging.rpc import server as rpc_server  # noqa: E402

_CHOICES.setLevel(_level)

__all__ = ('oslo_messaging', 'rpc_server', 'transport')
