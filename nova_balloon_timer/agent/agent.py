# SPDX-License-Identifier: Apache-2.0
"""Everything that looks after a host, put together, started and stopped."""

from collections.abc import Callable
import contextlib
import functools
import pathlib
import threading
import time

from oslo_config import cfg
from oslo_log import log as logging
from oslo_utils import uuidutils

from nova_balloon_timer import exception
from nova_balloon_timer import manager
from nova_balloon_timer import message
from nova_balloon_timer import question
from nova_balloon_timer import situation
from nova_balloon_timer.agent import chorus
from nova_balloon_timer.agent import configured
from nova_balloon_timer.agent import crank as agent_crank
from nova_balloon_timer.agent import gate as agent_gate
from nova_balloon_timer.agent import lock as agent_lock
from nova_balloon_timer.agent import mail as agent_mail
from nova_balloon_timer.agent import narrator
from nova_balloon_timer.agent import reception
from nova_balloon_timer.agent import resumption as agent_resumption
from nova_balloon_timer.agent import server as agent_server
from nova_balloon_timer.agent import surroundings as agent_surroundings
from nova_balloon_timer.appliers import loader as applier_loader
from nova_balloon_timer.appliers import pool as applier_pool
from nova_balloon_timer.controller import machine as controller_machine
from nova_balloon_timer.journal import reader as journal_reader
from nova_balloon_timer.journal import retention as journal_retention
from nova_balloon_timer.journal import writer as journal_writer
from nova_balloon_timer.metrics import metrics as agent_metrics
from nova_balloon_timer.planners import loader as planner_loader
from nova_balloon_timer.pressure import base as pressure_base
from nova_balloon_timer.pressure import lookout as pressure_lookout
from nova_balloon_timer.pressure import scope as pressure_scope
from nova_balloon_timer.rpc import transport as rpc_transport

LOG = logging.getLogger(__name__)

# Shares of the two seconds in which a stop has to be over; the journal also
# gets what the others left.
_STOP_SECONDS = 1.8
_FREEZE_SECONDS = 1.1
_RESTORE_SECONDS = 0.2
_FLUSH_SECONDS = 0.1
_MAIL_SECONDS = 0.2
_JOURNAL_SECONDS = 0.2

# How long a reload waits for the controller.
_RELOAD_SECONDS = 1.0

_DRY_RUN = 'noop'


def check(conf: cfg.ConfigOpts) -> None:
    """Find out whether an agent can be made of a configuration.

    :raises BalloonTimerError: naming what is wrong
    """
    options = conf.balloon_timer
    configured.controller_settings_of(options)
    planner_loader.load(options.planner)
    pressure_lookout.Lookout(
        options.pressure_sources, configured.pressure_settings(options)
    )
    applier_loader.load(options.applier, options.connection_uri)
    if rpc_transport.is_configured(conf):
        rpc_transport.make(conf)


class Agent:
    """Relieves this host and returns what was taken, until it is stopped.

    :param on_death: called if the thread dies that meets the deadlines
    """

    def __init__(
        self,
        conf: cfg.ConfigOpts,
        surroundings: agent_surroundings.Surroundings | None = None,
        on_death: Callable[[], None] = manager.end_process,
    ) -> None:
        self._conf = conf
        self._surroundings = surroundings or agent_surroundings.Surroundings()
        self._on_death = on_death
        self._options = conf.balloon_timer
        self._state_path = pathlib.Path(self._options.state_path)
        self._is_dry_run = self._options.applier == _DRY_RUN
        if self._is_dry_run:
            # NOTE: what it learns and leaves behind was never real.
            self._state_path /= 'dry-run'
        self._journal_path = self._state_path / 'journal.sqlite'
        self._mail = agent_mail.Mail(
            conf, self._surroundings, is_dry_run=self._is_dry_run
        )
        self._lock = agent_lock.HostLock(self._state_path / 'agent.lock')
        self._connection_lock = agent_lock.ConnectionLock(
            '' if self._is_dry_run else self._options.connection_uri
        )
        self._stopping = threading.Event()
        self._lookout: pressure_lookout.Lookout | None = None
        self._thread: threading.Thread | None = None
        self._servers: list[agent_server.Server] = []

    def start(self) -> None:
        """Begin; what ran when the agent before ended goes on.

        :raises BalloonTimerError: it cannot; nothing runs then
        """
        # NOTE: until the very end, or what has begun could not be stopped.
        with contextlib.ExitStack() as undo:
            self._open(undo)
            self._begin(undo)
            undo.pop_all()

    def _open(self, undo: contextlib.ExitStack) -> None:
        """Have all that is needed at hand; nothing is done with it yet."""
        options = self._options
        self._lock.acquire()
        undo.callback(self._lock.release)
        self._connection_lock.acquire()
        undo.callback(self._connection_lock.release)
        self._metrics = agent_metrics.make(options)
        self._metrics.open()
        undo.callback(self._metrics.close)
        self._journal = self._open_journal()
        undo.callback(self._journal.close, _JOURNAL_SECONDS)
        self._applier = self._metrics.metered(
            self._surroundings.make_applier(self._conf)
        )
        undo.callback(self._applier.close)
        most_workers = self._surroundings.most_workers
        self._pool = applier_pool.WorkerPool(
            size=min(options.workers, most_workers),
            most=min(options.max_workers, most_workers),
            on_start=self._applier.connect,
            on_stop=self._applier.disconnect,
        )
        undo.callback(self._pool.close)
        self._crank = self._make_crank()

    def _begin(self, undo: contextlib.ExitStack) -> None:
        undo.callback(self._stopping.set)
        resumption = agent_resumption.Resumption(
            self._journal, self._crank, self._stopping
        )
        # NOTE: before anybody can say that the host has recovered.
        resumption.begin()
        self._lookout, gate = self._start_lookout(
            configured.pressure_settings(self._options)
        )
        undo.callback(self._lookout.close)
        gate.open()
        self._applier.watch(self._crank.post)
        undo.callback(self._surroundings.close)
        self._surroundings.open(self._crank.post)
        # NOTE: before there is anything to tell.
        undo.callback(self._mail.close, _MAIL_SECONDS)
        self._mail.start(self._journal, self._journal_path)
        resumption.go_on()
        undo.callback(self._stop_crank)
        self._start_crank()
        self._serve()

    def _start_crank(self) -> None:
        self._thread = threading.Thread(
            target=functools.partial(
                manager.run_or_end, self._crank.run, self._on_death
            ),
            name='balloon-crank',
            daemon=True,
        )
        self._thread.start()

    def _stop_crank(self) -> None:
        self._crank.stop()
        if self._thread is not None and self._thread.ident is not None:
            self._thread.join(_FREEZE_SECONDS)
            if self._thread.is_alive():
                LOG.warning('Some balloons could not be seen to stop in time')
        self._thread = None

    def stop(self) -> None:
        """Freeze what is under way, and end within two seconds."""
        if self._thread is None:
            return
        until = time.monotonic() + _STOP_SECONDS
        self._stopping.set()
        self._surroundings.close()
        for server in self._servers:
            server.close()
        self._stop_crank()
        self._restore_statistics()
        self._journal.flush(_FLUSH_SECONDS)
        self._mail.close(_MAIL_SECONDS)
        left_seconds = until - time.monotonic()
        self._journal.close(max(_JOURNAL_SECONDS, left_seconds))
        if self._lookout is not None:
            self._lookout.close()
        self._pool.close()
        self._applier.close()
        self._connection_lock.release()
        self._lock.release()

    def reload(self) -> None:
        """Take the options that changed; what makes no sense is not taken."""
        words = ''
        try:
            self._reload()
        except (exception.BalloonTimerError, cfg.Error, ValueError) as error:
            words = ' '.join(str(error).split())
        # NOTE: not while the error is at hand: the log would repeat it.
        if words:
            LOG.error('The configuration is not changed: %s', words)
            return
        LOG.info('The configuration was read again')

    def _reload(self) -> None:
        settings = configured.controller_settings_of(self._options)
        planner = planner_loader.load(self._options.planner)
        # NOTE: the new ones first, so that somebody always watches; what they
        # see counts only once the controller has taken its part.
        lookout, gate = self._start_lookout(
            configured.pressure_settings(self._options)
        )
        try:
            self._call(
                lambda: self._crank.controller.reload(settings, planner)
            )
        except BaseException:
            lookout.close()
            raise
        if self._lookout is not None:
            self._lookout.close()
        self._lookout = lookout
        gate.open()

    def _call(self, function: Callable[[], None]) -> None:
        """Have the crank's thread call a function, and wait for its outcome.

        :raises InvalidConfiguration: it failed, or was not called in time
        """
        try:
            question.call(self._crank.call, function, _RELOAD_SECONDS)
        except question.NotAnsweredError as error:
            raise exception.InvalidConfiguration(
                why='the controller does not answer'
            ) from error
        except exception.BalloonTimerError:
            raise
        except Exception as error:
            LOG.exception('The controller failed')
            raise exception.InvalidConfiguration(
                why=f'the controller failed: {error}'
            ) from error

    def _make_crank(self) -> agent_crank.HostCrank:
        now = time.monotonic()
        controller = controller_machine.Controller(
            configured.controller_settings_of(self._options),
            planner_loader.load(self._options.planner),
            make_uuid=uuidutils.generate_uuid,
            now=now,
            utc_offset=time.time() - now,
            remembered=self._remembered(),
        )
        return agent_crank.HostCrank(
            self._applier,
            self._pool,
            chorus.Chorus(
                narrator.Narrator(controller.roster.name_of),
                *self._metrics.observers,
                *self._surroundings.observers,
            ),
            controller=controller,
            journal=self._journal,
            announcer=self._mail.make_announcer(
                controller.roster.name_of, self._journal
            ),
        )

    def _open_journal(self) -> journal_writer.Journal:
        return journal_writer.Journal(
            self._journal_path,
            retention=journal_retention.Retention(
                days=self._options.journal_days,
                policies=self._options.journal_policies,
            ),
            encode=self._mail.encode,
            most_letters=self._options.notification_backlog,
        )

    def _serve(self) -> None:
        self._servers = self._make_servers()
        for server in self._servers:
            server.start()

    def _make_servers(self) -> list[agent_server.Server]:
        servers: list[agent_server.Server] = [
            *self._metrics.servers(
                self._crank, self._pool, self._journal, self._mail.counts
            )
        ]
        if self._is_dry_run:
            # NOTE: calls would come to it that are meant for an agent which
            # runs beside it.
            LOG.info('No RPC is served: this is a dry run')
            return servers
        if not rpc_transport.is_configured(self._conf):
            LOG.info('No transport_url is configured: no RPC is served')
            return servers
        server = reception.make_server(
            self._conf,
            crank=self._crank,
            applier=self._applier,
            pool=self._pool,
            journal=self._journal,
            reader=journal_reader.Reader(self._journal_path),
            count_notifications=self._mail.counts,
            meter=self._metrics.rpc,
        )
        return [*servers, server]

    def _start_lookout(
        self, settings: pressure_base.PressureSettings
    ) -> tuple[pressure_lookout.Lookout, agent_gate.Gate]:
        lookout = pressure_lookout.Lookout(
            self._options.pressure_sources, settings
        )
        _check_watermarks(settings)
        gate = agent_gate.Gate(self._take_reading)
        lookout.start(gate.take)
        return lookout, gate

    def _take_reading(self, reading: situation.PressureReading) -> None:
        self._crank.post(message.PressureRead(reading=reading))

    def _remembered(self) -> dict[str, situation.GuestTraits]:
        try:
            return self._journal.traits()
        except exception.JournalError as error:
            LOG.error('What was learned of guests is not known: %s', error)
            return {}

    def _restore_statistics(self) -> None:
        """Set the guests' statistics back as far as there is time for it."""
        until = time.monotonic() + _RESTORE_SECONDS
        restored = threading.Semaphore(0)
        records = list(self._crank.controller.roster)

        def restore(guest_uuid: str) -> None:
            try:
                if time.monotonic() < until:
                    self._applier.restore_statistics(guest_uuid)
            finally:
                restored.release()

        for record in records:
            self._pool.submit(
                record.guest.uuid,
                functools.partial(restore, record.guest.uuid),
            )
        for _ in records:
            left_seconds = until - time.monotonic()
            if not restored.acquire(timeout=max(0.0, left_seconds)):
                break


def _check_watermarks(settings: pressure_base.PressureSettings) -> None:
    """See that the watermarks fit this host; not every source asks for them.

    :raises InvalidConfiguration: they do not
    """
    try:
        memory = pressure_scope.find(settings).read(time.monotonic())
    except exception.PressureUnavailable:
        # The sources say so, if they need it.
        return
    settings.watermarks.of(memory.total_kib)
