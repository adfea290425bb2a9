# SPDX-License-Identifier: Apache-2.0
"""Name the one way in which the lab fails."""


class LabError(Exception):
    """Say in one line, to a person, what the lab could not do."""
