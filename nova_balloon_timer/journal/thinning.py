# SPDX-License-Identifier: Apache-2.0
"""Which readings of the host are worth keeping."""


class Thinner:
    """Takes few readings while all is well, and many while it is not.

    :param pressing_seconds: between readings while the host is short
    :param calm_seconds: between readings otherwise
    """

    def __init__(
        self, *, pressing_seconds: float = 0.2, calm_seconds: float = 60.0
    ) -> None:
        self._pressing_seconds = pressing_seconds
        self._calm_seconds = calm_seconds
        self._taken_at: float | None = None
        self._was_pressing = False

    def takes(self, at: float, *, is_pressing: bool) -> bool:
        """Tell whether to keep a reading; if so it is taken for kept.

        The first of a new state is kept as soon as the shorter time allows,
        so that it shows when the state changed.
        """
        is_dense = is_pressing or self._was_pressing
        interval = self._pressing_seconds if is_dense else self._calm_seconds
        if self._taken_at is not None and at - self._taken_at < interval:
            return False
        self._taken_at = at
        self._was_pressing = is_pressing
        return True
