# SPDX-License-Identifier: Apache-2.0
"""How quickly available memory falls; pure."""

import collections
import statistics

_WINDOW_SECONDS = 3.0

# At rest there are few looks in a window; three tell a direction, as long as
# they are not from another time.
_FEWEST_LOOKS = 3
_OLDEST_SECONDS = 15.0


class Trend:
    """The line that fits the looks of the last three seconds best.

    NOTE: two looks 0.1 s apart tell next to nothing: a program that takes
    100 MiB and ends would be 1 GiB a second. Over 3 s it is a tenth of that,
    and a real fall shows half of its rate after a second and a half.
    """

    def __init__(self) -> None:
        self._looks: collections.deque[tuple[float, int]] = collections.deque()

    def add(self, at: float, available_kib: int) -> None:
        """Take a look; one that is not later than the last is left out."""
        looks = self._looks
        if looks and at <= looks[-1][0]:
            return
        looks.append((at, available_kib))
        while len(looks) > _FEWEST_LOOKS and at - looks[0][0] > (
            _WINDOW_SECONDS
        ):
            looks.popleft()
        while at - looks[0][0] > _OLDEST_SECONDS:
            looks.popleft()

    def clear(self) -> None:
        """Forget all looks: what comes does not compare with them."""
        self._looks.clear()

    def fall_kib_per_second(self) -> float | None:
        """Return the rate of fall; negative where memory grows.

        :returns: None as long as there is but one look
        """
        if len(self._looks) < 2:
            return None
        ats, kibs = zip(*self._looks, strict=True)
        return 0.0 - statistics.linear_regression(ats, kibs).slope
