# SPDX-License-Identifier: Apache-2.0
"""Every error that this project raises, each named after its condition."""


class BalloonTimerError(Exception):
    """Base of all our errors; a subclass sets ``msg_fmt``."""

    msg_fmt = 'An unknown error occurred.'

    def __init__(self, **details: object) -> None:
        # NOTE: no positional arguments, so that oslo.messaging, which calls
        # the class with ``args`` and ``kwargs``, makes an equal one of it on
        # the other side.
        super().__init__()
        self.details = details
        self._words = self.msg_fmt % details

    def __str__(self) -> str:
        return self._words

    @property
    def kwargs(self) -> dict[str, str | int | float | None]:
        """Return the details as they go over the message bus."""
        return {
            name: value
            if value is None or isinstance(value, str | int | float)
            else str(value)
            for name, value in self.details.items()
        }


class InvalidSize(BalloonTimerError):
    msg_fmt = (
        "'%(text)s' is not a size: write a number and a unit, as %(like)s"
    )


class InvalidDuration(BalloonTimerError):
    msg_fmt = (
        "'%(text)s' is not a duration: write a number above zero and a unit, "
        'as 500ms, 2s or 1m30s'
    )


class InvalidSegment(BalloonTimerError):
    msg_fmt = "'%(text)s' is not a segment: write TIME=SIZE, as 1s=768M"


class InvalidPolicy(BalloonTimerError):
    msg_fmt = '%(why)s'


class InvalidExtraSpec(BalloonTimerError):
    msg_fmt = "the extra spec %(name)s is '%(text)s': %(why)s"


class InvalidConfiguration(BalloonTimerError):
    msg_fmt = 'the configuration is not valid: %(why)s'


class InvalidScenario(BalloonTimerError):
    msg_fmt = '%(source)s: %(why)s'


class InvalidRunFile(BalloonTimerError):
    msg_fmt = '%(source)s is not a saved run: %(why)s'


class OutputNotWritable(BalloonTimerError):
    msg_fmt = '%(path)s cannot be written: %(why)s'


class InvalidArgument(BalloonTimerError):
    msg_fmt = '%(name)s: %(why)s'


class PolicyNotFound(BalloonTimerError):
    msg_fmt = 'there is no policy %(uuid)s, neither under way nor over'


class PolicyNotLive(BalloonTimerError):
    msg_fmt = 'policy %(uuid)s is not under way: it has ended by %(reason)s'


class GuestRefused(BalloonTimerError):
    msg_fmt = 'guest %(guest)s is left alone: %(why)s'


class AgentBusy(BalloonTimerError):
    msg_fmt = 'the agent is there but does not get round to it: %(why)s'


class BusNotConfigured(BalloonTimerError):
    msg_fmt = (
        'no message bus is configured: transport_url is set neither in '
        "nova-balloon-timer.conf nor in nova.conf; 'apply' and 'guest list "
        "--local' need none"
    )


class BusUnavailable(BalloonTimerError):
    msg_fmt = 'the message bus cannot be used: %(why)s'


class BusBroken(BusUnavailable):
    """What was being sent may have arrived all the same."""

    msg_fmt = 'the message bus failed in the middle of a call: %(why)s'


class HostNotAnswering(BalloonTimerError):
    msg_fmt = (
        "no agent answered for host '%(host)s' within %(seconds)s s: is it "
        'running, and is that its name on the message bus?'
    )


class AgentFailed(BalloonTimerError):
    msg_fmt = "the agent of host '%(host)s' failed: %(why)s"


class MetricsNotServable(BalloonTimerError):
    msg_fmt = 'metrics cannot be served at %(where)s: %(why)s'


class IllegalTransition(BalloonTimerError):
    msg_fmt = 'state %(state)s does not allow %(trigger)s'


class Interrupted(BalloonTimerError):
    msg_fmt = 'ended by %(by)s before any balloon was moved'


class ApplierNotFound(BalloonTimerError):
    msg_fmt = "there is no applier '%(name)s'; installed are: %(known)s"


class PlannerNotFound(BalloonTimerError):
    msg_fmt = "there is no planner '%(name)s'; installed are: %(known)s"


class PressureSourceNotFound(BalloonTimerError):
    msg_fmt = (
        "there is no pressure source '%(name)s'; installed are: %(known)s"
    )


class PressureUnavailable(BalloonTimerError):
    msg_fmt = 'the host cannot be watched: %(why)s'

    @property
    def why(self) -> str:
        """Return what is missing, without that it is."""
        return str(self.details['why'])


class ReportExtraMissing(BalloonTimerError):
    msg_fmt = (
        'the HTML report needs %(package)s: '
        'pip install nova-balloon-timer[report]'
    )


class ApplierError(BalloonTimerError):
    """Base of what can go wrong between us and a guest's hypervisor."""

    msg_fmt = 'guest %(guest)s: %(why)s'


class GuestNotFound(ApplierError):
    msg_fmt = "there is no guest '%(guest)s'"


class GuestNotRunning(ApplierError):
    msg_fmt = 'guest %(guest)s is not running, or has no balloon: %(why)s'


class TargetRejected(ApplierError):
    msg_fmt = 'guest %(guest)s: the hypervisor rejects the target: %(why)s'


class GuestBusy(ApplierError):
    msg_fmt = 'guest %(guest)s: its hypervisor does not answer: %(why)s'


class HypervisorUnavailable(ApplierError):
    msg_fmt = '%(uri)s cannot be reached: %(why)s'


class HypervisorDenied(ApplierError):
    msg_fmt = '%(uri)s refuses us: %(why)s'


class HypervisorError(ApplierError):
    msg_fmt = 'guest %(guest)s: the hypervisor reports: %(why)s'


class NoGuestClock(ApplierError):
    """The guest's driver cannot keep a policy's clock, or does not know it."""

    msg_fmt = 'guest %(guest)s cannot keep the clock: %(why)s'

    @property
    def why(self) -> str:
        """Return what is missing, without whose it is."""
        return str(self.details['why'])


class JournalError(BalloonTimerError):
    """Base of what can go wrong with what is kept on disk."""

    msg_fmt = 'the journal: %(why)s'


class JournalNotReadable(JournalError):
    msg_fmt = 'the journal %(path)s cannot be read: %(why)s'


class JournalNotWritable(JournalError):
    msg_fmt = 'the journal %(path)s cannot be written: %(why)s'


class JournalEntryInvalid(JournalError):
    msg_fmt = "the journal's entry %(entry)s is not valid: %(why)s"


class PolicyNotInJournal(JournalError):
    msg_fmt = 'the journal has no policy %(uuid)s that has ended'


class PolicyAlreadyEnded(JournalError):
    msg_fmt = 'policy %(uuid)s has ended already: it ends only once'


class AgentRunning(BalloonTimerError):
    msg_fmt = 'another agent, process %(holder)s, holds %(path)s'


class InvalidTrace(BalloonTimerError):
    msg_fmt = '%(source)s is not a trace of a host: %(why)s'
