# SPDX-License-Identifier: Apache-2.0
"""Who keeps the clock of a policy; undecided until its guest answers."""

from nova_balloon_timer import model
from nova_balloon_timer import timekeeping

_Mode = timekeeping.Mode


class Clock:
    """What became of the offer to the guest."""

    def __init__(self, balloon_policy: model.BalloonPolicy) -> None:
        self._mode = balloon_policy.mode
        self._timing: timekeeping.Timing | None = None
        if self._mode is _Mode.HOST:
            self._timing = timekeeping.Timing(words=balloon_policy.mode_words)
        self.may_be_in_guest = False

    @property
    def is_undecided(self) -> bool:
        """Tell whether the guest has to be asked, or has not answered yet."""
        return self._timing is None

    @property
    def is_with_guest(self) -> bool:
        """Tell whether the guest keeps it."""
        return self.timing.keeper is _Mode.GUEST

    @property
    def must_be_with_guest(self) -> bool:
        """Tell whether the host must not take its place."""
        return self._mode is _Mode.GUEST

    @property
    def timing(self) -> timekeeping.Timing:
        """Return who keeps it: the host, as long as nothing else is known."""
        return self._timing or timekeeping.Timing()

    def resume(self, timing: timekeeping.Timing | None) -> None:
        """Take over what was decided before this service was started.

        A guest that kept it is asked anew: whether it still does.
        """
        if timing is not None and timing.keeper is _Mode.HOST:
            self._timing = timing

    def offer(self) -> None:
        """Note that the guest may begin at any moment."""
        self.may_be_in_guest = True

    def accept(self) -> None:
        """Note that the guest keeps it."""
        self._timing = timekeeping.Timing(keeper=_Mode.GUEST)

    def decline(self, words: str) -> None:
        """Note that the guest does not, and will not, know of the policy."""
        self.may_be_in_guest = False
        self.take_over(words)

    def take_over(self, words: str) -> None:
        """Have the host keep it, whatever the guest may do."""
        self._timing = timekeeping.Timing(words=words)
