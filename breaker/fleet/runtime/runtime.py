"""Runtime: the thread by which this process is a member of a fleet."""

import random
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Final

from breakerd.breaker.breaker import BREAKERS, Breaker
from breakerd.breaker.clock import CLOCK
from breakerd.breaker.errors import ConfigError
from breakerd.breaker.events.events import Event, Transition
from breakerd.breaker.fleet.hub.factory import make_hub
from breakerd.breaker.fleet.hub.protocol import Hub
from breakerd.breaker.fleet.runtime.identity import settings_digest
from breakerd.breaker.fleet.runtime.meetings import Meetings
from breakerd.breaker.fleet.runtime.modes_file import ModesFile
from breakerd.breaker.fleet.runtime.session import Breakers, Session
from breakerd.breaker.fleet.runtime.topics import Offer, Topics
from breakerd.breaker.fleet.settings.fleet_settings import FleetSettings
from breakerd.breaker.fleet.settings.hub_address import HubKind
from breakerd.breaker.fork import ProcessLock, renew_after_fork
from breakerd.breaker.logging import get_logger
from breakerd.breaker.runtime.ticker import TICKER
from breakerd.breaker.states import OPEN

_log = get_logger(__name__)

LOOK: Final = 0.1
"""Seconds between two looks for what should not wait for the end of the interval."""
_END_LIMIT: Final = 1.5
"""Maximum seconds that the end waits for the last exchange."""
_RETRY_TIME: Final = 5.0
"""Seconds after which a thread that could not be started is tried again."""
_NOT_STARTED: Final = "not started yet: it starts with the first call"
_NO_THREAD: Final = "its thread does not run"


class FleetRuntime:
    """Membership of this process in the fleet that `[fleet]` names. Thread-safe, and safe to fork.

    With the hub `none` it has no thread, and does nothing. A forked child is a member of its own
    from its own start on.

    Args:
        breakers: breakers of the process.
        settings: `[fleet]`.
        database: file of alerting; the hub's file lies beside it.
        modes: file that keeps the operators' modes on this host.
        chance: returns a random number from 0 up to 1: the phase of the exchanges.
        open_hub: makes the hub; for tests.
        looks_on: True for a process that commands and shows others, and counts as none of them as
            long as it has no calls of its own.
    """

    def __init__(
        self,
        breakers: Breakers,
        settings: FleetSettings,
        database: Path,
        modes: Path,
        *,
        chance: Callable[[], float] = random.random,
        open_hub: Callable[[FleetSettings, Path], Hub | None] = make_hub,
        looks_on: bool = False,
    ) -> None:
        self._breakers = breakers
        self._wanted = settings
        self._database = database
        self._modes = ModesFile(modes)
        self._chance = chance
        self._open_hub = open_hub
        self._looks_on = looks_on
        self.on_look: Callable[[float], None] = _ignore_look
        """Called on the thread at each look, with the time of a clock that does not jump."""
        self.topics = Topics()
        """Entries that all processes share."""
        self._lock = ProcessLock()
        self._session: Session | None = None
        self._inherited: Session | None = None
        """Session of the process that this one was forked from."""
        self._incarnation = 0
        self._problem = ""
        self._started = False
        self._begun = False
        """True once it was started, or closed, in this process."""
        self._begin()
        breakers.subscribe(self._on_event)
        renew_after_fork(self)

    def _begin(self) -> None:
        self._thread: threading.Thread | None = None
        self._stopping = threading.Event()
        self._wake = threading.Event()
        self._meetings = Meetings()

    # --- lifecycle

    def start(self) -> None:
        """Start in this process; no effect if it runs, or if there is no hub.

        The modes that this host remembers are in force when it returns. It waits for no hub.
        """
        with self._lock:
            self._started = True
            try:
                self._start_session()
            finally:
                self._begun = True

    def _start_session(self) -> None:
        if self._inherited is not None:
            inherited, self._inherited = self._inherited, None
            inherited.abandon()
        if self._wanted.address.kind is HubKind.NONE or self._alive or BREAKERS.taken_over:
            return
        self._stopping = threading.Event()
        self._wake.clear()
        self._session = self._open()
        if self._session is not None:
            self._session.apply_modes()
        self._start_thread()

    def close(self) -> None:
        """Leave the fleet, and end; takes at most about 1.5 s. No effect if it does not run."""
        with self._lock:
            self._started, self._begun = False, True
            TICKER.discard(self)
            thread, self._thread = self._thread, None
            self._stopping.set()
            self._wake.set()
        if thread is None or thread is threading.current_thread():
            return
        thread.join(_END_LIMIT)
        if thread.is_alive():
            _log.warning("the fleet was not left in order: the hub hangs")

    def apply(self, settings: FleetSettings) -> None:
        """Apply `[fleet]`: leave one fleet, and join the other. It cannot fail."""
        with self._lock:
            self._wanted = settings
            self._wake.set()
        if self._started:
            self.start()

    def tick(self) -> float:
        """Try again to start the thread that the system did not give."""
        TICKER.discard(self)
        if self._started:
            self.start()
        return _RETRY_TIME

    def after_fork(self) -> None:
        """Leave thread and hub to the parent, and what it has published."""
        self.topics = self.topics.for_child()
        self._inherited = self._session or self._inherited
        self._session, self._started, self._begun = None, False, False
        self._begin()

    def not_running(self) -> dict[str, str]:
        """Return `fleet` with a sentence if the processes do not decide together; else nothing."""
        if self._wanted.address.kind is HubKind.NONE:
            return {}
        session = self._session
        if not self._alive or session is None:
            why = self._problem or (_NO_THREAD if self._started else _NOT_STARTED)
        elif session.alone and (problem := str(getattr(session.hub, "problem", ""))):
            why = problem
        elif session.alone and not session.joining:
            why = "the hub has not answered yet"
        else:
            return {}
        return {"fleet": f"this process decides alone: {why}"}

    # --- for those who command or look

    @property
    def settings(self) -> FleetSettings:
        """Return `[fleet]` as it is to be in force."""
        return self._wanted

    @property
    def session(self) -> Session | None:
        """Return the present membership; None if there is none."""
        return self._session if self._alive else None

    @property
    def starting(self) -> bool:
        """True if there is to be a membership, and nobody has started it in this process yet."""
        wanted = self._wanted.address.kind is not HubKind.NONE
        return wanted and not self._begun and not BREAKERS.taken_over

    def publish(self, topic: str, key: str, value: str) -> None:
        """Write an entry for all processes, soon; no effect without a hub. See `Topics.publish`."""
        if self._wanted.address.kind is not HubKind.NONE:
            self.topics.publish(topic, key, value)
            self._wake.set()

    def offer(self, topic: str, key: str, offer: Offer) -> None:
        """Write an entry for all processes by what is there; see `Topics.offer`."""
        if self._wanted.address.kind is not HubKind.NONE:
            self.topics.offer(topic, key, offer)
            self._wake.set()

    def greet(self, breaker: Breaker) -> None:
        """Give a new breaker the operator's mode that is known here, before its first call."""
        if (session := self._session) is not None:
            session.apply_mode(breaker)

    def present_digest(self) -> str:
        """Return the hash of the settings as they are now, told or not; takes milliseconds."""
        return settings_digest(self._breakers)

    def exchange_soon(self) -> None:
        """Exchange at once, and return before."""
        self._wake.set()

    def meet(self, timeout: float) -> bool:
        """Exchange at once, and wait for that; return False if it takes longer than `timeout`."""
        return self._meetings.wait_for_next(timeout, self._wake.set)

    def wait_joined(self, timeout: float) -> bool:
        """Wait until the first exchange has ended, well or not; return False if it takes longer."""
        return self.session is None or self._meetings.wait_for_first(timeout)

    # --- the thread

    @property
    def _alive(self) -> bool:
        thread = self._thread
        return thread is not None and thread.is_alive()

    def _on_event(self, event: Event) -> None:
        if isinstance(event, Transition) and event.to_state is OPEN:
            self._wake.set()

    def _start_thread(self) -> None:
        thread = threading.Thread(
            target=self._run, args=(self._stopping,), name="breakerd-fleet", daemon=True
        )
        try:
            thread.start()
        except RuntimeError as error:
            self._problem = str(error)
            _log.warning("fleet not started, tried again in 5 s", error=str(error))
            TICKER.add(self)
        else:
            self._thread = thread

    def _run(self, stopping: threading.Event) -> None:
        due = CLOCK.monotonic()
        phase = self._chance()
        while not stopping.is_set():
            session = self._present_session()
            if session is None:
                if self._ends_without_hub():
                    return
                self._wake.wait(_RETRY_TIME)
                self._wake.clear()
                continue
            self._look()
            if self._wake.is_set() or CLOCK.monotonic() >= due or self._must_look(session):
                self._exchange(session)
                # After the first one each process has its own phase in the interval.
                interval = session.next_interval(self._chance())
                due = CLOCK.monotonic() + interval * (phase or 1.0)
                phase = 0.0
            self._wake.wait(max(0.0, min(LOOK, due - CLOCK.monotonic())))
        if self._stopping is stopping:  # not started again meanwhile
            self._bring_rest()
            self._end_session()

    def _bring_rest(self) -> None:
        """Bring the hub the entries that were published just before the end."""
        if self.topics.waits and (session := self._session) is not None and not session.alone:
            self._exchange(session)

    def _ends_without_hub(self) -> bool:
        """Return True if no thread is needed any more; the next start makes a new one."""
        with self._lock:
            if self._wanted.address.kind is not HubKind.NONE:
                return False
            self._thread = None
            return True

    def _look(self) -> None:
        try:
            self.on_look(CLOCK.monotonic())
        except Exception:  # noqa: BLE001 - the thread must go on
            _log.exception("secrets, or settings of the fleet, are not followed")

    def _must_look(self, session: Session) -> bool:
        return not BREAKERS.taken_over and session.needs_exchange()

    def _exchange(self, session: Session) -> None:
        self._wake.clear()
        with self._meetings.one():
            if not BREAKERS.taken_over and session.exchange() and session.view is not None:
                self.topics.exchange(session.hub.store, session.view)

    def _present_session(self) -> Session | None:
        """Return the session that the settings ask for; leave another one."""
        session = self._session
        if session is not None and session.settings == self._wanted:
            return session
        self._end_session()
        session = self._open()
        if session is not None:
            session.apply_modes()
        self._session = session
        return session

    def _end_session(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.end()

    def _open(self) -> Session | None:
        """Return a new session; None if there is no hub, or if it cannot be used."""
        settings = self._wanted
        self._incarnation = max(self._incarnation + 1, int(time.time() * 1000))
        try:
            hub = self._open_hub(settings, self._database)
            if hub is None:
                return None
            session = Session(
                hub,
                settings,
                self._breakers,
                self._modes,
                self._incarnation,
                looks_on=self._looks_on,
            )
        except (ConfigError, OSError, RuntimeError) as error:
            if str(error) != self._problem:
                _log.error("no fleet, this process decides alone", problem=str(error))
            self._problem = str(error)
            return None
        self._problem = ""
        return session


def _ignore_look(_now: float) -> None:
    """Do nothing at a look."""
