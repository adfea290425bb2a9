# SPDX-License-Identifier: Apache-2.0
"""Inside Nova: the only package of ours that knows Nova.

nova-compute loads ``monitor``, nova-api loads ``validators``; nothing else
imports from here.
"""
