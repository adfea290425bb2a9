# SPDX-License-Identifier: Apache-2.0
"""Notifications, put together: who makes, keeps and sends them."""

from collections.abc import Callable
import functools
import pathlib

from oslo_config import cfg
from oslo_log import log as logging
from oslo_utils import uuidutils

from nova_balloon_timer import exception
from nova_balloon_timer.agent import surroundings as agent_surroundings
from nova_balloon_timer.journal import instant
from nova_balloon_timer.journal import letterbox
from nova_balloon_timer.journal import reader as journal_reader
from nova_balloon_timer.journal import writer as journal_writer
from nova_balloon_timer.notifier import announcer as notifier_announcer
from nova_balloon_timer.notifier import bus as notifier_bus
from nova_balloon_timer.notifier import direct
from nova_balloon_timer.notifier import letter
from nova_balloon_timer.notifier import payload
from nova_balloon_timer.notifier import sender as notifier_sender

LOG = logging.getLogger(__name__)


class Mail:
    """An agent's notifications; nothing where none are configured.

    :param is_dry_run: nothing that would be told is true
    :raises BusUnavailable: the configuration names no bus that there is
    """

    def __init__(
        self,
        conf: cfg.ConfigOpts,
        surroundings: agent_surroundings.Surroundings,
        *,
        is_dry_run: bool = False,
    ) -> None:
        self._instance_of = surroundings.instance_of
        self._clock = instant.HostClock()
        self._progress_seconds = conf.balloon_timer.progress_seconds
        self._sender: notifier_sender.Sender | None = None
        self._bus: notifier_bus.MessageBus | None = None
        self.encode: letter.Encode | None = None
        self._why_not = (
            'this is a dry run'
            if is_dry_run
            else '[oslo_messaging_notifications] driver names none'
        )
        if notifier_bus.is_enabled(conf) and not is_dry_run:
            self._bus = surroundings.make_bus(conf)
            self.encode = functools.partial(
                payload.encode, host=conf.host, utc_at=self._clock.utc_at
            )

    @property
    def is_enabled(self) -> bool:
        """Tell whether notifications are sent."""
        return self._bus is not None

    def counts(self) -> notifier_sender.Status | None:
        """Tell how the sending goes; None where nothing is sent."""
        return None if self._sender is None else self._sender.status()

    def make_announcer(
        self, name_of: Callable[[str], str], journal: journal_writer.Journal
    ) -> notifier_announcer.Announcer | None:
        """Make what the crank asks; None where nothing is sent.

        :param journal: in which pressure may be open
        """
        if self._bus is None:
            return None
        announcer = notifier_announcer.Announcer(
            name_of=name_of,
            make_uuid=uuidutils.generate_uuid,
            progress_seconds=self._progress_seconds,
            instance_of=self._instance_of,
        )
        try:
            left = journal.host_subjects()
        except exception.JournalError as error:
            LOG.error('What was told of the host is not known: %s', error)
            return announcer
        for told in left:
            announcer.resume_pressure(told.subject_uuid, told.sequence)
        return announcer

    def start(
        self, journal: journal_writer.Journal, path: pathlib.Path
    ) -> None:
        """Send what is in a journal, and what comes into it."""
        if self._bus is None or self.encode is None:
            LOG.info('No notifications are sent: %s', self._why_not)
            return
        self._sender = notifier_sender.Sender(
            letterbox.Letterbox(
                journal, journal_reader.Reader(path, clock=self._clock)
            ),
            self._bus,
            direct.DirectLetters(self.encode, self._clock.utc_us),
        )
        journal.connect(self._sender)
        self._sender.start()

    def close(self, timeout_seconds: float) -> None:
        """Send what is there, as far as there is time, and end."""
        if self._sender is not None:
            self._sender.close(timeout_seconds)
